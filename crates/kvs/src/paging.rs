//! Paging tokens: opaque base64 that names where the next page begins, and is good for its own request only.

use crate::{KvsError, constraint};
use tympan_aws::Alphabet;
use tympan_types::PageToken;

/// Wraps a position.
pub(crate) fn encode(tokens: PageToken, position: &str) -> String {
    Alphabet::Standard.write(tokens, position)
}

/// Unwraps a token of at most `most` characters.
pub(crate) fn decode(tokens: PageToken, token: &str, most: usize) -> Result<String, KvsError> {
    constraint::next_token(token, most)?;
    Alphabet::Standard.read(tokens, token).ok_or_else(invalid)
}

/// The answer to a token that this service did not make for this request.
pub(crate) fn invalid() -> KvsError {
    KvsError::invalid("The specified NextToken is not valid for this request. Start again without it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_to_the_base64_alphabet() {
        let tokens = PageToken::of(["ListStreams"]);
        let token = encode(tokens, &"x.-_".repeat(64));
        assert!(token.len() <= 1024);
        assert_eq!(decode(tokens, &token, 1024).unwrap(), "x.-_".repeat(64));
        for bad in ["", "a b", "*", "abc", "/w==", "AAAAAAAAAAA="] {
            assert!(decode(tokens, bad, 1024).is_err(), "{bad}");
        }
        assert!(decode(PageToken::of(["ListFragments"]), &token, 1024).is_err());
    }
}
