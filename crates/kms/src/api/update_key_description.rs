//! UpdateKeyDescription.

use super::Answer;
use super::constraint;
use super::invocation::Invocation;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
    description: Option<String>,
}

/// Describes a key anew.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let id = constraint::key_id(input.key_id, "keyId")?;
    let description = constraint::required(input.description, "description")?;
    constraint::length(&description, "description", 0, 8192)?;
    i.change(&id, |key| {
        key.staying()?;
        key.description = description;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::Bench;
    use serde_json::json;

    #[test]
    fn the_new_words_are_shown() {
        let bench = Bench::new();
        let key = bench.key();
        bench.call("UpdateKeyDescription", json!({ "KeyId": key, "Description": "gr\u{fc}n" })).unwrap();
        assert_eq!(bench.metadata(&key)["Description"], "gr\u{fc}n");
        assert_eq!(bench.refusal("UpdateKeyDescription", json!({ "KeyId": key })), KmsErrorCode::Validation);
        let request = json!({ "KeyId": bench.services_key(), "Description": "" });
        assert_eq!(bench.refusal("UpdateKeyDescription", request), KmsErrorCode::AccessDenied);
    }
}
