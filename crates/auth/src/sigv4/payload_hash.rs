//! The last line of a canonical request: what the signature says about the body.

use super::{hex, unhex_32};
use ring::digest::{SHA256, digest};
use std::fmt;

/// What a signature says about the body, as `x-amz-content-sha256` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// The body's SHA-256.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD`: nothing.
    Unsigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: nothing either, because no KVS client that says so frames its body.
    Streaming,
}

impl PayloadHash {
    /// The hash of a body that is there in whole.
    pub fn of_body(body: &[u8]) -> Self {
        Self::Sha256(sha256(body))
    }

    /// The hash of no body.
    pub fn of_nothing() -> Self {
        Self::of_body(&[])
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            UNSIGNED => Some(Self::Unsigned),
            STREAMING => Some(Self::Streaming),
            _ => unhex_32(text).map(Self::Sha256),
        }
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(hash) => f.write_str(&hex(hash)),
            Self::Unsigned => f.write_str(UNSIGNED),
            Self::Streaming => f.write_str(STREAMING),
        }
    }
}

/// The body that a signature is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// The body was read to its end and has this SHA-256.
    Whole {
        /// The SHA-256 of all its bytes.
        sha256: [u8; 32],
    },
    /// The body is a stream that has hardly begun (PutMedia): most clients sign no hash of it.
    Streamed,
}

impl Payload {
    /// A body that was read to its end.
    pub fn of_body(body: &[u8]) -> Self {
        Self::Whole { sha256: sha256(body) }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    // A SHA-256 digest has 32 bytes, so the conversion never falls back.
    digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_the_well_known_hash() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(PayloadHash::of_nothing().to_string(), text);
        assert_eq!(PayloadHash::parse(text), Some(PayloadHash::of_body(b"")));
    }

    #[test]
    fn knows_two_literals_and_no_others() {
        for literal in [UNSIGNED, STREAMING] {
            assert_eq!(PayloadHash::parse(literal).map(|hash| hash.to_string()).as_deref(), Some(literal));
        }
        for other in ["", "unsigned-payload", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "E3B0", &"E".repeat(64)] {
            assert_eq!(PayloadHash::parse(other), None, "{other}");
        }
    }
}
