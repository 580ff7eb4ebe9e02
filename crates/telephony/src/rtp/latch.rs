//! Whose packets a media port takes: the source latch.
//!
//! The session description names an address, network address translators change it, and others may write to an open
//! port too. The latch takes the described address, or a port of a host already known from the signalling; it follows
//! a rebinding of the same stream, and refuses and counts everybody else. Rule of thumb: RFC 7362 section 4.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::packet::Ssrc;
use tympan_types::Mono;

/// Decides which source address is the remote party.
#[derive(Debug)]
pub struct SourceLatch {
    expected: SocketAddr,
    signalling: Option<IpAddr>,
    trust: Trust,
    latched: Option<Latched>,
    stats: LatchStats,
}

/// How far to trust an address that nothing has announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Only the hosts of the session description and of the signalling.
    #[default]
    KnownHosts,
    /// Whoever writes first, until the announced address does: for phones behind carrier-grade translators.
    FirstComer,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is from the remote party.
    Accepted,
    /// It is from the remote party, and the first from this address: send ours there from now on.
    Latched,
    /// It is from somebody else.
    Refused,
}

/// Counters of one latch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatchStats {
    /// Packets refused.
    pub refused: u64,
    /// Times the latched address changed.
    pub rebinds: u64,
}

#[derive(Debug)]
struct Latched {
    from: SocketAddr,
    ssrc: Ssrc,
    heard: Mono,
}

impl SourceLatch {
    /// A latch for the address of the session description and, when known, the host the signalling came from.
    pub fn new(expected: SocketAddr, signalling: Option<IpAddr>, trust: Trust) -> Self {
        Self {
            expected: canonical(expected),
            signalling: signalling.map(|host| host.to_canonical()),
            trust,
            latched: None,
            stats: LatchStats::default(),
        }
    }

    /// Judges a packet by where it came from and whose stream it claims to be.
    pub fn admit(&mut self, now: Mono, from: SocketAddr, ssrc: Ssrc) -> Verdict {
        let from = canonical(from);
        if let Some(latched) = &mut self.latched
            && latched.from == from
        {
            latched.ssrc = ssrc;
            latched.heard = now;
            return Verdict::Accepted;
        }
        let acceptable = match &self.latched {
            None => self.trust == Trust::FirstComer || self.knows(from.ip()),
            Some(_) if from == self.expected => true,
            Some(latched) => {
                let quiet = now.since(latched.heard) >= QUIET;
                let same_stream = latched.ssrc == ssrc;
                // A translator that forgot its binding gives the same stream another port, or another host.
                same_stream && (from.ip() == latched.from.ip() || quiet) || quiet && self.knows(from.ip())
            }
        };
        if !acceptable {
            self.stats.refused += 1;
            return Verdict::Refused;
        }
        self.stats.rebinds += u64::from(self.latched.is_some());
        self.latched = Some(Latched { from, ssrc, heard: now });
        Verdict::Latched
    }

    /// Takes a new address from a re-offer; the present source stays good until the new one writes.
    pub fn expect(&mut self, expected: SocketAddr) {
        self.expected = canonical(expected);
    }

    /// Where to send: the latched source, else the described address.
    pub fn remote(&self) -> SocketAddr {
        self.latched.as_ref().map_or(self.expected, |latched| latched.from)
    }

    /// Counters so far.
    pub const fn stats(&self) -> LatchStats {
        self.stats
    }

    fn knows(&self, host: IpAddr) -> bool {
        host == self.expected.ip() || Some(host) == self.signalling
    }
}

/// An IPv4 source seen through a dual-stack socket is the IPv4 address it was described as.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// After this much quiet a known host may begin another stream, and a known stream may move to another host.
const QUIET: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Ssrc = Ssrc(1);

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn latch() -> SourceLatch {
        SourceLatch::new(addr("192.0.2.1:4000"), None, Trust::KnownHosts)
    }

    #[test]
    fn takes_the_described_address() {
        let mut latch = latch();
        assert_eq!(latch.remote(), addr("192.0.2.1:4000"));
        assert_eq!(latch.admit(at(0), addr("192.0.2.1:4000"), STREAM), Verdict::Latched);
        assert_eq!(latch.admit(at(20), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
    }

    #[test]
    fn refuses_and_counts_third_parties() {
        let mut latch = latch();
        assert_eq!(latch.admit(at(0), addr("203.0.113.9:4000"), STREAM), Verdict::Refused);
        latch.admit(at(0), addr("192.0.2.1:4000"), STREAM);
        assert_eq!(latch.admit(at(20), addr("203.0.113.9:4000"), Ssrc(2)), Verdict::Refused);
        assert_eq!(latch.admit(at(20), addr("203.0.113.9:4000"), STREAM), Verdict::Refused);
        assert_eq!(latch.stats().refused, 3);
    }

    #[test]
    fn takes_another_port_of_the_described_host() {
        let mut latch = latch();
        assert_eq!(latch.admit(at(0), addr("192.0.2.1:61000"), STREAM), Verdict::Latched);
        assert_eq!(latch.remote(), addr("192.0.2.1:61000"));
    }

    #[test]
    fn takes_the_host_the_signalling_came_from_when_the_description_is_private() {
        let signalling = Some("198.51.100.7".parse().unwrap());
        let mut latch = SourceLatch::new(addr("10.0.0.5:4000"), signalling, Trust::KnownHosts);
        assert_eq!(latch.admit(at(0), addr("198.51.100.7:23456"), STREAM), Verdict::Latched);
        assert_eq!(latch.admit(at(20), addr("203.0.113.9:23456"), Ssrc(2)), Verdict::Refused);
    }

    #[test]
    fn follows_a_rebinding_of_the_same_stream_to_another_port() {
        let mut latch = latch();
        latch.admit(at(0), addr("192.0.2.1:4000"), STREAM);
        assert_eq!(latch.admit(at(20), addr("192.0.2.1:4711"), STREAM), Verdict::Latched);
        assert_eq!(latch.stats().rebinds, 1);
    }

    #[test]
    fn follows_the_same_stream_to_another_host_only_after_quiet() {
        let mut latch = latch();
        latch.admit(at(0), addr("192.0.2.1:4000"), STREAM);
        assert_eq!(latch.admit(at(20), addr("198.51.100.7:4000"), STREAM), Verdict::Refused);
        assert_eq!(latch.admit(at(520), addr("198.51.100.7:4000"), STREAM), Verdict::Latched);
        assert_eq!(latch.admit(at(521), addr("192.0.2.99:4000"), STREAM), Verdict::Refused);
    }

    #[test]
    fn another_stream_of_a_known_host_must_wait_for_quiet() {
        let mut latch = latch();
        latch.admit(at(0), addr("192.0.2.1:4000"), STREAM);
        assert_eq!(latch.admit(at(20), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Refused);
        assert_eq!(latch.admit(at(600), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Latched);
    }

    #[test]
    fn a_re_offer_moves_the_latch_when_its_address_writes() {
        let mut latch = latch();
        latch.admit(at(0), addr("192.0.2.1:4000"), STREAM);
        latch.expect(addr("192.0.2.50:6000"));
        assert_eq!(latch.admit(at(20), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
        assert_eq!(latch.admit(at(40), addr("192.0.2.50:6000"), Ssrc(2)), Verdict::Latched);
        assert_eq!(latch.admit(at(60), addr("192.0.2.1:4000"), STREAM), Verdict::Refused);
    }

    #[test]
    fn the_first_comer_yields_to_the_announced_address() {
        let mut latch = SourceLatch::new(addr("192.0.2.1:4000"), None, Trust::FirstComer);
        assert_eq!(latch.admit(at(0), addr("203.0.113.9:5000"), STREAM), Verdict::Latched);
        assert_eq!(latch.admit(at(1), addr("192.0.2.1:4000"), Ssrc(2)), Verdict::Latched);
        assert_eq!(latch.admit(at(2), addr("203.0.113.9:5000"), STREAM), Verdict::Refused);
    }

    #[test]
    fn ipv4_through_a_dual_stack_socket_is_the_same_host() {
        let mut latch = latch();
        assert_eq!(latch.admit(at(0), addr("[::ffff:192.0.2.1]:4000"), STREAM), Verdict::Latched);
        assert_eq!(latch.admit(at(1), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
    }
}
