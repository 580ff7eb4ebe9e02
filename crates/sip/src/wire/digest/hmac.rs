//! HMAC-SHA-256 (RFC 2104), of whole messages.

use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 64;

/// The MAC of the parts, one after another: their lengths must be fixed or told apart.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    let hashed = Sha256::digest(key);
    let key = if key.len() > BLOCK_BYTES { hashed.as_slice() } else { key };
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}
