//! From a request to the service that answers it.

use super::admin::{self, Readiness};
use super::authenticate::{Authenticator, HeadChecked, Rejected};
use super::authorize::{Authorizer, Exchange, Peer, Told};
use super::body::{Body, Incoming};
use super::console::SignedIn;
use super::events::{self, Wakers};
use super::keys::MasterKeys;
use super::listen;
use super::listener::Answer;
use super::media::{self, BreakOff, Upload};
use super::own_address::OwnAddress;
use super::request_body::RequestBody;
use super::respond;
use super::slot::Slot;
use super::unproven::{UnprovenBytes, Unread};
use super::uploader::{Patience, Uploader, named_stream};
use super::websocket::Upgrade;
use crate::audit::Audit;
use crate::clock::{ServiceClock, SystemClock};
use crate::descriptors::DescriptorBudget;
use crate::metrics::{Asked, Metrics};
use crate::sound::Listening;
use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tympan_admin::{AdminService, EventFeed, KeyUses};
use tympan_auth::{BodyRule as Signed, Identities, Payload, Rejection, Verified};
use tympan_aws::{BodyRule, Found, Invocation, Outcome, Protocol, Reply, ReplyBody, Routes, Stage};
use tympan_connect::service::ConnectService;
use tympan_db::Revision;
use tympan_kvs::KvsService;
use tympan_lex::service::LexService;
use tympan_security::kms::{self, KeysElsewhere, KmsService};
use tympan_security::sts::{self, Entropy, NoEntropy, StsService};
use tympan_store::MediaStore;
use tympan_types::WallTime;

/// How long a JSON body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Requests to one service that blocks which are answered at once. A change of a live contact waits for its call's task, and
/// that needs a thread of the same pool to write: these may never take all of them.
const BLOCKING: usize = 64;
/// The one operation that tells its callers where they are.
const TELLS_ADDRESS: &str = "GetDataEndpoint";

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
    /// The server's own service.
    pub admin: AdminService,
    /// The bots of this server.
    pub lex: LexService,
    /// The newest change of contacts and configuration: wakes the readers of events.
    pub changes: watch::Receiver<Revision>,
    /// The time of day.
    pub clock: ServiceClock,
    /// Who may ask, and for what.
    pub identities: Arc<Identities>,
    /// Who did what.
    pub audit: Audit,
    /// How often each access key is used.
    pub key_uses: KeyUses,
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
    /// Whose clock is believed where keys are destroyed.
    pub store: MediaStore,
    /// Why there is nothing at a path which other servers have; `None`: no more is known of it.
    pub why_not_here: fn(&str) -> Option<&'static str>,
}

pub(crate) struct Router {
    authenticator: Authenticator,
    authorizer: Authorizer,
    routes: Routes,
    for_pages: HashSet<&'static str>,
    keys: MasterKeys,
    /// Places of those services that block.
    blocking: HashMap<&'static str, Arc<Semaphore>>,
    own_address: OwnAddress,
    clock: ServiceClock,
    body_limit_bytes: usize,
    unproven: Arc<UnprovenBytes>,
    readiness: Readiness,
    descriptors: DescriptorBudget,
    metrics: Arc<Metrics>,
    store: MediaStore,
    wakers: Wakers,
    why_not_here: fn(&str) -> Option<&'static str>,
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
        let signed_in = head.extensions.get::<SignedIn>().cloned();
        let answered = match (head.method.as_str(), path.as_str()) {
            _ if let Some(signed_in) = &signed_in => self.signed_in(&exchange, signed_in, head, body).await,
            ("GET" | "HEAD", "/healthz") => Ok(admin::health()),
            ("GET" | "HEAD", "/readyz") => Ok(admin::ready(&self.readiness, &self.descriptors)),
            ("GET" | "HEAD", "/metrics") => Ok(admin::metrics(&self.metrics)),
            ("GET" | "HEAD", admin::OPENAPI) => Ok(admin::openapi()),
            (_, path) if let Some(why) = (self.why_not_here)(path) => {
                Ok(respond::json(404, format!("{}\n", json!({ "Message": why })).into_bytes()))
            }
            _ => match self.nothing_at(&head) {
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

impl Router {
    /// Puts the services behind one listener. `local_port` is its port, for signatures that leave the port out.
    pub(crate) fn new(services: Services, local_port: u16, shutdown: CancellationToken) -> Self {
        let clock = services.clock;
        let authenticator = Authenticator::new(
            services.identities.clone(),
            services.clock_skew_s,
            clock.clone(),
            local_port,
            services.explains,
        );
        stop_with(services.kvs.clone(), shutdown.clone());
        let routes = Routes::new()
            .serve(services.kvs, tympan_kvs::operations())
            .serve(services.connect, tympan_connect::operations())
            .serve(services.admin, tympan_admin::operations())
            .serve(services.lex, tympan_lex::service::operations())
            .serve(StsService::new(services.identities, Arc::new(SystemEntropy)), sts::operations());
        let routes = match services.kms.clone() {
            Some(service) => routes.serve(service, kms::operations()),
            None => routes.serve(KeysElsewhere, kms::operations_elsewhere()),
        };
        let place = |scope| (scope, Arc::new(Semaphore::new(BLOCKING)));
        Self {
            authenticator,
            authorizer: Authorizer::new(services.audit, services.key_uses),
            for_pages: routes.paths_for_pages().collect(),
            blocking: routes.scopes().map(place).collect(),
            routes,
            keys: MasterKeys(services.kms),
            own_address: services.own_address,
            clock,
            body_limit_bytes: services.body_limit_bytes,
            unproven: services.unproven,
            readiness: services.readiness,
            descriptors: services.descriptors,
            metrics: services.metrics,
            store: services.store,
            wakers: Wakers { changes: services.changes, shutdown: shutdown.clone() },
            why_not_here: services.why_not_here,
            shutdown,
            patience: Arc::default(),
        }
    }

    /// What a request asks for, to be counted: as its path and headers say, signed or not.
    pub(super) fn asked(&self, head: &Parts) -> Asked {
        let named = |service, operation| Asked { service, operation };
        if matches!(head.uri.path(), "/healthz" | "/readyz" | "/metrics" | admin::OPENAPI) {
            return named("tympan", "probe");
        }
        let found = self.named(head);
        found
            .map_or(named("tympan", "other"), |(found, operation)| named(self.routes.scope(found), operation))
    }

    /// The operation that a head names, signed or not.
    pub(crate) fn named(&self, head: &Parts) -> Option<(Found, &'static str)> {
        let found = self.routes.named(head)?;
        Some((found, self.routes.operation(found)?))
    }

    /// The signing name of the service whose operation was found.
    pub(crate) fn scope(&self, found: Found) -> &'static str {
        self.routes.scope(found)
    }

    /// The service of a signing name, and the operation that a head names.
    #[cfg(test)]
    pub(super) fn find(&self, service: &str, head: &Parts) -> Option<Found> {
        self.routes.find(service, head)
    }

    /// The paths that web pages may call.
    pub(crate) fn paths_for_pages(&self) -> impl Iterator<Item = &'static str> {
        self.routes.paths_for_pages()
    }

    /// The refusal of a path at which nothing is served.
    fn nothing_at(&self, head: &Parts) -> Option<Response<Body>> {
        let path = head.uri.path();
        let message = self.routes.nothing_at(&head.method, path)?;
        let body = json!({ "__type": "UnknownOperationException", "message": message, "Message": message });
        Some(respond::error(404, "UnknownOperationException", body.to_string().into_bytes()))
    }

    /// A request of a session of the console, which has proven who sends it.
    async fn signed_in(
        self: &Arc<Self>,
        exchange: &Exchange,
        signed_in: &SignedIn,
        head: Parts,
        body: RequestBody,
    ) -> Answered {
        let verified = &signed_in.verified;
        let Some(found) = self.routes.find(&verified.service, &head) else {
            return Err(Box::new(no_service(&verified.service)));
        };
        if self.routes.body(found) == BodyRule::Streamed {
            let message = "The console takes no uploads: send them to the APIs, and sign.";
            let body = json!({ "Message": message }).to_string().into_bytes();
            return Err(Box::new(respond::error(404, "UnknownOperationException", body)));
        }
        let body = self.read_up_to(self.body_limit(Some(found)), &head, body).await?;
        Ok(self.perform(exchange, verified, found, head, body, None).await)
    }

    async fn signed(self: &Arc<Self>, exchange: &Exchange, head: Parts, body: RequestBody) -> Answered {
        let Some(service) = self.authenticator.claimed_service(&head) else {
            return match self.authenticator.check_head(&head) {
                Err(refusal) => Err(self.reject(exchange, None, &refusal)),
                Ok(_) => Err(Box::new(respond::text(400, "the request names no service in its signature\n"))),
            };
        };
        let found = self.routes.find(&service, &head);
        if let Some(upload) = found.filter(|found| self.routes.body(*found) == BodyRule::Streamed) {
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
                    Err(self.reject(exchange, found, &rejected))
                }
            };
        }
        let reject = |rejected: Rejected| self.reject(exchange, found, &rejected);
        // Only a request in order learns what is and what is not served here.
        let checked = self.authenticator.check_head(&head).map_err(reject)?;
        if found.is_none() {
            return Err(Box::new(no_service(&service)));
        }
        if let Some(found) = found.filter(|found| matches!(self.routes.body(*found), BodyRule::Media { .. }))
        {
            return self.signed_media(exchange, found, &checked, head, body).await;
        }
        let body = self.read_up_to(self.body_limit(found), &head, body).await?;
        let verified = self.authenticator.verify(&head, &checked, Payload::of_body(&body)).map_err(reject)?;
        Ok(self.verified(exchange, &verified, head, body).await)
    }

    /// A request whose body may be left out of its signature. The signature is checked before the body is read, where it can be: some clients
    /// sign the hash of a body without saying it (curl, botocore), and theirs is checked with the body.
    async fn signed_media(
        self: &Arc<Self>,
        exchange: &Exchange,
        found: Found,
        checked: &HeadChecked,
        head: Parts,
        body: RequestBody,
    ) -> Answered {
        let reject = |rejected: Rejected| self.reject(exchange, Some(found), &rejected);
        let says_its_hash = head.headers.contains_key("x-amz-content-sha256");
        let by_head = match self.authenticator.verify(&head, checked, Payload::Streamed) {
            Ok(verified) => Some(verified),
            Err(rejected) if says_its_hash || rejected.rejection != Rejection::SignatureMismatch => {
                return Err(reject(rejected));
            }
            Err(_) => None,
        };
        let body = self.read_up_to(self.body_limit(Some(found)), &head, body).await?;
        let verified = match by_head {
            Some(verified) if !matches!(verified.body, Signed::MustHash(_)) => verified,
            _ => self.authenticator.verify(&head, checked, Payload::of_body(&body)).map_err(reject)?,
        };
        Ok(self.verified(exchange, &verified, head, body).await)
    }

    /// The refusal of a request whose sender is not known.
    fn reject(&self, exchange: &Exchange, found: Option<Found>, rejected: &Rejected) -> Box<Response<Body>> {
        let protocol = found.map_or(Protocol::RestJson, |found| self.routes.protocol(found));
        let reply = protocol.rejection(&rejected.rejection, &rejected.message(), &exchange.request_id);
        Box::new(respond::whole(reply))
    }

    /// A request of which the sender is known, and all but uploads read whole.
    pub(super) async fn verified(
        self: &Arc<Self>,
        exchange: &Exchange,
        verified: &Verified,
        head: Parts,
        body: Bytes,
    ) -> Response<Body> {
        let service = verified.service.as_str();
        match self.routes.find(service, &head) {
            Some(found) => self.perform(exchange, verified, found, head, body, None).await,
            None => no_service(service),
        }
    }

    /// An upload of which the sender is known. It is authorised by its head, and answered while its body is read.
    pub(super) async fn upload(
        self: &Arc<Self>,
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
        let response = self.perform(exchange, verified, found, head, Bytes::new(), Some(upload)).await;
        if !response.status().is_success() {
            uploader.failed();
        }
        response
    }

    /// Has an operation done, and writes down what came of it.
    async fn perform(
        self: &Arc<Self>,
        exchange: &Exchange,
        verified: &Verified,
        found: Found,
        mut head: Parts,
        body: Bytes,
        upload: Option<Upload>,
    ) -> Response<Body> {
        let upgrade = Upgrade::asked(&mut head);
        let (outcome, denied_by_policy) = match self.routes.may_block(found) {
            false => self.run(exchange, verified, found, &head, &body).await,
            true => self.run_blocking(exchange, verified, found, head, body).await,
        };
        let Outcome { stage, asks, reply, cause } = outcome;
        if let Some(cause) = cause {
            let operation = self.routes.operation(found);
            tracing::error!(operation, cause, "a request failed inside the server");
        }
        let answered = match self.answer_socket(reply, upgrade) {
            Ok(response) => Some(response),
            Err(reply) => media::answer(reply, upload).await,
        };
        let response = answered.unwrap_or_else(|| {
            tracing::error!(operation = self.routes.operation(found), "an answer cannot be sent");
            respond::text(500, "")
        });
        let told = Told { stage, asks: &asks, denied_by_policy };
        self.authorizer.record_outcome(exchange, verified, &told, response)
    }

    /// The answer that begins a WebSocket; any other reply is given back.
    fn answer_socket(&self, reply: Reply, upgrade: Option<Upgrade>) -> Result<Response<Body>, Reply> {
        let Reply { status, content_type, error_type, headers, body: ReplyBody::Stream(stream) } = reply
        else {
            return Err(reply);
        };
        let stream = match stream.downcast::<EventFeed>() {
            Ok(feed) => return Ok(events::answer(feed, upgrade, &self.wakers)),
            Err(stream) => stream,
        };
        match stream.downcast::<Listening>() {
            Ok(listening) => Ok(listen::answer(listening, upgrade, &self.wakers.shutdown)),
            Err(stream) => {
                Err(Reply { status, content_type, error_type, headers, body: ReplyBody::Stream(stream) })
            }
        }
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
            .then(|| match head.extensions.get::<SignedIn>() {
                None => self.own_address.seen_by(&head.headers, exchange.peer),
                // Media is not at the address of the console.
                Some(_) => self.own_address.configured(),
            })
            .flatten()
            .map(|url| url.to_string());
        let invocation = Invocation {
            caller: &verified.caller,
            principal: Some(&verified.principal),
            now: self.now(self.routes.scope(found)),
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

    /// As [`Self::run`], where blocking is allowed.
    async fn run_blocking(
        self: &Arc<Self>,
        exchange: &Exchange,
        verified: &Verified,
        found: Found,
        head: Parts,
        body: Bytes,
    ) -> (Outcome, bool) {
        let places = self.blocking.get(self.routes.scope(found)).cloned();
        let place = match places {
            Some(places) => places.acquire_owned().await.ok(),
            None => None,
        };
        let (router, its_exchange, verified) = (self.clone(), exchange.clone(), verified.clone());
        let runtime = Handle::current();
        let run = tokio::task::spawn_blocking(move || {
            // Held to the end, also when the client goes away.
            let _place = place;
            runtime.block_on(router.run(&its_exchange, &verified, found, &head, &body))
        });
        run.await.unwrap_or_else(|panic| {
            let outcome = self.routes.fault(found, panic.to_string(), &exchange.request_id);
            (outcome.unwrap_or_else(nowhere), false)
        })
    }

    /// The time that operations of a service go by.
    fn now(&self, service: &str) -> WallTime {
        match service {
            // It destroys keys, so that the clock must be believed.
            "kms" => self.store.trusted_now(),
            // The ends of sessions are judged by the machine's clock.
            "sts" => SystemClock.wall_now(),
            _ => self.clock.wall_now(),
        }
    }

    /// The largest body that is read of a request; the configuration bounds those of JSON.
    pub(super) fn body_limit(&self, found: Option<Found>) -> usize {
        let rule = found.map_or(BodyRule::USUAL, |found| self.routes.body(found));
        match rule {
            BodyRule::Whole { limit_bytes } => self.body_limit_bytes.min(limit_bytes),
            // It is no JSON. What of it is read before its sender is known is within the budget of such bodies.
            BodyRule::Media { limit_bytes } => limit_bytes,
            BodyRule::Streamed => self.body_limit_bytes,
        }
    }

    /// As [`Self::read_up_to`], of a request of which no service is known.
    pub(crate) async fn read(
        &self,
        head: &Parts,
        body: impl hyper::body::Body<Data = Bytes, Error = hyper::Error>,
    ) -> Result<Bytes, Box<Response<Body>>> {
        self.read_up_to(self.body_limit(self.routes.named(head)), head, body).await
    }

    /// The body of a request whose sender has not proven who it is: a signature covers the body.
    async fn read_up_to(
        &self,
        limit: usize,
        head: &Parts,
        body: impl hyper::body::Body<Data = Bytes, Error = hyper::Error>,
    ) -> Result<Bytes, Box<Response<Body>>> {
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
    let reply = Reply::whole(404, "application/json", Bytes::from_static(b"{}"));
    let reply = reply.typed("UnknownOperationException");
    Outcome { stage: Stage::Unknown, asks: Vec::new(), reply, cause: None }
}

fn no_service(service: &str) -> Response<Body> {
    let message = format!(
        "This server has no service {service:?}: it serves kinesisvideo, kms, connect, lex, sts and tympan."
    );
    let body = json!({ "Message": message }).to_string().into_bytes();
    respond::error(404, "UnknownOperationException", body)
}

/// The randomness of the system.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        SystemRandom::new().fill(bytes).map_err(|_| NoEntropy)
    }
}

#[cfg(test)]
mod tests;
