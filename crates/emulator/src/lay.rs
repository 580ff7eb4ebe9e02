//! Lays a fault on one request: in place of its answer, before it, or into its bodies.

use crate::cut::{self, Act, Finder};
use crate::feed::Feed;
use crate::layer::Asked;
use crate::operation::Within;
use crate::rule::{Fault, Place, status_of};
use crate::seam::{Body, Replaced, Router, Tear};
use crate::{refusal, reply};
use bytes::Bytes;
use futures_util::StreamExt;
use hyper::{Request, Response};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tympan_kvs::ErrorId;
use tympan_types::WallTime;

/// Acks that may be on their delayed way at once.
const DELAYED_ACKS: usize = 4_096;

/// The answer to a request that a fault strikes.
pub(crate) async fn on<R: Router>(
    fault: Fault,
    asked: &Asked,
    request: Request<R::Incoming>,
    router: Arc<R>,
    tear: Tear,
    machine_now: WallTime,
) -> Response<Body> {
    let refused = match fault {
        Fault::Throttle {} => refusal::throttled(asked),
        Fault::QuotaReached {} => refusal::quota_reached(asked),
        Fault::ExpiredToken {} => refusal::expired_token(),
        Fault::ClockSkew { ms } => refusal::clock_skew(machine_now, ms),
        Fault::HttpStatus { status } => refusal::bare(status),
        Fault::Error { code, status, message } => {
            let status = status.or_else(|| status_of(&code)).unwrap_or(400);
            let message = message.unwrap_or_else(|| "A fault rule of the emulator says so.".to_owned());
            refusal::error(asked, &code, status, &message)
        }
        Fault::Reset { at: None } => {
            take(asked, request, &*router).await;
            tear.tear();
            // The connection is gone before there is an answer.
            return std::future::pending().await;
        }
        answered => return within_answer(answered, asked, request, router, tear).await,
    };
    take(asked, request, &*router).await;
    reply::identify(refused, &uuid::Uuid::new_v4().to_string())
}

/// Reads what comes with a request that is not answered by its service, for a client may still be sending it: one whose
/// body nothing reads loses its connection. A producer waits to be let in, as always.
async fn take<R: Router>(asked: &Asked, request: Request<R::Incoming>, router: &R) {
    if asked.operation != "PutMedia" {
        // What it is, and whether it can be read, does not matter.
        let (head, body) = request.into_parts();
        let _ = router.read(&head, body).await;
    }
}

/// Faults of requests that the service answers.
async fn within_answer<R: Router>(
    fault: Fault,
    asked: &Asked,
    mut request: Request<R::Incoming>,
    router: Arc<R>,
    tear: Tear,
) -> Response<Body> {
    let uploads = asked.operation == "PutMedia";
    match &fault {
        Fault::Delay { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
        Fault::AckError { fragments, .. } => {
            let reached = CancellationToken::new();
            R::break_off(request.extensions_mut(), reached.clone());
            request = stopped::<R>(request, Place::Fragments(*fragments), Some(reached));
        }
        Fault::Reset { at: Some(place @ Place::Fragments(_)) } if uploads => {
            request = stopped::<R>(request, *place, None);
        }
        _ => {}
    }
    let response = Within::new(&asked.operation, router.answer(request)).await;
    // A refusal has nothing of what such a fault is about.
    if !response.status().is_success() {
        return response;
    }
    let finder = |place| if uploads { Finder::in_acks(place) } else { Finder::in_media(place) };
    let struck = |response: Response<Body>, place, act| {
        response.map(|body| {
            let chunks = Within::new(&asked.operation, reply::chunks(body)).boxed();
            reply::chunked(cut::at(chunks, finder(place), act))
        })
    };
    match fault {
        Fault::Truncate { at } => struck(response, at, Act::End),
        Fault::Reset { at: Some(at) } => struck(response, at, Act::Tear(tear)),
        Fault::Stall { ms, at } => struck(response, at, Act::Pause(Duration::from_millis(ms))),
        Fault::SlowAcks { ms } => response.map(|body| {
            let later = move |ack| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                ack
            };
            // All of them wait at the same time: each is late by so much, not by the sum.
            reply::chunked(reply::chunks(body).map(later).buffered(DELAYED_ACKS))
        }),
        Fault::AckError { id, .. } => {
            response.map(|body| reply::chunked(reply::chunks(body).map(move |ack| renamed(ack, id))))
        }
        _ => response,
    }
}

/// The request with a body that stops at `place`.
fn stopped<R: Router>(
    request: Request<R::Incoming>,
    place: Place,
    reached: Option<CancellationToken>,
) -> Request<R::Incoming> {
    request.map(|body| Replaced::new(Feed::new(body, Finder::in_upload(place), reached)).into())
}

/// An ERROR ack with another id; other acks as they are.
fn renamed(ack: Bytes, id: u16) -> Bytes {
    let (Some(error), Ok(mut said)) = (ErrorId::from_id(id), serde_json::from_slice::<Value>(&ack)) else {
        return ack;
    };
    if said["EventType"] != "ERROR" {
        return ack;
    }
    said["ErrorId"] = error.id().into();
    said["ErrorCode"] = error.code().into();
    Bytes::from(format!("{said}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_gets_another_name_and_keeps_its_place() {
        let error = br#"{"EventType":"ERROR","FragmentTimecode":5,"FragmentNumber":"9","ErrorId":4000,"ErrorCode":"STREAM_READ_ERROR"}"#;
        let renamed_error = renamed(Bytes::from_static(error), 4002);
        assert_eq!(
            renamed_error,
            "{\"EventType\":\"ERROR\",\"FragmentTimecode\":5,\"FragmentNumber\":\"9\",\"ErrorId\":4002,\
             \"ErrorCode\":\"MAX_FRAGMENT_DURATION_REACHED\"}\n"
        );
        let received = Bytes::from_static(b"{\"EventType\":\"RECEIVED\",\"FragmentTimecode\":5}\n");
        assert_eq!(renamed(received.clone(), 4002), received);
    }
}
