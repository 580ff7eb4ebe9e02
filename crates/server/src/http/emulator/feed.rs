//! A producer's body that stops in the midst of a fragment, so that a fault finds the same state each time, however the
//! producer cuts and paces what it sends.

use super::super::body::Incoming;
use super::cut::Finder;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_util::sync::CancellationToken;

/// The body up to a place. What comes after it is thrown away.
pub(crate) struct Feed {
    inner: Incoming,
    finder: Finder,
    shut: bool,
    /// Cancelled when the service has taken what came before the place; from then on the body does not even end.
    reached: Option<CancellationToken>,
}

impl Feed {
    pub(super) fn new(inner: Incoming, finder: Finder, reached: Option<CancellationToken>) -> Self {
        Self { inner, finder, shut: false, reached }
    }

    /// As [`Body::poll_frame`].
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            if self.shut
                && let Some(reached) = &self.reached
            {
                // Asked for more: what came before is taken.
                reached.cancel();
                return Poll::Pending;
            }
            let frame = match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            if self.shut {
                continue;
            }
            let frame = frame.map_data(|mut bytes| {
                if let Some(at) = self.finder.find(&bytes) {
                    bytes.truncate(at);
                    self.shut = true;
                }
                bytes
            });
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Place;
    use http_body_util::{BodyExt, Full};
    use std::future::poll_fn;

    fn feed(reached: Option<CancellationToken>) -> Feed {
        let body = Incoming::Read(Full::new(Bytes::from_static(b"0123456789")));
        Feed::new(body, Finder::in_media(Place::Bytes(4)), reached)
    }

    #[tokio::test]
    async fn a_body_stops_at_its_place_and_ends_with_the_one_behind_it() {
        let body = Incoming::Stopped(Box::new(feed(None)));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "0123");
    }

    #[tokio::test]
    async fn whoever_waits_for_the_place_is_told_once_what_is_before_it_is_taken() {
        let reached = CancellationToken::new();
        let mut feed = feed(Some(reached.clone()));
        let first = poll_fn(|context| feed.poll(context)).await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "0123");
        assert!(!reached.is_cancelled());
        let next = poll_fn(|context| Poll::Ready(feed.poll(context))).await;
        assert!(next.is_pending() && reached.is_cancelled());
    }
}
