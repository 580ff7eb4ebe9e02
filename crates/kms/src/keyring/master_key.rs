//! One master key: names, life cycle, rotation.

use super::KeyringOwner;
use super::material::{Material, Origin};
use crate::data_key::fill_random;
use crate::{KeyDescription, KeyId, KeyIdTarget, KeyManager, KeyState, KmsError, key_uuid};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use tympan_types::{AccountId, Region, WallTime};
use uuid::Uuid;

/// How often a key of the service itself gets new material. Units: days.
pub const YEAR_DAYS: u32 = 365;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One master key: its names, its state and its material.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterKey {
    /// Its id, which never changes.
    #[serde(serialize_with = "uuid_as_text", deserialize_with = "uuid_from_text")]
    pub id: Uuid,
    /// Where it belongs.
    pub region: Region,
    /// To whom it belongs.
    pub account: AccountId,
    /// Who may change it.
    pub manager: KeyManager,
    /// Its user's words for it.
    pub description: String,
    /// Its aliases by name, each beginning with `alias/`.
    pub aliases: BTreeMap<String, AliasDates>,
    /// Its tags by key.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be used.
    pub state: KeyState,
    /// When it gets new material; `None`: never by itself.
    pub schedule: Option<Schedule>,
    /// Rising numbers, never empty; the last one wraps.
    pub material: Vec<Material>,
}

/// When an alias was made, and when it was last pointed to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasDates {
    /// When it was made.
    pub created_unix_ms: WallTime,
    /// When it was pointed to another key, or made.
    pub updated_unix_ms: WallTime,
}

/// Rotation without anybody asking for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Days between two rotations.
    pub period_days: u32,
    /// What the period counts from: when the schedule was set, or the last rotation by it.
    pub from_unix_ms: WallTime,
}

impl Schedule {
    /// When the key is to get new material.
    pub fn next(self) -> WallTime {
        self.from_unix_ms.plus_ms(days_ms(self.period_days))
    }
}

/// Days as milliseconds.
pub fn days_ms(days: u32) -> i64 {
    i64::from(days) * DAY_MS
}

impl AliasDates {
    pub(crate) fn new(now: WallTime) -> Self {
        Self { created_unix_ms: now, updated_unix_ms: now }
    }
}

impl MasterKey {
    /// A fresh key of its owner's, without a name.
    pub fn generate(owner: &KeyringOwner, now: WallTime) -> Self {
        let mut id = [0; 16];
        fill_random(&mut id);
        Self {
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            region: owner.region.clone(),
            account: owner.account.clone(),
            manager: KeyManager::Customer,
            description: String::new(),
            aliases: BTreeMap::new(),
            tags: BTreeMap::new(),
            state: KeyState::Enabled,
            schedule: None,
            material: vec![Material::generate(1, Origin::Creation, now)],
        }
    }

    /// Makes the key the service's own: nobody switches it off, and it gets new material each year.
    pub(super) fn becomes_the_services(mut self, now: WallTime) -> Self {
        self.manager = KeyManager::Aws;
        self.description =
            "Default key that protects Kinesis Video Streams data when no other key is defined".into();
        self.aliases.insert(KeyId::DEFAULT.to_owned(), AliasDates::new(now));
        self.schedule = Some(Schedule { period_days: YEAR_DAYS, from_unix_ms: now });
        self
    }

    pub(crate) fn describe(&self) -> KeyDescription {
        KeyDescription {
            id: self.id.to_string(),
            arn: self.arn(),
            aliases: self.aliases.keys().cloned().collect(),
            state: self.state,
            created: self.created(),
            rotated: self.newest().created_unix_ms,
        }
    }

    /// When it was made.
    pub fn created(&self) -> WallTime {
        self.material.first().map_or(WallTime::from_unix_ms(0), |material| material.created_unix_ms)
    }

    /// `arn:aws:kms:REGION:ACCOUNT:key/UUID`.
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// The ARN of an alias of this key.
    pub fn alias_arn(&self, alias: &str) -> String {
        format!("arn:aws:kms:{}:{}:{alias}", self.region, self.account)
    }

    /// Refuses a key that is switched off, or about to be deleted.
    ///
    /// # Errors
    /// `Disabled`, `InvalidState`.
    pub fn usable(&self) -> Result<&Self, KmsError> {
        match self.state {
            KeyState::Enabled => Ok(self),
            KeyState::Disabled => {
                let arn = self.arn();
                Err(KmsError::Disabled(format!(
                    "{arn} is disabled; enable it to use what was encrypted under it"
                )))
            }
            KeyState::PendingDeletion { .. } => Err(self.about_to_be_deleted()),
        }
    }

    /// Refuses a key that is about to be deleted.
    ///
    /// # Errors
    /// `InvalidState`.
    pub fn staying(&self) -> Result<&Self, KmsError> {
        match self.state {
            KeyState::PendingDeletion { .. } => Err(self.about_to_be_deleted()),
            KeyState::Enabled | KeyState::Disabled => Ok(self),
        }
    }

    fn about_to_be_deleted(&self) -> KmsError {
        let arn = self.arn();
        let until = match self.state {
            KeyState::PendingDeletion { deletion_unix_ms } => deletion_unix_ms.rfc3339_seconds(),
            KeyState::Enabled | KeyState::Disabled => String::new(),
        };
        KmsError::InvalidState(format!(
            "{arn} is pending deletion, {until}; until then its deletion can be cancelled"
        ))
    }

    /// The material that wraps.
    pub fn newest(&self) -> &Material {
        self.material.last().expect("invariant: `check` refuses keys without material")
    }

    /// The material of a number that once wrapped.
    pub(super) fn material(&self, number: u32) -> Option<&Material> {
        self.material.iter().find(|material| material.number == number)
    }

    /// Gives it new material; the old one still opens what it closed.
    pub fn rotate(&mut self, origin: Origin, now: WallTime) {
        let number = self.newest().number.saturating_add(1);
        self.material.push(Material::generate(number, origin, now));
    }

    /// Whether the day of this key's deletion has come.
    pub(super) fn is_due_for_deletion(&self, now: WallTime) -> bool {
        matches!(self.state, KeyState::PendingDeletion { deletion_unix_ms } if deletion_unix_ms <= now)
    }

    /// Whether the schedule asks for new material. A key that is switched off gets it when it is switched on again.
    pub(super) fn is_due_for_rotation(&self, now: WallTime) -> bool {
        self.state == KeyState::Enabled && self.schedule.is_some_and(|schedule| schedule.next() <= now)
    }

    pub(super) fn is_of(&self, owner: &KeyringOwner) -> bool {
        self.region == owner.region && self.account == owner.account
    }

    pub(super) fn answers_to(&self, key: &KeyId) -> bool {
        let at_home = |location: Option<(&str, &str)>| {
            location.is_none_or(|(region, account)| {
                region == self.region.as_str() && account == self.account.as_str()
            })
        };
        match key.target() {
            KeyIdTarget::Key { id, location } => key_uuid(id) == Some(self.id) && at_home(location),
            // Every region of every account has the service's own aliases, so their ARN may name any.
            KeyIdTarget::Alias { alias, location } => {
                self.aliases.contains_key(alias) && (alias.starts_with("alias/aws/") || at_home(location))
            }
            KeyIdTarget::Nothing => false,
        }
    }
}

pub(super) fn uuid_as_text<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

pub(super) fn uuid_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    Uuid::try_parse(&text).map_err(|_| de::Error::custom("not a UUID"))
}
