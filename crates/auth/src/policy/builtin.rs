//! Policies that are there without being written.

use super::Policy;

/// Name and text of each.
pub const BUILT_IN_POLICIES: &[(&str, &str)] = &[
    ("full-access", include_str!("builtin/full-access.json")),
    ("read-only", include_str!("builtin/read-only.json")),
    ("producer", include_str!("builtin/producer.json")),
    ("consumer", include_str!("builtin/consumer.json")),
];

/// The built-in policy of this name.
pub(crate) fn built_in_policy(name: &str) -> Option<Policy> {
    let (_, text) = BUILT_IN_POLICIES.iter().find(|(known, _)| *known == name)?;
    // A test reads them all.
    Policy::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_policy_is_one() {
        for (name, text) in BUILT_IN_POLICIES {
            assert!(built_in_policy(name).is_some(), "{name}: {:?}", Policy::parse(text));
        }
        assert!(built_in_policy("root").is_none());
    }
}
