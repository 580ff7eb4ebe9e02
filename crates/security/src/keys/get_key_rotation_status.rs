use crate::kms::constraint::epoch_seconds;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
}

/// Tells whether and when a key is rotated by its schedule. While its deletion is pending it is not.
///
/// Errors: NotFound, InvalidArn.
pub(crate) struct GetKeyRotationStatus;

impl Operation for GetKeyRotationStatus {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "GetKeyRotationStatus";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let document = cx.service.keyring().read()?;
        let key = target.found.managed_key(cx, &document, &id)?;
        let mut answer = json!({ "KeyRotationEnabled": false, "KeyId": key.id.to_string() });
        if let Some(schedule) = key.schedule.filter(|_| key.staying().is_ok()) {
            answer["KeyRotationEnabled"] = true.into();
            answer["RotationPeriodInDays"] = schedule.period_days.into();
            answer["NextRotationDate"] = epoch_seconds(schedule.next()).into();
        }
        Ok(Output::json(&answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

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
