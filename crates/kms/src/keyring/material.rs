//! The secret part of a master key.

use crate::DataKey;
use crate::data_key::fill_random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use tympan_types::WallTime;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The bytes that wrap data keys, from one rotation to the next.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Counts the materials of a key from 1.
    pub number: u32,
    /// When it was made.
    pub created_unix_ms: WallTime,
    /// Why it was made.
    pub origin: Origin,
    pub(super) aes_256: Secret,
}

/// Why a material came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// With its key.
    Creation,
    /// By the key's schedule.
    Schedule,
    /// By an order.
    Demand,
}

/// 32 bytes that exist as text only in the file.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<[u8; 32]>);

impl Material {
    pub(super) fn generate(number: u32, origin: Origin, now: WallTime) -> Self {
        let mut secret = Secret(Zeroizing::new([0; 32]));
        fill_random(&mut secret.0[..]);
        Self { number, created_unix_ms: now, origin, aes_256: secret }
    }

    /// The material as a key that seals data keys.
    pub(super) fn cipher(&self) -> DataKey {
        DataKey::from_bytes(*self.aes_256.0)
    }
}

/// The public name of a key's material, 64 hex digits; tells nothing of its bytes.
pub fn material_id(key: Uuid, number: u32) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(b"tympan key material");
    context.update(key.as_bytes());
    context.update(&number.to_be_bytes());
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_material_depends_on_key_and_number_alone() {
        let (one, other) = (Uuid::from_bytes([1; 16]), Uuid::from_bytes([2; 16]));
        assert_eq!(material_id(one, 1), material_id(one, 1));
        assert_ne!(material_id(one, 1), material_id(one, 2));
        assert_ne!(material_id(one, 1), material_id(other, 1));
        assert!(
            material_id(one, 1).len() == 64 && material_id(one, 1).bytes().all(|b| b.is_ascii_hexdigit())
        );
    }
}
