use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_kms::KeyState;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Switches a key on again; one that is on stays so.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (deletion is pending).
pub(crate) struct EnableKey;

impl Operation for EnableKey {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "EnableKey";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        target.found.change(cx, &id, |key| {
            key.staying()?;
            key.state = KeyState::Enabled;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};
    use serde_json::json;

    #[test]
    fn what_was_encrypted_before_can_be_read_again() {
        let bench = Bench::new();
        let key = bench.key();
        let blob = bench.encrypt(&key, b"hello");
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        bench.call("EnableKey", json!({ "KeyId": bench.arn(&key) })).unwrap();
        assert_eq!(bench.decrypt(&blob).unwrap(), b"hello");
        assert_eq!(bench.call("EnableKey", json!({ "KeyId": key })).unwrap(), json!({}));
    }

    #[test]
    fn keys_are_managed_by_id_or_arn_alone() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/calls", &key);
        for (name, code) in [
            ("alias/calls", KmsErrorCode::NotFound),
            ("arn:aws:kms:us-west-2:111122223333:alias/calls", KmsErrorCode::InvalidArn),
            ("arn:aws:s3:::bucket", KmsErrorCode::InvalidArn),
            (ABSENT, KmsErrorCode::NotFound),
            ("", KmsErrorCode::Validation),
        ] {
            for operation in ["EnableKey", "DisableKey", "ScheduleKeyDeletion", "RotateKeyOnDemand"] {
                assert_eq!(bench.refusal(operation, json!({ "KeyId": name })), code, "{operation} {name}");
            }
        }
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(bench.refusal("EnableKey", json!({ "KeyId": key })), KmsErrorCode::KmsInvalidState);
    }
}
