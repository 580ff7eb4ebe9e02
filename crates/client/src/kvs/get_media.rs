//! `GetMedia`: one body. [`crate::media::Follow`] reads a stream through as many bodies as it takes.

use super::{Kvs, StreamRef};
use crate::ClientError;
use crate::http::{Outgoing, full};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tympan_auth::PayloadHash;
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// Where in a stream to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartSelector {
    /// With what comes in now.
    Now,
    /// With the oldest fragment that is still kept.
    Earliest,
    /// With the fragment after this one.
    After(FragmentNumber),
    /// With the fragment that the producer recorded at this time.
    AtProducer(ProducerTime),
    /// With the fragment that came in at this time.
    AtServer(ServerTime),
}

impl StartSelector {
    fn to_json(self) -> Value {
        let seconds = |unix_ms: i64| unix_ms as f64 / 1_000.0;
        match self {
            Self::Now => json!({ "StartSelectorType": "NOW" }),
            Self::Earliest => json!({ "StartSelectorType": "EARLIEST" }),
            Self::After(number) => {
                json!({ "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number })
            }
            Self::AtProducer(at) => {
                json!({ "StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": seconds(at.unix_ms()) })
            }
            Self::AtServer(at) => {
                json!({ "StartSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": seconds(at.unix_ms()) })
            }
        }
    }
}

/// The body of a GetMedia answer, chunk by chunk as it arrives.
#[derive(Debug)]
pub struct MediaBody {
    body: Incoming,
}

impl MediaBody {
    /// The next chunk; `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(chunk) if !chunk.is_empty() => return Some(Ok(chunk)),
                    _ => {}
                },
                Err(error) => {
                    let what = "the GetMedia connection broke".to_owned();
                    return Some(Err(ClientError::Broken { what, reason: error.to_string() }));
                }
            }
        }
    }
}

impl Kvs {
    /// Begins to read a stream.
    pub async fn get_media(
        &self,
        stream: &StreamRef,
        start: StartSelector,
    ) -> Result<MediaBody, ClientError> {
        let endpoint = self.data_endpoint(stream, "GET_MEDIA").await?;
        let mut request = Value::Object(stream.members());
        request["StartSelector"] = start.to_json();
        let body = Bytes::from(request.to_string());
        let request = Outgoing {
            payload: PayloadHash::of_body(&body),
            ..Outgoing::json("GetMedia", &endpoint, "/getMedia")
        };
        let response = self.http.stream(request, full(body)).await?;
        Ok(MediaBody { body: response.into_body() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_its_selector() {
        let number: FragmentNumber = "91343852333181432392682062607743920146159169392".parse().unwrap();
        for (start, json) in [
            (StartSelector::Now, r#"{"StartSelectorType":"NOW"}"#.to_owned()),
            (StartSelector::Earliest, r#"{"StartSelectorType":"EARLIEST"}"#.to_owned()),
            (
                StartSelector::After(number),
                format!(r#"{{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"{number}"}}"#),
            ),
            (
                StartSelector::AtProducer(ProducerTime::from_unix_ms(1_704_164_645_678)),
                r#"{"StartSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":1704164645.678}"#.to_owned(),
            ),
            (
                StartSelector::AtServer(ServerTime::from_unix_ms(0)),
                r#"{"StartSelectorType":"SERVER_TIMESTAMP","StartTimestamp":0.0}"#.to_owned(),
            ),
        ] {
            assert_eq!(start.to_json().to_string(), json);
        }
    }
}
