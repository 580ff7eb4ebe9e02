use super::{AliasMembers, AliasTarget};
use crate::kms::target::refuse_unless_the_callers;
use crate::kms::{KmsApiError, KmsCx, KmsService};
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::Document;

/// Points an alias to another key. What was encrypted under the first one is still decrypted by it.
///
/// Errors: NotFound (alias, key), KMSInvalidState (deletion is pending), NotAuthorized (`alias/aws/...`).
pub(crate) struct UpdateAlias;

impl Operation for UpdateAlias {
    type Service = KmsService;
    type Input = AliasMembers;
    type Target = AliasTarget;
    const NAME: &'static str = "UpdateAlias";

    async fn resolve(cx: &KmsCx<'_>, input: &AliasMembers) -> Result<AliasTarget, KmsApiError> {
        input.look_up(cx)
    }

    async fn call(cx: &KmsCx<'_>, input: AliasMembers, target: AliasTarget) -> Result<Output, KmsApiError> {
        let (alias, key_name) = input.checked()?;
        let (named, new) = target.found;
        cx.service.keyring().edit(|document: &mut Document| {
            named.holder(cx, document, &alias)?;
            let key = new.managed_key(cx, document, &key_name)?;
            refuse_unless_the_callers(cx, key)?;
            key.staying()?;
            let id = key.id;
            document.point_alias(&alias, id, cx.now)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};
    use serde_json::json;

    #[test]
    fn an_alias_moves_and_old_ciphertexts_stay_readable() {
        let bench = Bench::new();
        let (one, other) = (bench.key(), bench.key());
        bench.alias("alias/calls", &one);
        let old = bench.encrypt("alias/calls", b"before");
        let request = json!({ "AliasName": "alias/calls", "TargetKeyId": other });
        bench.call("UpdateAlias", request).unwrap();
        assert_eq!(bench.metadata("alias/calls")["KeyId"], *other);
        assert_eq!(bench.decrypt(&old).unwrap(), b"before");
    }

    #[test]
    fn both_ends_must_be_there() {
        let bench = Bench::new();
        let key = bench.key();
        let of = |alias: &str, key: &str| {
            bench.refusal("UpdateAlias", json!({ "AliasName": alias, "TargetKeyId": key }))
        };
        assert_eq!(of("alias/nobody", &key), KmsErrorCode::NotFound);
        assert_eq!(of("alias/aws/kinesisvideo", &key), KmsErrorCode::NotAuthorized);
        bench.alias("alias/calls", &key);
        assert_eq!(of("alias/calls", ABSENT), KmsErrorCode::NotFound);
        assert_eq!(of("alias/calls", &bench.services_key()), KmsErrorCode::AccessDenied);
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(of("alias/calls", &key), KmsErrorCode::KmsInvalidState);
    }
}
