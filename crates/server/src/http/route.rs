//! From a request to the service that answers it.

use super::admin::{self, Readiness};
use super::authenticate::{Authenticator, Rejected};
use super::body::{Body, Incoming};
use super::body_limit::body_limit;
use super::gate::{self, Ask, Gate, Peer, Visit};
use super::listener::{Answer, Door};
use super::own_address::OwnAddress;
use super::request_body::RequestBody;
use super::slot::Slot;
use super::unproven::{UnprovenBytes, Unread};
use super::uploader::{Patience, Uploader};
use super::{backup, connect, contacts, emulator, expiry, kms, kvs, respond, unknown};
use crate::audit::Audit;
use crate::clock::ServiceClock;
use crate::descriptors::DescriptorBudget;
use crate::metrics::{Asked, Metrics};
use crate::upkeep::Backups;
use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tympan_auth::{Identities, Payload, Verified};
use tympan_aws::Routes;
use tympan_connect::api::Operation as ConnectOperation;
use tympan_connect::live_calls::LiveCalls;
use tympan_connect::service::ConnectService;
use tympan_contact::History;
use tympan_kvs::{KvsError, KvsService, Operation, PutMediaRequest};
use tympan_security::kms::KmsService;
use tympan_store::MediaStore;
use tympan_types::Caller;

/// How long a JSON body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// What the HTTP side serves.
pub(crate) struct Services {
    /// Kinesis Video Streams.
    pub kvs: KvsService,
    /// What GetDataEndpoint answers.
    pub own_address: OwnAddress,
    /// KMS before the local keyring, where there is one.
    pub kms: Option<KmsService>,
    /// Amazon Connect.
    pub connect: ConnectService,
    /// The contact records.
    pub contacts: Arc<dyn History>,
    /// The calls that are up.
    pub calls: Arc<dyn LiveCalls>,
    /// The time of day.
    pub clock: ServiceClock,
    /// Who may ask, and for what.
    pub identities: Arc<Identities>,
    /// Who did what.
    pub audit: Audit,
    /// How far a client's clock may be off.
    pub clock_skew_s: u64,
    /// Show developers why their signature does not match.
    pub explains: bool,
    /// Largest JSON request body.
    pub body_limit_bytes: usize,
    /// For bodies of senders that have not proven who they are.
    pub unproven: Arc<UnprovenBytes>,
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `/readyz`, too.
    pub descriptors: DescriptorBudget,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// For `/_tympan/expiry`.
    pub store: MediaStore,
    /// For `/_tympan/backup`.
    pub backups: Backups,
}

/// Serves until `shutdown`; returns when the last request is answered.
pub(crate) async fn serve(
    door: Door,
    services: Services,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let local_port = door.listener.local_addr()?.port();
    let router = Router::new(services, local_port, shutdown.clone());
    door.serve(Arc::new(router), shutdown).await
}

pub(super) struct Router {
    authenticator: Authenticator,
    gate: Gate,
    kvs: KvsService,
    own_address: OwnAddress,
    kms: Option<KmsService>,
    security: Arc<Routes>,
    connect: ConnectService,
    contacts: Arc<dyn History>,
    calls: Arc<dyn LiveCalls>,
    clock: ServiceClock,
    body_limit_bytes: usize,
    unproven: Arc<UnprovenBytes>,
    readiness: Readiness,
    descriptors: DescriptorBudget,
    metrics: Arc<Metrics>,
    store: MediaStore,
    backups: Backups,
    shutdown: CancellationToken,
    patience: Arc<Patience>,
}

/// An answer, or a refusal that stands in for one.
type Answered = Result<Response<Body>, Box<Response<Body>>>;

impl Answer for Router {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let begun = Instant::now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let visit = Visit { request_id, peer: head.extensions.get::<Peer>().copied() };
        let path = head.uri.path().to_owned();
        let body = RequestBody::new(body, &head.headers);
        let asked = asked(&head);
        let answered = match (head.method.as_str(), path.as_str()) {
            ("GET" | "HEAD", "/healthz") => Ok(admin::health()),
            ("GET" | "HEAD", "/readyz") => Ok(admin::ready(&self.readiness, &self.descriptors)),
            ("GET" | "HEAD", "/metrics") => Ok(admin::metrics(&self.metrics)),
            (_, path) if emulator::is_control(path) => Ok(emulator::refuse_outside_of_dev()),
            _ => match unknown::refuse(&head) {
                Some(refusal) => Err(Box::new(refusal)),
                None => self.signed(&visit, head, body).await,
            },
        };
        let response = answered.unwrap_or_else(|refusal| *refusal);
        self.metrics.http_request(asked, response.status().as_u16());
        let request_id = &visit.request_id;
        tracing::debug!(request_id, path, status = response.status().as_u16(), took = ?begun.elapsed(), "answered");
        respond::identify(response, request_id)
    }
}

/// Fragments that wait for their producers do not outlast the server.
fn stop_with(kvs: KvsService, shutdown: CancellationToken) {
    tokio::spawn(async move {
        shutdown.cancelled().await;
        kvs.stop();
    });
}

/// What a request asks for, to be counted: as its path and headers say, signed or not.
fn asked(head: &Parts) -> Asked {
    let (method, path) = (head.method.as_str(), head.uri.path());
    let named = |service, operation| Asked { service, operation };
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return named("tympan", "probe");
    }
    let video = Operation::from_path(path).map(|operation| named("kinesisvideo", operation.name()));
    video
        .or_else(|| kms::operation(head).map(|operation| named("kms", operation)))
        .or_else(|| ConnectOperation::of(method, path).map(|operation| named("connect", operation.name())))
        .unwrap_or(named("tympan", "other"))
}

impl Router {
    /// Puts the services behind one door. `local_port` is where it stands, for signatures that leave the port out.
    pub(super) fn new(services: Services, local_port: u16, shutdown: CancellationToken) -> Self {
        let clock = services.clock;
        let security = kms::routes(services.kms.clone(), services.identities.clone());
        let authenticator = Authenticator::new(
            services.identities,
            services.clock_skew_s,
            clock.clone(),
            local_port,
            services.explains,
        );
        stop_with(services.kvs.clone(), shutdown.clone());
        Self {
            authenticator,
            gate: Gate::new(services.audit),
            kvs: services.kvs,
            own_address: services.own_address,
            kms: services.kms,
            security,
            connect: services.connect,
            contacts: services.contacts,
            calls: services.calls,
            clock,
            body_limit_bytes: services.body_limit_bytes,
            unproven: services.unproven,
            readiness: services.readiness,
            descriptors: services.descriptors,
            metrics: services.metrics,
            store: services.store,
            backups: services.backups,
            shutdown,
            patience: Arc::default(),
        }
    }

    async fn signed(&self, visit: &Visit, head: Parts, body: RequestBody) -> Answered {
        let service = self.authenticator.claimed_service(&head);
        match service.as_deref() {
            Some("kinesisvideo") if kvs::operation(&head) == Some(Operation::PutMedia) => {
                let checked = self.authenticator.check_head(&head);
                let verified =
                    checked.and_then(|checked| self.authenticator.verify(&head, &checked, Payload::Streamed));
                match verified {
                    Ok(verified) => self.put_media(visit, &verified, head, body).await,
                    Err(rejected) => {
                        // It waits for nothing that others should be kept out for.
                        let _exposure = head.extensions.get::<Slot>().map(Slot::expose);
                        let uploader = Uploader::unproven(&self.patience, visit.peer);
                        uploader.wait().await;
                        uploader.failed();
                        Err(rejected.into())
                    }
                }
            }
            Some("kinesisvideo" | "kms" | "connect") => {
                let checked = self.authenticator.check_head(&head)?;
                let body = self.read(&head, body).await?;
                let verified = self.authenticator.verify(&head, &checked, Payload::of_body(&body))?;
                self.verified(visit, &verified, head, body).await
            }
            Some("sts") => self.security_token(visit, head, body).await,
            Some(other) => {
                // Only a request in order learns what is and what is not served here.
                self.authenticator.check_head(&head)?;
                let message = format!(
                    "This server has no service {other:?}: it serves kinesisvideo, kms, connect and sts."
                );
                let body = json!({ "Message": message }).to_string().into_bytes();
                Err(Box::new(respond::error(404, "UnknownOperationException", body)))
            }
            None => match self.authenticator.check_head(&head) {
                Err(refusal) => Err(refusal.into()),
                Ok(_) => Err(Box::new(respond::text(400, "the request names no service in its signature\n"))),
            },
        }
    }

    /// A request of which the sender is known, and all but uploads read whole.
    pub(super) async fn verified(
        &self,
        visit: &Visit,
        verified: &Verified,
        head: Parts,
        body: Bytes,
    ) -> Answered {
        match verified.service.as_str() {
            "kinesisvideo" => self.kinesis_video(visit, verified, &head, &body).await,
            "kms" => self.key_management(visit, verified, head, body).await,
            _ => self.amazon_connect(visit, verified, head, body).await,
        }
    }

    async fn kinesis_video(&self, visit: &Visit, verified: &Verified, head: &Parts, body: &[u8]) -> Answered {
        if head.uri.path() == backup::PATH {
            let asks = [Ask::new(backup::ACTION, "*")];
            self.gate
                .permit(visit, verified, &asks)
                .map_err(|refusal| gate::denied(&refusal, 403, "AccessDeniedException"))?;
            let response = backup::answer(&self.backups, &head.method, body);
            return Ok(self.gate.record(visit, verified, &asks, response));
        }
        if head.uri.path() == expiry::PATH {
            let asks = [Ask::new(expiry::ACTION, "*")];
            self.gate
                .permit(visit, verified, &asks)
                .map_err(|refusal| gate::denied(&refusal, 403, "AccessDeniedException"))?;
            let response = expiry::answer(&self.store, &head.method, body);
            return Ok(self.gate.record(visit, verified, &asks, response));
        }
        let operation = kvs::operation(head);
        let Some(known) = operation else {
            return Ok(kvs::call(&self.kvs, &verified.caller, operation, body).await);
        };
        let resources = self.kvs.resources(&verified.caller, known, body).await;
        let resources = resources.map_err(|error| {
            let response = kvs::refuse(&error);
            self.gate.record_unreadable(visit, verified, known.action(), &response);
            Box::new(response)
        })?;
        let mut asks: Vec<Ask> =
            resources.into_iter().map(|resource| Ask::of_stream(known.action(), resource)).collect();
        let key = tympan_kvs::master_key(known, body).map_err(|error| Box::new(kvs::refuse(&error)))?;
        asks.extend(self.asks_to_use(&verified.caller, key).await?);
        self.gate.permit(visit, verified, &asks).map_err(|refusal| kvs::denied(&refusal, known))?;
        let kvs = match self.own_address.seen_by(&head.headers, visit.peer) {
            Some(url) if known == Operation::GetDataEndpoint => self.kvs.reached_at(&url.to_string()),
            _ => self.kvs.clone(),
        };
        let response = kvs::call(&kvs, &verified.caller, operation, body).await;
        Ok(self.gate.record(visit, verified, &asks, response))
    }

    pub(super) async fn put_media(
        &self,
        visit: &Visit,
        verified: &Verified,
        mut head: Parts,
        body: RequestBody,
    ) -> Answered {
        // Read once: what is allowed is what is opened.
        let request = kvs::put_media_request(&head);
        let stream = request.as_ref().map(|request| request.stream.name().as_str()).unwrap_or_default();
        let uploader = Uploader::proven(&self.patience, visit.peer, verified, stream);
        uploader.wait().await;
        head.extensions.insert(uploader.clone());
        let answered = self.open_upload(visit, verified, request, &head, body).await;
        let status = answered.as_ref().map_or_else(|refusal| refusal.status(), Response::status);
        if !status.is_success() {
            uploader.failed();
        }
        answered
    }

    async fn open_upload(
        &self,
        visit: &Visit,
        verified: &Verified,
        request: Result<PutMediaRequest, KvsError>,
        head: &Parts,
        body: RequestBody,
    ) -> Answered {
        let action = Operation::PutMedia.action();
        let ask = match &request {
            Ok(request) => {
                Ask::of_stream(action, self.kvs.resource_of(&verified.caller, &request.stream).await)
            }
            Err(_) => Ask::new(action, "*"),
        };
        let asks = [ask];
        self.gate
            .permit(visit, verified, &asks)
            .map_err(|refusal| kvs::denied(&refusal, Operation::PutMedia))?;
        let response = match request {
            Ok(request) => {
                kvs::put_media(&self.kvs, verified, request, head, body, self.shutdown.clone()).await
            }
            Err(error) => kvs::refuse(&error),
        };
        Ok(self.gate.record(visit, verified, &asks, response))
    }

    fn secure(&self, visit: &Visit, verified: &Verified) -> kms::Request {
        kms::Request {
            routes: self.security.clone(),
            gate: self.gate.clone(),
            visit: visit.clone(),
            verified: verified.clone(),
        }
    }

    async fn key_management(&self, visit: &Visit, verified: &Verified, head: Parts, body: Bytes) -> Answered {
        let now = self.store.trusted_now();
        Ok(self.secure(visit, verified).key_management(now, head, body).await)
    }

    async fn amazon_connect(&self, visit: &Visit, verified: &Verified, head: Parts, body: Bytes) -> Answered {
        let path = head.uri.path();
        if path.starts_with("/_tympan/") {
            return self.own(visit, verified, &head).await;
        }
        let caller = verified.caller.clone();
        let Some(operation) = ConnectOperation::of(head.method.as_str(), path) else {
            return Ok(connect::call(&self.connect, &self.clock, caller, head, body).await);
        };
        let resources = operation.resources(&caller, head.uri.query().unwrap_or(""), &body);
        let resources = resources.map_err(|error| {
            let response = connect::refuse(&error);
            self.gate.record_unreadable(visit, verified, operation.action(), &response);
            Box::new(response)
        })?;
        let mut asks: Vec<Ask> =
            resources.into_iter().map(|resource| Ask::new(operation.action(), resource)).collect();
        let key = operation.master_key(&body).map_err(|error| Box::new(connect::refuse(&error)))?;
        asks.extend(self.asks_to_use(&caller, key).await?);
        self.gate
            .permit(visit, verified, &asks)
            .map_err(|refusal| gate::denied(&refusal, 403, "AccessDeniedException"))?;
        let response = connect::call(&self.connect, &self.clock, caller, head, body).await;
        Ok(self.gate.record(visit, verified, &asks, response))
    }

    async fn asks_to_use(
        &self,
        caller: &Caller,
        key: Option<String>,
    ) -> Result<Vec<Ask>, Box<Response<Body>>> {
        kms::asks_to_use(self.kms.as_ref(), caller, key).await.map_err(|error| {
            tracing::error!(%error, "the key of a request cannot be looked up");
            let message = "The key that the request names cannot be looked up. Try again.";
            let body = json!({ "Message": message }).to_string().into_bytes();
            Box::new(respond::error(500, "InternalServiceException", body))
        })
    }

    /// What AWS has no operation for.
    async fn own(&self, visit: &Visit, verified: &Verified, head: &Parts) -> Answered {
        let Some(wanted) = contacts::wanted(head.uri.path()) else {
            let body = json!({ "Message": "This server has no such path." }).to_string().into_bytes();
            return Err(Box::new(respond::error(404, "UnknownOperationException", body)));
        };
        let asks = [wanted.ask(&verified.caller)];
        self.gate
            .permit(visit, verified, &asks)
            .map_err(|refusal| gate::denied(&refusal, 403, "AccessDeniedException"))?;
        let query = head.uri.query().unwrap_or("");
        let response =
            contacts::answer(&self.contacts, &self.calls, &self.store, &verified.caller, wanted, query).await;
        Ok(self.gate.record(visit, verified, &asks, response))
    }

    async fn security_token(&self, visit: &Visit, head: Parts, body: RequestBody) -> Answered {
        let id = visit.request_id.as_str();
        let rejected =
            |rejected: Rejected| Box::new(kms::rejected(&rejected.rejection, &rejected.message(), id));
        let checked = self.authenticator.check_head(&head).map_err(rejected)?;
        let body = self.read(&head, body).await?;
        let verified =
            self.authenticator.verify(&head, &checked, Payload::of_body(&body)).map_err(rejected)?;
        Ok(self.verified_security_token(visit, &verified, &head, &body).await)
    }

    pub(super) async fn verified_security_token(
        &self,
        visit: &Visit,
        verified: &Verified,
        head: &Parts,
        body: &[u8],
    ) -> Response<Body> {
        self.secure(visit, verified).security_token(head, body).await
    }

    /// The body of a request whose sender has not proven who it is: a signature covers the body.
    pub(super) async fn read(
        &self,
        head: &Parts,
        body: impl hyper::body::Body<Data = Bytes, Error = hyper::Error>,
    ) -> Result<Bytes, Box<Response<Body>>> {
        let limit = body_limit(head, self.body_limit_bytes);
        let source = head.extensions.get::<Peer>().map(|peer| peer.ip.to_canonical());
        let _exposure = head.extensions.get::<Slot>().map(Slot::expose);
        let refuse = |status, error_type, message: String| {
            // Clients of JSON services look for the type in the body.
            let body = json!({ "__type": error_type, "Message": message }).to_string().into_bytes();
            Box::new(respond::error(status, error_type, body))
        };
        match timeout(BODY_TIMEOUT, self.unproven.read(source, body, limit)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(Unread::TooLarge)) => {
                let message = format!("The body is too long: at most {limit} bytes are taken.");
                Err(refuse(413, "RequestEntityTooLargeException", message))
            }
            Ok(Err(Unread::Broken(error))) => {
                let message = format!("The body could not be read ({error}).");
                Err(refuse(400, "RequestAbortedException", message))
            }
            Ok(Err(Unread::Displaced)) => {
                let message = "Too many large bodies arrive at once; try again.".to_owned();
                let mut response = refuse(503, "ServiceUnavailableException", message);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                Err(response)
            }
            Err(_) => {
                let message = format!("The body did not arrive within {} s.", BODY_TIMEOUT.as_secs());
                Err(refuse(408, "RequestTimeoutException", message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_service_and_operation() {
        for (method, path, target, service, operation) in [
            ("POST", "/getMedia", "", "kinesisvideo", "GetMedia"),
            ("POST", "/", "TrentService.CreateKey", "kms", "CreateKey"),
            ("POST", "/contact/start-streaming", "", "connect", "StartContactStreaming"),
            ("GET", "/metrics", "", "tympan", "probe"),
            ("POST", "/", "TrentService.NoSuchThing", "tympan", "other"),
        ] {
            let request = Request::builder().method(method).uri(path).header("x-amz-target", target);
            let (head, ()) = request.body(()).unwrap().into_parts();
            let asked = asked(&head);
            assert_eq!((asked.service, asked.operation), (service, operation), "{method} {path} {target}");
        }
    }
}
