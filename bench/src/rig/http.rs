//! Signed requests, one connection each.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tympan_auth::{Credentials, PayloadHash, RequestParts, Signer};
use tympan_types::Region;

/// Signs with the access key of `tympan serve --dev`.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Host and port.
    pub(super) authority: String,
    pub(super) credentials: Credentials,
    pub(super) region: Region,
}

/// The two services, by the names that signatures carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Connect,
    KinesisVideo,
    /// The server's own service.
    Tympan,
}

impl Client {
    /// A client of the server at `http://HOST:PORT`.
    pub(crate) fn new(endpoint: &str) -> anyhow::Result<Self> {
        let (_, authority) = endpoint.split_once("://").context("the endpoint is no URL")?;
        let authority = authority.to_owned();
        let region = Region::parse("us-west-2")?;
        Ok(Self { authority, credentials: Credentials::new("TYMPANDEV", "tympandevsecret"), region })
    }

    /// A JSON answer; `Value::Null` where there is none.
    ///
    /// Errors: no connection, or a status other than 2xx, with the body in the message.
    pub(crate) async fn call(
        &self,
        service: Service,
        method: &str,
        target: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.send(service, method, target, body).await?.into_body().collect().await?.to_bytes();
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer)
            .with_context(|| format!("the answer to {method} {target} is not JSON"))
    }

    /// An answer whose body is still to come. Errors: as for [`Self::call`].
    pub(crate) async fn send(
        &self,
        service: Service,
        method: &str,
        target: &str,
        body: String,
    ) -> anyhow::Result<Response<Incoming>> {
        let stream = TcpStream::connect(&self.authority).await.context("cannot connect to the server")?;
        self.send_over(stream, service, method, target, body).await
    }

    /// As [`Self::send`], over a connection of the caller's.
    pub(super) async fn send_over(
        &self,
        stream: TcpStream,
        service: Service,
        method: &str,
        target: &str,
        body: String,
    ) -> anyhow::Result<Response<Incoming>> {
        stream.set_nodelay(true)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let response = sender.send_request(self.signed(service, method, target, body)?).await?;
        if !response.status().is_success() {
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::bail!("{method} {target}: {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(response)
    }

    /// The head of a Kinesis Video request whose body is not signed, as it stands on the wire. The server closes
    /// the connection after its answer.
    pub(crate) fn unsigned_body_head(&self, target: &str, headers: &[(&str, &str)]) -> String {
        let head = self.head(target, headers, PayloadHash::Unsigned);
        head + "transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    }

    /// A whole JSON request, as it stands on the wire. The server closes the connection after its answer.
    pub(crate) fn json_request(&self, target: &str, body: &str) -> String {
        let headers = [("content-type", "application/json")];
        let head = self.head(target, &headers, PayloadHash::of_body(body.as_bytes()));
        format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    /// The signed lines of a head.
    fn head(&self, target: &str, headers: &[(&str, &str)], payload: PayloadHash) -> String {
        let mut sent: Vec<(&str, &[u8])> = vec![("host", self.authority.as_bytes())];
        sent.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let parts = RequestParts {
            method: "POST",
            raw_path: target,
            raw_query: "",
            headers: &sent,
            local_port: None,
        };
        let signer = Signer::new(&self.credentials, &self.region, "kinesisvideo");
        let added = signer.sign(crate::clock::wall_time(), &parts, payload);
        let mut head = format!("POST {target} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in
            headers.iter().copied().chain(added.iter().map(|(name, value)| (*name, &value[..])))
        {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head
    }

    /// Host and port of the server.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    fn signed(
        &self,
        service: Service,
        method: &str,
        target: &str,
        body: String,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let service = match service {
            Service::Connect => "connect",
            Service::KinesisVideo => "kinesisvideo",
            Service::Tympan => "tympan",
        };
        let (raw_path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        ensure!(raw_path.starts_with('/'), "{target:?} is no path");
        let headers: [(&str, &[u8]); 2] =
            [("host", self.authority.as_bytes()), ("content-type", b"application/json")];
        let parts = RequestParts { method, raw_path, raw_query, headers: &headers, local_port: None };
        let signer = Signer::new(&self.credentials, &self.region, service);
        let added = signer.sign(crate::clock::wall_time(), &parts, PayloadHash::of_body(body.as_bytes()));
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in &added {
            request = request.header(*name, value);
        }
        Ok(request.body(Full::new(body.into()))?)
    }
}
