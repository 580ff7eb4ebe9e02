//! When captures began and ended, and what they say of themselves: what the samples are compared with.

use std::collections::BTreeMap;
use tympan_capture::CaptureStats;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_types::{CaptureId, ContactId, Mono};

/// All captures of a world.
#[derive(Default)]
pub(crate) struct Taps {
    taps: BTreeMap<(ContactId, CaptureId), Tap>,
}

/// One capture.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    pub(crate) opened: Mono,
    /// When its end was commanded.
    pub(crate) closed: Option<Mono>,
    pub(crate) stats: Option<CaptureStats>,
    /// When its last acknowledgement came.
    pub(crate) safe: Option<Mono>,
}

/// A Stop block waits so long for the last fragment to be safe; a record may name an earlier one if that takes longer.
const STOP_LIMIT_MS: i64 = 2_000;

impl Taps {
    pub(crate) fn opened(&mut self, contact: ContactId, capture: CaptureId, now: Mono) {
        self.taps.insert((contact, capture), Tap { opened: now, closed: None, stats: None, safe: None });
    }

    pub(crate) fn closes(&mut self, contact: ContactId, capture: CaptureId, now: Mono) {
        if let Some(tap) = self.taps.get_mut(&(contact, capture)) {
            tap.closed.get_or_insert(now);
        }
    }

    pub(crate) fn ended(&mut self, contact: ContactId, capture: CaptureId, stats: CaptureStats) {
        if let Some(tap) = self.taps.get_mut(&(contact, capture)) {
            tap.stats = Some(stats);
        }
    }

    pub(crate) fn safe(&mut self, contact: ContactId, capture: CaptureId, now: Mono) {
        if let Some(tap) = self.taps.get_mut(&(contact, capture)) {
            tap.safe = Some(now);
        }
    }

    /// The captures of a contact, in order.
    pub(crate) fn of(&self, contact: ContactId) -> impl Iterator<Item = (CaptureId, &Tap)> {
        let range = (contact, CaptureId::new(0))..=(contact, CaptureId::new(u64::MAX));
        self.taps.range(range).map(|((_, capture), tap)| (*capture, tap))
    }
}

impl Tap {
    /// Its last fragment was safe only when a Stop block had given it up.
    pub(crate) fn is_late(&self) -> bool {
        self.closed.is_some_and(|closed| self.safe.is_none_or(|safe| safe.ms_since(closed) >= STOP_LIMIT_MS))
    }

    /// Its ledger, once it has ended.
    pub(crate) fn ledger(&self) -> Option<&CaptureLedger> {
        self.stats.as_ref().map(|stats| &stats.cutter.ledger)
    }
}
