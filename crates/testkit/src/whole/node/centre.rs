//! Queues and agents of the node: what contacts ask of the routing, and the calls that they place.

use super::leg::Leg;
use super::signalling::sdp;
use super::{Node, Site, Task};
use crate::whole::centre::{agent_id, agent_ref};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tympan_contact::routing::{
    AgentKey, EnqueueRefusal, Output, QueueKey, QueuedContact, QueuedKind, Routing, RoutingCriteria,
    RoutingOptions, RoutingUpdate,
};
use tympan_contact::{
    AgentReport, DialRequest, DialTarget, DialledLeg, Input, QueueRef, RoutingEvent, RoutingRefusal,
    RoutingRequest,
};
use tympan_lex::turn::{RecognizeError, Reply};
use tympan_sip::agent::Command;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_types::{ContactId, DialId, InstanceId, InvocationId, LegId, Mono, OfferId, ResourceId};

/// The centre in the running node.
pub(crate) struct LiveCentre {
    pub(crate) routing: Routing,
    instance: InstanceId,
    /// To whom each contact is offered.
    offers: BTreeMap<OfferId, (ContactId, AgentKey)>,
    wake: Option<Mono>,
    next_leg: u64,
    /// Where each dialled leg rings.
    dialled: BTreeMap<LegId, SocketAddr>,
}

/// Dialled legs have numbers from here.
const DIALLED_LEGS_FROM: u64 = 1 << 32;

impl LiveCentre {
    pub(super) fn new(instance: InstanceId) -> Self {
        Self {
            routing: Routing::new(RoutingOptions {
                clear_missed_after_ms: Some(5_000),
                ..RoutingOptions::default()
            }),
            instance,
            offers: BTreeMap::new(),
            wake: None,
            next_leg: DIALLED_LEGS_FROM,
            dialled: BTreeMap::new(),
        }
    }
}

impl Node {
    /// All agents are at their telephones.
    pub(super) fn open_centre(&mut self, site: &mut Site) {
        let Some(centre) = &site.centre else { return };
        let (plan, agents) = (centre.plan.clone(), centre.agents);
        let now = self.contact_now(site);
        let instance = self.centre.instance;
        self.centre.routing.configure(now, plan);
        for agent in 0..agents {
            self.centre.routing.online(now, AgentKey { instance, user: agent_id(agent) });
        }
        self.routed(site);
    }

    /// What a contact asks of the routing.
    pub(super) fn routing_request(&mut self, site: &mut Site, request: RoutingRequest) {
        let now = self.contact_now(site);
        let routing = &mut self.centre.routing;
        match request {
            RoutingRequest::Enqueue { contact, queue, priority, age_adjustment_s, is_transfer } => {
                let event = match self.centre.queue(&queue) {
                    Some(queue) => {
                        let queued = QueuedContact {
                            contact,
                            queue,
                            priority: priority.into(),
                            age_adjustment_s,
                            queued_at: now.wall,
                            kind: QueuedKind::Call,
                            has_buffer: is_transfer,
                            criteria: RoutingCriteria::default(),
                        };
                        match self.centre.routing.enqueue(now, queued) {
                            Ok(()) => RoutingEvent::Queued { contact },
                            Err(refusal) => RoutingEvent::Refused { contact, refusal: refused(refusal) },
                        }
                    }
                    None => RoutingEvent::Refused { contact, refusal: RoutingRefusal::NoSuchQueue },
                };
                site.core.tally.queued += u64::from(matches!(event, RoutingEvent::Queued { .. }));
                site.later(self.epoch, 0, Task::Routing { contact, event: Box::new(event) });
            }
            RoutingRequest::Leave { contact } => drop(routing.leave(now, contact)),
            RoutingRequest::Report { offer, report } => self.report(site, offer, report),
            RoutingRequest::Update { contact, priority, age_adjustment_s } => {
                if let Some(priority) = priority {
                    let _ = routing.update(now, contact, RoutingUpdate::Priority(priority.into()));
                }
                if let Some(seconds) = age_adjustment_s {
                    let _ = routing.update(now, contact, RoutingUpdate::AgeAdjustment { seconds });
                }
            }
            RoutingRequest::OfferTo { contact, .. } | RoutingRequest::Occupy { contact, .. } => {
                let event = RoutingEvent::Refused { contact, refusal: RoutingRefusal::AgentNotAvailable };
                site.later(self.epoch, 0, Task::Routing { contact, event: Box::new(event) });
            }
            RoutingRequest::Callback(_) | RoutingRequest::CallAgain { .. } => {}
        }
        self.routed(site);
    }

    fn report(&mut self, site: &mut Site, offer: OfferId, report: AgentReport) {
        let now = self.contact_now(site);
        let routing = &mut self.centre.routing;
        let known = self.centre.offers.get(&offer).copied();
        site.core.event(&offer, "is reported", &format!("{report:?}"));
        let Some((contact, agent)) = known else { return };
        match report {
            AgentReport::Accepted => drop(routing.accepted(now, offer)),
            AgentReport::Dequeued => drop(routing.dequeued(now, offer)),
            AgentReport::Joined => {
                site.core.tally.joined += 1;
                routing.joined(now, offer);
            }
            AgentReport::OnHold => routing.held(now, agent, contact, true),
            AgentReport::OffHold => routing.held(now, agent, contact, false),
            AgentReport::Missed => routing.missed(now, offer),
            AgentReport::Failed => routing.failed(now, offer),
            AgentReport::Abandoned => drop(routing.leave(now, contact)),
            AgentReport::Ended => routing.ended(now, agent, contact),
        }
        if matches!(
            report,
            AgentReport::Missed | AgentReport::Failed | AgentReport::Abandoned | AgentReport::Ended
        ) {
            self.centre.offers.remove(&offer);
        }
    }

    /// Passes on what the routing wants.
    pub(super) fn routed(&mut self, site: &mut Site) {
        while let Some(output) = self.centre.routing.poll() {
            site.core.event(&"routing", "wants", &format!("{output:?}"));
            match output {
                Output::Offer { offer, contact, agent, ring_limit_ms, auto_accept, .. } => {
                    self.centre.offers.insert(offer, (contact, agent));
                    site.core.tally.offers += 1;
                    let event = RoutingEvent::Offered {
                        contact,
                        offer,
                        agent: agent_ref(agent),
                        ring_limit_ms,
                        accepts_by_itself: auto_accept,
                    };
                    site.later(self.epoch, 0, Task::Routing { contact, event: Box::new(event) });
                }
                Output::OfferEnded { offer, contact, .. } => {
                    let event = Box::new(RoutingEvent::Withdrawn { offer });
                    site.later(self.epoch, 0, Task::Routing { contact, event });
                }
                Output::CallbackQueued { .. }
                | Output::Removed { .. }
                | Output::StepExpired { .. }
                | Output::AfterContactWorkEnded { .. }
                | Output::StatusChanged { .. } => {}
            }
        }
        let now = site.core.now();
        let next = self.centre.routing.next_deadline().map(|next| next.max(now));
        if next != self.centre.wake {
            self.centre.wake = next;
            if let Some(next) = next {
                site.at(self.epoch, next, Task::RoutingDue);
            }
        }
    }

    pub(super) fn routing_due(&mut self, site: &mut Site) {
        if self.centre.wake.take_if(|wake| *wake <= site.core.now()).is_some() {
            let now = self.contact_now(site);
            self.centre.routing.time_passed(now);
            self.routed(site);
        }
    }

    /// A call is to be placed: a leg for the agent's telephone is made ready, or is not.
    pub(super) fn dial(&mut self, site: &mut Site, contact: ContactId, dial: DialId, request: &DialRequest) {
        let DialTarget::Agent(agent) = &request.target else {
            let task = Task::Dialled { contact, dial, address: None };
            return site.later(self.epoch, 1, task);
        };
        let agents = site.centre.as_ref().map_or(0, |centre| centre.agents);
        let index = (0..agents).find(|index| agent_id(*index) == agent.id);
        let fails = !site.core.conditions.is_calm && site.core.random.percent(5);
        let address = index.filter(|_| !fails).and_then(|index| site.agent_addresses.get(index).copied());
        let ms = site.core.random.pick(&[0, 1, 30]);
        site.later(self.epoch, ms, Task::Dialled { contact, dial, address });
    }

    pub(super) fn dialled(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        dial: DialId,
        address: Option<SocketAddr>,
    ) {
        let Some(address) = address else {
            let reason = "no telephone".to_owned();
            return self.tell(site, contact, Input::DialFailed { dial, reason });
        };
        let contact = self.conversation(contact);
        if !self.contacts.contains_key(&contact) {
            return;
        }
        let id = LegId::new(self.centre.next_leg);
        self.centre.next_leg += 1;
        let port = self.reserve_port();
        let has_sound = site.keeps;
        self.legs.insert(id, Leg::dialled(contact, port, address.ip(), has_sound));
        self.ports.insert(port, id);
        self.centre.dialled.insert(id, address);
        let local = LocalMedia::new(SocketAddr::new(self.address.ip(), port), site.core.random.bits() >> 2);
        let leg = DialledLeg { id, local, digits: DigitSource::Both };
        self.tell(site, contact, Input::DialReady { dial, legs: vec![leg] });
    }

    /// A bot is asked: it has an intent, or does not answer.
    pub(super) fn recognize(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        invocation: InvocationId,
        limit_ms: u32,
    ) {
        site.core.tally.invocations += 1;
        let conditions = site.core.conditions;
        let ms = site.core.random.pick(&[20, 300, 1_500]);
        let is_silent = site.core.random.permille(conditions.function_silent_permille);
        let fails = site.core.random.permille(conditions.function_fails_permille);
        let (ms, answer) = match (is_silent, fails) {
            (true, _) => (u64::from(limit_ms), BotAnswer::TimesOut { limit_ms }),
            (false, true) => (ms, BotAnswer::Unreachable),
            // Some bots ask again and again.
            (false, false) if site.core.random.percent(30) => (ms, BotAnswer::Elicits),
            (false, false) => (ms, BotAnswer::Fulfilled),
        };
        site.later(self.epoch, ms, Task::Recognized { contact, invocation, answer });
    }

    pub(super) fn recognized(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        invocation: InvocationId,
        answer: BotAnswer,
    ) {
        let state = |action: &str, state: &str| {
            let session = json!({
                "dialogAction": { "type": action, "slotToElicit": "drink" },
                "intent": { "name": "Order", "state": state },
            });
            let messages = json!([{ "contentType": "PlainText", "content": "one two" }]);
            Box::new(Reply {
                session_state: serde_json::from_value(session).unwrap_or_default(),
                messages: serde_json::from_value(messages).unwrap_or_default(),
                ..Reply::default()
            })
        };
        let result = match answer {
            BotAnswer::TimesOut { limit_ms } => Err(RecognizeError::TimedOut { limit_ms }),
            BotAnswer::Unreachable => Err(RecognizeError::Unreachable("simulated".to_owned())),
            BotAnswer::Elicits => Ok(state("ElicitSlot", "InProgress")),
            BotAnswer::Fulfilled => Ok(state("Close", "Fulfilled")),
        };
        self.tell(site, contact, Input::Recognized { invocation, result });
    }

    /// An agent who is not free, where there is one: missed calls are cleared, and work after a contact ends.
    pub(crate) fn busy_agent(&self) -> Option<String> {
        let routing = &self.centre.routing;
        let mut agents = routing.agents(self.centre.instance).filter_map(|agent| routing.user_data(agent));
        let busy = agents.find(|data| !data.contacts.is_empty())?;
        Some(format!("agent {} has {:?}", busy.agent.user, busy.contacts))
    }

    /// The telephone of a leg is rung.
    pub(super) fn invite(&mut self, site: &mut Site, id: LegId, text: String) {
        let Some(address) = self.centre.dialled.remove(&id) else { return };
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.has_signalling = true;
        }
        let command = Command::Dial {
            to: format!("sip:agent@{address}"),
            from: format!("sip:node@{}", self.address),
            display_name: None,
            route: Vec::new(),
            transport: None,
            credentials: None,
            offer: Some(sdp(text)),
            headers: Vec::new(),
            binding: None,
            replaces: None,
        };
        self.command(site, id, command);
    }
}

/// What a simulated bot answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BotAnswer {
    /// Nothing.
    TimesOut { limit_ms: u32 },
    /// Its server is away.
    Unreachable,
    /// One more question.
    Elicits,
    /// An intent.
    Fulfilled,
}

impl LiveCentre {
    fn queue(&self, queue: &QueueRef) -> Option<QueueKey> {
        let (_, id) = queue.arn.rsplit_once('/')?;
        Some(QueueKey::standard(self.instance, ResourceId::parse(id).ok()?))
    }
}

fn refused(refusal: EnqueueRefusal) -> RoutingRefusal {
    match refusal {
        EnqueueRefusal::AtCapacity => RoutingRefusal::AtCapacity,
        EnqueueRefusal::Disabled => RoutingRefusal::Disabled,
        EnqueueRefusal::NoSuchQueue | EnqueueRefusal::TooManySteps => RoutingRefusal::NoSuchQueue,
        EnqueueRefusal::AlreadyQueued => RoutingRefusal::AlreadyQueued,
    }
}
