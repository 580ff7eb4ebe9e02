//! `[contact_records]`: where records of contacts go.

use super::values::{FILE_LIMIT_BYTES, Secret, ServiceUrl};
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[contact_records]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactRecords {
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// A Kinesis-compatible endpoint that records are put to; empty: none.
    #[serde(with = "text_or_empty")]
    pub stream_endpoint: Option<ServiceUrl>,
    /// The ARN of the data stream for instances whose storage names none; empty: their records go to no stream.
    pub stream_arn: String,
    /// The access key that signs for the endpoint.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// A URL that each record is posted to, in the event of a Lambda function behind a data stream.
    #[serde(with = "text_or_empty")]
    pub push_url: Option<ServiceUrl>,
    /// A command and its arguments that get the same event on stdin, instead of a URL.
    pub push_command: Vec<String>,
}

impl Default for ContactRecords {
    fn default() -> Self {
        Self {
            file_limit_bytes: FILE_LIMIT_BYTES,
            files_kept: 100,
            kept_days: 731,
            stream_endpoint: None,
            stream_arn: String::new(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            push_url: None,
            push_command: Vec::new(),
        }
    }
}
