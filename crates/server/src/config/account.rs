//! `[account]`: whose the server is.

use super::written::valid;
use serde::{Deserialize, Serialize};
use tympan_types::{AccountId, Region};

/// `[account]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// Region name.
    pub region: Region,
}

impl Default for Account {
    fn default() -> Self {
        Self { id: valid("111122223333"), region: valid("us-west-2") }
    }
}
