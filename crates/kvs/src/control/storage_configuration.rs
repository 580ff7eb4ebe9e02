//! `StreamStorageConfiguration`, as it is asked for and shown.

use crate::{KvsError, constraint};
use serde::{Deserialize, Serialize};
use tympan_store::StorageTier;

/// Shape: `{"DefaultStorageTier": "HOT" | "WARM"}`. All media here is as quick to reach as AWS's HOT tier; the other
/// one promises a price, not a behaviour, and is kept and shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamStorageConfiguration {
    default_storage_tier: Option<String>,
}

const TIERS: [(&str, StorageTier); 2] = [("HOT", StorageTier::Hot), ("WARM", StorageTier::Warm)];

impl StreamStorageConfiguration {
    /// The tier that is asked for.
    pub(super) fn tier(&self) -> Result<StorageTier, KvsError> {
        let member = "streamStorageConfiguration.defaultStorageTier";
        let tier = constraint::required(self.default_storage_tier.as_deref(), member)?;
        Ok(constraint::one_of(tier, member, &TIERS)?)
    }
}

impl From<StorageTier> for StreamStorageConfiguration {
    fn from(tier: StorageTier) -> Self {
        let name = TIERS.iter().find(|(_, of)| *of == tier).map(|(name, _)| (*name).to_owned());
        Self { default_storage_tier: name }
    }
}
