//! Keyring files of version 1: no life cycle beyond on and off, aliases without dates, no schedule.

use super::document::Document;
use super::master_key::{AliasDates, MasterKey, Schedule, YEAR_DAYS, uuid_from_text};
use super::material::{Material, Origin, Secret};
use crate::{KeyManager, KeyState};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tympan_types::{AccountId, Region, WallTime};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version1 {
    #[serde(rename = "version")]
    _version: u32,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    #[serde(deserialize_with = "uuid_from_text")]
    id: Uuid,
    region: Region,
    account: AccountId,
    aliases: BTreeSet<String>,
    state: State,
    material: Vec<OldMaterial>,
}

#[derive(Deserialize)]
enum State {
    Enabled,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldMaterial {
    number: u32,
    created_unix_ms: WallTime,
    aes_256: Secret,
}

impl From<Version1> for Document {
    fn from(old: Version1) -> Self {
        Self::of(old.keys.into_iter().map(MasterKey::from).collect())
    }
}

impl From<Key> for MasterKey {
    fn from(old: Key) -> Self {
        let created = old.material.first().map_or(WallTime::from_unix_ms(0), |first| first.created_unix_ms);
        // Version 1 rotated only by order, so the year of the service's own key counts from its last rotation.
        let rotated = old.material.last().map_or(created, |last| last.created_unix_ms);
        let services = old.aliases.iter().any(|alias| alias.starts_with("alias/aws/"));
        let material = old.material.into_iter().enumerate().map(|(index, material)| Material {
            number: material.number,
            created_unix_ms: material.created_unix_ms,
            origin: if index == 0 { Origin::Creation } else { Origin::Demand },
            aes_256: material.aes_256,
        });
        Self {
            id: old.id,
            region: old.region,
            account: old.account,
            manager: if services { KeyManager::Aws } else { KeyManager::Customer },
            description: String::new(),
            aliases: old.aliases.into_iter().map(|alias| (alias, AliasDates::new(created))).collect(),
            tags: BTreeMap::new(),
            state: match old.state {
                State::Enabled => KeyState::Enabled,
                State::Disabled => KeyState::Disabled,
            },
            schedule: services.then_some(Schedule { period_days: YEAR_DAYS, from_unix_ms: rotated }),
            material: material.collect(),
        }
    }
}
