//! The machine of a tympan server, as the server sees it. Not an AWS operation.

use crate::{ClientError, Endpoint, HttpClient};
use serde_json::{Value, json};

/// A client of a server's own view of its machine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Machine {
    http: HttpClient,
    endpoint: Endpoint,
}

impl Machine {
    /// That of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// What `tympan doctor --json` prints there.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn doctor(&self) -> Result<Vec<Value>, ClientError> {
        let path = "/tympan/doctor";
        let mut answer =
            self.http.post_signed("RunDoctor", "tympan", &self.endpoint, path, &json!({})).await?;
        match answer["Findings"].take() {
            Value::Array(findings) => Ok(findings),
            _ => Err(ClientError::Broken {
                what: "the answer to RunDoctor".to_owned(),
                reason: "it has no Findings".to_owned(),
            }),
        }
    }
}
