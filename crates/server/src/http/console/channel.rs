//! By what a request came: TLS, this machine's own loopback, or neither.

use super::super::authorize::Peer;
use super::super::own_address::OwnAddress;
use hyper::HeaderMap;

/// What lies between a browser and this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// TLS, up to this server or up to a proxy that is trusted to say so.
    Secure,
    /// Nothing but this machine.
    Loopback,
    /// A network that anyone may read, of a server that takes that: `--dev-listen-anywhere`.
    Open,
    /// A network that anyone may read, and secrets must not be sent over it.
    Exposed(Exposure),
}

/// Why a channel is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposure {
    /// Plain HTTP from another machine.
    Plain,
    /// A proxy sent it, and no trusted one says that the browser speaks TLS.
    Proxy,
}

impl Exposure {
    /// What to do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Plain => {
                "Sign-in needs TLS here, because the secret would cross the network in the clear. Set http.tls_certificate_file and \
                 http.tls_key_file, put a proxy with TLS before the console, or open the console on the server's own machine, as by \
                 `ssh -L 8601:127.0.0.1:8601 SERVER`."
            }
            Self::Proxy => {
                "Sign-in needs TLS up to the browser, and the request came by a proxy that does not say so. List the proxy in \
                 http.trusted_proxies, and let it send X-Forwarded-Proto: https."
            }
        }
    }
}

impl Channel {
    /// The channel of a request. `is_open`: plain HTTP is taken from everywhere.
    pub(super) fn of(own: &OwnAddress, headers: &HeaderMap, peer: Peer, is_open: bool) -> Self {
        if own.is_secure(headers, Some(peer)) {
            return Self::Secure;
        }
        match (OwnAddress::is_proxied(headers), peer.ip.to_canonical().is_loopback()) {
            (false, true) => Self::Loopback,
            _ if is_open => Self::Open,
            (true, _) => Self::Exposed(Exposure::Proxy),
            (false, false) => Self::Exposed(Exposure::Plain),
        }
    }

    /// How the browser calls the scheme.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Secure => "https",
            Self::Loopback | Self::Open | Self::Exposed(_) => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    /// Where the peer is, whether TLS is in between, headers, and the channel.
    type Case<'a> = (&'a str, bool, &'a [(&'a str, &'a str)], Channel);

    fn channel(ip: &str, is_secure: bool, headers: &[(&str, &str)]) -> Channel {
        let trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        let own = OwnAddress::new(&config::Http { trusted_proxies, ..config::Http::default() });
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Channel::of(&own, &headers.collect(), Peer { ip: ip.parse().unwrap(), is_secure }, false)
    }

    #[test]
    fn plain_http_is_exposed_but_from_loopback_and_behind_a_trusted_proxy_with_tls() {
        let proto = "x-forwarded-proto";
        let cases: [Case<'_>; 11] = [
            ("127.0.0.1", false, &[], Channel::Loopback),
            ("::1", false, &[], Channel::Loopback),
            ("::ffff:127.0.0.1", false, &[], Channel::Loopback),
            ("192.0.2.1", false, &[], Channel::Exposed(Exposure::Plain)),
            ("192.0.2.1", true, &[], Channel::Secure),
            ("192.0.2.1", false, &[(proto, "https")], Channel::Exposed(Exposure::Proxy)),
            ("127.0.0.1", false, &[(proto, "https")], Channel::Exposed(Exposure::Proxy)),
            ("127.0.0.1", false, &[("forwarded", "for=192.0.2.1")], Channel::Exposed(Exposure::Proxy)),
            ("10.0.0.1", false, &[(proto, "https")], Channel::Secure),
            ("10.0.0.1", false, &[(proto, "http")], Channel::Exposed(Exposure::Proxy)),
            ("10.0.0.1", false, &[], Channel::Exposed(Exposure::Plain)),
        ];
        for (ip, is_secure, headers, expected) in cases {
            assert_eq!(channel(ip, is_secure, headers), expected, "{ip} {is_secure} {headers:?}");
        }
    }
}
