//! A function behind HTTP: a URL of one's own, or the Invoke operation of a Lambda-compatible endpoint.

use super::Kind;
use crate::config::{self, SecretError};
use crate::outgoing::{Answer, HttpClient, KeyConfig, SendError, SignedService};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper::{Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tympan_contact::invoke::AttemptError;
use tympan_types::Region;

/// Connect refuses results over 32 KB; a little more is read so that the refusal can say so.
const RESULT_LIMIT_BYTES: usize = 64 * 1024;
/// What a path segment keeps as it is (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A Lambda-compatible endpoint and the key that signs for it.
pub(super) struct Endpoint(SignedService);

impl Endpoint {
    pub(super) fn from_config(config: &config::Lambda, region: &Region) -> Result<Option<Self>, SecretError> {
        let Some(url) = &config.endpoint else { return Ok(None) };
        let key = KeyConfig {
            secret_key: "lambda.secret_access_key",
            access_key_id: &config.access_key_id,
            secret: &config.secret_access_key,
            secret_file: config.secret_access_key_file.as_deref(),
        };
        Ok(Some(Self(SignedService::new(url, "lambda", &key, region)?)))
    }

    /// `POST /2015-03-31/functions/ARN/invocations`, signed where a key is set.
    pub(super) async fn invoke(
        &self,
        http: &HttpClient,
        arn: &str,
        event: Vec<u8>,
        kind: Kind,
    ) -> Result<Vec<u8>, AttemptError> {
        let path = format!("/2015-03-31/functions/{}/invocations", utf8_percent_encode(arn, UNRESERVED));
        let kind = match kind {
            Kind::Awaited => "RequestResponse",
            Kind::HandedOver => "Event",
        };
        let headers = [("content-type", "application/json"), ("x-amz-invocation-type", kind)];
        let request = self.0.request(Method::POST, &path, &headers, event).map_err(failed)?;
        send(http, request).await
    }
}

/// Posts the event to a URL of one's own, unsigned.
pub(super) async fn post(http: &HttpClient, url: Uri, event: Vec<u8>) -> Result<Vec<u8>, AttemptError> {
    let request = Request::post(url).header(CONTENT_TYPE, "application/json");
    send(http, request.body(Full::new(Bytes::from(event))).map_err(failed)?).await
}

async fn send(http: &HttpClient, request: Request<Full<Bytes>>) -> Result<Vec<u8>, AttemptError> {
    const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
    let Answer { status, headers, body } = match http.send(request, RESULT_LIMIT_BYTES).await {
        Ok(answer) => answer,
        Err(SendError::Unreachable(reason)) => return Err(transient(reason)),
        Err(error @ (SendError::Request(_) | SendError::TooLarge { .. })) => return Err(failed(error)),
    };
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(transient(format!("the endpoint answered {status}")));
    }
    if !status.is_success() {
        return Err(failed(format!("the endpoint answered {status}")));
    }
    if headers.contains_key(&FUNCTION_ERROR) {
        return Err(transient("the function raised an error".to_owned()));
    }
    Ok(body.to_vec())
}

fn failed(error: impl std::fmt::Display) -> AttemptError {
    AttemptError::Refused { reason: error.to_string() }
}

fn transient(reason: String) -> AttemptError {
    AttemptError::Transient { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::descriptors::DescriptorBudget;
    use crate::lambda::Lambda;
    use http_body_util::BodyExt;
    use hyper::Response;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tympan_auth::{AccessKey, CredentialStore, Credentials, Payload, RequestParts, Verifier};
    use tympan_types::AccountId;

    const ARN: &str = "arn:aws:lambda:us-west-2:111122223333:function:f";

    /// Answers with `statuses` in turn; a request whose signature is wrong is answered 403. 299 is a function error.
    async fn endpoint(statuses: &'static [u16]) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counted = counted.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let index = counted.fetch_add(1, Ordering::Relaxed);
                    async move {
                        Ok::<_, Infallible>(answer(request, statuses[index.min(statuses.len() - 1)]).await)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (url, requests)
    }

    async fn answer(request: Request<Incoming>, status: u16) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let headers: Vec<(&str, &[u8])> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let parts = RequestParts {
            method: head.method.as_str(),
            raw_path: head.uri.path(),
            raw_query: "",
            headers: &headers,
            local_port: None,
        };
        let account = AccountId::parse("111122223333").unwrap();
        let keys =
            CredentialStore::new([AccessKey::new(Credentials::new("AKID", "secret"), account)]).unwrap();
        let checked = Verifier::default().check_head(SystemClock.wall_now(), &parts, &keys);
        let verified = checked.and_then(|pending| pending.verify(Payload::of_body(&body)));
        let allowed = verified.is_ok_and(|verified| verified.service == "lambda")
            && head.uri.path().ends_with("/invocations")
            && ["RequestResponse", "Event"].iter().any(|kind| head.headers["x-amz-invocation-type"] == *kind);
        let is_event = head.headers["x-amz-invocation-type"] == "Event";
        // As the service has it: an event is taken over, and there is nothing to answer.
        let body = if is_event { Bytes::new() } else { body };
        let status = if is_event && status == 200 { 202 } else { status };
        let response = Response::builder().status(if allowed { status } else { 403 });
        let response =
            if status == 299 { response.header("x-amz-function-error", "Unhandled") } else { response };
        response.body(Full::new(body)).unwrap()
    }

    async fn attempt(secret: &str, statuses: &'static [u16]) -> (Result<Vec<u8>, AttemptError>, usize) {
        attempt_of(Kind::Awaited, secret, statuses).await
    }

    async fn attempt_of(
        kind: Kind,
        secret: &str,
        statuses: &'static [u16],
    ) -> (Result<Vec<u8>, AttemptError>, usize) {
        let (url, requests) = endpoint(statuses).await;
        let config = config::Lambda {
            endpoint: url.parse().ok(),
            access_key_id: "AKID".into(),
            secret_access_key: secret.into(),
            ..config::Lambda::default()
        };
        let lambda =
            Lambda::new(&config, &Region::parse("us-west-2").unwrap(), DescriptorBudget::new(1_000, 0))
                .unwrap();
        let event = b"{\"Name\":\"ContactFlowEvent\"}".to_vec();
        let result = lambda.attempt(ARN, event, Duration::from_secs(8), kind).await;
        (result, requests.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn an_invocation_is_signed_and_brings_back_the_result() {
        let (result, requests) = attempt("secret", &[200]).await;
        assert_eq!((result.unwrap().as_slice(), requests), (&b"{\"Name\":\"ContactFlowEvent\"}"[..], 1));
    }

    #[tokio::test]
    async fn an_event_is_handed_over_and_has_no_result() {
        let (result, requests) = attempt_of(Kind::HandedOver, "secret", &[200]).await;
        assert_eq!((result.unwrap().len(), requests), (0, 1));
    }

    #[tokio::test]
    async fn throttling_failures_and_function_errors_may_be_tried_again_and_refusals_not() {
        for (statuses, reason) in [(&[429], "429"), (&[500], "500"), (&[299], "raised an error")] {
            let (result, requests) = attempt("secret", statuses).await;
            let Err(AttemptError::Transient { reason: told }) = result else { panic!("{result:?}") };
            assert!(told.contains(reason) && requests == 1, "{told}, {requests} requests");
        }
        let (result, requests) = attempt("another secret", &[200]).await;
        let Err(AttemptError::Refused { reason }) = result else { panic!("{result:?}") };
        assert!(reason.contains("403") && requests == 1);
    }

    #[tokio::test]
    async fn an_endpoint_that_cannot_be_reached_may_be_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let config = config::Lambda { endpoint: url.parse().ok(), ..config::Lambda::default() };
        let lambda =
            Lambda::new(&config, &Region::parse("us-west-2").unwrap(), DescriptorBudget::new(1_000, 0))
                .unwrap();
        let result = lambda.attempt(ARN, Vec::new(), Duration::from_secs(8), Kind::Awaited).await;
        assert!(matches!(result, Err(AttemptError::Transient { .. })), "{result:?}");
    }
}
