//! What a timeline gives out, and what waits to be given out.

use std::collections::VecDeque;

use crate::audio::codec::AudioCodec;
use crate::audio::g722;
use crate::rtp::ledger::{Cause, Ledger};
use crate::words::Payload;
use crate::{Digit, SampleOffset};
use tympan_types::Mono;

/// One thing that happened in a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineOutput<'a> {
    /// Received audio.
    Audio(Audio<'a>),
    /// No audio was received for this span.
    Silence {
        /// Where it begins.
        at: SampleOffset,
        /// How long it is.
        samples: u32,
        /// Why.
        cause: Cause,
    },
    /// A key was pressed; given once a press, with its first packet.
    Digit {
        /// About where in the timeline the press begins; never before `at` of an earlier output.
        at: SampleOffset,
        /// The key.
        digit: Digit,
    },
}

/// The audio of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio<'a> {
    /// Where it begins.
    pub at: SampleOffset,
    /// When its packet arrived.
    pub arrival: Mono,
    /// The sound: G.711 as it was received, byte for byte; G.722 decoded. Never silence.
    pub payload: Payload<'a>,
}

impl TimelineOutput<'_> {
    /// Where it begins.
    pub const fn at(&self) -> SampleOffset {
        match self {
            Self::Audio(audio) => audio.at,
            Self::Silence { at, .. } | Self::Digit { at, .. } => *at,
        }
    }

    /// How many samples it adds to the timeline; none for a digit.
    pub fn len_samples(&self) -> u64 {
        match self {
            Self::Audio(audio) => audio.payload.samples(),
            Self::Silence { samples, .. } => *samples as u64,
            Self::Digit { .. } => 0,
        }
    }
}

/// The end of a timeline: outputs that wait for `poll`, without an allocation for each.
#[derive(Debug, Default)]
pub(super) struct OutputQueue {
    /// Where the next output begins.
    end: SampleOffset,
    queue: VecDeque<Queued>,
    /// G.711 payloads of the queue, one after the other.
    companded: Vec<u8>,
    /// Decoded payloads of the queue, one after the other.
    pcm: Vec<i16>,
    /// Of the present stream, once it has sent G.722.
    decoder: Option<Box<g722::Decoder>>,
    ledger: Ledger,
}

#[derive(Debug)]
enum Queued {
    Audio { at: SampleOffset, arrival: Mono, codec: AudioCodec, begin: usize, length: usize },
    Silence { at: SampleOffset, samples: u32, cause: Cause },
    Digit { at: SampleOffset, digit: Digit },
}

impl OutputQueue {
    /// A stream begins: what a decoder remembers is of another one.
    pub(super) fn begin_stream(&mut self) {
        self.decoder = None;
    }

    /// Takes a payload, a byte for each sample of the timeline whatever the codec.
    pub(super) fn push_audio(&mut self, arrival: Mono, codec: AudioCodec, payload: &[u8]) {
        let begin = match codec {
            AudioCodec::Pcmu | AudioCodec::Pcma => {
                let begin = self.companded.len();
                self.companded.extend_from_slice(payload);
                begin
            }
            AudioCodec::G722 => {
                let begin = self.pcm.len();
                self.decoder.get_or_insert_default().decode(payload, &mut self.pcm);
                begin
            }
        };
        self.queue.push_back(Queued::Audio { at: self.end, arrival, codec, begin, length: payload.len() });
        self.end += payload.len() as u64;
    }

    pub(super) fn push_silence(&mut self, samples: u64, cause: Cause) {
        if samples == 0 {
            return;
        }
        self.ledger.record(self.end, samples, cause);
        let mut left = samples;
        while left > 0 {
            let samples = u32::try_from(left).unwrap_or(u32::MAX);
            self.queue.push_back(Queued::Silence { at: self.end, samples, cause });
            self.end += u64::from(samples);
            left -= u64::from(samples);
        }
    }

    pub(super) fn push_digit(&mut self, digit: Digit) {
        self.queue.push_back(Queued::Digit { at: self.end, digit });
    }

    /// Notes what adds nothing to the timeline: [`Cause::Late`], [`Cause::Excess`].
    pub(super) fn note(&mut self, samples: u64, cause: Cause) {
        self.ledger.record(self.end, samples, cause);
    }

    pub(super) fn poll(&mut self) -> Option<TimelineOutput<'_>> {
        let Some(next) = self.queue.pop_front() else {
            self.companded.clear();
            self.companded.shrink_to(RETAINED_BYTES);
            self.pcm.clear();
            self.pcm.shrink_to(RETAINED_BYTES / 2);
            return None;
        };
        Some(match next {
            Queued::Silence { at, samples, cause } => TimelineOutput::Silence { at, samples, cause },
            Queued::Digit { at, digit } => TimelineOutput::Digit { at, digit },
            Queued::Audio { at, arrival, codec, begin, length } => {
                let bytes = self.companded.get(begin..begin + length).unwrap_or_default();
                let payload = match codec {
                    AudioCodec::Pcmu => Payload::Ulaw(bytes),
                    AudioCodec::Pcma => Payload::Alaw(bytes),
                    AudioCodec::G722 => Payload::Pcm(self.pcm.get(begin..begin + length).unwrap_or_default()),
                };
                TimelineOutput::Audio(Audio { at, arrival, payload })
            }
        })
    }

    pub(super) const fn end(&self) -> SampleOffset {
        self.end
    }

    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) const fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Entries and bytes of memory kept for later use.
    #[cfg(test)]
    pub(super) fn capacities(&self) -> (usize, usize) {
        (self.queue.capacity(), self.companded.capacity() + 2 * self.pcm.capacity())
    }
}

/// Larger buffers, grown by a burst, are returned to the allocator.
const RETAINED_BYTES: usize = 2_048;
