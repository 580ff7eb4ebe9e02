//! The cookie of a session.

use super::channel::Channel;
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};

/// Over TLS: the prefix makes browsers take it only with Secure, with Path=/ and for this very host.
const SECURE_NAME: &str = "__Host-tympan-session";
/// On plain HTTP, where browsers refuse that prefix.
const PLAIN_NAME: &str = "tympan-session";
const ATTRIBUTES: &str = "Path=/; HttpOnly; SameSite=Strict";

/// Its name and its attributes on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionCookie {
    name: &'static str,
    is_secure: bool,
}

impl SessionCookie {
    /// The cookie of a channel; `None` where none is given or taken.
    pub(super) fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Secure => Some(Self { name: SECURE_NAME, is_secure: true }),
            Channel::Loopback | Channel::Open => Some(Self { name: PLAIN_NAME, is_secure: false }),
            Channel::Exposed(_) => None,
        }
    }

    /// Its value in a request. A cookie that is there twice is none: one of them may be another site's.
    pub(super) fn value(self, headers: &HeaderMap) -> Option<&str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(name, _)| name.trim() == self.name).map(|(_, value)| value.trim());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The header that sets it for so many seconds.
    pub(super) fn set(self, token: &str, max_age_s: i64) -> Option<HeaderValue> {
        self.header(token, max_age_s.max(0))
    }

    /// The header that ends it.
    pub(super) fn end(self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(self, value: &str, max_age_s: i64) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Max-Age={max_age_s}; {ATTRIBUTES}{secure}", self.name);
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::Exposure;
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, line.parse().unwrap())).collect()
    }

    #[test]
    fn over_tls_it_is_secure_and_bound_to_the_host_and_on_loopback_it_has_another_name() {
        let secure = SessionCookie::of(Channel::Secure).unwrap().set("t+/=", 43_200).unwrap();
        assert_eq!(
            secure,
            "__Host-tympan-session=t+/=; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        let plain = SessionCookie::of(Channel::Loopback).unwrap();
        assert_eq!(
            plain.set("t", 60).unwrap(),
            "tympan-session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Strict"
        );
        assert_eq!(plain.end().unwrap(), "tympan-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(SessionCookie::of(Channel::Exposed(Exposure::Plain)), None);
    }

    #[test]
    fn a_request_has_one_session_or_none() {
        let (secure, plain) =
            (SessionCookie::of(Channel::Secure).unwrap(), SessionCookie::of(Channel::Loopback).unwrap());
        let both = headers(&["a=b; tympan-session=x=; __Host-tympan-session=y", "c=d"]);
        assert_eq!((plain.value(&both), secure.value(&both)), (Some("x="), Some("y")));
        assert_eq!(plain.value(&headers(&["tympan-session=x", "tympan-session=y"])), None);
        assert_eq!(plain.value(&headers(&["tympan-session=x; tympan-session=x"])), None);
        assert_eq!(plain.value(&headers(&["Tympan-Session=x; xtympan-session=y; tympan-session"])), None);
        assert_eq!(secure.value(&headers(&["tympan-session=x"])), None);
    }
}
