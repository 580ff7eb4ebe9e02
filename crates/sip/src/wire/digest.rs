//! Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): both roles; MD5 and SHA-256; `qop=auth`.
//!
//! As a client, [`Authorizer`] answers challenges, the strongest of each realm. As a server, [`Verifier`] challenges and checks.
//! A nonce of ours is stateless: a time and a MAC over time and source under a key of the process. Its `nc` may not come twice,
//! which a bounded window of nonces remembers; a replayed answer is challenged again with `stale=true`.

mod client;
mod hmac;
mod params;
mod server;
#[cfg(test)]
mod tests;
mod window;

pub use client::Authorizer;
pub use server::{Secret, Verdict, Verifier};

use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How digests are made. The order is that of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5 { sess: bool },
    Sha256 { sess: bool },
}

impl Algorithm {
    /// `None`: a token that is not known. Without a token it is MD5.
    fn parse(token: Option<&str>) -> Option<Self> {
        let token = token.unwrap_or("MD5");
        let all = [
            Self::Md5 { sess: false },
            Self::Md5 { sess: true },
            Self::Sha256 { sess: false },
            Self::Sha256 { sess: true },
        ];
        all.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 { sess: false } => "MD5",
            Self::Md5 { sess: true } => "MD5-sess",
            Self::Sha256 { sess: false } => "SHA-256",
            Self::Sha256 { sess: true } => "SHA-256-sess",
        }
    }

    const fn is_sess(self) -> bool {
        matches!(self, Self::Md5 { sess: true } | Self::Sha256 { sess: true })
    }

    /// The digest of the parts with colons between them, in hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        fn over<D: Digest>(parts: &[&str]) -> Vec<u8> {
            let mut digest = D::new();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    digest.update(b":");
                }
                digest.update(part.as_bytes());
            }
            digest.finalize().to_vec()
        }
        hex(&match self {
            Self::Md5 { .. } => over::<Md5>(parts),
            Self::Sha256 { .. } => over::<Sha256>(parts),
        })
    }
}

/// A1 of a user for MD5 (RFC 7616 section 3.4.2), as 32 hexadecimal digits.
pub fn ha1_md5(user: &str, realm: &str, password: &str) -> String {
    Algorithm::Md5 { sess: false }.hash(&[user, realm, password])
}

/// A1 of a user for SHA-256, as 64 hexadecimal digits.
pub fn ha1_sha256(user: &str, realm: &str, password: &str) -> String {
    Algorithm::Sha256 { sess: false }.hash(&[user, realm, password])
}

/// What a digest is computed over.
#[derive(Clone, Copy)]
struct Digested<'a> {
    algorithm: Algorithm,
    username: &'a str,
    realm: &'a str,
    password: &'a str,
    nonce: &'a str,
    /// `nc` and `cnonce` under `qop=auth`; `None` for a server of RFC 2069.
    auth: Option<(&'a str, &'a str)>,
    method: &'a str,
    uri: &'a str,
}

impl Digested<'_> {
    /// RFC 7616 section 3.4.1.
    fn response(&self) -> String {
        self.response_with(self.algorithm.hash(&[self.username, self.realm, self.password]))
    }

    /// The same with the hash of user, realm and password.
    fn response_with(&self, ha1: String) -> String {
        let hash = |parts: &[&str]| self.algorithm.hash(parts);
        let mut secret = ha1;
        if let (true, Some((_, cnonce))) = (self.algorithm.is_sess(), self.auth) {
            secret = hash(&[&secret, self.nonce, cnonce]);
        }
        let request = hash(&[self.method, self.uri]);
        match self.auth {
            Some((nc, cnonce)) => hash(&[&secret, self.nonce, nc, cnonce, "auth", &request]),
            None => hash(&[&secret, self.nonce, &request]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower or upper case; `None` for anything else.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
