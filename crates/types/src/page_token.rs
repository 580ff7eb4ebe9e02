//! Where the next page of a list begins, bound to the request that it belongs to.

/// Writes and reads the bytes of a token; each service has its own alphabet for them.
///
/// A token is a digest of what was asked and the position of the last item. With another request it is no token: going on
/// in another list from there would leave items out without a word. It is no secret and proves nothing: a client that makes one
/// up sees a part of a list that is theirs to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageToken(u64);

impl PageToken {
    /// The tokens of one request: its operation, who asks, and every member but the size of the page.
    pub fn of<'a>(asked: impl IntoIterator<Item = &'a str>) -> Self {
        // FNV-1a; a length before each part keeps ["ab", "c"] apart from ["a", "bc"].
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let part = |hash: u64, text: &str| {
            let length = text.len().to_le_bytes();
            length.into_iter().chain(text.bytes()).fold(hash, step)
        };
        Self(asked.into_iter().fold(0xcbf2_9ce4_8422_2325, part))
    }

    /// The token for what comes after `position`.
    pub fn write(self, position: &str) -> Vec<u8> {
        let mut token = self.0.to_be_bytes().to_vec();
        token.extend_from_slice(position.as_bytes());
        token
    }

    /// The position; `None` for what is no token, or the token of another request.
    pub fn read(self, token: &[u8]) -> Option<String> {
        let (digest, position) = token.split_first_chunk::<8>()?;
        (*digest == self.0.to_be_bytes()).then(|| String::from_utf8(position.to_vec()).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_its_request() {
        let asked = ["ListStreams", "111122223333", "a"];
        let token = PageToken::of(asked).write("stream-7");
        assert_eq!(PageToken::of(asked).read(&token).as_deref(), Some("stream-7"));
        for other in [
            ["ListStreams", "111122223333", ""],
            ["ListStreams", "11112222333", "3a"],
            ["ListTags", "111122223333", "a"],
        ] {
            assert_eq!(PageToken::of(other).read(&token), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let tokens = PageToken::of(["x"]);
        for bad in [&b""[..], b"short", b"12345678", &tokens.write("")[..7]] {
            assert_eq!(tokens.read(bad), None);
        }
        let mut token = tokens.write("");
        assert_eq!(tokens.read(&token).as_deref(), Some(""));
        token.push(0xff);
        assert_eq!(tokens.read(&token), None, "not UTF-8");
    }
}
