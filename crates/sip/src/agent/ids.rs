//! Tags, branches, Call-IDs and pauses out of one seed: without the seed the next one cannot be guessed, and the same seed gives the same ones.

use crate::dialog::Tag;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A generator: SHA-256 of a key and a counter. What has to be the same for the same request is a hash under a second key.
pub(super) struct Ids {
    stream_key: [u8; 32],
    tag_key: [u8; 32],
    drawn: u64,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ids").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

impl Ids {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { stream_key: derived(&seed, b"stream"), tag_key: derived(&seed, b"tag"), drawn: 0 }
    }

    fn draw(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        Sha256::new().chain_update(self.stream_key).chain_update(self.drawn.to_be_bytes()).finalize().into()
    }

    /// A tag for a dialog of ours.
    pub(super) fn tag(&mut self) -> Tag {
        Tag::from_random(self.draw())
    }

    /// The tag for a response that leaves no state behind: the same for each repetition of the request (RFC 3261 section 8.2.7).
    pub(super) fn stateless_tag(&self, call_id: &str, from_tag: &str, branch: &str) -> Tag {
        let mut hash = Sha256::new().chain_update(self.tag_key);
        for part in [call_id, from_tag, branch] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Tag::from_random(hash.finalize().into())
    }

    /// A branch with the magic cookie (RFC 3261 section 8.1.1.7).
    pub(super) fn branch(&mut self) -> Box<str> {
        let mut branch = String::with_capacity(27);
        branch.push_str("z9hG4bK");
        push_hex(&mut branch, &self.draw()[..10]);
        branch.into()
    }

    /// A Call-ID (without a host: RFC 3261 section 8.1.1.4 asks for uniqueness alone).
    pub(super) fn call_id(&mut self) -> Box<str> {
        let mut text = String::with_capacity(32);
        push_hex(&mut text, &self.draw()[..16]);
        text.into()
    }

    /// A client nonce.
    pub(super) fn cnonce(&mut self) -> u64 {
        let drawn = self.draw();
        drawn[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number below `bound`, which is small enough that its bias does not matter; 0 where it is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let drawn = self.draw();
        u32::from_be_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]).checked_rem(bound).unwrap_or(0)
    }
}

fn derived(seed: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(seed).chain_update(purpose).finalize().into()
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_gives_others() {
        let (mut one, mut same, mut other) = (Ids::new([1; 32]), Ids::new([1; 32]), Ids::new([2; 32]));
        let drawn = (one.tag(), one.branch(), one.call_id());
        assert_eq!(drawn, (same.tag(), same.branch(), same.call_id()));
        assert_ne!(drawn, (other.tag(), other.branch(), other.call_id()));
        assert_ne!(one.tag(), one.tag());
        assert!(drawn.1.starts_with("z9hG4bK") && drawn.1.len() == 27);
    }

    #[test]
    fn a_stateless_tag_is_the_same_for_the_repetition_of_a_request() {
        let ids = Ids::new([1; 32]);
        assert_eq!(ids.stateless_tag("a", "b", "c"), ids.stateless_tag("a", "b", "c"));
        assert_ne!(ids.stateless_tag("a", "b", "c"), ids.stateless_tag("ab", "", "c"));
    }
}
