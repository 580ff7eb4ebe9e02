//! What is read out of SIP messages: session descriptions, digits, and the headers of an INVITE that flows may read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use tympan_contact::readable_sip_headers;
use tympan_sip::wire::{Message, Name, Part};
use tympan_types::Redacted;

/// The media type of session descriptions.
pub(super) const SDP: &str = "application/sdp";
/// `Signal=5` and `Duration=160` on lines of their own: the practice of gateways, in no RFC.
const DTMF_RELAY: &str = "application/dtmf-relay";
/// The digit alone.
const DTMF: &str = "application/dtmf";

/// The session description among the parts of a body.
pub(super) fn sdp(parts: &[Part]) -> Option<String> {
    let part = parts.iter().find(|part| part.content_type == SDP)?;
    Some(String::from_utf8_lossy(&part.body).trim_start().to_owned())
}

/// The headers that flows may read, by their long names.
pub(super) fn headers(message: &Message) -> BTreeMap<String, Redacted<String>> {
    let lines: Vec<(Cow<'_, str>, Cow<'_, str>)> = message
        .lines()
        .map(|(name, value)| {
            let long = Name::parse(name).map(|name| Cow::Borrowed(name.as_str()));
            (long.unwrap_or_else(|| String::from_utf8_lossy(name)), String::from_utf8_lossy(value))
        })
        .collect();
    readable_sip_headers(lines.iter().map(|(name, value)| (&**name, &**value)))
}

/// The digit of an INFO: of the first part that has one.
pub(super) fn digit(parts: &[Part]) -> Option<char> {
    parts.iter().find_map(|part| match part.content_type.as_str() {
        DTMF_RELAY => signal(&String::from_utf8_lossy(&part.body)),
        DTMF => {
            let text = String::from_utf8_lossy(&part.body);
            signal(&text).or_else(|| key(text.trim()))
        }
        _ => None,
    })
}

/// The value of the line `Signal=`, or of its short form `s=`; `d=` is what some phones write for it.
fn signal(text: &str) -> Option<char> {
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let is_signal =
        |name: &str| ["signal", "s", "d"].iter().any(|known| name.trim().eq_ignore_ascii_case(known));
    // `d=160` beside `s=5` is the duration: no key has three figures.
    lines.find_map(|(name, value)| is_signal(name).then(|| key(value.trim())).flatten())
}

/// The key that a value names: itself, or 10 to 15 as the event codes of RFC 4733 section 3.2.
fn key(value: &str) -> Option<char> {
    let mut chars = value.chars();
    match (chars.next()?.to_ascii_uppercase(), chars.next(), chars.next()) {
        (key @ ('0'..='9' | '*' | '#' | 'A'..='D'), None, None) => Some(key),
        ('1', Some(code @ '0'..='5'), None) => {
            ['*', '#', 'A', 'B', 'C', 'D'].get(usize::try_from(code.to_digit(10)?).ok()?).copied()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn part(content_type: &str, body: &str) -> Part {
        Part {
            content_type: content_type.into(),
            disposition: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_key_is_read_in_every_form_that_phones_write() {
        for (body, expected) in [
            ("Signal=5\r\nDuration=160\r\n", Some('5')),
            ("Signal= #\r\nDuration= 250\r\n", Some('#')),
            ("signal = *\n", Some('*')),
            ("Signal=10\r\n", Some('*')),
            ("Signal=11\r\n", Some('#')),
            ("Signal=12\r\n", Some('A')),
            ("Signal=15\r\n", Some('D')),
            ("Signal=b\r\n", Some('B')),
            ("d=7\r\n", Some('7')),
            ("s=5\r\nd=160\r\n", Some('5')),
            ("d=160\r\ns=5\r\n", Some('5')),
            ("Signal=16\r\n", None),
            ("Signal=55\r\n", None),
            ("Signal=\r\n", None),
            ("Duration=160\r\n", None),
            ("", None),
        ] {
            assert_eq!(digit(&[part(DTMF_RELAY, body)]), expected, "{body:?}");
        }
        for (body, expected) in [
            ("7", Some('7')),
            (" d\r\n", Some('D')),
            ("11", Some('#')),
            ("Signal=3", Some('3')),
            ("77", None),
        ] {
            assert_eq!(digit(&[part(DTMF, body)]), expected, "{body:?}");
        }
        assert_eq!(digit(&[part("text/plain", "5")]), None);
    }

    #[test]
    fn the_session_description_is_found_beside_other_parts() {
        let parts = [part("application/isup", "v=1"), part(SDP, "\r\nv=0\r\n")];
        assert_eq!(sdp(&parts).as_deref(), Some("v=0\r\n"));
        assert_eq!(sdp(&parts[..1]), None);
    }
}
