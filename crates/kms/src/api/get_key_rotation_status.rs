//! GetKeyRotationStatus.

use super::Answer;
use super::constraint::{self, epoch_seconds};
use super::invocation::Invocation;
use super::key_reference;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
}

/// Tells whether and when a key is rotated by its schedule. While its deletion is pending it is not.
///
/// Errors: NotFound, InvalidArn.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let id = constraint::key_id(i.input::<Input>()?.key_id, "keyId")?;
    let document = i.keyring.read()?;
    let key = key_reference::by_id(&document, i.caller, &id)?;
    let mut answer = json!({ "KeyRotationEnabled": false, "KeyId": key.id.to_string() });
    if let Some(schedule) = key.schedule.filter(|_| key.staying().is_ok()) {
        answer["KeyRotationEnabled"] = true.into();
        answer["RotationPeriodInDays"] = schedule.period_days.into();
        answer["NextRotationDate"] = epoch_seconds(schedule.next()).into();
    }
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::{ABSENT, Bench};
    use super::*;

    #[test]
    fn the_services_own_key_is_rotated_each_year_and_others_when_asked() {
        let bench = Bench::new();
        let of = |key: &str| bench.call("GetKeyRotationStatus", json!({ "KeyId": key })).unwrap();
        let services = of(&bench.services_key());
        assert_eq!(
            (&services["KeyRotationEnabled"], &services["RotationPeriodInDays"]),
            (&json!(true), &json!(365))
        );
        let key = bench.key();
        assert_eq!(of(&key), json!({ "KeyRotationEnabled": false, "KeyId": key }));
        bench.call("EnableKeyRotation", json!({ "KeyId": key })).unwrap();
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(of(&key)["KeyRotationEnabled"], false);
        bench.call("CancelKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(of(&key)["KeyRotationEnabled"], true);
        assert_eq!(bench.refusal("GetKeyRotationStatus", json!({ "KeyId": ABSENT })), KmsErrorCode::NotFound);
    }
}
