//! CancelKeyDeletion.

use super::Answer;
use super::constraint;
use super::error::{KmsApiError, KmsErrorCode};
use super::invocation::Invocation;
use crate::KeyState;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
}

/// Calls a deletion off; the key is disabled then.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (no deletion is pending).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let id = constraint::key_id(i.input::<Input>()?.key_id, "keyId")?;
    let arn = i.change(&id, |key| {
        if key.staying().is_ok() {
            let message = format!("{} is not pending deletion.", key.arn());
            return Err(KmsApiError::new(KmsErrorCode::KmsInvalidState, message));
        }
        key.state = KeyState::Disabled;
        Ok(key.arn())
    })?;
    Ok(Some(json!({ "KeyId": arn })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

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
