//! The Authorization header:
//! `AWS4-HMAC-SHA256 Credential=KEY/SCOPE, SignedHeaders=a;b;c, Signature=HEX`.

use super::rejection::shown;
use super::{ALGORITHM, AmzDate, HeadError, RequestParts, Scope, unhex_32};

/// Longer than any header that the clients make, with all of their headers signed.
const MAX_AUTHORIZATION_BYTES: usize = 8192;
const MAX_SIGNED_HEADERS: usize = 128;

/// What a request claims about its signature, from the header or from a presigned query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) scope: Scope,
    pub(super) date: AmzDate,
    pub(super) signed_headers: SignedHeaders,
    pub(super) signature: [u8; 32],
    /// Seconds that a presigned request is good for; `None` in the header form.
    pub(super) expires_s: Option<u32>,
}

/// Reads the header form.
pub(super) fn parse(parts: &RequestParts<'_>) -> Result<Claim, HeadError> {
    let text = parts.single_header("authorization").filter(|text| text.len() <= MAX_AUTHORIZATION_BYTES);
    let text = text.ok_or(HeadError::Unreadable(MAX_AUTHORIZATION_BYTES))?;
    let (algorithm, pairs) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if algorithm != ALGORITHM {
        return Err(HeadError::Algorithm(shown(algorithm)));
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for pair in pairs.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = || HeadError::Pair(shown(pair));
        let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
        let slot = match key.trim_end() {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(wrong()),
        };
        if slot.replace(value.trim_start()).is_some() {
            return Err(wrong());
        }
    }
    let date = parts.single_header("x-amz-date").ok_or(HeadError::NoDate)?;
    Ok(Claim {
        scope: Scope::parse(credential.ok_or(HeadError::Missing("Credential"))?)?,
        signed_headers: SignedHeaders::parse(signed_headers.ok_or(HeadError::Missing("SignedHeaders"))?)?,
        signature: unhex_32(signature.ok_or(HeadError::Missing("Signature"))?).ok_or(HeadError::Signature)?,
        date: AmzDate::parse(date)?,
        expires_s: None,
    })
}

/// The names of the signed headers, `a;b;c`: lower case, each once, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedHeaders(String);

impl SignedHeaders {
    pub(super) fn parse(text: &str) -> Result<Self, HeadError> {
        let wrong = || HeadError::SignedHeaders(shown(text));
        if text.split(';').count() > MAX_SIGNED_HEADERS || !text.split(';').all(is_name) {
            return Err(wrong());
        }
        let signed = Self(text.to_owned());
        let mut names: Vec<&str> = signed.names().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(wrong());
        }
        Ok(signed)
    }

    /// Sorts and joins names; what is no header name in lower case is left out.
    pub(super) fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().filter(|name| is_name(name)).collect();
        names.sort_unstable();
        names.dedup();
        Self(names.join(";"))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split(';').filter(|name| !name.is_empty())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names().any(|signed| signed == name)
    }

    /// The list as it stands in a canonical request.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the text is a token of RFC 9110, 5.6.2, in lower case.
fn is_name(text: &str) -> bool {
    let is_token =
        |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase() && !b"(),/:;<=>?@[\\]{}\"".contains(&b);
    !text.is_empty() && text.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

    fn read(authorization: &str) -> Result<Claim, HeadError> {
        parse(&RequestParts {
            method: "GET",
            raw_path: "/",
            raw_query: "",
            headers: &[("X-Amz-Date", b"20150830T123600Z"), ("authorization", authorization.as_bytes())],
            local_port: None,
        })
    }

    #[test]
    fn reads_the_worked_example_with_and_without_spaces() {
        let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request";
        let spaced = format!(
            "AWS4-HMAC-SHA256 {scope}, SignedHeaders=content-type;host;x-amz-date, Signature={SIGNATURE}"
        );
        let claim = read(&spaced).unwrap();
        assert_eq!(claim.scope.service, "iam");
        assert!(claim.signed_headers.contains("host") && !claim.signed_headers.contains("hos"));
        let tight = format!(
            "AWS4-HMAC-SHA256 Signature={SIGNATURE},SignedHeaders=content-type;host;x-amz-date,{scope}"
        );
        assert_eq!(read(&tight).unwrap(), claim);
    }

    #[test]
    fn names_what_is_wrong() {
        let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request";
        for (text, part) in [
            ("Basic dXNlcjpwYXNz".to_owned(), "algorithm"),
            ("AWS4-HMAC-SHA256".to_owned(), "Credential"),
            (format!("AWS4-HMAC-SHA256 {scope}, Signature={SIGNATURE}"), "SignedHeaders"),
            (format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"), "Signature"),
            (format!("AWS4-HMAC-SHA256 {scope}, {scope}"), "each once"),
            (format!("AWS4-HMAC-SHA256 {scope}, Colour=red"), "Colour"),
            (format!("AWS4-HMAC-SHA256 {scope}, nothing"), "nothing"),
            (format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"), "hex"),
            (format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=Host, Signature={SIGNATURE}"), "lower-case"),
            (
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;host, Signature={SIGNATURE}"),
                "lower-case",
            ),
            (format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=, Signature={SIGNATURE}"), "lower-case"),
            ("x".repeat(9000), "8192"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
