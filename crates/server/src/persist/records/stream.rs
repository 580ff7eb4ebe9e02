//! PutRecord of a Kinesis-compatible endpoint, in JSON 1.1.
//!
//! Source: Amazon Kinesis Data Streams API reference, "PutRecord"; Connect Administrator Guide, "Contact records data model".

use super::{Outgoing, PutError, RecordSink};
use crate::clock::SystemClock;
use crate::outgoing::HttpClient;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, Uri};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tympan_auth::{Credentials, PayloadHash, RequestParts, Signer};
use tympan_types::{InstanceId, Region};

/// For one record.
const LIMIT: Duration = Duration::from_secs(10);
/// Of an answer.
const ANSWER_BYTES: usize = 64 * 1024;
/// Errors that are about this record or its stream, and not about the moment.
const REFUSALS: [&str; 4] = [
    "ValidationException",
    "InvalidArgumentException",
    "ResourceNotFoundException",
    "SerializationException",
];

/// Which stream the records of an instance go to, by its ARN; asked at each record.
pub(crate) type StreamOf = Arc<dyn Fn(InstanceId) -> Option<String> + Send + Sync>;

/// A Kinesis-compatible endpoint.
pub(crate) struct DataStream {
    endpoint: Uri,
    credentials: Option<Credentials>,
    region: Region,
    stream_of: StreamOf,
    http: HttpClient,
}

impl DataStream {
    /// The endpoint, what signs for it, and the region where an ARN has none.
    pub(crate) fn new(
        endpoint: Uri,
        credentials: Option<Credentials>,
        region: Region,
        stream_of: StreamOf,
    ) -> Self {
        Self { endpoint, credentials, region, stream_of, http: HttpClient::new() }
    }

    async fn post(&self, arn: &str, body: Vec<u8>) -> Result<(), PutError> {
        let authority = self.endpoint.authority().map_or("", |authority| authority.as_str()).to_owned();
        let path = self.endpoint.path().to_owned();
        let mut headers = vec![
            ("host", authority),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", "Kinesis_20131202.PutRecord".to_owned()),
        ];
        if let Some(credentials) = &self.credentials {
            let given: Vec<(&str, &[u8])> =
                headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let parts = RequestParts {
                method: "POST",
                raw_path: &path,
                raw_query: "",
                headers: &given,
                local_port: None,
            };
            let region = arn.split(':').nth(3).and_then(|region| Region::parse(region).ok());
            let signer = Signer::new(credentials, region.as_ref().unwrap_or(&self.region), "kinesis");
            headers.extend(signer.sign(SystemClock.wall_now(), &parts, PayloadHash::of_body(&body)));
        }
        let mut request = Request::post(self.endpoint.clone());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let away = |error: &dyn std::fmt::Display| PutError::Away(error.to_string());
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| away(&error))?;
        let answer = self.http.send(request, ANSWER_BYTES).await.map_err(|error| away(&error))?;
        judge(answer.status, &answer.body)
    }
}

/// What an answer means for the record.
fn judge(status: StatusCode, answer: &[u8]) -> Result<(), PutError> {
    if status.is_success() {
        return Ok(());
    }
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let code = answer["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or(code).to_owned();
    let message = answer["message"].as_str().or_else(|| answer["Message"].as_str()).unwrap_or_default();
    let said = format!("{status} {code} {message}");
    match status == StatusCode::PAYLOAD_TOO_LARGE || REFUSALS.contains(&code.as_str()) {
        true => Err(PutError::Refused(said)),
        // Throttling, keys that are not accepted, an endpoint that fails: nothing is wrong with the record.
        false => Err(PutError::Away(said)),
    }
}

#[async_trait]
impl RecordSink for DataStream {
    async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
        // The instance has no stream any more: the record is the file's alone.
        let Some(arn) = (self.stream_of)(record.instance) else { return Ok(()) };
        let body = json!({
            "StreamARN": arn,
            "StreamName": arn.rsplit_once('/').map_or(arn.as_str(), |(_, name)| name),
            "PartitionKey": record.contact,
            "Data": STANDARD.encode(&record.json),
        });
        let sent = tokio::time::timeout(LIMIT, self.post(&arn, body.to_string().into_bytes())).await;
        sent.unwrap_or_else(|_| Err(PutError::Away("no answer within 10 s".to_owned())))
    }

    fn takes(&self, instance: InstanceId) -> bool {
        (self.stream_of)(instance).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_the_record_is_a_refusal_and_every_other_a_matter_of_time() {
        let answer = |status: u16, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(answer(200, "{}"), Ok(()));
        for (status, code) in
            [(400, "ValidationException"), (400, "com.amazonaws.kinesis#ResourceNotFoundException")]
        {
            let refused = answer(status, &format!("{{\"__type\":\"{code}\",\"message\":\"why\"}}"));
            assert!(matches!(refused, Err(PutError::Refused(said)) if said.contains("why")), "{code}");
        }
        assert!(matches!(answer(413, ""), Err(PutError::Refused(_))));
        for (status, body) in [
            (400, "{\"__type\":\"ProvisionedThroughputExceededException\"}"),
            (400, "{\"__type\":\"UnrecognizedClientException\"}"),
            (403, "<html>"),
            (503, ""),
        ] {
            assert!(matches!(answer(status, body), Err(PutError::Away(_))), "{status} {body}");
        }
    }
}
