//! Headers of a call's INVITE that flows read as `$.Media.Sip.Headers.NAME`.
//!
//! Source: Administrator Guide, "Telephony call metadata attributes (call attributes)". The names there, those by which carriers say who
//! was called before, and every `X-` header; credentials and routes never. Units: bytes. Limits: 32 headers, 1,024 bytes each, 4,096 in
//! all; what is beyond is left out.

use std::collections::BTreeMap;
use tympan_types::Redacted;

/// Headers of a call that are kept.
pub const SIP_HEADERS_MAX: usize = 32;
/// A longer value is left out.
pub const SIP_HEADER_MAX_BYTES: usize = 1_024;
/// Names and values of a call together.
pub const SIP_HEADERS_MAX_BYTES: usize = 4_096;

/// Picks the headers that flows may read, given as long name and value in the order of the message; the first of a name counts.
///
/// What carriers write as a parameter of an address is found under its own name too: `ISUP-OLI` and `JIP`.
pub fn readable_sip_headers<'a>(
    lines: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, Redacted<String>> {
    let mut kept = Kept::default();
    let mut parameters = BTreeMap::new();
    for (name, value) in lines {
        let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
        let is_private = name.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("X-"));
        let Some(name) = known.or(is_private.then_some(name)) else { continue };
        if ADDRESSES.contains(&name) {
            for (header, parameter) in PARAMETERS {
                if let Some(value) = parameter_of(value, parameter) {
                    parameters.entry(header).or_insert(value);
                }
            }
        }
        kept.add(name, value);
    }
    for (header, value) in parameters {
        kept.add(header, value);
    }
    kept.headers
}

#[derive(Default)]
struct Kept {
    headers: BTreeMap<String, Redacted<String>>,
    bytes: usize,
}

impl Kept {
    fn add(&mut self, name: &str, value: &str) {
        let bytes = name.len() + value.len();
        let fits = self.headers.len() < SIP_HEADERS_MAX
            && bytes <= SIP_HEADER_MAX_BYTES
            && self.bytes + bytes <= SIP_HEADERS_MAX_BYTES;
        let is_known = self.headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        if fits && !is_known {
            self.bytes += bytes;
            self.headers.insert(name.to_owned(), Redacted::new(value.to_owned()));
        }
    }
}

/// The value of `;name=value`, up to what ends it.
fn parameter_of<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let mut parameters = address.split(';').skip(1);
    let value = parameters.find_map(|parameter| {
        let (known, value) = parameter.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then_some(value)
    })?;
    let end = value.find(['>', ',', '"', ' ']).unwrap_or(value.len());
    value.get(..end).filter(|value| !value.is_empty())
}

/// Headers that may carry them as a parameter.
const ADDRESSES: &[&str] = &["From", "P-Asserted-Identity", "P-Charge-Info"];
const PARAMETERS: [(&str, &str); 2] = [("ISUP-OLI", "isup-oli"), ("JIP", "jip")];

const NAMES: &[&str] = &[
    "Call-Forwarding-Indicator",
    "Call-ID",
    "Called-Party-Address",
    "Calling-Party-Address",
    "Diversion",
    "From",
    "History-Info",
    "Hop-Counter",
    "ISUP-OLI",
    "JIP",
    "Originating-Switch",
    "Originating-Trunk",
    "P-Asserted-Identity",
    "P-Charge-Info",
    "Privacy",
    "Remote-Party-ID",
    "Subject",
    "To",
    "User-Agent",
    "User-to-User",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn readable(lines: &[(&str, &str)]) -> BTreeMap<String, String> {
        let headers = readable_sip_headers(lines.iter().copied());
        headers.into_iter().map(|(name, value)| (name, value.into_exposed())).collect()
    }

    #[test]
    fn the_headers_of_the_guide_and_private_ones_are_kept_and_no_credentials() {
        let headers = readable(&[
            ("Via", "SIP/2.0/UDP 192.0.2.1"),
            ("from", "<sip:+15555550123@a;isup-oli=62>;tag=1"),
            ("P-Asserted-Identity", "<sip:+15555550123@a>"),
            ("Authorization", "Digest username=\"alice\""),
            ("X-Account", "17"),
            ("x-account", "18"),
        ]);
        let expected = [
            ("From", "<sip:+15555550123@a;isup-oli=62>;tag=1"),
            ("ISUP-OLI", "62"),
            ("P-Asserted-Identity", "<sip:+15555550123@a>"),
            ("X-Account", "17"),
        ];
        let expected: BTreeMap<_, _> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_header_of_that_name_comes_before_a_parameter() {
        let lines = [("From", "<sip:a@b;isup-oli=62;jip=415920>"), ("Isup-Oli", "63")];
        let headers = readable(&lines);
        assert_eq!((headers["ISUP-OLI"].as_str(), headers["JIP"].as_str()), ("63", "415920"));
    }

    #[test]
    fn so_many_headers_and_bytes_are_kept_and_no_more() {
        let names: Vec<String> = (0..100).map(|nth| format!("X-{nth}")).collect();
        let lines: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(readable(&lines).len(), SIP_HEADERS_MAX);
        let (long, longer) = ("v".repeat(1_000), "v".repeat(2_000));
        let lines: Vec<_> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
        assert_eq!(readable(&lines).len(), 4);
        assert_eq!(readable(&[("X-Long", longer.as_str()), ("X-Short", "v")]).len(), 1);
    }

    proptest! {
        #[test]
        fn any_headers_are_read_without_panic(lines in prop::collection::vec(("[A-Za-zé-]{0,8}", "[ -~é]{0,40}"), 0..50)) {
            let headers = readable_sip_headers(lines.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            prop_assert!(headers.len() <= SIP_HEADERS_MAX);
        }
    }
}
