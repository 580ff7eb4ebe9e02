//! What must hold for any answer of PutMedia. Shared with the fuzz target.

use tympan_client::kvs::{Ack, AckError, AckLines};

/// Reads an answer whole and in pieces: the same acknowledgements, the same outcome, no panic.
pub(crate) fn check(input: &[u8]) {
    let whole = read([input]);
    for piece_bytes in [1, 7, 100] {
        assert_eq!(read(input.chunks(piece_bytes)), whole, "in pieces of {piece_bytes}");
    }
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Ack>, Result<(), AckError>) {
    let mut lines = AckLines::default();
    let outcome = pieces.into_iter().try_for_each(|piece| lines.push(piece)).and_then(|()| lines.finish());
    (std::iter::from_fn(|| lines.poll()).collect(), outcome)
}
