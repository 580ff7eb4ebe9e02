use super::authorization::SignedHeaders;
use super::canonical::{self, CanonicalRequest, PathForm, QueryForm};
use super::{ALGORITHM, AmzDate, PayloadHash, RequestParts, Scope, hex, presigned};
use crate::{Credentials, Secret};
use ring::hmac;
use tympan_types::{Region, WallTime};
use zeroize::Zeroizing;

/// Signs requests to one service in one region. The same input always gives the same signature.
#[derive(Debug, Clone)]
pub struct Signer<'a> {
    credentials: &'a Credentials,
    region: &'a Region,
    service: &'a str,
    options: SigningOptions,
}

/// The choices that AWS's own clients differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningOptions {
    /// Resolve `.`, `..` and empty segments of the path. Default: yes.
    pub normalize_path: bool,
    /// Send `x-amz-content-sha256` also for a real hash; the literals are always sent. Default: no.
    pub send_payload_hash: bool,
    /// Sign the session token and not merely send it. Default: yes.
    pub sign_session_token: bool,
}

impl Default for SigningOptions {
    fn default() -> Self {
        Self { normalize_path: true, send_payload_hash: false, sign_session_token: true }
    }
}

impl<'a> Signer<'a> {
    /// A signer with the default options. `service` is the signing name: `kinesisvideo`, `connect`.
    pub fn new(credentials: &'a Credentials, region: &'a Region, service: &'a str) -> Self {
        Self { credentials, region, service, options: SigningOptions::default() }
    }

    /// Takes other options.
    #[must_use]
    pub fn with_options(self, options: SigningOptions) -> Self {
        Self { options, ..self }
    }

    /// Signs a request and gives the headers to add to it, names in lower case.
    ///
    /// Shape: `parts` has the `Host` header and whatever else is to be signed, without a signature. Headers that
    /// proxies and HTTP libraries change on the way, such as `connection` and `user-agent`, are left unsigned.
    pub fn sign(
        &self,
        now: WallTime,
        parts: &RequestParts<'_>,
        payload: PayloadHash,
    ) -> Vec<(&'static str, String)> {
        let date = AmzDate::from_wall_time(now);
        let mut added = vec![("x-amz-date", date.to_string())];
        if self.options.send_payload_hash || !matches!(payload, PayloadHash::Sha256(_)) {
            added.push(("x-amz-content-sha256", payload.to_string()));
        }
        let token = self.credentials.session_token.as_ref();
        let token = token.map(|token| (SECURITY_TOKEN_HEADER, token.expose().to_owned()));
        if self.options.sign_session_token {
            added.extend(token.clone());
        }

        let mut headers = parts.headers.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let parts = RequestParts { headers: &headers, ..*parts };
        let signed_headers = headers_to_sign(&parts);
        let query = canonical::query(parts.raw_query, QueryForm::Encoded, &[]);
        let signature = self.signature(date, &parts, &query, &signed_headers, &payload);

        let (scope, key, names) =
            (self.scope(date), &self.credentials.access_key_id, signed_headers.as_str());
        let authorization =
            format!("{ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}");
        if !self.options.sign_session_token {
            added.extend(token);
        }
        added.push(("authorization", authorization));
        added
    }

    /// Signs a request and gives the query to send it with, which is good for `expires_s` seconds (1..=604800).
    ///
    /// Shape: as for [`Self::sign`]; no header needs to be added.
    pub fn presign(
        &self,
        now: WallTime,
        parts: &RequestParts<'_>,
        payload: PayloadHash,
        expires_s: u32,
    ) -> String {
        let date = AmzDate::from_wall_time(now);
        let signed_headers = headers_to_sign(parts);
        let credential = format!("{}/{}", self.credentials.access_key_id, self.scope(date));
        let mut query = parts.raw_query.to_owned();
        let mut add = |name: &str, value: &str| {
            let separator = if query.is_empty() { "" } else { "&" };
            query.extend([separator, name, "=", &canonical::encode(value.as_bytes())]);
        };
        add(presigned::ALGORITHM_PARAMETER, ALGORITHM);
        add(presigned::CREDENTIAL, &credential);
        add(presigned::DATE, &date.to_string());
        add(presigned::SIGNED_HEADERS, signed_headers.as_str());
        add(presigned::EXPIRES, &expires_s.to_string());
        if let Some(token) = &self.credentials.session_token {
            add(presigned::SECURITY_TOKEN, token.expose());
        }
        let unsigned: &[&str] =
            if self.options.sign_session_token { &[] } else { &[presigned::SECURITY_TOKEN] };
        let canonical_query = canonical::query(&query, QueryForm::Encoded, unsigned);
        let signature = self.signature(date, parts, &canonical_query, &signed_headers, &payload);
        query.extend(["&", presigned::SIGNATURE, "=", &signature]);
        query
    }

    fn signature(
        &self,
        date: AmzDate,
        parts: &RequestParts<'_>,
        query: &str,
        signed_headers: &SignedHeaders,
        payload: &PayloadHash,
    ) -> String {
        let form = match self.service {
            "s3" => PathForm::EncodedOnce,
            _ if self.options.normalize_path => PathForm::Normalized,
            _ => PathForm::AsGiven,
        };
        let host = parts.single_header("host").unwrap_or("");
        let request = CanonicalRequest {
            method: parts.method,
            path: &canonical::path(parts.raw_path, form),
            query,
            headers: &canonical::headers(parts, signed_headers, host)
                .expect("invariant: only headers there are listed"),
            signed_headers,
        };
        let scope = self.scope(date);
        let key = signing_key(&self.credentials.secret, &scope);
        hex(hmac::sign(&key, request.string_to_sign(date, &scope, payload).as_bytes()).as_ref())
    }

    fn scope(&self, date: AmzDate) -> Scope {
        Scope {
            access_key_id: self.credentials.access_key_id.clone(),
            day: date.day(),
            region: self.region.clone(),
            service: self.service.to_owned(),
        }
    }
}

/// The chain of four HMACs from a secret to the key of one day, region and service.
pub(super) fn signing_key(secret: &Secret, scope: &Scope) -> hmac::Key {
    let seed = Zeroizing::new(format!("AWS4{}", secret.expose()));
    let steps = [scope.day.as_str(), scope.region.as_str(), &scope.service, "aws4_request"];
    steps.iter().fold(hmac::Key::new(hmac::HMAC_SHA256, seed.as_bytes()), |key, step| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref())
    })
}

fn headers_to_sign(parts: &RequestParts<'_>) -> SignedHeaders {
    let names: Vec<String> = parts.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    SignedHeaders::from_names(
        names.iter().map(String::as_str).filter(|name| !CHANGED_ON_THE_WAY.contains(name)),
    )
}

/// Headers that a proxy or an HTTP library adds, removes or rewrites.
const CHANGED_ON_THE_WAY: [&str; 6] =
    ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

pub(super) const SECURITY_TOKEN_HEADER: &str = "x-amz-security-token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_key_of_the_worked_example() {
        // IAM User Guide, "Examples of how to derive a signing key".
        let scope = Scope {
            access_key_id: "AKIDEXAMPLE".into(),
            day: "20150830".into(),
            region: Region::parse("us-east-1").unwrap(),
            service: "iam".into(),
        };
        let key = signing_key(&Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &scope);
        let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
            f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn signs_the_worked_example() {
        // The same guide's ListUsers request.
        let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let parts = RequestParts {
            method: "GET",
            raw_path: "/",
            raw_query: "Action=ListUsers&Version=2010-05-08",
            headers: &[
                ("Host", b"iam.amazonaws.com"),
                ("Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"),
                ("User-Agent", b"left unsigned"),
            ],
            local_port: None,
        };
        let region = Region::parse("us-east-1").unwrap();
        let now = AmzDate::parse("20150830T123600Z").unwrap().wall_time();
        let headers = Signer::new(&credentials, &region, "iam").sign(now, &parts, PayloadHash::of_nothing());
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["x-amz-date", "authorization"]);
        assert_eq!(
            headers[1].1,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
