//! The task that owns the agent: inputs in, outputs out. It waits for nothing but inputs and time.
//!
//! Every way into it has a limit: datagrams beyond theirs are dropped and counted, connections wait each for itself, and commands
//! have room for all that the legs may have under way. Nothing on the way out waits: a datagram that the kernel has no room for
//! is lost, a connection whose queue is full is closed, a call whose task does not read is ended.

use super::address::LocalAddress;
use super::calls::digits_of;
use super::leg::{Invitation, Leg, LegEntry, NotRead, ToShard, refuse_for_now};
use super::locations::Locations;
use super::resolve::{Question, Resolved, Resolver};
use super::stats::SipStats;
use super::tcp::{Opened, StreamEvent, TcpSide};
use super::udp::{Datagram, Sent, UdpSide};
use super::{Calls, body};
use crate::clock::mono_now;
use crate::connections::Work;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tympan_sip::agent::{
    Agent, BindingEvent, BindingId, Command, ConnId, Ended, Event, Flow, Input, ListenerId, Output, Trunks,
    Way,
};
use tympan_sip::wire::Status;
use tympan_types::{LegId, Mono, Redacted};

/// The one listener for datagrams.
pub(super) const LISTENER: ListenerId = ListenerId(0);
/// Inputs of one kind that are taken before those of the others get their turn.
const TURN: usize = 64;
/// How often connections are looked at: their time limits are seconds.
const SWEEP: Duration = Duration::from_secs(1);
/// How long a connection whose peer sends no more is kept for what is still due to it: the life of a transaction (64*T1).
const HALF_CLOSED_LIMIT: Duration = Duration::from_secs(32);
/// How long such a connection is kept that carries no call: an answer may be on its way from a call's task.
const HALF_CLOSED_REST: Duration = Duration::from_secs(1);
/// How long a server that goes down waits for the answers to its last BYEs.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What comes in.
pub(super) struct Inputs {
    pub(super) datagrams: mpsc::Receiver<Datagram>,
    pub(super) streams: mpsc::Receiver<StreamEvent>,
    pub(super) commands: mpsc::Receiver<ToShard>,
    pub(super) resolved: mpsc::Receiver<Resolved>,
    /// From now on new calls are refused.
    pub(super) drain: CancellationToken,
    /// The server goes down.
    pub(super) stop: CancellationToken,
}

/// The agent and everything that it reaches.
pub(super) struct Shard {
    pub(super) agent: Agent,
    pub(super) local: LocalAddress,
    pub(super) udp: UdpSide,
    pub(super) tcp: TcpSide,
    pub(super) resolver: Resolver,
    pub(super) calls: Calls,
    /// For legs that are new.
    pub(super) commands: mpsc::Sender<ToShard>,
    pub(super) trunks: Trunks,
    pub(super) stats: Arc<SipStats>,
    pub(super) conns: HashMap<ConnId, Conn>,
    pub(super) legs: HashMap<LegId, LegEntry>,
    /// What outputs lead to, for the agent once they are all taken.
    pub(super) follow_ups: VecDeque<Input>,
    /// Where telephones are.
    pub(super) locations: Locations,
    /// Keeps the connections that telephones registered by.
    pub(super) bound: HashMap<BindingId, Work>,
}

/// A connection that is open.
pub(super) struct Conn {
    opened: Opened,
    heard_at: Instant,
    /// Since when bytes wait for the rest of their message, and how many.
    partial: Option<(Instant, usize)>,
    half_closed_at: Option<Instant>,
    /// It was told to end.
    is_ending: bool,
}

impl Shard {
    /// Serves until the server goes down.
    pub(super) async fn serve(mut self, mut inputs: Inputs) {
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut datagrams, mut streams, mut commands) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_draining = false;
        let mut stop_at: Option<Instant> = None;
        loop {
            let stops = async {
                match stop_at {
                    None => inputs.stop.cancelled().await,
                    Some(at) => tokio::time::sleep_until(at).await,
                }
            };
            tokio::select! {
                // None comes only where the thread that reads is gone.
                1.. = inputs.datagrams.recv_many(&mut datagrams, TURN) => {
                    for datagram in datagrams.drain(..) {
                        self.packet(datagram);
                    }
                }
                _ = inputs.streams.recv_many(&mut streams, TURN) => {
                    for event in streams.drain(..) {
                        self.stream(event);
                    }
                }
                _ = inputs.commands.recv_many(&mut commands, TURN) => {
                    for command in commands.drain(..) {
                        match command {
                            ToShard::Command(leg, command) => self.handle(Input::Command { leg, command }),
                            ToShard::Dial { leg, entry, command } => {
                                self.legs.insert(leg, entry);
                                self.handle(Input::Command { leg, command: *command });
                            }
                        }
                    }
                }
                Some(Resolved { query, targets }) = inputs.resolved.recv() => {
                    self.handle(Input::Resolved { query, targets });
                }
                () = inputs.drain.cancelled(), if !is_draining => {
                    is_draining = true;
                    self.handle(Input::Drain);
                }
                () = stops => match stop_at {
                    Some(_) => return self.close(),
                    None => stop_at = Some(Instant::now() + LAST_ANSWERS),
                },
                _ = sweep.tick() => self.sweep(),
                () = until(self.agent.next_deadline()) => self.handle(Input::Tick),
            }
            self.stats.now_open(self.agent.legs(), self.agent.transactions(), self.conns.len());
            if stop_at.is_some() && self.agent.legs() == 0 && inputs.commands.is_empty() {
                return self.close();
            }
        }
    }

    fn packet(&mut self, datagram: Datagram) {
        let Datagram { from, to, bytes, .. } = datagram;
        let local = self.local.reached_by(from, to);
        self.handle(Input::Packet { at: LISTENER, local, from, bytes });
    }

    fn stream(&mut self, event: StreamEvent) {
        let now = Instant::now();
        match event {
            StreamEvent::Opened(conn, opened) => {
                let flow = opened.flow;
                let state =
                    Conn { opened, heard_at: now, partial: None, half_closed_at: None, is_ending: false };
                self.conns.insert(conn, state);
                self.handle(Input::Opened { conn, flow });
            }
            StreamEvent::Bytes(conn, bytes) => {
                // It may be closed already: its task and this one run side by side.
                let Some(state) = self.conns.get_mut(&conn) else { return };
                state.heard_at = now;
                let length = bytes.len();
                self.handle(Input::Stream { conn, bytes });
                let held = self.agent.held_bytes(conn);
                if let Some(state) = self.conns.get_mut(&conn) {
                    state.partial = match state.partial {
                        _ if held == 0 => None,
                        // Nothing was completed: the message that waited goes on waiting.
                        Some((since, before)) if held == before + length => Some((since, held)),
                        _ => Some((now, held)),
                    };
                }
            }
            StreamEvent::HalfClosed(conn) => {
                if let Some(state) = self.conns.get_mut(&conn) {
                    state.half_closed_at = Some(now);
                }
            }
            StreamEvent::Closed(conn) => {
                self.conns.remove(&conn);
                self.handle(Input::Closed { conn });
            }
        }
    }

    /// Gives an input to the agent, and does all that follows from it.
    fn handle(&mut self, input: Input) {
        let now = mono_now();
        self.agent.handle(now, input);
        loop {
            while let Some(output) = self.agent.poll() {
                self.perform(output);
            }
            match self.follow_ups.pop_front() {
                Some(input) => self.agent.handle(now, input),
                None => return,
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Send { flow, bytes } => self.send(flow, bytes),
            Output::Connect { conn, target } => self.tcp.connect(conn, target),
            Output::Close { conn, after_writing } => {
                if let Some(state) = self.conns.get(&conn) {
                    if after_writing {
                        state.opened.queue.finish();
                    } else {
                        state.opened.abort.cancel();
                    }
                }
            }
            Output::Resolve { query, host, port, transport } => {
                let question = Question { query, host, port, transport };
                if let Some(Resolved { query, targets }) = self.resolver.resolve(question) {
                    self.follow_ups.push_back(Input::Resolved { query, targets });
                }
            }
            Output::Event { leg, event } => self.event(leg, event),
            Output::Binding(event) => self.binding(event),
            Output::Count(counter) => self.stats.count(counter),
        }
    }

    /// A connection that a telephone registered by is the only way to it: it stays while the binding does.
    fn binding(&mut self, event: BindingEvent) {
        match &event {
            BindingEvent::Registered(binding) | BindingEvent::Refreshed(binding) => {
                let work = match binding.flow.way {
                    Way::Stream(conn) => self.conns.get(&conn).map(|state| state.opened.place.work()),
                    Way::Datagram(_) => None,
                };
                match work {
                    Some(work) => self.bound.insert(binding.id, work),
                    None => self.bound.remove(&binding.id),
                };
                debug!(user = %binding.user, binding = %binding.id, peer = %binding.flow.peer, "a telephone is registered");
            }
            BindingEvent::Unregistered { user, binding, why } => {
                self.bound.remove(binding);
                debug!(%user, %binding, ?why, "a telephone is no longer registered");
            }
        }
        self.locations.apply(event);
        self.stats.now_bound(self.locations.len());
    }

    fn send(&mut self, flow: Flow, bytes: Bytes) {
        match flow.way {
            Way::Datagram(_) => match self.udp.send(&flow, self.local, &bytes) {
                Sent::Whole => {}
                // As lost as any datagram may be: transactions repeat it.
                Sent::NoRoom => self.stats.datagram_not_sent(),
                Sent::Failed => {
                    self.stats.datagram_not_sent();
                    self.follow_ups.push_back(Input::SendFailed { flow });
                }
            },
            Way::Stream(conn) => match self.conns.get(&conn) {
                Some(state) if state.opened.queue.push(bytes) => {}
                Some(state) => {
                    debug!(peer = %flow.peer, "a SIP connection is closed: its peer does not read");
                    state.opened.abort.cancel();
                    self.conns.remove(&conn);
                    self.stats.connection_unread();
                    self.follow_ups.push_back(Input::Closed { conn });
                }
                None => self.follow_ups.push_back(Input::SendFailed { flow }),
            },
        }
    }

    fn event(&mut self, leg: LegId, event: Event) {
        if matches!(event, Event::Invited { .. }) {
            return self.invited(leg, event);
        }
        let is_last = matches!(event, Event::Ended(_));
        if let Event::Ended(Ended { by, status, .. }) = &event {
            debug!(%leg, ?by, status = status.map(Status::code), "a SIP call has ended");
        }
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        if entry.tell(event) == Err(NotRead) && !is_last {
            self.stats.leg_unread();
            self.legs.remove(&leg);
            self.follow_ups.push_back(Input::Command { leg, command: Command::HangUp { reason: None } });
        }
        if is_last {
            self.legs.remove(&leg);
        }
    }

    fn invited(&mut self, id: LegId, event: Event) {
        let Event::Invited {
            call_id,
            trunk,
            called,
            caller,
            source,
            flow,
            user,
            replaces,
            parts,
            message,
            ..
        } = event
        else {
            return;
        };
        let (mut entry, leg, events) = LegEntry::new(id, self.commands.clone());
        if user.is_some() {
            entry.is_of_phone();
        }
        let carrier = match flow.way {
            Way::Stream(conn) => self.conns.get(&conn).map(|state| state.opened.place.work()),
            Way::Datagram(_) => None,
        };
        let invitation = Invitation {
            call_id,
            called: Redacted::new(called.into_exposed().text),
            caller: Redacted::new(caller.number.map(|number| number.into_exposed().text).unwrap_or_default()),
            headers: body::headers(&message),
            source,
            local: flow.local,
            offer: body::sdp(&parts),
            digits: digits_of(&self.trunks, &trunk),
            trunk,
            user,
            replaces,
            leg: leg.clone(),
            events,
            carrier,
        };
        self.legs.insert(id, entry);
        if self.calls.try_send(invitation).is_err() {
            self.stats.invitation_refused();
            self.refuse(id, leg);
        }
    }

    fn refuse(&mut self, id: LegId, leg: Leg) {
        self.legs.remove(&id);
        leg.ends();
        self.follow_ups.push_back(Input::Command { leg: id, command: refuse_for_now() });
    }

    /// Closes connections whose time is up.
    fn sweep(&mut self) {
        let now = Instant::now();
        let limits = &self.tcp.limits;
        let is_over = |since: Instant, limit: Duration| now.duration_since(since) >= limit;
        for state in self.conns.values_mut().filter(|state| !state.is_ending) {
            let (is_working, queue) = (state.opened.place.is_working(), &state.opened.queue);
            if state.partial.is_some_and(|(since, _)| is_over(since, limits.message)) {
                self.stats.connection_partial();
                state.opened.abort.cancel();
                state.is_ending = true;
            } else if let Some(since) = state.half_closed_at {
                // Nothing is due to the peer any more: its calls are over, its requests had time for their answers.
                let is_done = !is_working && queue.is_empty() && is_over(since, HALF_CLOSED_REST);
                if is_done || is_over(since, HALF_CLOSED_LIMIT) {
                    queue.finish();
                    state.is_ending = true;
                }
            } else if !is_working && is_over(state.heard_at, limits.idle) {
                self.stats.connection_idle();
                queue.finish();
                state.is_ending = true;
            }
        }
    }

    fn close(self) {
        self.tcp.cancel.cancel();
    }
}

/// Waits until a deadline has passed.
async fn until(deadline: Option<Mono>) {
    match deadline {
        None => std::future::pending().await,
        Some(deadline) => {
            let now = mono_now();
            if deadline > now {
                // What is left of the last millisecond counts as a whole one.
                let wait_ms = u64::try_from(deadline.ms_since(now)).unwrap_or(0).saturating_add(1);
                sleep(Duration::from_millis(wait_ms)).await;
            }
        }
    }
}
