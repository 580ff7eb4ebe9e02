use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::{Schedule, YEAR_DAYS};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    rotation_period_in_days: Option<i64>,
}

/// Sets a key's schedule: new material every 90 to 2,560 days, a year unless said. A schedule of the same period goes on.
///
/// Errors: NotFound, InvalidArn, Disabled, KMSInvalidState.
pub(crate) struct EnableKeyRotation;

impl Operation for EnableKeyRotation {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "EnableKeyRotation";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let days = input.rotation_period_in_days.unwrap_or(i64::from(YEAR_DAYS));
        let period_days = constraint::days(days, "rotationPeriodInDays", 90, 2_560)?;
        target.found.change(cx, &id, |key| {
            key.usable()?;
            let kept = key.schedule.filter(|schedule| schedule.period_days == period_days);
            key.schedule = kept.or(Some(Schedule { period_days, from_unix_ms: cx.now }));
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{Bench, NOW};
    use serde_json::json;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_key_gets_new_material_each_time_its_period_is_over_and_old_ciphertexts_stay_readable() {
        let bench = Bench::new();
        let key = bench.key();
        let blob = bench.encrypt(&key, b"hello");
        bench.call("EnableKeyRotation", json!({ "KeyId": key, "RotationPeriodInDays": 90 })).unwrap();
        let mut seen = vec![bench.metadata(&key)["CurrentKeyMaterialId"].clone()];
        bench.at(NOW.plus_ms(90 * DAY_MS - 1));
        assert_eq!(bench.metadata(&key)["CurrentKeyMaterialId"], seen[0]);
        for period in 1..=3 {
            bench.at(NOW.plus_ms(90 * DAY_MS * period));
            let material = bench.metadata(&key)["CurrentKeyMaterialId"].clone();
            assert!(!seen.contains(&material));
            seen.push(material);
        }
        assert_eq!(bench.decrypt(&blob).unwrap(), b"hello");
    }

    #[test]
    fn a_key_that_is_off_waits_for_its_rotation() {
        let bench = Bench::new();
        let key = bench.key();
        bench.call("EnableKeyRotation", json!({ "KeyId": key })).unwrap();
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        let material = bench.metadata(&key)["CurrentKeyMaterialId"].clone();
        bench.at(NOW.plus_ms(400 * DAY_MS));
        assert_eq!(bench.metadata(&key)["CurrentKeyMaterialId"], material);
        bench.call("EnableKey", json!({ "KeyId": key })).unwrap();
        assert_ne!(bench.metadata(&key)["CurrentKeyMaterialId"], material);
    }

    #[test]
    fn only_keys_in_use_get_a_schedule_of_90_to_2560_days() {
        let bench = Bench::new();
        let key = bench.key();
        let of = |key: &str, days: i64| {
            bench.refusal("EnableKeyRotation", json!({ "KeyId": key, "RotationPeriodInDays": days }))
        };
        assert_eq!(of(&key, 89), KmsErrorCode::Validation);
        assert_eq!(of(&key, 2561), KmsErrorCode::Validation);
        assert_eq!(of(&bench.services_key(), 90), KmsErrorCode::AccessDenied);
        bench.call("DisableKey", json!({ "KeyId": key })).unwrap();
        assert_eq!(of(&key, 90), KmsErrorCode::Disabled);
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(of(&key, 90), KmsErrorCode::KmsInvalidState);
    }
}
