//! The scrub's clock: a pass, a pause, the next pass.

use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tympan_store::{ErrorKind, MediaStore};

/// The first pass begins so long after the start at the latest: a server that is restarted each week is scrubbed too.
const FIRST_PASS: Duration = Duration::from_secs(600);

/// Reads all of the store every `interval`, at most `bytes_per_s` a second, until `shutdown`.
pub(crate) async fn scrub(
    store: MediaStore,
    interval: Duration,
    bytes_per_s: u64,
    shutdown: CancellationToken,
) {
    let mut pause = interval.min(FIRST_PASS);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = interval;
        let pass = tokio::select! {
            () = shutdown.cancelled() => return,
            pass = store.scrub(bytes_per_s) => pass,
        };
        match pass {
            Ok(report) if report.damage.is_empty() => tracing::info!(
                fragments = report.fragments,
                bytes = report.bytes,
                "the scrub has read everything and found no damage"
            ),
            Ok(report) => tracing::error!(
                damaged = report.damage.len(),
                fragments = report.fragments,
                "the scrub found damage: see the lines above, and `tympan streams check`"
            ),
            Err(error) if *error.kind() == ErrorKind::NotActive => return,
            Err(error) => {
                tracing::error!(%error, "the scrub could not read everything; it tries again later")
            }
        }
    }
}
