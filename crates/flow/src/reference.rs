//! References to contact data: `$.Attributes.k`, `$.Attributes['k with space']`, `$.External.a[0].b`.
//!
//! Source: Admin guide, "How to reference contact attributes" and "List of available contact attributes"
//! (which prints `$.Attributes.['k']`, dot included: both forms are read).

use std::fmt;

/// One path into the data of a contact, such as `$.MediaStreams.Customer.Audio.StreamARN`.
///
/// Spellings that mean the same compare equal: bracketed and dotted names, and the older
/// `StartPosition`/`StopPosition` for `StartFragmentNumber`/`StopFragmentNumber` of a media stream.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// At least one.
    segments: Vec<String>,
}

impl Reference {
    /// Reads a text that is one reference and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (reference, length) = Self::scan(text)?;
        (length == text.len()).then_some(reference)
    }

    /// Reads the reference that `text` begins with; gives it and its length in bytes.
    pub(crate) fn scan(text: &str) -> Option<(Self, usize)> {
        let mut rest = text.strip_prefix('$')?;
        let mut segments = Vec::new();
        while let Some((segment, after)) = next_segment(rest) {
            segments.push(segment);
            rest = after;
        }
        // A path starts with a name that could be one: "$.50" is an amount, "$[0]" is nothing of ours.
        let starts_with_letter = segments.first()?.starts_with(|first: char| first.is_alphabetic());
        starts_with_letter.then(|| (Self::new(segments), text.len() - rest.len()))
    }

    fn new(mut segments: Vec<String>) -> Self {
        if let [root, _, kind, position] = segments.as_mut_slice()
            && root == "MediaStreams"
            && kind == "Audio"
        {
            match position.as_str() {
                "StartPosition" => *position = "StartFragmentNumber".to_owned(),
                "StopPosition" => *position = "StopFragmentNumber".to_owned(),
                _ => {}
            }
        }
        Self { segments }
    }

    /// The first name: `Attributes`, `External`, `MediaStreams`, `CustomerEndpoint`, ...
    pub fn root(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// All names, the root's included, for a slice pattern:
    /// `["MediaStreams", "Customer", "Audio", "StreamARN"]`.
    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The names below the root, joined by dots: the key of `$.Attributes.key`.
    pub fn key(&self) -> String {
        self.below_root().join(".")
    }

    /// Whether it names a namespace and nothing in it, such as `$.External`.
    pub(crate) fn is_bare_namespace(&self) -> bool {
        self.below_root().is_empty()
            && ["Attributes", "External", "FlowAttributes", "Lex", "MediaStreams", "Metrics", "Modules"]
                .contains(&self.root())
    }

    pub(crate) fn below_root(&self) -> &[String] {
        self.segments.get(1..).unwrap_or_default()
    }

    /// Whether the root is one that contacts have; anything else in a running text is just text.
    pub(crate) fn has_known_root(&self) -> bool {
        KNOWN_ROOTS.contains(&self.root())
    }
}

/// One `.name`, `['name']`, `.['name']`, `["name"]` or `[0]`, and the text after it.
fn next_segment(text: &str) -> Option<(String, &str)> {
    if let Some(bracket) = text.strip_prefix(".[").or_else(|| text.strip_prefix('[')) {
        return bracketed(bracket);
    }
    let name = text.strip_prefix('.')?;
    let length = name.find(|c: char| !is_name_character(c)).unwrap_or(name.len());
    let (name, rest) = name.split_at(length);
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

fn bracketed(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    if quote.is_ascii_digit() {
        let (index, rest) = text.split_once(']')?;
        return index.bytes().all(|b| b.is_ascii_digit()).then(|| (index.to_owned(), rest));
    }
    if quote != '\'' && quote != '"' {
        return None;
    }
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            name.push(characters.next()?.1);
        } else if character == quote {
            let rest = text.get(at + 1..)?.strip_prefix(']')?;
            return (!name.is_empty()).then_some((name, rest));
        } else {
            name.push(character);
        }
    }
    None
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for segment in &self.segments {
            if segment.chars().all(is_name_character) {
                write!(f, ".{segment}")?;
            } else {
                write!(f, "['{}']", segment.replace('\\', r"\\").replace('\'', r"\'"))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({self})")
    }
}

/// The roots of the Admin guide's attribute list.
const KNOWN_ROOTS: &[&str] = &[
    "Agent",
    "Attributes",
    "AwsRegion",
    "Case",
    "Channel",
    "ContactId",
    "Customer",
    "CustomerCallbackNumber",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "External",
    "FlowAttributes",
    "InitialContactId",
    "InitiationMethod",
    "InstanceARN",
    "LanguageCode",
    "LambdaInvocation",
    "Lex",
    "Loop",
    "Media",
    "MediaStreams",
    "Metrics",
    "Modules",
    "Name",
    "PreviousContactId",
    "Queue",
    "References",
    "SegmentAttributes",
    "StoredCustomerInput",
    "SystemEndpoint",
    "Tags",
    "Task",
    "TextToSpeechVoiceId",
    "Views",
    "Wisdom",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<String> {
        Reference::parse(text).unwrap_or_else(|| panic!("{text} is a reference")).segments
    }

    #[test]
    fn reads_names_dotted_bracketed_and_both() {
        assert_eq!(parts("$.Attributes.k"), ["Attributes", "k"]);
        assert_eq!(parts("$.Attributes['k with space']"), ["Attributes", "k with space"]);
        assert_eq!(parts("$.Attributes.['k with space']"), ["Attributes", "k with space"]);
        assert_eq!(parts("$.Attributes[\"k\"]"), ["Attributes", "k"]);
        assert_eq!(parts("$['Attributes']['it\\'s']"), ["Attributes", "it's"]);
        assert_eq!(parts("$.External.items[0].name"), ["External", "items", "0", "name"]);
        assert_eq!(parts("$.Media.Sip.Headers.P-Asserted-Identity").last().unwrap(), "P-Asserted-Identity");
    }

    #[test]
    fn positions_are_another_name_for_fragment_numbers() {
        for (old, new) in [("StartPosition", "StartFragmentNumber"), ("StopPosition", "StopFragmentNumber")] {
            let old = Reference::parse(&format!("$.MediaStreams.Customer.Audio.{old}")).unwrap();
            let new = Reference::parse(&format!("$.MediaStreams.Customer.Audio.{new}")).unwrap();
            assert_eq!(old, new);
        }
        assert_eq!(parts("$.Attributes.StartPosition"), ["Attributes", "StartPosition"]);
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for text in
            ["", "$", "$.", "$50", "$.50", "$.a b", "$.a.", "$.a['b", "$.a['']", "$.a[]", "a.b", "$[0]"]
        {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_scan_leaves_the_punctuation_of_the_sentence() {
        let (reference, length) = Reference::scan("$.External.State. Thank you").unwrap();
        assert_eq!(reference.parts(), ["External", "State"]);
        assert_eq!(length, "$.External.State".len());
    }

    #[test]
    fn the_key_is_what_follows_the_root() {
        assert_eq!(Reference::parse("$.Attributes.first.name").unwrap().key(), "first.name");
        assert_eq!(Reference::parse("$.Channel").unwrap().key(), "");
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(names in prop::collection::vec(".{1,8}", 1..5)) {
            let mut segments = vec!["Attributes".to_owned()];
            segments.extend(names);
            let reference = Reference::new(segments);
            prop_assert_eq!(Reference::parse(&reference.to_string()), Some(reference));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\$?[.\\['a-z0-9\\]\\\\\" ]{0,24}") {
            if let Some((_, length)) = Reference::scan(&text) {
                prop_assert!(text.is_char_boundary(length));
            }
        }
    }
}
