//! The canonical request: the one byte form of a request that both sides sign.
//!
//! ```text
//! METHOD \n PATH \n QUERY \n name:value \n ... \n SIGNED;HEADERS \n PAYLOAD-HASH
//! ```
//!
//! Source: "Create a signed AWS API request", step 1. The path of every service but S3 is encoded once more than it
//! is sent: `arn%3Aaws` is signed as `arn%253Aaws`.

use super::authorization::SignedHeaders;
use super::{ALGORITHM, AmzDate, PayloadHash, RequestParts, Scope};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use ring::digest::{Context, SHA256};
use std::fmt::Write;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A canonical request. The payload's hash is added when it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct CanonicalRequest<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// One line per signed header, each with its line feed.
    pub(super) headers: &'a [u8],
    pub(super) signed_headers: &'a SignedHeaders,
}

impl CanonicalRequest<'_> {
    /// The bytes that are hashed.
    pub(super) fn bytes(&self, payload: &PayloadHash) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.path.len() + self.query.len() + self.headers.len() + 256);
        self.feed(payload, |piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// The string to sign.
    pub(super) fn string_to_sign(&self, date: AmzDate, scope: &Scope, payload: &PayloadHash) -> String {
        let mut hash = Context::new(&SHA256);
        self.feed(payload, |piece| hash.update(piece));
        format!("{ALGORITHM}\n{date}\n{scope}\n{}", super::hex(hash.finish().as_ref()))
    }

    fn feed(&self, payload: &PayloadHash, mut take: impl FnMut(&[u8])) {
        for line in [self.method, self.path, self.query] {
            take(line.as_bytes());
            take(b"\n");
        }
        take(self.headers);
        take(b"\n");
        take(self.signed_headers.as_str().as_bytes());
        take(b"\n");
        take(payload.to_string().as_bytes());
    }
}

/// How a path enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathForm {
    /// `.` and `..` resolved, empty segments dropped, then encoded once more: the rule.
    Normalized,
    /// Encoded once more as it stands: for services whose paths may hold such segments.
    AsGiven,
    /// Encoded once in all: S3.
    EncodedOnce,
}

pub(super) fn path(raw: &str, form: PathForm) -> String {
    let encoded = match form {
        PathForm::Normalized => percent_encode(normalized(raw).as_bytes(), RESERVED_IN_PATH).to_string(),
        PathForm::AsGiven => percent_encode(raw.as_bytes(), RESERVED_IN_PATH).to_string(),
        PathForm::EncodedOnce => percent_encode(&decode(raw), RESERVED_IN_PATH).to_string(),
    };
    if encoded.is_empty() { "/".to_owned() } else { encoded }
}

fn normalized(raw: &str) -> String {
    let mut kept = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let slash = if raw.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// How a query enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryForm {
    /// Decoded and encoded anew: the rule.
    Encoded,
    /// As it was sent: botocore signs a ready-made URL so.
    AsGiven,
}

/// The parameters but those named in `without`, sorted by name, then value.
pub(super) fn query(raw: &str, form: QueryForm, without: &[&str]) -> String {
    let pieces = raw.split('&').filter(|piece| !piece.is_empty());
    let pairs = pieces.map(|piece| piece.split_once('=').unwrap_or((piece, "")));
    let kept = pairs.filter(|(name, _)| !without.iter().any(|skipped| decode(name) == skipped.as_bytes()));
    let mut pairs: Vec<(String, String)> = match form {
        QueryForm::Encoded => {
            kept.map(|(name, value)| (encode(&decode(name)), encode(&decode(value)))).collect()
        }
        QueryForm::AsGiven => kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    pairs.sort_unstable();
    let mut query = String::with_capacity(raw.len() + 16);
    for (name, value) in pairs {
        let separator = if query.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(query, "{separator}{name}={value}");
    }
    query
}

/// The lines of the signed headers, with `host` in place of the received `Host`.
///
/// # Errors
/// The name of a signed header that is not there.
pub(super) fn headers(
    parts: &RequestParts<'_>,
    signed_headers: &SignedHeaders,
    host: &str,
) -> Result<Vec<u8>, String> {
    let mut lines = Vec::with_capacity(512);
    for name in signed_headers.names() {
        if !parts.has_header(name) {
            return Err(name.to_owned());
        }
        lines.extend_from_slice(name.as_bytes());
        lines.push(b':');
        if name == "host" {
            lines.extend_from_slice(host.as_bytes());
        } else {
            for (index, value) in parts.header_values(name).enumerate() {
                if index > 0 {
                    lines.push(b',');
                }
                append_trimmed(value, &mut lines);
            }
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

/// A header's value without white space at its ends and with single spaces within.
fn append_trimmed(value: &[u8], out: &mut Vec<u8>) {
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// Percent-encodes all but unreserved characters.
pub(super) fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// Resolves percent-encoding; what is not such stays as it is. A `+` is a plus.
pub(super) fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_normalized_and_encoded_once_more() {
        for (raw, signed) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/./", "/"),
            ("/a/../..", "/"),
            ("//a//", "/a/"),
            ("/./a", "/a"),
            ("/example space/", "/example%20space/"),
            ("/\u{1234}", "/%E1%88%B4"),
            ("/functions/arn%3Aaws/invocations", "/functions/arn%253Aaws/invocations"),
            ("/-_.~", "/-_.~"),
        ] {
            assert_eq!(path(raw, PathForm::Normalized), signed, "{raw}");
        }
        assert_eq!(path("//a/../b", PathForm::AsGiven), "//a/../b");
        assert_eq!(path("/a%20b/%7Ec", PathForm::EncodedOnce), "/a%20b/~c");
    }

    #[test]
    fn queries_are_sorted_by_code_point_and_encoded() {
        for (raw, signed) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&A=3", "A=3&a=1&a=2"),
            ("flag", "flag="),
            ("&&x&", "x="),
            ("a=b=c", "a=b%3Dc"),
            ("t=%7e+%2b", "t=~%2B%2B"),
            ("%zz=%", "%25zz=%25"),
            ("a.b=1&a=2", "a=2&a.b=1"),
        ] {
            assert_eq!(query(raw, QueryForm::Encoded, &[]), signed, "{raw}");
        }
        assert_eq!(query("b=%7e&a", QueryForm::AsGiven, &[]), "a=&b=%7e");
        assert_eq!(query("b=2&X%2Da=1", QueryForm::Encoded, &["X-a"]), "b=2");
    }

    #[test]
    fn header_values_are_trimmed_joined_and_in_order() {
        let parts = RequestParts {
            method: "GET",
            raw_path: "/",
            raw_query: "",
            headers: &[("Host", b"h"), ("My-Header", b"  b\t \"x   y\" "), ("my-header", b"a\n  c")],
            local_port: None,
        };
        let signed = SignedHeaders::from_names(["my-header", "host"]);
        assert_eq!(headers(&parts, &signed, "h:1").unwrap(), b"host:h:1\nmy-header:b \"x y\",a c\n");
        let signed = SignedHeaders::from_names(["connection"]);
        assert_eq!(headers(&parts, &signed, "h"), Err("connection".to_owned()));
    }

    proptest! {
        #[test]
        fn encoding_a_query_again_changes_nothing(raw in "[a-c=&%+~ 0-9A-F]{0,40}") {
            let once = query(&raw, QueryForm::Encoded, &[]);
            prop_assert_eq!(query(&once, QueryForm::Encoded, &[]), once);
        }

        #[test]
        fn normal_paths_have_no_dots_to_resolve(raw in "(/|\\.|[ab]){0,20}") {
            let normal = normalized(&raw);
            prop_assert!(normal.starts_with('/'));
            prop_assert!(!normal.contains("//") && !normal.split('/').any(|s| s == "." || s == ".."));
            prop_assert_eq!(normalized(&normal), normal);
        }
    }
}
