//! Tags of a resource.
//!
//! Source: the model's TagKey (1 to 128, pattern `^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`) and TagValue (0 to 256);
//! at most 50 on a resource.

use crate::error::ConnectError;
use std::collections::BTreeMap;

/// Checks the tags of a create request; none is an empty map.
pub(crate) fn check(
    tags: Option<BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, ConnectError> {
    let tags = tags.unwrap_or_default();
    if tags.len() > 50 {
        return Err(ConnectError::parameter("a resource has at most 50 tags"));
    }
    for (key, value) in &tags {
        let in_alphabet = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        let fits = (1..=128).contains(&key.chars().count()) && key.chars().all(in_alphabet);
        if !fits || key.starts_with("aws:") {
            return Err(ConnectError::parameter(
                "a tag key has 1 to 128 letters, digits, spaces and _.:/=+-@, and does not begin with aws:",
            ));
        }
        if value.chars().count() > 256 {
            return Err(ConnectError::parameter("a tag value has at most 256 characters"));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(key: &str, value: &str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn keeps_to_the_patterns_of_the_model() {
        assert!(check(None).unwrap().is_empty());
        assert!(check(tags("cost centre/\u{e9}", "")).is_ok());
        assert!(check(tags("aws:mine", "")).is_err());
        assert!(check(tags("", "")).is_err());
        assert!(check(tags("a;b", "")).is_err());
        assert!(check(tags("a", &"x".repeat(257))).is_err());
        assert!(check(Some((0..51).map(|n| (n.to_string(), String::new())).collect())).is_err());
    }
}
