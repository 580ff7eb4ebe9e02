use super::{CELL_SAMPLES, Gap};
use crate::Digit;

/// A stretch of a waveform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Samples from the beginning of the waveform.
    pub at: u64,
    /// How many; 0 for a key of which only the beginning is known.
    pub samples: u64,
}

/// What a stretch of a waveform is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Someone speaks, or music plays.
    Speech,
    /// A tone sounds.
    Tone,
    /// The tones of a key sound. Which one is not told.
    KeyTone,
    /// A key was pressed.
    Key(Digit),
    /// The track holds silence instead of what was said.
    Gap(Gap),
    /// No fragment is there: it was never captured, or is beyond its retention.
    Absent,
    /// There is a fragment, and no index of it can be had.
    Unindexed,
}

impl SpanKind {
    /// In lower case, for people and JSON. A gap has the name of its cause.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Speech => "speech",
            Self::Tone => "tone",
            Self::KeyTone => "key-tone",
            Self::Key(_) => "key",
            Self::Gap(gap) => gap.name(),
            Self::Absent => "absent",
            Self::Unindexed => "unindexed",
        }
    }
}

/// Spans of one kind from cells: short pauses are bridged, and what is too short to be meant is left out.
#[derive(Debug)]
pub(super) struct Joiner {
    kind: SpanKind,
    bridge_samples: u64,
    least_samples: u64,
    open: Option<(u64, u64)>,
}

impl Joiner {
    /// Pauses of up to 300 ms belong to speech, and a click of less than 60 ms is none.
    pub(super) const SPEECH: Self = Self::new(SpanKind::Speech, 15, 3);
    pub(super) const TONE: Self = Self::new(SpanKind::Tone, 1, 3);
    /// A key of 40 ms must be heard (Q.24).
    pub(super) const KEY_TONE: Self = Self::new(SpanKind::KeyTone, 0, 2);

    const fn new(kind: SpanKind, bridge_cells: u64, least_cells: u64) -> Self {
        let cell = CELL_SAMPLES as u64;
        Self { kind, bridge_samples: bridge_cells * cell, least_samples: least_cells * cell, open: None }
    }

    /// A cell of this kind from `at` to `end`, later than the one before. Gives the span that is over.
    pub(super) fn cell(&mut self, at: u64, end: u64) -> Option<Span> {
        if let Some((_, before)) = &mut self.open
            && at <= before.saturating_add(self.bridge_samples)
        {
            *before = end;
            return None;
        }
        let over = self.finish();
        self.open = Some((at, end));
        over
    }

    /// Nothing of it follows.
    pub(super) fn finish(&mut self) -> Option<Span> {
        let (at, end) = self.open.take()?;
        let samples = end.saturating_sub(at);
        (samples >= self.least_samples).then_some(Span { kind: self.kind, at, samples })
    }
}
