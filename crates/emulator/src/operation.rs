//! Which operation the running code works for: a key provider is not told, and a rule may want to know.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

tokio::task_local! {
    static OPERATION: String;
}

/// What captures are called, which no request asked for: the flow block that does.
const CAPTURE: &str = "StartMediaStreaming";

/// The operation of the request that runs here; outside of a request it is a capture's.
pub(crate) fn operation() -> String {
    OPERATION.try_with(Clone::clone).unwrap_or_else(|_| CAPTURE.to_owned())
}

/// A future or stream that works for an operation, wherever it is polled.
pub(crate) struct Within<T> {
    operation: String,
    inner: Pin<Box<T>>,
}

impl<T> Within<T> {
    /// Runs `inner` for `operation`.
    pub(crate) fn new(operation: &str, inner: T) -> Self {
        Self { operation: operation.to_owned(), inner: Box::pin(inner) }
    }
}

impl<T: Future> Future for Within<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        let Self { operation, inner } = &mut *self;
        OPERATION.sync_scope(operation.clone(), || inner.as_mut().poll(context))
    }
}

impl<T: futures_util::Stream> futures_util::Stream for Within<T> {
    type Item = T::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T::Item>> {
        let Self { operation, inner } = &mut *self;
        OPERATION.sync_scope(operation.clone(), || inner.as_mut().poll_next(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[tokio::test]
    async fn an_operation_is_known_within_it_and_a_capture_is_what_remains() {
        assert_eq!(Within::new("GetMedia", async { operation() }).await, "GetMedia");
        let mut stream = Within::new("PutMedia", futures_util::stream::once(async { operation() }));
        assert_eq!(stream.next().await.as_deref(), Some("PutMedia"));
        assert_eq!(operation(), "StartMediaStreaming");
    }
}
