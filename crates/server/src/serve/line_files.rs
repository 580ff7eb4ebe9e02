//! The files of lines that a life writes, and how they end.

use crate::audit::Audit;
use crate::lines::LineWriters;
use crate::persist::ContactHistory;
use std::sync::Arc;
use std::time::Duration;

/// How long a stop waits for the records of contacts.
const DELIVERY_LIMIT: Duration = Duration::from_secs(5);

/// The audit file, the contact records and the flow log, with their threads.
pub(super) struct LineFiles {
    pub(super) audit: Audit,
    pub(super) history: Arc<ContactHistory>,
    pub(super) writers: LineWriters,
}

impl LineFiles {
    /// Writes what waits and makes it durable, as far as the files take it within some seconds.
    pub(super) async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || {
            self.audit.settle();
            if !self.history.await_delivery(DELIVERY_LIMIT) {
                tracing::error!("contact records and flow logs are not written; the next start writes them");
            }
            self.writers.close();
        });
        if let Err(error) = closed.await {
            tracing::error!(%error, "the files of lines were not closed in order");
        }
    }
}
