//! Paging as KMS does it: Limit, Marker, NextMarker, Truncated.

use super::constraint;
use super::error::{KmsApiError, KmsErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Alphabet, Output, Page, PageError};
use tympan_types::PageToken;

/// The two members of a request that pages.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Paging {
    limit: Option<i64>,
    marker: Option<String>,
}

impl Paging {
    /// Cuts the page out of items under their sort keys; `tokens` are those of the request.
    pub(crate) fn answer(
        self,
        tokens: PageToken,
        list_name: &str,
        default_size: usize,
        most: usize,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Output, KmsApiError> {
        self.cut(tokens, list_name, default_size, most, items).map(|answer| Output::json(&answer))
    }

    fn cut(
        self,
        tokens: PageToken,
        list_name: &str,
        default_size: usize,
        most: usize,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Value, KmsApiError> {
        let marker = self.marker.as_deref();
        let page = Page::new(Alphabet::UrlSafe, tokens, marker, self.limit, default_size, most);
        let (list, marker) = page.map_err(refusal)?.cut(items);
        let mut answer = json!({ list_name: list, "Truncated": marker.is_some() });
        if let Some(marker) = marker {
            answer["NextMarker"] = marker.into();
        }
        Ok(answer)
    }
}

fn refusal(error: PageError) -> KmsApiError {
    match error {
        PageError::Size { asked, most } => {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            match constraint::range(asked, "limit", 1, most) {
                Err(breach) => breach.into(),
                Ok(_) => KmsApiError::validation("The limit is out of range."),
            }
        }
        PageError::Token => KmsApiError::new(
            KmsErrorCode::InvalidMarker,
            "The marker is not one that this operation returned to this request. Start again without it.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: Option<i64>, marker: Option<&str>) -> Result<Value, KmsApiError> {
        let items = ["c", "a", "e", "b", "d"].map(|key| (key.to_owned(), Value::from(key)));
        let paging = Paging { limit, marker: marker.map(str::to_owned) };
        paging.cut(PageToken::of(["ListItems"]), "Items", 3, 4, items)
    }

    #[test]
    fn pages_join_to_the_whole_list_in_order() {
        let first = page(None, None).unwrap();
        assert_eq!((&first["Items"], &first["Truncated"]), (&json!(["a", "b", "c"]), &json!(true)));
        let second = page(Some(4), first["NextMarker"].as_str()).unwrap();
        assert_eq!(second, json!({ "Items": ["d", "e"], "Truncated": false }));
    }

    #[test]
    fn refuses_foreign_markers_and_sizes() {
        for limit in [0, 5, -1] {
            assert_eq!(page(Some(limit), None).unwrap_err().code(), KmsErrorCode::Validation);
        }
        for marker in ["!", "_w"] {
            assert_eq!(page(None, Some(marker)).unwrap_err().code(), KmsErrorCode::InvalidMarker);
        }
    }
}
