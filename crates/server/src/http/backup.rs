//! Backups by HTTP, for `tympan backup`: `POST /_tympan/backup` begins one, `GET /_tympan/backup` tells of the newest.
//!
//! Not an AWS operation. Shape of the request: `{"Directory": "/backups/today", "Copies": false, "WithKeys": false}`; of
//! both answers: `{"Status": "RUNNING" | "COMPLETE" | "FAILED" | "NONE", ...}`.

use super::body::Body;
use super::respond;
use crate::upkeep::{Backups, NewBackup, StartError};
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

/// The path of both.
pub(super) const PATH: &str = "/_tympan/backup";
/// Both in the words of policies.
pub(super) const ACTION: &str = "tympan:Backup";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Request {
    directory: PathBuf,
    #[serde(default)]
    copies: bool,
    #[serde(default)]
    with_keys: bool,
}

/// Answers a request whose signature is verified.
pub(super) fn answer(backups: &Backups, method: &Method, body: &[u8]) -> Response<Body> {
    if *method == Method::GET {
        return status(200, backups);
    }
    if *method != Method::POST {
        let message = "A backup is begun by POST and asked after by GET.";
        return refuse(405, "UnsupportedOperationException", message);
    }
    let request: Request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return refuse(400, "ValidationException", &format!("The body does not fit: {error}.")),
    };
    let Request { directory, copies, with_keys } = request;
    match backups.start(NewBackup { directory, copies, with_keys }) {
        Ok(()) => status(202, backups),
        Err(error @ StartError::Busy) => refuse(409, "ResourceInUseException", &error.to_string()),
        Err(error @ StartError::Relative) => refuse(400, "ValidationException", &error.to_string()),
    }
}

fn status(code: u16, backups: &Backups) -> Response<Body> {
    respond::json(code, backups.newest_as_json().to_string().into_bytes())
}

fn refuse(status: u16, error_type: &str, message: &str) -> Response<Body> {
    respond::error(status, error_type, json!({ "Message": message }).to_string().into_bytes())
}
