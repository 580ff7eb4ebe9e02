//! The local key provider: master keys in one JSON file that only its owner may read.
//!
//! Not implemented: key policies and grants (whoever may use the server may use its keys), asymmetric keys, imported
//! material.

mod document;
mod envelope;
mod error;
mod file;
mod holding;
mod master_key;
mod material;
mod search;
mod version_1;

pub use document::{Document, is_alias};
pub use envelope::{Envelope, seal};
pub use error::KeyringError;
pub use holding::Holding;
pub use master_key::{AliasDates, MasterKey, Schedule, YEAR_DAYS, days_ms};
pub use material::{Material, Origin, material_id};

use crate::{DataKey, EncryptionContext, KeyDescription, KeyId, KeyProvider, KeyState, KmsError, WrappedKey};
use async_trait::async_trait;
use file::{KeyringFile, Stamp};
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tympan_types::{AccountId, Region, WallTime};

/// Region and account that new keys belong to; both are part of a key's ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyringOwner {
    /// The region.
    pub region: Region,
    /// The account.
    pub account: AccountId,
}

/// Master keys on this machine, each with an id, a state, aliases, and key material that can be rotated.
///
/// Every use looks whether the file was replaced, so that a key disabled by another process is refused at once.
/// Edits of several processes do not overwrite each other.
pub struct Keyring {
    owner: KeyringOwner,
    file: Option<KeyringFile>,
    held: Mutex<Held>,
}

/// How long a key may wait for its deletion. Units: days.
pub const DELETION_DAYS: std::ops::RangeInclusive<u32> = 7..=30;

/// What [`Keyring::upkeep`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// ARNs of the keys that were destroyed.
    pub destroyed: Vec<String>,
    /// ARNs of the keys that got new material.
    pub rotated: Vec<String>,
}

/// The keys as last read, and which state of the file that was.
struct Held {
    document: Document,
    stamp: Option<Stamp>,
}

impl Keyring {
    /// Opens the keyring at `path`, or makes one with a fresh key for [`KeyId::DEFAULT`] if nothing is there.
    ///
    /// Shape: `path` is a directory, which holds `keyring.json`, or a single file. A path where nothing is yet
    /// becomes a directory, unless its name ends in `.json`. File and directory are made with modes 0600 and 0700.
    ///
    /// # Errors
    /// [`KeyringError::Exposed`] if others than the owner may read the keys, [`KeyringError::Malformed`],
    /// [`KeyringError::Io`].
    pub fn open(path: &Path, owner: KeyringOwner, now: WallTime) -> Result<Self, KeyringError> {
        let file = KeyringFile::locate(path)?;
        if !file.exists() {
            let _alone = file.lock()?;
            // Another process may have made it while this one waited for the lock.
            if !file.exists() {
                file.replace(&Document::with_default_key(&owner, now))?;
            }
        }
        let (document, stamp) = file.load()?;
        Ok(Self { owner, file: Some(file), held: Mutex::new(Held { document, stamp: Some(stamp) }) })
    }

    /// A keyring with a fresh default key that lives in memory only: wrapped keys die with it.
    pub fn in_memory() -> Self {
        let owner = KeyringOwner {
            region: Region::parse("us-west-2").expect("invariant: a region"),
            account: AccountId::parse("111122223333").expect("invariant: twelve digits"),
        };
        let document = Document::with_default_key(&owner, WallTime::from_unix_ms(0));
        Self { owner, file: None, held: Mutex::new(Held { document, stamp: None }) }
    }

    /// Where the keys are kept; `None` for one in memory.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(KeyringFile::path)
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// `Unavailable` if the file can no longer be read.
    pub fn keys(&self) -> Result<Vec<KeyDescription>, KmsError> {
        Ok(self.current()?.document.keys.iter().map(MasterKey::describe).collect())
    }

    /// Makes a key, and points `alias` to it if one is given.
    ///
    /// # Errors
    /// [`KeyringError::BadAlias`], and what [`Self::open`] may answer.
    pub fn create_key(&self, alias: Option<&str>, now: WallTime) -> Result<KeyDescription, KeyringError> {
        self.edit(|document| {
            let key = MasterKey::generate(&self.owner, now);
            let id = key.id;
            document.keys.push(key);
            if let Some(alias) = alias {
                document.point_alias(alias, id, now)?;
            }
            Ok(document.key(id)?.describe())
        })
    }

    /// Points an alias to a key, away from the key that had it. What was wrapped under that key still opens.
    ///
    /// # Errors
    /// [`KeyringError::BadAlias`], [`KeyringError::Key`] for an unknown key, and what [`Self::open`] may answer.
    pub fn point_alias(
        &self,
        alias: &str,
        key: &KeyId,
        now: WallTime,
    ) -> Result<KeyDescription, KeyringError> {
        self.edit(|document| {
            let id = document.resolve(key, &self.owner)?.id;
            document.point_alias(alias, id, now)?;
            Ok(document.key(id)?.describe())
        })
    }

    /// Switches a key on again.
    ///
    /// # Errors
    /// [`KeyringError::Key`] for an unknown key and for one that awaits its deletion, and what [`Self::open`] may
    /// answer.
    pub fn enable(&self, key: &KeyId) -> Result<KeyDescription, KeyringError> {
        self.set_state(key, KeyState::Enabled)
    }

    /// Switches a key off: nothing is wrapped or unwrapped under it until it is switched on again.
    ///
    /// # Errors
    /// As [`Self::enable`].
    pub fn disable(&self, key: &KeyId) -> Result<KeyDescription, KeyringError> {
        self.set_state(key, KeyState::Disabled)
    }

    fn set_state(&self, key: &KeyId, state: KeyState) -> Result<KeyDescription, KeyringError> {
        self.edit(|document| {
            let key = document.resolve_mut(key, &self.owner)?;
            key.staying()?;
            key.state = state;
            Ok(key.describe())
        })
    }

    /// Lets a key be destroyed in some days, 7 to 30; until then it can be neither used nor switched on.
    ///
    /// # Errors
    /// [`KeyringError::BadWindow`], [`KeyringError::Key`] for an unknown key and for one that awaits its deletion
    /// already, and what [`Self::open`] may answer.
    pub fn schedule_deletion(
        &self,
        key: &KeyId,
        days: u32,
        now: WallTime,
    ) -> Result<KeyDescription, KeyringError> {
        if !DELETION_DAYS.contains(&days) {
            return Err(KeyringError::BadWindow { days });
        }
        self.set_state(key, KeyState::PendingDeletion { deletion_unix_ms: now.plus_ms(days_ms(days)) })
    }

    /// Calls a deletion off; the key is switched off then, as at AWS.
    ///
    /// # Errors
    /// [`KeyringError::Key`] for an unknown key and for one that does not await its deletion, and what
    /// [`Self::open`] may answer.
    pub fn cancel_deletion(&self, key: &KeyId) -> Result<KeyDescription, KeyringError> {
        self.edit(|document| {
            let key = document.resolve_mut(key, &self.owner)?;
            if key.staying().is_ok() {
                let arn = key.arn();
                return Err(KmsError::InvalidState(format!("{arn} is not pending deletion")).into());
            }
            key.state = KeyState::Disabled;
            Ok(key.describe())
        })
    }

    /// Does what time asks for: destroys the keys whose deletion has come, and rotates those whose schedule says so.
    /// Called now and then; costs nothing where nothing is due.
    ///
    /// The bytes of a destroyed key are overwritten in the file that held them.
    ///
    /// # Errors
    /// What [`Self::open`] may answer.
    pub fn upkeep(&self, now: WallTime) -> Result<Upkeep, KeyringError> {
        let is_due = |key: &MasterKey| key.is_due_for_deletion(now) || key.is_due_for_rotation(now);
        if !self.read()?.keys.iter().any(is_due) {
            return Ok(Upkeep::default());
        }
        self.edit(|document| {
            let mut done = Upkeep { destroyed: document.destroy_due(now), ..Upkeep::default() };
            for key in document.keys.iter_mut().filter(|key| key.is_due_for_rotation(now)) {
                key.rotate(Origin::Schedule, now);
                if let Some(schedule) = &mut key.schedule {
                    schedule.from_unix_ms = now;
                }
                done.rotated.push(key.arn());
            }
            Ok(done)
        })
    }

    /// Gives a key new material for what is wrapped from now on. The old material stays, so that what was wrapped
    /// before still opens.
    ///
    /// # Errors
    /// [`KeyringError::Key`] for an unknown key and for one that is not in use, and what [`Self::open`] may answer.
    pub fn rotate(&self, key: &KeyId, now: WallTime) -> Result<KeyDescription, KeyringError> {
        self.edit(|document| {
            let key = document.resolve_mut(key, &self.owner)?;
            key.usable()?;
            key.rotate(Origin::Demand, now);
            Ok(key.describe())
        })
    }

    /// Wraps the same data key anew under the newest material of `key`: the media stays as it is.
    ///
    /// # Errors
    /// As [`KeyProvider::unwrap`] and [`KeyProvider::generate_data_key`].
    pub fn rewrap(
        &self,
        wrapped: &WrappedKey,
        context: &EncryptionContext,
        key: &KeyId,
    ) -> Result<WrappedKey, KmsError> {
        let held = self.current()?;
        let data_key = envelope::unwrap(&held.document, wrapped, context)?;
        envelope::wrap(held.document.resolve(key, &self.owner)?, &data_key, context)
    }

    /// The keys as they are now, held until the guard is dropped.
    ///
    /// # Errors
    /// `Unavailable` if the file can no longer be read.
    pub fn read(&self) -> Result<Keys<'_>, KmsError> {
        self.current().map(Keys)
    }

    /// The keys as they are now, read again if the file is another one than before.
    ///
    /// One `stat` per data key made or opened, which is once per stream and some minutes: no reason to leave the task.
    fn current(&self) -> Result<MutexGuard<'_, Held>, KmsError> {
        let mut held = self.held();
        if let Some(file) = &self.file {
            let unavailable = |error: KeyringError| KmsError::Unavailable(error.to_string());
            if Some(file.stamp().map_err(unavailable)?) != held.stamp {
                let (document, stamp) = file.load().map_err(unavailable)?;
                *held = Held { document, stamp: Some(stamp) };
            }
        }
        Ok(held)
    }

    /// Changes the keys and makes the change durable; on an error nothing is changed.
    ///
    /// # Errors
    /// Those of `change`, and what [`Self::open`] may answer.
    pub fn edit<T, E: From<KeyringError>>(
        &self,
        change: impl FnOnce(&mut Document) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = self.held();
        let Some(file) = &self.file else {
            let mut document = held.document.clone();
            let done = change(&mut document)?;
            held.document = document;
            return Ok(done);
        };
        let _alone = file.lock()?;
        let (mut document, _) = file.load()?;
        let had = document.keys.len();
        let done = change(&mut document)?;
        let stamp = if document.keys.len() < had {
            file.replace_and_wipe(&document)?
        } else {
            file.replace(&document)?
        };
        *held = Held { document, stamp: Some(stamp) };
        Ok(done)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic elsewhere cannot leave the keys half changed: they are replaced whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys at one moment.
pub struct Keys<'a>(MutexGuard<'a, Held>);

impl Deref for Keys<'_> {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.0.document
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("path", &self.path()).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyProvider for Keyring {
    async fn describe(&self, key: &KeyId) -> Result<KeyDescription, KmsError> {
        Ok(self.current()?.document.resolve(key, &self.owner)?.describe())
    }

    async fn generate_data_key(
        &self,
        key: &KeyId,
        context: &EncryptionContext,
    ) -> Result<(DataKey, WrappedKey), KmsError> {
        let held = self.current()?;
        let data_key = DataKey::generate();
        let wrapped = envelope::wrap(held.document.resolve(key, &self.owner)?, &data_key, context)?;
        Ok((data_key, wrapped))
    }

    async fn unwrap(&self, wrapped: &WrappedKey, context: &EncryptionContext) -> Result<DataKey, KmsError> {
        envelope::unwrap(&self.current()?.document, wrapped, context)
    }
}

#[cfg(test)]
mod tests;
