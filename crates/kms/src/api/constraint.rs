//! The rules of requests, worded as AWS words a breach.

use super::error::KmsApiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use tympan_types::WallTime;
use zeroize::Zeroizing;

/// A required member.
pub(super) fn required<T>(value: Option<T>, member: &str) -> Result<T, KmsApiError> {
    value.ok_or_else(|| {
        KmsApiError::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A required key id, ARN or alias.
pub(super) fn key_id(value: Option<String>, member: &str) -> Result<String, KmsApiError> {
    let value = required(value, member)?;
    length(&value, member, 1, 2048)?;
    Ok(value)
}

pub(super) fn length(value: &str, member: &str, least: usize, most: usize) -> Result<(), KmsApiError> {
    let length = value.chars().count();
    if length < least {
        return Err(failed(
            value,
            member,
            &format!("Member must have length greater than or equal to {least}"),
        ));
    }
    if length > most {
        return Err(failed(value, member, &format!("Member must have length less than or equal to {most}")));
    }
    Ok(())
}

/// Bytes whose value is nobody's business.
pub(super) fn blob_length(value: &[u8], member: &str, most: usize) -> Result<(), KmsApiError> {
    let rule = match value.len() {
        0 => "greater than or equal to 1".to_owned(),
        length if length > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(KmsApiError::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {rule}"
    )))
}

/// A number between two bounds, both included.
pub(super) fn range(value: i64, member: &str, least: u32, most: u32) -> Result<u32, KmsApiError> {
    if value < i64::from(least) {
        let rule = format!("Member must have value greater than or equal to {least}");
        return Err(failed(&value.to_string(), member, &rule));
    }
    let fits = u32::try_from(value).ok().filter(|value| *value <= most);
    fits.ok_or_else(|| {
        let rule = format!("Member must have value less than or equal to {most}");
        failed(&value.to_string(), member, &rule)
    })
}

/// One of an enumeration's values.
pub(super) fn one_of<'a>(value: &'a str, member: &str, values: &[&str]) -> Result<&'a str, KmsApiError> {
    if values.contains(&value) {
        return Ok(value);
    }
    let rule = format!("Member must satisfy enum value set: [{}]", values.join(", "));
    Err(failed(value, member, &rule))
}

pub(super) fn pattern(value: &str, member: &str, pattern: &str, kept: bool) -> Result<(), KmsApiError> {
    if kept {
        return Ok(());
    }
    Err(failed(value, member, &format!("Member must satisfy regular expression pattern: {pattern}")))
}

fn failed(value: &str, member: &str, rule: &str) -> KmsApiError {
    let mut shown: String = value.chars().take(256).collect();
    if shown.len() < value.len() {
        shown.push_str("...");
    }
    KmsApiError::validation(format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// Bytes as JSON carries them, in base64. Wiped when dropped.
pub(super) struct Blob(pub(super) Zeroizing<Vec<u8>>);

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
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// A timestamp: seconds since 1970 as a number, with the milliseconds as decimals.
pub(super) fn epoch_seconds(at: WallTime) -> f64 {
    // Milliseconds of this century fit a double's 53 bits, so the quotient prints with three decimals.
    at.unix_ms() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_worded_as_aws_does() {
        assert_eq!(
            range(6, "pendingWindowInDays", 7, 30).unwrap_err().message(),
            "1 validation error detected: Value '6' at 'pendingWindowInDays' failed to satisfy constraint: \
             Member must have value greater than or equal to 7"
        );
        assert!(range(i64::MAX, "limit", 1, 1000).is_err());
        assert!(length(&"x".repeat(2049), "keyId", 1, 2048).unwrap_err().message().len() < 500);
    }

    #[test]
    fn a_plaintext_of_the_wrong_length_is_not_quoted() {
        let error = blob_length(&[b'Q'; 4097], "plaintext", 4096).unwrap_err();
        assert!(
            error.message().contains("Value at 'plaintext'") && !error.message().contains('Q'),
            "{error}"
        );
        assert!(blob_length(&[0; 4096], "plaintext", 4096).is_ok());
        assert!(blob_length(&[], "plaintext", 4096).is_err());
    }
}
