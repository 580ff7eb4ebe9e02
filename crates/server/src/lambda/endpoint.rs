//! A function behind HTTP: a URL of one's own, or the Invoke operation of a Lambda-compatible endpoint.

use crate::clock::SystemClock;
use crate::config::{self, SecretError};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tympan_auth::{Credentials, PayloadHash, RequestParts, Signer};
use tympan_contact::invoke::AttemptError;
use tympan_types::Region;

/// Connect refuses results over 32 KB; a little more is read so that the refusal can say so.
const RESULT_LIMIT_BYTES: usize = 64 * 1024;
/// What a path segment keeps as it is (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client for `http` and `https`.
pub(super) fn http() -> Http {
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new()).build(connector)
}

/// A Lambda-compatible endpoint and the key that signs for it.
pub(super) struct Endpoint {
    url: Uri,
    credentials: Option<Credentials>,
    region: Region,
}

impl Endpoint {
    pub(super) fn from_config(config: &config::Lambda, region: &Region) -> Result<Option<Self>, SecretError> {
        let Some(url) = &config.endpoint else { return Ok(None) };
        let secret = config::read_secret(
            "lambda.secret_access_key",
            &config.secret_access_key,
            config.secret_access_key_file.as_deref(),
        )?;
        let credentials = (!config.access_key_id.is_empty())
            .then(|| Credentials::new(config.access_key_id.as_str(), secret));
        Ok(Some(Self { url: url.uri().clone(), credentials, region: region.clone() }))
    }

    /// `POST /2015-03-31/functions/ARN/invocations`, signed where a key is set.
    pub(super) async fn invoke(
        &self,
        http: &Http,
        arn: &str,
        event: Vec<u8>,
    ) -> Result<Vec<u8>, AttemptError> {
        let path = format!("/2015-03-31/functions/{}/invocations", utf8_percent_encode(arn, UNRESERVED));
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let scheme = self.url.scheme_str().unwrap_or("http");
        let url = format!("{scheme}://{authority}{path}");
        let mut headers = vec![
            ("host", authority.to_owned()),
            ("content-type", "application/json".to_owned()),
            ("x-amz-invocation-type", "RequestResponse".to_owned()),
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
            let signer = Signer::new(credentials, &self.region, "lambda");
            let added = signer.sign(SystemClock.wall_now(), &parts, PayloadHash::of_body(&event));
            headers.extend(added);
        }
        let mut request = Request::post(url);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(event))).map_err(failed)?;
        send(http, request).await
    }
}

/// Posts the event to a URL of one's own, unsigned.
pub(super) async fn post(http: &Http, url: Uri, event: Vec<u8>) -> Result<Vec<u8>, AttemptError> {
    let host = url.authority().map_or("", |authority| authority.as_str()).to_owned();
    let mut request = Request::new(Full::new(Bytes::from(event)));
    *request.method_mut() = hyper::Method::POST;
    *request.uri_mut() = url;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(host) = HeaderValue::from_str(&host) {
        request.headers_mut().insert(HOST, host);
    }
    send(http, request).await
}

async fn send(http: &Http, request: Request<Full<Bytes>>) -> Result<Vec<u8>, AttemptError> {
    const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
    let response = http.request(request).await.map_err(unreachable)?;
    let status = response.status();
    let function_error = response.headers().get(&FUNCTION_ERROR).is_some();
    let body = Limited::new(response.into_body(), RESULT_LIMIT_BYTES).collect().await.map_err(failed)?;
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(transient(format!("the endpoint answered {status}")));
    }
    if !status.is_success() {
        return Err(failed(format!("the endpoint answered {status}")));
    }
    if function_error {
        return Err(transient("the function raised an error".to_owned()));
    }
    Ok(body.to_bytes().to_vec())
}

fn failed(error: impl std::fmt::Display) -> AttemptError {
    AttemptError::Refused { reason: error.to_string() }
}

fn transient(reason: String) -> AttemptError {
    AttemptError::Transient { reason }
}

/// The endpoint could not be reached, or broke off.
fn unreachable(error: hyper_util::client::legacy::Error) -> AttemptError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    transient(format!("{error}{cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::DescriptorBudget;
    use crate::lambda::Lambda;
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
    use tympan_auth::{AccessKey, CredentialStore, Payload, Verifier};
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
            && head.headers["x-amz-invocation-type"] == "RequestResponse";
        let response = Response::builder().status(if allowed { status } else { 403 });
        let response =
            if status == 299 { response.header("x-amz-function-error", "Unhandled") } else { response };
        response.body(Full::new(body)).unwrap()
    }

    async fn attempt(secret: &str, statuses: &'static [u16]) -> (Result<Vec<u8>, AttemptError>, usize) {
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
        let result = lambda.attempt(ARN, event, Duration::from_secs(8)).await;
        (result, requests.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn an_invocation_is_signed_and_brings_back_the_result() {
        let (result, requests) = attempt("secret", &[200]).await;
        assert_eq!((result.unwrap().as_slice(), requests), (&b"{\"Name\":\"ContactFlowEvent\"}"[..], 1));
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
        let result = lambda.attempt(ARN, Vec::new(), Duration::from_secs(8)).await;
        assert!(matches!(result, Err(AttemptError::Transient { .. })), "{result:?}");
    }
}
