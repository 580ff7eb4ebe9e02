//! Whether a running tympan server removes what has expired. Not an AWS operation.

use crate::{ClientError, Endpoint, HttpClient};
use serde::Serialize;
use serde_json::{Value, json};

const SERVICE: &str = "tympan";
const PATH: &str = "/tympan/expiry";

/// A client of a server's expiry. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expiry {
    http: HttpClient,
    endpoint: Endpoint,
}

/// What becomes of media that has expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ExpiryStatus {
    /// It is removed.
    Running,
    /// It is not served, and stays on disk: the server's clock is in doubt.
    Held {
        /// What the clock shows.
        now: String,
        /// What is believed.
        believed: String,
        /// After so many seconds of steady time the clock is believed.
        clears_in_s: u64,
    },
}

impl Expiry {
    /// The expiry of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// How it is.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn status(&self) -> Result<ExpiryStatus, ClientError> {
        read(&self.http.get_json("DescribeExpiry", SERVICE, &self.endpoint, PATH, "").await?)
    }

    /// Says that the server's clock is right.
    ///
    /// # Errors
    /// As [`Expiry::status`].
    pub async fn confirm_clock(&self) -> Result<ExpiryStatus, ClientError> {
        let path = format!("{PATH}/clock");
        read(&self.http.post_signed("ConfirmClock", SERVICE, &self.endpoint, &path, &json!({})).await?)
    }
}

fn read(answer: &Value) -> Result<ExpiryStatus, ClientError> {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    match answer["Status"].as_str() {
        Some("RUNNING") => Ok(ExpiryStatus::Running),
        Some("HELD") => Ok(ExpiryStatus::Held {
            now: text("Now"),
            believed: text("BelievedTime"),
            clears_in_s: answer["ClearsInSeconds"].as_u64().unwrap_or(0),
        }),
        _ => Err(ClientError::Broken {
            what: "the answer to Expiry".to_owned(),
            reason: "it has no Status".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_statuses_are_read_and_anything_else_is_an_error() {
        assert_eq!(read(&json!({ "Status": "RUNNING" })).unwrap(), ExpiryStatus::Running);
        let held = json!({ "Status": "HELD", "Now": "2031-01-01T00:00:00Z", "BelievedTime": "2026-01-01T00:00:00Z", "ClearsInSeconds": 61 });
        let ExpiryStatus::Held { now, clears_in_s: 61, .. } = read(&held).unwrap() else { panic!("{held}") };
        assert_eq!(now, "2031-01-01T00:00:00Z");
        assert!(read(&json!({})).is_err());
    }
}
