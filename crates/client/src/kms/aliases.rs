//! The operations on aliases.

use super::{Kms, about};
use crate::ClientError;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An alias, as `ListAliases` tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alias {
    /// Such as `alias/calls`.
    pub alias_name: String,
    /// Its ARN.
    #[serde(default)]
    pub alias_arn: String,
    /// The id of the key that it points to; AWS's own aliases may point to none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_key_id: Option<String>,
}

impl Kms {
    /// `ListAliases`: all of them.
    pub async fn aliases(&self) -> Result<Vec<Alias>, ClientError> {
        self.list("ListAliases", "Aliases", json!({ "Limit": 100 })).await
    }

    /// `ListAliases`: those of one key, by id or ARN.
    pub async fn aliases_of(&self, key: &str) -> Result<Vec<Alias>, ClientError> {
        self.list("ListAliases", "Aliases", about(key)).await
    }

    /// `CreateAlias`; the key by id or ARN.
    pub async fn create_alias(&self, alias: &str, key: &str) -> Result<(), ClientError> {
        self.call("CreateAlias", &json!({ "AliasName": alias, "TargetKeyId": key })).await.map(drop)
    }

    /// `UpdateAlias`; the key by id or ARN.
    pub async fn update_alias(&self, alias: &str, key: &str) -> Result<(), ClientError> {
        self.call("UpdateAlias", &json!({ "AliasName": alias, "TargetKeyId": key })).await.map(drop)
    }

    /// `DeleteAlias`.
    pub async fn delete_alias(&self, alias: &str) -> Result<(), ClientError> {
        self.call("DeleteAlias", &json!({ "AliasName": alias })).await.map(drop)
    }
}
