//! The two times of this crate: the monotonic clock of the caller, and positions in 8 kHz audio.
//!
//! Why there are two, and how they are tied together: `docs/time.md`.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use tympan_types::Mono;

use crate::audio::pcm::SAMPLE_RATE_HZ;

/// Whole 8 kHz sample periods from `earlier` to `later`; zero when it is not after it.
pub const fn samples_between(earlier: Mono, later: Mono) -> u64 {
    later.as_nanos().saturating_sub(earlier.as_nanos()) / NANOS_PER_SAMPLE
}

/// A position in a timeline: samples at 8 kHz since the timeline began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleOffset(u64);

impl SampleOffset {
    /// The beginning of the timeline.
    pub const ZERO: Self = Self(0);

    /// The position `samples` samples after the beginning.
    pub const fn from_samples(samples: u64) -> Self {
        Self(samples)
    }

    /// Samples since the beginning.
    pub const fn as_samples(self) -> u64 {
        self.0
    }

    /// The position as a time since the beginning; exact, as a sample lasts 125 us.
    pub const fn to_duration(self) -> Duration {
        Duration::from_micros(self.0.saturating_mul(MICROS_PER_SAMPLE))
    }

    /// Samples from `earlier` to this position; zero when it is not after it.
    pub const fn samples_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for SampleOffset {
    type Output = Self;

    fn add(self, samples: u64) -> Self {
        Self(self.0.saturating_add(samples))
    }
}

impl AddAssign<u64> for SampleOffset {
    fn add_assign(&mut self, samples: u64) {
        *self = *self + samples;
    }
}

impl Sub for SampleOffset {
    type Output = i64;

    /// Signed distance in samples.
    fn sub(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0) as i64
    }
}

/// The number of whole 8 kHz samples in `duration`.
pub(crate) const fn duration_to_samples(duration: Duration) -> u64 {
    duration.as_micros() as u64 / MICROS_PER_SAMPLE
}

const MICROS_PER_SAMPLE: u64 = 1_000_000 / SAMPLE_RATE_HZ as u64;
const NANOS_PER_SAMPLE: u64 = MICROS_PER_SAMPLE * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_is_eight_thousand_samples() {
        let start = Mono::from_millis(5);
        assert_eq!(samples_between(start, start + Duration::from_secs(1)), 8_000);
        assert_eq!(SampleOffset::from_samples(8_000).to_duration(), Duration::from_secs(1));
    }

    #[test]
    fn time_before_the_reference_counts_as_none() {
        assert_eq!(samples_between(Mono::from_millis(9), Mono::from_millis(1)), 0);
    }

    #[test]
    fn offsets_subtract_with_a_sign() {
        assert_eq!(SampleOffset::from_samples(3) - SampleOffset::from_samples(5), -2);
    }
}
