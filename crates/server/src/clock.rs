//! The one place that reads the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};
use tympan_types::WallTime;

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl SystemClock {
    /// Now, in Unix milliseconds; a clock set before 1970 counts as 1970.
    pub(crate) fn wall_now(self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl tympan_store::Clock for SystemClock {
    fn now(&self) -> WallTime {
        self.wall_now()
    }
}
