use super::reader::FragmentHead;
use serde::Serialize;
use tympan_mkv::consume::Frame;
use tympan_types::FragmentNumber;

/// What was read, counted.
///
/// Units: 8 kHz samples; gaps by the producer's clock, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tally {
    /// Fragments begun.
    pub fragments: u64,
    /// Fragments that broke off and never came again.
    pub incomplete_fragments: u64,
    /// Samples of the track that was written.
    pub samples: u64,
    /// Bytes written, headers of files not counted.
    pub bytes: u64,
    /// The first fragment.
    pub first_fragment: Option<FragmentNumber>,
    /// The last fragment.
    pub last_fragment: Option<FragmentNumber>,
    /// Places where a fragment does not begin where the one before ended.
    pub gaps: Vec<Gap>,
    #[serde(skip)]
    end_ms: Option<i64>,
}

/// A place where time passed and nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Gap {
    /// The fragment after it.
    pub before_fragment: FragmentNumber,
    /// How long it is.
    pub milliseconds: i64,
}

/// Rounding, and clocks that are set, are no gaps.
const GAP_MIN_MS: i64 = 50;

impl Tally {
    pub(super) fn start(&mut self, head: &FragmentHead) {
        self.fragments += 1;
        self.first_fragment.get_or_insert(head.number);
        self.last_fragment = Some(head.number);
        if let (Some(end_ms), Some(start)) = (self.end_ms, head.producer) {
            let milliseconds = start.unix_ms() - end_ms;
            if milliseconds >= GAP_MIN_MS {
                self.gaps.push(Gap { before_fragment: head.number, milliseconds });
            }
        }
    }

    pub(super) fn frame(&mut self, frame: &Frame, samples: u64) {
        self.samples += samples;
        let length_ms = i64::try_from(samples / 8).unwrap_or(0);
        self.end_ms = Some(frame.time_ns / 1_000_000 + length_ms);
    }

    /// Length of what was written.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / 8_000.0
    }

    /// The sum of all gaps. Units: seconds.
    pub fn gap_seconds(&self) -> f64 {
        self.gaps.iter().map(|gap| gap.milliseconds as f64 / 1_000.0).sum()
    }
}
