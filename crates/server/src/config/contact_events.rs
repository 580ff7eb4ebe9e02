//! `[contact_events]`: where events of contacts go.

use super::values::{FILE_LIMIT_BYTES, Secret, ServiceUrl};
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[contact_events]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactEvents {
    /// Whether they go to `contact-events.jsonl` of the data folder.
    pub file: bool,
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// Only events of these types; empty: all.
    pub types: Vec<String>,
    /// No events of these types.
    pub anything_but: Vec<String>,
    /// A URL that each event is posted to; empty: none.
    #[serde(with = "text_or_empty")]
    pub url: Option<ServiceUrl>,
    /// What signs for it; prefer `url_secret_file`.
    pub url_secret: Secret,
    /// A file that holds that.
    #[serde(with = "path_or_empty")]
    pub url_secret_file: Option<PathBuf>,
    /// A Kinesis-compatible endpoint that events are put to; empty: none.
    #[serde(with = "text_or_empty")]
    pub stream_endpoint: Option<ServiceUrl>,
    /// The ARN of the data stream of contact events; empty: none. Agent events go to the stream that the AGENT_EVENTS storage of their
    /// instance names.
    pub stream_arn: String,
    /// The access key that signs for the endpoint.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
}

impl Default for ContactEvents {
    fn default() -> Self {
        Self {
            file: false,
            file_limit_bytes: FILE_LIMIT_BYTES,
            files_kept: 100,
            kept_days: 90,
            types: Vec::new(),
            anything_but: Vec::new(),
            url: None,
            url_secret: Secret::default(),
            url_secret_file: None,
            stream_endpoint: None,
            stream_arn: String::new(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
        }
    }
}
