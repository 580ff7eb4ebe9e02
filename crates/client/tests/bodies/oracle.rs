//! What must hold for any body of GetMedia. Shared with the fuzz target.

use bytes::Bytes;
use tympan_client::media::{ContactFilter, GetMediaReader, MediaItem, Verdict};
use tympan_types::ContactId;

/// Reads a body whole and in pieces: the same items, no panic; and a contact's filter passes no more than came in.
pub(crate) fn check(input: &[u8]) {
    let whole = read([input]);
    for piece_bytes in [1, 11, 1_000] {
        assert_eq!(read(input.chunks(piece_bytes)), whole, "in pieces of {piece_bytes}");
    }
    let mut filter = ContactFilter::new(ContactId::from_random([7; 16]));
    let mut passed = 0;
    for item in whole.clone() {
        match filter.push(item) {
            Verdict::Pass(items) => passed += items.len(),
            Verdict::Over => break,
        }
    }
    assert!(passed <= whole.len());
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<MediaItem> {
    let mut reader = GetMediaReader::new(true);
    let mut items = Vec::new();
    for piece in pieces {
        let outcome = reader.push(Bytes::copy_from_slice(piece));
        items.extend(std::iter::from_fn(|| reader.poll()));
        if outcome.is_err() {
            return items;
        }
    }
    let _ = reader.end_body();
    reader.finish();
    items.extend(std::iter::from_fn(|| reader.poll()));
    items
}
