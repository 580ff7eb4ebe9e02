//! Time that only runs.

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

    /// Whole milliseconds from `earlier` to this instant; 0 when `earlier` is the later one.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        // A difference of nanoseconds in milliseconds is far below the largest i64.
        (self.0.saturating_sub(earlier.0) / NANOS_PER_MS) as i64
    }
}

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
    fn the_far_future_is_the_end() {
        let end = Mono::from_nanos(u64::MAX);
        assert_eq!(Mono::from_millis(u64::MAX), end);
        assert_eq!(end.plus_ms(i64::MAX), end);
        assert_eq!(end.ms_since(Mono::default()), 18_446_744_073_709);
    }
}
