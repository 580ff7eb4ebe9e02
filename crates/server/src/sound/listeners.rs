//! How many listeners there may be, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of listeners. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ListenerPlaces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    free: Arc<Semaphore>,
    refused: AtomicU64,
    slow: AtomicU64,
    sent: AtomicU64,
}

/// Numbers for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListenerCounts {
    /// Listeners that are connected.
    pub(crate) open: u64,
    /// Listeners that found no place.
    pub(crate) refused: u64,
    /// Listeners that were cut off because they were too slow.
    pub(crate) slow: u64,
    /// Frames that were handed to connections.
    pub(crate) sent: u64,
}

/// A listener's place; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place {
    places: ListenerPlaces,
    _permit: OwnedSemaphorePermit,
}

impl ListenerPlaces {
    /// So many places.
    pub(crate) fn new(most: usize) -> Self {
        let (refused, slow, sent) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { most, free: Arc::new(Semaphore::new(most)), refused, slow, sent }))
    }

    /// The numbers.
    pub(crate) fn counts(&self) -> ListenerCounts {
        let Inner { most, free, refused, slow, sent } = &*self.0;
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let open = most.saturating_sub(free.available_permits());
        ListenerCounts { open: open as u64, refused: read(refused), slow: read(slow), sent: read(sent) }
    }

    pub(super) fn most(&self) -> usize {
        self.0.most
    }

    pub(super) fn take(&self) -> Option<Place> {
        match self.0.free.clone().try_acquire_owned() {
            Ok(permit) => Some(Place { places: self.clone(), _permit: permit }),
            Err(_) => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Place {
    pub(super) fn sent(&self) {
        self.places.0.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn was_too_slow(&self) {
        self.places.0.slow.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_beyond_the_limit_is_refused_and_counted_and_a_place_is_given_back() {
        let places = ListenerPlaces::new(2);
        let first = places.take().unwrap();
        let _second = places.take().unwrap();
        assert!(places.take().is_none());
        first.sent();
        first.was_too_slow();
        assert_eq!(places.counts(), ListenerCounts { open: 2, refused: 1, slow: 1, sent: 1 });
        drop(first);
        assert!(places.take().is_some());
        assert_eq!(places.counts().open, 1);
    }
}
