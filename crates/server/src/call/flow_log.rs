//! Flow logs, one JSON a line: what each block did, and why it failed.

use crate::lines::{LineFileOptions, LineWriters, Lines, Rotation};
use serde_json::Value;
use std::path::PathBuf;

/// `flow-logs.jsonl` of the data folder. Lines are written within moments, but not synced: they help people find out why,
/// and promise nothing. Calls never wait for them.
pub(crate) struct FlowLog(Lines);

impl FlowLog {
    /// Opens the file for appending.
    pub(crate) fn open(writers: &LineWriters, path: PathBuf, rotation: Rotation) -> std::io::Result<Self> {
        let options = LineFileOptions { name: "flow-log", path, mode: 0o644, rotation, missing: |_| None };
        Ok(Self(writers.open(options)?))
    }

    pub(super) fn append(&self, entry: &Value) {
        self.0.push(format!("{entry}\n"));
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }

    /// How many lines wait for the file.
    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting()
    }
}
