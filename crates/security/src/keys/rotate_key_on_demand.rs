use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsErrorCode, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::Origin;

/// On-demand rotations that a key has in its life.
const MOST: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Gives a key new material for what is encrypted from now on; what was encrypted before is still decrypted.
///
/// Errors: NotFound, InvalidArn, Disabled, KMSInvalidState, LimitExceeded.
pub(crate) struct RotateKeyOnDemand;

impl Operation for RotateKeyOnDemand {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "RotateKeyOnDemand";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let id = target.found.change(cx, &id, |key| {
            key.usable()?;
            let done = key.material.iter().filter(|material| material.origin == Origin::Demand).count();
            if done >= MOST {
                return Err(KmsApiError::new(
                    KmsErrorCode::LimitExceeded,
                    format!("{} was rotated on demand {MOST} times, and no more is possible.", key.arn()),
                ));
            }
            key.rotate(Origin::Demand, cx.now);
            Ok(key.id.to_string())
        })?;
        Ok(Output::json(&json!({ "KeyId": id })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::bench::Bench;

    #[test]
    fn old_ciphertexts_stay_readable_and_new_ones_name_new_material() {
        let bench = Bench::new();
        let key = bench.key();
        let before = bench.encrypt(&key, b"before");
        let material = bench.metadata(&key)["CurrentKeyMaterialId"].clone();
        assert_eq!(
            bench.call("RotateKeyOnDemand", json!({ "KeyId": key })).unwrap(),
            json!({ "KeyId": key })
        );
        let after = bench.encrypt(&key, b"after");
        assert_ne!(bench.metadata(&key)["CurrentKeyMaterialId"], material);
        assert_eq!(bench.decrypt(&before).unwrap(), b"before");
        assert_eq!(bench.decrypt(&after).unwrap(), b"after");
        let opened = bench.call("Decrypt", json!({ "CiphertextBlob": before })).unwrap();
        assert_eq!(opened["KeyMaterialId"], material);
    }

    #[test]
    fn a_key_is_rotated_on_demand_25_times_and_only_while_it_is_in_use() {
        let bench = Bench::new();
        let key = bench.key();
        for _ in 0..25 {
            bench.call("RotateKeyOnDemand", json!({ "KeyId": key })).unwrap();
        }
        let refusal = |key: &str| bench.refusal("RotateKeyOnDemand", json!({ "KeyId": key }));
        assert_eq!(refusal(&key), KmsErrorCode::LimitExceeded);
        assert_eq!(refusal(&bench.services_key()), KmsErrorCode::AccessDenied);
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        assert_eq!(refusal(&key), KmsErrorCode::Disabled);
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(refusal(&key), KmsErrorCode::KmsInvalidState);
    }
}
