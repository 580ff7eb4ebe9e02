//! The server: challenges, and what answers them.

use super::hmac::hmac_sha256;
use super::params::{Params, push_quoted, push_token};
use super::window::{NonceId, Window};
use super::{Algorithm, Digested, from_hex, hex};
use crate::wire::{Name, Request, Text, Uri};
use std::net::IpAddr;
use subtle::ConstantTimeEq;
use tympan_types::{Mono, Redacted};

/// How long a nonce may be answered.
const LIFETIME_MS: i64 = 60_000;
/// Nonces that were answered and are remembered, about 40 bytes each.
const NONCES_MAX: usize = 65_536;
/// Answers of one request that are looked at: one for each realm on its way.
const ANSWERS_MAX: usize = 8;
/// Of the MAC, so many bytes go into the nonce.
const MAC_BYTES: usize = 16;
/// Time and serial number.
const ID_BYTES: usize = 12;

/// What the answer to a challenge is worth. Everything but `Accepted` is answered 401 with [`Verifier::challenges`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// This user sent the request.
    Accepted(&'a str),
    /// No answer for this realm.
    Missing,
    /// A wrong or broken answer, or one of a kind that is not offered: `auth-int`, no `qop`, session algorithms.
    Wrong,
    /// A right answer to a nonce that is too old, of another source, or not ours: the client may use its password again.
    Stale,
    /// A right answer that came before, or could have.
    Replayed,
}

impl Verdict<'_> {
    /// For [`Verifier::challenges`].
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Stale | Self::Replayed)
    }
}

/// What a user proves its name with.
#[derive(Debug, Clone, Copy)]
pub enum Secret<'a> {
    /// The password.
    Password(&'a str),
    /// Hashes of user, realm and password in hexadecimal, as [`super::ha1_md5`] and [`super::ha1_sha256`] make them. Without one, no
    /// answer of that algorithm is right.
    Ha1 {
        /// For MD5.
        md5: Option<&'a str>,
        /// For SHA-256.
        sha256: Option<&'a str>,
    },
}

/// Challenges requests and checks the answers. ACK and CANCEL are not challenged (RFC 3261 section 22.1).
#[derive(Debug)]
pub struct Verifier {
    key: Redacted<[u8; 32]>,
    serial: u32,
    lifetime_ms: i64,
    window: Window,
}

impl Verifier {
    /// The key of the nonces is derived from `seed`, which must be secret.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self::with_limits(seed, LIFETIME_MS, NONCES_MAX)
    }

    pub(super) fn with_limits(seed: &[u8; 32], lifetime_ms: i64, nonces_max: usize) -> Self {
        let key = hmac_sha256(seed, &[b"tympan: key of digest nonces"]);
        Self { key: key.into(), serial: 0, lifetime_ms, window: Window::new(nonces_max) }
    }

    /// Values for WWW-Authenticate, a line each, in this order: the first one that a client knows is the one to take (RFC 8760
    /// section 2.4).
    pub fn challenges(&mut self, now: Mono, source: IpAddr, realm: &str, stale: bool) -> [String; 2] {
        self.serial = self.serial.wrapping_add(1);
        let id = NonceId { made_ms: now.as_millis(), serial: self.serial };
        let nonce = hex(&[&id_bytes(id)[..], &self.mac(id, source, realm)].concat());
        [Algorithm::Sha256 { sess: false }, Algorithm::Md5 { sess: false }].map(|algorithm| {
            let mut text = String::with_capacity(160);
            push_quoted(&mut text, "realm", realm);
            push_quoted(&mut text, "nonce", &nonce);
            if stale {
                push_token(&mut text, "stale", "true");
            }
            push_token(&mut text, "algorithm", algorithm.as_str());
            push_quoted(&mut text, "qop", "auth");
            text
        })
    }

    /// Checks the answer for `realm` in Authorization. `users` are names and passwords.
    pub fn verify<'a>(
        &mut self,
        now: Mono,
        source: IpAddr,
        request: &Request,
        realm: &str,
        users: &'a [(String, Redacted<String>)],
    ) -> Verdict<'a> {
        self.verify_with(now, source, request, realm, |username| {
            let (name, password) = users.iter().find(|(name, _)| name == username)?;
            Some((name.as_str(), Secret::Password(password.expose())))
        })
    }

    /// The same, where `secret_of` finds the user of a name, and its secret.
    pub fn verify_with<'a>(
        &mut self,
        now: Mono,
        source: IpAddr,
        request: &Request,
        realm: &str,
        secret_of: impl FnOnce(&str) -> Option<(&'a str, Secret<'a>)>,
    ) -> Verdict<'a> {
        let answers = request.message.values(Name::Authorization).take(ANSWERS_MAX);
        let mut answers = answers.filter_map(Params::parse);
        let Some(answer) = answers.find(|answer| answer.get("realm") == Some(realm)) else {
            return Verdict::Missing;
        };
        // The digest first: without the password, a client learns nothing about nonces and fills no window.
        let Some((user, nonce, count)) = check(&answer, request, realm, secret_of) else {
            return Verdict::Wrong;
        };
        match self.nonce_id(now, source, realm, nonce) {
            None => Verdict::Stale,
            Some(id) => {
                let oldest_ms = now.as_millis().saturating_sub(self.lifetime_ms.unsigned_abs());
                self.window.expire(oldest_ms);
                if self.window.take(id, count) { Verdict::Accepted(user) } else { Verdict::Replayed }
            }
        }
    }

    /// True where a request answers a challenge that went to this source, rightly or wrongly.
    pub fn has_nonce(&self, now: Mono, source: IpAddr, request: &Request, realm: &str) -> bool {
        let answers = request.message.values(Name::Authorization).take(ANSWERS_MAX).filter_map(Params::parse);
        let mut answers = answers.filter(|answer| answer.get("realm") == Some(realm));
        answers.any(|answer| {
            answer.get("nonce").is_some_and(|nonce| self.nonce_id(now, source, realm, nonce).is_some())
        })
    }

    /// A nonce that is ours, for this source and realm, and not too old.
    fn nonce_id(&self, now: Mono, source: IpAddr, realm: &str, nonce: &str) -> Option<NonceId> {
        let bytes = from_hex(nonce).filter(|bytes| bytes.len() == ID_BYTES + MAC_BYTES)?;
        let (made_ms, rest) = bytes.split_first_chunk()?;
        let (serial, mac) = rest.split_first_chunk()?;
        let id = NonceId { made_ms: u64::from_be_bytes(*made_ms), serial: u32::from_be_bytes(*serial) };
        let is_ours = bool::from(self.mac(id, source, realm).as_slice().ct_eq(mac));
        let age_ms = now.ms_since(Mono::from_millis(id.made_ms));
        (is_ours && age_ms <= self.lifetime_ms).then_some(id)
    }

    fn mac(&self, id: NonceId, source: IpAddr, realm: &str) -> [u8; MAC_BYTES] {
        let source = match source.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        // All but the realm has a fixed length.
        let parts: [&[u8]; 3] = [&id_bytes(id), &source.octets(), realm.as_bytes()];
        let mac = hmac_sha256(self.key.expose(), &parts);
        mac.first_chunk().copied().unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn nonces(&self) -> usize {
        self.window.len()
    }
}

/// The user, nonce and count of a right digest.
fn check<'a, 'b>(
    answer: &'b Params,
    request: &Request,
    realm: &str,
    secret_of: impl FnOnce(&str) -> Option<(&'a str, Secret<'a>)>,
) -> Option<(&'a str, &'b str, u32)> {
    let algorithm = Algorithm::parse(answer.get("algorithm")).filter(|algorithm| !algorithm.is_sess())?;
    if !answer.get("qop")?.eq_ignore_ascii_case("auth") || answer.get("userhash") == Some("true") {
        return None;
    }
    let (nonce, nc, cnonce) = (answer.get("nonce")?, answer.get("nc")?, answer.get("cnonce")?);
    let count = count_of(nc)?;
    let uri = answer.get("uri").filter(|uri| is_uri_of(uri, request))?;
    let username = answer.get("username")?;
    let found = secret_of(username);
    // An unknown user costs what a known one costs.
    let secret = found.map_or(Secret::Password(""), |(_, secret)| secret);
    let (password, ha1) = match secret {
        Secret::Password(password) => (password, None),
        Secret::Ha1 { md5, sha256 } => {
            ("", Some(if matches!(algorithm, Algorithm::Md5 { .. }) { md5 } else { sha256 }?))
        }
    };
    let method = request.method.as_str();
    let digested =
        Digested { algorithm, username, realm, password, nonce, auth: Some((nc, cnonce)), method, uri };
    let expected = match ha1 {
        Some(ha1) => digested.response_with(ha1.to_ascii_lowercase()),
        None => digested.response(),
    };
    let given = answer.get("response")?.to_ascii_lowercase();
    let is_right = bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
    found.filter(|_| is_right).map(|(name, _)| (name, nonce, count))
}

/// A proxy may have changed the host of the request URI since the digest was made (RFC 3261 section 22.4), but who is called must
/// be what was signed.
fn is_uri_of(uri: &str, request: &Request) -> bool {
    Uri::parse(&Text::from(uri))
        .is_some_and(|uri| uri.is_same(&request.uri) || uri.number() == request.uri.number())
}

/// `nc`: eight hexadecimal digits.
fn count_of(nc: &str) -> Option<u32> {
    let bytes: [u8; 4] = from_hex(nc)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

fn id_bytes(id: NonceId) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    let source = id.made_ms.to_be_bytes().into_iter().chain(id.serial.to_be_bytes());
    bytes.iter_mut().zip(source).for_each(|(slot, byte)| *slot = byte);
    bytes
}
