//! All transactions of one agent, with one deadline.

use super::client::Client;
use super::invite_client::{InviteClient, Taken};
use super::invite_server::{Ack, InviteServer};
use super::key::{client_name, merge_name, server_name};
use super::schedule::Schedule;
use super::server::Server;
use super::timers::{Pace, Step};
use super::{ClientKey, ServerKey, Timers};
use crate::agent::{Flow, Way};
use crate::wire::{Draft, Method, Request, Response, Status};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_types::Mono;

/// How many transactions there may be.
#[derive(Debug, Clone, Copy)]
pub struct TransactionLimits {
    /// Server transactions at once; a request beyond gets a stateless 503 from the agent.
    pub server_max: usize,
    /// Client transactions at once.
    pub client_max: usize,
}

/// The transactions. `U` is what the user wants to know again when a client transaction's response comes.
///
/// A transaction keeps the bytes of its last message, not the message. All tables give their memory back as they empty.
#[derive(Debug)]
pub struct Transactions<U> {
    timers: Timers,
    limits: TransactionLimits,
    servers: BTreeMap<u64, Box<ServerRecord>>,
    server_names: BTreeMap<Arc<str>, u64>,
    /// Requests outside of dialogs, by what their copies on other paths share.
    merges: BTreeMap<Arc<str>, u64>,
    clients: BTreeMap<u64, Box<ClientRecord<U>>>,
    client_names: BTreeMap<Arc<str>, u64>,
    client_flows: BTreeSet<(FlowId, u64)>,
    schedule: Schedule,
    next_id: u64,
    events: VecDeque<TransactionEvent<U>>,
}

#[derive(Debug)]
struct ServerRecord {
    machine: ServerMachine,
    flow: Flow,
    name: Arc<str>,
    merge: Option<Arc<str>>,
    due: Option<Mono>,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(InviteServer),
    Other(Server),
}

#[derive(Debug)]
struct ClientRecord<U> {
    machine: ClientMachine,
    flow: Flow,
    name: Arc<str>,
    user: U,
    due: Option<Mono>,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(InviteClient),
    Other(Client),
}

/// What fails as one: a connection, or the datagrams of one listener to one peer.
type FlowId = (u64, Option<SocketAddr>);

fn flow_id(flow: &Flow) -> FlowId {
    match flow.way {
        Way::Stream(conn) => (conn.0, None),
        Way::Datagram(listener) => (u64::from(listener.0), Some(flow.peer)),
    }
}

/// What a request is to the transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A new transaction: the user answers with [`Transactions::respond`].
    New(ServerKey),
    /// A repetition: the last response was sent again, or there is none yet.
    Repeated,
    /// An ACK of a refusal: absorbed.
    Acknowledged(ServerKey),
    /// An ACK that belongs to no transaction: the acknowledgement of a 2xx, for the dialog.
    AckOf2xx,
    /// A CANCEL, in a transaction of its own (`cancel`, to be answered 200, or 481 where `invite` is `None`), and the
    /// INVITE transaction that it names, if that has no final response yet.
    Cancel {
        /// The CANCEL itself.
        cancel: ServerKey,
        /// What is cancelled.
        invite: Option<ServerKey>,
        /// True where the INVITE is known but finally answered: 200 all the same, and nothing else.
        answered: bool,
    },
    /// The same request by another path (RFC 3261 section 8.2.2.2): to be answered 482 in this transaction.
    Merged(ServerKey),
    /// No room.
    Full,
}

/// A request to send in a new client transaction.
#[derive(Debug)]
pub struct Outgoing<U> {
    /// The branch of its top Via.
    pub branch: Box<str>,
    /// Its method.
    pub method: Method,
    /// The whole request.
    pub bytes: Bytes,
    /// Where it goes.
    pub flow: Flow,
    /// What the user wants to know again.
    pub user: U,
}

/// A response of a client transaction that its user is to see: not the repetitions, but every 2xx of an INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<U> {
    /// Its transaction.
    pub client: ClientKey,
    /// What the user wanted to know again.
    pub user: U,
}

/// What transactions do by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionEvent<U> {
    /// Bytes to send.
    Send {
        /// Where.
        flow: Flow,
        /// What.
        bytes: Bytes,
    },
    /// A client transaction saw no final response in time (timers B, F): as a 408.
    TimedOut {
        /// Which.
        client: ClientKey,
        /// What the user wanted to know again.
        user: U,
    },
    /// A refusal of an INVITE was never acknowledged (timer H).
    NeverAcknowledged {
        /// Which.
        server: ServerKey,
    },
}

impl<U: Copy> Transactions<U> {
    /// No transactions yet.
    pub fn new(timers: Timers, limits: TransactionLimits) -> Self {
        Self {
            timers,
            limits,
            servers: BTreeMap::new(),
            server_names: BTreeMap::new(),
            merges: BTreeMap::new(),
            clients: BTreeMap::new(),
            client_names: BTreeMap::new(),
            client_flows: BTreeSet::new(),
            schedule: Schedule::default(),
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes a request of a peer. `flow` is where responses go (already by RFC 3261 section 18.2.2). An INVITE that is not
    /// answered within 200 ms gets a 100 by itself.
    pub fn receive_request(&mut self, now: Mono, request: &Request, flow: Flow) -> Arrival {
        if request.method == Method::Ack {
            return self.receive_ack(now, request, flow);
        }
        let name = server_name(request, &request.method);
        if let Some(&id) = self.server_names.get(&name) {
            self.repeat(id, flow);
            return Arrival::Repeated;
        }
        if self.servers.len() >= self.limits.server_max {
            return Arrival::Full;
        }
        if request.method == Method::Cancel {
            let named = self.server_names.get(&server_name(request, &Method::Invite));
            let open = named.and_then(|id| self.servers.get(id)).map(|record| record.machine.is_open());
            let invite = named.copied().filter(|_| open == Some(true)).map(ServerKey);
            let cancel = ServerKey(self.add_server(now, request, flow, name, None));
            return Arrival::Cancel { cancel, invite, answered: open == Some(false) };
        }
        let merge = merge_name(request);
        let known =
            merge.as_ref().and_then(|merge| self.merges.get(merge)).and_then(|id| self.servers.get(id));
        // A proxy that hunts one place after another comes back with a new branch after a refusal: that is a new request.
        let is_merged = known.is_some_and(|record| record.machine.merges());
        let merge = merge.filter(|_| !is_merged);
        let server = ServerKey(self.add_server(now, request, flow, name, merge));
        if is_merged { Arrival::Merged(server) } else { Arrival::New(server) }
    }

    /// True where a request repeats one that has a transaction, or is the ACK or CANCEL of one: no limit of its source may refuse it.
    pub fn knows(&self, request: &Request) -> bool {
        let knows = |method| self.server_names.contains_key(&server_name(request, method));
        match &request.method {
            Method::Ack => knows(&Method::Invite),
            Method::Cancel => knows(&Method::Cancel) || knows(&Method::Invite),
            method => knows(method),
        }
    }

    /// Answers. A final response ends it as its machine says; a 2xx to an INVITE is repeated by the dialog, through this again
    /// (RFC 6026 Accepted). False where the transaction is over, or has another final response already.
    pub fn respond(&mut self, now: Mono, server: ServerKey, status: Status, bytes: Bytes) -> bool {
        let Some(record) = self.servers.get_mut(&server.0) else { return false };
        let pace = Pace::new(self.timers, &record.flow);
        let sends = match &mut record.machine {
            ServerMachine::Invite(machine) => machine.respond(now, pace, status, &bytes),
            ServerMachine::Other(machine) => machine.respond(now, pace, status, &bytes),
        };
        if sends {
            self.events.push_back(TransactionEvent::Send { flow: record.flow, bytes });
        }
        self.settle_server(server.0);
        sends
    }

    /// Sends a request. An ACK of a 2xx is none: it has no transaction. `None` where there is no room, or where the branch has
    /// a transaction of this method already.
    pub fn begin(&mut self, now: Mono, outgoing: Outgoing<U>) -> Option<ClientKey> {
        let Outgoing { branch, method, bytes, flow, user } = outgoing;
        let name = client_name(&branch, &method);
        if self.clients.len() >= self.limits.client_max || self.client_names.contains_key(&name) {
            return None;
        }
        let pace = Pace::new(self.timers, &flow);
        self.events.push_back(TransactionEvent::Send { flow, bytes: bytes.clone() });
        let machine = match method {
            Method::Invite => ClientMachine::Invite(InviteClient::new(now, pace, bytes)),
            _ => ClientMachine::Other(Client::new(now, pace, bytes)),
        };
        let id = self.take_id();
        self.client_names.insert(name.clone(), id);
        self.client_flows.insert((flow_id(&flow), id));
        self.clients.insert(id, Box::new(ClientRecord { machine, flow, name, user, due: None }));
        self.settle_client(id);
        Some(ClientKey(id))
    }

    /// Takes a response. `None` where it belongs to none of ours or repeats one. A refusal of an INVITE is acknowledged here.
    pub fn receive_response(&mut self, now: Mono, response: &Response) -> Option<Reply<U>> {
        let name = client_name(response.via.branch()?, &response.method);
        let id = *self.client_names.get(&name)?;
        let record = self.clients.get_mut(&id)?;
        let pace = Pace::new(self.timers, &record.flow);
        let taken = match &mut record.machine {
            ClientMachine::Invite(machine) => machine.receive(now, pace, response),
            ClientMachine::Other(machine) => {
                Taken { is_news: machine.receive(now, pace, response.status), send: None }
            }
        };
        if let Some(bytes) = taken.send {
            self.events.push_back(TransactionEvent::Send { flow: record.flow, bytes });
        }
        let reply = Reply { client: ClientKey(id), user: record.user };
        self.settle_client(id);
        taken.is_news.then_some(reply)
    }

    /// The transport failed for what was sent by this flow: its client transactions time out now.
    pub fn flow_failed(&mut self, _now: Mono, flow: Flow) {
        let flow = flow_id(&flow);
        let ids: Vec<u64> =
            self.client_flows.range((flow, 0)..=(flow, u64::MAX)).map(|(_, id)| *id).collect();
        for id in ids {
            if self.clients.get(&id).is_some_and(|record| record.machine.is_open()) {
                self.time_out(id);
            }
        }
    }

    /// Gives up a client transaction without further word to its user.
    pub fn forget(&mut self, client: ClientKey) {
        self.remove_client(client.0);
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Mono) {
        while let Some(id) = self.schedule.due(now) {
            if self.servers.contains_key(&id) {
                self.advance_server(now, id);
            } else {
                self.advance_client(now, id);
            }
        }
    }

    /// The next event.
    pub fn poll(&mut self) -> Option<TransactionEvent<U>> {
        self.events.pop_front()
    }

    /// When [`Transactions::advance`] is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.schedule.next()
    }

    /// Server and client transactions that exist, for gauges and tests.
    pub fn len(&self) -> (usize, usize) {
        (self.servers.len(), self.clients.len())
    }

    /// True where there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.clients.is_empty()
    }

    #[cfg(test)]
    pub(super) fn deadlines(&self) -> usize {
        self.schedule.len()
    }

    #[cfg(test)]
    pub(super) fn holds_no_name(&self) -> bool {
        self.server_names.is_empty()
            && self.merges.is_empty()
            && self.client_names.is_empty()
            && self.client_flows.is_empty()
    }

    fn receive_ack(&mut self, now: Mono, request: &Request, flow: Flow) -> Arrival {
        let Some(&id) = self.server_names.get(&server_name(request, &Method::Invite)) else {
            return Arrival::AckOf2xx;
        };
        let Some(ServerRecord { machine: ServerMachine::Invite(machine), .. }) =
            self.servers.get_mut(&id).map(Box::as_mut)
        else {
            return Arrival::AckOf2xx;
        };
        let ack = machine.acknowledge(now, Pace::new(self.timers, &flow));
        self.settle_server(id);
        match ack {
            Ack::First => Arrival::Acknowledged(ServerKey(id)),
            Ack::Again => Arrival::Repeated,
            Ack::OfDialog => Arrival::AckOf2xx,
        }
    }

    /// Sends the last response again, to where the repetition came from: the peer's NAT may have changed its port.
    fn repeat(&mut self, id: u64, flow: Flow) {
        let Some(record) = self.servers.get_mut(&id) else { return };
        record.flow = flow;
        let response = match &record.machine {
            ServerMachine::Invite(machine) => machine.repeated(),
            ServerMachine::Other(machine) => machine.repeated(),
        };
        if let Some(bytes) = response {
            self.events.push_back(TransactionEvent::Send { flow, bytes });
        }
    }

    fn add_server(
        &mut self,
        now: Mono,
        request: &Request,
        flow: Flow,
        name: Arc<str>,
        merge: Option<Arc<str>>,
    ) -> u64 {
        let machine = match request.method {
            Method::Invite => {
                // The response goes to the source, so `flow` names it as far as Via needs it.
                let trying = Draft::response(request, Status::TRYING, None, flow.peer, false).finish();
                ServerMachine::Invite(InviteServer::new(now, trying))
            }
            _ => ServerMachine::Other(Server::new(now, Pace::new(self.timers, &flow))),
        };
        let id = self.take_id();
        self.server_names.insert(name.clone(), id);
        if let Some(merge) = &merge {
            self.merges.insert(merge.clone(), id);
        }
        self.servers.insert(id, Box::new(ServerRecord { machine, flow, name, merge, due: None }));
        self.settle_server(id);
        id
    }

    fn advance_server(&mut self, now: Mono, id: u64) {
        let Some(record) = self.servers.get_mut(&id) else { return };
        let step = match &mut record.machine {
            ServerMachine::Invite(machine) => machine.advance(now),
            ServerMachine::Other(machine) => machine.advance(now),
        };
        match step {
            Step::Nothing | Step::Over => {}
            Step::Send(bytes) => self.events.push_back(TransactionEvent::Send { flow: record.flow, bytes }),
            Step::GivenUp => {
                self.events.push_back(TransactionEvent::NeverAcknowledged { server: ServerKey(id) });
            }
        }
        self.settle_server(id);
    }

    fn advance_client(&mut self, now: Mono, id: u64) {
        let Some(record) = self.clients.get_mut(&id) else { return };
        let step = match &mut record.machine {
            ClientMachine::Invite(machine) => machine.advance(now),
            ClientMachine::Other(machine) => machine.advance(now),
        };
        match step {
            Step::Nothing | Step::Over => self.settle_client(id),
            Step::Send(bytes) => {
                self.events.push_back(TransactionEvent::Send { flow: record.flow, bytes });
                self.settle_client(id);
            }
            Step::GivenUp => self.time_out(id),
        }
    }

    fn time_out(&mut self, id: u64) {
        if let Some(record) = self.remove_client(id) {
            self.events.push_back(TransactionEvent::TimedOut { client: ClientKey(id), user: record.user });
        }
    }

    /// Moves the deadline of a server transaction to where its machine has it now, or removes what is over.
    fn settle_server(&mut self, id: u64) {
        let Some(record) = self.servers.get_mut(&id) else { return };
        let (due, is_over) = match &record.machine {
            ServerMachine::Invite(machine) => (machine.due(), machine.is_over()),
            ServerMachine::Other(machine) => (machine.due(), machine.is_over()),
        };
        self.schedule.set(id, record.due, due);
        record.due = due;
        if is_over && let Some(record) = self.servers.remove(&id) {
            self.server_names.remove(&record.name);
            if let Some(merge) = record.merge
                && self.merges.get(&merge) == Some(&id)
            {
                self.merges.remove(&merge);
            }
        }
    }

    /// The same for a client transaction.
    fn settle_client(&mut self, id: u64) {
        let Some(record) = self.clients.get_mut(&id) else { return };
        let (due, is_over) = match &record.machine {
            ClientMachine::Invite(machine) => (machine.due(), machine.is_over()),
            ClientMachine::Other(machine) => (machine.due(), machine.is_over()),
        };
        self.schedule.set(id, record.due, due);
        record.due = due;
        if is_over {
            self.remove_client(id);
        }
    }

    fn remove_client(&mut self, id: u64) -> Option<Box<ClientRecord<U>>> {
        let record = self.clients.remove(&id)?;
        self.schedule.set(id, record.due, None);
        self.client_names.remove(&record.name);
        self.client_flows.remove(&(flow_id(&record.flow), id));
        Some(record)
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl ServerMachine {
    fn is_open(&self) -> bool {
        matches!(self, Self::Invite(machine) if machine.is_open())
    }

    fn merges(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.merges(),
            Self::Other(machine) => machine.merges(),
        }
    }
}

impl ClientMachine {
    fn is_open(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_open(),
            Self::Other(machine) => machine.is_open(),
        }
    }
}
