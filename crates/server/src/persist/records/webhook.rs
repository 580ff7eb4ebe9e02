//! An event posted to a URL, with a signature that says who sent it.
//!
//! `POST`, `Content-Type: application/json`, the event as the body. With a secret: `Tympan-Signature: t=<Unix s>,v1=<hex>`, where the
//! hexadecimal digits are HMAC-SHA-256 under the secret of the time, a full stop and the body. A receiver that compares the time to its
//! own refuses what is sent a second time.

use super::{Outgoing, PutError, RecordSink};
use crate::clock::SystemClock;
use crate::outgoing::HttpClient;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, Uri};
use ring::hmac;
use std::time::Duration;
use tympan_types::InstanceId;

/// For one event.
const LIMIT: Duration = Duration::from_secs(10);
/// Of an answer, which is not read.
const ANSWER_BYTES: usize = 64 * 1024;
/// The header of the signature.
const SIGNATURE: &str = "tympan-signature";

/// A URL.
pub(crate) struct Webhook {
    url: Uri,
    key: Option<hmac::Key>,
    http: HttpClient,
}

impl Webhook {
    /// The URL; an empty secret signs nothing.
    pub(crate) fn new(url: Uri, secret: &str) -> Self {
        let key = (!secret.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        Self { url, key, http: HttpClient::new() }
    }

    async fn post(&self, record: &Outgoing) -> Result<(), PutError> {
        let mut request = Request::post(self.url.clone()).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request
                .header(SIGNATURE, signature(key, SystemClock.wall_now().unix_ms() / 1000, &record.json));
        }
        let away = |error: &dyn std::fmt::Display| PutError::Away(error.to_string());
        let body = Full::new(Bytes::from(record.json.clone()));
        let request = request.body(body).map_err(|error| away(&error))?;
        let answer = self.http.send(request, ANSWER_BYTES).await.map_err(|error| away(&error))?;
        judge(answer.status)
    }
}

fn signature(key: &hmac::Key, at_s: i64, body: &str) -> String {
    let digest = hmac::sign(key, format!("{at_s}.{body}").as_bytes());
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={hex}")
}

/// What an answer means for the event: who is not let in, or has no time, is asked again.
fn judge(status: StatusCode) -> Result<(), PutError> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => Err(PutError::Away(status.to_string())),
        status if status.is_client_error() => Err(PutError::Refused(status.to_string())),
        status => Err(PutError::Away(status.to_string())),
    }
}

#[async_trait]
impl RecordSink for Webhook {
    async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
        let sent = tokio::time::timeout(LIMIT, self.post(record)).await;
        sent.unwrap_or_else(|_| Err(PutError::Away("no answer within 10 s".to_owned())))
    }

    fn takes(&self, _: InstanceId) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_the_time_and_the_body() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        // HMAC-SHA-256 of "1700000000.{}" under "key", by openssl.
        let expected = "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        assert_eq!(signature(&key, 1_700_000_000, "{}"), expected);
        assert_ne!(signature(&key, 1_700_000_001, "{}"), expected);
        assert_ne!(signature(&key, 1_700_000_000, "{} "), expected);
    }

    #[test]
    fn what_the_receiver_does_not_want_is_refused_and_all_else_is_asked_again() {
        let answer = |status: u16| judge(StatusCode::from_u16(status).unwrap());
        assert_eq!((answer(200), answer(204)), (Ok(()), Ok(())));
        for status in [400, 404, 410, 413, 422] {
            assert!(matches!(answer(status), Err(PutError::Refused(_))), "{status}");
        }
        for status in [301, 401, 403, 408, 429, 500, 503] {
            assert!(matches!(answer(status), Err(PutError::Away(_))), "{status}");
        }
    }
}
