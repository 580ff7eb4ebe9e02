//! Pages of lists. A token is the sort key of the last item of the page before, so that a page neither repeats nor misses
//! what was there all the time, whatever is added or removed in between; and it is good for its own request only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tympan_types::PageToken;

/// How a service writes the bytes of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Base64 with padding (Kinesis Video Streams).
    Standard,
    /// Base64 for URLs, without padding (Connect, KMS).
    UrlSafe,
}

impl Alphabet {
    /// The token for what comes after `position`.
    pub fn write(self, tokens: PageToken, position: &str) -> String {
        let bytes = tokens.write(position);
        match self {
            Self::Standard => STANDARD.encode(bytes),
            Self::UrlSafe => URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// The position; `None` for what is no token of this request.
    pub fn read(self, tokens: PageToken, token: &str) -> Option<String> {
        let bytes = match self {
            Self::Standard => STANDARD.decode(token),
            Self::UrlSafe => URL_SAFE_NO_PAD.decode(token),
        };
        tokens.read(&bytes.ok()?)
    }
}

/// Why no page can be given; each service has its own code and words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// The size is not 1 to `most`.
    Size {
        /// What was asked for.
        asked: i64,
        /// The most that a page may have.
        most: usize,
    },
    /// The token was not made for this request.
    Token,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    alphabet: Alphabet,
    tokens: PageToken,
    after: Option<String>,
    size: usize,
}

impl Page {
    /// `tokens` are those of the request ([`Cx::tokens`](crate::Cx::tokens)); a page has `size` items, or `default` where
    /// none is asked for, and `most` at most.
    ///
    /// # Errors
    /// [`PageError`]
    pub fn new(
        alphabet: Alphabet,
        tokens: PageToken,
        token: Option<&str>,
        size: Option<i64>,
        default: usize,
        most: usize,
    ) -> Result<Self, PageError> {
        let size = match size {
            None => default,
            Some(asked) => usize::try_from(asked)
                .ok()
                .filter(|size| (1..=most).contains(size))
                .ok_or(PageError::Size { asked, most })?,
        };
        let after = token.map(|token| alphabet.read(tokens, token).ok_or(PageError::Token)).transpose()?;
        Ok(Self { alphabet, tokens, after, size })
    }

    /// The sort key after which the page begins.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many items it has at most. A list that is read from a store is asked for one more.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Cuts the page out of a whole list in any order, and gives the token of the next one.
    pub fn cut<T>(&self, items: impl IntoIterator<Item = (String, T)>) -> (Vec<T>, Option<String>) {
        let after = self.after();
        let mut items: Vec<(String, T)> =
            items.into_iter().filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).collect();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (items, token) = self.cut_sorted(items, |(key, _)| key.clone());
        (items.into_iter().map(|(_, item)| item).collect(), token)
    }

    /// Cuts the page off a list that begins after [`Self::after`], is sorted, and has more than [`Self::size`] items if
    /// there are more.
    pub fn cut_sorted<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let more = items.len() > self.size;
        items.truncate(self.size);
        let last = items.last().filter(|_| more);
        let token = last.map(|last| self.alphabet.write(self.tokens, &key(last)));
        (items, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(token: Option<&str>, size: Option<i64>) -> Result<Page, PageError> {
        Page::new(Alphabet::UrlSafe, PageToken::of(["ListItems"]), token, size, 3, 4)
    }

    #[test]
    fn pages_join_to_the_whole_list_in_order() {
        let items = || ["c", "a", "e", "b", "d"].map(|key| (key.to_owned(), key));
        let (first, token) = page(None, None).unwrap().cut(items());
        assert_eq!(first, ["a", "b", "c"]);
        let (second, none) = page(token.as_deref(), Some(4)).unwrap().cut(items());
        assert_eq!((second, none), (vec!["d", "e"], None));
    }

    #[test]
    fn a_token_is_good_for_its_own_request_only() {
        for alphabet in [Alphabet::Standard, Alphabet::UrlSafe] {
            let token = alphabet.write(PageToken::of(["ListStreams", "a"]), "x.-_");
            assert_eq!(alphabet.read(PageToken::of(["ListStreams", "a"]), &token).as_deref(), Some("x.-_"));
            assert_eq!(alphabet.read(PageToken::of(["ListStreams", "b"]), &token), None);
            for bad in ["", "!", "abc", "_w", "/w==", "AAAAAAAAAAA="] {
                assert_eq!(alphabet.read(PageToken::of(["ListStreams", "a"]), bad), None, "{bad}");
            }
        }
        assert_eq!(page(Some("!"), None), Err(PageError::Token));
        for asked in [0, 5, -1] {
            assert_eq!(page(None, Some(asked)), Err(PageError::Size { asked, most: 4 }));
        }
    }
}
