//! `/api/<signing name>/<path>`: which service a request is for, and what it asks there.

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

/// What the console's own API begins with.
pub(super) const ROOT: &str = "/api/";

/// An operation of a service, as its own API has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The signing name.
    pub(super) service: String,
    /// Path and query, untouched: nothing in them is decoded, so that no spelling of a slash or of dots reaches another path.
    pub(super) uri: Uri,
}

impl Target {
    /// The target of a request; `None` where the path names none.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let rest = uri.path().strip_prefix(ROOT)?;
        let (service, path) = rest.split_once('/')?;
        if service.is_empty() || !service.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = PathAndQuery::try_from(format!("/{path}{query}")).ok()?;
        Some(Self { service: service.to_owned(), uri: Uri::from(path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Option<(String, String)> {
        let target = Target::of(&path.parse().unwrap())?;
        Some((target.service, target.uri.to_string()))
    }

    #[test]
    fn a_path_is_taken_apart_at_its_first_slash_and_nothing_is_decoded() {
        for (path, service, uri) in [
            ("/api/tympan/tympan/contacts?maxResults=5", "tympan", "/tympan/contacts?maxResults=5"),
            ("/api/kms/", "kms", "/"),
            ("/api/connect/tags/arn%3Aaws%2Fx", "connect", "/tags/arn%3Aaws%2Fx"),
            ("/api/tympan//tympan/contacts", "tympan", "//tympan/contacts"),
            ("/api/tympan/../kms/", "tympan", "/../kms/"),
            ("/api/tympan/%2e%2e/kms/", "tympan", "/%2e%2e/kms/"),
            ("/api/tympan/tympan%2Fcontacts", "tympan", "/tympan%2Fcontacts"),
        ] {
            assert_eq!(target(path), Some((service.to_owned(), uri.to_owned())), "{path}");
        }
        for path in [
            "/api/",
            "/api/tympan",
            "/api//tympan/contacts",
            "/api/tympan%2Ftympan/contacts",
            "/api/../tympan/contacts",
            "/api/TYMPAN/tympan/contacts",
            "/apitympan/x",
            "//api/tympan/x",
        ] {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
