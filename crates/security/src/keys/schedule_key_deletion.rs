use crate::kms::constraint::epoch_seconds;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::KeyState;
use tympan_kms::keyring::{DELETION_DAYS, days_ms};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    pending_window_in_days: Option<i64>,
}

/// Lets a key be destroyed in 7 to 30 days. It cannot be used from now on, and what it encrypted is lost for ever then.
///
/// Errors: NotFound, InvalidArn, KMSInvalidState (deletion is pending already).
pub(crate) struct ScheduleKeyDeletion;

impl Operation for ScheduleKeyDeletion {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "ScheduleKeyDeletion";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let (least, most) = (*DELETION_DAYS.start(), *DELETION_DAYS.end());
        let days = input.pending_window_in_days.unwrap_or(i64::from(most));
        let days = constraint::days(days, "pendingWindowInDays", least, most)?;
        let deletion = cx.now.plus_ms(days_ms(days));
        let arn = target.found.change(cx, &id, |key| {
            key.staying()?;
            key.state = KeyState::PendingDeletion { deletion_unix_ms: deletion };
            Ok(key.arn())
        })?;
        Ok(Output::json(&json!({
            "KeyId": arn,
            "DeletionDate": epoch_seconds(deletion),
            "KeyState": "PendingDeletion",
            "PendingWindowInDays": days,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{Bench, NOW};

    #[test]
    fn a_key_is_unusable_at_once_and_gone_when_its_day_has_come() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/calls", &key);
        let blob = bench.encrypt(&key, b"hello");
        let answer =
            bench.call("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 })).unwrap();
        let date = NOW.plus_ms(7 * 86_400_000);
        assert_eq!(
            answer,
            json!({
                "KeyId": bench.arn(&key),
                "DeletionDate": epoch_seconds(date),
                "KeyState": "PendingDeletion",
                "PendingWindowInDays": 7,
            })
        );
        let metadata = bench.metadata("alias/calls");
        assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("PendingDeletion"), &json!(false)));
        assert_eq!(metadata["DeletionDate"], epoch_seconds(date));
        assert_eq!(bench.decrypt(&blob).unwrap_err().code(), KmsErrorCode::KmsInvalidState);
        for operation in ["ScheduleKeyDeletion", "DisableKey", "EnableKey"] {
            assert_eq!(bench.refusal(operation, json!({ "KeyId": key })), KmsErrorCode::KmsInvalidState);
        }

        bench.at(date.plus_ms(-1));
        assert!(bench.call("DescribeKey", json!({ "KeyId": key })).is_ok());
        bench.at(date);
        for name in [key.as_str(), "alias/calls"] {
            assert_eq!(bench.refusal("DescribeKey", json!({ "KeyId": name })), KmsErrorCode::NotFound);
        }
        assert_eq!(bench.decrypt(&blob).unwrap_err().code(), KmsErrorCode::AccessDenied);
        let named = json!({ "CiphertextBlob": blob, "KeyId": bench.arn(&key) });
        assert_eq!(bench.refusal("Decrypt", named), KmsErrorCode::NotFound);
    }

    #[test]
    fn the_wait_is_7_to_30_days_and_30_unless_said() {
        let bench = Bench::new();
        let key = bench.key();
        for days in [0, 6, 31, 365, -1] {
            let request = json!({ "KeyId": key, "PendingWindowInDays": days });
            assert_eq!(bench.refusal("ScheduleKeyDeletion", request), KmsErrorCode::Validation, "{days}");
        }
        let answer = bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(answer["PendingWindowInDays"], 30);
        let request = json!({ "KeyId": bench.services_key() });
        assert_eq!(bench.refusal("ScheduleKeyDeletion", request), KmsErrorCode::AccessDenied);
    }
}
