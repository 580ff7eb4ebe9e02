//! The one place that reads the wall clock, and the monotonic one for the store.
//!
//! Three clocks, one source. [`SystemClock`] is the machine's: what clients sign by, and what requests to others are
//! signed with. [`ServiceClock`] is what the services see: fragments are stamped with it, retention and sessions end by
//! it, and under `--dev` it can be put ahead. [`CallClock`] is the service clock as it was when a call began, and
//! monotonic from there on: a call that is up keeps its pace when a clock is set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tympan_contact::Now;
use tympan_types::{Mono, WallTime};

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Now, in microseconds since 1970.
    pub(crate) fn wall_us(self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// Now, in Unix milliseconds; a clock set before 1970 counts as 1970.
    pub fn wall_now(self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The monotonic clock, from the first time that the process asks for it.
pub(crate) fn mono_now() -> Mono {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let since = BEGAN.get_or_init(Instant::now).elapsed();
    Mono::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The clock of the services: the machine's, put ahead by what the emulator was told. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceClock(Arc<AtomicI64>);

impl ServiceClock {
    /// Now, as the services see it.
    pub(crate) fn wall_now(&self) -> WallTime {
        SystemClock.wall_now().plus_ms(self.ahead_ms())
    }

    /// The same in microseconds since 1970.
    pub(crate) fn wall_us(&self) -> i64 {
        SystemClock.wall_us().saturating_add(self.ahead_ms().saturating_mul(1_000))
    }

    /// How far it is ahead of the machine's clock.
    pub(crate) fn ahead_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Puts it further ahead; saturating. Gives how far it is ahead now.
    pub(crate) fn advance(&self, ms: i64) -> i64 {
        let ahead = |ahead: i64| Some(ahead.saturating_add(ms));
        // The update cannot fail: it always gives a value.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, ahead);
        self.ahead_ms()
    }

    /// Back to the machine's clock.
    pub(crate) fn restore(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The clock of a call that begins now.
    pub(crate) fn for_call(&self) -> CallClock {
        CallClock { began: self.wall_now(), since: Instant::now() }
    }
}

impl tympan_emulator::Clock for ServiceClock {
    fn wall_now(&self) -> WallTime {
        Self::wall_now(self)
    }

    fn machine_now(&self) -> WallTime {
        SystemClock.wall_now()
    }

    fn ahead_ms(&self) -> i64 {
        Self::ahead_ms(self)
    }

    fn advance(&self, ms: i64) {
        Self::advance(self, ms);
    }

    fn restore(&self) {
        Self::restore(self);
    }
}

impl tympan_store::Clock for ServiceClock {
    fn now(&self) -> WallTime {
        self.wall_now()
    }

    fn mono(&self) -> Mono {
        mono_now()
    }

    fn put_ahead_ms(&self) -> i64 {
        self.ahead_ms()
    }
}

/// The clock of one call: what the service clock showed when the call began, and the monotonic time since. Waits of the
/// call are neither cut short nor made longer by a clock that is set, and its audio stays on one timeline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallClock {
    began: WallTime,
    since: Instant,
}

impl CallClock {
    /// This instant, for the machines of the call.
    pub(crate) fn now(self) -> Now {
        Now { mono: mono_now(), wall: self.wall_now() }
    }

    /// Now, as the call sees it.
    pub(crate) fn wall_now(self) -> WallTime {
        self.began.plus_ms(i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_up_does_not_notice_a_jump_and_the_next_one_does() {
        let clock = ServiceClock::default();
        let up = clock.for_call();
        let before = SystemClock.wall_now();
        assert_eq!(clock.clone().advance(90_000_000), 90_000_000);
        assert!(up.wall_now().ms_since(before) < 90_000_000);
        assert!(clock.for_call().wall_now().ms_since(before) >= 90_000_000);
        assert!(clock.wall_now().ms_since(before) >= 90_000_000);
        clock.restore();
        assert_eq!(clock.ahead_ms(), 0);
    }

    #[test]
    fn the_far_future_is_the_end() {
        let clock = ServiceClock::default();
        clock.advance(i64::MAX);
        assert_eq!(clock.advance(1), i64::MAX);
        assert_eq!(clock.wall_now().unix_ms(), i64::MAX);
    }
}
