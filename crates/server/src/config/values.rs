//! Keys whose text has a form.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use tracing_subscriber::EnvFilter;
use tympan_types::Redacted;

/// At which size files of lines are put aside, unless the configuration says otherwise.
pub(super) const FILE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// What stands for a secret wherever a configuration is shown.
pub(super) const HIDDEN: &str = "(hidden)";

/// A secret in the clear. It can be read and is never written: neither by `Debug` nor as a value.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(Redacted<String>);

impl Secret {
    /// The secret, for the code that has business with it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(Redacted::new(secret.to_owned()))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { HIDDEN })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { HIDDEN })
    }
}

/// `127.0.0.1:8600`, `[::1]:8600`, `localhost:0`: where to listen. A name is looked up when the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress(String);

impl ListenAddress {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first address that it stands for.
    ///
    /// # Errors
    /// A name that cannot be looked up.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        let first = self.0.to_socket_addrs()?.next();
        first.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
            let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
                None => {
                    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                    !host.is_empty() && host.bytes().all(fits)
                }
            };
            is_host && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
        if is_address {
            Ok(Self(text.to_owned()))
        } else {
            Err("it is not ADDRESS:PORT, such as 127.0.0.1:8600 or [::1]:8600".to_owned())
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The URL of a service or a function, with whatever path: `http://127.0.0.1:9001`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl(http::Uri);

impl ServiceUrl {
    /// The URL, with a scheme and a host.
    pub fn uri(&self) -> &http::Uri {
        &self.0
    }
}

impl FromStr for ServiceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri = text.parse::<http::Uri>().ok();
        let fits =
            |uri: &http::Uri| uri.authority().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
        uri.filter(fits).map(Self).ok_or_else(|| "it is not a URL such as http://127.0.0.1:9001".to_owned())
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URI without a path has the path "/", which its writer left out.
        let text = self.0.to_string();
        f.write_str(if self.0.path() == "/" { text.trim_end_matches('/') } else { &text })
    }
}

/// What is logged: a level, or a list such as `tympan_server=debug,warn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!(
                "it is neither a level (error, warn, info, debug, trace, off) nor a list such as \"tympan_server=debug,warn\": {error}"
            )),
        }
    }
}

impl Serialize for LogFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_address_has_a_host_and_a_port() {
        for text in ["127.0.0.1:8600", "0.0.0.0:0", "[::1]:8600", "localhost:80"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().as_str(), text);
        }
        for text in
            ["", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "::1:80", "a b:1"]
        {
            assert!(text.parse::<ListenAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_service_has_a_scheme_and_a_host_and_prints_as_it_was_written() {
        for text in ["http://127.0.0.1:9001", "https://f.example/2015/f"] {
            assert_eq!(text.parse::<ServiceUrl>().unwrap().to_string(), text);
        }
        for text in ["127.0.0.1:9001", "/f", "ftp://x", "http://", ""] {
            assert!(text.parse::<ServiceUrl>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_never_written() {
        let secret = Secret::from("hush");
        assert_eq!(format!("{secret:?}"), HIDDEN);
        assert_eq!(serde_json::to_string(&[secret, Secret::default()]).unwrap(), "[\"(hidden)\",\"\"]");
    }
}
