//! `[audit]`: the audit file.

use super::values::FILE_LIMIT_BYTES;
use super::written::path_or_empty;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Whether it is written.
    pub enabled: bool,
    /// Where; empty: `audit.jsonl` in the data folder.
    #[serde(with = "path_or_empty")]
    pub file: Option<PathBuf>,
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, file: None, file_limit_bytes: FILE_LIMIT_BYTES, files_kept: 10 }
    }
}
