use super::Tag;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    tags: Option<Vec<Tag>>,
}

/// Adds tags to a key, or changes their values: 50 at most.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState, Tag.
pub(crate) struct TagResource;

impl Operation for TagResource {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "TagResource";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let new = constraint::required(input.tags, "tags")?;
        target.found.change(cx, &id, |key| {
            key.staying()?;
            super::add(&mut key.tags, new)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};
    use serde_json::{Value, json};

    fn tag(key: &str, value: &str) -> Value {
        json!({ "TagKey": key, "TagValue": value })
    }

    #[test]
    fn tags_are_added_changed_and_listed_in_order() {
        let bench = Bench::new();
        let key = bench.key();
        bench.call("TagResource", json!({ "KeyId": key, "Tags": [tag("b", "1"), tag("a", "")] })).unwrap();
        bench.call("TagResource", json!({ "KeyId": key, "Tags": [tag("b", "2")] })).unwrap();
        let page = bench.call("ListResourceTags", json!({ "KeyId": key })).unwrap();
        assert_eq!(page, json!({ "Tags": [tag("a", ""), tag("b", "2")], "Truncated": false }));
    }

    #[test]
    fn tags_that_are_not_allowed_change_nothing() {
        let bench = Bench::new();
        let key = bench.key();
        let refusal = |tags: Value| bench.refusal("TagResource", json!({ "KeyId": key, "Tags": tags }));
        let many: Vec<Value> = (0..51).map(|number| tag(&number.to_string(), "")).collect();
        for (tags, code) in [
            (json!([tag("a", "1"), tag("a", "2")]), KmsErrorCode::Tag),
            (json!([tag("AWS:a", "1")]), KmsErrorCode::Tag),
            (json!([tag("a,b", "1")]), KmsErrorCode::Tag),
            (json!(many), KmsErrorCode::Tag),
            (json!([tag("", "1")]), KmsErrorCode::Validation),
            (json!([tag(&"k".repeat(129), "1")]), KmsErrorCode::Validation),
            (json!([tag("k", &"v".repeat(257))]), KmsErrorCode::Validation),
            (json!([{ "TagKey": "a" }]), KmsErrorCode::Validation),
            (json!(null), KmsErrorCode::Validation),
            (json!("a"), KmsErrorCode::Serialization),
        ] {
            assert_eq!(refusal(tags.clone()), code, "{tags}");
        }
        assert_eq!(bench.call("ListResourceTags", json!({ "KeyId": key })).unwrap()["Tags"], json!([]));
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(refusal(json!([tag("a", "1")])), KmsErrorCode::KmsInvalidState);
        let absent = json!({ "KeyId": ABSENT, "Tags": [tag("a", "1")] });
        assert_eq!(bench.refusal("TagResource", absent), KmsErrorCode::NotFound);
    }
}
