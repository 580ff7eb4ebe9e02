//! How many readers of events there may be, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The places of readers. Clones share them.
#[derive(Debug, Clone)]
pub struct EventReaders(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: u64,
    open: AtomicU64,
    refused: AtomicU64,
    slow: AtomicU64,
    sent: AtomicU64,
}

/// Numbers for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCounts {
    /// Readers that are connected.
    pub open: u64,
    /// Readers that found no place.
    pub refused: u64,
    /// Readers that were cut off because they took nothing.
    pub slow: u64,
    /// Events that were handed to connections.
    pub sent: u64,
}

/// A reader's place; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place(Arc<Inner>);

impl EventReaders {
    /// So many places.
    pub fn new(most: u64) -> Self {
        let (open, refused, slow, sent) =
            (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { most, open, refused, slow, sent }))
    }

    /// The numbers.
    pub fn counts(&self) -> EventCounts {
        let Inner { open, refused, slow, sent, .. } = &*self.0;
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        EventCounts { open: read(open), refused: read(refused), slow: read(slow), sent: read(sent) }
    }

    pub(crate) fn most(&self) -> u64 {
        self.0.most
    }

    pub(crate) fn take(&self) -> Option<Place> {
        let one_more = |open: u64| (open < self.0.most).then_some(open + 1);
        match self.0.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Some(Place(self.0.clone())),
            Err(_) => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Place {
    pub(crate) fn sent(&self, events: usize) {
        self.0.sent.fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn was_too_slow(&self) {
        self.0.slow.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_beyond_the_limit_is_refused_and_counted_and_a_place_is_given_back() {
        let readers = EventReaders::new(2);
        let first = readers.take().unwrap();
        let _second = readers.take().unwrap();
        assert!(readers.take().is_none());
        first.sent(5);
        first.was_too_slow();
        assert_eq!(readers.counts(), EventCounts { open: 2, refused: 1, slow: 1, sent: 5 });
        drop(first);
        assert!(readers.take().is_some());
    }
}
