//! The index of a track: how loud it is, what sounds in it and what is missing, for every 20 ms, so that a waveform is
//! drawn without its audio.
//!
//! [`IndexBuilder`] makes one block for each fragment of a track, while it is captured or from its audio; [`TrackIndex`]
//! reads one; [`Waveform`] joins those of a span. The blocks of a fragment's tracks stand one after the other
//! ([`read_all`]). Format 1, little-endian:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 4 | `TYIX` |
//! | 4 | 4 | CRC-32C of everything from 8 to the end of the block |
//! | 8 | 4 | length of the block |
//! | 12 | 1 | format, 1 |
//! | 13 | 1 | number of the track |
//! | 14 | 1 | flags: 1 made from audio, so it knows no keys and no causes; 2 incomplete, a limit was reached |
//! | 15 | 1 | zero |
//! | 16 | 4 | samples |
//! | 20 | 2 | gaps |
//! | 22 | 2 | keys |
//! | 24 | | levels: a byte of RMS for each cell of 20 ms, then a byte of peak for each; then the same for each 8 cells, each 64 and so on, until one spans all |
//! | | | sounds: two bits for each cell of 20 ms, the first in the lowest bits: 0 quiet, 1 speech, 2 tone, 3 key |
//! | | | gaps: cause (1), samples since the end of the one before, samples (LEB128 each) |
//! | | | keys: event code (1), samples since the beginning of the one before, samples (LEB128 each) |
//!
//! A level is 0 for digital silence, else `255 - x / 0.375` for x dB below full scale (32,768), rounded: true to 0.19 dB.

mod builder;
mod bytes;
mod level;
mod reader;
mod spans;
#[cfg(test)]
mod tests;
mod waveform;

pub use builder::IndexBuilder;
pub use level::Level;
pub use reader::{IndexError, Levels, TrackIndex, read_all};
pub use spans::{Span, SpanKind};
pub use waveform::{Column, Waveform, WaveformBuilder};

pub use crate::audio::sound::CELL_SAMPLES;

use crate::Digit;
use crate::rtp::ledger::Cause;

/// The format that is written.
pub const FORMAT: u8 = 1;
/// The longest fragment of which all is indexed: an hour. What is beyond it is left out.
pub const MAX_CELLS: usize = 180_000;
/// Most gaps of a block; most keys.
pub const MAX_MARKS: usize = 512;
/// Cells of one level in one of the next.
const FACTOR: usize = 8;
const MAGIC: [u8; 4] = *b"TYIX";
const HEADER_BYTES: usize = 24;
const FROM_AUDIO: u8 = 1;
const INCOMPLETE: u8 = 2;

/// Why samples of a track are not what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gap {
    /// From the beginning of the timeline to the first packet.
    Start,
    /// Packets did not arrive in time.
    Lost,
    /// The sender said that it was silent.
    Dtx,
    /// A key was pressed instead of speech.
    Event,
    /// Nothing arrived: hold, mute, a stall.
    Pause,
    /// The sender's numbering or clock began anew.
    Jump,
    /// Audio arrived after silence had taken its place.
    Late,
    /// Left out on purpose: an encrypted input, a track that was switched off.
    Suppressed,
}

impl Gap {
    /// All, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Lost,
        Self::Dtx,
        Self::Event,
        Self::Pause,
        Self::Jump,
        Self::Late,
        Self::Suppressed,
    ];

    /// In lower case, for people and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Lost => "lost",
            Self::Dtx => "dtx",
            Self::Event => "event",
            Self::Pause => "pause",
            Self::Jump => "jump",
            Self::Late => "late",
            Self::Suppressed => "suppressed",
        }
    }

    fn code(self) -> u8 {
        Self::ALL.iter().zip(0..).find(|(gap, _)| **gap == self).map_or(0, |(_, code)| code)
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl From<Cause> for Gap {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Start => Self::Start,
            Cause::Lost => Self::Lost,
            Cause::Dtx => Self::Dtx,
            Cause::Event => Self::Event,
            Cause::Pause => Self::Pause,
            Cause::Jump => Self::Jump,
            // None stands for samples of a track; a block has no more to say of them.
            Cause::Late | Cause::Excess | Cause::Break => Self::Late,
            Cause::Suppressed => Self::Suppressed,
        }
    }
}

/// Samples of a fragment that are not what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapMark {
    /// Why.
    pub gap: Gap,
    /// Samples from the beginning of the fragment.
    pub at: u32,
    /// How many.
    pub samples: u32,
}

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// Which.
    pub key: Digit,
    /// Samples from the beginning of the fragment.
    pub at: u32,
    /// For how long; 0 where that is not known.
    pub samples: u32,
}
