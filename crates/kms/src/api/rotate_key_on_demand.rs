//! RotateKeyOnDemand.

use super::Answer;
use super::constraint;
use super::error::{KmsApiError, KmsErrorCode};
use super::invocation::Invocation;
use crate::keyring::Origin;
use serde::Deserialize;
use serde_json::json;

/// On-demand rotations that a key has in its life.
const MOST: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
}

/// Gives a key new material for what is encrypted from now on; what was encrypted before is still decrypted.
///
/// Errors: NotFound, InvalidArn, Disabled, KMSInvalidState, LimitExceeded.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let id = constraint::key_id(i.input::<Input>()?.key_id, "keyId")?;
    let id = i.change(&id, |key| {
        key.usable()?;
        let done = key.material.iter().filter(|material| material.origin == Origin::Demand).count();
        if done >= MOST {
            return Err(KmsApiError::new(
                KmsErrorCode::LimitExceeded,
                format!("{} was rotated on demand {MOST} times, and no more is possible.", key.arn()),
            ));
        }
        key.rotate(Origin::Demand, i.now);
        Ok(key.id.to_string())
    })?;
    Ok(Some(json!({ "KeyId": id })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

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
