//! Token buckets: how many calls, bytes or fragments a second. They read no clock: `now` is given.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What may be saved up by being idle: what a second gives.
const BURST: Duration = Duration::from_secs(1);
/// Meters beyond this number are looked through for those that may be forgotten.
const METERS: usize = 4096;

/// A bucket that gains `per_s` tokens a second and holds as many.
///
/// Its whole state is the time at which it will be full again: a token spent moves that time by its cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    per_s: u32,
    full_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(now: Instant, per_s: u32) -> Self {
        Self { per_s: per_s.max(1), full_at: now }
    }

    /// Spends tokens if all of them are there.
    pub(crate) fn take(&mut self, now: Instant, tokens: u64) -> bool {
        let full_at = self.full_after(now, tokens);
        let there = full_at.duration_since(now) <= BURST;
        if there {
            self.full_at = full_at;
        }
        there
    }

    /// Spends tokens if no earlier ones are owed; so many at once may be more than the bucket holds.
    pub(crate) fn take_on_credit(&mut self, now: Instant, tokens: u64) -> bool {
        let owes = self.owed(now) > Duration::ZERO;
        if !owes {
            self.full_at = self.full_after(now, tokens);
        }
        !owes
    }

    /// Spends tokens in any case. Returns how long to wait until none of them is owed.
    pub(crate) fn spend(&mut self, now: Instant, tokens: u64) -> Duration {
        self.full_at = self.full_after(now, tokens);
        self.owed(now)
    }

    fn owed(&self, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now).saturating_sub(BURST)
    }

    fn full_after(&self, now: Instant, tokens: u64) -> Instant {
        let cost_ns = u128::from(tokens) * 1_000_000_000 / u128::from(self.per_s);
        self.full_at.max(now) + Duration::from_nanos(u64::try_from(cost_ns).unwrap_or(u64::MAX))
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

/// One bucket for each of many, made when it is first used and forgotten once it is full again.
#[derive(Debug)]
pub(crate) struct Meters<K> {
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K> Default for Meters<K> {
    fn default() -> Self {
        Self { buckets: Mutex::default() }
    }
}

impl<K: Eq + Hash> Meters<K> {
    /// Does something with the bucket of `key`.
    pub(crate) fn with<T>(&self, now: Instant, key: K, per_s: u32, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= METERS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        act(buckets.entry(key).or_insert_with(|| Bucket::new(now, per_s)))
    }
}

/// Holds one connection to its bytes and fragments a second.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    bytes: Option<Bucket>,
    fragments: Option<Bucket>,
    resume_at: Option<Instant>,
}

impl Pace {
    /// `None` is as fast as it goes.
    pub(crate) fn new(now: Instant, bytes_per_s: Option<u32>, fragments_per_s: Option<u32>) -> Self {
        let bucket = |per_s: Option<u32>| per_s.map(|per_s| Bucket::new(now, per_s));
        Self { bytes: bucket(bytes_per_s), fragments: bucket(fragments_per_s), resume_at: None }
    }

    /// Whether nothing is paced.
    pub(crate) fn is_free(&self) -> bool {
        self.bytes.is_none() && self.fragments.is_none()
    }

    /// So much has gone through.
    pub(crate) fn count(&mut self, now: Instant, bytes: u64, fragments: u64) {
        let owed = |bucket: &mut Option<Bucket>, tokens| {
            bucket.as_mut().filter(|_| tokens > 0).map_or(Duration::ZERO, |bucket| bucket.spend(now, tokens))
        };
        let wait = owed(&mut self.bytes, bytes).max(owed(&mut self.fragments, fragments));
        if wait > Duration::ZERO {
            self.resume_at = self.resume_at.max(Some(now + wait));
        }
    }

    /// Until when nothing more should go through; asked for once, and again after that time has come.
    pub(crate) fn resume_at(&self) -> Option<Instant> {
        self.resume_at
    }

    /// The time of [`Self::resume_at`] has come.
    pub(crate) fn resumed(&mut self) {
        self.resume_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_second_gives_what_the_rate_says_and_idling_saves_no_more() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(begin, 5);
        assert_eq!((0..7).filter(|_| bucket.take(begin, 1)).count(), 5);
        assert!(!bucket.take(begin + ms(199), 1));
        assert!(bucket.take(begin + ms(200), 1));
        assert!(!bucket.take(begin + ms(200), 1));
        let later = begin + ms(60_000);
        assert_eq!((0..7).filter(|_| bucket.take(later, 1)).count(), 5);
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(begin, 10);
        assert!(!bucket.take(begin, 11));
        assert!(bucket.take(begin, 10));
    }

    #[test]
    fn credit_is_given_once_and_repaid_before_the_next() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(begin, 500);
        assert!(bucket.take_on_credit(begin, 1000));
        assert!(!bucket.take_on_credit(begin + ms(999), 1));
        assert!(bucket.take_on_credit(begin + ms(1000), 1));
    }

    #[test]
    fn spending_tells_how_long_to_wait() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(begin, 1000);
        assert_eq!(bucket.spend(begin, 1000), Duration::ZERO);
        assert_eq!(bucket.spend(begin, 500), ms(500));
        assert_eq!(bucket.spend(begin + ms(500), 0), Duration::ZERO);
    }

    #[test]
    fn over_any_span_no_more_goes_through_than_the_rate_and_one_burst() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(begin, 7);
        let taken = (0..100_000).filter(|at| bucket.take(begin + ms(*at / 10), 1)).count();
        assert!((70..=77).contains(&taken), "{taken} in 10 s");
    }

    #[test]
    fn full_meters_are_forgotten_before_there_are_too_many() {
        let begin = Instant::now();
        let meters = Meters::default();
        for key in 0..METERS * 3 {
            let now = begin + ms(1000 * key as u64);
            assert!(meters.with(now, key, 5, |bucket| bucket.take(now, 1)));
        }
        assert!(meters.buckets.lock().unwrap().len() <= METERS);
    }

    #[test]
    fn a_pace_waits_for_whichever_is_slower() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin, Some(1000), Some(5));
        pace.count(begin, 1000, 5);
        assert_eq!(pace.resume_at(), None);
        pace.count(begin, 100, 1);
        assert_eq!(pace.resume_at(), Some(begin + ms(200)));
        pace.resumed();
        assert_eq!(pace.resume_at(), None);
        let mut free = Pace::new(begin, None, None);
        free.count(begin, u64::MAX, u64::MAX);
        assert!(free.is_free() && free.resume_at().is_none());
    }
}
