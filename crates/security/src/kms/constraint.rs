//! The rules of requests, worded as AWS words a breach, and the forms of their values.

use super::error::KmsApiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use tympan_aws::constraint::Breach;
use tympan_types::WallTime;
use zeroize::Zeroizing;

pub(crate) use tympan_aws::constraint::{blob_length, length, pattern, range, required};

/// A required key id, ARN or alias.
pub(crate) fn key_id(value: Option<String>, member: &str) -> Result<String, KmsApiError> {
    let value = required(value, member)?;
    length(&value, member, 1, 2048)?;
    Ok(value)
}

/// A number of days between two bounds, both included.
pub(crate) fn days(value: i64, member: &str, least: u32, most: u32) -> Result<u32, Breach> {
    let value = range(value, member, i64::from(least), i64::from(most))?;
    Ok(u32::try_from(value).unwrap_or(most))
}

/// One of an enumeration's values.
pub(crate) fn one_of<'a>(value: &'a str, member: &str, values: &[&str]) -> Result<&'a str, Breach> {
    if values.contains(&value) {
        return Ok(value);
    }
    let rule = format!("Member must satisfy enum value set: [{}]", values.join(", "));
    Err(Breach::new(value, member, &rule))
}

/// Bytes as JSON carries them, in base64. Wiped when dropped.
pub(crate) struct Blob(pub(crate) Zeroizing<Vec<u8>>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64Text;
        impl de::Visitor<'_> for Base64Text {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in base64")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                let bytes = BASE64.decode(text).map_err(|_| E::custom("not base64"))?;
                Ok(Blob(Zeroizing::new(bytes)))
            }
        }
        deserializer.deserialize_str(Base64Text)
    }
}

/// Bytes as JSON carries them.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// A timestamp: seconds since 1970 as a number, with the milliseconds as decimals.
pub(crate) fn epoch_seconds(at: WallTime) -> f64 {
    // Milliseconds of this century fit a double's 53 bits, so the quotient prints with three decimals.
    at.unix_ms() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_worded_as_aws_does() {
        let message = |breach: Breach| KmsApiError::from(breach).message().to_owned();
        assert_eq!(
            message(range(6, "pendingWindowInDays", 7, 30).unwrap_err()),
            "1 validation error detected: Value '6' at 'pendingWindowInDays' failed to satisfy constraint: \
             Member must have value greater than or equal to 7"
        );
        assert!(range(i64::MAX, "limit", 1, 1000).is_err());
        assert!(message(length(&"x".repeat(2049), "keyId", 1, 2048).unwrap_err()).len() < 500);
        let rule = message(one_of("C", "kind", &["A", "B"]).unwrap_err());
        assert!(rule.ends_with("Member must satisfy enum value set: [A, B]"), "{rule}");
    }

    #[test]
    fn a_plaintext_of_the_wrong_length_is_not_quoted() {
        let error = KmsApiError::from(blob_length(&[b'Q'; 4097], "plaintext", 4096).unwrap_err());
        assert!(
            error.message().contains("Value at 'plaintext'") && !error.message().contains('Q'),
            "{error}"
        );
        assert!(blob_length(&[0; 4096], "plaintext", 4096).is_ok());
        assert!(blob_length(&[], "plaintext", 4096).is_err());
    }
}
