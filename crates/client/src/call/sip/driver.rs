//! The task that owns the agent: it feeds it from sockets, connections, calls and the clock, and carries out what it says.

use super::connection::Connection;
use super::sockets::{self, Sockets};
use crate::call::target::DEFAULT_PORT;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tympan_sip::agent::{
    Agent, Command, Config, ConnId, Ended, EndedBy, Event, Flow, Input, Limits, ListenerId, Output, Refusal,
    Target, Trunks, Way,
};
use tympan_sip::transaction::Timers;
use tympan_sip::wire::{Status, Transport};
use tympan_types::{LegId, Mono};

/// How long a connection may take to open.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Connections that peers may have open to us.
const ACCEPTED_MAX: usize = 256;
/// Orders of calls, and inputs of connections, that wait for the driver: both wait for room.
const WAITING: usize = 256;
/// Datagrams that are read in one go.
const DATAGRAMS_MAX: usize = 64;
/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 65_536;
/// Room that a call's events keep for those that must not be lost.
const EVENTS_KEPT_FREE: usize = 16;
/// How long what is still to be written may take at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// What a call asks of the driver.
#[derive(Debug)]
pub(super) enum Order {
    /// A new call; its events go there.
    Dial { leg: LegId, command: Command, events: mpsc::Sender<Event> },
    /// A command of a call.
    Command { leg: LegId, command: Command },
    /// The end of a call. `done` is dropped once the far end has answered its BYE or CANCEL, or is given up.
    HangUp { leg: LegId, done: oneshot::Sender<()> },
    /// The end: what is queued is written first, and then this dropped.
    Stop(oneshot::Sender<()>),
}

/// The outcome of a connection that the agent asked for.
#[derive(Debug)]
struct Connected {
    conn: ConnId,
    target: Target,
    stream: Result<TcpStream, String>,
}

#[derive(Debug)]
pub(super) struct Driver {
    agent: Agent,
    epoch: Instant,
    udp: UdpSocket,
    /// The same socket, for sending.
    out: std::net::UdpSocket,
    address: SocketAddr,
    accepted: mpsc::Receiver<(TcpStream, SocketAddr)>,
    /// The host that is called, and its address: looked up once.
    host: String,
    peer: SocketAddr,
    orders: mpsc::Receiver<Order>,
    inputs: mpsc::Receiver<Input>,
    to_inputs: mpsc::Sender<Input>,
    connected: mpsc::Receiver<Connected>,
    to_connected: mpsc::Sender<Connected>,
    calls: BTreeMap<LegId, mpsc::Sender<Event>>,
    /// Calls of which a request waits for its response, although they are over.
    ending: BTreeMap<LegId, oneshot::Sender<()>>,
    connections: BTreeMap<ConnId, Connection>,
    connecting: BTreeMap<ConnId, AbortHandle>,
    /// Connections of peers are numbered up to this.
    last_conn: u64,
    /// Why the last connection could not be opened, or the last datagram not be sent.
    unreachable: Option<String>,
}

impl Driver {
    pub(super) fn new(
        sockets: Sockets,
        host: String,
        peer: SocketAddr,
        caller: &str,
        calls_max: usize,
    ) -> (Self, mpsc::Sender<Order>) {
        let config = Config {
            product: concat!("tympan-call/", env!("CARGO_PKG_VERSION")).to_owned(),
            contact_user: caller.to_owned(),
            host_names: Vec::new(),
            timers: Timers::default(),
            // All calls go to one peer, which may send as much as they need.
            limits: Limits {
                legs_max: calls_max,
                half_open_per_source: calls_max,
                transactions_max: calls_max.saturating_mul(8).max(1_000),
                ..Limits::default()
            },
            trunks: Trunks::default(),
            invited_legs_from: 1,
            takes_transfers: false,
            dialled_legs_from: super::FIRST_LEG,
        };
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        seed[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        let (order, orders) = mpsc::channel(WAITING);
        let (to_inputs, inputs) = mpsc::channel(WAITING);
        let (to_connected, connected) = mpsc::channel(WAITING);
        let (to_accepted, accepted) = mpsc::channel(1);
        let Sockets { udp, out, tcp, address } = sockets;
        tokio::spawn(sockets::accept(tcp, to_accepted));
        let driver = Self {
            agent: Agent::new(config, seed),
            epoch: Instant::now(),
            udp,
            out,
            address,
            accepted,
            host,
            peer,
            orders,
            inputs,
            to_inputs,
            connected,
            to_connected,
            calls: BTreeMap::new(),
            ending: BTreeMap::new(),
            connections: BTreeMap::new(),
            connecting: BTreeMap::new(),
            last_conn: 0,
            unreachable: None,
        };
        (driver, order)
    }

    /// Runs until it is stopped, or no call can order anything any more.
    pub(super) async fn run(mut self) {
        let mut datagram = vec![0; DATAGRAM_BYTES];
        let _done = loop {
            let tick =
                self.agent.next_deadline().map(|at| self.epoch + Duration::from_millis(at.as_millis()));
            tokio::select! {
                received = self.udp.recv_from(&mut datagram) => {
                    if let Ok((length, from)) = received {
                        self.packet(from, &datagram[..length]);
                        self.more_packets(&mut datagram);
                    }
                }
                Some(input) = self.inputs.recv() => self.connection_input(input),
                Some(connected) = self.connected.recv() => self.connected(connected),
                Some((stream, peer)) = self.accepted.recv() => self.accept(stream, peer),
                order = self.orders.recv() => match order {
                    Some(Order::Dial { leg, command, events }) => {
                        self.calls.insert(leg, events);
                        self.handle(Input::Command { leg, command });
                    }
                    Some(Order::Command { leg, command }) => self.handle(Input::Command { leg, command }),
                    Some(Order::HangUp { leg, done }) => {
                        self.ending.insert(leg, done);
                        self.handle(Input::Command { leg, command: Command::HangUp { reason: None } });
                    }
                    Some(Order::Stop(done)) => break Some(done),
                    None => break None,
                },
                () = until(tick) => self.handle(Input::Tick),
            }
        };
        let connections = std::mem::take(&mut self.connections);
        let written = async {
            for connection in connections.into_values() {
                connection.finish().await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_LIMIT, written).await;
    }

    /// Whole milliseconds, so that a deadline is never a part of one ahead of the clock.
    fn now(&self) -> Mono {
        Mono::from_millis(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn handle(&mut self, input: Input) {
        self.agent.handle(self.now(), input);
        while let Some(output) = self.agent.poll() {
            self.carry_out(output);
        }
        let agent = &self.agent;
        self.ending.retain(|leg, _| agent.has_open_request(*leg));
    }

    fn packet(&mut self, from: SocketAddr, bytes: &[u8]) {
        let local = self.address;
        self.handle(Input::Packet { at: LISTENER, local, from, bytes: Bytes::copy_from_slice(bytes) });
    }

    fn more_packets(&mut self, datagram: &mut [u8]) {
        for _ in 0..DATAGRAMS_MAX {
            let Ok((length, from)) = self.udp.try_recv_from(datagram) else { break };
            self.packet(from, &datagram[..length]);
        }
    }

    fn connection_input(&mut self, input: Input) {
        let known = match &input {
            Input::Closed { conn } => self.connections.remove(conn).is_some(),
            Input::Stream { conn, .. } => self.connections.contains_key(conn),
            _ => true,
        };
        if known {
            self.handle(input);
        }
    }

    fn accept(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.connections.range(..=ConnId(self.last_conn)).count() >= ACCEPTED_MAX {
            tracing::warn!(%peer, "a connection is closed: {ACCEPTED_MAX} are open");
            return;
        }
        self.last_conn += 1;
        self.opened(ConnId(self.last_conn), stream, peer, self.address);
    }

    fn connected(&mut self, connected: Connected) {
        let Connected { conn, target, stream } = connected;
        if self.connecting.remove(&conn).is_none() {
            return;
        }
        match stream {
            Ok(stream) => self.opened(conn, stream, target.peer, target.local),
            Err(error) => {
                self.unreachable = Some(error);
                self.handle(Input::Closed { conn });
            }
        }
    }

    fn opened(&mut self, conn: ConnId, stream: TcpStream, peer: SocketAddr, local: SocketAddr) {
        // A message is one write; waiting for more to send would only delay it.
        let _ = stream.set_nodelay(true);
        self.unreachable = None;
        self.connections.insert(conn, Connection::new(conn, stream, self.to_inputs.clone()));
        let flow = Flow { way: Way::Stream(conn), transport: Transport::Tcp, local, peer };
        self.handle(Input::Opened { conn, flow });
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { flow, bytes } => self.send(flow, bytes),
            Output::Connect { conn, target } => self.connect(conn, target),
            Output::Close { conn, after_writing } => {
                if let Some(connecting) = self.connecting.remove(&conn) {
                    connecting.abort();
                }
                match self.connections.remove(&conn) {
                    Some(connection) if after_writing => {
                        tokio::spawn(connection.finish());
                    }
                    Some(connection) => connection.abort(),
                    None => {}
                }
            }
            Output::Resolve { query, host, port, transport } => self.resolve(query, host, port, transport),
            Output::Event { leg, event } => self.event(leg, event),
            // No telephone registers here.
            Output::Binding(_) => {}
            Output::Count(counter) => tracing::debug!(?counter, "the SIP agent counts"),
        }
    }

    fn send(&mut self, flow: Flow, bytes: Bytes) {
        let sent = match flow.way {
            Way::Datagram(_) => match self.out.send_to(&bytes, flow.peer) {
                Ok(_) => true,
                // Lost as in a network: it goes again if it matters.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
                Err(error) => {
                    self.unreachable = Some(error.to_string());
                    false
                }
            },
            Way::Stream(conn) => match self.connections.get(&conn) {
                Some(connection) if connection.send(bytes) => true,
                // The peer does not read.
                Some(_) => {
                    if let Some(connection) = self.connections.remove(&conn) {
                        connection.abort();
                    }
                    self.agent.handle(self.now(), Input::Closed { conn });
                    return;
                }
                None => false,
            },
        };
        if !sent {
            self.agent.handle(self.now(), Input::SendFailed { flow });
        }
    }

    fn connect(&mut self, conn: ConnId, target: Target) {
        let to_connected = self.to_connected.clone();
        let task = tokio::spawn(async move {
            let stream = match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(target.peer)).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the connection does not open".to_owned()),
            };
            // The driver may be gone.
            let _ = to_connected.send(Connected { conn, target, stream }).await;
        });
        self.connecting.insert(conn, task.abort_handle());
    }

    /// The host that is called was looked up before the first call; that of a Contact is looked up now.
    fn resolve(&self, query: u64, host: String, port: Option<u16>, transport: Option<Transport>) {
        let transport = transport.unwrap_or(Transport::Udp);
        let (local, port) = (self.address, port.unwrap_or(DEFAULT_PORT));
        let known = host.eq_ignore_ascii_case(&self.host).then_some(self.peer.ip());
        let inputs = self.to_inputs.clone();
        tokio::spawn(async move {
            let addresses: Vec<IpAddr> = match known.or_else(|| host.parse().ok()) {
                Some(address) => vec![address],
                None => match tokio::net::lookup_host((host.as_str(), port)).await {
                    Ok(found) => found.map(|found| found.ip()).collect(),
                    Err(_) => Vec::new(),
                },
            };
            let target =
                |ip: IpAddr| Target { transport, peer: (ip, port).into(), local, listener: LISTENER };
            // Our sockets are of one family.
            let targets =
                addresses.into_iter().filter(|ip| ip.is_ipv4() == local.is_ipv4()).map(target).collect();
            let _ = inputs.send(Input::Resolved { query, targets }).await;
        });
    }

    fn event(&mut self, leg: LegId, mut event: Event) {
        let Some(call) = self.calls.get(&leg) else {
            if matches!(event, Event::Invited { .. }) {
                let refusal = Refusal {
                    status: Status::TEMPORARILY_UNAVAILABLE,
                    retry_after_s: None,
                    headers: Vec::new(),
                };
                self.agent.handle(self.now(), Input::Command { leg, command: Command::Refuse(refusal) });
            }
            return;
        };
        let is_end = matches!(event, Event::Ended(_));
        if let Event::Ended(Ended { by: EndedBy::Failure, reason, .. }) = &mut event
            && reason.is_none()
        {
            reason.clone_from(&self.unreachable);
        }
        // A peer may repeat what it says of its ringing as often as it likes.
        let may_be_lost = !matches!(
            event,
            Event::Offered { .. }
                | Event::OfferWanted { .. }
                | Event::Answered { .. }
                | Event::Confirmed
                | Event::Ended(_)
        );
        if may_be_lost && call.capacity() <= EVENTS_KEPT_FREE {
            return;
        }
        let taken = call.try_send(event).is_ok();
        if is_end || !taken {
            // A call whose channel ends is over, also where its last event found no room.
            self.calls.remove(&leg);
        }
        if !is_end && !taken {
            tracing::warn!(%leg, "a call is ended: it does not follow what its far end does");
            self.agent.handle(self.now(), Input::Command { leg, command: Command::HangUp { reason: None } });
        }
    }
}

/// Our one UDP socket.
const LISTENER: ListenerId = ListenerId(0);

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
