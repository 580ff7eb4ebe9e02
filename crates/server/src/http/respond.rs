//! Answers in the shape of AWS's rest-json services.

use super::body::{self, Body};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tympan_aws::{Reply, ReplyBody};

/// The header from which SDKs take the exception's name. The documentation prints another spelling; this is the one that is read.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// Names the request in logs and support cases; the C producer looks for this very name.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A JSON answer.
pub(super) fn json(status: u16, bytes: Vec<u8>) -> Response<Body> {
    respond(status, "application/json", body::full(bytes))
}

/// A plain text answer, for people and probes.
pub(super) fn text(status: u16, text: impl Into<String>) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", body::full(text.into()))
}

/// An answer with any body.
pub(super) fn respond(status: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer of the kit that is there as a whole; of a stream there is nothing.
pub(super) fn whole(reply: Reply) -> Response<Body> {
    let Reply { status, content_type, error_type, headers, body } = reply;
    let bytes = match body {
        ReplyBody::Whole(bytes) => bytes,
        ReplyBody::Stream(_) => Bytes::new(),
    };
    let mut response = respond(status, content_type, body::full(bytes));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    match error_type {
        Some(error_type) => typed(response, error_type),
        None => response,
    }
}

/// An error answer: the type in its header, the message in the body.
pub(super) fn error(status: u16, error_type: &str, body: Vec<u8>) -> Response<Body> {
    typed(json(status, body), error_type)
}

/// Says of which type an error answer is.
pub(super) fn typed(mut response: Response<Body>, error_type: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(error_type) {
        response.headers_mut().insert(ERROR_TYPE, value);
    }
    response
}

/// Of which type an error answer is.
pub(super) fn error_type(response: &Response<Body>) -> Option<&str> {
    response.headers().get(ERROR_TYPE)?.to_str().ok()
}

/// Marks an answer with the id of its request.
pub(super) fn identify(mut response: Response<Body>, request_id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
