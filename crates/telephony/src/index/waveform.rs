use super::spans::Joiner;
use super::{CELL_SAMPLES, Gap, Level, Span, SpanKind, TrackIndex};
use crate::audio::pcm::SAMPLES_PER_MS;
use crate::audio::sound::Sound;
use std::ops::Range;

/// A picture of a track: loudness by column, and what it holds as typed spans. Units: samples at 8 kHz from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// When it begins, in Unix milliseconds on the producer's clock.
    pub start_ms: i64,
    /// How many samples it spans.
    pub samples: u64,
    /// From left to right, all of the same width.
    pub columns: Vec<Column>,
    /// The samples that the columns cover: all, unless the picture is cut.
    pub part: Range<u64>,
    /// In order of their beginnings. Exact, however wide a column is. Of a picture that is cut, those that touch its part, whole.
    pub spans: Vec<Span>,
    /// Spans beyond [`Waveform::MAX_SPANS`].
    pub spans_left_out: u64,
    /// Whether a part was made from audio, and so knows no keys and no causes.
    pub from_audio: bool,
    /// Whether a fragment reached a limit of the index.
    pub incomplete: bool,
}

/// A column of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Root mean square.
    pub rms: Level,
    /// The loudest sample.
    pub peak: Level,
    /// Whether any fragment reaches into it.
    pub covered: bool,
}

impl Waveform {
    /// Most columns of a picture.
    pub const MAX_COLUMNS: usize = 16_384;
    /// Most spans of a picture.
    pub const MAX_SPANS: usize = 65_536;
}

/// Joins the fragments of a track into a [`Waveform`].
#[derive(Debug)]
pub struct WaveformBuilder {
    track: u8,
    start_ms: i64,
    samples: u64,
    part: Range<u64>,
    columns: Vec<Sum>,
    spans: Vec<Span>,
    spans_left_out: u64,
    speech: Joiner,
    tone: Joiner,
    key_tone: Joiner,
    /// A gap that the next fragment may go on with.
    stretch: Option<Span>,
    /// Where the last fragment ended.
    end: u64,
    from_audio: bool,
    incomplete: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    energy: f64,
    samples: f64,
    peak: Level,
}

impl WaveformBuilder {
    /// Of the track of this number, from `start_ms` to `end_ms` in Unix milliseconds on the producer's clock. At least one
    /// column and at most [`Waveform::MAX_COLUMNS`].
    pub fn new(track: u8, start_ms: i64, end_ms: i64, columns: usize) -> Self {
        let samples = samples_of(end_ms.saturating_sub(start_ms));
        Self {
            track,
            start_ms,
            samples,
            part: 0..samples,
            columns: vec![Sum::default(); columns.clamp(1, Waveform::MAX_COLUMNS)],
            spans: Vec::new(),
            spans_left_out: 0,
            speech: Joiner::SPEECH,
            tone: Joiner::TONE,
            key_tone: Joiner::KEY_TONE,
            stretch: None,
            end: 0,
            from_audio: false,
            incomplete: false,
        }
    }

    /// Has the columns cover these samples of the axis only; before anything is added.
    #[must_use]
    pub fn cut(self, part: Range<u64>) -> Self {
        let from = part.start.min(self.samples);
        Self { part: from..part.end.clamp(from, self.samples), ..self }
    }

    /// A fragment that begins at `start_ms`. Fragments come in the order of their beginnings; what lies outside of the picture,
    /// or belongs to another track, is left out.
    pub fn add(&mut self, start_ms: i64, index: &TrackIndex<'_>) {
        if index.track() != self.track || start_ms < self.start_ms {
            return;
        }
        let begin = samples_of(start_ms.saturating_sub(self.start_ms));
        self.reach(begin, begin.saturating_add(u64::from(index.samples())));
        self.from_audio |= index.is_from_audio();
        self.incomplete |= index.is_incomplete();
        self.add_levels(begin, index);
        self.add_sounds(begin, index);
        for mark in index.gaps() {
            let (at, samples) = (begin.saturating_add(u64::from(mark.at)), u64::from(mark.samples));
            self.stretch(Span { kind: SpanKind::Gap(mark.gap), at, samples });
        }
        for mark in index.keys() {
            let (at, samples) = (begin.saturating_add(u64::from(mark.at)), u64::from(mark.samples));
            self.span(Span { kind: SpanKind::Key(mark.key), at, samples });
        }
    }

    /// From `start_ms` on nothing was captured for so long, on purpose. Comes in its order among the fragments.
    pub fn add_pause(&mut self, start_ms: i64, duration_ms: u32) {
        let at = samples_of(start_ms.saturating_sub(self.start_ms));
        let samples = u64::from(duration_ms) * u64::from(SAMPLES_PER_MS);
        self.reach(at, at.saturating_add(samples));
        self.stretch(Span { kind: SpanKind::Gap(Gap::Pause), at, samples });
    }

    /// A fragment of which no index can be had.
    pub fn add_unindexed(&mut self, start_ms: i64, duration_ms: u32) {
        let at = samples_of(start_ms.saturating_sub(self.start_ms));
        let samples = u64::from(duration_ms) * u64::from(SAMPLES_PER_MS);
        self.reach(at, at.saturating_add(samples));
        self.stretch(Span { kind: SpanKind::Unindexed, at, samples });
    }

    /// The picture.
    pub fn finish(mut self) -> Waveform {
        self.reach(self.samples, self.samples);
        let last = [self.speech.finish(), self.tone.finish(), self.key_tone.finish(), self.stretch.take()];
        for span in last.into_iter().flatten() {
            self.span(span);
        }
        self.spans.sort_by_key(|span| span.at);
        let columns = self.columns.iter().map(Sum::column).collect();
        Waveform {
            start_ms: self.start_ms,
            samples: self.samples,
            columns,
            part: self.part,
            spans: self.spans,
            spans_left_out: self.spans_left_out,
            from_audio: self.from_audio,
            incomplete: self.incomplete,
        }
    }

    /// A fragment from `begin` to `end` follows.
    fn reach(&mut self, begin: u64, end: u64) {
        if begin > self.end.saturating_add(TOLERANCE_SAMPLES) {
            let samples = begin - self.end;
            self.stretch(Span { kind: SpanKind::Absent, at: self.end, samples });
        }
        self.end = self.end.max(end);
    }

    fn add_levels(&mut self, begin: u64, index: &TrackIndex<'_>) {
        let column_samples = self.part_samples() / self.columns.len() as u64;
        let level = index.level(column_samples / 2);
        let fragment_end = begin.saturating_add(u64::from(index.samples()));
        let mut at = begin;
        for (rms, peak) in level.iter() {
            let end = at.saturating_add(level.cell_samples as u64).min(fragment_end);
            if end > self.part.start && at < self.part.end {
                self.add_cell(at, end, rms, peak);
            }
            at = end;
        }
    }

    fn add_cell(&mut self, at: u64, end: u64, rms: Level, peak: Level) {
        let (first, count) = (self.column_of(at), self.columns.len());
        for column in first..count {
            let (from, to) = (self.column_start(column), self.column_start(column + 1));
            let shared = to.min(end).saturating_sub(from.max(at));
            if from >= end {
                break;
            }
            if shared > 0 {
                let sum = &mut self.columns[column];
                sum.energy += rms.mean_square() * shared as f64;
                sum.samples += shared as f64;
                sum.peak = sum.peak.max(peak);
            }
        }
    }

    fn column_start(&self, column: usize) -> u64 {
        self.part.start + mul_div(self.part_samples(), column as u64, self.columns.len() as u64)
    }

    fn part_samples(&self) -> u64 {
        self.part.end - self.part.start
    }

    /// A column at or before the one that holds this sample, never more than one before.
    fn column_of(&self, at: u64) -> usize {
        let within = at.saturating_sub(self.part.start);
        let column = mul_div(within, self.columns.len() as u64, self.part_samples().max(1));
        usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1)
    }

    fn add_sounds(&mut self, begin: u64, index: &TrackIndex<'_>) {
        let fragment_end = begin.saturating_add(u64::from(index.samples()));
        let mut at = begin;
        for cell in 0..index.cells() {
            let end = at.saturating_add(CELL_SAMPLES as u64).min(fragment_end);
            let joiner = match index.sound(cell) {
                Sound::Quiet => None,
                Sound::Speech => Some(&mut self.speech),
                Sound::Tone => Some(&mut self.tone),
                Sound::Key => Some(&mut self.key_tone),
            };
            if let Some(span) = joiner.and_then(|joiner| joiner.cell(at, end)) {
                self.span(span);
            }
            at = end;
        }
    }

    /// A stretch goes on across the end of a fragment.
    fn stretch(&mut self, span: Span) {
        match &mut self.stretch {
            Some(last) if last.kind == span.kind && last.at.saturating_add(last.samples) == span.at => {
                last.samples = last.samples.saturating_add(span.samples);
            }
            last => {
                if let Some(over) = last.replace(span) {
                    self.span(over);
                }
            }
        }
    }

    fn span(&mut self, mut span: Span) {
        // A key has no length where that is not known.
        let end = span.at.saturating_add(span.samples.max(1));
        if span.at >= self.part.end || end <= self.part.start {
            return;
        }
        span.samples = span.samples.min(self.samples - span.at);
        if self.spans.len() == Waveform::MAX_SPANS {
            self.spans_left_out += 1;
        } else {
            self.spans.push(span);
        }
    }
}

impl Sum {
    fn column(&self) -> Column {
        let covered = self.samples > 0.0;
        let rms = if covered { Level::of_mean_square(self.energy / self.samples) } else { Level::SILENCE };
        Column { rms, peak: self.peak, covered }
    }
}

/// Zero for a time before the beginning.
fn samples_of(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).saturating_mul(u64::from(SAMPLES_PER_MS))
}

/// `a * b / c` without an overflow on the way.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) / u128::from(c.max(1))).unwrap_or(u64::MAX)
}

/// Fragments begin on whole milliseconds: two of them that touch may be so far apart.
const TOLERANCE_SAMPLES: u64 = 16;
