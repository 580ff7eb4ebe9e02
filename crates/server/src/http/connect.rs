//! Amazon Connect over HTTP.

use super::body::Body;
use super::respond;
use crate::clock::ServiceClock;
use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use tokio::sync::Semaphore;
use tympan_connect::api::Asked;
use tympan_connect::error::{ConnectError, ErrorCode};
use tympan_connect::service::ConnectService;
use tympan_types::Caller;

/// Requests that are being answered at once. A change of a live contact waits for its call's task, and that needs a
/// thread of the same pool to write: these may never take all of them.
static ANSWERING: Semaphore = Semaphore::const_new(64);

/// Answers one request. The service writes settings to disk before it answers, so it runs where it may block.
pub(super) async fn call(
    service: &ConnectService,
    clock: &ServiceClock,
    caller: Caller,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    let answering = ANSWERING.acquire().await;
    let (service, now) = (service.clone(), clock.wall_now());
    let answered = tokio::task::spawn_blocking(move || {
        // Held to the end, also when the client goes away.
        let _answering = answering;
        service.call(now, &caller, &head, &body)
    });
    match answered.await {
        Ok(Ok(body)) => respond::json(200, body),
        Ok(Err(error)) => refuse(&error),
        Err(error) => {
            tracing::error!(%error, "a Connect request panicked");
            respond::error(
                500,
                "InternalServiceException",
                br#"{"Message":"The request failed inside."}"#.to_vec(),
            )
        }
    }
}

/// What a request asks for. A contact is looked up, so it runs where it may block.
pub(super) async fn asked(
    service: &ConnectService,
    clock: &ServiceClock,
    caller: &Caller,
    head: &Parts,
    body: &Bytes,
) -> Result<Asked, ConnectError> {
    let (service, now) = (service.clone(), clock.wall_now());
    let (caller, head, body) = (caller.clone(), head.clone(), body.clone());
    let asked = tokio::task::spawn_blocking(move || service.asked(now, &caller, &head, &body)).await;
    asked.unwrap_or_else(|error| {
        tracing::error!(%error, "a Connect request panicked");
        Err(ConnectError::new(ErrorCode::InternalService, "The request failed inside."))
    })
}

pub(super) fn refuse(error: &ConnectError) -> Response<Body> {
    respond::error(error.status(), error.code().name(), error.body().to_string().into_bytes())
}
