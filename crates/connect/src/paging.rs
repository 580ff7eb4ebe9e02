//! Pages of lists, by the kit's [`Page`].

use crate::error::ConnectError;
use crate::target::Context;
use serde_json::{Value, json};
use tympan_aws::{Alphabet, Output, Page};
use tympan_types::PageToken;

/// The query parameters of lists.
pub(crate) const QUERY: [&str; 2] = ["nextToken", "maxResults"];

/// `most` is both the largest and the default page size of the operation.
pub(crate) fn page(
    tokens: PageToken,
    next_token: Option<&str>,
    max_results: Option<i64>,
    most: usize,
) -> Result<Page, ConnectError> {
    Ok(Page::new(Alphabet::UrlSafe, tokens, next_token, max_results, most, most)?)
}

/// The same by `nextToken` and `maxResults` of the query. They are read as text: what is no number is an error for a caller who may list.
pub(crate) fn of_query(
    cx: &Context<'_>,
    next_token: Option<&str>,
    max_results: Option<&str>,
    most: usize,
) -> Result<Page, ConnectError> {
    let number = |text: &str| text.parse::<i64>();
    let size = max_results.map(number).transpose();
    let size = size.map_err(|_| ConnectError::parameter("maxResults must be a whole number"))?;
    page(cx.tokens([]), next_token, size, most)
}

/// Cuts the page out of items under their sort keys; the answer has them, and the token of the next page if there is one.
pub(crate) fn list(page: &Page, list_name: &str, items: impl IntoIterator<Item = (String, Value)>) -> Output {
    let (list, next_token) = page.cut(items);
    let mut answer = json!({ list_name: list });
    if let Some(token) = next_token {
        answer["NextToken"] = token.into();
    }
    Output::json(&answer)
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
            let page = page(tokens(), token.as_deref(), Some(2), 10).unwrap();
            let page = list(&page, "Items", items()).into_json().unwrap();
            let page: Value = serde_json::from_slice(&page).unwrap();
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
        assert!(page(tokens(), Some("!"), None, 10).is_err());
        assert!(page(tokens(), Some("_w"), None, 10).is_err(), "not UTF-8");
        assert!(page(tokens(), None, Some(0), 10).is_err());
        assert!(page(tokens(), None, Some(11), 10).is_err());
        assert!(page(tokens(), None, Some(-1), 10).is_err());
    }
}
