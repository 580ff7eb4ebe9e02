//! Paging as KMS does it: Limit, Marker, NextMarker, Truncated.

use super::constraint;
use super::error::{KmsApiError, KmsErrorCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_types::PageToken;

/// The two members of a request that pages.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Paging {
    limit: Option<i64>,
    marker: Option<String>,
}

impl Paging {
    /// Cuts the page out of items under their sort keys; `tokens` are those of the request.
    pub(super) fn answer(
        self,
        tokens: PageToken,
        list_name: &str,
        default_size: u32,
        most: u32,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Option<Value>, KmsApiError> {
        let size = match self.limit {
            None => default_size,
            Some(limit) => constraint::range(limit, "limit", 1, most)?,
        };
        let after = match self.marker.as_deref() {
            None => None,
            Some(marker) => Some(decode(tokens, marker).ok_or_else(|| {
                KmsApiError::new(
                    KmsErrorCode::InvalidMarker,
                    "The marker is not one that this operation returned to this request. Start again without it.",
                )
            })?),
        };
        let mut items: Vec<(String, Value)> =
            items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = items.len() > size;
        items.truncate(size);
        let marker = items.last().filter(|_| more).map(|(key, _)| URL_SAFE_NO_PAD.encode(tokens.write(key)));
        let list: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
        let mut answer = json!({ list_name: list, "Truncated": more });
        if let Some(marker) = marker {
            answer["NextMarker"] = marker.into();
        }
        Ok(Some(answer))
    }
}

fn decode(tokens: PageToken, marker: &str) -> Option<String> {
    tokens.read(&URL_SAFE_NO_PAD.decode(marker).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: Option<i64>, marker: Option<&str>) -> Result<Value, KmsApiError> {
        let items = ["c", "a", "e", "b", "d"].map(|key| (key.to_owned(), Value::from(key)));
        let paging = Paging { limit, marker: marker.map(str::to_owned) };
        paging.answer(PageToken::of(["ListItems"]), "Items", 3, 4, items).map(Option::unwrap_or_default)
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
