//! From the text by which a request names a key to the key.
//!
//! A caller sees the keys of its own account and region, and the service's own key from everywhere.

use super::constraint::Blob;
use super::error::{KmsApiError, KmsErrorCode};
use crate::key_id::{Target, key_uuid};
use crate::keyring::{Document, Envelope, MasterKey};
use crate::{KeyId, KeyManager, Keyring};
use serde::Deserialize;
use tympan_types::Caller;

/// The keys that a caller sees.
pub(super) fn visible<'d>(document: &'d Document, caller: &Caller) -> impl Iterator<Item = &'d MasterKey> {
    document.keys.iter().filter(move |key| is_visible(key, caller))
}

pub(super) fn is_visible(key: &MasterKey, caller: &Caller) -> bool {
    key.manager == KeyManager::Aws || (key.account == caller.account && key.region == caller.region)
}

/// The key of an id or a key ARN; aliases are not taken, as by all operations that manage keys.
pub(super) fn by_id<'d>(
    document: &'d Document,
    caller: &Caller,
    text: &str,
) -> Result<&'d MasterKey, KmsApiError> {
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
        Target::Key { location: None, .. } if text.starts_with("arn:") => Err(malformed()),
        Target::Key { id, location } => key(document, caller, id, location),
        Target::Alias { .. } | Target::Nothing => Err(malformed()),
    }
}

/// The key of an id, a key ARN, an alias or an alias ARN, as the operations that use keys take it.
pub(super) fn by_any_name<'d>(
    document: &'d Document,
    caller: &Caller,
    text: &str,
) -> Result<&'d MasterKey, KmsApiError> {
    let named = KeyId::parse(text).map_err(|_| invalid(text))?;
    match named.target() {
        Target::Key { id, location } => key(document, caller, id, location),
        Target::Alias { alias, location } => by_alias(document, caller, alias, location),
        Target::Nothing => Err(invalid(text)),
    }
}

/// The key that an alias points to.
pub(super) fn by_alias<'d>(
    document: &'d Document,
    caller: &Caller,
    alias: &str,
    location: Option<(&str, &str)>,
) -> Result<&'d MasterKey, KmsApiError> {
    let (region, account) = location.unwrap_or((caller.region.as_str(), caller.account.as_str()));
    let at_home = (region, account) == (caller.region.as_str(), caller.account.as_str());
    let found = visible(document, caller)
        .find(|key| key.aliases.contains_key(alias) && (at_home || key.manager == KeyManager::Aws));
    found.ok_or_else(|| {
        let arn = format!("arn:aws:kms:{region}:{account}:{alias}");
        not_found(format!("Alias {arn} is not found."))
    })
}

fn key<'d>(
    document: &'d Document,
    caller: &Caller,
    id: &str,
    location: Option<(&str, &str)>,
) -> Result<&'d MasterKey, KmsApiError> {
    let uuid = key_uuid(id).ok_or_else(|| invalid(id))?;
    let here = |key: &&MasterKey| {
        key.id == uuid
            && location.is_none_or(|(region, account)| {
                region == key.region.as_str() && account == key.account.as_str()
            })
    };
    visible(document, caller).find(here).ok_or_else(|| {
        let (region, account) = location.unwrap_or((caller.region.as_str(), caller.account.as_str()));
        not_found(format!("Key 'arn:aws:kms:{region}:{account}:key/{id}' does not exist"))
    })
}

fn invalid(text: &str) -> KmsApiError {
    let shown: String = text.chars().take(200).collect();
    not_found(format!("Invalid keyId '{shown}'"))
}

pub(super) fn not_found(message: String) -> KmsApiError {
    KmsApiError::new(KmsErrorCode::NotFound, message)
}

/// The ARN of the key that a text names; where there is no such key, of the one that would be meant. `None` for a text that
/// can name no key.
pub(super) fn arn(document: &Document, caller: &Caller, text: &str) -> Option<String> {
    if let Ok(key) = by_any_name(document, caller, text) {
        return Some(key.arn());
    }
    absent_arn(caller, &KeyId::parse(text).ok()?)
}

/// See [`KmsService::key_to_use`](super::KmsService::key_to_use).
pub(super) fn to_use(keyring: &Keyring, caller: &Caller, named: &str) -> Result<Option<String>, KmsApiError> {
    let document = keyring.read()?;
    Ok(match by_any_name(&document, caller, named) {
        Ok(key) => Some(key).filter(|key| key.manager == KeyManager::Customer).map(MasterKey::arn),
        Err(_) => KeyId::parse(named).ok().and_then(|named| absent_arn(caller, &named)),
    })
}

/// The ARN by which a key is known that is in no keyring here; `None` for a text that can name no key.
pub fn absent_arn(caller: &Caller, named: &KeyId) -> Option<String> {
    let (resource, location) = match named.target() {
        Target::Key { id, location } => (format!("key/{}", key_uuid(id)?), location),
        Target::Alias { alias, location } => (alias.to_owned(), location),
        Target::Nothing => return None,
    };
    let (region, account) = location.unwrap_or((caller.region.as_str(), caller.account.as_str()));
    Some(format!("arn:aws:kms:{region}:{account}:{resource}"))
}

/// See [`KmsService::resources`](super::KmsService::resources).
pub(super) fn resources(keyring: &Keyring, caller: &Caller, body: &[u8]) -> Result<Vec<String>, KmsApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        key_id: Option<String>,
        target_key_id: Option<String>,
        source_key_id: Option<String>,
        destination_key_id: Option<String>,
        alias_name: Option<String>,
        ciphertext_blob: Option<Blob>,
    }
    let body = if body.is_empty() { b"{}" } else { body };
    let unreadable = || {
        let message = "The request body is no JSON object of the right types, or has a member twice.";
        KmsApiError::new(KmsErrorCode::Serialization, message.to_owned())
    };
    // A list would be read by position, and each operation has its own.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(unreadable());
    }
    let named: Named = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let document = keyring.read()?;
    let texts =
        [named.key_id, named.target_key_id, named.source_key_id, named.destination_key_id, named.alias_name];
    let mut resources: Vec<String> =
        texts.into_iter().flatten().filter_map(|text| arn(&document, caller, &text)).collect();
    let blob = named.ciphertext_blob.map(|blob| blob.0).unwrap_or_default();
    let key = Envelope::parse(&blob).and_then(|envelope| document.key(envelope.key).ok());
    resources.extend(key.filter(|key| is_visible(key, caller)).map(MasterKey::arn));
    resources.sort_unstable();
    resources.dedup();
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    Ok(resources)
}
