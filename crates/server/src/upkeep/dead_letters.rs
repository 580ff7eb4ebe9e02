//! Dead letters of contact records go after the time for which records are kept.

use crate::persist::DeadLetters;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(6 * 3_600);
const DAY_S: u64 = 86_400;

/// Removes what is older than so many days until `shutdown`; 0 keeps everything.
pub(crate) async fn keep_dead_letters(letters: DeadLetters, days: u32, shutdown: CancellationToken) {
    if days == 0 {
        return;
    }
    loop {
        let (of, age) = (letters.clone(), Duration::from_secs(u64::from(days) * DAY_S));
        if let Ok(Err(error)) = spawn_blocking(move || of.expire(age)).await {
            tracing::warn!(%error, "old dead letters could not be removed; it is tried again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
