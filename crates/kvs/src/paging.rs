//! Paging tokens: opaque base64 that names where the next page begins.

use crate::{KvsError, constraint};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Wraps a position.
pub(crate) fn encode(position: &str) -> String {
    STANDARD.encode(position)
}

/// Unwraps a token of at most `most` characters.
pub(crate) fn decode(token: &str, most: usize) -> Result<String, KvsError> {
    constraint::next_token(token, most)?;
    let bytes = STANDARD.decode(token).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)
}

/// The answer to a token that this service did not make.
pub(crate) fn invalid() -> KvsError {
    KvsError::invalid("The specified NextToken is not valid. Start again without it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_to_the_base64_alphabet() {
        let token = encode(&"x.-_".repeat(64));
        assert!(token.len() <= 1024);
        assert_eq!(decode(&token, 1024).unwrap(), "x.-_".repeat(64));
        for bad in ["", "a b", "*", "abc", "/w=="] {
            assert!(decode(bad, 1024).is_err(), "{bad}");
        }
    }
}
