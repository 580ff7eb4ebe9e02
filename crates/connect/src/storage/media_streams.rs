//! The MEDIA_STREAMS storage of an instance: live media streaming, when it is enabled.
//!
//! Source: the model of InstanceStorageConfig; the name form is that of streams seen in the field.

use crate::instances::InstanceAlias;
use serde::{Deserialize, Serialize};

/// The longest retention that can be set: ten years.
pub const MAX_RETENTION_HOURS: u32 = 87_600;

/// Where the customers' audio goes, for how long, and under which key.
///
/// Units: hours; 0 keeps nothing past immediate consumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaStreamStorage {
    /// Names this association, 64 hexadecimal digits.
    pub association_id: String,
    /// What the stream names begin with, 1 to 128 of `[a-zA-Z0-9_.-]`.
    pub prefix: String,
    /// How long audio is kept.
    pub retention_hours: u32,
    /// The KMS key, as the client named it: ARN, id or alias.
    pub key_id: String,
    /// The token of the request that associated it.
    pub client_token: Option<String>,
}

impl MediaStreamStorage {
    /// `PREFIX-connect-ALIAS-contact-`, to which a stream's UUID is appended.
    ///
    /// Always the beginning of a valid stream name: 128 + 9 + 45 + 9 + 36 characters are 227 of 256 allowed.
    pub fn stream_name_prefix(&self, alias: &InstanceAlias) -> String {
        format!("{}{}", self.prefix, decoration(alias))
    }

    /// The prefix that a client means: one that it read from us, decorated, loses the decoration again,
    /// so that read, change and write back does not decorate twice.
    pub fn undecorated<'a>(prefix: &'a str, alias: &InstanceAlias) -> &'a str {
        prefix.strip_suffix(&decoration(alias)).unwrap_or(prefix)
    }

    /// Checks prefix, retention and key; the error names the member and its bounds.
    pub fn check(prefix: &str, retention_hours: i64, key_id: &str) -> Result<u32, String> {
        let in_alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !(1..=128).contains(&prefix.len()) || !prefix.bytes().all(in_alphabet) {
            return Err(
                "KinesisVideoStreamConfig.Prefix must have 1 to 128 characters out of [a-zA-Z0-9_.-]".into(),
            );
        }
        if !(1..=128).contains(&key_id.len()) {
            return Err("EncryptionConfig.KeyId must have 1 to 128 characters".into());
        }
        u32::try_from(retention_hours).ok().filter(|hours| *hours <= MAX_RETENTION_HOURS).ok_or_else(|| {
            format!("KinesisVideoStreamConfig.RetentionPeriodHours must be 0 to {MAX_RETENTION_HOURS}")
        })
    }
}

fn decoration(alias: &InstanceAlias) -> String {
    format!("-connect-{alias}-contact-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_parts_still_make_a_stream_name() {
        let alias = InstanceAlias::parse(&"a".repeat(45)).unwrap();
        let storage = MediaStreamStorage {
            association_id: String::new(),
            prefix: "p".repeat(128),
            retention_hours: 0,
            key_id: "k".into(),
            client_token: None,
        };
        let name = storage.stream_name_prefix(&alias) + "4a573372-1f28-4e26-b97b-0123456789ab";
        assert!(tympan_types::StreamName::parse(&name).is_ok());
        assert_eq!(
            MediaStreamStorage::undecorated(&storage.stream_name_prefix(&alias), &alias),
            storage.prefix
        );
    }

    #[test]
    fn refuses_what_no_stream_could_be_made_of() {
        assert_eq!(MediaStreamStorage::check("demo", 24, "alias/k"), Ok(24));
        assert!(MediaStreamStorage::check("de mo", 24, "alias/k").is_err());
        assert!(MediaStreamStorage::check("", 24, "alias/k").is_err());
        assert!(MediaStreamStorage::check("demo", -1, "alias/k").is_err());
        assert!(MediaStreamStorage::check("demo", 87_601, "alias/k").is_err());
        assert!(MediaStreamStorage::check("demo", 0, "").is_err());
    }
}
