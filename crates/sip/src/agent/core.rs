//! What the legs of an agent share: ids, transactions, connections, and what goes out.

use super::admission::Admission;
use super::connections::{Connections, Written};
use super::ids::Ids;
use super::path::Hop;
use super::registrar::Registrar;
use super::{Config, ConnId, Counter, Event, Flow, ListenerId, Output, Phones, Target, Way};
use crate::transaction::{ClientKey, Outgoing, ServerKey, TransactionEvent, TransactionLimits, Transactions};
use crate::wire::digest::Verifier;
use crate::wire::{Cut, Draft, Judged, Method, Name, Status, Transport, cut_packet, judge};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use tympan_types::{LegId, Mono};

/// What methods are served, for Allow.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK";
/// What extensions are served, for Supported.
const SUPPORTED: &str = "100rel, timer";
/// What bodies are taken, for Accept.
pub(super) const ACCEPT: &str = "application/sdp, multipart/mixed, application/dtmf-relay, application/dtmf";

/// Which request of which leg a client transaction carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentBy {
    pub(super) leg: LegId,
    pub(super) number: u32,
}

/// Why a request has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// None came in time.
    TimedOut,
    /// The path failed.
    Transport,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    /// The time of the input that is being handled.
    pub(super) now: Mono,
    pub(super) ids: Ids,
    pub(super) transactions: Transactions<SentBy>,
    pub(super) connections: Connections,
    pub(super) admission: Admission,
    pub(super) verifier: Verifier,
    /// The telephones that may register.
    pub(super) phones: Phones,
    pub(super) registrar: Registrar,
    outputs: VecDeque<Output>,
    timed_out: VecDeque<(SentBy, Failure)>,
    /// The leg of each INVITE of a peer that has no final response: what a CANCEL names.
    invites: BTreeMap<u64, LegId>,
    queries: BTreeMap<u64, LegId>,
    next_query: u64,
}

impl Core {
    pub(super) fn new(config: Config, seed: [u8; 32]) -> Self {
        let max = config.limits.transactions_max;
        let limits = TransactionLimits { server_max: max, client_max: max };
        Self {
            now: Mono::default(),
            verifier: Verifier::new(&seed),
            ids: Ids::new(seed),
            transactions: Transactions::new(config.timers, limits),
            connections: Connections::default(),
            admission: Admission::new(config.limits),
            phones: Phones::default(),
            registrar: Registrar::default(),
            outputs: VecDeque::new(),
            timed_out: VecDeque::new(),
            invites: BTreeMap::new(),
            queries: BTreeMap::new(),
            next_query: 0,
            config,
        }
    }

    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn event(&mut self, leg: LegId, event: Event) {
        self.outputs.push_back(Output::Event { leg, event });
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.outputs.push_back(Output::Count(counter));
    }

    pub(super) fn close(&mut self, conn: ConnId, after_writing: bool) {
        self.outputs.push_back(Output::Close { conn, after_writing });
    }

    pub(super) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn next_timed_out(&mut self) -> Option<(SentBy, Failure)> {
        self.timed_out.pop_front()
    }

    /// True where no look-up is under way and nothing waits to be taken.
    pub(super) fn is_quiet(&self) -> bool {
        self.transactions.is_empty() && self.queries.is_empty() && self.connections.are_quiet()
    }

    /// Sends bytes. To a source that did not show yet that it receives them, only its share is sent. A response whose connection is gone goes by a new one (RFC 3261 section 18.2.2).
    pub(super) fn send(&mut self, flow: Flow, bytes: Bytes) {
        let conn = match flow.way {
            Way::Datagram(_) if self.admission.may_send(self.now, flow.peer.ip(), bytes.len()) => {
                return self.outputs.push_back(Output::Send { flow, bytes });
            }
            Way::Datagram(_) => return self.count(Counter::Withheld),
            Way::Stream(conn) => conn,
        };
        match self.connections.write(conn, bytes) {
            Written::Now(bytes) => self.outputs.push_back(Output::Send { flow, bytes }),
            Written::Later => {}
            Written::Full => self.count(Counter::Overloaded),
            Written::Gone(bytes) => self.send_again(flow, bytes),
        }
    }

    fn send_again(&mut self, flow: Flow, bytes: Bytes) {
        let Cut::Message(message) = cut_packet(bytes.clone()) else { return };
        // A request whose connection is gone fails with its transaction.
        let Judged::Response(response) = judge(message, None) else { return };
        let mut peer = flow.peer;
        peer.set_port(response.via.port().unwrap_or(5060));
        let target = Target { transport: flow.transport, peer, local: flow.local, listener: ListenerId(0) };
        let flow = self.connect(&target);
        if let Way::Stream(conn) = flow.way
            && let Written::Now(bytes) = self.connections.write(conn, bytes)
        {
            self.outputs.push_back(Output::Send { flow, bytes });
        }
    }

    /// The path to a place; a connection is asked for where it takes one.
    pub(super) fn connect(&mut self, target: &Target) -> Flow {
        if target.transport == Transport::Udp {
            return Flow {
                way: Way::Datagram(target.listener),
                transport: Transport::Udp,
                local: target.local,
                peer: target.peer,
            };
        }
        let (flow, asked) = self.connections.to(target);
        if let Some(conn) = asked {
            self.outputs.push_back(Output::Connect { conn, target: *target });
        }
        flow
    }

    /// True where bytes can leave by this path.
    pub(super) fn is_usable(&self, flow: &Flow) -> bool {
        match flow.way {
            Way::Datagram(_) => true,
            Way::Stream(conn) => self.connections.exists(conn),
        }
    }

    /// Asks where a next hop is; [`Core::answered`] follows.
    pub(super) fn resolve(&mut self, leg: LegId, hop: Hop, transport: Option<Transport>) -> u64 {
        self.next_query += 1;
        let query = self.next_query;
        self.queries.insert(query, leg);
        let transport = hop.transport.or(transport);
        self.outputs.push_back(Output::Resolve { query, host: hop.host, port: hop.port, transport });
        query
    }

    /// The leg that asked, once.
    pub(super) fn answered(&mut self, query: u64) -> Option<LegId> {
        self.queries.remove(&query)
    }

    /// Sends a request in a transaction; `None` where there is no room.
    pub(super) fn begin(&mut self, outgoing: Outgoing<SentBy>) -> Option<ClientKey> {
        let client = self.transactions.begin(self.now, outgoing);
        self.settle();
        client
    }

    /// Responds; false where the transaction is over.
    pub(super) fn respond(&mut self, server: ServerKey, status: Status, bytes: Bytes) -> bool {
        let taken = self.transactions.respond(self.now, server, status, bytes);
        if !status.is_provisional() {
            self.invites.remove(&server.0);
        }
        self.settle();
        taken
    }

    /// From now on a CANCEL of this INVITE is for this leg.
    pub(super) fn remember_invite(&mut self, server: ServerKey, leg: LegId) {
        self.invites.insert(server.0, leg);
    }

    pub(super) fn leg_of_invite(&self, server: ServerKey) -> Option<LegId> {
        self.invites.get(&server.0).copied()
    }

    /// Lets time pass for transactions.
    pub(super) fn advance(&mut self) {
        self.transactions.advance(self.now);
        self.settle();
    }

    /// Takes over what transactions want: sends at once, so that the order of messages is the order of calls.
    pub(super) fn settle(&mut self) {
        self.settle_with(Failure::TimedOut);
    }

    /// The path failed: what waits for a response by it has none.
    pub(super) fn flow_failed(&mut self, flow: Flow) {
        self.transactions.flow_failed(self.now, flow);
        self.settle_with(Failure::Transport);
    }

    fn settle_with(&mut self, failure: Failure) {
        while let Some(event) = self.transactions.poll() {
            match event {
                TransactionEvent::Send { flow, bytes } => self.send(flow, bytes),
                TransactionEvent::TimedOut { user, .. } => self.timed_out.push_back((user, failure)),
                // The refusal was final; that its ACK is missing changes nothing.
                TransactionEvent::NeverAcknowledged { .. } => {}
            }
        }
    }

    /// The value of our Contact for what goes by this path.
    pub(super) fn contact(&self, flow: &Flow) -> String {
        let transport = match flow.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:{}@{}{transport}>", self.config.contact_user, flow.local)
    }

    /// The value of our Via.
    pub(super) fn via(&self, flow: &Flow, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch};rport", flow.transport, flow.local)
    }

    /// Says what is served: for 2xx, 405, OPTIONS and requests.
    pub(super) fn capable(&self, draft: Draft) -> Draft {
        let transfers = self.config.takes_transfers;
        let refer = if transfers { ", REFER, NOTIFY" } else { "" };
        let register = if self.phones.is_empty() { "" } else { ", REGISTER" };
        let replaces = if transfers { ", replaces, norefersub" } else { "" };
        draft
            .header(Name::Allow, format_args!("{ALLOW}{refer}{register}"))
            .header(Name::Supported, format_args!("{SUPPORTED}{replaces}"))
    }
}

/// True for methods that a request of ours or of a peer refreshes the target with (RFC 3261 section 12.2, RFC 3311).
pub(super) const fn refreshes_target(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update)
}
