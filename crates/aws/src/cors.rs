//! What web pages may do at a server, told by the headers that only a browser sends and no page can forge: `Origin`, and the
//! `Host` by which the browser found the server.
//!
//! Under `--dev` the access key is no secret, so any client that reaches the port may do everything. A page of another
//! origin is refused, and so is a request for another host: a name that its owner points here (DNS rebinding) would
//! make a page of theirs one of ours. Without `--dev` a request needs a key that no page has; there the origins that are
//! allowed only decide which pages may read the answers (CORS).
//!
//! Source: the Fetch standard, "CORS protocol"; the headers are those of AWS's services (aws/aws-sdk-js-v3 issue 1962).
//! Not implemented: credentials (cookies), which signed requests do not use.

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use std::net::IpAddr;

/// What a page may read of an answer beside its body: what the SDKs look for.
const EXPOSED: &str =
    "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date";
/// For how long a browser need not ask again: two days, as at AWS.
const MAX_AGE_S: &str = "172800";

/// Which pages, and which names of this server, are allowed.
#[derive(Debug, Clone, Default)]
pub struct WebRules {
    /// `http.allowed_origins`: such as `https://console.example.com`; `*` is any.
    origins: Vec<String>,
    /// Only under `--dev`.
    hosts: Option<Hosts>,
}

/// The names by which this server may be asked.
#[derive(Debug, Clone)]
struct Hosts {
    bound: IpAddr,
    names: Vec<String>,
}

/// What no SDK calls: the control calls of the emulator, and the server's own service.
const OWN: [&str; 2] = ["/_tympan", "/tympan"];

impl WebRules {
    /// The rules of a server whose requests all need a secret.
    pub fn new(origins: &[String]) -> Self {
        let origins = origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase());
        Self { origins: origins.collect(), hosts: None }
    }

    /// The rules under `--dev`: it is found at the address that it is bound to, on loopback, at `url` and under `names`.
    #[must_use]
    pub fn under_dev(mut self, bound: IpAddr, url: &str, names: &[String]) -> Self {
        let of_url = url.split_once("://").map_or(url, |(_, rest)| rest);
        let of_url = of_url.split('/').next().unwrap_or_default();
        let names = names.iter().map(String::as_str).chain([of_url]).map(host_of);
        let names = names.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
        self.hosts = Some(Hosts { bound, names: names.collect() });
        self
    }

    /// Looks at the name by which a request has found the server, and at nothing else of it.
    ///
    /// # Errors
    /// [`Refusal::Host`], only under `--dev`.
    pub fn check_host(&self, head: &Parts) -> Result<(), Refusal> {
        self.hosts.as_ref().map_or(Ok(()), |hosts| hosts.check(head))
    }

    /// Looks at the head of a request. Gives the origin whose pages may read the answer.
    ///
    /// # Errors
    /// [`Refusal`], which is a 403.
    pub fn check(&self, head: &Parts) -> Result<Option<HeaderValue>, Refusal> {
        self.check_host(head)?;
        let mut origins = head.headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        if origins.next().is_none() && self.allows(origin, head.uri.path()) {
            return Ok(Some(origin.clone()));
        }
        match self.hosts {
            Some(_) => Err(Refusal::Origin(shown(origin))),
            None => Ok(None),
        }
    }

    fn allows(&self, origin: &HeaderValue, path: &str) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        if self.origins.iter().any(|allowed| *allowed == origin || allowed == "*") {
            return true;
        }
        // A page from this machine is the developer's; what no SDK calls is not for it all the same.
        let host = origin.split_once("://").map(|(_, authority)| host_of(authority));
        let is_own = OWN.into_iter().any(|own| path.starts_with(own));
        self.hosts.is_some() && !is_own && host.is_some_and(is_loopback)
    }
}

impl Hosts {
    /// A client before HTTP/1.1 may name none: no browser is such a client.
    fn check(&self, head: &Parts) -> Result<(), Refusal> {
        let named = head.headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?"));
        let named = named.chain(head.uri.authority().map(|authority| authority.as_str()));
        let mut foreign = named.map(host_of).filter(|host| !self.allows(host));
        foreign.next().map_or(Ok(()), |host| Err(Refusal::Host(host.chars().take(80).collect())))
    }

    fn allows(&self, host: &str) -> bool {
        if is_loopback(host) || self.names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
            return true;
        }
        // No name can be made to point here that is an address already. Bound to all of them, any may be its own.
        parse_ip(host).is_some_and(|ip| self.bound.is_unspecified() || ip == self.bound)
    }
}

/// Why a request is not looked at any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The page is of another origin.
    #[error(
        "Under --dev no web page of another origin may call this server, and this one is of {0}. http.allowed_origins names those \
         that may."
    )]
    Origin(String),
    /// The server was asked under a name that is not its own.
    #[error(
        "Under --dev this server answers to the address that it listens on, and was asked as {0:?}. http.allowed_hosts adds names."
    )]
    Host(String),
}

/// The headers of the answer to a browser that asks whether a page may send a request; `None` for any other request.
pub fn preflight(head: &Parts) -> Option<HeaderMap> {
    let wanted =
        head.headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| head.method == Method::OPTIONS)?;
    let mut headers = HeaderMap::new();
    // Every operation of the service is a POST: another method is not granted.
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_S));
    if wanted == "POST"
        && let Some(asked) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS)
    {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Some(headers)
}

/// Lets the pages of an origin read an answer.
pub fn readable_by(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.insert(VARY, HeaderValue::from_static("Origin"));
}

/// An authority without its port; an IPv6 address without its brackets.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match authority.rsplit_once(':') {
        // More than one colon, and no brackets: an address as it stands in no Host header.
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || parse_ip(&host).is_some_and(|ip| ip.is_loopback())
}

fn parse_ip(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

fn shown(origin: &HeaderValue) -> String {
    String::from_utf8_lossy(origin.as_bytes()).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn dev(bound: &str) -> WebRules {
        let names = ["tympan".to_owned(), "Box.example:8600".to_owned()];
        WebRules::new(&["https://console.example.com/".to_owned()]).under_dev(
            bound.parse().unwrap(),
            "https://public.example:8443/x",
            &names,
        )
    }

    #[test]
    fn under_dev_a_name_that_was_not_given_to_this_server_is_refused() {
        let rules = dev("192.0.2.7");
        let asked = |host: &str| rules.check(&head("/listStreams", &[("host", host)])).is_ok();
        for own in [
            "127.0.0.1:8600",
            "127.8.9.1",
            "localhost:1",
            "LOCALHOST",
            "kvs.localhost:8600",
            "[::1]:8600",
            "192.0.2.7:8600",
            "tympan:8600",
            "TYMPAN",
            "box.example",
            "public.example:8443",
        ] {
            assert!(asked(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8600",
            "127.0.0.1.evil.example:8600",
            "localhost.evil.example",
            "192.0.2.8",
            "",
            "tympan.evil.example",
            "2130706433",
            "0.0.0.0:8600",
            "[::1].evil.example",
            "evil.example:127.0.0.1",
        ] {
            let refused = !asked(foreign);
            // What begins as an address in brackets is that address for every client.
            assert!(refused || foreign == "[::1].evil.example", "{foreign}");
        }
        assert!(rules.check(&head("http://evil.example/listStreams", &[("host", "127.0.0.1")])).is_err());
        assert!(rules.check(&head("/x", &[("host", "127.0.0.1"), ("host", "evil.example")])).is_err());
        assert!(rules.check(&head("/x", &[])).is_ok(), "HTTP/1.0");
        let unnamed = WebRules::new(&[]).under_dev(IpAddr::from([127, 0, 0, 1]), "", &[]);
        assert!(unnamed.check(&head("/x", &[("host", "")])).is_err());
        let everywhere = dev("0.0.0.0");
        assert!(everywhere.check(&head("/x", &[("host", "192.0.2.8:8600")])).is_ok());
        assert!(everywhere.check(&head("/x", &[("host", "evil.example:8600")])).is_err());
    }

    #[test]
    fn under_dev_a_page_of_another_origin_is_refused() {
        let rules = dev("127.0.0.1");
        let from = |origin: &str, path: &str| rules.check(&head(path, &[("origin", origin)])).is_ok();
        for own in [
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:80",
            "https://console.example.com",
        ] {
            assert!(from(own, "/listStreams"), "{own}");
        }
        for foreign in [
            "https://evil.example",
            "null",
            "",
            "http://localhost.evil.example",
            "https://console.example.com.evil.example",
            "http://127.0.0.1@evil.example",
            "file://",
        ] {
            assert!(!from(foreign, "/listStreams"), "{foreign}");
        }
        // What no SDK calls is for pages that a person has named.
        for path in ["/_tympan/reset", "/tympan/backup", "/tympan/contacts", "/tympan/events"] {
            assert!(
                !from("http://localhost:3000", path) && from("https://console.example.com", path),
                "{path}"
            );
        }
    }

    #[test]
    fn without_dev_no_request_is_refused_and_only_allowed_origins_read_the_answers() {
        let rules = WebRules::new(&["https://console.example.com".to_owned()]);
        let check = |headers: &[(&str, &str)]| rules.check(&head("/listStreams", headers)).unwrap();
        assert_eq!(check(&[("host", "any.example"), ("origin", "https://evil.example")]), None);
        assert_eq!(check(&[("origin", "http://localhost:3000")]), None);
        assert!(check(&[("origin", "https://Console.example.com")]).is_some());
        assert!(
            WebRules::new(&["*".to_owned()])
                .check(&head("/x", &[("origin", "https://any.example")]))
                .unwrap()
                .is_some()
        );
    }
}
