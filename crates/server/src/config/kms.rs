//! `[kms]`: who keeps the master keys.

use super::choices::KeyKeeper;
use super::values::Secret;
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tympan_client::Endpoint;
use tympan_kms::KeyId;
use tympan_types::Region;

/// `[kms]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kms {
    /// Who keeps the master keys: `local`, a keyring on this machine, or `external`, a KMS elsewhere.
    pub provider: KeyKeeper,
    /// Folder of the local master keys; empty: `keyring` in the data folder. Keep it on another disk in production.
    #[serde(with = "path_or_empty")]
    pub keyring_dir: Option<PathBuf>,
    /// Ids of master keys that are lost for good: the server starts without them, and their streams cannot be read.
    pub lost_keys: Vec<String>,
    /// URL of the external KMS; empty: AWS's own in its region.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<Endpoint>,
    /// Region of the external KMS; empty: that of the account.
    #[serde(with = "text_or_empty")]
    pub region: Option<Region>,
    /// The access key that signs requests to the external KMS.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// The session token of temporary credentials.
    pub session_token: Secret,
    /// The external key of streams that name none; empty: `alias/aws/kinesisvideo`.
    #[serde(with = "text_or_empty")]
    pub default_key: Option<KeyId>,
    /// How long one request to the external KMS may take.
    pub attempt_timeout_ms: u64,
    /// How often a request is tried that fails in a way that may pass.
    pub attempts: u32,
}

impl Default for Kms {
    fn default() -> Self {
        Self {
            provider: KeyKeeper::Local,
            keyring_dir: None,
            lost_keys: Vec::new(),
            endpoint: None,
            region: None,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            session_token: Secret::default(),
            default_key: None,
            attempt_timeout_ms: 1_000,
            attempts: 3,
        }
    }
}
