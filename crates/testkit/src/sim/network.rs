//! Hosts, datagrams and connections between them, and all that goes wrong there.

use super::conditions::{Conditions, Segments};
use super::world::{Action, Core};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use tympan_types::Mono;

/// A host by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub(crate) usize);

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndId {
    pub(crate) connection: usize,
    pub(crate) side: usize,
}

/// The port of every SIP listener.
pub(crate) const SIP_PORT: u16 = 5060;
/// A write queue of a shell: beyond, the connection is closed.
const WRITE_QUEUE_BYTES: usize = 64 * 1024;
/// A connection whose peer takes no written byte for so long is closed.
const WRITE_TIME_MS: i64 = 20_000;

/// What the network knows of a host.
#[derive(Debug)]
struct Host {
    ip: IpAddr,
    /// Where its datagrams seem to come from, and the only port at which it can be reached by datagrams: a NAT rebinding moves it.
    udp_port: u16,
    /// Nothing reaches it and nothing leaves it.
    is_dark: bool,
    /// It reads nothing from its connections.
    is_deaf: bool,
    next_connection: u64,
    next_port: u16,
}

/// A connection, with what is on its way to each end.
#[derive(Debug)]
struct Connection {
    ends: [End; 2],
    opened_at: [Option<Mono>; 2],
    segments: Segments,
}

#[derive(Debug)]
struct End {
    host: HostId,
    /// The number by which its host knows it.
    number: u64,
    /// As the other end sees it.
    address: SocketAddr,
    /// What the other end wrote and this one has not read.
    incoming: BytesMut,
    /// True while a delivery is scheduled.
    is_due: bool,
    /// Since when `incoming` waits for a reader.
    stuck_since: Option<Mono>,
    is_closed: bool,
    /// The other end is closed: so is this one once it read all.
    closes_after_reading: bool,
}

/// What the network hands to a host.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A datagram.
    Datagram {
        /// The sender.
        from: SocketAddr,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is open.
    Opened {
        /// Its number at this host.
        number: u64,
        /// The other end.
        peer: SocketAddr,
    },
    /// Bytes of a connection.
    Stream {
        /// Its number at this host.
        number: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is closed, or could not be opened.
    Closed {
        /// Its number at this host.
        number: u64,
    },
}

/// All hosts and connections.
#[derive(Debug)]
pub(crate) struct Network {
    conditions: Conditions,
    hosts: Vec<Host>,
    by_ip: BTreeMap<IpAddr, HostId>,
    connections: Vec<Connection>,
    by_number: BTreeMap<(HostId, u64), EndId>,
}

impl Network {
    pub(crate) fn new(conditions: Conditions) -> Self {
        Self {
            conditions,
            hosts: Vec::new(),
            by_ip: BTreeMap::new(),
            connections: Vec::new(),
            by_number: BTreeMap::new(),
        }
    }

    /// Adds a host at this address.
    pub(crate) fn add(&mut self, ip: IpAddr) -> HostId {
        let host = HostId(self.hosts.len());
        self.hosts.push(Host {
            ip,
            udp_port: SIP_PORT,
            is_dark: false,
            is_deaf: false,
            next_connection: 1,
            next_port: 40_000,
        });
        self.by_ip.insert(ip, host);
        host
    }

    /// The address of a host's listeners.
    pub(crate) fn address(&self, host: HostId) -> SocketAddr {
        SocketAddr::new(self.hosts[host.0].ip, SIP_PORT)
    }

    /// The host at an address.
    pub(crate) fn host_at(&self, ip: IpAddr) -> Option<HostId> {
        self.by_ip.get(&ip).copied()
    }

    /// Cuts a host off, or connects it again.
    pub(crate) fn set_dark(&mut self, host: HostId, is_dark: bool) {
        self.hosts[host.0].is_dark = is_dark;
    }

    /// True where a host is cut off.
    pub(crate) fn is_dark(&self, host: HostId) -> bool {
        self.hosts[host.0].is_dark
    }

    /// Lets a host read nothing from its connections, or read again.
    pub(crate) fn set_deaf(&mut self, host: HostId, is_deaf: bool) {
        self.hosts[host.0].is_deaf = is_deaf;
    }

    /// The NAT before a host gives it another port: what is sent to the old one is lost.
    pub(crate) fn rebind(&mut self, host: HostId) {
        let host = &mut self.hosts[host.0];
        host.udp_port = if host.udp_port == SIP_PORT { 61_000 } else { host.udp_port + 1 };
    }

    /// Sends a datagram.
    pub(crate) fn send(&self, core: &mut Core, from: HostId, to: SocketAddr, bytes: &Bytes) {
        let sender = &self.hosts[from.0];
        let Some(receiver) = self.host_at(to.ip()) else { return };
        if sender.is_dark {
            return;
        }
        let from = SocketAddr::new(sender.ip, sender.udp_port);
        let copies = 1 + u32::from(core.random.permille(self.conditions.copy_permille));
        for _ in 0..copies {
            if core.random.permille(self.conditions.loss_permille) {
                continue;
            }
            let delay_ms = self.conditions.delay_ms(&mut core.random);
            let action = Action::Datagram { host: receiver, to_port: to.port(), from, bytes: bytes.clone() };
            core.schedule.after_ms(delay_ms, action);
        }
    }

    /// A datagram has arrived at its host's NAT.
    pub(crate) fn take_datagram(&self, host: HostId, to_port: u16) -> bool {
        let receiver = &self.hosts[host.0];
        !receiver.is_dark && receiver.udp_port == to_port
    }

    /// Opens a connection under a number of the host's choice, or under the next free one.
    pub(crate) fn connect(
        &mut self,
        core: &mut Core,
        from: HostId,
        number: Option<u64>,
        to: SocketAddr,
    ) -> u64 {
        let number = number.unwrap_or_else(|| self.next_number(from));
        let target = self.host_at(to.ip()).filter(|_| to.port() == SIP_PORT);
        let is_refused = core.random.permille(self.conditions.refused_permille);
        let target = target.filter(|target| {
            !is_refused && !self.hosts[target.0].is_dark && !self.hosts[from.0].is_dark && *target != from
        });
        let Some(target) = target else {
            let delay_ms = core.random.pick(&[10, 3_000]);
            core.schedule.after_ms(delay_ms, Action::Closed { host: from, number });
            return number;
        };
        let delays_ms =
            [self.conditions.delay_ms(&mut core.random), self.conditions.delay_ms(&mut core.random)];
        let port = self.hosts[from.0].next_port;
        self.hosts[from.0].next_port = port.checked_add(1).unwrap_or(40_000);
        let connection = self.connections.len();
        let theirs = self.next_number(target);
        let segments = self.conditions.segments(&mut core.random);
        self.connections.push(Connection {
            ends: [
                End::new(from, number, SocketAddr::new(self.hosts[from.0].ip, port)),
                End::new(target, theirs, SocketAddr::new(self.hosts[target.0].ip, SIP_PORT)),
            ],
            opened_at: [None, None],
            segments,
        });
        self.by_number.insert((from, number), EndId { connection, side: 0 });
        self.by_number.insert((target, theirs), EndId { connection, side: 1 });
        core.schedule.after_ms(delays_ms[0], Action::Open { end: EndId { connection, side: 1 } });
        core.schedule
            .after_ms(delays_ms[0] + delays_ms[1], Action::Open { end: EndId { connection, side: 0 } });
        if core.random.permille(self.conditions.cut_permille) {
            let end = EndId { connection, side: core.random.index(2) };
            let at_ms = core.random.between(0, 20_000);
            core.schedule.after_ms(at_ms, Action::Cut { end });
        }
        number
    }

    /// Writes to a connection; bytes for one that is closed are lost.
    pub(crate) fn write(&mut self, core: &mut Core, host: HostId, number: u64, bytes: &Bytes) {
        let Some(end) = self.by_number.get(&(host, number)).copied() else { return };
        let connection = &mut self.connections[end.connection];
        if connection.ends[end.side].is_closed {
            return;
        }
        let far = EndId { side: 1 - end.side, ..end };
        let receiver = &mut connection.ends[far.side];
        if receiver.is_closed {
            return;
        }
        receiver.incoming.extend_from_slice(bytes);
        if receiver.incoming.len() > WRITE_QUEUE_BYTES {
            core.schedule.after_ms(0, Action::Cut { end });
        } else if !receiver.is_due {
            receiver.is_due = true;
            let delay_ms = self.conditions.delay_ms(&mut core.random);
            core.schedule.after_ms(delay_ms, Action::Segment { end: far });
        }
    }

    /// Closes this host's end: the other end reads what was written before.
    pub(crate) fn close(&mut self, core: &mut Core, host: HostId, number: u64) {
        if let Some(end) = self.by_number.get(&(host, number)).copied() {
            self.close_end(core, end);
            let far = EndId { side: 1 - end.side, ..end };
            let receiver = &mut self.connections[far.connection].ends[far.side];
            receiver.closes_after_reading = true;
            if !receiver.is_due && !receiver.is_closed {
                receiver.is_due = true;
                core.schedule
                    .after_ms(self.conditions.delay_ms(&mut core.random), Action::Segment { end: far });
            }
        }
    }

    /// Breaks a connection: what is on its way is lost. The other end learns it later, perhaps much later.
    pub(crate) fn cut(&mut self, core: &mut Core, end: EndId) {
        let far = EndId { side: 1 - end.side, ..end };
        self.close_end(core, end);
        let later_ms = core.random.pick(&[0, 50, 5_000]);
        core.schedule.after_ms(later_ms, Action::CutFar { end: far });
    }

    /// Closes one end, and tells its host.
    pub(crate) fn close_end(&mut self, core: &mut Core, end: EndId) {
        let closing = &mut self.connections[end.connection].ends[end.side];
        if !closing.is_closed {
            closing.is_closed = true;
            closing.incoming.clear();
            core.schedule.after_ms(0, Action::Closed { host: closing.host, number: closing.number });
        }
    }

    /// An end is open now.
    pub(crate) fn open(&mut self, core: &Core, end: EndId) -> Option<(HostId, Delivery)> {
        let connection = &mut self.connections[end.connection];
        connection.opened_at[end.side] = Some(core.schedule.now());
        let opened = &connection.ends[end.side];
        let peer = connection.ends[1 - end.side].address;
        let delivery = Delivery::Opened { number: opened.number, peer };
        (!opened.is_closed).then_some((opened.host, delivery))
    }

    /// Bytes are due at an end.
    pub(crate) fn take_segment(&mut self, core: &mut Core, end: EndId) -> Option<(HostId, Delivery)> {
        let now = core.schedule.now();
        let connection = &mut self.connections[end.connection];
        let is_open = connection.opened_at[end.side].is_some();
        let far_host = connection.ends[1 - end.side].host;
        let reader = &mut connection.ends[end.side];
        reader.is_due = false;
        if reader.is_closed {
            return None;
        }
        let host = &self.hosts[reader.host.0];
        let is_stuck = host.is_dark || host.is_deaf || self.hosts[far_host.0].is_dark;
        if !is_open || is_stuck {
            let since = *reader.stuck_since.get_or_insert(now);
            if now.ms_since(since) > WRITE_TIME_MS {
                // The writer gives up.
                self.cut(core, EndId { side: 1 - end.side, ..end });
            } else {
                reader.is_due = true;
                core.schedule.after_ms(100, Action::Segment { end });
            }
            return None;
        }
        reader.stuck_since = None;
        let length = connection.segments.length(reader.incoming.len(), &mut core.random);
        let bytes = reader.incoming.split_to(length).freeze();
        let (host, number) = (reader.host, reader.number);
        if !reader.incoming.is_empty() || reader.closes_after_reading && length > 0 {
            reader.is_due = true;
            core.schedule.after_ms(core.random.pick(&[0, 0, 0, 1, 20]), Action::Segment { end });
        }
        if bytes.is_empty() {
            if reader.closes_after_reading {
                self.close_end(core, end);
            }
            return None;
        }
        Some((host, Delivery::Stream { number, bytes }))
    }

    fn next_number(&mut self, host: HostId) -> u64 {
        let next = &mut self.hosts[host.0].next_connection;
        *next += 1;
        *next - 1
    }
}

impl End {
    fn new(host: HostId, number: u64, address: SocketAddr) -> Self {
        Self {
            host,
            number,
            address,
            incoming: BytesMut::new(),
            is_due: false,
            stuck_since: None,
            is_closed: false,
            closes_after_reading: false,
        }
    }
}

#[cfg(test)]
mod tests;
