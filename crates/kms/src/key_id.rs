use std::fmt;
use uuid::Uuid;

/// A master key as a user names it: its UUID, its ARN, an alias (`alias/NAME`) or an alias ARN.
///
/// The text is kept as given, because the service prints it back; the provider resolves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The alias of the key that streams use when none is named.
    pub const DEFAULT: &str = "alias/aws/kinesisvideo";

    /// Parses 1..=2048 printable ASCII characters without spaces (the service's bound for `KmsKeyId`).
    ///
    /// # Errors
    /// [`KeyIdError`]. Whether such a key exists is the provider's to say.
    pub fn parse(text: &str) -> Result<Self, KeyIdError> {
        let fits = (1..=2048).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyIdError)
        }
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an alias that the service has given to a key of its own.
    pub fn is_the_services(&self) -> bool {
        matches!(self.target(), KeyIdTarget::Alias { alias, .. } if alias.starts_with("alias/aws/"))
    }

    /// What the text points to.
    pub fn target(&self) -> KeyIdTarget<'_> {
        let (location, resource) = match self.0.strip_prefix("arn:aws:kms:") {
            Some(rest) => {
                let mut parts = rest.splitn(3, ':');
                match (parts.next(), parts.next(), parts.next()) {
                    (Some(region), Some(account), Some(resource)) => (Some((region, account)), resource),
                    _ => return KeyIdTarget::Nothing,
                }
            }
            None => (None, self.0.as_str()),
        };
        match (resource.strip_prefix("key/"), location) {
            (Some(id), Some(_)) => KeyIdTarget::Key { id, location },
            _ if resource.starts_with("alias/") => KeyIdTarget::Alias { alias: resource, location },
            (None, None) => KeyIdTarget::Key { id: resource, location },
            _ => KeyIdTarget::Nothing,
        }
    }
}

impl Default for KeyId {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for KeyId {
    type Err = KeyIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The text cannot name a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a KMS key is named by 1 to 2048 printable characters without spaces: a UUID, a key ARN, an alias or an alias ARN"
)]
pub struct KeyIdError;

/// The id of a key: a UUID with hyphens, in either case. Everything that looks a key up parses its id here.
pub fn key_uuid(text: &str) -> Option<Uuid> {
    Some(text).filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok())
}

/// The key or alias within a [`KeyId`]; `location` is region and account where an ARN names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyIdTarget<'a> {
    /// A key by its id, which need not be a UUID.
    Key {
        /// The id.
        id: &'a str,
        /// Region and account.
        location: Option<(&'a str, &'a str)>,
    },
    /// An alias.
    Alias {
        /// It begins with `alias/`.
        alias: &'a str,
        /// Region and account.
        location: Option<(&'a str, &'a str)>,
    },
    /// No key can be called so.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_four_forms() {
        let at = Some(("us-west-2", "111122223333"));
        for (text, target) in [
            ("0b6a", KeyIdTarget::Key { id: "0b6a", location: None }),
            ("arn:aws:kms:us-west-2:111122223333:key/0b6a", KeyIdTarget::Key { id: "0b6a", location: at }),
            ("alias/mine", KeyIdTarget::Alias { alias: "alias/mine", location: None }),
            (
                "arn:aws:kms:us-west-2:111122223333:alias/aws/kinesisvideo",
                KeyIdTarget::Alias { alias: "alias/aws/kinesisvideo", location: at },
            ),
            ("arn:aws:kms:us-west-2:111122223333:0b6a", KeyIdTarget::Nothing),
            ("arn:aws:kms:us-west-2", KeyIdTarget::Nothing),
        ] {
            assert_eq!(KeyId::parse(text).unwrap().target(), target, "{text}");
        }
    }

    #[test]
    fn a_keys_id_has_one_form_in_either_case() {
        let id = "4a573372-1f28-4e26-b97b-0123456789ab";
        assert_eq!(key_uuid(id).map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(key_uuid(&id.to_uppercase()), key_uuid(id));
        for text in
            ["", &id.replace('-', ""), &format!("{{{id}}}"), &format!("urn:uuid:{id}"), &format!("{id} ")]
        {
            assert_eq!(key_uuid(text), None, "{text:?}");
        }
    }

    #[test]
    fn refuses_empty_long_and_unprintable_names() {
        for text in ["", "a b", "schl\u{fc}ssel", "a\n"] {
            assert_eq!(KeyId::parse(text), Err(KeyIdError), "{text:?}");
        }
        assert!(KeyId::parse(&"x".repeat(2049)).is_err());
        assert_eq!(KeyId::default().as_str(), "alias/aws/kinesisvideo");
    }
}
