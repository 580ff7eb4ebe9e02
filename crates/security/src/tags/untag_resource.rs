use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    tag_keys: Option<Vec<String>>,
}

/// Takes tags away from a key; those that it does not have are ignored.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState.
pub(crate) struct UntagResource;

impl Operation for UntagResource {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "UntagResource";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let names = constraint::required(input.tag_keys, "tagKeys")?;
        for name in &names {
            constraint::length(name, "tagKeys", 1, 128)?;
        }
        target.found.change(cx, &id, |key| {
            key.staying()?;
            key.tags.retain(|name, _| !names.contains(name));
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::Bench;
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
