//! The operations on keys themselves.

use super::{Kms, about, read, wall_time};
use crate::ClientError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tympan_types::WallTime;

/// A key, as `DescribeKey` tells of it; it serialises under the names that it uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Key {
    /// The UUID.
    pub key_id: String,
    /// The ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub key_state: String,
    /// `AWS` for the service's own key, `CUSTOMER` for all others.
    #[serde(default)]
    pub key_manager: String,
    /// Its maker's words.
    #[serde(default)]
    pub description: String,
    /// Epoch seconds, with a fraction.
    #[serde(default)]
    pub creation_date: f64,
    /// When it is destroyed, where that is pending. Epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<f64>,
}

impl Key {
    /// When it was made.
    pub fn created(&self) -> WallTime {
        wall_time(self.creation_date)
    }

    /// When it is destroyed, where that is pending.
    pub fn deletion(&self) -> Option<WallTime> {
        self.deletion_date.map(wall_time)
    }
}

/// A deletion to come, as `ScheduleKeyDeletion` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduledDeletion {
    /// The key's ARN.
    pub key_id: String,
    /// When the key is destroyed. Epoch seconds.
    pub deletion_date: f64,
}

impl ScheduledDeletion {
    /// When the key is destroyed.
    pub fn at(&self) -> WallTime {
        wall_time(self.deletion_date)
    }
}

/// When a key got new material, as `ListKeyRotations` tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    /// Epoch seconds.
    pub rotation_date: f64,
    /// `AUTOMATIC` or `ON_DEMAND`.
    pub rotation_type: String,
}

impl Rotation {
    /// When it was.
    pub fn at(&self) -> WallTime {
        wall_time(self.rotation_date)
    }
}

/// Whether and when a key is rotated by its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationStatus {
    /// Whether it has a schedule.
    pub key_rotation_enabled: bool,
    /// Days from one rotation to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<u32>,
    /// When the next one is. Epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<f64>,
}

impl RotationStatus {
    /// When the next one is.
    pub fn next(&self) -> Option<WallTime> {
        self.next_rotation_date.map(wall_time)
    }
}

impl Kms {
    /// `ListKeys`: the ids of all keys.
    pub async fn key_ids(&self) -> Result<Vec<String>, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Listed {
            key_id: String,
        }
        let keys: Vec<Listed> = self.list("ListKeys", "Keys", json!({ "Limit": 1_000 })).await?;
        Ok(keys.into_iter().map(|key| key.key_id).collect())
    }

    /// `DescribeKey`, by id, ARN, alias or alias ARN.
    pub async fn describe_key(&self, key: &str) -> Result<Key, ClientError> {
        let mut answer = self.call("DescribeKey", &about(key)).await?;
        read("DescribeKey", answer["KeyMetadata"].take())
    }

    /// `CreateKey`: a symmetric key.
    pub async fn create_key(&self, description: &str) -> Result<Key, ClientError> {
        let mut answer = self.call("CreateKey", &json!({ "Description": description })).await?;
        read("CreateKey", answer["KeyMetadata"].take())
    }

    /// `EnableKey`, by id or ARN.
    pub async fn enable_key(&self, key: &str) -> Result<(), ClientError> {
        self.call("EnableKey", &about(key)).await.map(drop)
    }

    /// `DisableKey`, by id or ARN.
    pub async fn disable_key(&self, key: &str) -> Result<(), ClientError> {
        self.call("DisableKey", &about(key)).await.map(drop)
    }

    /// `RotateKeyOnDemand`, by id or ARN.
    pub async fn rotate_key(&self, key: &str) -> Result<(), ClientError> {
        self.call("RotateKeyOnDemand", &about(key)).await.map(drop)
    }

    /// `ListKeyRotations`, by id or ARN.
    pub async fn rotations(&self, key: &str) -> Result<Vec<Rotation>, ClientError> {
        self.list("ListKeyRotations", "Rotations", about(key)).await
    }

    /// `GetKeyRotationStatus`, by id or ARN.
    pub async fn rotation_status(&self, key: &str) -> Result<RotationStatus, ClientError> {
        read("GetKeyRotationStatus", self.call("GetKeyRotationStatus", &about(key)).await?)
    }

    /// `ScheduleKeyDeletion`, by id or ARN; `days` are 7 to 30.
    pub async fn schedule_key_deletion(
        &self,
        key: &str,
        days: u32,
    ) -> Result<ScheduledDeletion, ClientError> {
        let request = json!({ "KeyId": key, "PendingWindowInDays": days });
        read("ScheduleKeyDeletion", self.call("ScheduleKeyDeletion", &request).await?)
    }

    /// `CancelKeyDeletion`, by id or ARN.
    pub async fn cancel_key_deletion(&self, key: &str) -> Result<(), ClientError> {
        self.call("CancelKeyDeletion", &about(key)).await.map(drop)
    }
}
