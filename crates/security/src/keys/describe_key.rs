use super::key_metadata::key_metadata;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Describes a key by any of its names, whatever state it is in. Grant tokens are not looked at.
///
/// Errors: NotFound.
pub(crate) struct DescribeKey;

impl Operation for DescribeKey {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "DescribeKey";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let document = cx.service.keyring().read()?;
        let key = target.found.key(cx, &document, &id)?;
        Ok(Output::json(&json!({ "KeyMetadata": key_metadata(key) })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

    #[test]
    fn all_four_names_of_a_key_reach_it_and_no_others() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/calls", &key);
        let arn = bench.arn(&key);
        for name in [&key, &arn, "alias/calls", "arn:aws:kms:us-west-2:111122223333:alias/calls"] {
            assert_eq!(bench.metadata(name)["KeyId"], *key, "{name}");
        }
        let (abroad, foreign) =
            (arn.replace("us-west-2", "eu-west-1"), arn.replace("111122223333", "999999999999"));
        for name in [ABSENT, "calls", "alias/other", "arn:aws:s3:::b", "a b", &abroad, &foreign] {
            let code = bench.refusal("DescribeKey", json!({ "KeyId": name }));
            assert_eq!(code, KmsErrorCode::NotFound, "{name}");
        }
        assert_eq!(bench.refusal("DescribeKey", json!({})), KmsErrorCode::Validation);
    }

    #[test]
    fn the_services_own_key_is_told_apart_and_known_in_every_region() {
        let bench = Bench::new();
        let mine = bench.metadata("alias/aws/kinesisvideo");
        assert_eq!(mine["KeyManager"], "AWS");
        let request = json!({ "KeyId": "alias/aws/kinesisvideo" });
        let abroad = bench.call_as(&bench.abroad(), "DescribeKey", request).unwrap();
        assert_eq!(abroad["KeyMetadata"]["KeyId"], mine["KeyId"]);
        let request = json!({ "KeyId": mine["Arn"] });
        assert!(bench.call_as(&bench.abroad(), "DescribeKey", request).is_ok());
    }

    #[test]
    fn keys_of_another_region_are_not_seen() {
        let bench = Bench::new();
        let key = bench.key();
        for name in [key.clone(), bench.arn(&key)] {
            let error = bench.call_as(&bench.abroad(), "DescribeKey", json!({ "KeyId": name })).unwrap_err();
            assert_eq!(error.code(), KmsErrorCode::NotFound);
        }
    }
}
