//! RTP ports: one even port per call, out of the configured range or of the kernel's choice.

use crate::descriptors::{DescriptorBudget, Descriptors, Use};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

/// The socket of a call, with the descriptors that were set aside for the call.
#[derive(Debug)]
pub(crate) struct RtpSocket {
    // Closed before its descriptor is said to be free.
    socket: UdpSocket,
    descriptors: Descriptors,
}

impl RtpSocket {
    pub(super) fn new(socket: UdpSocket, descriptors: Descriptors) -> Self {
        Self { socket, descriptors }
    }

    /// Where its RTCP would be received.
    pub(super) fn rtcp(&self) -> Option<RtcpPort> {
        let local = self.socket.local_addr().ok()?;
        let address = SocketAddr::new(local.ip(), local.port().checked_add(1)?);
        Some(RtcpPort { address, budget: self.descriptors.budget().clone() })
    }
}

impl Deref for RtpSocket {
    type Target = UdpSocket;

    fn deref(&self) -> &UdpSocket {
        &self.socket
    }
}

/// The port beside that of RTP, which is bound only where RTCP is agreed to have a port of its own (RFC 3550 section 11).
#[derive(Debug)]
pub(super) struct RtcpPort {
    address: SocketAddr,
    budget: DescriptorBudget,
}

impl RtcpPort {
    /// Binds it. A call does without where the port is taken or calls have used up their descriptors.
    pub(super) fn bind(&self) -> io::Result<RtpSocket> {
        let descriptors = self.budget.take(Use::Call, 1).ok_or(io::ErrorKind::QuotaExceeded)?;
        let socket = UdpSocket::bind(self.address)?;
        socket.set_nonblocking(true)?;
        Ok(RtpSocket::new(socket, descriptors))
    }
}

/// Hands out bound sockets. The next port is searched from where the last one was found, so that a port rests
/// for a while after its call: late packets of the old call then meet a closed port and not a new call.
#[derive(Debug)]
pub(crate) struct RtpPorts {
    address: IpAddr,
    first: u16,
    pairs: u32,
    next: AtomicU32,
}

impl RtpPorts {
    /// Ports `first..=last` of `address`; with `first` 0 the kernel chooses.
    pub(crate) fn new(address: IpAddr, first: u16, last: u16) -> Self {
        let even = first + first % 2;
        let pairs = u32::from(last.saturating_sub(even)) / 2 + 1;
        Self { address, first: even, pairs, next: AtomicU32::new(0) }
    }

    /// Begins the search at the pair that `number` falls on. A start takes a random one: peers whose calls ended with the last process may
    /// still send to the ports of those, and a new call of the same host could take that for its own caller.
    pub(super) fn beginning_at(self, number: u32) -> Self {
        Self { next: AtomicU32::new(number % self.pairs), ..self }
    }

    /// A bound, non-blocking socket for a caller that reaches us at `local`: on a wildcard address, in the family of that.
    pub(crate) fn bind(&self, local: IpAddr) -> io::Result<UdpSocket> {
        let address = match (self.address, local) {
            (IpAddr::V6(any), IpAddr::V4(_)) if any.is_unspecified() => Ipv4Addr::UNSPECIFIED.into(),
            (address, _) => address,
        };
        let socket =
            if self.first == 0 { UdpSocket::bind((address, 0))? } else { self.bind_in_range(address)? };
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    fn bind_in_range(&self, address: IpAddr) -> io::Result<UdpSocket> {
        for _ in 0..self.pairs {
            let pair = self.next.fetch_add(1, Ordering::Relaxed) % self.pairs;
            let port = u32::from(self.first) + pair * 2;
            let Ok(port) = u16::try_from(port) else { continue };
            match UdpSocket::bind(SocketAddr::new(address, port)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                bound => return bound,
            }
        }
        let text = "every RTP port of the range is in use: widen rtp.port_first to rtp.port_last";
        Err(io::Error::new(io::ErrorKind::AddrInUse, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn takes_even_ports_in_turn_and_says_when_there_are_none() {
        // A range that is surely free for a moment: around a port that the kernel just chose.
        let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = probe.local_addr().unwrap().port() & !1;
        drop(probe);
        let ports = RtpPorts::new(Ipv4Addr::LOCALHOST.into(), first, first + 1);
        let Ok(socket) = ports.bind(LOCAL) else { return };
        assert_eq!(socket.local_addr().unwrap().port(), first);
        assert_eq!(ports.bind(LOCAL).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        assert!(ports.bind(LOCAL).is_ok());
    }

    #[test]
    fn a_start_may_begin_anywhere_in_the_range() {
        let ports = RtpPorts::new(Ipv4Addr::LOCALHOST.into(), 20_000, 20_019);
        let begins = |number| ports_of(&ports, number);
        assert_eq!((begins(0), begins(3), begins(13)), (20_000, 20_006, 20_006));
    }

    /// The first port that would be tried.
    fn ports_of(ports: &RtpPorts, number: u32) -> u32 {
        let RtpPorts { address, first, pairs, .. } = *ports;
        let begun = RtpPorts { address, first, pairs, next: AtomicU32::new(0) }.beginning_at(number);
        u32::from(first) + 2 * begun.next.load(Ordering::Relaxed)
    }

    #[test]
    fn zero_leaves_the_choice_to_the_kernel() {
        let ports = RtpPorts::new(Ipv4Addr::LOCALHOST.into(), 0, 0);
        assert_ne!(ports.bind(LOCAL).unwrap().local_addr().unwrap().port(), 0);
    }

    #[test]
    fn an_ipv4_caller_of_an_ipv6_wildcard_gets_an_ipv4_socket() {
        let ports = RtpPorts::new(Ipv6Addr::UNSPECIFIED.into(), 0, 0);
        assert!(ports.bind(LOCAL).unwrap().local_addr().unwrap().is_ipv4());
        // Where the machine has no IPv6, there is no such caller either.
        if let Ok(socket) = ports.bind(Ipv6Addr::LOCALHOST.into()) {
            assert!(socket.local_addr().unwrap().is_ipv6());
        }
    }
}
