//! Kinesis Video Streams by its HTTP API, one file per group of operations.
//!
//! Source: the service's API reference; wire details in `docs/kvs-compat.md`.

mod ack;
mod fragments;
mod get_media;
mod put_media;
mod speech;
mod stream_ref;
mod streams;
#[cfg(test)]
mod tests;

pub use ack::{Ack, AckError, AckEvent, AckLines};
pub use fragments::{FragmentInfo, FragmentRange};
pub use get_media::{MediaBody, StartSelector};
pub use put_media::{Acks, PutMediaStart, Upload};
pub use speech::{Pace, send_speech, speech_fragments};
pub use stream_ref::StreamRef;
pub use streams::{NewStream, StreamInfo};

use crate::{ClientError, Endpoint, HttpClient};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A client of the service: the control plane at one endpoint, the data plane wherever `GetDataEndpoint` says.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kvs {
    http: HttpClient,
    control: Endpoint,
    data_endpoints: Arc<Mutex<HashMap<(StreamRef, &'static str), Endpoint>>>,
}

impl Kvs {
    /// A client of the service whose control plane is at `control`.
    pub fn new(http: HttpClient, control: Endpoint) -> Self {
        Self { http, control, data_endpoints: Arc::default() }
    }

    async fn control(&self, operation: &'static str, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.http.post_json(operation, &self.control, path, body).await
    }

    /// Where the data plane of a stream is, for one API such as `GET_MEDIA`; asked for once.
    async fn data_endpoint(&self, stream: &StreamRef, api: &'static str) -> Result<Endpoint, ClientError> {
        let key = (stream.clone(), api);
        let mut known = self.data_endpoints.lock().await;
        if let Some(endpoint) = known.get(&key) {
            return Ok(endpoint.clone());
        }
        let mut request = stream.members();
        request.insert("APIName".to_owned(), json!(api));
        let answer = self.control("GetDataEndpoint", "/getDataEndpoint", &Value::Object(request)).await?;
        let endpoint =
            answer["DataEndpoint"].as_str().unwrap_or_default().parse::<Endpoint>().map_err(|error| {
                ClientError::Broken {
                    what: "the answer to GetDataEndpoint".to_owned(),
                    reason: error.to_string(),
                }
            })?;
        known.insert(key, endpoint.clone());
        Ok(endpoint)
    }
}

/// Reads the parts of an answer that are needed.
fn read<T: serde::de::DeserializeOwned>(operation: &str, answer: Value) -> Result<T, ClientError> {
    serde_json::from_value(answer).map_err(|error| ClientError::Broken {
        what: format!("the answer to {operation}"),
        reason: error.to_string(),
    })
}
