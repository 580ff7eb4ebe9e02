//! Which requests come from the console's own pages. A cookie travels with every request to its host, from whatever page; these
//! headers only a browser sends, and no page can forge them.

use super::channel::Channel;
use hyper::Method;
use hyper::header::{HOST, HeaderMap, ORIGIN, UPGRADE};
use hyper::http::request::Parts;

const FETCH_SITE: &str = "sec-fetch-site";

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotOwn {
    /// A page of another origin sends it.
    #[error("The request comes from a page of another origin than the console's.")]
    Foreign,
    /// Nothing says where it comes from.
    #[error(
        "The request has neither Origin nor Sec-Fetch-Site, so that it may come from any page. Programs use the APIs at http.listen, \
         and sign."
    )]
    Unknown,
}

/// Checks a request to the console's API.
///
/// # Errors
/// What changes something and what opens a WebSocket has to say that it comes from the console's origin; what only reads must
/// not say that it comes from another.
pub(super) fn check(head: &Parts, channel: Channel) -> Result<(), NotOwn> {
    let headers = &head.headers;
    let mut says_own = false;
    let mut origins = headers.get_all(ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let own = own_origin(headers, channel).ok_or(NotOwn::Foreign)?;
        if origins.next().is_some() || !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()) {
            return Err(NotOwn::Foreign);
        }
        says_own = true;
    }
    let only_reads = matches!(head.method, Method::GET | Method::HEAD) && !headers.contains_key(UPGRADE);
    let mut sites = headers.get_all(FETCH_SITE).iter();
    if let Some(site) = sites.next() {
        // `none`: a person has typed the address.
        let is_own = site == "same-origin" || (only_reads && site == "none");
        if sites.next().is_some() || !is_own {
            return Err(NotOwn::Foreign);
        }
        says_own = true;
    }
    if says_own || only_reads { Ok(()) } else { Err(NotOwn::Unknown) }
}

/// The origin of the pages that this request's host serves.
fn own_origin(headers: &HeaderMap, channel: Channel) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    Some(format!("{}://{}", channel.scheme(), host.to_str().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn checked(method: &str, headers: &[(&str, &str)], channel: Channel) -> Result<(), NotOwn> {
        let mut request = Request::builder().method(method).uri("/api/session");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0, channel)
    }

    const HOST_IS: (&str, &str) = ("host", "127.0.0.1:8601");

    #[test]
    fn what_changes_something_comes_from_the_consoles_origin() {
        let post = |headers: &[(&str, &str)]| checked("POST", headers, Channel::Loopback);
        let site = |site| ("sec-fetch-site", site);
        assert_eq!(post(&[HOST_IS]), Err(NotOwn::Unknown));
        assert_eq!(post(&[HOST_IS, ("origin", "http://127.0.0.1:8601")]), Ok(()));
        assert_eq!(post(&[HOST_IS, site("same-origin")]), Ok(()));
        for origin in [
            "https://127.0.0.1:8601",
            "http://127.0.0.1:8600",
            "http://127.0.0.1",
            "http://localhost:8601",
            "http://127.0.0.1:8601.evil.example",
            "http://evil.example",
            "null",
            "",
        ] {
            assert_eq!(post(&[HOST_IS, ("origin", origin)]), Err(NotOwn::Foreign), "{origin}");
            // The one does not make up for the other.
            let both = [HOST_IS, ("origin", origin), site("same-origin")];
            assert_eq!(post(&both), Err(NotOwn::Foreign), "{origin}");
        }
        for other in ["same-site", "cross-site", "none", "Same-Origin", ""] {
            let both = [HOST_IS, ("origin", "http://127.0.0.1:8601"), site(other)];
            assert_eq!(post(&both), Err(NotOwn::Foreign), "{other}");
        }
        let twice = [HOST_IS, ("origin", "http://127.0.0.1:8601"), ("origin", "http://evil.example")];
        assert_eq!(post(&twice), Err(NotOwn::Foreign));
        assert_eq!(post(&[("origin", "http://127.0.0.1:8601")]), Err(NotOwn::Foreign), "no host");
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            assert_eq!(checked(method, &[HOST_IS], Channel::Loopback), Err(NotOwn::Unknown), "{method}");
        }
    }

    #[test]
    fn behind_tls_the_origin_is_https() {
        let of = |origin| checked("POST", &[("host", "pbx.example"), ("origin", origin)], Channel::Secure);
        assert_eq!(of("https://pbx.example"), Ok(()));
        assert_eq!(of("HTTPS://PBX.example"), Ok(()));
        assert_eq!(of("http://pbx.example"), Err(NotOwn::Foreign));
    }

    #[test]
    fn what_reads_may_come_from_an_address_line_and_not_from_another_page() {
        let get = |headers: &[(&str, &str)]| checked("GET", headers, Channel::Loopback);
        assert_eq!(get(&[HOST_IS]), Ok(()));
        assert_eq!(get(&[HOST_IS, ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(get(&[HOST_IS, ("sec-fetch-site", "same-site")]), Err(NotOwn::Foreign));
        assert_eq!(get(&[HOST_IS, ("sec-fetch-site", "cross-site")]), Err(NotOwn::Foreign));
        assert_eq!(get(&[HOST_IS, ("origin", "http://evil.example")]), Err(NotOwn::Foreign));
        let upgrade = ("upgrade", "websocket");
        assert_eq!(get(&[HOST_IS, upgrade]), Err(NotOwn::Unknown));
        assert_eq!(get(&[HOST_IS, upgrade, ("sec-fetch-site", "none")]), Err(NotOwn::Foreign));
        assert_eq!(get(&[HOST_IS, upgrade, ("origin", "http://evil.example")]), Err(NotOwn::Foreign));
        assert_eq!(get(&[HOST_IS, upgrade, ("origin", "http://127.0.0.1:8601")]), Ok(()));
    }
}
