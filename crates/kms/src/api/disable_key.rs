//! DisableKey.

use super::Answer;
use super::constraint;
use super::invocation::Invocation;
use crate::KeyState;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
}

/// Switches a key off: nothing is encrypted or decrypted under it until it is switched on again.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (deletion is pending).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let id = constraint::key_id(i.input::<Input>()?.key_id, "keyId")?;
    i.change(&id, |key| {
        key.staying()?;
        key.state = KeyState::Disabled;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::Bench;
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
