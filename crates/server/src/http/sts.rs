//! The Security Token Service over HTTP: a form in, XML out.

use super::body::{self, Body};
use super::respond;
use hyper::Response;
use hyper::http::request::Parts;
use ring::rand::{SecureRandom, SystemRandom};
use tympan_auth::sts::{StsAnswer, StsError, StsRequest, answer};
use tympan_auth::{Facts, Identities, SESSION_ENTROPY_BYTES, Verified};

/// The form of a request: its body, or the query of a GET.
pub(super) fn form<'a>(head: &'a Parts, body: &'a [u8]) -> &'a [u8] {
    if body.is_empty() { head.uri.query().unwrap_or("").as_bytes() } else { body }
}

/// Answers a verified request.
pub(super) fn call(
    identities: &Identities,
    verified: &Verified,
    facts: Facts<'_>,
    request_id: &str,
    form: &[u8],
) -> (StsAnswer, Response<Body>) {
    let mut entropy = [0; SESSION_ENTROPY_BYTES];
    if SystemRandom::new().fill(&mut entropy).is_err() {
        let error = StsError::unreadable(500, "The system gives no randomness. Try again.".to_owned());
        let response = refuse(&error, request_id);
        return (StsAnswer { operation: "", resource: "*".to_owned(), outcome: Err(error) }, response);
    }
    let request = StsRequest { verified, facts, form, request_id, entropy: &entropy };
    let answered = answer(identities, &request);
    let response = match &answered.outcome {
        Ok(xml) => respond::respond(200, "text/xml", body::full(xml.clone())),
        Err(error) => refuse(error, request_id),
    };
    (answered, response)
}

/// An error of the query protocol. Its code goes into the header as well, where our own client looks first.
pub(super) fn refuse(error: &StsError, request_id: &str) -> Response<Body> {
    let response = respond::respond(error.status(), "text/xml", body::full(error.body(request_id)));
    respond::typed(response, error.code())
}
