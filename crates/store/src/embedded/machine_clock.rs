//! The machine's own clocks: what a segment's age and the time of an opening are read from.

use crate::Clock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tympan_types::{Mono, WallTime};

pub(super) struct MachineClock(Instant);

impl MachineClock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MachineClock {
    fn now(&self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn mono(&self) -> Mono {
        Mono::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}
