//! What a session gives out, in the order in which it happened.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use tympan_telephony::SampleOffset;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::{Frame, MediaEvent, Payload};
use tympan_types::{BridgeId, LegId, TapId};

/// What a session wants done.
#[derive(Debug, PartialEq)]
pub enum Output<'a> {
    /// Send this datagram.
    Transmit {
        /// The stream that it belongs to.
        stream: usize,
        /// From which of its ports.
        port: Port,
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// Tell the call.
    Event(LegId, MediaEvent),
    /// Hand this to the listener of its tap.
    Frame(Frame<'a>),
    /// Hand this, as [`Input::Bridged`](crate::Input::Bridged), to the other legs of the bridge: the leg has said it.
    Bridged {
        /// The bridge.
        bridge: BridgeId,
        /// What was said.
        payload: Payload<'a>,
    },
}

/// A port of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// RTP, and RTCP where both share it (RFC 5761).
    Rtp,
    /// RTCP alone.
    Rtcp,
}

/// Outputs that wait for `poll`, without an allocation for each.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Queued>,
    /// Datagrams and companded sound, one after the other.
    bytes: Vec<u8>,
    /// Linear sound, one after the other.
    pcm: Vec<i16>,
}

#[derive(Debug)]
enum Queued {
    Transmit { stream: usize, port: Port, to: SocketAddr, bytes: Range<usize> },
    Event(MediaEvent),
    Frame { tap: TapId, at: SampleOffset, sound: Sound },
    Bridged { bridge: BridgeId, sound: Sound },
}

/// Where a payload is kept: once, however many take it.
#[derive(Debug, Clone)]
pub(crate) enum Sound {
    Ulaw(Range<usize>),
    Alaw(Range<usize>),
    Pcm(Range<usize>),
    Silence { samples: u32, cause: Cause },
}

impl Sound {
    /// Codes of a law.
    pub(crate) fn companded(law: Law, codes: Range<usize>) -> Self {
        match law {
            Law::Mu => Self::Ulaw(codes),
            Law::A => Self::Alaw(codes),
        }
    }

    /// How many samples it has.
    pub(crate) fn samples(&self) -> u64 {
        match self {
            Self::Ulaw(range) | Self::Alaw(range) | Self::Pcm(range) => range.len() as u64,
            Self::Silence { samples, .. } => u64::from(*samples),
        }
    }

    /// `count` of its samples from `skip` on.
    pub(crate) fn part(&self, skip: usize, count: usize) -> Self {
        let within = |range: &Range<usize>| {
            let start = range.start.saturating_add(skip).min(range.end);
            start..start.saturating_add(count).min(range.end)
        };
        match self {
            Self::Ulaw(range) => Self::Ulaw(within(range)),
            Self::Alaw(range) => Self::Alaw(within(range)),
            Self::Pcm(range) => Self::Pcm(within(range)),
            Self::Silence { samples, cause } => {
                let rest = samples.saturating_sub(u32::try_from(skip).unwrap_or(u32::MAX));
                Self::Silence { samples: rest.min(u32::try_from(count).unwrap_or(u32::MAX)), cause: *cause }
            }
        }
    }
}

impl Outbox {
    /// Keeps a payload for what is pushed after it.
    pub(crate) fn keep(&mut self, payload: Payload<'_>) -> Sound {
        match payload {
            Payload::Ulaw(codes) => Sound::Ulaw(append(&mut self.bytes, codes)),
            Payload::Alaw(codes) => Sound::Alaw(append(&mut self.bytes, codes)),
            Payload::Pcm(samples) => Sound::Pcm(append(&mut self.pcm, samples)),
            Payload::Silence { samples, cause } => Sound::Silence { samples, cause },
        }
    }

    pub(crate) fn frame(&mut self, tap: TapId, at: SampleOffset, sound: Sound) {
        self.queue.push_back(Queued::Frame { tap, at, sound });
    }

    pub(crate) fn bridged(&mut self, bridge: BridgeId, sound: Sound) {
        self.queue.push_back(Queued::Bridged { bridge, sound });
    }

    pub(crate) fn event(&mut self, event: MediaEvent) {
        self.queue.push_back(Queued::Event(event));
    }

    /// Keeps a frame of `count` samples: these, and silence after them.
    pub(crate) fn keep_frame(&mut self, samples: &[i16], count: usize) -> Sound {
        let mut range = append(&mut self.pcm, samples);
        self.pcm.resize(range.start + count, 0);
        range.end = self.pcm.len();
        Sound::Pcm(range)
    }

    /// Takes the datagram that `write` appends. Gives where it is kept.
    pub(crate) fn transmit(
        &mut self,
        stream: usize,
        port: Port,
        to: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Range<usize> {
        let begin = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        self.queue.push_back(Queued::Transmit { stream, port, to, bytes: begin..end });
        begin..end
    }

    pub(crate) fn poll(&mut self, leg: LegId) -> Option<Output<'_>> {
        let Some(next) = self.queue.pop_front() else {
            self.bytes.clear();
            self.bytes.shrink_to(RETAINED_BYTES);
            self.pcm.clear();
            self.pcm.shrink_to(RETAINED_BYTES / 2);
            return None;
        };
        Some(match next {
            Queued::Transmit { stream, port, to, bytes } => {
                Output::Transmit { stream, port, to, bytes: self.bytes.get(bytes).unwrap_or_default() }
            }
            Queued::Event(event) => Output::Event(leg, event),
            Queued::Frame { tap, at, sound } => {
                Output::Frame(Frame { tap, at, payload: self.payload(sound) })
            }
            Queued::Bridged { bridge, sound } => Output::Bridged { bridge, payload: self.payload(sound) },
        })
    }

    fn payload(&self, sound: Sound) -> Payload<'_> {
        match sound {
            Sound::Ulaw(range) => Payload::Ulaw(self.bytes.get(range).unwrap_or_default()),
            Sound::Alaw(range) => Payload::Alaw(self.bytes.get(range).unwrap_or_default()),
            Sound::Pcm(range) => Payload::Pcm(self.pcm.get(range).unwrap_or_default()),
            Sound::Silence { samples, cause } => Payload::Silence { samples, cause },
        }
    }
}

fn append<T: Copy>(all: &mut Vec<T>, new: &[T]) -> Range<usize> {
    let begin = all.len();
    all.extend_from_slice(new);
    begin..all.len()
}

/// Larger buffers, grown by a burst, are returned to the allocator.
const RETAINED_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    const LEG: LegId = LegId::new(1);

    #[test]
    fn a_payload_is_kept_once_and_its_parts_are_those_of_its_samples() {
        let mut outbox = Outbox::default();
        let at = SampleOffset::from_samples;
        for payload in [
            Payload::Ulaw(&[1, 2, 3, 4]),
            Payload::Alaw(&[1, 2, 3, 4]),
            Payload::Pcm(&[1, 2, 3, 4]),
            Payload::Silence { samples: 4, cause: Cause::Dtx },
        ] {
            let sound = outbox.keep(payload);
            outbox.frame(TapId::new(1), at(0), sound.part(1, 2));
            outbox.frame(TapId::new(2), at(0), sound.part(3, 9));
            let parts: Vec<u64> = std::iter::from_fn(|| {
                let Output::Frame(frame) = outbox.poll(LEG)? else { panic!("a frame") };
                Some(frame.payload.samples())
            })
            .collect();
            assert_eq!(parts, [2, 1], "{payload:?}");
        }
        let sound = outbox.keep(Payload::Pcm(&[1, 2, 3]));
        outbox.bridged(BridgeId::new(1), sound.part(1, 2));
        let expected = Output::Bridged { bridge: BridgeId::new(1), payload: Payload::Pcm(&[2, 3]) };
        assert_eq!(outbox.poll(LEG), Some(expected));
    }

    #[test]
    fn a_burst_leaves_no_large_buffer_behind() {
        let mut outbox = Outbox::default();
        for _ in 0..100 {
            let sound = outbox.keep(Payload::Pcm(&[0; 160]));
            outbox.frame(TapId::new(1), SampleOffset::ZERO, sound);
            let to = ([192, 0, 2, 1], 4_000).into();
            outbox.transmit(0, Port::Rtp, to, |out| out.extend_from_slice(&[0; 172]));
        }
        while outbox.poll(LEG).is_some() {}
        assert!(outbox.bytes.capacity() <= RETAINED_BYTES && outbox.pcm.capacity() <= RETAINED_BYTES / 2);
    }
}
