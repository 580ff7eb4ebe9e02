//! Whether what has expired is removed: `GET /_tympan/expiry` tells, `POST /_tympan/expiry` confirms the clock.
//!
//! Not an AWS operation. Shape of the request: `{"ConfirmClock": true}`; of every answer: `Status`, `RUNNING` or `HELD`,
//! `Now`, `BelievedTime` and, while it is held, `ClearsInSeconds`.

use super::body::Body;
use super::respond;
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::json;
use tympan_store::MediaStore;

pub(super) const PATH: &str = "/_tympan/expiry";
/// All of them in the words of policies.
pub(super) const ACTION: &str = "tympan:Expiry";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Request {
    confirm_clock: bool,
}

/// Answers a request whose signature is verified.
pub(super) fn answer(store: &MediaStore, method: &Method, body: &[u8]) -> Response<Body> {
    match *method {
        Method::GET => status(store),
        Method::POST => match serde_json::from_slice(body) {
            Ok(Request { confirm_clock: true }) => {
                store.confirm_clock();
                status(store)
            }
            _ => refuse(400, "ValidationException", "The body is {\"ConfirmClock\": true}."),
        },
        _ => refuse(
            405,
            "UnsupportedOperationException",
            "Expiry is asked after by GET; POST confirms the clock.",
        ),
    }
}

fn status(store: &MediaStore) -> Response<Body> {
    let (now, believed) = (store.now().rfc3339_seconds(), store.trusted_now().rfc3339_seconds());
    let told = match store.clock_doubt() {
        None => json!({ "Status": "RUNNING", "Now": now, "BelievedTime": believed }),
        Some(doubt) => json!({
            "Status": "HELD",
            "Now": now,
            "BelievedTime": believed,
            "ClearsInSeconds": doubt.clears_in_ms / 1_000,
        }),
    };
    respond::json(200, told.to_string().into_bytes())
}

fn refuse(status: u16, error_type: &str, message: &str) -> Response<Body> {
    respond::error(status, error_type, json!({ "Message": message }).to_string().into_bytes())
}
