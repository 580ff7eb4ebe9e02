//! Flow logs, one JSON a line: what each block did, and why it failed.

use crate::line_file::LineFile;
use crate::line_queue::LineQueue;
use serde_json::Value;
use std::path::Path;

/// `flow-logs.jsonl` of the data folder. Lines are written within moments, but not synced: they help people find out why,
/// and promise nothing. Calls never wait for them.
pub(crate) struct FlowLog(LineQueue);

impl FlowLog {
    /// Opens the file for appending.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(LineQueue::open("flow-log", LineFile::open(path, 0o644)?, |_| None)?))
    }

    pub(super) fn append(&self, entry: &Value) {
        self.0.push(format!("{entry}\n"));
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }
}
