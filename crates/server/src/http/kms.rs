//! AWS KMS over HTTP: JSON 1.1, the operation in a header.

use super::body::{self, Body};
use super::gate::Ask;
use super::respond;
use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use tympan_auth::Refusal;
use tympan_kms::KeyId;
use tympan_kms::api::{CONTENT_TYPE, KmsApiError, KmsErrorCode, KmsService, Operation, absent_arn};
use tympan_types::{Caller, WallTime};

/// The header that names the operation.
const TARGET: &str = "x-amz-target";
/// What AWS asks of who has a stream encrypted under a key.
const USES: [&str; 2] = ["kms:DescribeKey", "kms:CreateGrant"];

/// What a request asks to do, for policies; nothing where no operation is named, which the answer then says.
///
/// Reads the keyring's file: runs where it may block.
pub(super) async fn asks(
    service: Option<&KmsService>,
    caller: &Caller,
    head: &Parts,
    request: &Bytes,
) -> Result<Vec<Ask>, Box<Response<Body>>> {
    let Some(operation) = operation(head) else { return Ok(Vec::new()) };
    let Some(service) = service.cloned() else { return Ok(vec![Ask::new(operation.action(), "*")]) };
    let (caller, request) = (caller.clone(), request.clone());
    let resources = tokio::task::spawn_blocking(move || service.resources(&caller, &request)).await;
    let resources = resources.unwrap_or_else(|error| {
        tracing::error!(%error, "a KMS request panicked");
        Err(KmsApiError::new(KmsErrorCode::KmsInternal, "The request failed inside."))
    });
    let resources = resources.map_err(|error| Box::new(failed(operation, &error)))?;
    Ok(resources.into_iter().map(|resource| Ask::new(operation.action(), resource)).collect())
}

/// What a request to another service asks to do with the key that it names. Nothing for the service's own key.
pub(super) async fn asks_to_use(
    service: Option<&KmsService>,
    caller: &Caller,
    key: Option<String>,
) -> Result<Vec<Ask>, KmsApiError> {
    let Some(key) = key else { return Ok(Vec::new()) };
    let arn = match service.cloned() {
        Some(service) => {
            let caller = caller.clone();
            let found = tokio::task::spawn_blocking(move || service.key_to_use(&caller, &key)).await;
            found.unwrap_or_else(|error| {
                tracing::error!(%error, "looking for a key panicked");
                Err(KmsApiError::new(KmsErrorCode::KmsInternal, "The request failed inside."))
            })?
        }
        // The keys are elsewhere: an alias cannot be followed, and counts as itself.
        None => KeyId::parse(&key)
            .ok()
            .filter(|key| !key.is_the_services())
            .and_then(|key| absent_arn(caller, &key)),
    };
    let ask = |arn: &String| USES.map(|action| Ask::new(action, arn.clone()));
    Ok(arn.iter().flat_map(ask).collect())
}

/// A denial in this service's form.
pub(super) fn denied(refusal: &Refusal) -> Box<Response<Body>> {
    Box::new(refuse(&KmsApiError::new(KmsErrorCode::AccessDenied, refusal.to_string())))
}

/// Answers one request. The service may write the keyring before it answers, so it runs where it may block.
///
/// `now` is a time that is believed where it destroys keys.
///
/// Without a service the keys are kept elsewhere, and whoever manages them has to ask there.
pub(super) async fn call(
    service: Option<&KmsService>,
    now: WallTime,
    caller: Caller,
    head: &Parts,
    request: Bytes,
) -> Response<Body> {
    let Some(service) = service.cloned() else {
        return refuse(&KmsApiError::new(
            KmsErrorCode::UnsupportedOperation,
            "This server keeps no keys: its configuration has kms.provider = \"external\". Ask the KMS at \
             kms.endpoint.",
        ));
    };
    let Some(operation) = operation(head) else {
        return refuse(&KmsApiError::new(
            KmsErrorCode::UnknownOperation,
            "An operation of KMS is a POST to / with a header X-Amz-Target such as TrentService.CreateKey.",
        ));
    };
    let answered = tokio::task::spawn_blocking(move || service.call(now, &caller, operation, &request));
    match answered.await {
        Ok(Ok(None)) => respond::respond(200, CONTENT_TYPE, body::full(Bytes::new())),
        Ok(Ok(Some(answer))) => respond::respond(200, CONTENT_TYPE, body::full(answer.to_string())),
        Ok(Err(error)) => failed(operation, &error),
        Err(error) => {
            tracing::error!(%error, "a KMS request panicked");
            refuse(&KmsApiError::new(KmsErrorCode::KmsInternal, "The request failed inside."))
        }
    }
}

/// The operation that a request names.
pub(super) fn operation(head: &Parts) -> Option<Operation> {
    let target = head.headers.get(TARGET).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = Some(target).filter(|_| head.method == hyper::Method::POST && head.uri.path() == "/");
    target.and_then(Operation::from_target)
}

/// An error of an operation. What only the operator may know is told to the log.
fn failed(operation: Operation, error: &KmsApiError) -> Response<Body> {
    if let Some(cause) = error.cause() {
        tracing::error!(%operation, cause, "a KMS request failed inside the server");
    }
    refuse(error)
}

fn refuse(error: &KmsApiError) -> Response<Body> {
    let response = respond::respond(error.status(), CONTENT_TYPE, body::full(error.body()));
    respond::typed(response, error.code().name())
}
