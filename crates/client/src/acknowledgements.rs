//! What the producers of a stream were told. Not an AWS operation.

use crate::{ClientError, Endpoint, HttpClient};
use serde::{Deserialize, Serialize};
use tympan_types::{FragmentNumber, StreamName};

/// A client of a server's lists of acknowledgements. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Acknowledgements {
    http: HttpClient,
    endpoint: Endpoint,
}

/// An acknowledgement, as PutMedia gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Acknowledgement {
    /// Its place among those of the stream, from 1; a hole is what is no longer kept.
    pub sequence: u64,
    /// The upload that was told, by its number since the start of the server.
    pub session: u64,
    /// When: RFC 3339.
    pub time: String,
    /// BUFFERING, RECEIVED, PERSISTED, IDLE or ERROR.
    pub event_type: String,
    /// The timecode of the Cluster, as its producer wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment_timecode: Option<u64>,
    /// The fragment, where it has a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment_number: Option<FragmentNumber>,
    /// Of ERROR: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Of ERROR: its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_id: Option<u16>,
}

impl Acknowledgements {
    /// Those that the server at `endpoint` gave.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// The last ones of a stream, oldest first.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn list(&self, stream: &StreamName) -> Result<Vec<Acknowledgement>, ClientError> {
        let path = format!("/tympan/streams/{stream}/acknowledgements");
        let operation = "ListAcknowledgements";
        let mut answer = self.http.get_json(operation, "tympan", &self.endpoint, &path, "").await?;
        serde_json::from_value(answer["Acknowledgements"].take()).map_err(|error| ClientError::Broken {
            what: "the answer to ListAcknowledgements".to_owned(),
            reason: error.to_string(),
        })
    }
}
