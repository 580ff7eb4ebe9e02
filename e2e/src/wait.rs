//! Waiting for something to be seen.

use std::time::{Duration, Instant};

/// Generous: it is reached only where something is broken.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Looks until `look` sees something; `what` names it in the error.
pub fn until<T>(what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        anyhow::ensure!(begun.elapsed() < LIMIT, "waited {LIMIT:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
