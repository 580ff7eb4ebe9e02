use crate::kms::page::Paging;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    paging: Paging,
    key_id: Option<String>,
}

/// Lists the tags of a key by name: 50 a page unless said, which is as many as there can be.
///
/// Errors: NotFound, InvalidArn, InvalidMarker.
pub(crate) struct ListResourceTags;

impl Operation for ListResourceTags {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "ListResourceTags";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let document = cx.service.keyring().read()?;
        let key = target.found.managed_key(cx, &document, &id)?;
        let items =
            key.tags.iter().map(|(name, value)| (name.clone(), json!({ "TagKey": name, "TagValue": value })));
        input.paging.answer(cx.tokens([key.arn().as_str()]), "Tags", 50, 50, items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

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
