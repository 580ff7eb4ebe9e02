//! The place of one HTTP connection, and the stream that says what the connection is doing.
//!
//! A connection works from the head of a request to the last byte of its answer, but for the time in which it reads a body
//! whose sender has not proven who it is.

use super::body::Body;
use crate::connections::{Connection, Work};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::time::{Instant, Sleep};

/// What is read at once from a client that has not proven who it is: hyper sizes its buffers by what comes.
const UNPROVEN_READ_BYTES: u64 = 8 * 1024;

/// The place of a connection. In the extensions of every request that came by it.
#[derive(Debug, Clone)]
pub(super) struct Slot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Keeps the connection's place.
    _work: Option<Work>,
}

/// What the connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing: the next request has not begun.
    Idle,
    /// The head of a request has begun, or the connection is new.
    Head,
    /// A request runs.
    Serving,
    /// A request runs, and its body is read from a sender that may be anybody.
    Exposed,
    /// The answer is in hyper's buffer.
    Flushing,
    /// It is no HTTP connection any more.
    Upgraded,
}

impl Slot {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Arc::new(Inner { connection, state: Mutex::new(State { phase: Phase::Head, _work: None }) }))
    }

    /// Waits until the connection has to make room for another.
    pub(super) async fn evicted(&self) {
        self.0.connection.evicted().await;
    }

    /// A request is complete but for its body.
    pub(super) fn begin(&self) {
        *self.state() = State { phase: Phase::Serving, _work: Some(self.0.connection.work()) };
    }

    /// The connection speaks another protocol from now on, and works to its end.
    pub(super) fn upgrade(&self) {
        *self.state() = State { phase: Phase::Upgraded, _work: Some(self.0.connection.work()) };
    }

    /// The body is read of a sender that may be anybody, until what this returns is dropped.
    pub(super) fn expose(&self) -> Exposure {
        let mut state = self.state();
        if state.phase == Phase::Serving {
            *state = State { phase: Phase::Exposed, _work: None };
        }
        Exposure(self.clone())
    }

    /// Marks the end of an answer's body, so that the connection works no more once it is flushed.
    pub(super) fn until_end(&self, body: Body) -> Body {
        Body::new(Tracked { body, slot: self.clone() })
    }

    fn ended(&self) {
        let mut state = self.state();
        if state.phase == Phase::Serving {
            state.phase = Phase::Flushing;
        }
    }

    fn flushed(&self) {
        let mut state = self.state();
        if state.phase == Phase::Flushing {
            *state = State { phase: Phase::Idle, _work: None };
        }
    }

    /// Bytes have come; true if they begin a head.
    fn received(&self) -> bool {
        let mut state = self.state();
        let begins = state.phase == Phase::Idle;
        if begins {
            state.phase = Phase::Head;
        }
        begins
    }

    fn is(&self, phase: Phase) -> bool {
        self.state().phase == phase
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, the connection may be evicted although a request runs.
pub(super) struct Exposure(Slot);

impl Drop for Exposure {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.phase == Phase::Exposed {
            *state = State { phase: Phase::Serving, _work: Some(self.0.0.connection.work()) };
        }
    }
}

/// A connection's stream.
pub(super) struct SlotStream<S> {
    stream: Take<S>,
    slot: Slot,
    /// How long a head may take from its first byte on, the first one from the opening on.
    head_limit: Duration,
    head: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + Unpin> SlotStream<S> {
    pub(super) fn new(stream: S, slot: Slot, head_limit: Duration) -> Self {
        let head = Box::pin(tokio::time::sleep(head_limit));
        Self { stream: stream.take(UNPROVEN_READ_BYTES), slot, head_limit, head }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SlotStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let limit = if self.slot.is(Phase::Serving) { u64::MAX } else { UNPROVEN_READ_BYTES };
        self.stream.set_limit(limit);
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() {
            if buffer.filled().len() > before && self.slot.received() {
                let end = Instant::now() + self.head_limit;
                self.head.as_mut().reset(end);
            }
            return polled;
        }
        if self.slot.is(Phase::Head) && self.head.as_mut().poll(context).is_ready() {
            let why = format!("no whole head came within {} ms", self.head_limit.as_millis());
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for SlotStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(self.stream.get_mut()).poll_flush(context);
        // hyper flushes when its own buffer is empty.
        if polled.is_ready() {
            self.slot.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(context)
    }
}

/// An answer's body that says when it is over, however it ends.
struct Tracked {
    body: Body,
    slot: Slot,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.slot.ended();
    }
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use super::*;
    use crate::connections::{ConnectionLimits, Connections};
    use crate::descriptors::{DescriptorBudget, Use};
    use std::net::{IpAddr, Ipv4Addr};
    use tokio::io::{AsyncWriteExt, duplex};

    const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const HEAD: Duration = Duration::from_secs(30);

    /// A listener with a single place.
    fn one_place() -> Arc<Connections> {
        let limits = ConnectionLimits { total: 1, per_source: 1 };
        Connections::new(limits, DescriptorBudget::new(1_000, 0), Use::Http, 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_keeps_its_place_from_a_request_to_the_end_of_its_answer() {
        let places = one_place();
        let slot = Slot::new(places.admit(SOURCE).await.unwrap());
        let (near, mut far) = duplex(1_024);
        let mut stream = SlotStream::new(near, slot.clone(), HEAD);
        far.write_all(b"GET").await.unwrap();
        stream.read_exact(&mut [0; 3]).await.unwrap();

        slot.begin();
        assert!(places.admit(SOURCE).await.is_none(), "a request runs");
        let answer = slot.until_end(body::full("ok"));
        drop(answer);
        assert!(places.admit(SOURCE).await.is_none(), "the answer is not flushed");
        stream.flush().await.unwrap();
        assert!(places.admit(SOURCE).await.is_none(), "nothing has given the place up yet");
        slot.evicted().await;
        drop((stream, slot));
        assert!(places.admit(SOURCE).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unproven_body_does_not_keep_the_place() {
        let places = one_place();
        let slot = Slot::new(places.admit(SOURCE).await.unwrap());
        slot.begin();
        drop(slot.expose());
        assert!(places.admit(SOURCE).await.is_none());
        assert_eq!(places.counts().evicted, 0, "it was read and proven");
        let _exposure = slot.expose();
        assert!(places.admit(SOURCE).await.is_none());
        slot.evicted().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_and_idleness_has_another() {
        let slot = Slot::new(one_place().admit(SOURCE).await.unwrap());
        let (near, mut far) = duplex(1_024);
        let mut stream = SlotStream::new(near, slot.clone(), HEAD);
        let begun = Instant::now();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, HEAD), "a new connection");

        slot.begin();
        drop(slot.until_end(body::full("ok")));
        stream.flush().await.unwrap();
        assert!(tokio::time::timeout(HEAD * 3, stream.read_u8()).await.is_err(), "it is idle");
        let begun = Instant::now();
        far.write_all(b"G").await.unwrap();
        stream.read_u8().await.unwrap();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, HEAD));
    }
}
