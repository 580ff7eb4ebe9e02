//! `[log]`: what the server says of itself.

use super::choices::LogFormat;
use super::values::LogFilter;
use serde::{Deserialize, Serialize};

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A filter such as `info` or `tympan_server=debug,warn`.
    pub filter: LogFilter,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: LogFilter::default(), format: LogFormat::Text }
    }
}
