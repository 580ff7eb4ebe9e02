//! ListResourceTags.

use super::Answer;
use super::constraint;
use super::invocation::Invocation;
use super::key_reference;
use super::page::Paging;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(flatten)]
    paging: Paging,
    key_id: Option<String>,
}

/// Lists the tags of a key by name: 50 a page unless said, which is as many as there can be.
///
/// Errors: NotFound, InvalidArn, InvalidMarker.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let id = constraint::key_id(input.key_id, "keyId")?;
    let document = i.keyring.read()?;
    let key = key_reference::by_id(&document, i.caller, &id)?;
    let items =
        key.tags.iter().map(|(name, value)| (name.clone(), json!({ "TagKey": name, "TagValue": value })));
    input.paging.answer(i.tokens([key.arn().as_str()]), "Tags", 50, 50, items)
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::{ABSENT, Bench};
    use super::*;

    #[test]
    fn pages_hold_as_many_as_asked() {
        let bench = Bench::new();
        let tags: Vec<_> = ["a", "b", "c"].map(|name| json!({ "TagKey": name, "TagValue": "" })).to_vec();
        let created = bench.call("CreateKey", json!({ "Tags": tags })).unwrap();
        let key = &created["KeyMetadata"]["KeyId"];
        let page = bench.call("ListResourceTags", json!({ "KeyId": key, "Limit": 2 })).unwrap();
        assert_eq!((page["Tags"].as_array().unwrap().len(), &page["Truncated"]), (2, &json!(true)));
        let rest = json!({ "KeyId": key, "Marker": page["NextMarker"] });
        assert_eq!(bench.call("ListResourceTags", rest).unwrap()["Tags"][0]["TagKey"], "c");
        let other = bench.call("CreateKey", json!({ "Tags": tags })).unwrap();
        let others = json!({ "KeyId": other["KeyMetadata"]["KeyId"], "Marker": page["NextMarker"] });
        for (request, code) in [
            (others, KmsErrorCode::InvalidMarker),
            (json!({ "KeyId": key, "Limit": 51 }), KmsErrorCode::Validation),
            (json!({ "KeyId": key, "Marker": "!" }), KmsErrorCode::InvalidMarker),
            (json!({ "KeyId": ABSENT }), KmsErrorCode::NotFound),
        ] {
            assert_eq!(bench.refusal("ListResourceTags", request), code);
        }
    }
}
