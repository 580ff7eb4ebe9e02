//! Time that only runs.

use std::ops::Add;
use std::time::Duration;

/// An instant of a monotonic clock: nanoseconds since an epoch of its source's choice, such as the start of the process.
///
/// What lasts is measured with it: waits, ages, pauses between two looks. A wall clock that is set changes none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// So many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// So many milliseconds after the epoch; saturating.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(NANOS_PER_MS))
    }

    /// So many microseconds after the epoch; saturating.
    pub const fn from_micros(us: u64) -> Self {
        Self(us.saturating_mul(NANOS_PER_US))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0 / NANOS_PER_US
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / NANOS_PER_MS
    }

    /// This instant, so many milliseconds later; saturating, and a negative number counts as none.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        let ms = if ms < 0 { 0 } else { ms.unsigned_abs() };
        Self(self.0.saturating_add(ms.saturating_mul(NANOS_PER_MS)))
    }

    /// How long after `earlier` this instant is; zero when it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole milliseconds from `earlier` to this instant; 0 when `earlier` is the later one.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        // A difference of nanoseconds in milliseconds is far below the largest i64.
        (self.0.saturating_sub(earlier.0) / NANOS_PER_MS) as i64
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// This instant, so much later; saturating.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

const NANOS_PER_US: u64 = 1_000;
const NANOS_PER_MS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards() {
        let (one, two) = (Mono::from_millis(1), Mono::from_millis(2_001));
        assert_eq!((two.ms_since(one), one.ms_since(two)), (2_000, 0));
        assert_eq!(one.plus_ms(2_000), two);
        assert_eq!(one.plus_ms(-5), one);
    }

    #[test]
    fn durations_add_and_subtract() {
        let one = Mono::from_micros(1_500);
        let later = one + Duration::from_nanos(250);
        assert_eq!((later.as_nanos(), later.as_micros()), (1_500_250, 1_500));
        assert_eq!((later.since(one), one.since(later)), (Duration::from_nanos(250), Duration::ZERO));
    }

    #[test]
    fn the_far_future_is_the_end() {
        let end = Mono::from_nanos(u64::MAX);
        assert_eq!(Mono::from_millis(u64::MAX), end);
        assert_eq!(end.plus_ms(i64::MAX), end);
        assert_eq!(end.ms_since(Mono::default()), 18_446_744_073_709);
    }
}
