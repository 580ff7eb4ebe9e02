//! `[speech]`: how prompts get their sound.

use super::choices::SpeechRate;
use super::values::{Secret, ServiceUrl};
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[speech]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// A command that reads text on stdin and writes WAV to stdout; empty: prompts are silence of their reading time.
    pub command: Vec<String>,
    /// A Polly-compatible endpoint, instead of the command.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<ServiceUrl>,
    /// The access key that signs requests to both endpoints.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// At which rate the endpoint is asked to speak.
    pub sample_rate_hz: SpeechRate,
    /// How long one prompt may take.
    pub timeout_ms: u64,
    /// Prompts that are spoken or fetched at once.
    pub workers: usize,
    /// Prompts that may wait for that; what is beyond is silence of its reading time.
    pub waiting_max: usize,
    /// Memory for what was spoken and fetched.
    pub cache_bytes: usize,
    /// Folder of WAV prompts that flows name by id.
    #[serde(with = "path_or_empty")]
    pub prompt_dir: Option<PathBuf>,
    /// An S3-compatible endpoint for prompts that flows name by an S3 URI.
    #[serde(with = "text_or_empty")]
    pub s3_endpoint: Option<ServiceUrl>,
    /// Hosts of which prompts may be fetched by their URI.
    pub uri_hosts: Vec<String>,
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            command: ["espeak-ng", "--stdin", "--stdout"].map(String::from).to_vec(),
            endpoint: None,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            sample_rate_hz: SpeechRate::Hz8000,
            timeout_ms: 10_000,
            workers: 8,
            waiting_max: 256,
            cache_bytes: 16 * 1024 * 1024,
            prompt_dir: None,
            s3_endpoint: None,
            uri_hosts: Vec::new(),
        }
    }
}
