//! Whose packets a media port takes: the source latch.
//!
//! The session description names an address, network address translators change it, and others may write to an open
//! port too. The latch takes the described address, or a port of a host that the trunk trusts; it follows a rebinding of the
//! same stream and a change of port and stream within one host, and refuses and counts everything else.
//! Source: RFC 7362 section 4, RFC 3264 section 8.3.1 (a new address in a re-offer).

mod candidate;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use self::candidate::Candidate;
use super::packet::{RtpHeader, Ssrc};
use tympan_types::Mono;

/// Decides which source address is the remote party, and where ours is sent.
///
/// Memory: while another source of the same host is on trial at most [`SourceLatch::HELD_MAX`] datagrams, else none.
#[derive(Debug)]
pub struct SourceLatch {
    began: Mono,
    described: SocketAddr,
    /// The described address is newer than the latch: ours goes there.
    described_anew: bool,
    signalling: Option<IpAddr>,
    trust: Trust,
    latched: Option<Latched>,
    /// The source that the described one took over from: what it still has on the way is no rebinding.
    left: Option<SocketAddr>,
    candidate: Option<Candidate>,
    stats: LatchStats,
}

/// How far a trunk trusts an address that nothing has announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The hosts of the session description and of the signalling, any port of them.
    #[default]
    KnownHosts,
    /// The host that the signalling came from, whatever the description names. Where it is not known, the described host.
    SignallingHost,
    /// Known hosts, and within so many milliseconds of the answer whichever host writes first, until the described address
    /// does: for phones behind translators whose signalling takes another way.
    FirstComer {
        /// From the answer on.
        within_ms: u32,
    },
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is from the remote party.
    Accepted,
    /// It is from the remote party, and the first from this address: ours goes there from now on. Packets of the same source
    /// that were held come out of [`SourceLatch::take_held`]; they were before this one.
    Latched,
    /// It may be from the remote party: a few more packets will tell. The latch keeps it.
    Held,
    /// It is from another party.
    Refused,
}

/// Counters of one latch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatchStats {
    /// Packets refused, those that were held first included.
    pub refused: u64,
    /// Times the latched address changed.
    pub rebinds: u64,
}

#[derive(Debug)]
struct Latched {
    from: SocketAddr,
    ssrc: Ssrc,
    heard: Mono,
    /// Between its packets of late, at most.
    interval: Duration,
}

impl SourceLatch {
    /// How many datagrams are held at most while their source is on trial.
    pub const HELD_MAX: usize = candidate::HELD_MAX;

    /// A latch that begins at `now`, the answer: for the address of the session description and, when known, the host the
    /// signalling came from.
    pub fn new(now: Mono, described: SocketAddr, signalling: Option<IpAddr>, trust: Trust) -> Self {
        Self {
            began: now,
            described: canonical(described),
            described_anew: false,
            signalling: signalling.map(|host| host.to_canonical()),
            trust,
            latched: None,
            left: None,
            candidate: None,
            stats: LatchStats::default(),
        }
    }

    /// Judges a packet by where it came from and whose stream it claims to be. `datagram` is what it was parsed from.
    pub fn admit(&mut self, now: Mono, from: SocketAddr, header: &RtpHeader, datagram: &[u8]) -> Verdict {
        let from = canonical(from);
        if let Some(latched) = self.latched.as_mut().filter(|latched| latched.from == from) {
            latched.ssrc = header.ssrc;
            // The longest of late: senders may send in batches.
            let faded = latched.interval - latched.interval / 8;
            latched.interval = now.since(latched.heard).min(INTERVAL_MAX).max(faded);
            latched.heard = now;
            self.drop_candidate();
            return Verdict::Accepted;
        }
        match self.judge(now, from, header.ssrc) {
            Claim::Good => self.latch(now, from, header.ssrc),
            Claim::OnTrial { silence } => self.try_candidate(now, from, header, datagram, silence),
            Claim::Bad => {
                self.stats.refused += 1;
                Verdict::Refused
            }
        }
    }

    /// Takes the packets that were held of the source that has just been latched, with their arrivals, oldest first.
    pub fn take_held(&mut self) -> impl Iterator<Item = (Mono, Vec<u8>)> + use<> {
        self.candidate.take().into_iter().flat_map(Candidate::into_held)
    }

    /// Takes a new address from a re-offer. Ours goes there at once; the present source stays good until the new one writes.
    pub fn expect(&mut self, described: SocketAddr) {
        let described = canonical(described);
        if described == self.described {
            return;
        }
        self.described = described;
        self.described_anew = self.latched.as_ref().is_some_and(|latched| latched.from != described);
    }

    /// The host that the signalling comes from now.
    pub fn signalled_from(&mut self, host: IpAddr) {
        self.signalling = Some(host.to_canonical());
    }

    /// Where to send: an address described since the latch, else the latched source, else the described address.
    pub fn remote(&self) -> SocketAddr {
        match &self.latched {
            Some(latched) if !self.described_anew => latched.from,
            _ => self.described,
        }
    }

    /// Counters so far.
    pub const fn stats(&self) -> LatchStats {
        self.stats
    }

    fn judge(&self, now: Mono, from: SocketAddr, ssrc: Ssrc) -> Claim {
        let host = from.ip();
        let Some(latched) = &self.latched else {
            let good = self.knows(host) || self.takes_first_comer(now);
            return if good { Claim::Good } else { Claim::Bad };
        };
        let (silent, same_host) = (now.since(latched.heard), latched.from.ip() == host);
        let same_stream = latched.ssrc == ssrc && self.left != Some(from);
        let described_host = self.described_anew && host == self.described.ip() && !same_host;
        if self.knows(host) && (from == self.described || described_host || silent >= QUIET) {
            return Claim::Good;
        }
        // A translator that forgot its binding gives the same stream another port, or another host.
        if same_stream && (same_host || silent >= QUIET && self.trust != Trust::SignallingHost) {
            return Claim::Good;
        }
        if !same_host && !self.knows(host) {
            return Claim::Bad;
        }
        // Port and stream change at once: an SBC that re-anchors the media of a call.
        Claim::OnTrial { silence: SILENCE_MIN.max(2 * latched.interval) }
    }

    fn latch(&mut self, now: Mono, from: SocketAddr, ssrc: Ssrc) -> Verdict {
        if self.candidate.as_ref().is_some_and(|candidate| !candidate.is(from, ssrc)) {
            self.drop_candidate();
        }
        if let Some(latched) = &self.latched {
            self.stats.rebinds += 1;
            self.left = (from == self.described).then_some(latched.from);
        }
        self.described_anew = false;
        self.latched = Some(Latched { from, ssrc, heard: now, interval: Duration::ZERO });
        Verdict::Latched
    }

    /// A source of a trusted host that cannot be told from another call's yet: a few packets in a row decide, if the present
    /// source is silent meanwhile.
    fn try_candidate(
        &mut self,
        now: Mono,
        from: SocketAddr,
        header: &RtpHeader,
        datagram: &[u8],
        silence: Duration,
    ) -> Verdict {
        if !self.candidate.as_ref().is_some_and(|candidate| candidate.continues(now, from, header)) {
            self.drop_candidate();
        }
        let candidate = self.candidate.get_or_insert_with(|| Candidate::new(now, from, header));
        let packets = candidate.count(header);
        let silent = self.latched.as_ref().is_none_or(|latched| now.since(latched.heard) >= silence);
        if packets >= PACKETS_IN_A_ROW && silent {
            return self.latch(now, from, header.ssrc);
        }
        self.stats.refused += u64::from(candidate.hold(now, datagram));
        Verdict::Held
    }

    fn drop_candidate(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.stats.refused += candidate.held();
        }
    }

    fn knows(&self, host: IpAddr) -> bool {
        match (self.trust, self.signalling) {
            (Trust::SignallingHost, Some(signalling)) => host == signalling,
            (_, signalling) => host == self.described.ip() || Some(host) == signalling,
        }
    }

    fn takes_first_comer(&self, now: Mono) -> bool {
        match self.trust {
            Trust::FirstComer { within_ms } => {
                now.since(self.began) <= Duration::from_millis(within_ms.into())
            }
            Trust::KnownHosts | Trust::SignallingHost => false,
        }
    }
}

/// What speaks for a packet from another address than the latched one.
enum Claim {
    Good,
    /// Good once the latched source has been silent for so long, and a few packets in a row have come.
    OnTrial {
        silence: Duration,
    },
    Bad,
}

/// An IPv4 source seen through a dual-stack socket is the IPv4 address it was described as.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// After this much quiet a known host may begin another stream, and a known stream may move to another host.
const QUIET: Duration = Duration::from_millis(500);
/// So many packets in a row are a stream.
const PACKETS_IN_A_ROW: u32 = 3;
/// A source counts as silent for another one of its host after two of its intervals, and this at least.
const SILENCE_MIN: Duration = Duration::from_millis(60);
/// Beyond this an interval is a pause.
const INTERVAL_MAX: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests;
