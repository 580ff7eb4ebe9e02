//! Pages of lists. A token is the sort key of the last item of the page before, so that a page neither
//! repeats nor misses what was there all the time, whatever is added or removed in between.

use crate::error::ConnectError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tympan_types::PageToken;

/// Which page of a list is wanted.
pub(super) struct Paging {
    tokens: PageToken,
    after: Option<String>,
    size: usize,
}

impl Paging {
    /// `tokens` are those of the request; `most` is both the largest and the default page size of the operation.
    pub(super) fn new(
        tokens: PageToken,
        next_token: Option<&str>,
        max_results: Option<i64>,
        most: usize,
    ) -> Result<Self, ConnectError> {
        let size = match max_results {
            None => most,
            Some(asked) => usize::try_from(asked)
                .ok()
                .filter(|size| (1..=most).contains(size))
                .ok_or_else(|| ConnectError::parameter(format!("MaxResults must be 1 to {most}")))?,
        };
        let after = match next_token {
            None => None,
            Some(token) => Some(decode(tokens, token).ok_or_else(|| {
                ConnectError::parameter("NextToken is not one that this operation returned to this request")
            })?),
        };
        Ok(Self { tokens, after, size })
    }

    /// Cuts the page out of items under their sort keys, and adds the token of the next one to the answer.
    pub(super) fn answer(&self, list_name: &str, items: impl IntoIterator<Item = (String, Value)>) -> Value {
        let mut items: Vec<(String, Value)> = items
            .into_iter()
            .filter(|(key, _)| self.after.as_ref().is_none_or(|after| key > after))
            .collect();
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        let more = items.len() > self.size;
        items.truncate(self.size);
        let last = items.last().filter(|_| more);
        let next_token = last.map(|(key, _)| URL_SAFE_NO_PAD.encode(self.tokens.write(key)));
        let list: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
        let mut answer = json!({ list_name: list });
        if let Some(token) = next_token {
            answer["NextToken"] = token.into();
        }
        answer
    }
}

fn decode(tokens: PageToken, token: &str) -> Option<String> {
    tokens.read(&URL_SAFE_NO_PAD.decode(token).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> PageToken {
        PageToken::of(["ListItems"])
    }

    #[test]
    fn pages_join_to_the_whole_list_in_order() {
        let items = || ["c", "a", "e", "b", "d"].map(|key| (key.to_owned(), Value::from(key)));
        let (mut token, mut seen) = (None::<String>, Vec::new());
        loop {
            let page = Paging::new(tokens(), token.as_deref(), Some(2), 10).unwrap().answer("Items", items());
            seen.extend(page["Items"].as_array().unwrap().clone());
            match page.get("NextToken") {
                Some(next) => token = Some(next.as_str().unwrap().to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn refuses_foreign_tokens_and_sizes() {
        assert!(Paging::new(tokens(), Some("!"), None, 10).is_err());
        assert!(Paging::new(tokens(), Some("_w"), None, 10).is_err(), "not UTF-8");
        assert!(Paging::new(tokens(), None, Some(0), 10).is_err());
        assert!(Paging::new(tokens(), None, Some(11), 10).is_err());
        assert!(Paging::new(tokens(), None, Some(-1), 10).is_err());
    }
}
