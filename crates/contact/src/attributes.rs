use std::collections::BTreeMap;
use tympan_types::Redacted;

/// The largest set of attributes a contact may carry: the bytes of all keys and values together.
pub const MAX_ATTRIBUTES_BYTES: usize = 32 * 1024;

/// The attributes of a contact: names that print, values that do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, Redacted<String>>);

impl Attributes {
    /// The value of one attribute.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.expose().as_str())
    }

    /// All attributes, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.expose().as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets all of these attributes, or none of them where the contact would carry too much.
    pub fn set(&mut self, changes: BTreeMap<String, String>) -> Result<(), AttributesTooLarge> {
        let kept = self.0.iter().filter(|(key, _)| !changes.contains_key(*key));
        let kept_bytes: usize = kept.map(|(key, value)| key.len() + value.expose().len()).sum();
        let changed_bytes: usize = changes.iter().map(|(key, value)| key.len() + value.len()).sum();
        let bytes = kept_bytes + changed_bytes;
        if bytes > MAX_ATTRIBUTES_BYTES {
            return Err(AttributesTooLarge { bytes });
        }
        self.0.extend(changes.into_iter().map(|(key, value)| (key, Redacted::new(value))));
        Ok(())
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key, Redacted::new(value))).collect())
    }
}

/// Why attributes were not set: together with those already there they would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the attributes of a contact may take {MAX_ATTRIBUTES_BYTES} bytes in all, these would take {bytes}: none was set"
)]
pub struct AttributesTooLarge {
    /// What all attributes would have taken.
    pub bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn changes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn sets_all_or_nothing() {
        let mut attributes = Attributes::default();
        attributes.set(changes(&[("a", "1"), ("b", "2")])).unwrap();
        let huge = "x".repeat(MAX_ATTRIBUTES_BYTES);
        let refused = attributes.set(changes(&[("a", "3"), ("c", &huge)]));
        assert_eq!(refused, Err(AttributesTooLarge { bytes: MAX_ATTRIBUTES_BYTES + 5 }));
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    }

    #[test]
    fn a_replaced_value_does_not_count_twice() {
        let mut attributes = Attributes::default();
        let half = "x".repeat(MAX_ATTRIBUTES_BYTES / 2 + 10);
        attributes.set(changes(&[("a", &half)])).unwrap();
        attributes.set(changes(&[("a", &half)])).unwrap();
        assert!(attributes.set(changes(&[("b", &half)])).is_err());
    }

    proptest! {
        /// Against a map that is measured anew after each change.
        #[test]
        fn whatever_is_set_the_limit_holds_and_a_refusal_changes_nothing(
            sets in prop::collection::vec(
                prop::collection::btree_map("[a-e]{1,2}", (0usize..24).prop_map(|kib| "é".repeat(kib * 512)), 0..5),
                0..12,
            ),
        ) {
            let (mut attributes, mut model) = (Attributes::default(), BTreeMap::<String, String>::new());
            for changes in sets {
                let mut changed = model.clone();
                changed.extend(changes.clone());
                let bytes: usize = changed.iter().map(|(key, value)| key.len() + value.len()).sum();
                let expected = if bytes > MAX_ATTRIBUTES_BYTES { Err(AttributesTooLarge { bytes }) } else { Ok(()) };
                prop_assert_eq!(attributes.set(changes), expected);
                if expected.is_ok() {
                    model = changed;
                }
                prop_assert!(attributes.iter().eq(model.iter().map(|(key, value)| (key.as_str(), value.as_str()))));
                prop_assert_eq!((attributes.len(), attributes.is_empty()), (model.len(), model.is_empty()));
            }
        }
    }

    #[test]
    fn the_largest_set_that_fits_has_exactly_the_limit() {
        let mut attributes = Attributes::default();
        let value = "x".repeat(MAX_ATTRIBUTES_BYTES - 1);
        assert_eq!(attributes.set(changes(&[("a", &value)])), Ok(()));
        let refused = attributes.set(changes(&[("b", "")]));
        assert_eq!(refused, Err(AttributesTooLarge { bytes: MAX_ATTRIBUTES_BYTES + 1 }));
    }

    #[test]
    fn values_are_not_printed() {
        let attributes: Attributes = [("pin".to_owned(), "1234".to_owned())].into_iter().collect();
        assert_eq!(format!("{attributes:?}"), r#"Attributes({"pin": [redacted]})"#);
    }
}
