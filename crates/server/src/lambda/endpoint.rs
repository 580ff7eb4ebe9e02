//! A function behind HTTP: a URL of one's own, or the Invoke operation of a Lambda-compatible endpoint.

use super::InvokeError;
use crate::clock::SystemClock;
use crate::config;
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
use tympan_types::Region;

/// Connect refuses results over 32 KB; a little more is read so that the refusal can say so.
const RESULT_LIMIT_BYTES: usize = 64 * 1024;
/// What a path segment keeps as it is (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Why the endpoint's settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("lambda.endpoint: {0}")]
pub(super) struct EndpointError(String);

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
    pub(super) fn from_config(config: &config::Lambda, region: &str) -> Result<Option<Self>, anyhow::Error> {
        if config.endpoint.is_empty() {
            return Ok(None);
        }
        let url: Uri = config.endpoint.parse()?;
        if url.authority().is_none() || url.scheme().is_none() {
            return Err(EndpointError(format!(
                "{} is not a URL such as http://127.0.0.1:9001",
                config.endpoint
            ))
            .into());
        }
        let secret = config::read_secret(
            "lambda.secret_access_key",
            &config.secret_access_key,
            &config.secret_access_key_file,
        )?;
        let credentials = (!config.access_key_id.is_empty())
            .then(|| Credentials::new(config.access_key_id.as_str(), secret));
        Ok(Some(Self { url, credentials, region: Region::parse(region)? }))
    }

    /// `POST /2015-03-31/functions/ARN/invocations`, signed where a key is set.
    pub(super) async fn invoke(
        &self,
        http: &Http,
        arn: &str,
        event: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
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
pub(super) async fn post(http: &Http, url: Uri, event: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
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

async fn send(http: &Http, request: Request<Full<Bytes>>) -> Result<Vec<u8>, InvokeError> {
    const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
    let response = http.request(request).await.map_err(retryable)?;
    let status = response.status();
    let function_error = response.headers().get(&FUNCTION_ERROR).is_some();
    let body = Limited::new(response.into_body(), RESULT_LIMIT_BYTES).collect().await.map_err(failed)?;
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(InvokeError::Retryable(format!("the endpoint answered {status}")));
    }
    if !status.is_success() {
        return Err(InvokeError::Failed(format!("the endpoint answered {status}")));
    }
    if function_error {
        return Err(InvokeError::Retryable("the function raised an error".to_owned()));
    }
    Ok(body.to_bytes().to_vec())
}

fn failed(error: impl std::fmt::Display) -> InvokeError {
    InvokeError::Failed(error.to_string())
}

fn retryable(error: hyper_util::client::legacy::Error) -> InvokeError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    InvokeError::Retryable(format!("{error}{cause}"))
}
