//! Bodies: of requests, on the wire or read already; of answers, a buffer or chunks as they come.

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What every answer carries.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a request carries.
pub(crate) enum Incoming {
    /// As it arrives.
    Wire(hyper::body::Incoming),
    /// What stands before the services gives another body in its place.
    Replaced(BoxBody<Bytes, hyper::Error>),
}

impl From<BoxBody<Bytes, hyper::Error>> for Incoming {
    fn from(body: BoxBody<Bytes, hyper::Error>) -> Self {
        Self::Replaced(body)
    }
}

impl hyper::body::Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Wire(body) => Pin::new(body).poll_frame(context),
            Self::Replaced(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Wire(body) => body.is_end_stream(),
            Self::Replaced(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Wire(body) => body.size_hint(),
            Self::Replaced(body) => body.size_hint(),
        }
    }
}

/// A body of known length.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A chunked body: each item is one chunk on the wire, sent as soon as it is there.
pub(super) fn chunked(items: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    use futures_util::StreamExt;
    StreamBody::new(items.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync()
}
