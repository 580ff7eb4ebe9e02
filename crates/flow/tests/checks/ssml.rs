//! What holds for any text as a prompt. Shared by the fuzz target `ssml` and the tests.

use tympan_flow::ssml::{self, Piece};

/// Reads the text as a document and as plain text: an error, or pieces that can be spoken, of no more silence than was asked for.
pub(crate) fn check(text: &str) {
    let document = ssml::read(text);
    if ssml::is_document(text) {
        assert_ne!(document, Err(ssml::SsmlError::NotSpeak));
    }
    for pieces in [document, ssml::plain(text)].into_iter().flatten() {
        let mut silence_ms = 0;
        for piece in &pieces {
            match piece {
                Piece::Speech(text) => {
                    assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), *text);
                    assert!(!text.is_empty() && !text.contains(char::is_control));
                    // The longest that a character becomes is its name.
                    assert!(text.chars().count() <= 16 * ssml::PROMPT_LIMIT_CHARS);
                }
                Piece::Silence { ms } | Piece::Bleep { ms } => {
                    assert!(*ms > 0);
                    silence_ms += u64::from(*ms);
                }
            }
            assert!(piece.reading_time_ms() > 0);
        }
        let marks = text.matches('<').count() as u64;
        assert!(silence_ms <= marks * u64::from(ssml::BREAK_LIMIT_MS));
    }
}
