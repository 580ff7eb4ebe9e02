use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The longest name that DNS has, with a port.
const HOST_LIMIT_BYTES: usize = 253 + ":65535".len();

/// `http://kvs.example:8600`: a scheme, a host, perhaps a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    is_secure: bool,
    host: String,
}

impl BaseUrl {
    /// The URL of a host, named as in a `Host` header; `None` if that is no host.
    pub fn new(is_secure: bool, host: &str) -> Option<Self> {
        is_host(host).then(|| Self { is_secure, host: host.to_owned() })
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| format!("{text:?} is not a URL such as http://kvs.example:8600: {why}");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let is_secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("its scheme is neither http nor https")),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(after) = host.find(['/', '?', '#'])
            && is_host(&host[..after])
        {
            return Err(wrong("it has a path or a query, and clients put their own behind it"));
        }
        Self::new(is_secure, host).ok_or_else(|| wrong("it has no valid host"))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_secure { "https" } else { "http" }, self.host)
    }
}

/// `name`, `10.0.0.7` or `[::1]`, with a port or without: nothing that could end a header or a URL.
fn is_host(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_named, port) = match bracketed {
        Some((address, rest)) => (address.parse::<Ipv6Addr>().is_ok(), rest),
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (!name.is_empty() && name.bytes().all(fits), port)
        }
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_named
        && text.len() <= HOST_LIMIT_BYTES
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_a_host_is_read_and_written() {
        for url in [
            "http://kvs.example:8600",
            "https://kvs.example",
            "http://10.0.0.7:80",
            "http://[2001:db8::1]:8600",
            "https://[::1]",
            "http://my_service-1",
        ] {
            assert_eq!(url.parse::<BaseUrl>().unwrap().to_string(), url);
        }
        assert_eq!("http://kvs/".parse::<BaseUrl>().unwrap().to_string(), "http://kvs");
    }

    #[test]
    fn what_is_no_url_of_a_host_is_refused_with_the_reason() {
        for (url, why) in [
            ("kvs.local:8600", "it has no scheme"),
            ("", "it has no scheme"),
            ("ftp://x", "its scheme is neither http nor https"),
            ("HTTP//x", "it has no scheme"),
            ("http://x y", "it has no valid host"),
            ("http://", "it has no valid host"),
            ("http://:8600", "it has no valid host"),
            ("http://kvs:", "it has no valid host"),
            ("http://kvs:65536", "it has no valid host"),
            ("http://kvs:+80", "it has no valid host"),
            ("http://user@kvs", "it has no valid host"),
            ("http://[::1", "it has no valid host"),
            ("http://::1:80", "it has no valid host"),
            ("http://kvs\r\nx: y", "it has no valid host"),
            ("http://kvs/media", "it has a path or a query"),
            ("https://kvs?x=1", "it has a path or a query"),
        ] {
            let refused = url.parse::<BaseUrl>().unwrap_err();
            assert!(refused.contains(why), "{url:?}: {refused}");
        }
        assert!(format!("http://{}", "a".repeat(300)).parse::<BaseUrl>().is_err());
    }
}
