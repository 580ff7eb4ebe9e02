//! From a request to the service that answers it.

use super::admin::{self, Readiness};
use super::authenticate::Authenticator;
use super::body::Body;
use super::listener::{self, Answer};
use super::{connect, contacts, kvs, respond};
use crate::metrics::Metrics;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tympan_auth::{CredentialStore, Payload};
use tympan_connect::contact::History;
use tympan_connect::live_calls::LiveCalls;
use tympan_connect::service::ConnectService;
use tympan_kvs::{KvsService, Operation};

/// How long a JSON body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// What the HTTP side serves.
pub(crate) struct Services {
    /// Kinesis Video Streams.
    pub kvs: KvsService,
    /// Amazon Connect.
    pub connect: ConnectService,
    /// The contact records.
    pub contacts: Arc<dyn History>,
    /// The calls that are up.
    pub calls: Arc<dyn LiveCalls>,
    /// Who may ask.
    pub credentials: CredentialStore,
    /// How far a client's clock may be off.
    pub clock_skew_s: u64,
    /// Show developers why their signature does not match.
    pub explains: bool,
    /// Largest JSON request body.
    pub body_limit_bytes: usize,
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// Serves until `shutdown`; returns when the last request is answered.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let local_port = listener.local_addr()?.port();
    let authenticator =
        Authenticator::new(services.credentials, services.clock_skew_s, local_port, services.explains);
    let router = Router {
        authenticator,
        kvs: services.kvs,
        connect: services.connect,
        contacts: services.contacts,
        calls: services.calls,
        body_limit_bytes: services.body_limit_bytes,
        readiness: services.readiness,
        metrics: services.metrics,
        shutdown: shutdown.clone(),
    };
    listener::serve(listener, Arc::new(router), shutdown).await;
    Ok(())
}

struct Router {
    authenticator: Authenticator,
    kvs: KvsService,
    connect: ConnectService,
    contacts: Arc<dyn History>,
    calls: Arc<dyn LiveCalls>,
    body_limit_bytes: usize,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
}

/// An answer, or a refusal that stands in for one.
type Answered = Result<Response<Body>, Box<Response<Body>>>;

impl Answer for Router {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let begun = Instant::now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let answered = match (head.method.as_str(), path.as_str()) {
            ("GET" | "HEAD", "/healthz") => Ok(admin::health()),
            ("GET" | "HEAD", "/readyz") => Ok(admin::ready(&self.readiness)),
            ("GET" | "HEAD", "/metrics") => Ok(admin::metrics(&self.metrics)),
            _ => self.signed(head, body).await,
        };
        let response = answered.unwrap_or_else(|refusal| *refusal);
        self.metrics.http_request(&path, response.status().as_u16());
        tracing::debug!(request_id, path, status = response.status().as_u16(), took = ?begun.elapsed(), "answered");
        respond::identify(response, &request_id)
    }
}

impl Router {
    async fn signed(&self, head: Parts, body: Incoming) -> Answered {
        let service = self.authenticator.claimed_service(&head);
        match service.as_deref() {
            Some("kinesisvideo") => self.kinesis_video(head, body).await,
            Some("connect") => self.amazon_connect(head, body).await,
            Some(other) => {
                // Only a request in order learns what is and what is not served here.
                self.authenticator.check_head(&head)?;
                let message =
                    format!("This server has no service {other:?}: it serves kinesisvideo and connect.");
                let body = json!({ "Message": message }).to_string().into_bytes();
                Err(Box::new(respond::error(404, "UnknownOperationException", body)))
            }
            None => match self.authenticator.check_head(&head) {
                Err(refusal) => Err(refusal),
                Ok(_) => Err(Box::new(respond::text(400, "the request names no service in its signature\n"))),
            },
        }
    }

    async fn kinesis_video(&self, head: Parts, body: Incoming) -> Answered {
        let checked = self.authenticator.check_head(&head)?;
        // Every operation is a POST.
        let operation = Operation::from_path(head.uri.path()).filter(|_| head.method == Method::POST);
        if operation == Some(Operation::PutMedia) {
            let verified = self.authenticator.verify(&head, &checked, Payload::Streamed)?;
            return Ok(kvs::put_media(&self.kvs, &verified, &head, body, self.shutdown.clone()).await);
        }
        let body = self.read(body).await?;
        let verified = self.authenticator.verify(&head, &checked, Payload::of_body(&body))?;
        Ok(kvs::call(&self.kvs, &verified.caller, operation, &body).await)
    }

    async fn amazon_connect(&self, head: Parts, body: Incoming) -> Answered {
        let checked = self.authenticator.check_head(&head)?;
        let body = self.read(body).await?;
        let verified = self.authenticator.verify(&head, &checked, Payload::of_body(&body))?;
        if let Some(rest) = head.uri.path().strip_prefix("/_tympan/contacts") {
            return Ok(contacts::answer(
                &self.contacts,
                &self.calls,
                &verified.caller,
                rest,
                head.uri.query().unwrap_or(""),
            )
            .await);
        }
        Ok(connect::call(&self.connect, verified.caller, head, body).await)
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Box<Response<Body>>> {
        let limit = self.body_limit_bytes;
        let refuse = |status, error_type, message: String| {
            let body = json!({ "Message": message }).to_string().into_bytes();
            Box::new(respond::error(status, error_type, body))
        };
        match timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => {
                let message =
                    format!("The body could not be read ({error}); at most {limit} bytes are taken.");
                Err(refuse(413, "RequestEntityTooLargeException", message))
            }
            Err(_) => {
                let message = format!("The body did not arrive within {} s.", BODY_TIMEOUT.as_secs());
                Err(refuse(408, "RequestTimeoutException", message))
            }
        }
    }
}
