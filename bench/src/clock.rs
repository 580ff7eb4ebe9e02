//! The one clock of a run. Sender and readers live in one process, so a difference of two readings is a latency.

use rustix::thread::{ClockId as SleepClock, clock_nanosleep_absolute};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tympan_types::WallTime;

/// CLOCK_MONOTONIC. Units: nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Monotonic(pub(crate) u64);

impl Monotonic {
    /// Now.
    pub(crate) fn now() -> Self {
        Self(nanoseconds(clock_gettime(ClockId::Monotonic)))
    }

    /// That much later.
    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self(self.0 + u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX / 2))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Sleeps until then; returns at once when it is past.
    pub(crate) fn sleep(self) {
        let deadline = Timespec { tv_sec: (self.0 / NS_PER_S) as i64, tv_nsec: (self.0 % NS_PER_S) as _ };
        // A signal may end it early; the deadline is absolute, so it is simply asked for again.
        while clock_nanosleep_absolute(SleepClock::Monotonic, &deadline) == Err(rustix::io::Errno::INTR) {}
    }
}

/// What the calling thread has cost so far, in user and kernel mode. Units: nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// The time of day, for signatures.
pub(crate) fn wall_time() -> WallTime {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

fn nanoseconds(at: Timespec) -> u64 {
    // Neither clock is ever negative.
    at.tv_sec.unsigned_abs() * NS_PER_S + u64::try_from(at.tv_nsec).unwrap_or(0)
}

const NS_PER_S: u64 = 1_000_000_000;
