use crate::{DataKey, EncryptionContext, KeyId, KmsError, WrappedKey};
use async_trait::async_trait;
use tympan_types::WallTime;

/// Keeper of master keys: makes data keys, and opens the wrapped ones again.
///
/// The shapes follow the AWS KMS API (DescribeKey, GenerateDataKey, Decrypt), so that one can stand behind it.
#[async_trait]
pub trait KeyProvider: Send + Sync {
    /// Tells what a key id stands for; a disabled key is described, not refused.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn describe(&self, key: &KeyId) -> Result<KeyDescription, KmsError>;

    /// Makes a fresh data key and its wrapped form, bound to `context`.
    ///
    /// # Errors
    /// `NotFound`, `Disabled`, `InvalidState`, `Unavailable`, `AccessDenied`.
    async fn generate_data_key(
        &self,
        key: &KeyId,
        context: &EncryptionContext,
    ) -> Result<(DataKey, WrappedKey), KmsError>;

    /// Opens a wrapped key. The wrapped key itself says which master key closed it.
    ///
    /// # Errors
    /// `Validation` for a damaged key or another context; `NotFound`, `Disabled`, `InvalidState`, `Unavailable`,
    /// `AccessDenied` for the master key.
    async fn unwrap(&self, wrapped: &WrappedKey, context: &EncryptionContext) -> Result<DataKey, KmsError>;
}

/// What a provider tells about a master key: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// The key's UUID.
    pub id: String,
    /// `arn:aws:kms:REGION:ACCOUNT:key/UUID`.
    pub arn: String,
    /// Aliases that point to it, each beginning with `alias/`, in order.
    pub aliases: Vec<String>,
    /// Whether it may be used.
    pub state: KeyState,
    /// When the key was made.
    pub created: WallTime,
    /// When its newest key material was made: the creation, or the last rotation.
    pub rotated: WallTime,
}

/// Whether a master key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeyState {
    /// In use.
    Enabled,
    /// Switched off by its owner: neither wraps nor unwraps until it is switched on again.
    Disabled,
    /// As switched off, and destroyed when the time has come, unless that is called off before.
    PendingDeletion {
        /// When it is destroyed.
        deletion_unix_ms: WallTime,
    },
}

impl KeyState {
    /// The service's word for it: `Enabled`, `Disabled`, `PendingDeletion`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion { .. } => "PendingDeletion",
        }
    }
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeyManager {
    /// The service's own, for those who choose none: nobody changes it, and it gets new material each year.
    #[serde(rename = "AWS")]
    Aws,
    /// Its user's.
    #[serde(rename = "CUSTOMER")]
    Customer,
}

impl KeyManager {
    /// The service's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Customer => "CUSTOMER",
        }
    }
}
