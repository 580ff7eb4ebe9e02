//! A producer's body that stops in the midst of a fragment, so that a fault finds the same state each time, however the
//! producer cuts and paces what it sends.

use crate::cut::Finder;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_util::sync::CancellationToken;

/// The body up to a place. What comes after it is thrown away.
pub(crate) struct Feed<B> {
    inner: B,
    finder: Finder,
    shut: bool,
    /// Cancelled when the service has taken what came before the place; from then on the body does not even end.
    reached: Option<CancellationToken>,
}

impl<B> Feed<B> {
    pub(crate) fn new(inner: B, finder: Finder, reached: Option<CancellationToken>) -> Self {
        Self { inner, finder, shut: false, reached }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Feed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        loop {
            if this.shut
                && let Some(reached) = &this.reached
            {
                // Asked for more: what came before is taken.
                reached.cancel();
                return Poll::Pending;
            }
            let frame = match Pin::new(&mut this.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            if this.shut {
                continue;
            }
            let frame = frame.map_data(|mut bytes| {
                if let Some(at) = this.finder.find(&bytes) {
                    bytes.truncate(at);
                    this.shut = true;
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
    use crate::rule::Place;
    use http_body_util::{BodyExt, Full};
    use std::future::poll_fn;

    fn feed(reached: Option<CancellationToken>) -> Feed<Full<Bytes>> {
        let body = Full::new(Bytes::from_static(b"0123456789"));
        Feed::new(body, Finder::in_media(Place::Bytes(4)), reached)
    }

    #[tokio::test]
    async fn a_body_stops_at_its_place_and_ends_with_the_one_behind_it() {
        assert_eq!(feed(None).collect().await.unwrap().to_bytes(), "0123");
    }

    #[tokio::test]
    async fn a_task_that_waits_for_the_place_is_woken_once_what_is_before_it_is_taken() {
        let reached = CancellationToken::new();
        let mut feed = feed(Some(reached.clone()));
        let first = poll_fn(|context| Pin::new(&mut feed).poll_frame(context)).await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "0123");
        assert!(!reached.is_cancelled());
        let next = poll_fn(|context| Poll::Ready(Pin::new(&mut feed).poll_frame(context))).await;
        assert!(next.is_pending() && reached.is_cancelled());
    }
}
