//! `[store]`: upkeep of the media store.

use serde::{Deserialize, Serialize};

/// `[store]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// How often expired media is removed from disk (it is never served meanwhile).
    pub sweep_interval_s: u64,
    /// How often the scrub reads everything that is stored; 0: never.
    pub scrub_interval_s: u64,
    /// At most so many bytes a second.
    pub scrub_bytes_per_s: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self { sweep_interval_s: 60, scrub_interval_s: 604_800, scrub_bytes_per_s: 8_000_000 }
    }
}
