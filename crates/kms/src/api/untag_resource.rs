//! UntagResource.

use super::Answer;
use super::constraint;
use super::invocation::Invocation;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
    tag_keys: Option<Vec<String>>,
}

/// Takes tags away from a key; those that it does not have are ignored.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let id = constraint::key_id(input.key_id, "keyId")?;
    let names = constraint::required(input.tag_keys, "tagKeys")?;
    for name in &names {
        constraint::length(name, "tagKeys", 1, 128)?;
    }
    i.change(&id, |key| {
        key.staying()?;
        key.tags.retain(|name, _| !names.contains(name));
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::Bench;
    use serde_json::json;

    #[test]
    fn the_tags_named_go() {
        let bench = Bench::new();
        let tags = json!([{ "TagKey": "a", "TagValue": "1" }, { "TagKey": "b", "TagValue": "2" }]);
        let created = bench.call("CreateKey", json!({ "Tags": tags })).unwrap();
        let key = &created["KeyMetadata"]["KeyId"];
        bench.call("UntagResource", json!({ "KeyId": key, "TagKeys": ["a", "never there"] })).unwrap();
        let page = bench.call("ListResourceTags", json!({ "KeyId": key })).unwrap();
        assert_eq!(page["Tags"], json!([{ "TagKey": "b", "TagValue": "2" }]));
        assert_eq!(bench.refusal("UntagResource", json!({ "KeyId": key })), KmsErrorCode::Validation);
        let request = json!({ "KeyId": key, "TagKeys": [""] });
        assert_eq!(bench.refusal("UntagResource", request), KmsErrorCode::Validation);
    }
}
