//! The public face.

use super::asked::Asked;
use super::core::{Core, Failure};
use super::dial::Destination;
use super::leg::Leg;
use super::outside::Stranger;
use super::{
    Binding, BindingEvent, BindingId, Command, Config, ConnId, Counter, EndedBy, Event, Flow, ListenerId,
    Phones, Target, Way,
};
use crate::dialog::Tag;
use crate::transaction::{Arrival, Reply};
use crate::wire::{
    Cut, Draft, Dropped, Judged, Method, Name, Request, Response, Status, Text, Transport, Uri, cut_packet,
    judge,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use tympan_types::{LegId, Mono};

/// What comes in.
#[derive(Debug)]
pub enum Input {
    /// A datagram.
    Packet {
        /// The listener that it came by.
        at: ListenerId,
        /// The address at which the sender reaches us (see [`Flow::local`]).
        local: SocketAddr,
        /// The sender.
        from: SocketAddr,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is open: of a peer, or one that [`Output::Connect`] asked for.
    Opened {
        /// The connection.
        conn: ConnId,
        /// Its path; `transport` says whether it is secured.
        flow: Flow,
    },
    /// Bytes of a connection, in order.
    Stream {
        /// The connection.
        conn: ConnId,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is closed, or could not be opened.
    Closed {
        /// The connection.
        conn: ConnId,
    },
    /// Bytes could not be sent by this path.
    SendFailed {
        /// The path.
        flow: Flow,
    },
    /// What [`Output::Resolve`] asked for; empty where there is nothing.
    Resolved {
        /// Which query.
        query: u64,
        /// Places, best first.
        targets: Vec<Target>,
    },
    /// A command of a leg's user. A command for a leg that is over is ignored.
    Command {
        /// The leg.
        leg: LegId,
        /// The command.
        command: Command,
    },
    /// The telephones that may register, in place of those before. Bindings of those that are gone end.
    Phones(Phones),
    /// From now on OPTIONS and new calls get 503; calls go on.
    Drain,
    /// Time has passed.
    Tick,
}

/// What goes out.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is taken at once")]
pub enum Output {
    /// Bytes to send.
    Send {
        /// The path.
        flow: Flow,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection to open under this number; [`Input::Opened`] or [`Input::Closed`] follows. Bytes sent before are kept by
    /// the agent until then.
    Connect {
        /// Its number: from the upper half of the numbers, so that it never meets one of the shell's.
        conn: ConnId,
        /// Where to.
        target: Target,
    },
    /// A connection to close.
    Close {
        /// The connection.
        conn: ConnId,
        /// Once what was sent is written.
        after_writing: bool,
    },
    /// A URI to resolve (RFC 3263); [`Input::Resolved`] follows. An IP address of the flow that a dialog has is not asked for.
    Resolve {
        /// The number for the answer.
        query: u64,
        /// Host, port and transport as the URI says.
        host: String,
        /// Port where one is written.
        port: Option<u16>,
        /// Transport where one is said.
        transport: Option<Transport>,
    },
    /// Something happened on a leg.
    Event {
        /// The leg.
        leg: LegId,
        /// What.
        event: Event,
    },
    /// A binding of a registered telephone changed.
    Binding(BindingEvent),
    /// Something to count.
    Count(Counter),
}

/// A user agent, or one shard of it: all messages of a Call-ID come to the same one.
#[derive(Debug)]
pub struct Agent {
    pub(super) core: Core,
    legs: BTreeMap<LegId, Box<Leg>>,
    /// Each leg by the tag that we chose for its dialog.
    by_tag: BTreeMap<Tag, LegId>,
    /// Legs by what is due next.
    due: BTreeSet<(Mono, LegId)>,
    /// Legs whose user knows that they are over.
    over: usize,
    pub(super) next_invited: u64,
    pub(super) is_draining: bool,
}

impl Agent {
    /// `seed` makes tags, branches, Call-IDs and nonces.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        Self {
            next_invited: config.invited_legs_from,
            core: Core::new(config, seed),
            legs: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            due: BTreeSet::new(),
            over: 0,
            is_draining: false,
        }
    }

    /// Takes an input; [`Agent::poll`] until it gives `None`.
    pub fn handle(&mut self, now: Mono, input: Input) {
        // A clock that went back would let timers stand still.
        self.core.now = self.core.now.max(now);
        self.advance();
        match input {
            Input::Packet { at, local, from, bytes } => {
                let flow = Flow { way: Way::Datagram(at), transport: Transport::Udp, local, peer: from };
                self.take_packet(flow, bytes);
            }
            Input::Opened { conn, flow } => {
                self.core.admission.source_confirmed(self.core.now, flow.peer.ip());
                for bytes in self.core.connections.opened(conn, flow) {
                    self.core.send(flow, bytes);
                }
            }
            Input::Stream { conn, bytes } => self.take_stream(conn, bytes),
            Input::Closed { conn } => {
                if let Some(flow) = self.core.connections.closed(conn) {
                    self.core.flow_failed(flow);
                }
                self.unbind(conn);
            }
            Input::SendFailed { flow } => self.core.flow_failed(flow),
            Input::Resolved { query, targets } => self.resolved(query, targets),
            Input::Command { leg, command } => self.command(leg, command),
            Input::Phones(phones) => {
                let gone = self.core.registrar.keep(&phones);
                self.core.phones = phones;
                self.core.bindings_changed(gone);
            }
            Input::Drain => self.is_draining = true,
            Input::Tick => {}
        }
        self.settle();
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<Output> {
        self.core.next_output()
    }

    /// When [`Input::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        let leg = self.due.first().map(|(at, _)| *at);
        let others = [self.core.transactions.next_deadline(), self.core.registrar.next_deadline()];
        leg.into_iter().chain(others.into_iter().flatten()).min()
    }

    /// Legs that are not over.
    pub fn legs(&self) -> usize {
        self.legs.len() - self.over
    }

    /// True where a request of this leg has no final response yet. A BYE or CANCEL goes on after [`super::Event::Ended`]; a shell
    /// that ends waits until this is false.
    pub fn has_open_request(&self, leg: LegId) -> bool {
        self.legs.get(&leg).is_some_and(|leg| leg.has_open_request())
    }

    /// Transactions that are open, ours and the peers'.
    pub fn transactions(&self) -> usize {
        let (servers, clients) = self.core.transactions.len();
        servers + clients
    }

    /// Bytes of this connection that wait for the rest of their message. From their growth the shell sees whether messages are
    /// completed, and closes a connection whose message is not completed in time.
    pub fn held_bytes(&self, conn: ConnId) -> usize {
        self.core.connections.held_bytes(conn)
    }

    /// The device that is bound under this number.
    pub fn binding(&self, id: BindingId) -> Option<&Binding> {
        self.core.registrar.get(id)
    }

    /// True where nothing waits: no leg, no binding, no transaction, no connection's remainder.
    pub fn is_quiet(&self) -> bool {
        self.legs.is_empty() && self.core.registrar.is_empty() && self.core.is_quiet()
    }

    fn advance(&mut self) {
        self.core.advance();
        let expired = self.core.registrar.expire(self.core.now);
        self.core.bindings_changed(expired);
        self.settle();
        while let Some(&(at, id)) = self.due.first() {
            if at > self.core.now {
                break;
            }
            self.with_leg(id, |leg, core| leg.advance(core));
            if self.due.contains(&(at, id)) {
                // No leg may hold time still: what it did not do now waits for the next instant.
                self.arm_at(id, Some(self.core.now.plus_ms(1)));
            }
            self.settle();
        }
    }

    /// Tells legs what their transactions found.
    fn settle(&mut self) {
        while let Some((sent, failure)) = self.core.next_timed_out() {
            let status = match failure {
                Failure::TimedOut => Status::REQUEST_TIMEOUT,
                Failure::Transport => Status::SERVICE_UNAVAILABLE,
            };
            self.with_leg(sent.leg, |leg, core| leg.failed(core, sent.number, status, failure));
        }
    }

    /// Does something with a leg; afterwards its deadline is right, and it is gone where nothing is left of it.
    fn with_leg(&mut self, id: LegId, act: impl FnOnce(&mut Leg, &mut Core)) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let was_over = leg.is_over();
        act(leg, &mut self.core);
        if leg.is_over() && !was_over {
            self.over += 1;
        }
        if leg.is_done() {
            self.remove(id);
        } else {
            self.arm(id);
        }
    }

    pub(super) fn insert(&mut self, leg: Leg) {
        let id = leg.id;
        if leg.is_over() {
            self.over += 1;
        }
        self.by_tag.insert(leg.tag(), id);
        self.legs.insert(id, Box::new(leg));
        self.with_leg(id, |_, _| {});
    }

    fn remove(&mut self, id: LegId) {
        let Some(leg) = self.legs.remove(&id) else { return };
        self.over -= 1;
        for query in leg.queries() {
            self.core.answered(query);
        }
        self.by_tag.remove(&leg.tag());
        if let Some(at) = leg.armed {
            self.due.remove(&(at, id));
        }
    }

    fn arm(&mut self, id: LegId) {
        let next = self.legs.get(&id).and_then(|leg| leg.next_deadline());
        self.arm_at(id, next);
    }

    fn arm_at(&mut self, id: LegId, next: Option<Mono>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if next != leg.armed {
            if let Some(at) = leg.armed {
                self.due.remove(&(at, id));
            }
            if let Some(at) = next {
                self.due.insert((at, id));
            }
            leg.armed = next;
        }
    }

    fn command(&mut self, id: LegId, command: Command) {
        match command {
            Command::Dial { .. } => self.dial(id, command),
            Command::Refer { refer, target, replaces: Some(replaced) } => {
                let value = self.legs.get(&replaced).and_then(|leg| leg.replaces_value());
                self.with_leg(id, |leg, core| match value {
                    _ if leg.is_over() => {}
                    Some(value) => leg.refer(core, refer, &target, Some(value)),
                    None => core.event(id, Event::ReferFailed { refer, status: Status::CALL_DOES_NOT_EXIST }),
                });
            }
            _ => self.with_leg(id, |leg, core| leg.command(core, command)),
        }
    }

    fn dial(&mut self, id: LegId, command: Command) {
        let Command::Dial {
            to,
            from,
            display_name,
            route,
            transport,
            credentials,
            offer,
            mut headers,
            binding,
            replaces,
        } = command
        else {
            return;
        };
        if self.legs.contains_key(&id) {
            return;
        }
        let is_full = self.legs() >= self.core.config.limits.legs_max;
        let value = replaces.map(|leg| self.legs.get(&leg).and_then(|leg| leg.replaces_value()));
        if let Some(Some(value)) = &value {
            headers.push((Name::Replaces, value.clone()));
            headers.push((Name::Require, "replaces".to_owned()));
        }
        let bound = binding.map(|id| self.core.registrar.get(id).cloned());
        let refusal = match (&value, &bound) {
            _ if is_full => Some(Status::SERVICE_UNAVAILABLE),
            (Some(None), _) => Some(Status::CALL_DOES_NOT_EXIST),
            (_, Some(None)) => Some(Status::TEMPORARILY_UNAVAILABLE),
            // Without a binding, it is the request URI, and looked at as that.
            (_, Some(Some(_))) if Uri::parse(&Text::from(to.as_str())).is_none() => Some(Status::BAD_REQUEST),
            _ => None,
        };
        let destination = Destination {
            to,
            from,
            display_name,
            route,
            transport,
            credentials,
            offer,
            headers,
            binding: bound.flatten(),
        };
        let trunk = self.core.config.trunks.default_trunk().clone();
        let leg = Leg::dialling(&mut self.core, id, trunk, destination);
        self.insert(leg);
        self.with_leg(id, |leg, core| match refusal {
            Some(status) => {
                if is_full {
                    core.count(Counter::Overloaded);
                }
                leg.dial_failed(core, EndedBy::Failure, status, None);
            }
            None => leg.dial(core),
        });
    }

    fn resolved(&mut self, query: u64, targets: Vec<Target>) {
        let Some(id) = self.core.answered(query) else { return };
        self.with_leg(id, |leg, core| {
            if leg.dial.as_ref().is_some_and(|dial| dial.looks_up(query)) {
                leg.dial_resolved(core, targets);
            } else {
                let flow = targets.first().map(|target| core.connect(target));
                leg.resolved(core, query, flow);
            }
        });
    }

    fn take_packet(&mut self, flow: Flow, bytes: Bytes) {
        let received = bytes.len();
        let judged = match cut_packet(bytes) {
            Cut::Message(message) => judge(message, None),
            Cut::Doubtful(message, doubt) => judge(message, Some(doubt)),
            Cut::KeepAlive => return,
            Cut::Garbage => Judged::Drop(Dropped::Garbage),
        };
        if !matches!(judged, Judged::Drop(_)) {
            self.core.admission.received(flow.peer.ip(), received);
        }
        self.take(flow, judged);
    }

    fn take_stream(&mut self, conn: ConnId, bytes: Bytes) {
        let Some((_, cutter)) = self.core.connections.reader(conn) else { return };
        cutter.push(bytes);
        // Handling a message may close the connection.
        while let Some((flow, cutter)) = self.core.connections.reader(conn) {
            match cutter.next() {
                None => return,
                Some(Cut::Message(message)) => self.take(flow, judge(message, None)),
                Some(Cut::KeepAlive) => self.core.send(flow, Bytes::from_static(b"\r\n")),
                Some(Cut::Doubtful(message, doubt)) => {
                    self.take(flow, judge(message, Some(doubt)));
                    return self.close(conn);
                }
                Some(Cut::Garbage) => {
                    self.core.count(Counter::Dropped(Dropped::Garbage));
                    return self.close(conn);
                }
            }
        }
    }

    /// The next message cannot be found: the connection is of no use any more.
    fn close(&mut self, conn: ConnId) {
        self.core.close(conn, true);
        if let Some(flow) = self.core.connections.closed(conn) {
            self.core.flow_failed(flow);
        }
        self.unbind(conn);
    }

    fn unbind(&mut self, conn: ConnId) {
        let gone = self.core.registrar.closed(conn);
        self.core.bindings_changed(gone);
    }

    fn take(&mut self, flow: Flow, judged: Judged) {
        match judged {
            Judged::Request(request) => self.requested(flow, *request),
            Judged::Response(response) => self.replied(&response),
            Judged::Refuse(message, doubt) => {
                self.core.count(Counter::Refused(doubt.status));
                let text = |name| message.text(name).unwrap_or_default();
                let tag =
                    self.core.ids.stateless_tag(&text(Name::CallId), &text(Name::From), &text(Name::Via));
                let refusal = Draft::refusal(&message, doubt, &tag.to_string(), flow.peer);
                let Some((draft, answer_to)) = refusal else { return };
                let mut flow = flow;
                if flow.transport == Transport::Udp {
                    flow.peer = answer_to;
                }
                let draft = draft.header(Name::Server, &self.core.config.product);
                self.core.send(flow, draft.finish());
            }
            Judged::Drop(dropped) => self.core.count(Counter::Dropped(dropped)),
        }
        self.settle();
    }

    fn replied(&mut self, response: &Response) {
        // RFC 3261 section 8.1.3.3: one that has a second Via was meant for another.
        if response.message.items(Name::Via).nth(1).is_some() {
            return self.core.count(Counter::StrayResponse);
        }
        let reply = self.core.transactions.receive_response(self.core.now, response);
        self.core.settle();
        match reply {
            Some(Reply { user, .. }) => {
                self.with_leg(user.leg, |leg, core| leg.replied(core, user.number, response));
            }
            None => self.core.count(Counter::StrayResponse),
        }
    }

    fn requested(&mut self, flow: Flow, request: Request) {
        let trunk = self.core.config.trunks.select(flow.peer.ip(), flow.transport, &request.uri).clone();
        let stranger = Stranger { request: &request, flow, trunk };
        let core = &mut self.core;
        if request.method == Method::Ack {
            return self.acknowledged(&stranger);
        }
        if core.transactions.knows(&request) || request.method == Method::Cancel {
            let answer_flow = stranger.answer_flow();
            return self.known(&stranger, answer_flow);
        }
        if request.to_tag().is_none() {
            return self.outside(&stranger);
        }
        let Some(id) = self.leg_of(&request) else {
            return self.without_dialog(&stranger);
        };
        // The trunk of the call: the request URI of its requests is our Contact, which matches no user.
        let stranger = match self.legs.get(&id) {
            Some(leg) => Stranger { trunk: leg.trunk.clone(), ..stranger },
            None => stranger,
        };
        let answer_flow = stranger.answer_flow();
        let arrival = self.core.transactions.receive_request(self.core.now, &request, answer_flow);
        self.core.settle();
        let (Arrival::New(server) | Arrival::Merged(server)) = arrival else {
            self.core.count(Counter::Overloaded);
            return stranger.refuse_for_a_while(&mut self.core, 1);
        };
        let force_rport = stranger.trunk.force_rport;
        let takes_refer = request.method == Method::Refer && self.core.config.takes_transfers;
        let refer = takes_refer.then(|| self.refer_wish(&request));
        let asked = Asked { server, request, flow, force_rport };
        self.with_leg(id, |leg, core| {
            if *leg.main.dialog.id.remote_tag == *asked.request.from_tag() {
                leg.requested(core, asked, refer);
            } else {
                leg.requested_aside(core, &asked);
            }
        });
    }

    /// A request of a dialog that is not there. Where its tag is that of a call of ours, the response that makes the dialog may
    /// still be on its way: then the answer is remembered, so that a copy of the request gets no other one afterwards.
    fn without_dialog(&mut self, stranger: &Stranger<'_>) {
        let request = stranger.request;
        let is_of_a_call =
            request.to_tag().and_then(Tag::parse).is_some_and(|tag| self.by_tag.contains_key(&tag));
        let core = &mut self.core;
        if let Err(refused) = core.admission.admit_request(core.now, stranger.flow.peer.ip()) {
            core.count(refused.why);
            return stranger.refuse_for_a_while(core, refused.retry_after_s);
        }
        let status = Status::CALL_DOES_NOT_EXIST;
        if is_of_a_call {
            let arrival = core.transactions.receive_request(core.now, request, stranger.answer_flow());
            core.settle();
            if let Arrival::New(server) | Arrival::Merged(server) = arrival {
                return stranger.asked(server).refuse(core, status, stranger.tag(core));
            }
        }
        stranger.refuse(core, status);
    }

    /// The leg whose dialog has this tag of ours.
    pub(super) fn leg_tagged(&self, tag: Tag) -> Option<&Leg> {
        self.legs.get(self.by_tag.get(&tag)?).map(|leg| &**leg)
    }

    /// The leg whose dialog, or one of whose dialogs, a request names.
    fn leg_of(&self, request: &Request) -> Option<LegId> {
        let tag = Tag::parse(request.to_tag()?)?;
        let id = *self.by_tag.get(&tag)?;
        let leg = self.legs.get(&id)?;
        let dialog = &leg.main.dialog.id;
        (*dialog.call_id == *request.call_id && leg.has_remote(request.from_tag())).then_some(id)
    }

    /// A request that a transaction knows, or a CANCEL.
    fn known(&mut self, stranger: &Stranger<'_>, answer_flow: Flow) {
        let core = &mut self.core;
        let request = stranger.request;
        if request.method == Method::Cancel && !core.transactions.knows(request) {
            // Of what was refused without state, or of nothing.
            return stranger.refuse(core, Status::CALL_DOES_NOT_EXIST);
        }
        let arrival = core.transactions.receive_request(core.now, request, answer_flow);
        core.settle();
        let Arrival::Cancel { cancel, invite, answered } = arrival else { return };
        let leg = invite.and_then(|invite| core.leg_of_invite(invite));
        let tag = leg.and_then(|id| self.legs.get(&id)).map(|leg| leg.tag());
        let is_known = invite.is_some() || answered;
        let status = if is_known { Status::OK } else { Status::CALL_DOES_NOT_EXIST };
        stranger.asked(cancel).refuse(core, status, tag.unwrap_or_else(|| stranger.tag(core)));
        if let Some(id) = leg {
            let reason = request.message.text(Name::Reason).map(|reason| reason.as_str().to_owned());
            self.with_leg(id, |leg, core| leg.cancelled(core, reason));
        }
    }

    fn acknowledged(&mut self, stranger: &Stranger<'_>) {
        let request = stranger.request;
        let arrival = self.core.transactions.receive_request(self.core.now, request, stranger.flow);
        self.core.settle();
        if arrival != Arrival::AckOf2xx {
            return;
        }
        if let Some(id) = self.leg_of(request) {
            return self.with_leg(id, |leg, core| leg.acknowledged(core, request));
        }
        // The ACK of a refusal without state is known by its tag.
        let tag = request.to_tag().and_then(Tag::parse);
        if tag != Some(stranger.tag(&self.core)) {
            self.core.count(Counter::StrayAck);
        }
    }
}
