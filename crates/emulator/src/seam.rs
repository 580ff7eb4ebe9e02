//! What the layers stand before: the server offers it, and does not learn what stands there.

use bytes::Bytes;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tympan_types::WallTime;

/// What an answer carries.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The body of a request that the layer has read, or stops somewhere.
pub type Replaced = BoxBody<Bytes, hyper::Error>;

/// The services behind one listener.
pub trait Router: Send + Sync + 'static {
    /// What a request carries.
    type Incoming: http_body::Body<Data = Bytes, Error = hyper::Error>
        + From<Replaced>
        + Send
        + Sync
        + Unpin
        + 'static;

    /// The operation that a head names, signed or not; `None`: none that a service here has.
    fn named(&self, head: &Parts) -> Option<Named>;

    /// The paths that web pages may call.
    fn paths_for_pages(&self) -> impl Iterator<Item = &'static str>;

    /// Reads a body within the limits of the request's operation.
    ///
    /// # Errors
    /// The answer to a request whose body is too long, or does not come.
    fn read(
        &self,
        head: &Parts,
        body: Self::Incoming,
    ) -> impl Future<Output = Result<Bytes, Box<Response<Body>>>> + Send;

    /// The answer; every failure is one too.
    fn answer(
        self: Arc<Self>,
        request: Request<Self::Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Has the upload of this request broken off as soon as `when` is cancelled.
    fn break_off(extensions: &mut Extensions, when: CancellationToken);

    /// What resets the connection that the request came by.
    fn tear(extensions: &Extensions) -> Tear;
}

/// Which operation a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The signing name of its service.
    pub scope: &'static str,
    /// The operation.
    pub operation: &'static str,
}

/// Resets a connection: what it still has to send is lost.
#[derive(Clone)]
pub struct Tear(Arc<dyn Fn() + Send + Sync>);

impl Tear {
    /// Does it by `reset`.
    pub fn new(reset: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(reset))
    }

    pub(crate) fn tear(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Tear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tear")
    }
}

/// The clock of the services, which can be put ahead of the machine's.
pub trait Clock: Send + Sync {
    /// Now, as the services see it.
    fn wall_now(&self) -> WallTime;

    /// Now, by the machine.
    fn machine_now(&self) -> WallTime;

    /// How far it is ahead.
    fn ahead_ms(&self) -> i64;

    /// Puts it further ahead; saturating.
    fn advance(&self, ms: i64);

    /// Back to the machine's.
    fn restore(&self);
}
