//! Where bytes come from and go to.

use crate::wire::Transport;
use std::net::SocketAddr;

/// A listening socket of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u32);

/// A stream connection of the shell. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// By what bytes leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Datagrams of this listener.
    Datagram(ListenerId),
    /// This connection.
    Stream(ConnId),
}

/// One path to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// By what.
    pub way: Way,
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// The address at which this peer reaches us: for Via and Contact. The shell sets it per destination: the local address of
    /// the route, or `sip.public_address`; never a wildcard, and IPv4 in its plain form.
    pub local: SocketAddr,
    /// The peer.
    pub peer: SocketAddr,
}

/// A place that a URI resolves to (RFC 3263).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// The peer.
    pub peer: SocketAddr,
    /// The address at which this peer reaches us.
    pub local: SocketAddr,
    /// The listener to send datagrams by.
    pub listener: ListenerId,
}
