//! Backups of a running tympan server: begun and asked after over HTTP (docs/admin.md). Not an AWS operation.

use crate::{ClientError, Endpoint, HttpClient};
use serde_json::{Value, json};
use std::path::Path;

const SERVICE: &str = "tympan";
const PATH: &str = "/tympan/backup";

/// A client of a server's backups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backups {
    http: HttpClient,
    endpoint: Endpoint,
}

/// What became of the newest backup.
#[derive(Debug, Clone, PartialEq)]
pub enum BackupStatus {
    /// It is being made.
    Running {
        /// Bytes that are copied.
        done_bytes: u64,
        /// Bytes that there are, as far as is known.
        total_bytes: u64,
    },
    /// It is complete; the server's report.
    Complete(Value),
    /// It could not be made, and why.
    Failed(String),
    /// None was asked for since the server started.
    None,
}

impl Backups {
    /// Backups of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// Begins a backup into a folder of the server's machine.
    ///
    /// # Errors
    /// The service's refusal: one is being made, or the path is not absolute.
    pub async fn start(
        &self,
        directory: &Path,
        copies: bool,
        with_keys: bool,
    ) -> Result<BackupStatus, ClientError> {
        let body = json!({
            "Directory": directory.display().to_string(),
            "Copies": copies,
            "WithKeys": with_keys,
        });
        read(&self.http.post_signed("StartBackup", SERVICE, &self.endpoint, PATH, &body).await?)
    }

    /// Asks after the newest one.
    ///
    /// # Errors
    /// No connection, or no answer that can be read.
    pub async fn newest(&self) -> Result<BackupStatus, ClientError> {
        read(&self.http.get_json("DescribeBackup", SERVICE, &self.endpoint, PATH, "").await?)
    }
}

fn read(answer: &Value) -> Result<BackupStatus, ClientError> {
    let bytes = |name: &str| answer[name].as_u64().unwrap_or(0);
    match answer["Status"].as_str() {
        Some("RUNNING") => {
            Ok(BackupStatus::Running { done_bytes: bytes("DoneBytes"), total_bytes: bytes("TotalBytes") })
        }
        Some("COMPLETE") => Ok(BackupStatus::Complete(answer["Report"].clone())),
        Some("FAILED") => {
            Ok(BackupStatus::Failed(answer["Message"].as_str().unwrap_or("no reason is given").to_owned()))
        }
        Some("NONE") => Ok(BackupStatus::None),
        _ => Err(ClientError::Broken {
            what: "the answer to Backup".to_owned(),
            reason: "it has no Status".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_and_anything_else_is_an_error() {
        let running = json!({ "Status": "RUNNING", "DoneBytes": 5, "TotalBytes": 9 });
        assert_eq!(read(&running).unwrap(), BackupStatus::Running { done_bytes: 5, total_bytes: 9 });
        let failed = json!({ "Status": "FAILED", "Message": "no space" });
        assert_eq!(read(&failed).unwrap(), BackupStatus::Failed("no space".into()));
        assert!(read(&json!({})).is_err());
    }
}
