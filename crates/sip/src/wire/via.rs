//! Via (RFC 3261 section 20.42, RFC 3581): where a response goes.

use super::Text;
use super::head::{Span, is_token};
use super::params::Params;
use super::uri::host_and_port;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
}

impl Transport {
    /// True where nothing is lost, so that nothing is repeated.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// `UDP`, `TCP`, `TLS`, as in Via.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The top Via of a message.
#[derive(Debug, Clone)]
pub struct Via {
    text: Text,
    /// The transport as written.
    transport: Span,
    /// Of sent-by, without brackets.
    host: Span,
    port: Option<u16>,
    params: Params,
}

impl Via {
    /// Parses one value. Space may stand around the slashes, the colon and the semicolons.
    pub fn parse(text: &Text) -> Option<Self> {
        let whole = text.as_str();
        let end = whole.find(';').unwrap_or(whole.len());
        let front = whole.get(..end)?;
        let mut slashes = front.match_indices('/').map(|(at, _)| at);
        let (first, second) = (slashes.next()?, slashes.next()?);
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_token);
        let protocol = front.get(..first)?.trim_matches(SPACE);
        let version = front.get(first + 1..second)?.trim_matches(SPACE);
        if !protocol.eq_ignore_ascii_case("SIP") || !is_word(version) {
            return None;
        }
        let transport_start = end - front.get(second + 1..)?.trim_start_matches(SPACE).len();
        let transport_end = transport_start + front.get(transport_start..)?.find(SPACE)?;
        if !is_word(front.get(transport_start..transport_end)?) {
            return None;
        }
        let sent_by = front.get(transport_end..)?.trim_matches(SPACE);
        let (host, port) = host_and_port(sent_by)?;
        let host_start = end - front.get(transport_end..)?.trim_start_matches(SPACE).len()
            + usize::from(sent_by.starts_with('['));
        Some(Self {
            transport: Span::new(transport_start, transport_end)?,
            host: Span::new(host_start, host_start + host.len())?,
            port,
            params: Params::parse(whole, end)?,
            text: text.clone(),
        })
    }

    /// The transport as written, such as `UDP`.
    pub fn transport(&self) -> &str {
        self.transport.of_str(&self.text)
    }

    /// Host of sent-by, without brackets.
    pub fn host(&self) -> &str {
        self.host.of_str(&self.text)
    }

    /// Port of sent-by where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The `branch` parameter; `None` for an RFC 2543 peer.
    pub fn branch(&self) -> Option<&str> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }

    /// A parameter: `Some("")` for one without a value. Names compare without case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(&self.text, name)
    }

    /// True where the branch begins with the magic cookie `z9hG4bK`.
    pub fn has_cookie(&self) -> bool {
        self.branch().is_some_and(|branch| branch.len() > 7 && branch.starts_with("z9hG4bK"))
    }

    /// True where `rport` is a parameter.
    pub fn wants_rport(&self) -> bool {
        self.param("rport").is_some()
    }

    /// Where a response to a request goes that came by UDP from `source` (RFC 3261 18.2.2, RFC 3581): the source address, and
    /// the source port where `rport` is asked for or forced, else the port of sent-by, else 5060. `maddr` is not followed: a
    /// request must not choose who is sent its response.
    pub fn answer_to(&self, source: SocketAddr, force_rport: bool) -> SocketAddr {
        if force_rport || self.wants_rport() {
            return source;
        }
        let mut to = source;
        to.set_port(self.port.unwrap_or(5060));
        to
    }

    /// The value for the response: `received` where the source differs from sent-by or `rport` is asked for (RFC 3581 section
    /// 4), `rport=PORT` where it is asked for or forced. What the peer wrote in their place is dropped.
    pub fn answered(&self, source: SocketAddr, force_rport: bool) -> String {
        let text = self.text.as_str();
        let has_rport = force_rport || self.wants_rport();
        let address = source.ip().to_canonical();
        let is_source = self.host().parse::<IpAddr>().is_ok_and(|host| host.to_canonical() == address);
        let front_end = text.find(';').unwrap_or(text.len());
        let mut value = String::with_capacity(text.len() + 64);
        value.push_str(text.get(..front_end).unwrap_or_default().trim_end_matches(SPACE));
        for param in self.params.iter(text) {
            if !["received", "rport"].iter().any(|name| param.name.eq_ignore_ascii_case(name)) {
                value.push_str(param.whole.trim_end_matches(SPACE));
            }
        }
        // Writing to a string does not fail.
        if has_rport || !is_source {
            let _ = write!(value, ";received={address}");
        }
        if has_rport {
            let _ = write!(value, ";rport={}", source.port());
        }
        value
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// A copy that keeps no packet alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { text: self.text.detached(), ..self.clone() }
    }
}

const SPACE: [char; 2] = [' ', '\t'];
