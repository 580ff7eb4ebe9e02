//! When each transaction is due.

use std::collections::BTreeSet;
use tympan_types::Mono;

/// One deadline per transaction, earliest first. A deadline that moves leaves nothing behind, so that there are never more
/// entries than transactions.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    entries: BTreeSet<(Mono, u64)>,
}

impl Schedule {
    /// The deadline of transaction `id` moves.
    pub(super) fn set(&mut self, id: u64, before: Option<Mono>, after: Option<Mono>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.entries.remove(&(before, id));
        }
        if let Some(after) = after {
            self.entries.insert((after, id));
        }
    }

    /// The transaction that is due by now, earliest deadline first.
    pub(super) fn due(&self, now: Mono) -> Option<u64> {
        self.entries.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Mono> {
        self.entries.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
