//! What a request is about: the keys that it names, each looked up once.

use super::constraint::Blob;
use super::key_reference::{self, absent, absent_arn_of, is_visible};
use super::{KmsApiError, KmsCx, KmsErrorCode};
use std::collections::BTreeSet;
use tympan_aws::{Asks, Resource, Target};
use tympan_kms::KeyManager;
use tympan_kms::keyring::{Document, Envelope, Keys, MasterKey};
use tympan_types::Caller;
use uuid::Uuid;

/// Every key that a request names, for policies, and what the operation acts on. The request is denied if one of them is.
///
/// A key that does not exist has the ARN that it would have, however the request spells it. A text that can name no key
/// names nothing: the operation itself says so, at its own place.
pub(crate) struct KeyTarget<T = Named> {
    arns: BTreeSet<String>,
    pub(crate) found: T,
}

impl KeyTarget {
    /// Of a request with one member that names a key.
    pub(crate) fn of(cx: &KmsCx<'_>, text: Option<&str>) -> Result<Self, KmsApiError> {
        let mut lookup = Lookup::begin(cx)?;
        let found = lookup.named(text);
        Ok(lookup.target(found))
    }
}

impl<T: Send + Sync> Target for KeyTarget<T> {
    fn asks(&self, asks: &mut Asks) {
        self.arns.iter().for_each(|arn| asks.on(Resource::new(arn.as_str())));
    }
}

/// Looks up all that a request names, in one state of the keyring.
pub(crate) struct Lookup<'a> {
    caller: &'a Caller,
    keys: Keys<'a>,
    arns: BTreeSet<String>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn begin(cx: &KmsCx<'a>) -> Result<Self, KmsApiError> {
        Ok(Self { caller: cx.caller, keys: cx.service.keyring().read()?, arns: BTreeSet::new() })
    }

    /// A key by any of its names.
    pub(crate) fn named(&mut self, text: Option<&str>) -> Named {
        let Some(text) = text else { return Named(None) };
        let found = key_reference::find(&self.keys, self.caller, text);
        self.arns.extend(found.map(MasterKey::arn).or_else(|| absent_arn_of(self.caller, text)));
        Named(found.map(|key| key.id))
    }

    /// The key that a ciphertext names, if the caller sees it.
    pub(crate) fn ciphertext(&mut self, blob: Option<&Blob>) -> Named {
        let named = blob.and_then(|blob| Envelope::parse(&blob.0)).map(|envelope| envelope.key);
        let key = named.and_then(|id| self.keys.key(id).ok()).filter(|key| is_visible(key, self.caller));
        self.arns.extend(key.map(MasterKey::arn));
        Named(key.map(|key| key.id))
    }

    pub(crate) fn target<T>(self, found: T) -> KeyTarget<T> {
        KeyTarget { arns: self.arns, found }
    }
}

/// A key that a request names, by its id: the one that policies were asked about. Nothing where it named none that there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named(Option<Uuid>);

impl Named {
    /// The key as it is now; `None` where there was none, or is none any more.
    pub(crate) fn in_document<'d>(self, cx: &KmsCx<'_>, document: &'d Document) -> Option<&'d MasterKey> {
        let key = self.0.and_then(|id| document.key(id).ok());
        key.filter(|key| is_visible(key, cx.caller))
    }

    /// The key for operations that use keys, which take an id, a key ARN, an alias and an alias ARN. `text` is what the
    /// request called it.
    pub(crate) fn key<'d>(
        self,
        cx: &KmsCx<'_>,
        document: &'d Document,
        text: &str,
    ) -> Result<&'d MasterKey, KmsApiError> {
        self.in_document(cx, document).ok_or_else(|| absent(cx.caller, text))
    }

    /// The key for operations that manage keys, which take an id or a key ARN and no alias.
    pub(crate) fn managed_key<'d>(
        self,
        cx: &KmsCx<'_>,
        document: &'d Document,
        text: &str,
    ) -> Result<&'d MasterKey, KmsApiError> {
        key_reference::refuse_aliases(text)?;
        self.key(cx, document, text)
    }

    /// Changes a key that is named by its id or ARN and belongs to the caller.
    pub(crate) fn change<T>(
        self,
        cx: &KmsCx<'_>,
        text: &str,
        change: impl FnOnce(&mut MasterKey) -> Result<T, KmsApiError>,
    ) -> Result<T, KmsApiError> {
        cx.service.keyring().edit(|document: &mut Document| {
            let key = self.managed_key(cx, document, text)?;
            refuse_unless_the_callers(cx, key)?;
            let id = key.id;
            change(document.key_mut(id)?)
        })
    }

    /// The key that an alias points to, for operations that change the alias. It must be the one that was authorised.
    pub(crate) fn holder<'d>(
        self,
        cx: &KmsCx<'_>,
        document: &'d Document,
        alias: &str,
    ) -> Result<&'d MasterKey, KmsApiError> {
        let holder = key_reference::find(document, cx.caller, alias).filter(|_| self.0.is_some());
        let holder = holder.ok_or_else(|| absent(cx.caller, alias))?;
        if self.0 == Some(holder.id) {
            return Ok(holder);
        }
        // SDKs ask again by themselves, and then for the key that has the alias.
        let message =
            format!("{alias} was pointed to another key while the request was answered. Try again.");
        Err(KmsApiError::new(KmsErrorCode::KmsInternal, message))
    }

    /// Whether the request named a key that there was.
    pub(crate) fn was_there(self) -> bool {
        self.0.is_some()
    }
}

/// Refuses to change the service's own key, in the words that AWS has for it.
pub(crate) fn refuse_unless_the_callers(cx: &KmsCx<'_>, key: &MasterKey) -> Result<(), KmsApiError> {
    if key.manager == KeyManager::Customer {
        return Ok(());
    }
    let (operation, arn) = (cx.operation, key.arn());
    Err(KmsApiError::new(
        KmsErrorCode::AccessDenied,
        format!(
            "kms:{operation} is not allowed on {arn}: it is the service's own key, which no caller changes. Create a key \
             with CreateKey and use that one"
        ),
    ))
}
