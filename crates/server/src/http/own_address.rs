//! The address of this server, as the sender of a request knows it.

use super::authorize::Peer;
use crate::config::{self, BaseUrl};
use hyper::HeaderMap;
use hyper::header::HOST;
use std::net::IpAddr;
use tympan_auth::Network;

/// What a proxy says of the connection that it took.
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// And of who opened it.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Headers by which a proxy shows that there is one.
const FORWARDED: [&str; 4] = [FORWARDED_PROTO, FORWARDED_FOR, "forwarded", "via"];

/// How the server's own URL is found.
#[derive(Debug, Clone)]
pub(crate) struct OwnAddress {
    /// `http.public_url`.
    public: Option<BaseUrl>,
    trusted_proxies: Vec<Network>,
}

impl OwnAddress {
    /// As configured.
    pub(crate) fn new(config: &config::Http) -> Self {
        Self { public: config.public_url.clone(), trusted_proxies: config.trusted_proxies.clone() }
    }

    /// The URL that the sender of a request can use again; `None` if the request names no host.
    ///
    /// A server that listens on all addresses, behind a mapped port or a name, knows none that holds for everyone: the
    /// one by which the request came is the one that works. Signatures cover the `Host` header.
    pub(super) fn seen_by(&self, headers: &HeaderMap, peer: Option<Peer>) -> Option<BaseUrl> {
        if self.public.is_some() {
            return self.public.clone();
        }
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
        BaseUrl::new(self.is_secure(headers, peer), host.to_str().ok()?)
    }

    /// `http.public_url`, for those who have found this server at an address that is not that of the APIs.
    pub(super) fn configured(&self) -> Option<BaseUrl> {
        self.public.clone()
    }

    fn is_trusted(&self, peer: Peer) -> bool {
        self.trusted_proxies.iter().any(|network| network.has(peer.ip))
    }

    /// Whether a request came by a proxy, trusted or not.
    pub(super) fn is_proxied(headers: &HeaderMap) -> bool {
        FORWARDED.into_iter().any(|name| headers.contains_key(name))
    }

    /// The address of the sender: the other end of the connection, or what a trusted proxy says it is.
    pub(super) fn source(&self, headers: &HeaderMap, peer: Peer) -> IpAddr {
        let ip = peer.ip.to_canonical();
        if !self.is_trusted(peer) {
            return ip;
        }
        // A proxy that adds to what the client has sent adds at the end.
        let said = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
        let said = said.and_then(|said| said.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        said.map_or(ip, |said| said.to_canonical())
    }

    /// Whether the sender speaks TLS: to this server, or to a proxy that is trusted to say so.
    pub(super) fn is_secure(&self, headers: &HeaderMap, peer: Option<Peer>) -> bool {
        let Some(peer) = peer else { return false };
        if !self.is_trusted(peer) {
            return peer.is_secure;
        }
        // A proxy that adds to what the client has sent adds at the end.
        let said = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(|value| value.to_str().ok());
        match said.and_then(|said| said.rsplit(',').next()).map(str::trim) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
            _ => peer.is_secure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    fn own(public_url: &str, trusted: &[&str]) -> OwnAddress {
        let config = config::Http {
            public_url: (!public_url.is_empty()).then(|| public_url.parse().unwrap()),
            trusted_proxies: trusted.iter().map(|network| network.parse().unwrap()).collect(),
            ..config::Http::default()
        };
        OwnAddress::new(&config)
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    fn seen(own: &OwnAddress, lines: &[(&str, &str)], ip: &str, is_secure: bool) -> Option<String> {
        let peer = Peer { ip: ip.parse().unwrap(), is_secure };
        own.seen_by(&headers(lines), Some(peer)).map(|url| url.to_string())
    }

    #[test]
    fn a_request_is_answered_with_the_host_and_the_scheme_that_it_came_by() {
        let own = own("", &[]);
        for (host, is_secure, url) in [
            ("127.0.0.1:8600", false, "http://127.0.0.1:8600"),
            ("localhost:8600", false, "http://localhost:8600"),
            ("[::1]:8600", false, "http://[::1]:8600"),
            ("kvs.example", true, "https://kvs.example"),
        ] {
            assert_eq!(seen(&own, &[("host", host)], "10.0.0.9", is_secure).as_deref(), Some(url));
        }
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        let own = own("", &[]);
        for host in ["", "a b", "kvs/path", "kvs:80:80", "user@kvs", "kvs:x", "kvs\u{e9}", "kvs\"", "a,b"] {
            assert_eq!(seen(&own, &[("host", host)], "10.0.0.9", false), None, "{host:?}");
        }
        assert_eq!(seen(&own, &[("host", "a"), ("host", "b")], "10.0.0.9", false), None);
        assert_eq!(seen(&own, &[], "10.0.0.9", false), None);
    }

    #[test]
    fn only_a_trusted_proxy_says_by_which_scheme_the_client_came() {
        let own = own("", &["10.0.0.0/8"]);
        let from = |ip: &str, proto: &str| {
            seen(&own, &[("host", "kvs.example"), (FORWARDED_PROTO, proto)], ip, false).unwrap()
        };
        assert_eq!(from("10.0.0.9", "https"), "https://kvs.example");
        assert_eq!(from("::ffff:10.0.0.9", "HTTPS"), "https://kvs.example");
        assert_eq!(from("10.0.0.9", "http, https"), "https://kvs.example");
        assert_eq!(from("10.0.0.9", "https, http"), "http://kvs.example");
        assert_eq!(from("10.0.0.9", "gopher"), "http://kvs.example");
        assert_eq!(from("192.0.2.1", "https"), "http://kvs.example");
    }

    #[test]
    fn only_a_trusted_proxy_says_who_the_client_is() {
        let own = own("", &["10.0.0.0/8"]);
        let source = |ip: &str, said: &str| {
            let peer = Peer { ip: ip.parse().unwrap(), is_secure: false };
            own.source(&headers(&[(FORWARDED_FOR, said)]), peer).to_string()
        };
        assert_eq!(source("10.0.0.9", "203.0.113.7, 198.51.100.2"), "198.51.100.2");
        assert_eq!(source("10.0.0.9", "::ffff:198.51.100.2"), "198.51.100.2");
        assert_eq!(source("10.0.0.9", "unknown"), "10.0.0.9");
        assert_eq!(source("::ffff:192.0.2.1", "198.51.100.2"), "192.0.2.1");
        assert!(OwnAddress::is_proxied(&headers(&[("via", "1.1 proxy")])));
        assert!(!OwnAddress::is_proxied(&headers(&[("host", "kvs.example")])));
    }

    #[test]
    fn a_configured_url_is_the_answer_to_everyone() {
        let own = own("https://kvs.example/", &["10.0.0.0/8"]);
        let lines = [("host", "127.0.0.1:8600"), (FORWARDED_PROTO, "http")];
        assert_eq!(seen(&own, &lines, "10.0.0.9", false).as_deref(), Some("https://kvs.example"));
        assert_eq!(seen(&own, &[], "192.0.2.1", false).as_deref(), Some("https://kvs.example"));
    }
}
