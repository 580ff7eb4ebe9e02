//! From the text by which a request names a key to the key.
//!
//! A caller sees the keys of its own account and region, and the service's own key from everywhere.

use super::error::{KmsApiError, KmsErrorCode};
use tympan_kms::keyring::{Document, MasterKey};
use tympan_kms::{KeyId, KeyIdTarget, KeyManager, key_uuid};
use tympan_types::Caller;

/// The keys that a caller sees.
pub(crate) fn visible<'d>(document: &'d Document, caller: &Caller) -> impl Iterator<Item = &'d MasterKey> {
    document.keys.iter().filter(move |key| is_visible(key, caller))
}

pub(crate) fn is_visible(key: &MasterKey, caller: &Caller) -> bool {
    key.manager == KeyManager::Aws || (key.account == caller.account && key.region == caller.region)
}

/// The key of an id, a key ARN, an alias or an alias ARN.
pub(crate) fn find<'d>(document: &'d Document, caller: &Caller, text: &str) -> Option<&'d MasterKey> {
    let named = KeyId::parse(text).ok()?;
    match named.target() {
        KeyIdTarget::Key { id, location } => {
            let uuid = key_uuid(id)?;
            visible(document, caller).find(|key| {
                key.id == uuid
                    && location.is_none_or(|(region, account)| {
                        region == key.region.as_str() && account == key.account.as_str()
                    })
            })
        }
        KeyIdTarget::Alias { alias, location } => {
            let home = (caller.region.as_str(), caller.account.as_str());
            let at_home = location.is_none_or(|location| location == home);
            visible(document, caller)
                .find(|key| key.aliases.contains_key(alias) && (at_home || key.manager == KeyManager::Aws))
        }
        KeyIdTarget::Nothing => None,
    }
}

/// Refuses a text that is neither an id nor a key ARN, as all operations that manage keys do.
pub(crate) fn refuse_aliases(text: &str) -> Result<(), KmsApiError> {
    let malformed = || {
        if text.starts_with("arn:") {
            let shown: String = text.chars().take(200).collect();
            return KmsApiError::new(KmsErrorCode::InvalidArn, format!("{shown} is not the ARN of a key"));
        }
        invalid(text)
    };
    let named = KeyId::parse(text).map_err(|_| malformed())?;
    match named.target() {
        // An ARN without a place is one of another service or partition.
        KeyIdTarget::Key { location: None, .. } if text.starts_with("arn:") => Err(malformed()),
        KeyIdTarget::Key { .. } => Ok(()),
        KeyIdTarget::Alias { .. } | KeyIdTarget::Nothing => Err(malformed()),
    }
}

/// The error for a text that names no key that there is.
pub(crate) fn absent(caller: &Caller, text: &str) -> KmsApiError {
    let Ok(named) = KeyId::parse(text) else { return invalid(text) };
    let place = |location: Option<(&str, &str)>| {
        let (region, account) = location.unwrap_or((caller.region.as_str(), caller.account.as_str()));
        format!("arn:aws:kms:{region}:{account}")
    };
    match named.target() {
        KeyIdTarget::Key { id, .. } if key_uuid(id).is_none() => invalid(id),
        KeyIdTarget::Key { id, location } => {
            not_found(format!("Key '{}:key/{id}' does not exist", place(location)))
        }
        KeyIdTarget::Alias { alias, location } => {
            not_found(format!("Alias {}:{alias} is not found.", place(location)))
        }
        KeyIdTarget::Nothing => invalid(text),
    }
}

fn invalid(text: &str) -> KmsApiError {
    let shown: String = text.chars().take(200).collect();
    not_found(format!("Invalid keyId '{shown}'"))
}

fn not_found(message: String) -> KmsApiError {
    KmsApiError::new(KmsErrorCode::NotFound, message)
}

/// The ARN by which a key is known that is in no keyring here; `None` for a text that can name no key.
pub fn absent_arn(caller: &Caller, named: &KeyId) -> Option<String> {
    let (resource, location) = match named.target() {
        KeyIdTarget::Key { id, location } => (format!("key/{}", key_uuid(id)?), location),
        KeyIdTarget::Alias { alias, location } => (alias.to_owned(), location),
        KeyIdTarget::Nothing => return None,
    };
    let (region, account) = location.unwrap_or((caller.region.as_str(), caller.account.as_str()));
    Some(format!("arn:aws:kms:{region}:{account}:{resource}"))
}

/// The same of a text.
pub(crate) fn absent_arn_of(caller: &Caller, text: &str) -> Option<String> {
    absent_arn(caller, &KeyId::parse(text).ok()?)
}
