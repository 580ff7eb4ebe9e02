//! What a keyring file says: JSON, version 1.
//!
//! ```json
//! {
//!   "version": 1,
//!   "keys": [{
//!     "id": "UUID", "region": "us-west-2", "account": "111122223333",
//!     "aliases": ["alias/aws/kinesisvideo"], "state": "Enabled",
//!     "material": [{ "number": 1, "created_unix_ms": 1711124585823, "aes_256": "BASE64 of 32 bytes" }]
//!   }]
//! }
//! ```

use super::{KeyringError, KeyringOwner};
use crate::data_key::fill_random;
use crate::key_id::Target;
use crate::{DataKey, KeyDescription, KeyId, KeyState, KmsError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::fmt;
use tympan_types::{AccountId, Region, WallTime};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The only version there is. A file of another one is refused, not guessed at.
const VERSION: u32 = 1;

/// All keys of a keyring.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u32,
    pub(super) keys: Vec<MasterKey>,
}

/// One master key: its name, its state and its material.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterKey {
    #[serde(serialize_with = "uuid_as_text", deserialize_with = "uuid_from_text")]
    pub(super) id: Uuid,
    region: Region,
    account: AccountId,
    aliases: BTreeSet<String>,
    pub(super) state: KeyState,
    /// Rising numbers, never empty; the last one wraps.
    material: Vec<Material>,
}

/// The bytes that wrap data keys, from one rotation to the next.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Material {
    pub(super) number: u32,
    created_unix_ms: WallTime,
    aes_256: Secret,
}

/// 32 bytes that exist as text only in the file.
#[derive(Clone)]
struct Secret(Zeroizing<[u8; 32]>);

impl Document {
    pub(super) fn with_default_key(owner: &KeyringOwner, now: WallTime) -> Self {
        let mut key = MasterKey::generate(owner, now);
        key.aliases.insert(KeyId::DEFAULT.to_owned());
        Self { version: VERSION, keys: vec![key] }
    }

    /// Reads and checks a file's text; the error is a sentence without any of the text's secrets.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let document: Self = serde_json::from_slice(json).map_err(|error| {
            // serde quotes what it met, and that may be a key in the wrong place.
            format!("{:?} error in line {}, column {}", error.classify(), error.line(), error.column())
        })?;
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("it has version {}; this program knows version {VERSION}", self.version));
        }
        let (mut ids, mut aliases) = (BTreeSet::new(), BTreeSet::new());
        for key in &self.keys {
            if !ids.insert(key.id) {
                return Err(format!("key {} is in it twice", key.id));
            }
            if let Some(alias) = key.aliases.iter().find(|alias| !is_alias(alias)) {
                return Err(format!("{alias:?} is not an alias"));
            }
            if let Some(alias) = key.aliases.iter().find(|alias| !aliases.insert(alias.as_str())) {
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
        let material: usize =
            self.keys.iter().map(|key| key.material.len() * 256 + key.aliases.len() * 512).sum();
        let mut json = Zeroizing::new(Vec::with_capacity(1024 + self.keys.len() * 512 + material));
        serde_json::to_writer_pretty(&mut *json, self)
            .expect("invariant: text, numbers and lists always serialise");
        json.push(b'\n');
        json
    }

    /// The key that a user's text stands for.
    pub(super) fn resolve(&self, key: &KeyId) -> Result<&MasterKey, KmsError> {
        self.keys.iter().find(|candidate| candidate.answers_to(key)).ok_or_else(|| no_such_key(key))
    }

    pub(super) fn resolve_mut(&mut self, key: &KeyId) -> Result<&mut MasterKey, KmsError> {
        self.keys.iter_mut().find(|candidate| candidate.answers_to(key)).ok_or_else(|| no_such_key(key))
    }

    pub(super) fn key(&self, id: Uuid) -> Result<&MasterKey, KmsError> {
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| no_such_key(id))
    }

    pub(super) fn point_alias(&mut self, alias: &str, id: Uuid) -> Result<(), KeyringError> {
        if !is_alias(alias) {
            return Err(KeyringError::BadAlias { alias: alias.chars().take(300).collect() });
        }
        for key in &mut self.keys {
            if key.id == id {
                key.aliases.insert(alias.to_owned());
            } else {
                key.aliases.remove(alias);
            }
        }
        Ok(())
    }
}

impl MasterKey {
    pub(super) fn generate(owner: &KeyringOwner, now: WallTime) -> Self {
        let mut id = [0; 16];
        fill_random(&mut id);
        Self {
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            region: owner.region.clone(),
            account: owner.account.clone(),
            aliases: BTreeSet::new(),
            state: KeyState::Enabled,
            material: vec![Material::generate(1, now)],
        }
    }

    pub(super) fn describe(&self) -> KeyDescription {
        let created =
            |material: Option<&Material>| material.map_or(WallTime::from_unix_ms(0), |m| m.created_unix_ms);
        KeyDescription {
            id: self.id.to_string(),
            arn: self.arn(),
            aliases: self.aliases.iter().cloned().collect(),
            state: self.state,
            created: created(self.material.first()),
            rotated: created(self.material.last()),
        }
    }

    fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// Refuses a key that is switched off.
    pub(super) fn usable(&self) -> Result<&Self, KmsError> {
        match self.state {
            KeyState::Enabled => Ok(self),
            KeyState::Disabled => {
                let arn = self.arn();
                Err(KmsError::Disabled(format!(
                    "{arn} is disabled; enable it to use what was encrypted under it"
                )))
            }
        }
    }

    /// The material that wraps.
    pub(super) fn newest(&self) -> &Material {
        self.material.last().expect("invariant: `check` refuses keys without material")
    }

    /// The material of a number that once wrapped.
    pub(super) fn material(&self, number: u32) -> Option<&Material> {
        self.material.iter().find(|material| material.number == number)
    }

    pub(super) fn rotate(&mut self, now: WallTime) {
        let number = self.newest().number.saturating_add(1);
        self.material.push(Material::generate(number, now));
    }

    fn answers_to(&self, key: &KeyId) -> bool {
        let at_home = |location: Option<(&str, &str)>| {
            location.is_none_or(|(region, account)| {
                region == self.region.as_str() && account == self.account.as_str()
            })
        };
        match key.target() {
            Target::Key { id, location } => self.id.to_string() == id && at_home(location),
            // Every region of every account has the service's own aliases, so their ARN may name any.
            Target::Alias { alias, location } => {
                self.aliases.contains(alias) && (alias.starts_with("alias/aws/") || at_home(location))
            }
            Target::Nothing => false,
        }
    }
}

impl Material {
    fn generate(number: u32, now: WallTime) -> Self {
        let mut secret = Secret(Zeroizing::new([0; 32]));
        fill_random(&mut secret.0[..]);
        Self { number, created_unix_ms: now, aes_256: secret }
    }

    /// The material as a key that seals data keys.
    pub(super) fn cipher(&self) -> DataKey {
        DataKey::from_bytes(*self.aes_256.0)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64.encode(&self.0[..])))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64Text;
        impl de::Visitor<'_> for Base64Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("32 bytes in base64")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                // `decode_slice` wants room for what its estimate says, which is a little more than 32 bytes.
                let mut bytes = Zeroizing::new([0; 36]);
                let length =
                    BASE64.decode_slice(text, &mut bytes[..]).map_err(|_| E::custom("not base64"))?;
                let bytes = bytes.get(..length).and_then(|bytes| bytes.try_into().ok());
                Ok(Secret(Zeroizing::new(bytes.ok_or_else(|| E::custom("not 32 bytes"))?)))
            }
        }
        deserializer.deserialize_str(Base64Text)
    }
}

fn uuid_as_text<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn uuid_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    Uuid::try_parse(&text).map_err(|_| de::Error::custom("not a UUID"))
}

fn is_alias(text: &str) -> bool {
    text.strip_prefix("alias/").is_some_and(|name| {
        (1..=250).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'))
    })
}

fn no_such_key(key: impl fmt::Display) -> KmsError {
    let shown: String = key.to_string().chars().take(200).collect();
    KmsError::NotFound(format!(
        "there is no KMS key {shown} in this keyring; `tympan keys ls` lists its keys"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owner() -> KeyringOwner {
        KeyringOwner {
            region: Region::parse("eu-west-1").unwrap(),
            account: AccountId::parse("444455556666").unwrap(),
        }
    }

    fn sample() -> Document {
        Document::with_default_key(&owner(), WallTime::from_unix_ms(5))
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let mut document = sample();
        document.keys[0].rotate(WallTime::from_unix_ms(9));
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
            document.keys.push(MasterKey::generate(&owner(), WallTime::from_unix_ms(i64::MAX)));
            let id = document.keys[0].id;
            document.point_alias(&format!("alias/{number}{}", "x".repeat(200)), id).unwrap();
            document.keys[0].rotate(WallTime::from_unix_ms(i64::MAX));
        }
        let json = document.to_json();
        assert!(json.capacity() > json.len());
        let estimate: usize = 1024
            + document
                .keys
                .iter()
                .map(|key| 512 + key.material.len() * 256 + key.aliases.len() * 512)
                .sum::<usize>();
        assert_eq!(json.capacity(), estimate);
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
        assert!(Document::from_json(json.replace("\"version\": 1", "\"version\": 2").as_bytes()).is_err());
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

    proptest! {
        #[test]
        fn never_panics_on_a_damaged_file(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let mut json = sample().to_json().to_vec();
            let at = at.index(json.len());
            json[at] = byte;
            let _ = Document::from_json(&json);
            json.truncate(cut.index(json.len()));
            prop_assert!(Document::from_json(&json).is_err());
        }
    }
}
