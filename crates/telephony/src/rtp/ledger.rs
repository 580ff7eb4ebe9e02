//! The loss ledger: where the timeline holds something other than received audio, how much, and why.

use std::collections::VecDeque;

use crate::SampleOffset;

/// Why samples of a timeline were not received audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// From the beginning of the timeline to the first packet.
    Start,
    /// Packets were sent, and did not arrive in time.
    Lost,
    /// The sender said by its timestamps that it was silent (discontinuous transmission, comfort noise).
    Dtx,
    /// A telephone key was pressed instead of speech.
    Event,
    /// Nothing arrived, and the wall clock ran on: hold, mute, a stall.
    Pause,
    /// The sender's numbering or clock began anew; the timeline was set to the wall clock.
    Jump,
    /// No silence: audio arrived after `samples` of silence had already been emitted in its place.
    Late,
    /// No silence: audio was left out, as it would have led the wall clock by more than a timeline may.
    Excess,
    /// It is not to be heard: an encrypted input, or a direction that a Stop block has taken out of the capture.
    Suppressed,
    /// No silence: nothing was captured here, from where the upload of a capture broke to where the next one began.
    Break,
}

impl Cause {
    /// All causes, in the order of [`Ledger::totals`].
    pub const ALL: [Self; 10] = [
        Self::Start,
        Self::Lost,
        Self::Dtx,
        Self::Event,
        Self::Pause,
        Self::Jump,
        Self::Late,
        Self::Excess,
        Self::Suppressed,
        Self::Break,
    ];

    /// Whether it stands for samples of the timeline; the others tell of audio that came late, was left out or was not captured.
    pub const fn is_silence(self) -> bool {
        !matches!(self, Self::Late | Self::Excess | Self::Break)
    }

    /// Whether audio was sent of which the timeline holds nothing. Of the others either nothing was sent, or what was sent was not to be heard.
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Lost | Self::Late | Self::Excess | Self::Break)
    }

    /// The cause in lower case, for metrics and ledgers on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Lost => "lost",
            Self::Dtx => "dtx",
            Self::Event => "event",
            Self::Pause => "pause",
            Self::Jump => "jump",
            Self::Late => "late",
            Self::Excess => "excess",
            Self::Suppressed => "suppressed",
            Self::Break => "break",
        }
    }
}

/// One entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Where it begins.
    pub at: SampleOffset,
    /// How many samples it concerns.
    pub samples: u64,
    /// Why.
    pub cause: Cause,
}

/// How often something happened, and to how many samples in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Total {
    /// Runs.
    pub count: u64,
    /// Samples.
    pub samples: u64,
}

/// The latest entries, and totals over all.
///
/// Shape: runs of one cause that touch are one entry. At most [`Ledger::CAPACITY`] entries wait to be taken; beyond
/// that the oldest is forgotten (its totals are not).
#[derive(Debug, Default)]
pub struct Ledger {
    entries: VecDeque<LedgerEntry>,
    totals: [Total; Cause::ALL.len()],
    /// Cause and end of the run recorded last, also when it has been taken.
    tail: Option<(Cause, SampleOffset)>,
    forgotten: u64,
}

impl Ledger {
    /// How many entries wait to be taken at most.
    pub const CAPACITY: usize = 64;

    /// Takes the entries since the last call, oldest first.
    pub fn take(&mut self) -> impl Iterator<Item = LedgerEntry> + '_ {
        self.entries.drain(..)
    }

    /// The entries that wait to be taken, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter()
    }

    /// The total of one cause since the beginning.
    pub const fn total(&self, cause: Cause) -> Total {
        self.totals[cause as usize]
    }

    /// Totals by cause, in the order of [`Cause::ALL`].
    pub const fn totals(&self) -> &[Total; Cause::ALL.len()] {
        &self.totals
    }

    /// Entries that were never taken and had to make room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn record(&mut self, at: SampleOffset, samples: u64, cause: Cause) {
        let total = &mut self.totals[cause as usize];
        total.samples += samples;
        let length = if cause.is_silence() { samples } else { 0 };
        let goes_on = cause != Cause::Late && self.tail == Some((cause, at));
        self.tail = Some((cause, at + length));
        if goes_on && let Some(last) = self.entries.back_mut() {
            last.samples += samples;
            return;
        }
        total.count += u64::from(!goes_on);
        if self.entries.len() == Self::CAPACITY {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(LedgerEntry { at, samples, cause });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(samples: u64) -> SampleOffset {
        SampleOffset::from_samples(samples)
    }

    #[test]
    fn touching_runs_of_one_cause_are_one_entry() {
        let mut ledger = Ledger::default();
        ledger.record(at(0), 160, Cause::Pause);
        ledger.record(at(160), 160, Cause::Pause);
        ledger.record(at(320), 160, Cause::Lost);
        assert_eq!(ledger.take().map(|entry| entry.samples).collect::<Vec<_>>(), [320, 160]);
        assert_eq!(ledger.total(Cause::Pause), Total { count: 1, samples: 320 });
        assert_eq!(ledger.take().count(), 0);
    }

    #[test]
    fn a_run_cut_by_taking_is_two_entries_and_one_run() {
        let mut ledger = Ledger::default();
        ledger.record(at(0), 160, Cause::Pause);
        assert_eq!(ledger.take().count(), 1);
        ledger.record(at(160), 160, Cause::Pause);
        assert_eq!(ledger.entries().next().unwrap().at, at(160));
        assert_eq!(ledger.total(Cause::Pause), Total { count: 1, samples: 320 });
    }

    #[test]
    fn memory_is_bounded_when_nobody_takes_entries() {
        let mut ledger = Ledger::default();
        for index in 0..1_000 {
            ledger.record(at(index * 1_000), 160, Cause::Lost);
        }
        assert_eq!(ledger.entries().count(), Ledger::CAPACITY);
        assert_eq!(ledger.forgotten(), 1_000 - Ledger::CAPACITY as u64);
        assert_eq!(ledger.total(Cause::Lost).count, 1_000);
    }

    #[test]
    fn causes_stand_in_the_order_of_their_totals() {
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
        }
    }
}
