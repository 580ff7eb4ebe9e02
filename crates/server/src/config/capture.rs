//! `[capture]`: from calls to streams.

use super::choices::TrackNaming;
use serde::{Deserialize, Serialize};

/// `[capture]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    /// How the customer's track is named: `current` or `seed2019`.
    pub track_profile: TrackNaming,
    /// How long the Start block waits for the store before it takes its Error branch.
    pub start_timeout_ms: u64,
    /// How long the Stop block and the end of a call wait for the last acknowledgement.
    pub stop_timeout_ms: u64,
    /// Audio that may wait for a slow store, per call; what goes beyond is counted and becomes a gap.
    pub backlog_limit_bytes: usize,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            track_profile: TrackNaming::Current,
            start_timeout_ms: 5_000,
            stop_timeout_ms: 5_000,
            backlog_limit_bytes: 1024 * 1024,
        }
    }
}
