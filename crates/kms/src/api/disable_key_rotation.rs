//! DisableKeyRotation.

use super::Answer;
use super::constraint;
use super::invocation::Invocation;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
}

/// Takes a key's schedule away; its material stays as it is.
///
/// Errors: NotFound, InvalidArn, Disabled, KMSInvalidState.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let id = constraint::key_id(i.input::<Input>()?.key_id, "keyId")?;
    i.change(&id, |key| {
        key.usable()?;
        key.schedule = None;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::Bench;
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
