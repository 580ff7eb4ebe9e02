use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A limit of a profile that a single key overrides: `"profile"`, `"unlimited"` or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// What the profile says.
    #[default]
    Profile,
    /// None at all.
    Unlimited,
    /// This one.
    At(u32),
}

impl Limit {
    /// The limit, where the profile says `profile`; `None` is unlimited.
    pub fn over(self, profile: Option<u32>) -> Option<u32> {
        match self {
            Self::Profile => profile,
            Self::Unlimited => None,
            Self::At(limit) => Some(limit),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Profile => serializer.serialize_str("profile"),
            Self::Unlimited => serializer.serialize_str("unlimited"),
            Self::At(limit) => serializer.serialize_u32(*limit),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"profile\", \"unlimited\" or a number from 1 to 4294967295")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        match text {
            "profile" => Ok(Limit::Profile),
            "unlimited" => Ok(Limit::Unlimited),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Limit, E> {
        let limit = u32::try_from(number).ok().filter(|limit| *limit > 0);
        limit.map(Limit::At).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Limit, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Section {
        limit: Limit,
    }

    #[test]
    fn is_a_word_or_a_number_and_prints_as_it_reads() {
        for (text, limit) in [
            ("limit = \"profile\"\n", Limit::Profile),
            ("limit = \"unlimited\"\n", Limit::Unlimited),
            ("limit = 5\n", Limit::At(5)),
        ] {
            let section: Section = toml::from_str(text).unwrap();
            assert_eq!(section, Section { limit });
            assert_eq!(toml::to_string(&section).unwrap(), text);
        }
        for bad in ["limit = 0", "limit = -1", "limit = 4294967296", "limit = \"none\"", "limit = 1.5"] {
            assert!(toml::from_str::<Section>(bad).is_err(), "{bad}");
        }
        assert_eq!(Limit::At(5).over(None), Some(5));
        assert_eq!(Limit::Profile.over(Some(7)), Some(7));
        assert_eq!(Limit::Unlimited.over(Some(7)), None);
    }
}
