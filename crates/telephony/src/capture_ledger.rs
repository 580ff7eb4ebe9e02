//! The loss ledger of a capture: what it holds beside received audio, kept with its contact.

use crate::rtp::ledger::{Cause, Total};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Where a capture holds silence that the customer's codec did not carry, how much, and why; and what it left out.
///
/// Shape: every sample of a capture was received, or is counted under the cause of its silence. Totals count everything; of the spans
/// the latest [`CaptureLedger::SPANS`] are kept. Unit: samples at 8 kHz, counted from the first one of the capture (its lead-in left out).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureLedger {
    samples: u64,
    totals: BTreeMap<Cause, Total>,
    spans: VecDeque<LossSpan>,
    #[serde(default)]
    forgotten: u64,
}

/// One run of samples of one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossSpan {
    /// Its first sample, counted from the first one of the capture.
    pub at: u64,
    /// How many samples it concerns.
    pub samples: u64,
    /// Why.
    pub cause: Cause,
}

impl CaptureLedger {
    /// How many spans are kept.
    pub const SPANS: usize = 64;

    /// So many samples at the end of the capture were received.
    pub fn received(&mut self, samples: u64) {
        self.samples = self.samples.saturating_add(samples);
    }

    /// So many samples at the end of the capture are silence, for this reason. Touching runs of one cause are one span.
    pub fn silence(&mut self, samples: u64, cause: Cause) {
        let at = self.samples;
        self.samples = self.samples.saturating_add(samples);
        let total = self.totals.entry(cause).or_default();
        total.samples = total.samples.saturating_add(samples);
        if let Some(last) =
            self.spans.back_mut().filter(|last| last.cause == cause && last.at + last.samples == at)
        {
            last.samples = last.samples.saturating_add(samples);
            return;
        }
        total.count = total.count.saturating_add(1);
        self.keep(LossSpan { at, samples, cause });
    }

    /// Something happened here to so many samples that the capture does not hold: audio that came late or was left out.
    pub fn remark(&mut self, samples: u64, cause: Cause) {
        let total = self.totals.entry(cause).or_default();
        total.samples = total.samples.saturating_add(samples);
        total.count = total.count.saturating_add(1);
        self.keep(LossSpan { at: self.samples, samples, cause });
    }

    /// Adds a capture that went on after this one, as its positions are counted on from the end of this one.
    pub fn append(&mut self, later: &Self) {
        for (cause, added) in &later.totals {
            let total = self.totals.entry(*cause).or_default();
            total.count = total.count.saturating_add(added.count);
            total.samples = total.samples.saturating_add(added.samples);
        }
        self.forgotten = self.forgotten.saturating_add(later.forgotten);
        for span in &later.spans {
            self.keep(LossSpan { at: span.at.saturating_add(self.samples), ..*span });
        }
        self.samples = self.samples.saturating_add(later.samples);
    }

    /// How many samples the capture holds, silence included.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// How many of them the codec carried.
    pub fn received_samples(&self) -> u64 {
        let silent = |(cause, total): (&Cause, &Total)| if cause.is_silence() { total.samples } else { 0 };
        self.samples.saturating_sub(self.totals.iter().map(silent).sum())
    }

    /// The total of one cause.
    pub fn total(&self, cause: Cause) -> Total {
        self.totals.get(&cause).copied().unwrap_or_default()
    }

    /// The causes that occurred, with their totals.
    pub fn totals(&self) -> impl Iterator<Item = (Cause, Total)> + '_ {
        self.totals.iter().map(|(cause, total)| (*cause, *total))
    }

    /// Whether audio was sent that the capture does not hold.
    pub fn has_losses(&self) -> bool {
        self.totals().any(|(cause, _)| cause.is_loss())
    }

    /// The latest spans, oldest first.
    pub fn spans(&self) -> impl Iterator<Item = &LossSpan> {
        self.spans.iter()
    }

    /// How many spans had to make room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn keep(&mut self, span: LossSpan) {
        if self.spans.len() == Self::SPANS {
            self.spans.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
        self.spans.push_back(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(ledger: &CaptureLedger) -> Vec<(u64, u64, Cause)> {
        ledger.spans().map(|span| (span.at, span.samples, span.cause)).collect()
    }

    #[test]
    fn a_span_begins_where_its_capture_was_and_touching_ones_of_a_cause_are_one() {
        let mut ledger = CaptureLedger::default();
        ledger.received(100);
        ledger.silence(160, Cause::Pause);
        ledger.silence(160, Cause::Pause);
        ledger.silence(80, Cause::Lost);
        ledger.received(1);
        ledger.silence(9, Cause::Lost);
        assert_eq!(spans(&ledger), [(100, 320, Cause::Pause), (420, 80, Cause::Lost), (501, 9, Cause::Lost)]);
        assert_eq!(ledger.total(Cause::Lost), Total { count: 2, samples: 89 });
        assert_eq!((ledger.samples(), ledger.received_samples()), (510, 101));
    }

    #[test]
    fn what_came_late_is_told_and_is_no_sample_of_the_capture() {
        let mut ledger = CaptureLedger::default();
        ledger.silence(160, Cause::Pause);
        ledger.remark(160, Cause::Late);
        ledger.received(160);
        assert_eq!((ledger.samples(), ledger.received_samples()), (320, 160));
        assert_eq!(spans(&ledger)[1], (160, 160, Cause::Late));
    }

    #[test]
    fn memory_is_bounded_and_totals_forget_nothing() {
        let mut ledger = CaptureLedger::default();
        for _ in 0..1_000 {
            ledger.received(1);
            ledger.silence(2, Cause::Lost);
        }
        assert_eq!((ledger.spans().count(), ledger.forgotten()), (CaptureLedger::SPANS, 936));
        assert_eq!(ledger.total(Cause::Lost), Total { count: 1_000, samples: 2_000 });
    }

    #[test]
    fn is_kept_in_this_form() {
        let mut ledger = CaptureLedger::default();
        ledger.received(5);
        ledger.silence(160, Cause::Dtx);
        let kept = serde_json::to_string(&ledger).unwrap();
        assert_eq!(
            kept,
            r#"{"samples":165,"totals":{"dtx":{"count":1,"samples":160}},"spans":[{"at":5,"samples":160,"cause":"dtx"}],"forgotten":0}"#
        );
        assert_eq!(serde_json::from_str::<CaptureLedger>(&kept).unwrap(), ledger);
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }

    fn step() -> impl Strategy<Value = (u64, Option<Cause>)> {
        (0u64..500, prop::option::of(prop::sample::select(&Cause::ALL)))
    }

    fn note(ledger: &mut CaptureLedger, (samples, cause): (u64, Option<Cause>)) {
        match cause {
            None => ledger.received(samples),
            Some(cause) if cause.is_silence() => ledger.silence(samples, cause),
            Some(cause) => ledger.remark(samples, cause),
        }
    }

    proptest! {
        #[test]
        fn two_captures_that_follow_each_other_count_as_one(
            first in prop::collection::vec(step(), 0..40), second in prop::collection::vec(step(), 0..40),
        ) {
            let (mut joined, mut later, mut whole) = <(CaptureLedger, CaptureLedger, CaptureLedger)>::default();
            first.iter().for_each(|step| { note(&mut joined, *step); note(&mut whole, *step); });
            second.iter().for_each(|step| { note(&mut later, *step); note(&mut whole, *step); });
            joined.append(&later);
            prop_assert_eq!(joined.samples(), whole.samples());
            prop_assert_eq!(joined.received_samples(), whole.received_samples());
            for cause in Cause::ALL {
                prop_assert_eq!(joined.total(cause).samples, whole.total(cause).samples);
            }
            let silent: u64 = Cause::ALL.iter().filter(|cause| cause.is_silence()).map(|cause| whole.total(*cause).samples).sum();
            prop_assert_eq!(whole.received_samples() + silent, whole.samples());
        }
    }
}
