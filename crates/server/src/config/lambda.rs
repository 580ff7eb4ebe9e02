//! `[lambda]`: how functions are invoked.

use super::values::{Secret, ServiceUrl};
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[lambda]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lambda {
    /// A Lambda-compatible endpoint; empty: only mapped functions can be invoked.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<ServiceUrl>,
    /// The access key that signs invocations.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// Whether every function needs AssociateLambdaFunction; otherwise mapped ones, and under `--dev` all, do without.
    pub require_association: bool,
    /// Functions that are a local command or URL.
    pub functions: Vec<LambdaFunction>,
}

/// `[[lambda.functions]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LambdaFunction {
    /// The function's ARN as flows name it.
    pub arn: String,
    /// A command and its arguments: the event comes on its stdin, the result is read from its stdout.
    pub command: Vec<String>,
    /// A URL that the event is posted to, instead of a command.
    #[serde(with = "text_or_empty")]
    pub url: Option<ServiceUrl>,
}
