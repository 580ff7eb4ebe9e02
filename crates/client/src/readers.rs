//! Who reads the streams of a tympan server, and how far behind. Not an AWS operation.

use crate::{ClientError, Endpoint, HttpClient};
use serde::{Deserialize, Serialize};
use tympan_types::{FragmentNumber, StreamArn, StreamName};

/// A client of a server's list of readers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readers {
    http: HttpClient,
    endpoint: Endpoint,
}

/// A reader of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReaderInfo {
    /// Its number since the start of the server.
    pub reader_id: String,
    /// What it reads.
    #[serde(rename = "StreamARN")]
    pub stream_arn: StreamArn,
    /// The access key that its request was signed with.
    pub access_key_id: String,
    /// When it began: RFC 3339.
    pub since: String,
    /// The fragment that it was sent last.
    pub last_fragment_number: Option<FragmentNumber>,
    /// When that was: RFC 3339.
    pub last_sent_timestamp: Option<String>,
    /// Bytes so far.
    pub sent_bytes: u64,
    /// The newest fragment of the stream.
    pub head_fragment_number: Option<FragmentNumber>,
    /// How far it is behind the head; absent before its first fragment.
    pub lag_milliseconds: Option<u64>,
}

impl Readers {
    /// The readers of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// All of them, or those of one stream; oldest first.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn list(&self, stream: Option<&StreamName>) -> Result<Vec<ReaderInfo>, ClientError> {
        // A name needs no escapes in a query.
        let query = stream.map(|stream| format!("streamName={stream}")).unwrap_or_default();
        let path = "/tympan/readers";
        let mut answer = self.http.get_json("ListReaders", "tympan", &self.endpoint, path, &query).await?;
        serde_json::from_value(answer["Readers"].take()).map_err(|error| ClientError::Broken {
            what: "the answer to ListReaders".to_owned(),
            reason: error.to_string(),
        })
    }
}
