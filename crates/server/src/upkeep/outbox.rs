//! The outbox of `control.db`: what waits is done at a start, when it is written, and when it falls due.

use crate::persist::ContactHistory;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tympan_store::MediaStore;

/// Between two looks at the latest: the time of day may be set.
const INTERVAL: Duration = Duration::from_secs(60);

/// Performs what is due until `shutdown`.
pub(crate) async fn keep_outbox(
    history: Arc<ContactHistory>,
    store: MediaStore,
    shutdown: CancellationToken,
) {
    loop {
        let (of, now) = (history.clone(), store.now());
        let performed = spawn_blocking(move || {
            of.outbox().perform(now)?;
            of.outbox().next_due()
        });
        let pause = match performed.await {
            Ok(Ok(next)) => next.map_or(INTERVAL, |next| {
                Duration::from_millis(u64::try_from(next.ms_since(now)).unwrap_or(0)).min(INTERVAL)
            }),
            Ok(Err(error)) => {
                tracing::error!(%error, "what waits in the outbox of control.db could not be done; it is tried again");
                INTERVAL
            }
            Err(_) => INTERVAL,
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = history.outbox().written() => {}
            () = tokio::time::sleep(pause.max(Duration::from_millis(100))) => {}
        }
    }
}
