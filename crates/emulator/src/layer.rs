//! `--dev`: the router with control calls under `/_tympan/` before it, and faults around it. See docs/emulator.md.
//!
//! A server without `--dev` serves the router itself: this layer does not exist there.

use crate::control::{self, is_control};
use crate::faults::Faults;
use crate::operation::Within;
use crate::reset::{Component, ResetRequest};
use crate::rule::Seam;
use crate::seam::{Body, Clock, Named, Replaced, Router, Tear};
use crate::{lay, reply};
use async_trait::async_trait;
use futures_util::StreamExt;
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, mpsc};
use tokio_util::sync::CancellationToken;
use tympan_store::MediaStore;
use tympan_types::{AccountId, Region, StreamArn};

/// What the layer works with.
pub struct EmulatorParts {
    /// The clock that can be put ahead.
    pub clock: Arc<dyn Clock>,
    /// The fault rules.
    pub faults: Faults,
    /// Whom to ask for a reset.
    pub resets: mpsc::Sender<ResetRequest>,
    /// Whose streams `/_tympan/state` counts.
    pub account: AccountId,
    /// Where.
    pub region: Region,
}

/// What the server consists of from one reset to the next.
pub struct Generation<R> {
    router: Arc<R>,
    pub(crate) store: MediaStore,
    /// How many calls are up.
    pub(crate) calls: Box<dyn Fn() -> usize + Send + Sync>,
    ending: Ending,
}

/// How the bodies that a generation still sends come to their end.
#[derive(Debug, Clone, Default)]
struct Ending {
    /// They end in good order.
    over: CancellationToken,
    /// Those whose clients do not even read that lose their connections.
    cut: CancellationToken,
}

impl<R> Generation<R> {
    /// The services after a reset, or a start; `calls` says how many calls are up.
    pub fn new(router: R, store: MediaStore, calls: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self { router: Arc::new(router), store, calls: Box::new(calls), ending: Ending::default() }
    }

    /// No request is taken any more: bodies that are still being sent end, as if their streams had been deleted. What is
    /// returned cuts off those whose clients do not read.
    pub fn close(self) -> impl FnOnce() + use<R> {
        self.ending.over.cancel();
        move || self.ending.cut.cancel()
    }
}

/// The layer: control calls under `/_tympan/` before the services, and faults around them.
pub struct Emulator<R> {
    pub(crate) parts: EmulatorParts,
    for_pages: HashSet<&'static str>,
    /// `None` after a reset that failed half-way.
    pub(crate) generation: Arc<RwLock<Option<Generation<R>>>>,
}

impl<R: Router> Emulator<R> {
    /// Puts the layer before a generation.
    pub fn new(parts: EmulatorParts, generation: Generation<R>) -> Arc<Self> {
        let for_pages = generation.router.paths_for_pages().collect();
        Arc::new(Self { parts, for_pages, generation: Arc::new(RwLock::new(Some(generation))) })
    }

    /// Holds new requests back while the generation is being replaced. Those that run go on with the old one.
    pub async fn hold(&self) -> OwnedRwLockWriteGuard<Option<Generation<R>>> {
        self.generation.clone().write_owned().await
    }

    /// The fault rules and the clock, which a reset clears too.
    pub fn laid(&self) -> impl Component {
        Laid { faults: self.parts.faults.clone(), clock: self.parts.clock.clone() }
    }

    /// Whether web pages may call what is at this path.
    pub fn is_for_pages(&self, path: &str) -> bool {
        self.for_pages.contains(path)
    }

    /// Answers a request, as the control calls, the faults and the services have it.
    pub async fn answer(self: Arc<Self>, request: Request<R::Incoming>) -> Response<Body> {
        if is_control(request.uri().path()) {
            return control::answer(&self, request).await;
        }
        let (router, ending) = match &*self.generation.read().await {
            Some(generation) => (generation.router.clone(), generation.ending.clone()),
            None => return control::refuse_after_a_failed_reset(),
        };
        let (head, body) = request.into_parts();
        let Some(asked) = Asked::of(&*router, &head) else {
            return router.answer(Request::from_parts(head, body)).await;
        };
        let (mut body, mut stream) = (body, asked.stream.clone());
        if stream.is_none() && self.parts.faults.ask_for_stream(Seam::Edge, &asked.operation) {
            match router.read(&head, body).await {
                Ok(bytes) => {
                    stream = stream_in(&bytes);
                    body = Replaced::new(Full::new(bytes).map_err(|never| match never {})).into();
                }
                Err(refusal) => return *refusal,
            }
        }
        let fault = self.parts.faults.strike(Seam::Edge, &asked.operation, stream.as_deref());
        let tear = R::tear(&head.extensions);
        let request = Request::from_parts(head, body);
        let response = match fault {
            None => Within::new(&asked.operation, router.answer(request)).await,
            Some(fault) => {
                let machine_now = self.parts.clock.machine_now();
                lay::on(fault, &asked, request, router, tear.clone(), machine_now).await
            }
        };
        if asked.operation == "PutMedia" {
            // Its acks end with the session, and none that is due is to be lost.
            return response;
        }
        until_over(response, &asked.operation, ending, tear)
    }
}

/// What the layer itself holds.
struct Laid {
    faults: Faults,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Component for Laid {
    fn name(&self) -> &'static str {
        "the emulator"
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        self.faults.disarm_all();
        self.clock.restore();
        Ok(())
    }
}

/// What a request is about, read without proof: faults are for tests, and strike before signatures are looked at.
pub(crate) struct Asked {
    pub(crate) service: Service,
    pub(crate) operation: String,
    /// Known at once where a header names it.
    pub(crate) stream: Option<String>,
}

/// Whose errors a refusal has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    KinesisVideo,
    Connect,
    /// One of the services that name the operation in `X-Amz-Target`.
    Targeted,
}

impl Asked {
    fn of(router: &impl Router, head: &Parts) -> Option<Self> {
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(target) = text("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            return Some(Self { service: Service::Targeted, operation, stream: None });
        }
        let Named { scope, operation } = router.named(head)?;
        if scope != "kinesisvideo" {
            return Some(Self { service: Service::Connect, operation: operation.into(), stream: None });
        }
        let by_arn = || Some(StreamArn::parse(text("x-amzn-stream-arn")?).ok()?.name().to_string());
        let stream = text("x-amzn-stream-name").map(str::to_owned).or_else(by_arn);
        Some(Self { service: Service::KinesisVideo, operation: operation.into(), stream })
    }
}

/// The stream that a JSON request names.
fn stream_in(body: &[u8]) -> Option<String> {
    let request: serde_json::Value = serde_json::from_slice(body).ok()?;
    if let Some(name) = request["StreamName"].as_str() {
        return Some(name.to_owned());
    }
    Some(StreamArn::parse(request["StreamARN"].as_str()?).ok()?.name().to_string())
}

/// A body without a length may go on for long: it ends with its generation, and works for its operation until then.
fn until_over(response: Response<Body>, operation: &str, ending: Ending, tear: Tear) -> Response<Body> {
    if response.body().is_end_stream() || response.body().size_hint().exact().is_some() {
        return response;
    }
    let Ending { over, cut } = ending;
    let sent = CancellationToken::new();
    let sending = sent.clone().drop_guard();
    tokio::spawn(async move {
        tokio::select! {
            () = cut.cancelled() => tear.tear(),
            () = sent.cancelled() => {}
        }
    });
    response.map(|body| {
        let chunks = Within::new(operation, reply::chunks(body)).take_until(over.cancelled_owned());
        reply::chunked(chunks.inspect(move |_| {
            // Dropped with the body.
            let _ = &sending;
        }))
    })
}
