//! A source on trial: it may be the remote party from a new port, or another call's.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::rtp::packet::{DATAGRAM_MAX_BYTES, RtpHeader, Ssrc};
use tympan_types::Mono;

/// How many datagrams are held at most.
pub(super) const HELD_MAX: usize = 8;
/// A source may lose so many packets in a row and still be one stream.
const STEP_MAX: u16 = 16;
/// Packets further apart are no stream.
const APART_MAX: Duration = Duration::from_millis(500);

/// The packets of one source so far.
#[derive(Debug)]
pub(super) struct Candidate {
    from: SocketAddr,
    ssrc: Ssrc,
    sequence: u16,
    heard: Mono,
    packets: u32,
    held: VecDeque<(Mono, Vec<u8>)>,
}

impl Candidate {
    pub(super) fn new(now: Mono, from: SocketAddr, header: &RtpHeader) -> Self {
        Self {
            from,
            ssrc: header.ssrc,
            sequence: header.sequence,
            heard: now,
            packets: 0,
            held: VecDeque::new(),
        }
    }

    pub(super) fn is(&self, from: SocketAddr, ssrc: Ssrc) -> bool {
        self.from == from && self.ssrc == ssrc
    }

    /// Whether a packet is the next of this source, or nearly.
    pub(super) fn continues(&self, now: Mono, from: SocketAddr, header: &RtpHeader) -> bool {
        let step = header.sequence.wrapping_sub(self.sequence);
        self.is(from, header.ssrc) && (1..=STEP_MAX).contains(&step) && now.since(self.heard) <= APART_MAX
    }

    /// Counts a packet; gives how many there are.
    pub(super) const fn count(&mut self, header: &RtpHeader) -> u32 {
        self.sequence = header.sequence;
        self.packets = self.packets.saturating_add(1);
        self.packets
    }

    /// Keeps a packet. `true` where one is lost for it: an older one made room, or it is longer than any that is legal.
    pub(super) fn hold(&mut self, now: Mono, datagram: &[u8]) -> bool {
        self.heard = now;
        if datagram.len() > DATAGRAM_MAX_BYTES {
            return true;
        }
        let full = self.held.len() == HELD_MAX;
        if full {
            self.held.pop_front();
        }
        self.held.push_back((now, datagram.to_vec()));
        full
    }

    /// How many packets are held.
    pub(super) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// The packets that are held, oldest first.
    pub(super) fn into_held(self) -> impl Iterator<Item = (Mono, Vec<u8>)> {
        self.held.into_iter()
    }
}
