use super::CallError;
use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Who is called: `sip:USER@HOST[:PORT][;transport=tcp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The number or name.
    pub user: String,
    /// A host name or an address, without brackets.
    pub host: String,
    /// The port, 5060 unless given.
    pub port: u16,
    /// By TCP rather than UDP.
    pub tcp: bool,
}

/// The port of SIP (RFC 3261 section 19.1.2).
pub(super) const DEFAULT_PORT: u16 = 5060;

impl Target {
    /// Parses a SIP URI.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let wrong = |reason: &str| CallError::Target { target: text.to_owned(), reason: reason.to_owned() };
        let shape = || wrong("it is not sip:NUMBER@HOST:PORT");
        let rest = match text.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("sips") => {
                return Err(wrong("TLS is not supported: use sip:"));
            }
            _ => return Err(shape()),
        };
        let (address, parameters) = rest.split_once(';').unwrap_or((rest, ""));
        let (user, host_port) = address.rsplit_once('@').ok_or_else(shape)?;
        let (host, port) = match host_port.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(shape)?;
                (host, after.strip_prefix(':'))
            }
            None => host_port.split_once(':').map_or((host_port, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("its port is not 1 to 65535"))?,
        };
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"@".contains(&byte))
        };
        if !is_word(user) || !is_word(host) {
            return Err(shape());
        }
        let mut tcp = false;
        for parameter in parameters.split(';') {
            match parameter.to_ascii_lowercase().as_str() {
                "transport=tcp" => tcp = true,
                "" | "transport=udp" | "user=phone" => {}
                other if other.starts_with("transport=") => {
                    return Err(wrong("its transport is neither udp nor tcp"));
                }
                _ => {}
            }
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port, tcp })
    }

    /// Looks the host up; an IPv4 address is preferred.
    pub(super) async fn resolve(&self) -> Result<SocketAddr, CallError> {
        let failed = |reason: String| CallError::Target { target: self.to_string(), reason };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let addresses: Vec<SocketAddr> = found.collect();
        let preferred = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        preferred.copied().ok_or_else(|| failed("its host has no address".to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, tcp } = self;
        let transport = if *tcp { ";transport=tcp" } else { "" };
        if host.contains(':') {
            write!(f, "sip:{user}@[{host}]:{port}{transport}")
        } else {
            write!(f, "sip:{user}@{host}:{port}{transport}")
        }
    }
}

/// The address from which packets to `peer` leave this machine. Nothing is sent.
pub(super) fn local_address(peer: SocketAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, printed) in [
            ("sip:+18005550100@127.0.0.1:5060", "sip:+18005550100@127.0.0.1:5060"),
            ("SIP:help@pbx.example.com", "sip:help@pbx.example.com:5060"),
            ("sip:1@[::1]:5070;transport=TCP;user=phone", "sip:1@[::1]:5070;transport=tcp"),
            ("sip:1@[::1]", "sip:1@[::1]:5060"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("+18005550100", "it is not sip:"),
            ("tel:+18005550100", "it is not sip:"),
            ("sip:127.0.0.1", "it is not sip:"),
            ("sip:@127.0.0.1", "it is not sip:"),
            ("sip:a b@127.0.0.1", "it is not sip:"),
            ("sip:a@b\r\nEvil", "it is not sip:"),
            ("sip:a@host:0", "its port"),
            ("sip:a@host:99999", "its port"),
            ("sips:a@host", "TLS is not supported"),
            ("sip:a@host;transport=ws", "its transport"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn packets_to_loopback_leave_from_loopback() {
        assert_eq!(local_address("127.0.0.1:9".parse().unwrap()).unwrap().to_string(), "127.0.0.1");
    }
}
