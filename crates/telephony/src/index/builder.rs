use super::bytes::{crc32c, put_leb128};
use super::{
    CELL_SAMPLES, FACTOR, FORMAT, FROM_AUDIO, Gap, GapMark, HEADER_BYTES, INCOMPLETE, KeyMark, Level, MAGIC,
    MAX_CELLS, MAX_MARKS,
};
use crate::Digit;
use crate::audio::g711::Law;
use crate::audio::sound::{Sound, SoundClassifier, energy, peak};
use crate::words::Payload;
use std::fmt;

/// Makes the index of a track, fragment by fragment, as its samples come.
///
/// Samples, gaps and keys are those of the open fragment; [`Self::finish_fragment`] ends it. Units: samples at 8 kHz, from
/// the beginning of the fragment. Memory: 4 bytes a cell and a little; within the limits of this module however long a
/// fragment is, which a counter and a flag of the block tell. Keys of an encrypted input or of a pause are the caller's to
/// leave out.
pub struct IndexBuilder {
    track: u8,
    flags: u8,
    classifier: SoundClassifier,
    samples: u32,
    /// The beginning of a cell whose end has not come: frames of a cell each never need it.
    begun: Vec<i16>,
    /// Of each whole cell: level, peak, sound.
    cells: Vec<Cell>,
    gaps: Vec<GapMark>,
    keys: Vec<KeyMark>,
    left_out: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    rms: Level,
    peak: Level,
    sound: Sound,
}

/// Energy and peak of cells on the way to a coarser level.
#[derive(Clone, Copy, Default)]
struct Sum {
    energy: f64,
    samples: f64,
    peak: Level,
}

impl IndexBuilder {
    /// For a track of this number, as it is captured: gaps and keys come from those who know them.
    pub fn new(track: u8) -> Self {
        Self {
            track,
            flags: 0,
            classifier: SoundClassifier::default(),
            samples: 0,
            begun: Vec::new(),
            cells: Vec::new(),
            gaps: Vec::new(),
            keys: Vec::new(),
            left_out: 0,
        }
    }

    /// For a track of which there is nothing but its audio. No gaps and no keys are known; a block says so.
    pub fn from_audio(track: u8) -> Self {
        Self { flags: FROM_AUDIO, ..Self::new(track) }
    }

    /// What comes next in the track.
    pub fn push(&mut self, payload: &Payload<'_>) {
        match *payload {
            Payload::Ulaw(codes) => self.companded(Law::Mu, codes),
            Payload::Alaw(codes) => self.companded(Law::A, codes),
            Payload::Pcm(samples) => self.pcm(samples),
            Payload::Silence { samples, cause } => self.gap(samples, cause.into()),
        }
    }

    /// Samples that were received.
    pub fn pcm(&mut self, samples: &[i16]) {
        let mut left = self.admit(samples);
        while !left.is_empty() {
            match left.split_first_chunk::<CELL_SAMPLES>() {
                Some((cell, after)) if self.begun.is_empty() => {
                    self.put_cell(cell);
                    left = after;
                }
                _ => left = self.put_begun(left, |sample| sample),
            }
        }
    }

    /// Codes that were received.
    pub fn companded(&mut self, law: Law, codes: &[u8]) {
        let table = law.table();
        let mut left = self.admit(codes);
        while !left.is_empty() {
            match left.split_first_chunk::<CELL_SAMPLES>() {
                Some((cell, after)) if self.begun.is_empty() => {
                    let mut samples = [0; CELL_SAMPLES];
                    for (sample, &code) in samples.iter_mut().zip(cell) {
                        *sample = table[usize::from(code)];
                    }
                    self.put_cell(&samples);
                    left = after;
                }
                _ => left = self.put_begun(left, |code| table[usize::from(code)]),
            }
        }
    }

    /// So many samples of silence that stand for something else.
    pub fn gap(&mut self, samples: u32, gap: Gap) {
        let room = self.room();
        self.leave_out(u64::from(samples).saturating_sub(u64::from(room)));
        let samples = samples.min(room);
        self.mark_gap(samples, gap);
        let mut left = samples as usize;
        if !self.begun.is_empty() {
            left -= self.begin_cell(left.min(CELL_SAMPLES - self.begun.len()));
        }
        let cells = left / CELL_SAMPLES;
        self.cells.resize(self.cells.len() + cells, Cell::default());
        self.samples += (cells * CELL_SAMPLES) as u32;
        self.begin_cell(left % CELL_SAMPLES);
    }

    /// A key that began at this sample of the fragment and was held for so many samples, or 0 where that is not known. Where
    /// it began in an earlier fragment, `at` is 0.
    pub fn key(&mut self, key: Digit, at: u32, samples: u32) {
        if self.keys.len() == MAX_MARKS {
            self.flags |= INCOMPLETE;
            return;
        }
        // Written as distances, so in order.
        let place = self.keys.partition_point(|known| known.at <= at);
        self.keys.insert(place, KeyMark { key, at, samples });
    }

    /// Samples of the open fragment.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// Samples that came after the longest fragment was full, since the beginning of the track.
    pub fn samples_left_out(&self) -> u64 {
        self.left_out
    }

    /// Ends the fragment: its block. The next one begins.
    pub fn finish_fragment(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.finish_fragment_into(&mut out);
        out
    }

    /// As [`Self::finish_fragment`], behind what `out` holds: the tracks of a fragment stand one after the other.
    pub fn finish_fragment_into(&mut self, out: &mut Vec<u8>) {
        let last_samples = self.begun.len();
        if last_samples > 0 {
            self.end_cell();
        }
        let begin = out.len();
        out.reserve(HEADER_BYTES + self.cells.len() * 5 / 2 + 16);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&[FORMAT, self.track, self.flags, 0]);
        out.extend_from_slice(&self.samples.to_le_bytes());
        // At most MAX_MARKS each.
        for marks in [self.gaps.len(), self.keys.len()] {
            out.extend_from_slice(&u16::try_from(marks).unwrap_or(u16::MAX).to_le_bytes());
        }
        self.put_levels(last_samples, out);
        self.put_sounds(out);
        self.put_marks(out);
        let length = u32::try_from(out.len() - begin).unwrap_or(u32::MAX);
        out[begin + 8..begin + 12].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c(&out[begin + 8..]);
        out[begin + 4..begin + 8].copy_from_slice(&crc.to_le_bytes());
        self.begin_fragment();
    }

    fn begin_fragment(&mut self) {
        self.flags &= !INCOMPLETE;
        self.samples = 0;
        self.cells.clear();
        // A fragment of an hour must not be paid for until the call ends.
        self.cells.shrink_to(KEPT_CELLS);
        self.gaps.clear();
        self.keys.clear();
    }

    /// As many as there is room for.
    fn admit<'a, T>(&mut self, all: &'a [T]) -> &'a [T] {
        let room = self.room() as usize;
        self.leave_out(all.len().saturating_sub(room) as u64);
        &all[..all.len().min(room)]
    }

    fn room(&self) -> u32 {
        MAX_SAMPLES.saturating_sub(self.samples)
    }

    fn leave_out(&mut self, samples: u64) {
        if samples > 0 {
            self.left_out = self.left_out.saturating_add(samples);
            self.flags |= INCOMPLETE;
        }
    }

    /// A cell whose samples all came.
    fn put_cell(&mut self, cell: &[i16; CELL_SAMPLES]) {
        let cell = self.measure(cell, CELL_SAMPLES);
        self.cells.push(cell);
        self.samples += CELL_SAMPLES as u32;
    }

    /// Puts what belongs to the cell that has begun, or begins one; gives the rest.
    fn put_begun<'a, T: Copy>(&mut self, left: &'a [T], sample: impl Fn(T) -> i16) -> &'a [T] {
        let (now, later) = left.split_at(left.len().min(CELL_SAMPLES - self.begun.len()));
        self.begun.extend(now.iter().map(|&of| sample(of)));
        self.advance(now.len());
        later
    }

    /// Puts so many samples of silence into the cell that has begun, or begins one; gives how many.
    fn begin_cell(&mut self, silent: usize) -> usize {
        self.begun.resize(self.begun.len() + silent, 0);
        self.advance(silent);
        silent
    }

    /// So many samples were put into the cell that has begun.
    fn advance(&mut self, count: usize) {
        // At most a cell.
        self.samples += u32::try_from(count).unwrap_or(0);
        if self.begun.len() == CELL_SAMPLES {
            self.end_cell();
        }
    }

    /// Measures what has begun, as it is.
    fn end_cell(&mut self) {
        let count = self.begun.len();
        let mut cell = [0; CELL_SAMPLES];
        cell[..count].copy_from_slice(&self.begun);
        let cell = self.measure(&cell, count);
        self.cells.push(cell);
        self.begun.clear();
    }

    /// What a cell is of which so many samples are there; those behind are silent.
    fn measure(&mut self, cell: &[i16; CELL_SAMPLES], count: usize) -> Cell {
        let energy = energy(cell);
        if energy == 0 {
            return Cell::default();
        }
        Cell {
            rms: Level::of_mean_square(energy as f64 / count as f64),
            peak: Level::of_peak(peak(cell)),
            sound: self.classifier.classify(cell, energy),
        }
    }

    fn mark_gap(&mut self, samples: u32, gap: Gap) {
        if samples == 0 {
            return;
        }
        if let Some(last) = self.gaps.last_mut()
            && last.gap == gap
            && last.at + last.samples == self.samples
        {
            last.samples += samples;
        } else if self.gaps.len() == MAX_MARKS {
            self.flags |= INCOMPLETE;
        } else {
            self.gaps.push(GapMark { gap, at: self.samples, samples });
        }
    }

    fn put_levels(&self, last_samples: usize, out: &mut Vec<u8>) {
        out.extend(self.cells.iter().map(|cell| cell.rms.code()));
        out.extend(self.cells.iter().map(|cell| cell.peak.code()));
        let last_samples = if last_samples > 0 { last_samples } else { CELL_SAMPLES };
        let mut level: Vec<Sum> = self
            .cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let samples = if at + 1 == self.cells.len() { last_samples } else { CELL_SAMPLES } as f64;
                Sum { energy: cell.rms.mean_square() * samples, samples, peak: cell.peak }
            })
            .collect();
        while level.len() > 1 {
            level = level.chunks(FACTOR).map(Sum::of).collect();
            out.extend(level.iter().map(|sum| Level::of_mean_square(sum.energy / sum.samples).code()));
            out.extend(level.iter().map(|sum| sum.peak.code()));
        }
    }

    fn put_sounds(&self, out: &mut Vec<u8>) {
        out.extend(
            self.cells
                .chunks(4)
                .map(|four| four.iter().rev().fold(0, |byte, cell| (byte << 2) | cell.sound.code())),
        );
    }

    fn put_marks(&self, out: &mut Vec<u8>) {
        let mut end = 0;
        for mark in &self.gaps {
            out.push(mark.gap.code());
            put_leb128(out, mark.at - end);
            put_leb128(out, mark.samples);
            end = mark.at + mark.samples;
        }
        let mut begin = 0;
        for mark in &self.keys {
            out.push(mark.key.event());
            put_leb128(out, mark.at - begin);
            put_leb128(out, mark.samples);
            begin = mark.at;
        }
    }
}

impl fmt::Debug for IndexBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What has begun is what a caller says: it must not get into a log.
        write!(f, "IndexBuilder(track {}, {} samples)", self.track, self.samples)
    }
}

impl Sum {
    fn of(parts: &[Self]) -> Self {
        parts.iter().fold(Self::default(), |sum, part| Self {
            energy: sum.energy + part.energy,
            samples: sum.samples + part.samples,
            peak: sum.peak.max(part.peak),
        })
    }
}

/// MAX_CELLS, in samples: 28.8 million.
const MAX_SAMPLES: u32 = (MAX_CELLS * CELL_SAMPLES) as u32;
/// Room for a fragment of two seconds.
const KEPT_CELLS: usize = 100;
