//! Signed requests over HTTP/1.1.

use crate::{ClientError, Endpoint, Identity, ServiceError};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tympan_auth::{PayloadHash, RequestParts, Signer};
use tympan_types::WallTime;

/// The body of a request.
pub type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long the head of an answer may take, and the whole of one that is not a stream.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Notices a peer that vanished while a stream is quiet.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The largest answer that is kept in memory: a thousand contact records with all their attributes.
const ANSWER_LIMIT_BYTES: usize = 64 << 20;

/// One request, before it is signed.
pub(crate) struct Outgoing<'a> {
    /// What errors call it.
    pub(crate) operation: &'static str,
    /// The signing name: `kinesisvideo`, `connect`.
    pub(crate) service: &'static str,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: PayloadHash,
}

/// Signs requests with one identity and sends them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, RequestBody>,
    identity: Identity,
}

impl HttpClient {
    /// A client that signs as `identity`.
    pub fn new(identity: Identity) -> Self {
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
        Self::over(tls.https_or_http().enable_http1().wrap_connector(tcp()), identity)
    }

    /// A client that trusts the authorities of a PEM file, and no others, as `AWS_CA_BUNDLE` asks of the SDKs.
    ///
    /// # Errors
    /// `File` if it cannot be read or holds no certificate.
    pub fn trusting(identity: Identity, authorities: &Path) -> Result<Self, ClientError> {
        let unreadable = |error: std::io::Error| ClientError::File { path: authorities.to_owned(), error };
        let certificates = CertificateDer::pem_file_iter(authorities)
            .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
            .map_err(|error| unreadable(std::io::Error::other(error)))?;
        let mut roots = RootCertStore::empty();
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(unreadable(std::io::Error::other("it holds no certificate")));
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
        Ok(Self::over(tls.https_or_http().enable_http1().wrap_connector(tcp()), identity))
    }

    fn over(connector: HttpsConnector<HttpConnector>, identity: Identity) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build(connector), identity }
    }

    /// Sends a JSON operation (`POST` with a body) and gives the whole answer.
    pub(crate) async fn post_json(
        &self,
        operation: &'static str,
        endpoint: &Endpoint,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let body = Bytes::from(body.to_string());
        let request =
            Outgoing { payload: PayloadHash::of_body(&body), ..Outgoing::json(operation, endpoint, path) };
        self.answer(request, full(body)).await
    }

    /// As [`Self::post_json`], of another service.
    pub(crate) async fn post_signed(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let body = Bytes::from(body.to_string());
        let payload = PayloadHash::of_body(&body);
        let request = Outgoing { service, payload, ..Outgoing::json(operation, endpoint, path) };
        self.answer(request, full(body)).await
    }

    /// Sends an operation of a JSON 1.1 service, which is named by a header, and gives the whole answer.
    pub(crate) async fn post_target(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        target: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let body = Bytes::from(body.to_string());
        let headers = vec![
            (CONTENT_TYPE_NAME, "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", target.to_owned()),
        ];
        let (payload, request) = (PayloadHash::of_body(&body), Outgoing::json(operation, endpoint, "/"));
        self.answer(Outgoing { service, headers, payload, ..request }, full(body)).await
    }

    /// Sends a `GET` and gives the whole answer.
    pub(crate) async fn get_json(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        path: &str,
        query: &str,
    ) -> Result<Value, ClientError> {
        let request = Outgoing::bare(operation, service, endpoint, Method::GET, (path, query));
        self.answer(request, full(Bytes::new())).await
    }

    /// Sends a JSON body and gives the whole answer; an empty one is null.
    pub(crate) async fn send_json(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let body = Bytes::from(body.to_string());
        let payload = PayloadHash::of_body(&body);
        let request = Outgoing { service, method, payload, ..Outgoing::json(operation, endpoint, path) };
        let answer = self.whole(request, full(body)).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|error| ClientError::Broken {
            what: format!("the answer to {operation}"),
            reason: format!("it is not JSON ({error})"),
        })
    }

    /// Sends a `DELETE` and gives the whole answer.
    pub(crate) async fn delete_json(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        path: &str,
        query: &str,
    ) -> Result<Value, ClientError> {
        let request = Outgoing::bare(operation, service, endpoint, Method::DELETE, (path, query));
        self.answer(request, full(Bytes::new())).await
    }

    /// Sends a request and gives the answer once its head is there; an error answer is an error.
    pub(crate) async fn stream(
        &self,
        request: Outgoing<'_>,
        body: RequestBody,
    ) -> Result<Response<Incoming>, ClientError> {
        let operation = request.operation;
        let endpoint = request.endpoint.to_string();
        let request = self.sign(request, body)?;
        let response = within(ANSWER_LIMIT, operation, self.client.request(request))
            .await?
            .map_err(|error| unreachable(endpoint, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(within(ANSWER_LIMIT, operation, refusal(operation, response)).await?.into())
    }

    /// Sends a `GET` that asks for a WebSocket, and gives what became of its connection.
    pub(crate) async fn upgrade(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        at: (&str, &str),
        key: &str,
    ) -> Result<hyper::upgrade::Upgraded, ClientError> {
        let request = Outgoing::bare(operation, service, endpoint, Method::GET, at);
        let mut request = self.sign(request, full(Bytes::new()))?;
        // Hop-by-hop headers are not signed.
        for (name, value) in [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", key),
        ] {
            let value =
                HeaderValue::from_str(value).map_err(|error| ClientError::Usage(error.to_string()))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let response = within(ANSWER_LIMIT, operation, self.client.request(request))
            .await?
            .map_err(|error| unreachable(endpoint.to_string(), &error))?;
        if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            return Err(within(ANSWER_LIMIT, operation, refusal(operation, response)).await?.into());
        }
        hyper::upgrade::on(response).await.map_err(|error| ClientError::Broken {
            what: format!("the answer to {operation}"),
            reason: error.to_string(),
        })
    }

    /// Sends a form and gives the XML of the answer.
    pub(crate) async fn post_form(
        &self,
        operation: &'static str,
        service: &'static str,
        endpoint: &Endpoint,
        form: String,
    ) -> Result<String, ClientError> {
        let body = Bytes::from(form);
        let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
        let request = Outgoing {
            service,
            headers: vec![(CONTENT_TYPE_NAME, content_type)],
            payload: PayloadHash::of_body(&body),
            ..Outgoing::json(operation, endpoint, "/")
        };
        let body = self.whole(request, full(body)).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Sends a request and gives the JSON of the answer.
    pub(crate) async fn answer(
        &self,
        request: Outgoing<'_>,
        body: RequestBody,
    ) -> Result<Value, ClientError> {
        let operation = request.operation;
        let body = self.whole(request, body).await?;
        if body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&body).map_err(|error| ClientError::Broken {
            what: format!("the answer to {operation}"),
            reason: format!("it is not JSON ({error})"),
        })
    }

    /// Sends a request and gives the bytes of the answer.
    pub(crate) async fn whole(&self, request: Outgoing<'_>, body: RequestBody) -> Result<Bytes, ClientError> {
        let operation = request.operation;
        let response = self.stream(request, body).await?;
        let body = Limited::new(response.into_body(), ANSWER_LIMIT_BYTES);
        let broken =
            |reason: String| ClientError::Broken { what: format!("the answer to {operation}"), reason };
        let body = within(ANSWER_LIMIT, operation, body.collect())
            .await?
            .map_err(|error| broken(error.to_string()))?;
        Ok(body.to_bytes())
    }

    fn sign(&self, request: Outgoing<'_>, body: RequestBody) -> Result<Request<RequestBody>, ClientError> {
        let Outgoing { service, endpoint, method, path, query, mut headers, payload, .. } = request;
        headers.push(("host", endpoint.host()));
        let lines: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let parts = RequestParts {
            method: method.as_str(),
            raw_path: path,
            raw_query: query,
            headers: &lines,
            local_port: None,
        };
        let signer = Signer::new(&self.identity.credentials, &self.identity.region, service);
        let added = signer.sign(wall_now(), &parts, payload);
        let path_and_query = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = endpoint.url(&path_and_query)?;
        for (name, value) in headers.iter().chain(&added) {
            let value = HeaderValue::from_str(value).map_err(|_| {
                ClientError::Usage(format!("{name} cannot be sent: it holds a control character"))
            })?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        debug_assert!(request.headers().contains_key(HOST));
        Ok(request)
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_LIMIT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_nodelay(true);
    tcp
}

impl<'a> Outgoing<'a> {
    /// A JSON operation of Kinesis Video Streams; the payload hash is still to be set.
    pub(crate) fn json(operation: &'static str, endpoint: &'a Endpoint, path: &'a str) -> Self {
        Self {
            operation,
            service: "kinesisvideo",
            endpoint,
            method: Method::POST,
            path,
            query: "",
            headers: vec![(CONTENT_TYPE_NAME, "application/json".to_owned())],
            payload: PayloadHash::of_nothing(),
        }
    }

    /// A request without a body, to a path with a query.
    pub(crate) fn bare(
        operation: &'static str,
        service: &'static str,
        endpoint: &'a Endpoint,
        method: Method,
        (path, query): (&'a str, &'a str),
    ) -> Self {
        let (headers, payload) = (Vec::new(), PayloadHash::of_nothing());
        Self { operation, service, endpoint, method, path, query, headers, payload }
    }
}

const CONTENT_TYPE_NAME: &str = "content-type";

/// A body that is there in whole.
pub(crate) fn full(body: Bytes) -> RequestBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is still being made; it ends when the sender is dropped.
pub(crate) fn channel(chunks: usize) -> (mpsc::Sender<Bytes>, RequestBody) {
    let (sender, receiver) = mpsc::channel(chunks);
    let frames = futures_util::stream::unfold(receiver, |mut receiver: mpsc::Receiver<Bytes>| async move {
        let chunk = receiver.recv().await?;
        Some((Ok(Frame::data(chunk)), receiver))
    });
    (sender, StreamBody::new(frames).boxed_unsync())
}

/// This machine's wall clock.
pub(crate) fn wall_now() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> Result<T, ClientError> {
    let timed_out = |_| ClientError::TimedOut { what: what.to_owned(), after: limit };
    tokio::time::timeout(limit, future).await.map_err(timed_out)
}

/// Reads an error answer as far as it can be read.
async fn refusal(operation: &'static str, response: Response<Incoming>) -> ServiceError {
    const ERROR_LIMIT_BYTES: usize = 256 << 10;
    let status = response.status().as_u16();
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let named = header("x-amzn-errortype").or_else(|| header("x-amz-errortype"));
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().ends_with(b"json"));
    let body = Limited::new(response.into_body(), ERROR_LIMIT_BYTES).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    // The query protocol of older services.
    let xml = String::from_utf8_lossy(&body);
    let tagged = |name: &str| xml_text(&xml, name).map(unescaped);
    let error_type = named.or_else(|| member("__type")).or_else(|| member("code")).or_else(|| tagged("Code"));
    let error_type = error_type.unwrap_or_default();
    let message = member("Message").or_else(|| member("message")).or_else(|| tagged("Message"));
    let text = || {
        if is_json {
            String::new()
        } else {
            String::from_utf8_lossy(&body).trim().chars().take(500).collect()
        }
    };
    ServiceError {
        operation,
        status,
        error_type: bare_type(&error_type),
        message: message.unwrap_or_else(text),
    }
}

/// The text of the first element of this name.
pub(crate) fn xml_text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// `ResourceNotFoundException` out of `aws.kvs#ResourceNotFoundException:http://...`.
fn bare_type(text: &str) -> String {
    let text = text.split(':').next().unwrap_or_default();
    text.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

fn unreachable(endpoint: String, error: &hyper_util::client::legacy::Error) -> ClientError {
    // The innermost cause is what a person can act on: "Connection refused".
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ClientError::Unreachable { endpoint, reason: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_an_error_is_its_bare_name() {
        for text in [
            "ResourceNotFoundException",
            "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazon.coral.service/",
            "com.amazonaws.kinesisvideo#ResourceNotFoundException",
        ] {
            assert_eq!(bare_type(text), "ResourceNotFoundException");
        }
        assert_eq!(bare_type(""), "");
    }

    #[test]
    fn errors_of_the_query_protocol_are_read_too() {
        let xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp;lt;</Message></Error></ErrorResponse>";
        assert_eq!(xml_text(xml, "Code"), Some("AccessDenied"));
        assert_eq!(xml_text(xml, "Message").map(unescaped).as_deref(), Some("a <b> &lt;"));
        assert_eq!(xml_text("<Code>", "Code"), None);
    }
}
