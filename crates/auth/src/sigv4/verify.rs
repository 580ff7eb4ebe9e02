use super::authorization::{self, Claim};
use super::canonical::{self, CanonicalRequest, PathForm, QueryForm};
use super::explain::Explanation;
use super::sign::{SECURITY_TOKEN_HEADER, signing_key};
use super::{HeadError, Payload, PayloadHash, Rejection, RequestParts, Scope, presigned};
use crate::session::TEMPORARY_KEY_PREFIX;
use crate::{AccessKey, CredentialSource, Principal};
use ring::hmac;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tympan_types::{Caller, WallTime};

/// Tells whose signature a request claims, unverified: good for routing, and for nothing else.
pub fn scope_of(parts: &RequestParts<'_>) -> Option<Scope> {
    claim(parts).ok().map(|claim| claim.scope)
}

fn claim(parts: &RequestParts<'_>) -> Result<Claim, Rejection> {
    match (parts.has_header("authorization"), presigned::is_presigned(parts)) {
        (false, false) => Err(Rejection::NotSigned),
        (true, true) => Err(HeadError::SignedTwice.into()),
        (true, false) => Ok(authorization::parse(parts)?),
        (false, true) => Ok(presigned::parse(parts)?),
    }
}

/// Verifies requests: the head first, the payload's hash when the body is there.
///
/// The rules allow for what unmodified clients do: `Host` signed with or without the port, tokens sent unsigned,
/// no payload header on PutMedia, and paths and queries signed as they were sent. Each is a candidate of its own;
/// there is one candidate unless a request leaves room for more.
#[derive(Debug, Clone)]
pub struct Verifier {
    skew_ms: i64,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { skew_ms: 5 * 60 * 1000 }
    }
}

impl Verifier {
    /// Allows client and server clocks to differ by this much, instead of five minutes.
    pub fn with_skew_ms(skew_ms: i64) -> Self {
        Self { skew_ms: skew_ms.max(0) }
    }

    /// Checks everything that can be checked without the body, except the signature itself.
    ///
    /// # Errors
    /// [`Rejection`]; never `SignatureMismatch`, `PayloadHash` or `BodyAltered`.
    pub fn check_head(
        &self,
        now: WallTime,
        parts: &RequestParts<'_>,
        credentials: &dyn CredentialSource,
    ) -> Result<Pending, Rejection> {
        let claim = claim(parts)?;
        if claim.scope.day != claim.date.day() {
            return Err(Rejection::ScopeDay { scope_day: claim.scope.day, request_day: claim.date.day() });
        }
        for required in ["host", "x-amz-date"] {
            let in_query = required == "x-amz-date" && claim.expires_s.is_some();
            if !in_query && !claim.signed_headers.contains(required) {
                return Err(Rejection::UnsignedHeader(required.to_owned()));
            }
        }
        check_signed(parts, &claim)?;
        self.check_time(now, &claim)?;
        let access_key = access_key(now, parts, &claim, credentials)?;
        Pending::new(parts, claim, access_key)
    }

    fn check_time(&self, now: WallTime, claim: &Claim) -> Result<(), Rejection> {
        let signed_at = claim.date.wall_time();
        let within_ms = claim.expires_s.map_or(self.skew_ms, |seconds| i64::from(seconds) * 1000);
        if now < signed_at.plus_ms(-self.skew_ms) {
            let ahead_ms = self.skew_ms;
            return Err(Rejection::SignatureNotYetCurrent { signed_at: claim.date, now, ahead_ms });
        }
        if now > signed_at.plus_ms(within_ms) {
            return Err(Rejection::SignatureExpired { signed_at: claim.date, now, within_ms });
        }
        Ok(())
    }
}

/// Headers of AWS that decide nothing by themselves: proxies add some, and clients leave some out of what they sign. A token
/// proves itself by its seal, and a stated hash of the body stands in the canonical request.
const MAY_BE_UNSIGNED: [&str; 5] =
    [SECURITY_TOKEN_HEADER, "x-amz-cf-id", "x-amz-content-sha256", "x-amz-user-agent", "x-amzn-trace-id"];

/// Refuses a header of AWS that is not signed: such headers name operations and streams, and anyone on the way could
/// change them.
fn check_signed(parts: &RequestParts<'_>, claim: &Claim) -> Result<(), Rejection> {
    let begins = |name: &str, prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    for (name, _) in
        parts.headers.iter().filter(|(name, _)| begins(name, "x-amz-") || begins(name, "x-amzn-"))
    {
        let may_be_unsigned = MAY_BE_UNSIGNED.iter().any(|header| name.eq_ignore_ascii_case(header));
        // Nearly all names come in lower case.
        if may_be_unsigned || claim.signed_headers.contains(name) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        if !claim.signed_headers.contains(&name) {
            return Err(Rejection::UnsignedHeader(super::rejection::shown(&name)));
        }
    }
    Ok(())
}

fn access_key(
    now: WallTime,
    parts: &RequestParts<'_>,
    claim: &Claim,
    credentials: &dyn CredentialSource,
) -> Result<Arc<AccessKey>, Rejection> {
    let id = &claim.scope.access_key_id;
    let token = match parts.single_header(SECURITY_TOKEN_HEADER) {
        Some(sent) => Some(sent.to_owned()),
        None => presigned::parameter(parts, presigned::SECURITY_TOKEN)?,
    };
    let key = credentials.access_key(id, token.as_deref()).ok_or_else(|| {
        let id = super::rejection::shown(id);
        match id.starts_with(TEMPORARY_KEY_PREFIX) {
            true => Rejection::WrongSessionToken(id),
            false => Rejection::UnknownAccessKey(id),
        }
    })?;
    // A token that comes with a long-term key, left over in someone's environment, proves nothing and harms nothing.
    if let Some(expected) = &key.credentials.session_token
        && !token.is_some_and(|sent| expected.matches(sent.as_bytes()))
    {
        return Err(Rejection::WrongSessionToken(super::rejection::shown(id)));
    }
    if key.expires.is_some_and(|expires| now >= expires) {
        return Err(Rejection::ExpiredAccessKey);
    }
    Ok(key)
}

/// A request whose head is in order and whose signature is still to be checked.
#[derive(Debug)]
pub struct Pending {
    access_key: Arc<AccessKey>,
    claim: Claim,
    method: String,
    paths: Vec<Variant<String>>,
    queries: Vec<Variant<String>>,
    /// Header lines; they differ in the host.
    headers: Vec<Variant<Vec<u8>>>,
    /// `x-amz-content-sha256`, as sent.
    stated_hash: Option<String>,
}

/// One way in which the client may have written a part of the canonical request.
#[derive(Debug)]
struct Variant<T> {
    /// What the variant does, in words; empty for the way it should be.
    label: &'static str,
    text: T,
}

impl Pending {
    fn new(parts: &RequestParts<'_>, claim: Claim, access_key: Arc<AccessKey>) -> Result<Self, Rejection> {
        let host =
            parts.single_header("host").ok_or_else(|| Rejection::MissingSignedHeader("host".to_owned()))?;
        let mut headers = Vec::new();
        for Variant { label, text: host } in host_variants(host, parts.local_port) {
            let text = canonical::headers(parts, &claim.signed_headers, &host)
                .map_err(Rejection::MissingSignedHeader)?;
            headers.push(Variant { label, text });
        }
        let stated_hash = match parts.single_header("x-amz-content-sha256") {
            None if parts.has_header("x-amz-content-sha256") => Some("repeated".to_owned()),
            stated => stated.map(str::to_owned),
        };
        Ok(Self {
            method: parts.method.to_owned(),
            paths: path_variants(parts.raw_path, &claim.scope.service),
            queries: query_variants(parts.raw_query, claim.expires_s.is_some()),
            headers,
            stated_hash,
            access_key,
            claim,
        })
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// `SignatureMismatch`; `BodyAltered` or `PayloadHash` if `x-amz-content-sha256` fits neither the body nor the operation.
    pub fn verify(&self, payload: Payload) -> Result<Verified, Rejection> {
        let hashes = self.payload_hashes(payload)?;
        let key = signing_key(&self.access_key.credentials.secret, &self.claim.scope);
        let signed_hash = self.candidates(&hashes).find_map(|(_, request, hash)| {
            let to_sign = request.string_to_sign(self.claim.date, &self.claim.scope, hash);
            let signature = hmac::sign(&key, to_sign.as_bytes());
            bool::from(signature.as_ref().ct_eq(&self.claim.signature)).then_some(*hash)
        });
        let signed_hash = signed_hash.ok_or(Rejection::SignatureMismatch)?;
        let body = match (payload, signed_hash) {
            (Payload::Whole { sha256 }, PayloadHash::Sha256(signed)) if signed == sha256 => BodyRule::Signed,
            (Payload::Whole { .. }, _) => return Err(Rejection::BodyAltered),
            // Clients that stream say "the hash of nothing" and mean "no hash".
            (Payload::Streamed, hash) if hash == PayloadHash::of_nothing() => BodyRule::Unsigned,
            (Payload::Streamed, PayloadHash::Sha256(signed)) => BodyRule::MustHash(signed),
            (Payload::Streamed, PayloadHash::Unsigned | PayloadHash::Streaming) => BodyRule::Unsigned,
        };
        Ok(Verified {
            caller: Caller {
                account: self.access_key.account.clone(),
                region: self.claim.scope.region.clone(),
                access_key_id: self.access_key.id().to_owned(),
            },
            principal: Arc::clone(&self.access_key.principal),
            service: self.claim.scope.service.clone(),
            body,
        })
    }

    /// Lays open how the server read the request: for a developer whose signature does not match.
    ///
    /// Shape: shows neither secrets, nor tokens, nor the signature that would have been right.
    pub fn explain(&self, parts: &RequestParts<'_>, payload: Payload) -> Explanation {
        let hashes = self.payload_hashes(payload).unwrap_or_default();
        let mut explanation = Explanation::new(parts, &self.claim);
        for (deviations, request, hash) in self.candidates(&hashes) {
            explanation.add(deviations, &request, self.claim.date, &self.claim.scope, hash);
        }
        explanation
    }

    /// What the client may have signed as the body's hash, the likeliest first.
    fn payload_hashes(&self, payload: Payload) -> Result<Vec<PayloadHash>, Rejection> {
        let Some(stated) = &self.stated_hash else {
            return Ok(match payload {
                Payload::Whole { sha256 } => vec![PayloadHash::Sha256(sha256)],
                Payload::Streamed => vec![PayloadHash::of_nothing(), PayloadHash::Unsigned],
            });
        };
        match (PayloadHash::parse(stated), payload) {
            (Some(hash @ PayloadHash::Sha256(_)), _) | (Some(hash), Payload::Streamed) => Ok(vec![hash]),
            (_, payload) => Err(Rejection::PayloadHash {
                value: super::rejection::shown(stated),
                expected: match payload {
                    Payload::Whole { .. } => "this operation takes the SHA-256 of the body in lower-case hex",
                    Payload::Streamed => {
                        "this operation takes a SHA-256, UNSIGNED-PAYLOAD or STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
                    }
                },
            }),
        }
    }

    /// Every canonical request that the client may have signed; the first is the one by the book.
    fn candidates<'a>(
        &'a self,
        hashes: &'a [PayloadHash],
    ) -> impl Iterator<Item = ([&'static str; 3], CanonicalRequest<'a>, &'a PayloadHash)> {
        let heads = self.paths.iter().flat_map(move |path| {
            self.queries
                .iter()
                .flat_map(move |query| self.headers.iter().map(move |headers| (path, query, headers)))
        });
        heads.flat_map(move |(path, query, headers)| {
            hashes.iter().map(move |hash| {
                let request = CanonicalRequest {
                    method: &self.method,
                    path: &path.text,
                    query: &query.text,
                    headers: &headers.text,
                    signed_headers: &self.claim.signed_headers,
                };
                ([path.label, query.label, headers.label], request, hash)
            })
        })
    }
}

/// The path as the service's clients sign it, then as it stands, where that is something else.
fn path_variants(raw: &str, service: &str) -> Vec<Variant<String>> {
    if service == "s3" {
        return vec![Variant { label: "", text: canonical::path(raw, PathForm::EncodedOnce) }];
    }
    distinct([
        ("", canonical::path(raw, PathForm::Normalized)),
        ("path not normalized", canonical::path(raw, PathForm::AsGiven)),
    ])
}

/// A presigned query leaves out its signature, and may leave out its token.
fn query_variants(raw: &str, is_presigned: bool) -> Vec<Variant<String>> {
    let (without, without_token): (&[&str], &[&str]) = match is_presigned {
        true => (&[presigned::SIGNATURE], &[presigned::SIGNATURE, presigned::SECURITY_TOKEN]),
        false => (&[], &[]),
    };
    distinct([
        ("", canonical::query(raw, QueryForm::Encoded, without)),
        ("token unsigned", canonical::query(raw, QueryForm::Encoded, without_token)),
        ("query as sent", canonical::query(raw, QueryForm::AsGiven, without)),
        ("query as sent, token unsigned", canonical::query(raw, QueryForm::AsGiven, without_token)),
    ])
}

/// The host as sent, then without its port, or with the port that the request arrived at.
fn host_variants(host: &str, local_port: Option<u16>) -> Vec<Variant<String>> {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // In `[::1]` the last colon belongs to the address.
    let bare = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map(|(bare, _)| bare);
    let other = match (bare, local_port) {
        (Some(bare), _) => ("host without its port", bare.to_owned()),
        (None, Some(port)) => ("host with the port", format!("{host}:{port}")),
        (None, None) => ("", host.to_owned()),
    };
    distinct([("", host.to_owned()), other])
}

fn distinct<const N: usize>(variants: [(&'static str, String); N]) -> Vec<Variant<String>> {
    let mut kept: Vec<Variant<String>> = Vec::with_capacity(N);
    for (label, text) in variants {
        if kept.iter().all(|other| other.text != text) {
            kept.push(Variant { label, text });
        }
    }
    kept
}

/// A request whose signature is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Who sent it.
    pub caller: Caller,
    /// The same by name, with what it may do.
    pub principal: Arc<Principal>,
    /// The signing name of the service that it was signed for; a request for one service is no request for another.
    pub service: String,
    /// What is known about the body.
    pub body: BodyRule,
}

/// What a right signature says about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// The body is the signed one.
    Signed,
    /// The client did not sign the body.
    Unsigned,
    /// The streamed body must turn out to have this SHA-256.
    MustHash([u8; 32]),
}
