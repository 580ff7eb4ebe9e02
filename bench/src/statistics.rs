//! Percentiles of durations, in fixed memory.

use std::time::Duration;

/// How often each duration occurred.
///
/// Shape: log-linear, 128 buckets to every doubling, so a percentile is at most 0.8 % above the truth and never
/// below it; the maximum is exact. Recording neither allocates nor moves anything.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    max_ns: u64,
}

impl Histogram {
    /// Nothing recorded.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1].into_boxed_slice(), count: 0, max_ns: 0 }
    }

    /// Records one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns)] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds all that another has recorded.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The largest; zero when nothing was recorded.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The smallest duration that `percent` of the recorded ones do not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let rank = ((percent / 100.0 * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_bound(index).min(self.max_ns));
            }
        }
        self.max()
    }
}

/// Buckets to every doubling, as a power of two.
const PRECISION_BITS: u32 = 7;

fn bucket(ns: u64) -> usize {
    let doubling = (u64::BITS - ns.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    ((u64::from(doubling) << PRECISION_BITS) + (ns >> doubling)) as usize
}

/// The largest value in a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let doubling = ((bucket >> PRECISION_BITS) as u32).saturating_sub(1);
    let first = (bucket as u64 - (u64::from(doubling) << PRECISION_BITS)) << doubling;
    first + ((1 << doubling) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(durations_ns: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for &ns in durations_ns {
            histogram.record(Duration::from_nanos(ns));
        }
        histogram
    }

    #[test]
    fn small_values_are_exact() {
        let histogram = of(&(1..=100).collect::<Vec<_>>());
        assert_eq!(histogram.percentile(50.0), Duration::from_nanos(50));
        assert_eq!(histogram.percentile(99.0), Duration::from_nanos(99));
        assert_eq!(histogram.percentile(100.0), Duration::from_nanos(100));
        assert_eq!(histogram.max(), Duration::from_nanos(100));
    }

    #[test]
    fn nothing_recorded_is_zero() {
        let histogram = Histogram::new();
        assert_eq!(
            (histogram.count(), histogram.percentile(99.0), histogram.max()),
            (0, Duration::ZERO, Duration::ZERO)
        );
    }

    #[test]
    fn one_outlier_is_the_maximum_and_not_the_99th_percentile() {
        let mut durations = vec![10_000; 200];
        durations.push(9_000_000);
        let histogram = of(&durations);
        assert!(histogram.percentile(99.0) < Duration::from_nanos(10_100));
        assert_eq!(histogram.max(), Duration::from_nanos(9_000_000));
    }

    proptest! {
        #[test]
        fn buckets_are_in_order_and_hold_what_is_put_in(ns: u64) {
            let index = bucket(ns);
            prop_assert!(upper_bound(index) >= ns);
            prop_assert!((upper_bound(index) - ns) as f64 <= ns as f64 / 128.0);
            prop_assert!(index == 0 || upper_bound(index - 1) < ns);
        }

        #[test]
        fn a_percentile_is_the_nearest_rank_within_a_percent(
            mut durations in proptest::collection::vec(0_u64..10_000_000_000, 1..200),
            percent in 1.0_f64..100.0,
        ) {
            let found = of(&durations).percentile(percent).as_nanos() as f64;
            durations.sort_unstable();
            let rank = (percent / 100.0 * durations.len() as f64).ceil() as usize;
            let exact = durations[rank - 1] as f64;
            prop_assert!(found >= exact && found <= exact * 1.008 + 1.0);
        }

        #[test]
        fn merging_is_recording_all(one: Vec<u32>, two: Vec<u32>) {
            let wide = |all: &[u32]| of(&all.iter().map(|&ns| u64::from(ns)).collect::<Vec<_>>());
            let mut merged = wide(&one);
            merged.merge(&wide(&two));
            let together = wide(&[one, two].concat());
            prop_assert_eq!(merged.counts, together.counts);
            prop_assert_eq!((merged.count, merged.max_ns), (together.count, together.max_ns));
        }
    }
}
