use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_kms::KeyState;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Switches a key off: nothing is encrypted or decrypted under it until it is switched on again.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (deletion is pending).
pub(crate) struct DisableKey;

impl Operation for DisableKey {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "DisableKey";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        target.found.change(cx, &id, |key| {
            key.staying()?;
            key.state = KeyState::Disabled;
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
    fn a_key_that_is_off_neither_encrypts_nor_decrypts() {
        let bench = Bench::new();
        let key = bench.key();
        let blob = bench.encrypt(&key, b"hello");
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        let metadata = bench.metadata(&key);
        assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Disabled"), &json!(false)));
        assert_eq!(bench.decrypt(&blob).unwrap_err().code(), KmsErrorCode::Disabled);
        let request = json!({ "KeyId": key, "KeySpec": "AES_256" });
        assert_eq!(bench.refusal("GenerateDataKey", request), KmsErrorCode::Disabled);
    }

    #[test]
    fn the_services_own_key_stays_on() {
        let bench = Bench::new();
        let request = json!({ "KeyId": bench.services_key() });
        assert_eq!(bench.refusal("DisableKey", request), KmsErrorCode::AccessDenied);
    }
}
