//! CreateAlias.

use super::Answer;
use super::constraint;
use super::error::{KmsApiError, KmsErrorCode};
use super::invocation::Invocation;
use super::key_reference;
use crate::keyring::is_alias;
use serde::Deserialize;

/// Aliases that a key may have.
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    alias_name: Option<String>,
    target_key_id: Option<String>,
}

/// Gives a key a name.
///
/// Errors: AlreadyExists, NotFound, InvalidAliasName, KMSInvalidState (deletion is pending), LimitExceeded,
/// NotAuthorized (`alias/aws/...`).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let (alias, target) = i.input::<Input>()?.checked()?;
    i.keyring.edit(|document| {
        let key = key_reference::by_id(document, i.caller, &target)?;
        i.refuse_unless_the_callers(key)?;
        key.staying()?;
        if key_reference::by_alias(document, i.caller, &alias, None).is_ok() {
            let message = format!("An alias with the name {} already exists", key.alias_arn(&alias));
            return Err(KmsApiError::new(KmsErrorCode::AlreadyExists, message));
        }
        if key.aliases.len() >= MOST {
            let message = format!("{} has {MOST} aliases, and may have no more. Delete one.", key.arn());
            return Err(KmsApiError::new(KmsErrorCode::LimitExceeded, message));
        }
        let id = key.id;
        document.point_alias(&alias, id, i.now)?;
        Ok(None)
    })
}

impl Input {
    /// The alias and the key id.
    pub(super) fn checked(self) -> Result<(String, String), KmsApiError> {
        let alias = constraint::required(self.alias_name, "aliasName")?;
        check_name(&alias)?;
        let target = constraint::key_id(self.target_key_id, "targetKeyId")?;
        Ok((alias, target))
    }
}

/// Refuses what is no alias, and what is the service's.
pub(super) fn check_name(alias: &str) -> Result<(), KmsApiError> {
    constraint::length(alias, "aliasName", 1, 256)?;
    let kept = alias.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'_' | b'-'));
    constraint::pattern(alias, "aliasName", "^[a-zA-Z0-9:/_-]+$", kept)?;
    if !is_alias(alias) {
        return Err(KmsApiError::new(
            KmsErrorCode::InvalidAliasName,
            format!("{alias} is not an alias: write alias/ and 1 to 250 characters out of [a-zA-Z0-9/_-]"),
        ));
    }
    if alias.starts_with("alias/aws/") {
        return Err(KmsApiError::new(
            KmsErrorCode::NotAuthorized,
            format!("{alias} is reserved: aliases that begin with alias/aws/ are the service's own"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
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
