//! What a keyring file says: JSON, version 2. Files of version 1 are read, and become version 2 by the next edit. A file
//! that remembers destroyed keys, as `"destroyed": { "UUID": TIME }`, has version 3.
//!
//! ```json
//! {
//!   "version": 2,
//!   "keys": [{
//!     "id": "UUID", "region": "us-west-2", "account": "111122223333", "manager": "AWS", "description": "",
//!     "aliases": { "alias/aws/kinesisvideo": { "created_unix_ms": 1711124585823, "updated_unix_ms": 1711124585823 } },
//!     "tags": {}, "state": "Enabled",
//!     "schedule": { "period_days": 365, "from_unix_ms": 1711124585823 },
//!     "material": [{ "number": 1, "created_unix_ms": 1711124585823, "origin": "Creation", "aes_256": "BASE64 of 32 bytes" }]
//!   }]
//! }
//! ```

use super::master_key::{AliasDates, MasterKey};
use super::version_1::Version1;
use super::{KeyringError, KeyringOwner};
use crate::{KeyId, KmsError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tympan_types::WallTime;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What is written. A file of a later version is refused, not guessed at.
const VERSION: u32 = 2;
/// The same with keys that were destroyed, which an earlier program must not forget.
const VERSION_WITH_DESTROYED: u32 = 3;

/// All keys of a keyring.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    version: u32,
    /// The oldest first.
    pub keys: Vec<MasterKey>,
    /// Ids of keys whose deletion has come, and when: a keyring that merely lacks a key is not the whole one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    destroyed: BTreeMap<String, WallTime>,
}

impl Document {
    pub(super) fn of(keys: Vec<MasterKey>) -> Self {
        Self { version: VERSION, keys, destroyed: BTreeMap::new() }
    }

    pub(super) fn with_default_key(owner: &KeyringOwner, now: WallTime) -> Self {
        Self::of(vec![MasterKey::generate(owner, now).becomes_the_services(now)])
    }

    /// Reads and checks a file's text; the error is a sentence without any of the text's secrets.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let wrong = |error: serde_json::Error| {
            // serde quotes what it met, and that may be a key in the wrong place.
            format!("{:?} error in line {}, column {}", error.classify(), error.line(), error.column())
        };
        let document: Self = match serde_json::from_slice::<Versioned>(json).map_err(wrong)?.version {
            VERSION | VERSION_WITH_DESTROYED => serde_json::from_slice(json).map_err(wrong)?,
            1 => serde_json::from_slice::<Version1>(json).map_err(wrong)?.into(),
            other => {
                return Err(format!(
                    "it has version {other}; this program knows versions 1 to {VERSION_WITH_DESTROYED}"
                ));
            }
        };
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), String> {
        let (mut ids, mut aliases) = (BTreeSet::new(), BTreeSet::new());
        for key in &self.keys {
            if !ids.insert(key.id) {
                return Err(format!("key {} is in it twice", key.id));
            }
            if let Some(alias) = key.aliases.keys().find(|alias| !is_alias(alias)) {
                return Err(format!("{alias:?} is not an alias"));
            }
            // An alias belongs to one region of one account.
            let double = key
                .aliases
                .keys()
                .find(|alias| !aliases.insert((key.region.as_str(), key.account.as_str(), alias.as_str())));
            if let Some(alias) = double {
                return Err(format!("{alias} points to two keys"));
            }
            if key.material.is_empty() || !key.material.is_sorted_by(|one, next| one.number < next.number) {
                return Err(format!("the material of key {} is missing or out of order", key.id));
            }
        }
        Ok(())
    }

    /// The file's text.
    pub(super) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // Large enough at once, because growing would leave copies of the keys behind.
        let mut json = Zeroizing::new(Vec::with_capacity(self.room_bytes()));
        serde_json::to_writer_pretty(&mut *json, self)
            .expect("invariant: text, numbers and lists always serialise");
        json.push(b'\n');
        json
    }

    /// At least as many bytes as the text needs. JSON writes a byte of a text as six at most.
    fn room_bytes(&self) -> usize {
        let of = |key: &MasterKey| {
            let tags: usize = key.tags.iter().map(|(name, value)| 64 + (name.len() + value.len()) * 6).sum();
            1_024 + key.description.len() * 6 + key.material.len() * 320 + key.aliases.len() * 640 + tags
        };
        1_024 + self.destroyed.len() * 96 + self.keys.iter().map(of).sum::<usize>()
    }

    /// Removes the keys whose deletion has come, remembers that they were there, and gives their ARNs.
    pub(super) fn destroy_due(&mut self, now: WallTime) -> Vec<String> {
        let (due, kept) =
            std::mem::take(&mut self.keys).into_iter().partition(|key| key.is_due_for_deletion(now));
        self.keys = kept;
        let due: Vec<MasterKey> = due;
        if !due.is_empty() {
            self.version = VERSION_WITH_DESTROYED;
        }
        self.destroyed.extend(due.iter().map(|key| (key.id.to_string(), now)));
        due.iter().map(MasterKey::arn).collect()
    }

    /// Whether there was such a key until its deletion came.
    pub(super) fn was_destroyed(&self, id: Uuid) -> bool {
        self.destroyed.contains_key(&id.to_string())
    }

    /// The key that a user's text stands for. An alias without a place that several regions have is that of `home`.
    pub(super) fn resolve(&self, key: &KeyId, home: &KeyringOwner) -> Result<&MasterKey, KmsError> {
        let mut found = self.keys.iter().filter(|candidate| candidate.answers_to(key));
        let first = found.next();
        let at_home = first.into_iter().chain(found).find(|candidate| candidate.is_of(home));
        at_home.or(first).ok_or_else(|| no_such_key(key))
    }

    pub(super) fn resolve_mut(
        &mut self,
        key: &KeyId,
        home: &KeyringOwner,
    ) -> Result<&mut MasterKey, KmsError> {
        let id = self.resolve(key, home)?.id;
        self.key_mut(id)
    }

    /// The key of an id.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn key(&self, id: Uuid) -> Result<&MasterKey, KmsError> {
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| no_such_key(id))
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn key_mut(&mut self, id: Uuid) -> Result<&mut MasterKey, KmsError> {
        self.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_such_key(id))
    }

    /// Points an alias to a key, away from the key of the same region and account that had it.
    ///
    /// # Errors
    /// [`KeyringError::BadAlias`], [`KeyringError::Key`] for an unknown key.
    pub fn point_alias(&mut self, alias: &str, id: Uuid, now: WallTime) -> Result<(), KeyringError> {
        if !is_alias(alias) {
            return Err(KeyringError::BadAlias { alias: alias.chars().take(300).collect() });
        }
        let target = self.key(id)?;
        let (region, account) = (target.region.clone(), target.account.clone());
        let neighbours = self.keys.iter_mut().filter(|key| key.region == region && key.account == account);
        let had = neighbours.filter_map(|key| key.aliases.remove(alias)).last();
        let dates = had.map_or(AliasDates::new(now), |had| AliasDates { updated_unix_ms: now, ..had });
        self.key_mut(id)?.aliases.insert(alias.to_owned(), dates);
        Ok(())
    }
}

/// `alias/` and 1 to 250 characters.
pub fn is_alias(text: &str) -> bool {
    text.strip_prefix("alias/").is_some_and(|name| {
        (1..=250).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'))
    })
}

fn no_such_key(key: impl fmt::Display) -> KmsError {
    let shown: String = key.to_string().chars().take(200).collect();
    KmsError::NotFound(format!(
        "there is no KMS key {shown} in this keyring: it was never created, or its deletion has come; \
         `tympan keys ls` lists the keys"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::material::Origin;
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use proptest::prelude::*;
    use tympan_types::{AccountId, Region};

    fn owner() -> KeyringOwner {
        KeyringOwner {
            region: Region::parse("eu-west-1").unwrap(),
            account: AccountId::parse("444455556666").unwrap(),
        }
    }

    fn at(unix_ms: i64) -> WallTime {
        WallTime::from_unix_ms(unix_ms)
    }

    fn sample() -> Document {
        Document::with_default_key(&owner(), at(5))
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let mut document = sample();
        document.keys[0].rotate(Origin::Demand, at(9));
        document.keys[0].tags.insert("team".into(), "voice".into());
        document.keys.push(MasterKey::generate(&owner(), at(7)));
        document.keys[1].state = crate::KeyState::PendingDeletion { deletion_unix_ms: at(700) };
        let json = document.to_json();
        let again = Document::from_json(&json).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.to_json(), json);
        let described = again.keys[0].describe();
        assert_eq!((described.created.unix_ms(), described.rotated.unix_ms()), (5, 9));
        assert!(described.arn.starts_with("arn:aws:kms:eu-west-1:444455556666:key/"));
    }

    #[test]
    fn writes_without_growing_its_buffer() {
        let mut document = sample();
        for number in 0..50 {
            document.keys.push(MasterKey::generate(&owner(), at(i64::MAX)));
            let id = document.keys[0].id;
            document.point_alias(&format!("alias/{number}{}", "x".repeat(200)), id, at(i64::MAX)).unwrap();
            document.keys[0].rotate(Origin::Creation, at(i64::MAX));
            document.keys[0].tags.insert(format!("{number}{}", "\u{1}".repeat(100)), "\"".repeat(250));
            document.keys[0].description.push_str(&"\u{1}".repeat(150));
        }
        let json = document.to_json();
        assert!(json.capacity() > json.len());
        assert_eq!(json.capacity(), document.room_bytes());
    }

    #[test]
    fn an_error_names_the_place_but_never_quotes_the_text() {
        let json = String::from_utf8(sample().to_json().to_vec()).unwrap();
        let broken = json.replace("\"state\": \"Enabled\"", "\"state\": \"c2VjcmV0\"");
        let Err(error) = Document::from_json(broken.as_bytes()) else { panic!("accepted") };
        assert!(!error.contains("c2VjcmV0") && error.contains("line"), "{error}");
    }

    #[test]
    fn refuses_other_versions_doubles_and_short_keys() {
        let json = String::from_utf8(sample().to_json().to_vec()).unwrap();
        for version in ["0", "1", "4", "\"2\""] {
            let other = json.replace("\"version\": 2", &format!("\"version\": {version}"));
            assert!(Document::from_json(other.as_bytes()).is_err(), "{version}");
        }
        assert!(
            Document::from_json(json.replace("alias/aws/kinesisvideo", "kinesisvideo").as_bytes()).is_err()
        );
        assert!(Document::from_json(json.replace("\"number\"", "\"numbers\"").as_bytes()).is_err());
        let mut twice = sample();
        twice.keys.push(twice.keys[0].clone());
        assert!(Document::from_json(&twice.to_json()).is_err());
        let mut empty = sample();
        empty.keys[0].material.clear();
        assert!(Document::from_json(&empty.to_json()).is_err());
        for wrong in
            ["", "AAAA", "!", &BASE64.encode([0; 31]), &BASE64.encode([0; 33]), &BASE64.encode([0; 64])]
        {
            let start = json.find("\"aes_256\": \"").unwrap() + 12;
            let end = start + json[start..].find('"').unwrap();
            let altered = format!("{}{wrong}{}", &json[..start], &json[end..]);
            assert!(Document::from_json(altered.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_alias_that_moves_keeps_the_day_of_its_making() {
        let mut document = sample();
        document.keys.push(MasterKey::generate(&owner(), at(6)));
        let ids = [document.keys[0].id, document.keys[1].id];
        document.point_alias("alias/a", ids[0], at(10)).unwrap();
        document.point_alias("alias/a", ids[1], at(20)).unwrap();
        assert!(!document.keys[0].aliases.contains_key("alias/a"));
        let dates = document.keys[1].aliases["alias/a"];
        assert_eq!((dates.created_unix_ms, dates.updated_unix_ms), (at(10), at(20)));
    }

    #[test]
    fn each_region_has_its_own_aliases() {
        let mut document = sample();
        let elsewhere = KeyringOwner { region: Region::parse("us-east-1").unwrap(), ..owner() };
        document.keys.push(MasterKey::generate(&elsewhere, at(6)));
        let ids = [document.keys[0].id, document.keys[1].id];
        for id in ids {
            document.point_alias("alias/a", id, at(10)).unwrap();
        }
        let again = Document::from_json(&document.to_json()).unwrap_or_else(|error| panic!("{error}"));
        assert!(again.keys.iter().all(|key| key.aliases.contains_key("alias/a")));
        // Where no region is said, that of the keyring's owner is meant.
        let alias = KeyId::parse("alias/a").unwrap();
        for (home, id) in [(owner(), ids[0]), (elsewhere, ids[1])] {
            assert_eq!(again.resolve(&alias, &home).unwrap().id, id);
            let arn = KeyId::parse(&format!("arn:aws:kms:us-east-1:444455556666:{alias}")).unwrap();
            assert_eq!(again.resolve(&arn, &home).unwrap().id, ids[1]);
        }
    }

    proptest! {
        #[test]
        fn never_panics_on_a_damaged_file(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let whole = sample().to_json();
            let mut altered = whole.to_vec();
            let at = at.index(altered.len());
            altered[at] = byte;
            let _ = Document::from_json(&altered);
            // The line break at the end may lack; anything more may not.
            let cut = cut.index(whole.len() - 1);
            prop_assert!(Document::from_json(&whole[..cut]).is_err());
        }
    }
}
