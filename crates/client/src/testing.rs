//! A service of a few lines, for tests: real HTTP on loopback, and signatures that are verified.

use crate::{Endpoint, HttpClient, Identity};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tympan_auth::{AccessKey, CredentialStore, Credentials, Payload, RequestParts, Verifier};
use tympan_types::{AccountId, Region};

pub(crate) type Body = UnsyncBoxBody<Bytes, Error>;

/// A request whose signature was right.
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) service: String,
    pub(crate) body: Incoming,
}

impl Asked {
    pub(crate) async fn json(self) -> Value {
        let body = self.body.collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }
}

/// Serves on a port that the kernel chose, until the test ends.
pub(crate) async fn serve<F, A>(answer: F) -> Endpoint
where
    F: Fn(Asked) -> A + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answer = answer.clone();
                async move { Ok::<_, Error>(answer(verified(request)).await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    endpoint
}

pub(crate) fn client() -> HttpClient {
    let credentials = Credentials::new("AKIDTEST", "a-secret").with_session_token("a-token");
    HttpClient::new(Identity { credentials, region: Region::parse("us-west-2").unwrap() })
}

/// Panics at a request whose signature is not right. The body's hash is not looked at.
fn verified(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let lines: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let parts = RequestParts {
        method: head.method.as_str(),
        raw_path: head.uri.path(),
        raw_query: head.uri.query().unwrap_or(""),
        headers: &lines,
        local_port: None,
    };
    let credentials = Credentials::new("AKIDTEST", "a-secret").with_session_token("a-token");
    let store =
        CredentialStore::new([AccessKey::new(credentials, AccountId::parse("111122223333").unwrap())])
            .unwrap();
    let pending = Verifier::default().check_head(crate::http::wall_now(), &parts, &store).unwrap();
    let scope = tympan_auth::scope_of(&parts).unwrap();
    if head.headers.contains_key("x-amz-content-sha256") || head.method == http::Method::GET {
        let payload =
            if head.method == http::Method::GET { Payload::of_body(b"") } else { Payload::Streamed };
        pending.verify(payload).unwrap();
    }
    Asked { path: head.uri.to_string(), headers: head.headers, service: scope.service, body }
}

pub(crate) fn json(status: u16, value: &Value) -> Response<Body> {
    respond(status, Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync())
}

pub(crate) fn refusal(status: u16, error_type: &str, message: &str) -> Response<Body> {
    let mut response = json(status, &serde_json::json!({ "Message": message }));
    response.headers_mut().insert("x-amzn-ErrorType", error_type.parse().unwrap());
    response
}

pub(crate) fn respond(status: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

/// A body that comes in pieces; an `Err` breaks the connection.
pub(crate) fn streamed() -> (mpsc::UnboundedSender<Result<Bytes, ()>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames =
        futures_util::stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<_>| async move {
            let chunk: Result<Bytes, ()> = receiver.recv().await?;
            Some((chunk.map(Frame::data).map_err(|()| Error::from(ErrorKind::ConnectionReset)), receiver))
        });
    (sender, StreamBody::new(frames).boxed_unsync())
}
