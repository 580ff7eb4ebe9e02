//! What a REGISTER asks for (RFC 3261 section 10.2).

use super::super::Limits;
use super::super::path::Hop;
use crate::dialog::ROUTES_MAX;
use crate::wire::{Address, Name, Request, Scheme, Status, Uri, decimal};
use std::sync::Arc;

/// Where neither Expires nor a Contact says it, and where what they say cannot be read (RFC 3261 section 10.2.1.1), in seconds.
const EXPIRES_DEFAULT_S: u32 = 3_600;
/// Contacts of one REGISTER.
const CONTACTS_MAX: usize = 32;
/// Bytes of a Contact, of an instance and of all of Path that are kept.
const KEPT_MAX_BYTES: usize = 1_024;

/// A REGISTER that can be served.
#[derive(Debug)]
pub(in crate::agent) enum Wish {
    /// No Contact: what is bound?
    Query,
    /// `*`: nothing shall be bound.
    RemoveAll,
    /// Bindings to add, refresh or remove.
    Change(Vec<WishedContact>),
}

/// One Contact.
#[derive(Debug)]
pub(in crate::agent) struct WishedContact {
    pub(super) uri: Uri,
    /// 0 removes.
    pub(super) expires_s: u32,
    pub(super) q_thousandths: u16,
    pub(super) instance: Option<Arc<str>>,
    pub(super) reg_id: Option<u32>,
}

/// A REGISTER that cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum BadWish {
    /// 400 with this reason.
    Bad(&'static str),
    /// 423 with this Min-Expires.
    TooBrief(u32),
    /// 416: a Contact that SIP does not reach, or a secured one.
    Scheme,
}

impl BadWish {
    pub(in crate::agent) const fn status(self) -> Status {
        match self {
            Self::Bad(_) => Status::BAD_REQUEST,
            Self::TooBrief(_) => Status::INTERVAL_TOO_BRIEF,
            Self::Scheme => Status::UNSUPPORTED_URI_SCHEME,
        }
    }
}

impl Wish {
    pub(in crate::agent) fn read(request: &Request, limits: &Limits) -> Result<Self, BadWish> {
        let message = &request.message;
        let expires = message.value(Name::Expires);
        let contacts: Vec<&[u8]> = message.items(Name::Contact).take(CONTACTS_MAX + 1).collect();
        if contacts.is_empty() {
            return Ok(Self::Query);
        }
        if contacts.len() > CONTACTS_MAX {
            return Err(BadWish::Bad("Too Many Contacts"));
        }
        if contacts.contains(&&b"*"[..]) {
            let is_alone = contacts.len() == 1 && expires.and_then(decimal) == Some(0);
            return if is_alone { Ok(Self::RemoveAll) } else { Err(BadWish::Bad("Bad Wildcard Contact")) };
        }
        let wished = contacts.into_iter().map(|contact| {
            let contact = Address::parse(&message.text_of(contact)).ok_or(BadWish::Bad("Bad Contact"))?;
            WishedContact::read(&contact, expires, limits)
        });
        wished.collect::<Result<_, _>>().map(Self::Change)
    }

    /// The proxies of Path (RFC 3327), the first hop first.
    pub(in crate::agent) fn path(request: &Request) -> Result<Arc<[Box<str>]>, BadWish> {
        let message = &request.message;
        let mut kept_bytes = 0_usize;
        let mut path = Vec::new();
        for item in message.items(Name::Path) {
            kept_bytes = kept_bytes.saturating_add(item.len());
            let hop = Address::parse(&message.text_of(item)).ok_or(BadWish::Bad("Bad Path"))?;
            if path.len() >= ROUTES_MAX || kept_bytes > KEPT_MAX_BYTES || Hop::of(hop.uri()).is_none() {
                return Err(BadWish::Bad("Bad Path"));
            }
            path.push(format!("<{}>", hop.uri().as_str()).into());
        }
        Ok(path.into())
    }
}

impl WishedContact {
    fn read(contact: &Address, expires: Option<&[u8]>, limits: &Limits) -> Result<Self, BadWish> {
        let uri = contact.uri();
        if !matches!(uri.scheme(), Scheme::Sip) || Hop::of(uri).is_none() {
            return Err(BadWish::Scheme);
        }
        if uri.has_headers() || uri.as_str().len() > KEPT_MAX_BYTES {
            return Err(BadWish::Bad("Bad Contact"));
        }
        let own = contact.param("expires").map(|text| decimal(text.as_bytes()));
        let wanted = own.or(expires.map(decimal));
        // What cannot be read, and what is beyond 2^32, is as the default.
        let expires_s = wanted.flatten().unwrap_or(EXPIRES_DEFAULT_S);
        if expires_s > 0 && expires_s < limits.registration_min_s {
            return Err(BadWish::TooBrief(limits.registration_min_s));
        }
        let instance =
            contact.param("+sip.instance").filter(|id| !id.is_empty() && id.len() <= KEPT_MAX_BYTES);
        Ok(Self {
            uri: uri.detached(),
            expires_s: expires_s.min(limits.registration_max_s),
            q_thousandths: contact.param("q").and_then(thousandths).unwrap_or(1_000),
            instance: instance.map(Arc::from),
            reg_id: contact.param("reg-id").and_then(|id| decimal(id.as_bytes())),
        })
    }
}

/// A qvalue (RFC 3261 section 25.1) in thousandths: `0.7`, `1`, `1.000`.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) || !matches!(whole, "0" | "1") {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    let value = if whole == "1" { 1_000 + part } else { part };
    (value <= 1_000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qvalue_is_read_in_thousandths_and_anything_else_is_none() {
        for (text, value) in [("1", 1_000), ("1.0", 1_000), ("0", 0), ("0.7", 700), ("0.125", 125), ("0.", 0)]
        {
            assert_eq!(thousandths(text), Some(value), "{text}");
        }
        for text in ["", "2", "1.1", "0.1234", "-1", ".5", "0.x"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
