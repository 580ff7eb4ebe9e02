use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of an instance: 1 to 45 letters, digits and inner hyphens, not beginning with `d-`.
///
/// Source: the model's pattern `^(?!d-)([\da-zA-Z]+)([-]*[\da-zA-Z])*$`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceAlias(String);

impl InstanceAlias {
    /// Parses an alias.
    pub fn parse(text: &str) -> Result<Self, AliasError> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let fits = (1..=45).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.starts_with("d-");
        if fits { Ok(Self(text.to_owned())) } else { Err(AliasError) }
    }

    /// The alias.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two aliases may not stand side by side: they differ at most in case.
    pub fn clashes_with(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for InstanceAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for InstanceAlias {
    type Error = AliasError;
    fn try_from(text: String) -> Result<Self, AliasError> {
        Self::parse(&text)
    }
}

impl From<InstanceAlias> for String {
    fn from(alias: InstanceAlias) -> Self {
        alias.0
    }
}

/// The text is not an instance alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an instance alias has 1 to 45 letters, digits and hyphens, begins and ends with a letter or digit, and does not begin with d-"
)]
pub struct AliasError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_the_pattern_of_the_model() {
        for good in ["demo", "a", "D1", "my--centre-2", &"x".repeat(45)] {
            assert!(InstanceAlias::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "d-123", "a_b", "a b", "caf\u{e9}", &"x".repeat(46)] {
            assert!(InstanceAlias::parse(bad).is_err(), "{bad}");
        }
    }
}
