use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsErrorCode, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::KeyState;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Calls a deletion off; the key is disabled then.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (no deletion is pending).
pub(crate) struct CancelKeyDeletion;

impl Operation for CancelKeyDeletion {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "CancelKeyDeletion";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let arn = target.found.change(cx, &id, |key| {
            if key.staying().is_ok() {
                let message = format!("{} is not pending deletion.", key.arn());
                return Err(KmsApiError::new(KmsErrorCode::KmsInvalidState, message));
            }
            key.state = KeyState::Disabled;
            Ok(key.arn())
        })?;
        Ok(Output::json(&json!({ "KeyId": arn })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::bench::Bench;

    #[test]
    fn a_key_comes_back_disabled() {
        let bench = Bench::new();
        let key = bench.key();
        assert_eq!(
            bench.refusal("CancelKeyDeletion", json!({ "KeyId": key })),
            KmsErrorCode::KmsInvalidState
        );
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        let answer = bench.call("CancelKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(answer, json!({ "KeyId": bench.arn(&key) }));
        let metadata = bench.metadata(&key);
        assert_eq!(metadata["KeyState"], "Disabled");
        assert!(metadata.get("DeletionDate").is_none());
    }
}
