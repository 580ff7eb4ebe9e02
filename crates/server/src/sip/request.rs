//! What is read out of a SIP request.

use rsipstack::sip::prelude::{HasHeaders, HeadersExt, ToTypedHeader};
use rsipstack::sip::{Header, Request};

/// False when the body is shorter than its Content-Length: the stack cuts UDP messages at 8,192 bytes.
pub(super) fn is_whole(request: &Request) -> bool {
    let announced = request.headers().iter().find_map(|header| match header {
        Header::ContentLength(length) => length.value().trim().parse::<usize>().ok(),
        _ => None,
    });
    announced.is_none_or(|announced| announced <= request.body.len())
}

/// True for a request inside a dialog.
pub(super) fn has_to_tag(request: &Request) -> bool {
    request.to_header().ok().and_then(|to| to.tag().ok().flatten()).is_some()
}

/// The number or name that was called: the user part of the request URI, else of the To header.
pub(super) fn called(request: &Request) -> String {
    let from_uri = request.uri.auth.as_ref().map(|auth| auth.user.clone());
    let from_to = || request.to_header().ok()?.typed().ok()?.uri.auth.map(|auth| auth.user);
    from_uri.or_else(from_to).unwrap_or_default()
}

/// The number or name that calls: the asserted identity (RFC 3325) where a trusted proxy added one, else From.
pub(super) fn caller(request: &Request) -> String {
    let asserted = header(request, "P-Asserted-Identity").and_then(|value| user_of(&value));
    let from = || request.from_header().ok()?.typed().ok()?.uri.auth.map(|auth| auth.user);
    asserted.or_else(from).unwrap_or_default()
}

/// The value of a header, whether or not the stack has a type for it.
fn header(request: &Request, wanted: &str) -> Option<String> {
    request.headers().iter().find_map(|header| {
        let line = header.to_string();
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
    })
}

/// The SDP body, or `None` where the request carries none.
pub(super) fn sdp(request: &Request) -> Option<String> {
    let text = String::from_utf8_lossy(&request.body);
    let text = text.trim_start();
    text.starts_with("v=").then(|| text.to_owned())
}

/// The digit of an `application/dtmf-relay` or `application/dtmf` body.
pub(super) fn info_digit(request: &Request) -> Option<char> {
    let text = String::from_utf8_lossy(&request.body);
    let signal = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        key.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
    });
    let digit = signal.unwrap_or_else(|| text.trim().to_owned());
    let mut chars = digit.chars();
    let first = chars.next()?.to_ascii_uppercase();
    (chars.next().is_none() && matches!(first, '0'..='9' | '*' | '#' | 'A'..='D')).then_some(first)
}

/// The user part of the first `sip:` or `tel:` URI in a header value.
fn user_of(value: &str) -> Option<String> {
    let start =
        ["sips:", "sip:", "tel:"].iter().find_map(|scheme| value.find(scheme).map(|at| at + scheme.len()))?;
    let rest = &value[start..];
    let end = rest.find(['@', '>', ';', ' ', ',']).unwrap_or(rest.len());
    Some(rest[..end].to_owned()).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &str, body: &str) -> Request {
        let length = format!("Content-Length: {}\r\n", body.len());
        let headers = if headers.contains("Content-Length") {
            headers.to_owned()
        } else {
            headers.to_owned() + &length
        };
        let text = format!(
            "INVITE sip:+18005550100@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK1\r\n\
             From: <sip:+12065550123@127.0.0.1>;tag=1\r\nTo: <sip:+18005550100@127.0.0.1>\r\nCall-ID: 1\r\n\
             CSeq: 1 INVITE\r\n{headers}\r\n{body}"
        );
        Request::try_from(text.as_str()).unwrap()
    }

    #[test]
    fn reads_who_calls_whom() {
        let plain = request("", "");
        assert_eq!((called(&plain).as_str(), caller(&plain).as_str()), ("+18005550100", "+12065550123"));
        assert!(!has_to_tag(&plain));
        let asserted = request("P-Asserted-Identity: \"A\" <sip:+15550001@example.com>\r\n", "");
        assert_eq!(caller(&asserted), "+15550001");
    }

    #[test]
    fn a_cut_body_is_noticed() {
        assert!(is_whole(&request("Content-Length: 3\r\n", "v=0")));
        assert!(!is_whole(&request("Content-Length: 9000\r\n", "v=0")));
        assert!(is_whole(&request("", "")));
    }

    #[test]
    fn reads_digits_out_of_info() {
        assert_eq!(info_digit(&request("", "Signal=5\r\nDuration=160\r\n")), Some('5'));
        assert_eq!(info_digit(&request("", "Signal= #\r\n")), Some('#'));
        assert_eq!(info_digit(&request("", "d")), Some('D'));
        assert_eq!(info_digit(&request("", "Signal=55")), None);
        assert_eq!(info_digit(&request("", "")), None);
    }
}
