//! Connections as the agent sees them: what was read and is no message yet, and what is written before they are open.

use super::{ConnId, Flow, Target, Way};
use crate::wire::{Cutter, Transport};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What is kept for a connection that is not open yet, in bytes: one message of the largest size fits.
pub(super) const PENDING_MAX_BYTES: usize = 512 * 1024;
/// Connections of the agent's own numbers begin here.
const OWN_FROM: u64 = 1 << 63;

/// All connections of an agent.
#[derive(Debug)]
pub(super) struct Connections {
    of: BTreeMap<ConnId, Connection>,
    by_peer: BTreeMap<(u8, SocketAddr), ConnId>,
    next: u64,
}

#[derive(Debug)]
struct Connection {
    flow: Flow,
    cutter: Cutter,
    /// What waits until it is open; `None` once it is.
    pending: Option<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    messages: Vec<Bytes>,
    bytes: usize,
}

/// What became of bytes for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// They go out now.
    Now(Bytes),
    /// They wait until the connection is open.
    Later,
    /// There is no room for them.
    Full,
    /// There is no such connection any more.
    Gone(Bytes),
}

impl Default for Connections {
    fn default() -> Self {
        Self { of: BTreeMap::new(), by_peer: BTreeMap::new(), next: OWN_FROM }
    }
}

impl Connections {
    /// A connection is open. Gives what waited for it.
    pub(super) fn opened(&mut self, conn: ConnId, flow: Flow) -> Vec<Bytes> {
        self.by_peer.insert(peer_key(flow.transport, flow.peer), conn);
        let connection = self.of.entry(conn).or_insert_with(|| Connection {
            flow,
            cutter: Cutter::default(),
            pending: None,
        });
        connection.pending.take().map(|pending| pending.messages).unwrap_or_default()
    }

    /// A connection is closed, or is to be. Gives its path.
    pub(super) fn closed(&mut self, conn: ConnId) -> Option<Flow> {
        let connection = self.of.remove(&conn)?;
        let key = peer_key(connection.flow.transport, connection.flow.peer);
        if self.by_peer.get(&key) == Some(&conn) {
            self.by_peer.remove(&key);
        }
        Some(connection.flow)
    }

    /// True where it is open or opening.
    pub(super) fn exists(&self, conn: ConnId) -> bool {
        self.of.contains_key(&conn)
    }

    /// True where it was asked for and is not open yet.
    pub(super) fn is_opening(&self, conn: ConnId) -> bool {
        self.of.get(&conn).is_some_and(|connection| connection.pending.is_some())
    }

    /// Its path and where its bytes become messages.
    pub(super) fn reader(&mut self, conn: ConnId) -> Option<(Flow, &mut Cutter)> {
        self.of.get_mut(&conn).map(|connection| (connection.flow, &mut connection.cutter))
    }

    /// Bytes that were read and are no whole message.
    pub(super) fn held_bytes(&self, conn: ConnId) -> usize {
        self.of.get(&conn).map_or(0, |connection| connection.cutter.held_bytes())
    }

    /// True where no connection holds part of a message or waits to be opened.
    pub(super) fn are_quiet(&self) -> bool {
        self.of.values().all(|connection| connection.pending.is_none() && connection.cutter.held_bytes() == 0)
    }

    /// Takes bytes for a connection.
    pub(super) fn write(&mut self, conn: ConnId, bytes: Bytes) -> Written {
        let Some(connection) = self.of.get_mut(&conn) else { return Written::Gone(bytes) };
        let Some(pending) = &mut connection.pending else { return Written::Now(bytes) };
        let sum = pending.bytes.saturating_add(bytes.len());
        if sum > PENDING_MAX_BYTES {
            return Written::Full;
        }
        pending.bytes = sum;
        pending.messages.push(bytes);
        Written::Later
    }

    /// The path to a target over a stream: by a connection that there is, or by a new one, which is then to be asked for.
    pub(super) fn to(&mut self, target: &Target) -> (Flow, Option<ConnId>) {
        let known = self.by_peer.get(&peer_key(target.transport, target.peer)).copied();
        if let Some(connection) = known.and_then(|conn| self.of.get(&conn)) {
            return (connection.flow, None);
        }
        let conn = ConnId(self.next);
        self.next = self.next.wrapping_add(1) | OWN_FROM;
        let flow = Flow {
            way: Way::Stream(conn),
            transport: target.transport,
            local: target.local,
            peer: target.peer,
        };
        self.of
            .insert(conn, Connection { flow, cutter: Cutter::default(), pending: Some(Pending::default()) });
        self.by_peer.insert(peer_key(target.transport, target.peer), conn);
        (flow, Some(conn))
    }
}

const fn peer_key(transport: Transport, peer: SocketAddr) -> (u8, SocketAddr) {
    let transport = match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
        Transport::Tls => 2,
    };
    (transport, peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::ListenerId;

    fn target() -> Target {
        Target {
            transport: Transport::Tcp,
            peer: "192.0.2.1:5060".parse().unwrap(),
            local: "192.0.2.9:5060".parse().unwrap(),
            listener: ListenerId(0),
        }
    }

    #[test]
    fn a_second_request_to_the_same_place_goes_by_the_same_connection() {
        let mut connections = Connections::default();
        let (flow, asked) = connections.to(&target());
        let conn = asked.unwrap();
        assert!(conn.0 >= OWN_FROM);
        assert_eq!(connections.to(&target()), (flow, None));
        connections.closed(conn);
        assert_ne!(connections.to(&target()).1, Some(conn));
    }

    #[test]
    fn what_is_written_before_a_connection_is_open_waits_up_to_a_limit() {
        let mut connections = Connections::default();
        let conn = connections.to(&target()).1.unwrap();
        let message = Bytes::from(vec![b'a'; PENDING_MAX_BYTES / 2]);
        assert_eq!(connections.write(conn, message.clone()), Written::Later);
        assert_eq!(connections.write(conn, message.clone()), Written::Later);
        assert_eq!(connections.write(conn, Bytes::from_static(b"a")), Written::Full);
        assert!(!connections.are_quiet());
        let (flow, _) = connections.to(&target());
        assert_eq!(connections.opened(conn, flow).len(), 2);
        assert_eq!(connections.write(conn, Bytes::from_static(b"a")), Written::Now(Bytes::from_static(b"a")));
        connections.closed(conn);
        assert_eq!(
            connections.write(conn, Bytes::from_static(b"a")),
            Written::Gone(Bytes::from_static(b"a"))
        );
    }
}
