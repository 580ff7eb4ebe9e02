//! URIs: `sip`, `sips`, `tel` and others (RFC 3261 section 19.1, RFC 3966).

use super::head::Span;
use super::number;
use super::{Text, URI_LIMIT_BYTES};
use std::borrow::Cow;
use std::fmt;

/// The most parameters, and the most headers, of one URI.
const PARTS_LIMIT: usize = 64;

/// The scheme of a URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other, such as `urn`, in lower case.
    Other(Box<str>),
}

/// A URI. Prints as it was written.
#[derive(Debug, Clone)]
pub struct Uri {
    text: Text,
    kind: Kind,
    /// What stands before the `@`, without the password; the number of a `tel` with its parameters.
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sip,
    Sips,
    Tel,
    Other,
}

/// A telephone number or name out of a URI: what a dial plan compares.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number {
    /// Global numbers begin with `+`; visual separators are gone (RFC 3966 section 5.1.1). A name is as it was, unescaped.
    pub text: String,
    /// `phone-context` of a local number, where one is given.
    pub context: Option<String>,
}

impl Uri {
    /// Parses a URI alone, without angle brackets. At most [`URI_LIMIT_BYTES`] long, with at most 64 parameters and 64 headers:
    /// comparing two costs the product of them.
    pub fn parse(text: &Text) -> Option<Self> {
        let whole = text.as_str();
        let is_crowded = |separator: char| whole.matches(separator).count() > PARTS_LIMIT;
        if whole.len() > URI_LIMIT_BYTES || is_crowded(';') || is_crowded('&') {
            return None;
        }
        if whole.bytes().any(|byte| matches!(byte, 0..=b' ' | b'<' | b'>' | b'"' | 0x7f)) {
            return None;
        }
        let colon = whole.find(':')?;
        let (scheme, _) = whole.split_at(colon);
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let kind = match scheme {
            _ if scheme.eq_ignore_ascii_case("sip") => Kind::Sip,
            _ if scheme.eq_ignore_ascii_case("sips") => Kind::Sips,
            _ if scheme.eq_ignore_ascii_case("tel") => Kind::Tel,
            _ => Kind::Other,
        };
        let end = whole.len();
        let mut uri = Self {
            text: text.clone(),
            kind,
            user: None,
            password: None,
            host: Span::new(end, end)?,
            port: None,
            params: Span::new(end, end)?,
            headers: Span::new(end, end)?,
        };
        match kind {
            Kind::Sip | Kind::Sips => uri.read_sip(colon + 1)?,
            Kind::Tel => uri.read_tel(colon + 1)?,
            Kind::Other => drop(whole.get(colon + 1..).filter(|rest| !rest.is_empty())?),
        }
        Some(uri)
    }

    fn read_sip(&mut self, start: usize) -> Option<()> {
        let text = self.text.clone();
        let whole = text.as_str();
        let end = whole.len();
        let rest = whole.get(start..)?;
        let mut host_start = start;
        // A user may hold `;`, `?` and `/`, so the `@` is looked for first. Only one may stand unescaped.
        if let Some(at) = rest.find('@') {
            host_start = start + at + 1;
            if whole.get(host_start..)?.contains('@') {
                return None;
            }
            let userinfo = rest.get(..at)?;
            let user_end = userinfo.find(':').unwrap_or(at);
            if user_end > 0 {
                self.user = Some(Span::new(start, start + user_end)?);
            }
            if user_end < at {
                self.password = Some(Span::new(start + user_end + 1, start + at)?);
            }
        }
        let host_port = whole.get(host_start..)?;
        let length = host_port.find([';', '?']).unwrap_or(host_port.len());
        let (host, port) = host_and_port(host_port.get(..length)?)?;
        let offset = usize::from(host_port.starts_with('['));
        self.host = Span::new(host_start + offset, host_start + offset + host.len())?;
        self.port = port;
        let params_start = host_start + length;
        let headers_start = whole.get(params_start..)?.find('?').map_or(end, |at| params_start + at);
        self.params = Span::new(params_start, headers_start)?;
        self.headers = Span::new((headers_start + 1).min(end), end)?;
        Some(())
    }

    fn read_tel(&mut self, start: usize) -> Option<()> {
        let rest = self.text.as_str().get(start..)?;
        let length = rest.find(';').unwrap_or(rest.len());
        let is_number = |byte: u8| {
            byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')' | b'%')
        };
        if length == 0 || !rest.get(..length)?.bytes().all(is_number) {
            return None;
        }
        let (user, params) =
            (Span::new(start, start + length)?, Span::new(start + length, start + rest.len())?);
        (self.user, self.params) = (Some(user), params);
        Some(())
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        match self.kind {
            Kind::Sip => Scheme::Sip,
            Kind::Sips => Scheme::Sips,
            Kind::Tel => Scheme::Tel,
            Kind::Other => {
                let scheme = self.as_str().split(':').next().unwrap_or_default();
                Scheme::Other(scheme.to_ascii_lowercase().into())
            }
        }
    }

    /// The user part as written, without password and without parameters of the number (`;npdi`, `;rn=`).
    pub fn user(&self) -> Option<&str> {
        let user = self.whole_user()?;
        Some(number::split(user).0)
    }

    fn whole_user(&self) -> Option<&str> {
        self.user.map(|user| user.of_str(self.as_str()))
    }

    fn password(&self) -> Option<&str> {
        self.password.map(|password| password.of_str(self.as_str()))
    }

    /// Host without brackets of an IPv6 reference; empty for `tel`.
    pub fn host(&self) -> &str {
        self.host.of_str(self.as_str())
    }

    /// The port where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// A URI parameter: `Some("")` for one without a value. Names compare without case and unescaped.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|(key, _)| unescape(key).eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.params.of_str(self.as_str()), ';')
    }

    /// The number or name: `%2B` is `+`, separators go, `;phone-context` with a global prefix is put before.
    pub fn number(&self) -> Option<Number> {
        match self.kind {
            Kind::Sip | Kind::Sips => {
                let (user, params) = number::split(self.whole_user()?);
                let context = pairs(params, ';').find(|(key, _)| key.eq_ignore_ascii_case("phone-context"));
                let context = context.map(|(_, context)| context).or(self.param("phone-context"));
                Some(number::number(user, context))
            }
            Kind::Tel => Some(number::number(self.whole_user()?, self.param("phone-context"))),
            Kind::Other => None,
        }
    }

    /// Equal as RFC 3261 section 19.1.4 compares.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match self.kind {
            Kind::Sip | Kind::Sips => {
                let is_same_part = |own: Option<&str>, others: Option<&str>| match (own, others) {
                    (Some(own), Some(others)) => units(own).eq(units(others)),
                    (own, others) => own == others,
                };
                is_same_part(self.whole_user(), other.whole_user())
                    && is_same_part(self.password(), other.password())
                    && is_same_host(self.host(), other.host())
                    && self.port == other.port
                    && self.has_params_of(other)
                    && other.has_params_of(self)
                    && self.has_headers_of(other)
                    && other.has_headers_of(self)
            }
            Kind::Tel => {
                // RFC 3966 section 4: numbers without separators, every parameter on both sides.
                let text = |uri: &Self| uri.number().map(|number| number.text);
                text(self) == text(other)
                    && [(self, other), (other, self)].iter().all(|(one, two)| {
                        one.params().all(|(key, _)| {
                            let key = unescape(key);
                            let (own, theirs) = (one.param(&key), two.param(&key));
                            own.zip(theirs).is_some_and(|(own, theirs)| own.eq_ignore_ascii_case(theirs))
                        })
                    })
            }
            Kind::Other => self.as_str() == other.as_str(),
        }
    }

    /// What stands on both sides is equal; `user`, `ttl`, `method`, `maddr`, `transport` may not stand on one side alone.
    /// Of a parameter that stands twice, the first counts.
    fn has_params_of(&self, other: &Self) -> bool {
        other.params().all(|(key, _)| {
            let key = unescape(key);
            match (self.param(&key), other.param(&key)) {
                (Some(own), Some(theirs)) => is_same_ignoring_case(own, theirs),
                _ => !["user", "ttl", "method", "maddr", "transport"]
                    .iter()
                    .any(|name| key.eq_ignore_ascii_case(name)),
            }
        })
    }

    fn has_headers_of(&self, other: &Self) -> bool {
        pairs(other.headers.of_str(other.as_str()), '&').all(|(key, value)| {
            pairs(self.headers.of_str(self.as_str()), '&')
                .any(|(own, own_value)| is_same_ignoring_case(own, key) && units(own_value).eq(units(value)))
        })
    }

    /// The first header of this name after the `?`, unescaped. Names compare without case.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        pairs(self.headers.of_str(self.as_str()), '&')
            .find(|(key, _)| unescape(key).eq_ignore_ascii_case(name))
            .map(|(_, value)| unescape(value))
    }

    /// The URI up to its headers.
    pub fn without_headers(&self) -> &str {
        match self.kind {
            Kind::Sip | Kind::Sips => {
                let end = self.params.range().end;
                self.as_str().get(..end).unwrap_or_default()
            }
            Kind::Tel | Kind::Other => self.as_str(),
        }
    }

    /// True where a `?` and headers follow the parameters.
    pub fn has_headers(&self) -> bool {
        !self.headers.of_str(self.as_str()).is_empty()
    }

    /// True where the URI has the `lr` parameter: a loose router.
    pub fn is_loose_router(&self) -> bool {
        self.param("lr").is_some()
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

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `name=value` and `name` between separators.
fn pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    text.split(separator)
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The characters of a part as they compare (RFC 3261 section 19.1.4): an escape is equal to what it stands for, unless that is
/// reserved (`%3B` is not `;`). The second is true for a reserved character that is escaped.
fn units(text: &str) -> impl Iterator<Item = (u8, bool)> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        if let [b'%', high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = after;
            let byte = high << 4 | low;
            return Some((byte, b";/?:@&=+$,".contains(&byte)));
        }
        let (&byte, after) = rest.split_first()?;
        rest = after;
        Some((byte, false))
    })
}

fn is_same_ignoring_case(one: &str, other: &str) -> bool {
    let lower = |(byte, is_escaped): (u8, bool)| (byte.to_ascii_lowercase(), is_escaped);
    units(one).map(lower).eq(units(other).map(lower))
}

fn is_same_host(one: &str, other: &str) -> bool {
    match (one.parse::<std::net::Ipv6Addr>(), other.parse::<std::net::Ipv6Addr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// Splits `host`, `host:port`, `[IPv6]` and `[IPv6]:port`; the host comes without brackets.
pub(super) fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            if host.is_empty() || !host.bytes().all(is_address) {
                return None;
            }
            (
                host,
                if rest.is_empty() {
                    None
                } else {
                    Some(rest.trim_start_matches([' ', '\t']).strip_prefix(':')?)
                },
            )
        }
        None => {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            let host = host.trim_end_matches([' ', '\t']);
            let is_host =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80;
            if host.is_empty() || !host.bytes().all(is_host) {
                return None;
            }
            (host, port)
        }
    };
    let Some(port) = port.map(|port| port.trim_start_matches([' ', '\t'])) else { return Some((host, None)) };
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((host, Some(port.parse().ok().filter(|&port| port != 0)?)))
}

/// Undoes `%XX`. What is no escape stays; bytes that are no UTF-8 are read as Latin-1.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if let (b'%', [high, low, after @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    Cow::Owned(Text::from_packet(bytes.into()).as_str().to_owned())
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
