//! The node under test: the wiring that the server does, in one thread. It decides nothing; the machines do.

mod api;
mod capture;
mod centre;
mod directory;
mod effects;
mod leg;
mod signalling;
mod sink;
mod start;
mod upkeep;

pub(crate) use sink::BACKLOG_BYTES;

use super::centre::Centre;
use super::conditions::Conditions;
use super::control::ControlRows;
use super::core::{Action, Core};
use super::flows::RoutedFlow;
use super::watch::{Watches, queues};
use capture::CaptureSession;
pub(crate) use centre::{BotAnswer, LiveCentre};
use leg::Leg;
use sink::Sink;
pub(crate) use start::INSTANCE;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tympan_capture::{Lease, LeaseSpec, Leases};
use tympan_contact::invoke::AttemptError;
use tympan_contact::{Input, LiveContact, RoutingEvent};
use tympan_flow::Prompt;
use tympan_kvs::KvsService;
use tympan_media::Bridges;
use tympan_sip::agent::{Agent, Target};
use tympan_store::MediaStore;
use tympan_store::simulation::SimulatedMachine;
use tympan_telephony::words::MediaEvent;
use tympan_types::{CaptureId, ContactId, DialId, InvocationId, LegId, Mono, PromptId};

/// What the node does later.
#[derive(Debug)]
pub(crate) enum Task {
    /// The SIP agent's deadline.
    Agent,
    /// A name was resolved.
    Resolved { query: u64, targets: Vec<Target> },
    /// A leg's media has a deadline.
    Media { leg: LegId },
    /// A contact's deadline.
    Contact { contact: ContactId },
    /// A stream is to be leased and an upload opened.
    OpenUpload { contact: ContactId, capture: CaptureId, spec: Box<LeaseSpec> },
    /// Uploads are handed on.
    Feed,
    /// The store makes a group durable.
    Commit,
    /// The store's housekeeping.
    Housekeeping,
    /// The control database makes a group durable.
    Rows,
    /// A record is delivered.
    Deliver,
    /// A prompt has ended, on a leg without sound.
    PromptEnds { contact: ContactId, leg: LegId, prompt: PromptId },
    /// A prompt was turned into sound, or not.
    Prepared { contact: ContactId, prompt: PromptId, content: Prompt },
    /// The telephones of a call are known, or there is none.
    Dialled { contact: ContactId, dial: DialId, address: Option<SocketAddr> },
    /// The routing has something for a contact.
    Routing { contact: ContactId, event: Box<RoutingEvent> },
    /// A bot has answered, or has not.
    Recognized { contact: ContactId, invocation: InvocationId, answer: BotAnswer },
    /// The routing has a deadline.
    RoutingDue,
    /// A function has answered.
    Attempted {
        contact: ContactId,
        invocation: InvocationId,
        attempt: u32,
        result: Result<Vec<u8>, AttemptError>,
    },
}

/// What lies around the node, and outlives it.
pub(crate) struct Site {
    pub(crate) core: Core,
    pub(crate) machine: SimulatedMachine,
    pub(crate) rows: ControlRows,
    pub(crate) watches: Watches,
    pub(crate) flows: Arc<Vec<RoutedFlow>>,
    /// Which call each contact came by, and each contact of a call.
    pub(crate) calls: BTreeMap<ContactId, usize>,
    /// Everything is kept to be compared at the end. Else it is counted, and only live calls take memory.
    pub(crate) keeps: bool,
    /// Contacts that a power cut interrupted.
    pub(crate) interrupted: BTreeSet<ContactId>,
    /// Queues and agents, in a world that has some.
    pub(crate) centre: Option<Centre>,
    /// Where each agent's telephone is.
    pub(crate) agent_addresses: Vec<SocketAddr>,
    /// The first contact of the conversation that a later contact belongs to.
    pub(crate) chains: BTreeMap<ContactId, ContactId>,
}

/// The node.
pub(crate) struct Node {
    pub(crate) epoch: u32,
    address: SocketAddr,
    agent: Agent,
    agent_wake: Option<Mono>,
    pub(crate) contacts: BTreeMap<ContactId, Contact>,
    pub(crate) legs: BTreeMap<LegId, Leg>,
    ports: BTreeMap<u16, LegId>,
    next_port: u16,
    pub(crate) store: MediaStore,
    kvs: KvsService,
    leases: Leases,
    pub(crate) sink: Sink,
    captures: BTreeMap<(ContactId, CaptureId), CaptureSession>,
    /// Which tasks are scheduled.
    scheduled: Scheduled,
    requests: BTreeMap<u64, (ContactId, String, String)>,
    next_request: u64,
    /// How long a caller may send nothing before the call is ended.
    media_timeout: Option<Duration>,
    pub(crate) centre: LiveCentre,
    bridges: Bridges,
    /// The first contact of the conversation that a later contact belongs to.
    conversations: BTreeMap<ContactId, ContactId>,
}

/// A live contact with what the node knows of it.
pub(crate) struct Contact {
    machine: LiveContact,
    pub(crate) call: usize,
    pub(crate) leg: LegId,
    wake: Option<Mono>,
    /// A call keeps its streams to its end.
    leases: Vec<Lease>,
}

/// When each of the tasks that come again and again is due.
#[derive(Debug, Default)]
struct Scheduled {
    feed: bool,
    commit: bool,
    rows: bool,
    deliver: bool,
    housekeeping: Option<Mono>,
}

impl Site {
    fn later(&mut self, epoch: u32, ms: u64, task: Task) {
        self.core.schedule.after_ms(ms, Action::Node { epoch, task });
    }

    fn at(&mut self, epoch: u32, at: Mono, task: Task) {
        self.core.schedule.at(at, Action::Node { epoch, task });
    }

    fn conditions(&self) -> Conditions {
        self.core.conditions
    }
}

impl Node {
    /// Does what is due.
    pub(crate) fn run(&mut self, site: &mut Site, task: Task) {
        match task {
            Task::Agent => self.agent_due(site),
            Task::Resolved { query, targets } => self.resolved(site, query, targets),
            Task::Media { leg } => self.media_due(site, leg),
            Task::Contact { contact } => self.contact_due(site, contact),
            Task::OpenUpload { contact, capture, spec } => self.open_upload(site, contact, capture, &spec),
            Task::Feed => {
                self.scheduled.feed = false;
                self.feed(site);
            }
            Task::Commit => self.commit(site),
            Task::Housekeeping => self.housekeeping(site),
            Task::Rows => self.commit_rows(site),
            Task::Deliver => self.deliver(site),
            Task::PromptEnds { contact, leg, prompt } => {
                let event = MediaEvent::PromptFinished(prompt);
                self.tell(site, contact, Input::Media { leg, event });
            }
            Task::Prepared { contact, prompt, content } => self.prepared(site, contact, prompt, &content),
            Task::Dialled { contact, dial, address } => self.dialled(site, contact, dial, address),
            Task::Routing { contact, event } => self.tell_routing(site, contact, *event),
            Task::Recognized { contact, invocation, answer } => {
                self.recognized(site, contact, invocation, answer);
            }
            Task::RoutingDue => self.routing_due(site),
            Task::Attempted { contact, invocation, attempt, result } => {
                self.attempted(site, contact, invocation, attempt, result);
            }
        }
        self.plan(site);
        let uploads = self.sink.uploads().backlog_max_bytes;
        let outcome = queues::node(uploads, site.rows.pending(), self.requests.len(), self.contacts.len());
        site.core.check(queues::NAME, &"node", outcome);
    }

    /// Whether it ends a call of which nothing is heard.
    pub(crate) fn misses_silence(&self) -> bool {
        self.media_timeout.is_some()
    }

    /// The conversation that a contact belongs to, by its first contact.
    pub(super) fn conversation(&self, contact: ContactId) -> ContactId {
        self.conversations.get(&contact).copied().unwrap_or(contact)
    }

    /// The next port for RTP.
    pub(super) fn reserve_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = if port >= 65_000 { start::PORTS_FROM } else { port + 2 };
        port
    }

    /// Whether nothing of any call is left.
    pub(crate) fn is_idle(&self) -> bool {
        self.contacts.is_empty()
            && self.legs.is_empty()
            && self.captures.is_empty()
            && self.sink.uploads().len() == 0
            && self.agent.legs() == 0
            && self.agent.is_quiet()
    }

    /// How many streams the store holds in memory.
    pub(crate) fn streams(&self) -> u64 {
        self.store.stats().streams_loaded
    }

    /// What is left of calls, in words.
    pub(crate) fn what_is_left(&self) -> String {
        format!(
            "{} contacts, {} legs, {} captures, {} uploads, {} dialogs, {} transactions",
            self.contacts.len(),
            self.legs.len(),
            self.captures.len(),
            self.sink.uploads().len(),
            self.agent.legs(),
            self.agent.transactions()
        )
    }
}
