//! A file of events, one JSON a line.

use super::{Outgoing, PutError, RecordSink};
use crate::lines::Lines;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tympan_types::InstanceId;

/// The file.
pub(crate) struct LineFile {
    lines: Lines,
}

impl LineFile {
    /// One that is open.
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines }
    }
}

#[async_trait]
impl RecordSink for LineFile {
    async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
        let (sender, written) = oneshot::channel();
        let done = move |is_durable| {
            // Who waited for it may be gone; then it is written again.
            let _ = sender.send(is_durable);
        };
        let is_taken = self.lines.push_durably(format!("{}\n", record.json), 1, done);
        match is_taken && written.await.unwrap_or(false) {
            true => Ok(()),
            false => Err(PutError::Away("the file takes no lines".to_owned())),
        }
    }

    fn takes(&self, _: InstanceId) -> bool {
        true
    }
}
