//! UpdateAlias.

use super::Answer;
use super::create_alias::Input;
use super::invocation::Invocation;
use super::key_reference;

/// Points an alias to another key. What was encrypted under the first one is still decrypted by it.
///
/// Errors: NotFound (alias, key), KMSInvalidState (deletion is pending), NotAuthorized (`alias/aws/...`).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let (alias, target) = i.input::<Input>()?.checked()?;
    i.keyring.edit(|document| {
        key_reference::by_alias(document, i.caller, &alias, None)?;
        let key = key_reference::by_id(document, i.caller, &target)?;
        i.refuse_unless_the_callers(key)?;
        key.staying()?;
        let id = key.id;
        document.point_alias(&alias, id, i.now)?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::{ABSENT, Bench};
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
