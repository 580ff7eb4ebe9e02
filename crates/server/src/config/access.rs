//! `[[credentials]]`, `[[policies]]`, `[[roles]]` and `[auth]`: who may do what.

use super::values::Secret;
use super::written::path_or_empty;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[[credentials]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credential {
    /// The access key id.
    pub access_key_id: String,
    /// The secret, in the clear; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// The session token that must come with the key; empty for a long-lived key.
    pub session_token: Secret,
    /// The user's name in ARNs; empty: the access key id.
    pub user: String,
    /// Names of the policies that the key has; without one it may do nothing.
    pub policies: Vec<String>,
}

/// `[[policies]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamedPolicy {
    /// What credentials and roles call it.
    pub name: String,
    /// Its JSON.
    pub document: String,
    /// A file that holds its JSON.
    #[serde(with = "path_or_empty")]
    pub document_file: Option<PathBuf>,
}

/// `[[roles]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The last part of its ARN.
    pub name: String,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// Ids of the access keys that may assume it.
    pub assumed_by: Vec<String>,
    /// How long its sessions may last.
    pub session_max_s: u32,
}

impl Default for Role {
    fn default() -> Self {
        Self { name: String::new(), policies: Vec::new(), assumed_by: Vec::new(), session_max_s: 3_600 }
    }
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How far a request's clock may be off.
    pub clock_skew_s: u64,
}

impl Default for Auth {
    fn default() -> Self {
        Self { clock_skew_s: 300 }
    }
}
