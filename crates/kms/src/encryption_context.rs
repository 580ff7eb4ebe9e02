use std::collections::BTreeMap;

/// Public facts that a wrapped key is bound to, such as the stream's ARN: they must be given again, exactly, to open it.
///
/// Not secret: a provider may log it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// This context with one more entry; the same name again replaces its value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The entries, by name.
    pub fn entries(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// The one byte form of this context: for each entry in the order of names, name and value, each after its
    /// length (32 bits, big-endian). Different contexts have different forms.
    pub(crate) fn append_canonical(&self, out: &mut Vec<u8>) {
        for text in self.0.iter().flat_map(|(name, value)| [name, value]) {
            // A text of 4 GiB cannot come from a caller; should it, the saturated length only makes the key unopenable.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl From<BTreeMap<String, String>> for EncryptionContext {
    fn from(entries: BTreeMap<String, String>) -> Self {
        Self(entries)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for EncryptionContext {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(context: &EncryptionContext) -> Vec<u8> {
        let mut out = Vec::new();
        context.append_canonical(&mut out);
        out
    }

    #[test]
    fn order_of_insertion_does_not_matter() {
        let one = EncryptionContext::new().with("a", "1").with("b", "2");
        let other = EncryptionContext::new().with("b", "2").with("a", "1");
        assert_eq!(canonical(&one), canonical(&other));
    }

    #[test]
    fn moving_a_letter_from_name_to_value_is_another_context() {
        let one = EncryptionContext::new().with("ab", "c");
        let other = EncryptionContext::new().with("a", "bc");
        assert_ne!(canonical(&one), canonical(&other));
    }

    proptest! {
        #[test]
        fn different_contexts_have_different_forms(
            one in proptest::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3),
            other in proptest::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3),
        ) {
            let (one, other) = (EncryptionContext::from(one), EncryptionContext::from(other));
            prop_assert_eq!(one == other, canonical(&one) == canonical(&other));
        }
    }
}
