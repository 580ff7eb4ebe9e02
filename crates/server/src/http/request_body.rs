//! The body of a request, of which the unread rest is taken and thrown away.
//!
//! A server that answers and closes while a client still sends makes the kernel reset the connection, and the client
//! may never read the answer: uploads begin without waiting for a status, and a refusal must reach them all the same.

use super::body::Incoming;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::EXPECT;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long the rest of a body is taken after the answer was ready.
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// And while the server stops.
const STOPPING_DRAIN_TIME: Duration = Duration::from_secs(1);
/// And how much of it.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;

/// A request's body.
pub(super) struct RequestBody {
    incoming: Option<Incoming>,
    /// The client sends nothing before it is told to, and must not be told to by draining.
    waits_for_continue: bool,
    drain_time: Duration,
}

impl RequestBody {
    /// The body that came with these headers.
    pub(super) fn new(incoming: Incoming, headers: &HeaderMap) -> Self {
        let waits_for_continue = headers.contains_key(EXPECT);
        Self { incoming: Some(incoming), waits_for_continue, drain_time: DRAIN_TIME }
    }

    /// The server stops: the client gets a moment to read its answer, no more.
    pub(super) fn end_soon(&mut self) {
        self.drain_time = STOPPING_DRAIN_TIME;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // Asked for, so 100 Continue has gone out.
        self.waits_for_continue = false;
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let polled = Pin::new(incoming).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.incoming = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.waits_for_continue || self.is_end_stream() {
            return;
        }
        if let (Some(incoming), Ok(runtime)) = (self.incoming.take(), Handle::try_current()) {
            runtime.spawn(timeout(self.drain_time, drain(incoming)));
        }
    }
}

async fn drain(mut incoming: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = incoming.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > DRAIN_BYTES {
            return;
        }
    }
}
