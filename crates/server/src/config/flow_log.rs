//! `[flow_log]`: the flow log.

use super::values::FILE_LIMIT_BYTES;
use serde::{Deserialize, Serialize};

/// `[flow_log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowLog {
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// Lines show what callers typed and said, attributes and answers of functions.
    pub values: bool,
}

impl Default for FlowLog {
    fn default() -> Self {
        Self { file_limit_bytes: FILE_LIMIT_BYTES, files_kept: 10, kept_days: 90, values: false }
    }
}
