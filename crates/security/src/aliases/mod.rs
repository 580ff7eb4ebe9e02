//! Aliases: names of keys.

mod create_alias;
mod delete_alias;
mod list_aliases;
mod update_alias;

pub(crate) use create_alias::CreateAlias;
pub(crate) use delete_alias::DeleteAlias;
pub(crate) use list_aliases::ListAliases;
pub(crate) use update_alias::UpdateAlias;

use crate::kms::target::Lookup;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsErrorCode, Named, constraint};
use serde::Deserialize;
use tympan_kms::keyring::is_alias;

/// An alias, and the key that it is to point to.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasMembers {
    alias_name: Option<String>,
    target_key_id: Option<String>,
}

/// The key that has the alias, and the one that is to have it.
pub(crate) type AliasTarget = KeyTarget<(Named, Named)>;

impl AliasMembers {
    fn look_up(&self, cx: &KmsCx<'_>) -> Result<AliasTarget, KmsApiError> {
        let mut lookup = Lookup::begin(cx)?;
        let had = lookup.named(self.alias_name.as_deref());
        let new = lookup.named(self.target_key_id.as_deref());
        Ok(lookup.target((had, new)))
    }

    /// The alias and the key id.
    fn checked(self) -> Result<(String, String), KmsApiError> {
        let alias = constraint::required(self.alias_name, "aliasName")?;
        check_name(&alias)?;
        let target = constraint::key_id(self.target_key_id, "targetKeyId")?;
        Ok((alias, target))
    }
}

/// Refuses what is no alias, and what is the service's.
fn check_name(alias: &str) -> Result<(), KmsApiError> {
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
