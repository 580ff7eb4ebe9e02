//! How long the body of a request may be, by what the request asks for: known before the first byte of it is read.

use hyper::http::request::Parts;
use tympan_connect::api::Operation;

/// Enough for 1,000 fragment numbers of 128 digits, for 50 tags in any script, for a key policy.
const USUAL_BYTES: usize = 256 * 1024;

/// Operations of Connect whose body is a flow of up to 256,000 characters.
const WITH_CONTENT: [&str; 4] = [
    "CreateContactFlow",
    "CreateContactFlowModule",
    "UpdateContactFlowContent",
    "UpdateContactFlowModuleContent",
];

/// The largest body that is read; `configured` bounds all of them.
pub(super) fn body_limit(head: &Parts, configured: usize) -> usize {
    let operation = Operation::of(head.method.as_str(), head.uri.path());
    match operation {
        Some(operation) if WITH_CONTENT.contains(&operation.name()) => configured,
        _ => configured.min(USUAL_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    #[test]
    fn only_a_flow_may_be_long() {
        const MIB: usize = 1 << 20;
        for (method, path, limit) in [
            ("POST", "/listFragments", USUAL_BYTES),
            ("POST", "/", USUAL_BYTES),
            ("PUT", "/contact-flows/0123", 4 * MIB),
            ("POST", "/contact-flows/0123/0123/name", USUAL_BYTES),
            ("POST", "/contact-flows/0123/0123/content", 4 * MIB),
            ("PUT", "/instance", USUAL_BYTES),
        ] {
            let (head, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
            assert_eq!(body_limit(&head, 4 * MIB), limit, "{method} {path}");
            assert_eq!(body_limit(&head, 1_000), 1_000);
        }
    }
}
