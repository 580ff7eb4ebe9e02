//! KMS and the Security Token Service over HTTP: the one blocks, the other reads forms.

use super::body::{self, Body};
use super::respond;
use crate::clock::SystemClock;
use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use tympan_auth::Refusal;
use tympan_aws::{Ask, Resource, Rule};
use tympan_kms::KeyId;
use tympan_kms::api::{CONTENT_TYPE, KmsApiError, KmsErrorCode, KmsService, Operation, absent_arn};
use tympan_types::{Caller, WallTime};

/// The header that names the operation.
const TARGET: &str = "x-amz-target";

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
    let Some(service) = service.cloned() else { return Ok(vec![ask(&operation.action(), "*")]) };
    let (caller, request) = (caller.clone(), request.clone());
    let resources = tokio::task::spawn_blocking(move || service.resources(&caller, &request)).await;
    let resources = resources.unwrap_or_else(|error| {
        tracing::error!(%error, "a KMS request panicked");
        Err(KmsApiError::new(KmsErrorCode::KmsInternal, "The request failed inside."))
    });
    let resources = resources.map_err(|error| Box::new(failed(operation, &error)))?;
    Ok(resources.into_iter().map(|resource| ask(&operation.action(), resource)).collect())
}

/// What a request to another service asks to do with the key that it names. Nothing for the service's own key.
pub(super) async fn asks_to_use(
    service: Option<&KmsService>,
    caller: &Caller,
    key: Option<String>,
) -> Result<Vec<Ask>, KeysAway> {
    let Some(key) = key else { return Ok(Vec::new()) };
    let found = match service.cloned() {
        Some(service) => {
            let caller = caller.clone();
            let found = tokio::task::spawn_blocking(move || service.follow(&caller, &key)).await;
            found.unwrap_or_else(|error| Err(KeysAway(format!("looking for a key panicked: {error}"))))?
        }
        None => KeysElsewhere.key_to_use(caller, &key).await?,
    };
    let uses = |arn: &String| USES.map(|action| ask(action, arn.clone()));
    Ok(arn.iter().flat_map(uses).collect())
}

fn ask(action: &str, resource: impl Into<String>) -> Ask {
    Ask { action: action.into(), resource: Resource::new(resource), rule: Rule::Allowed }
}

/// The name of the operation that a request names.
pub(super) fn operation(head: &Parts) -> Option<&'static str> {
    let target = head.headers.get(TARGET)?.to_str().ok()?;
    let target = Some(target).filter(|_| head.method == hyper::Method::POST && head.uri.path() == "/")?;
    let name = target.strip_prefix("TrentService.")?;
    kms::CATALOGUE.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// A verified request on its way through one of the services.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) routes: Arc<Routes>,
    pub(super) gate: Gate,
    pub(super) visit: Visit,
    pub(super) verified: Verified,
}

impl Request {
    /// Answers a request to KMS. The service may write the keyring before it answers, so it runs where it may block.
    ///
    /// `now` is a time that is believed where it destroys keys.
    pub(super) async fn key_management(self, now: WallTime, head: Parts, body: Bytes) -> Response<Body> {
        let (runtime, request) = (Handle::current(), self.clone());
        let run = move || runtime.block_on(request.run("kms", now, &head, &body));
        let outcome = tokio::task::spawn_blocking(run).await;
        let outcome = outcome
            .map_err(|error| format!("a KMS request panicked: {error}"))
            .and_then(|run| run.ok_or_else(|| "KMS is not served".to_owned()));
        let Outcome { stage, asks, reply, cause } = match outcome {
            Ok(outcome) => outcome,
            Err(cause) => return failed(cause),
        };
        if let Some(cause) = cause {
            tracing::error!(cause, "a KMS request failed inside the server");
        }
        let response = whole(reply);
        let (gate, visit, verified) = (&self.gate, &self.visit, &self.verified);
        match stage {
            Stage::Unknown | Stage::Denied => response,
            Stage::Unread => {
                for ask in asks {
                    gate.record_unreadable(visit, verified, ask.action.to_string(), &response);
                }
                response
            }
            Stage::Performed => {
                let asks: Vec<Ask> = asks.iter().map(Ask::of_kit).collect();
                gate.record(visit, verified, &asks, response)
            }
        }
    }

    /// Answers a request to STS, which never waits for anything.
    pub(super) async fn security_token(self, head: &Parts, body: &[u8]) -> Response<Body> {
        let Some(outcome) = self.run("sts", SystemClock.wall_now(), head, body).await else {
            return failed("STS is not served".to_owned());
        };
        let Outcome { stage, asks, reply, .. } = outcome;
        let (error, response) = (reply.error_type, whole(reply));
        let asks: Vec<Ask> = asks.iter().map(Ask::of_kit).collect();
        match (stage, asks.as_slice()) {
            (Stage::Denied, [ask, ..]) => {
                self.gate.record_denial(&self.visit, &self.verified, ask, error.unwrap_or_default());
                response
            }
            (Stage::Performed, asks) => self.gate.record(&self.visit, &self.verified, asks, response),
            _ => response,
        }
    }

    async fn run(&self, scope: &str, now: WallTime, head: &Parts, body: &[u8]) -> Option<Outcome> {
        let found = self.routes.find(scope, head)?;
        let invocation = Invocation {
            caller: &self.verified.caller,
            principal: Some(&self.verified.principal),
            now,
            request_id: &self.visit.request_id,
            reached_at: None,
            keys: &NoKeys,
            permit: self,
        };
        Some(self.routes.run(found, head, body, &invocation)?.await)
    }
}

impl Permit for Request {
    fn permit(&self, asks: &[tympan_aws::Ask]) -> Result<(), Refusal> {
        self.gate.judge(&self.visit, &self.verified, asks)
    }
}

/// The answer to a request to STS whose sender is not known.
pub(super) fn rejected(
    rejection: &tympan_auth::Rejection,
    message: &str,
    request_id: &str,
) -> Response<Body> {
    let protocol =
        Protocol::Query { namespace: "https://sts.amazonaws.com/doc/2011-06-15/", version: "2011-06-15" };
    whole(protocol.rejection(rejection, message, request_id))
}

fn failed(cause: String) -> Response<Body> {
    tracing::error!(cause, "a request failed inside the server");
    let body = br#"{"__type":"KMSInternalException","message":"The request failed inside."}"#;
    let response = respond::respond(500, "application/x-amz-json-1.1", body::full(&body[..]));
    respond::typed(response, "KMSInternalException")
}

fn whole(reply: Reply) -> Response<Body> {
    let Reply { status, content_type, error_type, body } = reply;
    let body = match body {
        ReplyBody::Whole(body) => body,
        ReplyBody::Stream(_) => Bytes::new(),
    };
    let response = respond::respond(status, content_type, body::full(body));
    match error_type {
        Some(error_type) => respond::typed(response, error_type),
        None => response,
    }
}
