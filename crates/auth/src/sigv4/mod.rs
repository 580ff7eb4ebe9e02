//! AWS Signature Version 4, one file per wire piece.
//!
//! Source: IAM User Guide, "AWS Signature Version 4 for API requests"; the clients' own ways with payload hashes,
//! hosts and tokens as captured from unmodified clients.
//!
//! Not implemented: SigV4a (`AWS4-ECDSA-P256-SHA256`), `aws-chunked` bodies, the `Date` header in place of `X-Amz-Date`.

mod amz_date;
mod authorization;
mod canonical;
mod explain;
mod payload_hash;
mod presigned;
mod rejection;
mod request;
mod scope;
mod sign;
mod verify;

pub use amz_date::AmzDate;
pub use explain::{Candidate, Explanation};
pub use payload_hash::{Payload, PayloadHash};
pub use rejection::{HeadError, Rejection};
pub use request::RequestParts;
pub use scope::Scope;
pub use sign::{Signer, SigningOptions};
pub use verify::{BodyRule, Pending, Verified, Verifier, scope_of};

/// The one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Lower-case hex, as digests and signatures are written.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads 64 lower-case hex digits.
fn unhex_32(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
