//! What a timeline gives out, and what waits to be given out.

use std::collections::VecDeque;

use crate::audio::g711::Law;
use crate::rtp::ledger::{Cause, Ledger};
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Audio<'a> {
    /// Where it begins.
    pub at: SampleOffset,
    /// When its packet arrived.
    pub arrival: Mono,
    /// Linear samples.
    pub samples: &'a [i16],
    /// The same samples as they were received, a byte each.
    pub companded: &'a [u8],
    /// The law of `companded`.
    pub law: Law,
}

impl std::fmt::Debug for Audio<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Someone's voice: only its extent is printed.
        f.debug_struct("Audio")
            .field("at", &self.at)
            .field("arrival", &self.arrival)
            .field("samples", &self.samples.len())
            .field("law", &self.law)
            .finish()
    }
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
    pub const fn len_samples(&self) -> u64 {
        match self {
            Self::Audio(audio) => audio.samples.len() as u64,
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
    /// Companded payloads of the queue, one after the other.
    payloads: Vec<u8>,
    /// Linear samples of the output given out last.
    samples: Vec<i16>,
    ledger: Ledger,
}

#[derive(Debug)]
enum Queued {
    Audio { at: SampleOffset, arrival: Mono, law: Law, begin: usize, length: usize },
    Silence { at: SampleOffset, samples: u32, cause: Cause },
    Digit { at: SampleOffset, digit: Digit },
}

impl OutputQueue {
    pub(super) fn push_audio(&mut self, arrival: Mono, law: Law, payload: &[u8]) {
        let begin = self.payloads.len();
        self.payloads.extend_from_slice(payload);
        self.queue.push_back(Queued::Audio { at: self.end, arrival, law, begin, length: payload.len() });
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

    /// Notes that audio is about to follow `samples` of silence that were emitted in its place.
    pub(super) fn note_late(&mut self, samples: u64) {
        self.ledger.record(self.end, samples, Cause::Late);
    }

    pub(super) fn poll(&mut self) -> Option<TimelineOutput<'_>> {
        let Some(next) = self.queue.pop_front() else {
            self.payloads.clear();
            self.payloads.shrink_to(RETAINED_BYTES);
            self.samples.clear();
            self.samples.shrink_to(RETAINED_BYTES);
            return None;
        };
        Some(match next {
            Queued::Silence { at, samples, cause } => TimelineOutput::Silence { at, samples, cause },
            Queued::Digit { at, digit } => TimelineOutput::Digit { at, digit },
            Queued::Audio { at, arrival, law, begin, length } => {
                let companded = &self.payloads[begin..begin + length];
                self.samples.clear();
                law.decode_into(companded, &mut self.samples);
                TimelineOutput::Audio(Audio { at, arrival, samples: &self.samples, companded, law })
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
        (self.queue.capacity(), self.payloads.capacity() + 2 * self.samples.capacity())
    }
}

/// Larger buffers, grown by a burst, are returned to the allocator.
const RETAINED_BYTES: usize = 2_048;
