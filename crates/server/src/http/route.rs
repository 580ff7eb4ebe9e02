//! From a request to the service that answers it.

use super::admin::{self, Readiness};
use super::authenticate::{Authenticator, Rejected};
use super::authorize::{Authorizer, Exchange, Peer, Told};
use super::body::{Body, Incoming};
use super::body_limit::body_limit;
use super::keys::MasterKeys;
use super::listener::{Answer, Listener};
use super::media::{self, BreakOff, Upload};
use super::own::Own;
use super::own_address::OwnAddress;
use super::request_body::RequestBody;
use super::slot::Slot;
use super::unproven::{UnprovenBytes, Unread};
use super::uploader::{Patience, Uploader, named_stream};
use super::{backup, connect, contacts, emulator, expiry, kms, respond, sts, unknown};
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
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tympan_auth::{Identities, Payload, Verified};
use tympan_aws::{
    Ask, BodyRule, Found, Invocation, Outcome, Permit, Reply, ReplyBody, Resource, Routes, Rule, Stage,
};
use tympan_connect::api::Operation as ConnectOperation;
use tympan_connect::live_calls::LiveCalls;
use tympan_connect::service::ConnectService;
use tympan_contact::History;
use tympan_kms::api::KmsService;
use tympan_kvs::KvsService;
use tympan_store::MediaStore;

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
    listener: Listener,
    services: Services,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let local_port = listener.socket.local_addr()?.port();
    let router = Router::new(services, local_port, shutdown.clone());
    listener.serve(Arc::new(router), shutdown).await
}

pub(super) struct Router {
    authenticator: Authenticator,
    authorizer: Authorizer,
    routes: Routes,
    for_pages: HashSet<&'static str>,
    keys: MasterKeys,
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
    fn is_for_pages(&self, path: &str) -> bool {
        self.for_pages.contains(path)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let begun = Instant::now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let exchange = Exchange { request_id, peer: head.extensions.get::<Peer>().copied() };
        let path = head.uri.path().to_owned();
        let body = RequestBody::new(body, &head.headers);
        let asked = self.asked(&head);
        let answered = match (head.method.as_str(), path.as_str()) {
            ("GET" | "HEAD", "/healthz") => Ok(admin::health()),
            ("GET" | "HEAD", "/readyz") => Ok(admin::ready(&self.readiness, &self.descriptors)),
            ("GET" | "HEAD", "/metrics") => Ok(admin::metrics(&self.metrics)),
            (_, path) if emulator::is_control(path) => Ok(emulator::refuse_outside_of_dev()),
            _ => match unknown::refuse(&head) {
                Some(refusal) => Err(Box::new(refusal)),
                None => self.signed(&exchange, head, body).await,
            },
        };
        let response = answered.unwrap_or_else(|refusal| *refusal);
        self.metrics.http_request(asked, response.status().as_u16());
        let request_id = &exchange.request_id;
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

/// The one operation that tells its callers where they are.
const TELLS_ADDRESS: &str = "GetDataEndpoint";

impl Router {
    /// Puts the services behind one listener. `local_port` is its port, for signatures that leave the port out.
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
        let routes = Routes::new().serve(services.kvs, tympan_kvs::operations());
        Self {
            authenticator,
            authorizer: Authorizer::new(services.audit),
            for_pages: routes.paths_for_pages().collect(),
            routes,
            keys: MasterKeys(services.kms.clone()),
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

    /// What a request asks for, to be counted: as its path and headers say, signed or not.
    fn asked(&self, head: &Parts) -> Asked {
        let (method, path) = (head.method.as_str(), head.uri.path());
        let named = |service, operation| Asked { service, operation };
        if matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return named("tympan", "probe");
        }
        let found = self.routes.named(head);
        let found =
            found.and_then(|found| Some(named(self.routes.scope(found), self.routes.operation(found)?)));
        found
            .map_or(named("tympan", "other"), |(found, operation)| named(self.routes.scope(found), operation))
    }

    /// The operation that a head names, signed or not.
    pub(super) fn named(&self, head: &Parts) -> Option<(Found, &'static str)> {
        let found = self.routes.named(head)?;
        Some((found, self.routes.operation(found)?))
    }

    /// The signing name of the service whose operation was found.
    pub(super) fn scope(&self, found: Found) -> &'static str {
        self.routes.scope(found)
    }

    /// The service of a signing name, and the operation that a head names.
    #[cfg(test)]
    pub(super) fn find(&self, service: &str, head: &Parts) -> Option<Found> {
        self.routes.find(service, head)
    }

    /// The paths that web pages may call.
    pub(super) fn paths_for_pages(&self) -> impl Iterator<Item = &'static str> {
        self.routes.paths_for_pages()
    }

    /// Whether the body of a request is an upload, which is answered while it is read.
    pub(super) fn is_upload(&self, service: &str, head: &Parts) -> Option<Found> {
        self.routes.find(service, head).filter(|found| self.routes.body(*found) == BodyRule::Streamed)
    }

    async fn signed(&self, exchange: &Exchange, head: Parts, body: RequestBody) -> Answered {
        let service = self.authenticator.claimed_service(&head);
        if let Some(service) = service.as_deref()
            && let Some(upload) = self.is_upload(service, &head)
        {
            let checked = self.authenticator.check_head(&head);
            let verified =
                checked.and_then(|checked| self.authenticator.verify(&head, &checked, Payload::Streamed));
            return match verified {
                Ok(verified) => Ok(self.upload(exchange, &verified, upload, head, body).await),
                Err(rejected) => {
                    // It waits for nothing that others should be kept out for.
                    let _exposure = head.extensions.get::<Slot>().map(Slot::expose);
                    let uploader = Uploader::unproven(&self.patience, exchange.peer);
                    uploader.wait().await;
                    uploader.failed();
                    Err(rejected.into())
                }
            };
        }
        match service.as_deref() {
            Some("kinesisvideo" | "kms" | "connect") => {
                let checked = self.authenticator.check_head(&head)?;
                let body = self.read(&head, body).await?;
                let verified = self.authenticator.verify(&head, &checked, Payload::of_body(&body))?;
                self.verified(exchange, &verified, head, body).await
            }
            Some("sts") => self.security_token(exchange, head, body).await,
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
        exchange: &Exchange,
        verified: &Verified,
        head: Parts,
        body: Bytes,
    ) -> Answered {
        let service = verified.service.as_str();
        if let Some(own) = Own::of(service, head.uri.path()) {
            return Ok(self.own(exchange, verified, own, &head, &body).await);
        }
        match self.routes.find(service, &head) {
            Some(found) => Ok(self.perform(exchange, verified, found, &head, &body, None).await),
            None if service == "kms" => self.key_management(exchange, verified, &head, body).await,
            None => self.amazon_connect(exchange, verified, head, body).await,
        }
    }

    /// An upload of which the sender is known. It is authorised by its head, and answered while its body is read.
    pub(super) async fn upload(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        found: Found,
        head: Parts,
        body: RequestBody,
    ) -> Response<Body> {
        let stream = named_stream(&head.headers).unwrap_or_default();
        let uploader = Uploader::proven(&self.patience, exchange.peer, verified, stream);
        uploader.wait().await;
        let upload = Upload {
            body,
            rule: verified.body,
            uploader: Some(uploader.clone()),
            break_off: head.extensions.get::<BreakOff>().cloned(),
            shutdown: self.shutdown.clone(),
        };
        let response = self.perform(exchange, verified, found, &head, &[], Some(upload)).await;
        if !response.status().is_success() {
            uploader.failed();
        }
        response
    }

    /// Has an operation done, and writes down what came of it.
    async fn perform(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        found: Found,
        head: &Parts,
        body: &[u8],
        upload: Option<Upload>,
    ) -> Response<Body> {
        let (outcome, denied_by_policy) = self.run(exchange, verified, found, head, body).await;
        let Outcome { stage, asks, reply, cause } = outcome;
        if let Some(cause) = cause {
            let operation = self.routes.operation(found);
            tracing::error!(operation, cause, "a request failed inside the server");
        }
        let response = media::answer(reply, upload).await.unwrap_or_else(|| {
            tracing::error!(operation = self.routes.operation(found), "an answer cannot be sent");
            respond::text(500, "")
        });
        let told = Told { stage, asks: &asks, denied_by_policy };
        self.authorizer.record_outcome(exchange, verified, &told, response)
    }

    /// The outcome, and whether a policy has denied the request.
    async fn run(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        found: Found,
        head: &Parts,
        body: &[u8],
    ) -> (Outcome, bool) {
        let asker = self.authorizer.of(exchange, verified);
        let address = (self.routes.operation(found) == Some(TELLS_ADDRESS))
            .then(|| self.own_address.seen_by(&head.headers, exchange.peer))
            .flatten()
            .map(|url| url.to_string());
        let invocation = Invocation {
            caller: &verified.caller,
            principal: Some(&verified.principal),
            now: self.clock.wall_now(),
            request_id: &exchange.request_id,
            reached_at: address.as_deref(),
            keys: &self.keys,
            permit: &asker,
        };
        let outcome = match self.routes.run(found, head, body, &invocation) {
            Some(run) => run.await,
            // It was found in another table.
            None => nowhere(),
        };
        let denied_by_policy = asker.has_denied();
        (outcome, denied_by_policy)
    }

    async fn key_management(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        head: &Parts,
        body: Bytes,
    ) -> Answered {
        let caller = verified.caller.clone();
        let asks = kms::asks(self.kms.as_ref(), &caller, head, &body).await.map_err(|response| {
            let ask = kms::operation(head).map(|operation| any(&operation.action()));
            self.unread(exchange, verified, ask, *response)
        })?;
        if let Err(refusal) = self.authorizer.of(exchange, verified).permit(&asks) {
            return Err(kms::denied(&refusal));
        }
        let response = kms::call(self.kms.as_ref(), self.store.trusted_now(), caller, head, body).await;
        Ok(self.performed(exchange, verified, &asks, response))
    }

    async fn amazon_connect(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        head: Parts,
        body: Bytes,
    ) -> Answered {
        let caller = verified.caller.clone();
        let Some(operation) = ConnectOperation::of(head.method.as_str(), head.uri.path()) else {
            return Ok(connect::call(&self.connect, &self.clock, caller, head, body).await);
        };
        let asked = connect::asked(&self.connect, &self.clock, &caller, &head, &body).await;
        let asked = asked.map_err(|error| {
            let response = connect::refuse(&error);
            self.gate.record_unreadable(visit, verified, operation.action(), &response);
            Box::new(response)
        })?;
        let mut asks: Vec<Ask> =
            asked.resources.into_iter().map(|resource| Ask::new(operation.action(), resource)).collect();
        asks.extend(self.asks_to_use(&caller, asked.master_key).await?);
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
            tracing::error!(%error, cause = error.cause(), "the key of a request cannot be looked up");
            let message = "The key that the request names cannot be looked up. Try again.";
            let body = json!({ "Message": message }).to_string().into_bytes();
            Box::new(respond::error(500, "InternalServiceException", body))
        })?);
        if let Err(refusal) = self.authorizer.of(exchange, verified).permit(&asks) {
            return Err(Box::new(denied(&refusal)));
        }
        let response = connect::call(&self.connect, &self.clock, caller, head, body).await;
        Ok(self.performed(exchange, verified, &asks, response))
    }

    /// What AWS has no operation for.
    async fn own(&self, visit: &Visit, verified: &Verified, head: &Parts) -> Answered {
        let Some(wanted) = contacts::asked(&head.method, head.uri.path()) else {
            let body = json!({ "Message": "This server has no such path." }).to_string().into_bytes();
            return Err(Box::new(respond::error(404, "UnknownOperationException", body)));
        };
        let asks = [wanted.ask(&verified.caller)];
        self.gate
            .permit(visit, verified, &asks)
            .map_err(|refusal| gate::denied(&refusal, 403, "AccessDeniedException"))?;
        let query = head.uri.query().unwrap_or("");
        let caller = &verified.caller;
        let response = match wanted {
            contacts::Wanted::Delete(id) => contacts::delete(&self.contacts, &self.calls, caller, id).await,
            wanted => contacts::answer(&self.contacts, &self.calls, &self.store, caller, wanted, query).await,
        };
        Ok(self.gate.record(visit, verified, &asks, response))
    }

    fn performed(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        asks: &[Ask],
        response: Response<Body>,
    ) -> Response<Body> {
        let told = Told { stage: Stage::Performed, asks, denied_by_policy: false };
        self.authorizer.record_outcome(exchange, verified, &told, response)
    }

    fn unread(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        ask: Option<Ask>,
        response: Response<Body>,
    ) -> Box<Response<Body>> {
        let told = Told { stage: Stage::Unread, asks: ask.as_slice(), denied_by_policy: false };
        Box::new(self.authorizer.record_outcome(exchange, verified, &told, response))
    }

    async fn security_token(&self, exchange: &Exchange, head: Parts, body: RequestBody) -> Answered {
        let id = exchange.request_id.as_str();
        let rejected = |rejected: Rejected| {
            Box::new(sts::refuse(&StsError::rejected(&rejected.rejection, rejected.message()), id))
        };
        let checked = self.authenticator.check_head(&head).map_err(rejected)?;
        let body = self.read(&head, body).await?;
        let verified =
            self.authenticator.verify(&head, &checked, Payload::of_body(&body)).map_err(rejected)?;
        Ok(self.verified_security_token(exchange, &verified, &head, &body))
    }

    pub(super) async fn verified_security_token(
        &self,
        exchange: &Exchange,
        verified: &Verified,
        head: &Parts,
        body: &[u8],
    ) -> Response<Body> {
        let facts = exchange.facts(verified);
        let (id, form) = (exchange.request_id.as_str(), sts::form(head, body));
        let (answered, response) = sts::call(self.authenticator.identities(), verified, facts, id, form);
        let action = format!("sts:{}", answered.operation);
        let asks = [Ask { resource: Resource::new(answered.resource), ..any(&action) }];
        // It asks no policy but where a role is assumed, and writes a denial in its own words.
        let stage = match answered.outcome {
            Err(error) if error.status() == 403 => Stage::Denied,
            _ if answered.operation.is_empty() => Stage::Unknown,
            _ => Stage::Performed,
        };
        let told = Told { stage, asks: &asks, denied_by_policy: false };
        self.authorizer.record_outcome(exchange, verified, &told, response)
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

fn nowhere() -> Outcome {
    let body = ReplyBody::Whole(Bytes::from_static(b"{}"));
    let error_type = Some("UnknownOperationException");
    let reply = Reply { status: 404, content_type: "application/json", error_type, body };
    Outcome { stage: Stage::Unknown, asks: Vec::new(), reply, cause: None }
}

/// An action on `*`.
fn any(action: &str) -> Ask {
    Ask { action: action.into(), resource: Resource::any(), rule: Rule::Allowed }
}

/// A denial in the form of a rest-json service.
fn denied(refusal: &tympan_auth::Refusal) -> Response<Body> {
    let body = json!({ "Message": refusal.to_string() }).to_string().into_bytes();
    respond::error(403, "AccessDeniedException", body)
}
