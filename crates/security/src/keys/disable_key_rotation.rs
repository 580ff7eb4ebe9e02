use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Takes a key's schedule away; its material stays as it is.
///
/// Errors: NotFound, InvalidArn, Disabled, KMSInvalidState.
pub(crate) struct DisableKeyRotation;

impl Operation for DisableKeyRotation {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "DisableKeyRotation";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        target.found.change(cx, &id, |key| {
            key.usable()?;
            key.schedule = None;
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
    fn a_key_without_schedule_says_so() {
        let bench = Bench::new();
        let key = bench.key();
        bench.call("EnableKeyRotation", json!({ "KeyId": key })).unwrap();
        bench.call("DisableKeyRotation", json!({ "KeyId": key })).unwrap();
        let status = bench.call("GetKeyRotationStatus", json!({ "KeyId": key })).unwrap();
        assert_eq!(status["KeyRotationEnabled"], false);
        let request = json!({ "KeyId": bench.services_key() });
        assert_eq!(bench.refusal("DisableKeyRotation", request), KmsErrorCode::AccessDenied);
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        assert_eq!(bench.refusal("DisableKeyRotation", json!({ "KeyId": key })), KmsErrorCode::Disabled);
    }
}
