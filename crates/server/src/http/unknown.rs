//! Paths at which nothing is served. They are told before a signature is looked at: a slip in a path changes what is
//! signed, and a refusal of the signature would send people looking in the wrong place.

use super::body::Body;
use super::respond;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde_json::json;
use tympan_connect::api::Operation as ConnectOperation;
use tympan_kvs::Operation;

/// The refusal of a request for what no service has; `None` for any other.
pub(super) fn refuse(head: &Parts) -> Option<Response<Body>> {
    let (method, path) = (&head.method, head.uri.path());
    let message = if is_known(method, path) {
        return None;
    } else if Operation::from_path(path).is_some() {
        format!("{path} takes POST, and this is a {method}.")
    } else if let Some(meant) = meant(method, path) {
        format!("No operation has the path {:?}: did you mean {meant:?}?", shown(path))
    } else {
        format!("No operation has the path {:?}.", shown(path))
    };
    let body = json!({ "__type": "UnknownOperationException", "message": message, "Message": message });
    Some(respond::error(404, "UnknownOperationException", body.to_string().into_bytes()))
}

fn is_known(method: &Method, path: &str) -> bool {
    // KMS and STS have one path; which operation is meant stands elsewhere.
    path == "/"
        || path.starts_with("/_tympan/")
        || (method == Method::POST && Operation::from_path(path).is_some())
        || ConnectOperation::of(method.as_str(), path).is_some()
}

/// The path that this one is a slip of: a slash too many, another case.
fn meant(method: &Method, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let clean = format!("/{}", parts.join("/"));
    let named = Operation::paths().find(|known| known.eq_ignore_ascii_case(&clean));
    named.map(str::to_owned).or_else(|| ConnectOperation::of(method.as_str(), &clean).map(|_| shown(&clean)))
}

fn shown(path: &str) -> String {
    path.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use hyper::Request;

    async fn told(method: &str, path: &str) -> Option<String> {
        let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
        let response = refuse(&head)?;
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["x-amzn-errortype"], "UnknownOperationException");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        Some(body["Message"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_slip_in_a_path_is_named() {
        for (slip, meant) in [
            ("//putMedia", "/putMedia"),
            ("/putMedia/", "/putMedia"),
            ("/PutMedia", "/putMedia"),
            ("/v1//listStreams", ""),
            ("/tagresource", "/TagResource"),
            ("//contact/attributes/", "/contact/attributes"),
        ] {
            let message = told("POST", slip).await.unwrap();
            assert!(message.contains(slip), "{message}");
            assert_eq!(message.contains(&format!("did you mean {meant:?}?")), !meant.is_empty(), "{message}");
        }
        assert_eq!(told("GET", "/putMedia").await.unwrap(), "/putMedia takes POST, and this is a GET.");
    }

    #[tokio::test]
    async fn what_is_served_is_not_refused() {
        for (method, path) in [
            ("POST", "/putMedia"),
            ("POST", "/"),
            ("GET", "/"),
            ("GET", "/instance"),
            ("GET", "/_tympan/contacts"),
        ] {
            assert_eq!(told(method, path).await, None, "{method} {path}");
        }
    }
}
