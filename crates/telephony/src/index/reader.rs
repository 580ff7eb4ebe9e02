use super::bytes::{Input, crc32c};
use super::{
    CELL_SAMPLES, FACTOR, FORMAT, FROM_AUDIO, Gap, GapMark, HEADER_BYTES, INCOMPLETE, KeyMark, Level, MAGIC,
    MAX_CELLS, MAX_MARKS,
};
use crate::Digit;
use crate::audio::sound::Sound;

/// The index of one track of one fragment, read where it lies.
#[derive(Clone, Debug)]
pub struct TrackIndex<'a> {
    track: u8,
    flags: u8,
    samples: u32,
    /// Levels, from 20 ms upward.
    levels: &'a [u8],
    sounds: &'a [u8],
    gaps: Vec<GapMark>,
    keys: Vec<KeyMark>,
}

/// Why bytes are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// They end before the block does.
    #[error("the index is cut off")]
    CutOff,
    /// They begin with something else.
    #[error("no index begins here")]
    Magic,
    /// A later version of this program wrote it.
    #[error("index format {0} is newer than this program")]
    Format(u8),
    /// The checksum does not match.
    #[error("the checksum of the index does not match")]
    Checksum,
    /// What it says contradicts itself.
    #[error("the index contradicts itself")]
    Contents,
}

/// The blocks of a fragment, one for each track. Bounded: no more than the bytes hold.
///
/// # Errors
/// The first block that is damaged; an index is whole or made anew.
pub fn read_all(mut bytes: &[u8]) -> Result<Vec<TrackIndex<'_>>, IndexError> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (index, rest) = TrackIndex::read(bytes)?;
        all.push(index);
        bytes = rest;
    }
    Ok(all)
}

impl<'a> TrackIndex<'a> {
    /// The block at the beginning of `bytes`, and what follows it.
    ///
    /// # Errors
    /// Where no whole block of a known format begins. Never a panic.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), IndexError> {
        let mut header = Input(bytes);
        let magic = header.array::<4>().ok_or(IndexError::CutOff)?;
        if magic != MAGIC {
            return Err(IndexError::Magic);
        }
        let crc = header.u32().ok_or(IndexError::CutOff)?;
        let length = header.u32().and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(IndexError::CutOff)?;
        let format = header.byte().ok_or(IndexError::CutOff)?;
        if format != FORMAT {
            return Err(IndexError::Format(format));
        }
        if length < HEADER_BYTES {
            return Err(IndexError::Contents);
        }
        let (block, rest) = bytes.split_at_checked(length).ok_or(IndexError::CutOff)?;
        if crc32c(&block[8..]) != crc {
            return Err(IndexError::Checksum);
        }
        Self::contents(&block[13..]).map(|index| (index, rest)).ok_or(IndexError::Contents)
    }

    fn contents(bytes: &'a [u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let [track, flags, _zero] = input.array()?;
        let samples = input.u32()?;
        let (gap_count, key_count) = (usize::from(input.u16()?), usize::from(input.u16()?));
        let cells = usize::try_from(samples).ok()?.div_ceil(CELL_SAMPLES);
        if cells > MAX_CELLS || gap_count > MAX_MARKS || key_count > MAX_MARKS {
            return None;
        }
        let level_bytes: usize = widths(cells).map(|(_, width)| 2 * width).sum();
        let (levels, sounds) = (input.take(level_bytes)?, input.take(cells.div_ceil(4))?);
        let gaps = gaps(&mut input, gap_count, samples)?;
        let keys = keys(&mut input, key_count)?;
        input.0.is_empty().then_some(Self { track, flags, samples, levels, sounds, gaps, keys })
    }

    /// The number of the track.
    pub fn track(&self) -> u8 {
        self.track
    }

    /// How many samples it spans.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// Whether it was made from audio: gaps and keys are not known.
    pub fn is_from_audio(&self) -> bool {
        self.flags & FROM_AUDIO != 0
    }

    /// Whether a limit was reached: there is more audio, or there are more gaps or keys.
    pub fn is_incomplete(&self) -> bool {
        self.flags & INCOMPLETE != 0
    }

    /// How many cells of 20 ms; the last may be shorter.
    pub fn cells(&self) -> usize {
        (self.samples as usize).div_ceil(CELL_SAMPLES)
    }

    /// What a cell of 20 ms holds.
    pub fn sound(&self, cell: usize) -> Sound {
        let byte = self.sounds.get(cell / 4).copied().unwrap_or(0);
        Sound::from_code(byte >> (2 * (cell % 4)))
    }

    /// Gaps, in order.
    pub fn gaps(&self) -> &[GapMark] {
        &self.gaps
    }

    /// Keys, in order.
    pub fn keys(&self) -> &[KeyMark] {
        &self.keys
    }

    /// The coarsest level of which no cell is longer than so many samples; the finest where all are.
    pub fn level(&self, longest: u64) -> Levels<'a> {
        let mut found = Levels { cell_samples: CELL_SAMPLES, rms: &[], peak: &[] };
        let mut left = self.levels;
        for (cell_samples, width) in widths(self.cells()) {
            let (Some((rms, after)), true) = (
                left.split_at_checked(width),
                cell_samples == CELL_SAMPLES || cell_samples as u64 <= longest,
            ) else {
                break;
            };
            let Some((peak, after)) = after.split_at_checked(width) else { break };
            found = Levels { cell_samples, rms, peak };
            left = after;
        }
        found
    }
}

/// One level of the pyramid.
#[derive(Clone, Copy, Debug)]
pub struct Levels<'a> {
    /// Samples of a cell.
    pub cell_samples: usize,
    rms: &'a [u8],
    peak: &'a [u8],
}

impl Levels<'_> {
    /// RMS and peak of each cell.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Level, Level)> {
        self.rms.iter().zip(self.peak).map(|(&rms, &peak)| (Level::from_code(rms), Level::from_code(peak)))
    }
}

/// Samples of a cell and number of cells, level by level, from 20 ms to the one that spans all.
fn widths(cells: usize) -> impl Iterator<Item = (usize, usize)> {
    let first = (cells > 0).then_some((CELL_SAMPLES, cells));
    std::iter::successors(first, |&(samples, width)| {
        (width > 1).then(|| (samples * FACTOR, width.div_ceil(FACTOR)))
    })
}

fn gaps(input: &mut Input<'_>, count: usize, samples: u32) -> Option<Vec<GapMark>> {
    let mut end = 0u32;
    (0..count)
        .map(|_| {
            let gap = Gap::from_code(input.byte()?)?;
            let at = end.checked_add(input.leb128()?)?;
            let length = input.leb128()?;
            end = at.checked_add(length).filter(|&end| end <= samples)?;
            Some(GapMark { gap, at, samples: length })
        })
        .collect()
}

fn keys(input: &mut Input<'_>, count: usize) -> Option<Vec<KeyMark>> {
    let mut begin = 0u32;
    (0..count)
        .map(|_| {
            let key = Digit::from_event(input.byte()?)?;
            begin = begin.checked_add(input.leb128()?)?;
            Some(KeyMark { key, at: begin, samples: input.leb128()? })
        })
        .collect()
}
