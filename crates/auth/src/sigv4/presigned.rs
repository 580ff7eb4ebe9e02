//! The presigned form: the signature in the query, as `X-Amz-Algorithm`, `-Credential`, `-Date`, `-Expires`,
//! `-SignedHeaders`, `-Signature` and, for temporary credentials, `-Security-Token`.

use super::authorization::{Claim, SignedHeaders};
use super::canonical::decode;
use super::rejection::shown;
use super::{ALGORITHM, AmzDate, HeadError, RequestParts, Scope, unhex_32};

pub(super) const ALGORITHM_PARAMETER: &str = "X-Amz-Algorithm";
pub(super) const CREDENTIAL: &str = "X-Amz-Credential";
pub(super) const DATE: &str = "X-Amz-Date";
pub(super) const EXPIRES: &str = "X-Amz-Expires";
pub(super) const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";
pub(super) const SIGNATURE: &str = "X-Amz-Signature";
pub(super) const SECURITY_TOKEN: &str = "X-Amz-Security-Token";

/// A week, the longest that AWS takes.
const MAX_EXPIRES_S: u32 = 604_800;

/// Whether the query claims to carry a signature.
pub(super) fn is_presigned(parts: &RequestParts<'_>) -> bool {
    let mut names = parts.raw_query.split('&').map(|piece| piece.split('=').next().unwrap_or(""));
    names.any(|name| decode(name) == SIGNATURE.as_bytes())
}

/// Reads the query form.
pub(super) fn parse(parts: &RequestParts<'_>) -> Result<Claim, HeadError> {
    let required = |name| parameter(parts, name)?.ok_or(HeadError::Missing(name));
    let algorithm = required(ALGORITHM_PARAMETER)?;
    if algorithm != ALGORITHM {
        return Err(HeadError::Algorithm(shown(&algorithm)));
    }
    let expires = required(EXPIRES)?;
    let expires_s = expires.parse().ok().filter(|seconds| (1..=MAX_EXPIRES_S).contains(seconds));
    Ok(Claim {
        scope: Scope::parse(&required(CREDENTIAL)?)?,
        date: AmzDate::parse(&required(DATE)?)?,
        signed_headers: SignedHeaders::parse(&required(SIGNED_HEADERS)?)?,
        signature: unhex_32(&required(SIGNATURE)?).ok_or(HeadError::Signature)?,
        expires_s: Some(expires_s.ok_or_else(|| HeadError::Expires(shown(&expires)))?),
    })
}

/// The decoded value of a query parameter that may stand only once. What is not UTF-8 becomes U+FFFD and fits nothing.
pub(super) fn parameter(parts: &RequestParts<'_>, name: &'static str) -> Result<Option<String>, HeadError> {
    let mut values = parts.raw_query.split('&').filter_map(|piece| {
        let (given, value) = piece.split_once('=').unwrap_or((piece, ""));
        (decode(given) == name.as_bytes()).then_some(value)
    });
    let value = values.next();
    if values.next().is_some() {
        return Err(HeadError::Repeated(name));
    }
    Ok(value.map(|value| String::from_utf8_lossy(&decode(value)).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2F\
        aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host%3Bmy-header1&X-Amz-Expires=3600&X-Amz-Signature=\
        3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97";

    fn parts(raw_query: &str) -> RequestParts<'_> {
        RequestParts { method: "GET", raw_path: "/", raw_query, headers: &[], local_port: None }
    }

    #[test]
    fn reads_a_presigned_query() {
        assert!(is_presigned(&parts(QUERY)));
        let claim = parse(&parts(QUERY)).unwrap();
        assert_eq!(claim.expires_s, Some(3600));
        assert_eq!(claim.signed_headers.as_str(), "host;my-header1");
        assert_eq!(claim.scope.access_key_id, "AKIDEXAMPLE");
    }

    #[test]
    fn an_ordinary_query_is_not_presigned() {
        assert!(!is_presigned(&parts("")) && !is_presigned(&parts("a=X-Amz-Signature&b")));
    }

    #[test]
    fn names_what_is_wrong() {
        for (from, to, part) in [
            ("X-Amz-Date=20150830T123600Z&", "", "X-Amz-Date"),
            ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "algorithm"),
            ("Expires=3600", "Expires=0", "604800"),
            ("Expires=3600", "Expires=604801", "604800"),
            ("Expires=3600", "Expires=-1", "604800"),
            ("Expires=3600", "Expires=3600&X-Amz-Expires=9", "twice"),
            ("host%3B", "host%20", "lower-case"),
            ("%2Faws4_request", "%2Faws4", "aws4_request"),
            ("3349ee", "xx49ee", "hex"),
        ] {
            let query = QUERY.replace(from, to);
            let error = parse(&parts(&query)).unwrap_err().to_string();
            assert!(error.contains(part), "{query}: {error}");
        }
    }
}
