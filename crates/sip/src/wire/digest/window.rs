//! Which counts of which nonces came already.

use std::collections::BTreeMap;

/// A nonce without its MAC. The order is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NonceId {
    pub(super) made_ms: u64,
    pub(super) serial: u32,
}

/// Counts may come out of order by less than this.
const COUNTS: u32 = 64;

#[derive(Debug, Clone, Copy)]
struct Counts {
    highest: u32,
    /// The lowest bit is the highest count.
    seen: u64,
}

/// The nonces that were answered and are not expired. Full, it forgets the oldest, and takes no nonce as old as that any more.
#[derive(Debug)]
pub(super) struct Window {
    max: usize,
    nonces: BTreeMap<NonceId, Counts>,
    forgotten: Option<NonceId>,
}

impl Window {
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), nonces: BTreeMap::new(), forgotten: None }
    }

    /// Marks a count. False where it came before, or could have.
    pub(super) fn take(&mut self, id: NonceId, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if let Some(counts) = self.nonces.get_mut(&id) {
            return counts.take(count);
        }
        if self.forgotten.is_some_and(|forgotten| id <= forgotten) {
            return false;
        }
        self.nonces.insert(id, Counts { highest: count, seen: 1 });
        if self.nonces.len() > self.max {
            self.forgotten = self.nonces.pop_first().map(|(oldest, _)| oldest).max(self.forgotten);
        }
        true
    }

    /// Forgets nonces that were made before this time: they are refused by their age.
    pub(super) fn expire(&mut self, before_ms: u64) {
        while let Some(oldest) = self.nonces.first_entry().filter(|oldest| oldest.key().made_ms < before_ms) {
            oldest.remove();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nonces.len()
    }
}

impl Counts {
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let by = count - self.highest;
            self.seen = self.seen.checked_shl(by).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if behind >= COUNTS || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}
