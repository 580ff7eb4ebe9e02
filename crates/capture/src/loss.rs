use std::collections::VecDeque;
use tympan_telephony::rtp::ledger::{Cause, Total};

/// Where a capture holds silence that the customer's codec did not carry, fragment by fragment.
///
/// Shape: silence of one cause that stays within a fragment is one entry. Totals count everything; of the entries
/// the latest [`LossLedger::CAPACITY`] are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossLedger {
    entries: VecDeque<FragmentLoss>,
    totals: [Total; Cause::ALL.len()],
    forgotten: u64,
}

/// The silence of one cause within one fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentLoss {
    /// Which fragment of the capture: the lead-in is 0.
    pub fragment: u32,
    /// How many samples at 8 kHz.
    pub samples: u32,
    /// Why.
    pub cause: Cause,
}

impl LossLedger {
    /// How many entries are kept.
    pub const CAPACITY: usize = 64;

    /// The latest entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &FragmentLoss> {
        self.entries.iter()
    }

    /// The total of one cause.
    pub const fn total(&self, cause: Cause) -> Total {
        self.totals[cause as usize]
    }

    /// How many entries had to make room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn record(&mut self, fragment: u32, samples: u32, cause: Cause) {
        let total = &mut self.totals[cause as usize];
        total.samples += u64::from(samples);
        if let Some(last) =
            self.entries.back_mut().filter(|last| (last.fragment, last.cause) == (fragment, cause))
        {
            last.samples = last.samples.saturating_add(samples);
            return;
        }
        total.count += 1;
        if self.entries.len() == Self::CAPACITY {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(FragmentLoss { fragment, samples, cause });
    }
}
