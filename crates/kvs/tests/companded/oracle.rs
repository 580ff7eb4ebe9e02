//! Any bytes as a body come back from the companded form, and any bytes as that form expand to the length that was asked
//! for or to nothing. Shared with the fuzz target.

use tympan_kvs::Companded;
use tympan_store::BodyCodec;

/// Bytes as a body, then as a stored one.
pub fn check_companded(input: &[u8]) {
    let mut stored = Vec::new();
    if Companded.encode(input, &mut stored) {
        assert!(stored.len() < input.len(), "it is smaller");
        assert_eq!(expanded(&stored, input.len()).as_deref(), Some(input), "the same bytes come back");
        for wrong in [input.len() - 1, input.len() + 1] {
            assert_eq!(expanded(&stored, wrong), None, "of no other length");
        }
    }
    for plain_bytes in [0, input.len(), 2 * input.len(), 4_000] {
        if let Some(plain) = expanded(input, plain_bytes) {
            assert_eq!(plain.len(), plain_bytes);
        }
    }
}

fn expanded(stored: &[u8], plain_bytes: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    Companded.decode(stored, plain_bytes, &mut plain).then_some(plain)
}
