use super::{AliasMembers, AliasTarget};
use crate::kms::target::refuse_unless_the_callers;
use crate::kms::{KmsApiError, KmsCx, KmsErrorCode, KmsService, key_reference};
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::Document;

/// Aliases that a key may have.
const MOST: usize = 50;

/// Gives a key a name.
///
/// Errors: AlreadyExists, NotFound, InvalidAliasName, KMSInvalidState (deletion is pending), LimitExceeded,
/// NotAuthorized (`alias/aws/...`).
pub(crate) struct CreateAlias;

impl Operation for CreateAlias {
    type Service = KmsService;
    type Input = AliasMembers;
    type Target = AliasTarget;
    const NAME: &'static str = "CreateAlias";

    async fn resolve(cx: &KmsCx<'_>, input: &AliasMembers) -> Result<AliasTarget, KmsApiError> {
        input.look_up(cx)
    }

    async fn call(cx: &KmsCx<'_>, input: AliasMembers, target: AliasTarget) -> Result<Output, KmsApiError> {
        let (alias, key_name) = input.checked()?;
        let (named, new) = target.found;
        cx.service.keyring().edit(|document: &mut Document| {
            let key = new.managed_key(cx, document, &key_name)?;
            refuse_unless_the_callers(cx, key)?;
            key.staying()?;
            if named.was_there() || key_reference::find(document, cx.caller, &alias).is_some() {
                let message = format!("An alias with the name {} already exists", key.alias_arn(&alias));
                return Err(KmsApiError::new(KmsErrorCode::AlreadyExists, message));
            }
            if key.aliases.len() >= MOST {
                let message = format!("{} has {MOST} aliases, and may have no more. Delete one.", key.arn());
                return Err(KmsApiError::new(KmsErrorCode::LimitExceeded, message));
            }
            let id = key.id;
            document.point_alias(&alias, id, cx.now)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::bench::{ABSENT, Bench};
    use serde_json::json;

    #[test]
    fn a_key_is_found_by_its_alias() {
        let bench = Bench::new();
        let key = bench.key();
        let alias = json!({ "AliasName": "alias/calls", "TargetKeyId": key });
        assert_eq!(bench.call("CreateAlias", alias.clone()).unwrap(), json!({}));
        assert_eq!(bench.metadata("alias/calls")["KeyId"], *key);
        assert_eq!(bench.refusal("CreateAlias", alias), KmsErrorCode::AlreadyExists);
    }

    #[test]
    fn each_caller_has_its_own_aliases() {
        let bench = Bench::new();
        bench.alias("alias/calls", &bench.key());
        let abroad = bench.abroad();
        let key = bench.key_of(&abroad);
        let request = json!({ "AliasName": "alias/calls", "TargetKeyId": key });
        bench.call_as(&abroad, "CreateAlias", request).unwrap();
        assert_ne!(bench.metadata("alias/calls")["KeyId"], *key);
    }

    #[test]
    fn names_that_are_none_and_names_of_the_service_are_refused() {
        let bench = Bench::new();
        let key = bench.key();
        for (name, code) in [
            ("", KmsErrorCode::Validation),
            ("alias/a b", KmsErrorCode::Validation),
            (&"x".repeat(257), KmsErrorCode::Validation),
            ("calls", KmsErrorCode::InvalidAliasName),
            ("alias/", KmsErrorCode::InvalidAliasName),
            ("alias/a:b", KmsErrorCode::InvalidAliasName),
            ("alias/aws/mine", KmsErrorCode::NotAuthorized),
        ] {
            let request = json!({ "AliasName": name, "TargetKeyId": key });
            assert_eq!(bench.refusal("CreateAlias", request), code, "{name}");
        }
    }

    #[test]
    fn keys_that_are_none_or_pending_or_the_services_get_no_alias() {
        let bench = Bench::new();
        let of =
            |key: &str| bench.refusal("CreateAlias", json!({ "AliasName": "alias/a", "TargetKeyId": key }));
        assert_eq!(of(ABSENT), KmsErrorCode::NotFound);
        assert_eq!(of("alias/aws/kinesisvideo"), KmsErrorCode::NotFound);
        assert_eq!(of(&bench.services_key()), KmsErrorCode::AccessDenied);
        let key = bench.key();
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(of(&key), KmsErrorCode::KmsInvalidState);
    }

    #[test]
    fn a_key_has_at_most_fifty() {
        let bench = Bench::new();
        let key = bench.key();
        for number in 0..50 {
            bench.alias(&format!("alias/{number}"), &key);
        }
        let request = json!({ "AliasName": "alias/more", "TargetKeyId": key });
        assert_eq!(bench.refusal("CreateAlias", request), KmsErrorCode::LimitExceeded);
    }
}
