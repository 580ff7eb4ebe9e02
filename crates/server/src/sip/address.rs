//! The address at which a peer reaches this server: what stands in Via, Contact and SDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Where this server is reached. A wildcard address never leaves it, and IPv4 has its plain form also on an IPv6 socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddress {
    bound: SocketAddr,
    public: Option<IpAddr>,
}

impl LocalAddress {
    /// For a listener that is bound to `bound`; `public` is the configured address.
    pub(super) fn new(bound: SocketAddr, public: Option<IpAddr>) -> Self {
        Self { bound: canonical(bound), public: public.map(|ip| ip.to_canonical()) }
    }

    /// The listener's own address, which may be a wildcard.
    pub(super) fn bound(self) -> SocketAddr {
        self.bound
    }

    /// Whether the listener takes what comes by any address of this machine.
    pub(super) fn is_wildcard(self) -> bool {
        self.bound.ip().is_unspecified()
    }

    /// Where `peer` reaches us, whose message came to `arrived_at`: the public address, the one that it came to, or the local
    /// one of the route to the peer.
    pub(super) fn reached_by(self, peer: SocketAddr, arrived_at: Option<IpAddr>) -> SocketAddr {
        let arrived_at = arrived_at.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_unspecified());
        let ip = match (self.public, arrived_at) {
            (Some(public), _) => public,
            (None, Some(ip)) => ip,
            (None, None) if !self.is_wildcard() => self.bound.ip(),
            // No answer reaches a peer without a route, so that it does not matter what the answer says.
            (None, None) => route_to(peer).unwrap_or_else(|_| loopback_like(peer.ip())),
        };
        SocketAddr::new(ip, self.bound.port())
    }

    /// Where a peer reaches us whose address is not known yet.
    pub(super) fn by_default(self) -> SocketAddr {
        let somewhere: IpAddr = match self.bound.ip() {
            IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        };
        self.reached_by(SocketAddr::new(somewhere, 5_060), None)
    }

    /// True where an address means this server: its listener's, or the public one.
    pub(super) fn is_own(self, ip: IpAddr) -> bool {
        let is_of_a_wildcard = || self.is_wildcard() && UdpSocket::bind((ip, 0)).is_ok();
        self.public == Some(ip) || self.bound.ip() == ip || is_of_a_wildcard()
    }

    /// The address that datagrams to a peer leave by, where the kernel may not choose it: on a wildcard socket, the one that
    /// the peer wrote to. With a public address the kernel chooses, because that one is not ours.
    pub(super) fn source(self, local: SocketAddr) -> Option<IpAddr> {
        (self.is_wildcard() && self.public.is_none()).then_some(local.ip())
    }
}

/// IPv4 in its plain form.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The local address of the route to a peer. Nothing is sent.
fn route_to(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match peer.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip().to_canonical())
}

fn loopback_like(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn reached(bound: &str, public: Option<&str>, peer: &str, arrived_at: Option<&str>) -> String {
        let public = public.map(|ip| ip.parse().unwrap());
        let local = LocalAddress::new(address(bound), public);
        local.reached_by(address(peer), arrived_at.map(|ip| ip.parse().unwrap())).to_string()
    }

    #[test]
    fn a_peer_is_told_the_address_that_it_wrote_to() {
        let peer = "192.0.2.9:5060";
        assert_eq!(reached("0.0.0.0:5060", None, peer, Some("192.0.2.1")), "192.0.2.1:5060");
        assert_eq!(reached("[::]:5060", None, peer, Some("::ffff:192.0.2.1")), "192.0.2.1:5060");
        assert_eq!(reached("192.0.2.1:5070", None, peer, None), "192.0.2.1:5070");
    }

    #[test]
    fn a_wildcard_address_gives_way_to_the_route() {
        assert_eq!(reached("0.0.0.0:5060", None, "127.0.0.1:9", None), "127.0.0.1:5060");
        assert_eq!(reached("[::]:5060", None, "127.0.0.1:9", None), "127.0.0.1:5060");
        assert_eq!(reached("0.0.0.0:5060", None, "127.0.0.1:9", Some("0.0.0.0")), "127.0.0.1:5060");
    }

    #[test]
    fn the_public_address_stands_everywhere_and_is_never_a_source() {
        let public = Some("203.0.113.7");
        assert_eq!(reached("0.0.0.0:5060", public, "192.0.2.9:5060", Some("10.0.0.1")), "203.0.113.7:5060");
        let local = LocalAddress::new(address("0.0.0.0:5060"), Some("203.0.113.7".parse().unwrap()));
        assert_eq!(local.source(address("203.0.113.7:5060")), None);
        let local = LocalAddress::new(address("[::]:5060"), None);
        assert_eq!(local.source(address("192.0.2.1:5060")), Some("192.0.2.1".parse().unwrap()));
    }
}
