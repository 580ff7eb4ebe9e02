//! Flow logs, one JSON a line: what each block did, and why it failed.

use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// `flow-logs.jsonl` of the data folder. Lines are written through to the file, but not synced: they help people
/// find out why, and promise nothing.
pub(crate) struct FlowLog(Mutex<File>);

impl FlowLog {
    /// Opens the file for appending.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Mutex::new(File::options().create(true).append(true).open(path)?)))
    }

    pub(super) fn append(&self, entry: &Value) {
        let mut line = entry.to_string();
        line.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "the flow log cannot be written");
        }
    }
}
