//! AWS KMS by its JSON 1.1 API: a tympan server's, or AWS's own.
//!
//! Source: the KMS service model 2014-11-01; what a tympan server does of it: `docs/kms.md`.

mod aliases;
mod data_keys;
mod keys;
#[cfg(test)]
mod tests;

pub use aliases::Alias;
pub use data_keys::NewDataKey;
pub use keys::{Key, Rotation, RotationStatus, ScheduledDeletion};

use crate::{ClientError, Endpoint, HttpClient};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tympan_types::WallTime;

/// A client of the service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kms {
    http: HttpClient,
    endpoint: Endpoint,
}

impl Kms {
    /// A client of the service at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    async fn call(&self, operation: &'static str, body: &Value) -> Result<Value, ClientError> {
        self.http
            .post_target(operation, "kms", &self.endpoint, &format!("TrentService.{operation}"), body)
            .await
    }

    /// All items of a list, page after page to the end.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        items: &'static str,
        mut request: Value,
    ) -> Result<Vec<T>, ClientError> {
        let mut found = Vec::new();
        loop {
            let mut page = self.call(operation, &request).await?;
            found.extend(read::<Vec<T>>(operation, page[items].take())?);
            match page["NextMarker"].take() {
                marker @ Value::String(_) => request["Marker"] = marker,
                _ => return Ok(found),
            }
        }
    }
}

/// A request about one key.
fn about(key: &str) -> Value {
    json!({ "KeyId": key })
}

/// Reads the parts of an answer that are needed.
fn read<T: DeserializeOwned>(operation: &str, answer: Value) -> Result<T, ClientError> {
    serde_json::from_value(answer).map_err(|error| ClientError::Broken {
        what: format!("the answer to {operation}"),
        // serde quotes what it met, and that may be a plaintext.
        reason: format!("it lacks what is needed ({:?} error)", error.classify()),
    })
}

/// From epoch seconds with a fraction, as JSON carries times.
fn wall_time(epoch_seconds: f64) -> WallTime {
    // A float to int cast saturates.
    WallTime::from_unix_ms((epoch_seconds * 1_000.0).round() as i64)
}
