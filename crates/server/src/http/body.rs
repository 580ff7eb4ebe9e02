//! Bodies: of requests, on the wire or read already; of answers, a buffer or chunks as they come.

use super::emulator::Feed;
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What every answer carries.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a request carries.
pub(super) enum Incoming {
    /// As it arrives.
    Wire(hyper::body::Incoming),
    /// It was read to see what the request is about.
    Read(Full<Bytes>),
    /// As it arrives, up to where a fault of the emulator stops it.
    Stopped(Box<Feed>),
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
            Self::Read(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Stopped(feed) => feed.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Wire(body) => body.is_end_stream(),
            Self::Read(body) => body.is_end_stream(),
            Self::Stopped(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Wire(body) => body.size_hint(),
            Self::Read(body) => body.size_hint(),
            Self::Stopped(_) => SizeHint::default(),
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

/// The chunks of a body, to make another body of them.
pub(super) fn chunks(body: Body) -> impl Stream<Item = Bytes> + Send + 'static {
    use futures_util::StreamExt;
    body.into_data_stream().map(|chunk| match chunk {
        Ok(chunk) => chunk,
        Err(never) => match never {},
    })
}
