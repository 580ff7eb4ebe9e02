//! Answers of the layer itself, in the shape of AWS's services.

use crate::seam::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The header from which SDKs take the exception's name.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// Names the request in logs and support cases.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// A JSON answer.
pub(crate) fn json(status: u16, bytes: Vec<u8>) -> Response<Body> {
    respond(status, "application/json", bytes)
}

/// An answer of known length.
pub(crate) fn respond(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes.into()).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An error: the type in its header, the message in the body.
pub(crate) fn error(status: u16, error_type: &str, body: Vec<u8>) -> Response<Body> {
    let mut response = json(status, body);
    if let Ok(value) = HeaderValue::from_str(error_type) {
        response.headers_mut().insert(ERROR_TYPE, value);
    }
    response
}

/// Marks an answer with the id of its request.
pub(crate) fn identify(mut response: Response<Body>, request_id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A chunked body: each item is one chunk on the wire, sent as soon as it is there.
pub(crate) fn chunked(items: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    StreamBody::new(items.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync()
}

/// The chunks of a body, to make another body of them.
pub(crate) fn chunks(body: Body) -> impl Stream<Item = Bytes> + Send + 'static {
    body.into_data_stream().map(|chunk| match chunk {
        Ok(chunk) => chunk,
        Err(never) => match never {},
    })
}
