//! Small header values.

use super::Method;
use super::head::{is_token, trim};
use std::fmt;

/// CSeq (RFC 3261 section 20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    /// The method.
    pub method: Method,
}

/// RAck (RFC 3262 section 7.2): which reliable response of which request a PRACK acknowledges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    /// RSeq of the response.
    pub response: u32,
    /// CSeq of the request.
    pub request: CSeq,
}

/// Session-Expires (RFC 4028 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// The interval in seconds.
    pub interval_s: u32,
    /// Who refreshes: `Some(true)` the UAS, `Some(false)` the UAC, `None` not said.
    pub refresher_is_uas: Option<bool>,
}

impl CSeq {
    /// Parses a value; leading zeros are fine, 2^31 and above are not.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut words = words(value);
        let cseq = Self::read(&mut words)?;
        words.next().is_none().then_some(cseq)
    }

    fn read<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let number = number(words.next()?).filter(|&number| number < 1 << 31)?;
        let method = words.next().filter(|method| method.iter().all(|&byte| is_token(byte)))?;
        Some(Self { number, method: Method::parse(std::str::from_utf8(method).ok()?) })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

impl RAck {
    /// Parses a value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut words = words(value);
        let response = number(words.next()?)?;
        let request = CSeq::read(&mut words)?;
        words.next().is_none().then_some(Self { response, request })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.response, self.request)
    }
}

impl SessionExpires {
    /// Parses a value; unknown parameters are ignored.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut params = value.split(|&byte| byte == b';').map(trim);
        let interval_s = number(params.next()?)?;
        let refresher = params.find_map(|param| {
            let equals = param.iter().position(|&byte| byte == b'=')?;
            let (name, value) = param.split_at(equals);
            trim(name).eq_ignore_ascii_case(b"refresher").then(|| trim(value.get(1..).unwrap_or_default()))
        });
        let refresher_is_uas = match refresher {
            Some(role) if role.eq_ignore_ascii_case(b"uas") => Some(true),
            Some(role) if role.eq_ignore_ascii_case(b"uac") => Some(false),
            _ => None,
        };
        Some(Self { interval_s, refresher_is_uas })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval_s)?;
        match self.refresher_is_uas {
            Some(true) => f.write_str(";refresher=uas"),
            Some(false) => f.write_str(";refresher=uac"),
            None => Ok(()),
        }
    }
}

/// A decimal number alone, such as Max-Forwards, RSeq, Min-SE, Expires, Retry-After. `None` from 2^32 on.
pub fn number(value: &[u8]) -> Option<u32> {
    let digits = trim(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| value.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

/// What stands between spaces and tabs.
pub(super) fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}
