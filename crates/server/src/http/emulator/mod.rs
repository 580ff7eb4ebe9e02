//! `--dev`: the router with control calls under `/_tympan/` before it, and faults around it. See docs/emulator.md.
//!
//! A server without `--dev` serves the router itself: this layer does not exist there.

mod control;
mod cut;
mod feed;
mod lay;
mod refusal;

use super::body::{self, Body, Incoming};
use super::listener::{Answer, Listener, Tear};
use super::route::{Router, Services};
use crate::clock::ServiceClock;
use crate::emulator::{Faults, Seam, Within};
use futures_util::StreamExt;
use http_body::Body as _;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tympan_store::MediaStore;
use tympan_types::{AccountId, Region, StreamArn};

pub(super) use control::{is_control, refuse_outside_of_dev};
pub(super) use feed::Feed;

/// What the layer works with.
pub(crate) struct EmulatorParts {
    /// The clock that can be put ahead.
    pub clock: ServiceClock,
    /// The fault rules.
    pub faults: Faults,
    /// Whom to ask for a reset.
    pub resets: mpsc::Sender<ResetRequest>,
    /// Whose streams `/_tympan/state` counts.
    pub account: AccountId,
    /// Where.
    pub region: Region,
}

/// Asks for a reset; the answer comes when it is done.
pub(crate) struct ResetRequest(pub oneshot::Sender<anyhow::Result<()>>);

/// What the server consists of from one reset to the next.
pub(crate) struct Generation {
    router: Arc<Router>,
    store: MediaStore,
    calls: crate::call::CallRegistry,
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

impl Generation {
    /// The services after a reset, or a start.
    pub(crate) fn new(
        services: Services,
        local_port: u16,
        store: MediaStore,
        calls: crate::call::CallRegistry,
        shutdown: CancellationToken,
    ) -> Self {
        let router = Arc::new(Router::new(services, local_port, shutdown));
        Self { router, store, calls, ending: Ending::default() }
    }

    /// No request is taken any more: bodies that are still being sent end, as if their streams had been deleted. What is
    /// returned cuts off those whose clients do not read.
    pub(crate) fn close(self) -> impl FnOnce() {
        self.ending.over.cancel();
        move || self.ending.cut.cancel()
    }
}

/// The layer.
pub(crate) struct Emulator {
    parts: EmulatorParts,
    for_pages: HashSet<&'static str>,
    /// `None` after a reset that failed half-way.
    generation: Arc<RwLock<Option<Generation>>>,
}

impl Emulator {
    /// Puts the layer before a generation.
    pub(crate) fn new(parts: EmulatorParts, generation: Generation) -> Arc<Self> {
        let for_pages = generation.router.paths_for_pages().collect();
        Arc::new(Self { parts, for_pages, generation: Arc::new(RwLock::new(Some(generation))) })
    }

    /// Holds new requests back while the generation is being replaced. Those that run go on with the old one.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<Option<Generation>> {
        self.generation.clone().write_owned().await
    }

    /// Serves until `shutdown`; returns when the last request is answered.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: Listener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        listener.serve(self, shutdown).await
    }
}

impl Answer for Emulator {
    const TEARS: bool = true;

    fn is_for_pages(&self, path: &str) -> bool {
        self.for_pages.contains(path)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        if is_control(request.uri().path()) {
            return control::answer(&self, request).await;
        }
        let (router, ending) = match &*self.generation.read().await {
            Some(generation) => (generation.router.clone(), generation.ending.clone()),
            None => return control::refuse_after_a_failed_reset(),
        };
        let (head, body) = request.into_parts();
        let Some(asked) = Asked::of(&router, &head) else {
            return router.answer(Request::from_parts(head, body)).await;
        };
        let (mut body, mut stream) = (body, asked.stream.clone());
        if stream.is_none() && self.parts.faults.ask_for_stream(Seam::Edge, &asked.operation) {
            match router.read(&head, body).await {
                Ok(bytes) => {
                    stream = stream_in(&bytes);
                    body = Incoming::Read(Full::new(bytes));
                }
                Err(refusal) => return *refusal,
            }
        }
        let fault = self.parts.faults.strike(Seam::Edge, &asked.operation, stream.as_deref());
        let tear = head.extensions.get::<Tear>().cloned().unwrap_or_default();
        let request = Request::from_parts(head, body);
        let response = match fault {
            None => Within::new(&asked.operation, router.answer(request)).await,
            Some(fault) => lay::on(fault, &asked, request, router, tear.clone()).await,
        };
        if asked.operation == "PutMedia" {
            // Its acks end with the session, and none that is due is to be lost.
            return response;
        }
        until_over(response, &asked.operation, ending, tear)
    }
}

/// What a request is about, read without proof: faults are for tests, and strike before signatures are looked at.
struct Asked {
    service: Service,
    operation: String,
    /// Known at once where a header names it.
    stream: Option<String>,
}

/// Whose errors a refusal has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    KinesisVideo,
    Connect,
    /// One of the services that name the operation in `X-Amz-Target`.
    Targeted,
}

impl Asked {
    fn of(router: &Router, head: &Parts) -> Option<Self> {
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(target) = text("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            return Some(Self { service: Service::Targeted, operation, stream: None });
        }
        let (found, operation) = router.named(head)?;
        if router.scope(found) != "kinesisvideo" {
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
        let chunks = Within::new(operation, body::chunks(body)).take_until(over.cancelled_owned());
        body::chunked(chunks.inspect(move |_| {
            // Dropped with the body.
            let _ = &sending;
        }))
    })
}
