//! Texts with `*` (any run of characters, none included) and `?` (one character).

/// A pattern of an action, a resource or a condition's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Box<str>);

impl Pattern {
    /// Every text is a pattern.
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the whole text is as the pattern says.
    pub(super) fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes(), |byte| byte)
    }

    /// As [`Self::matches`], whatever the case of ASCII letters in either.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes(), |byte| byte.to_ascii_lowercase())
    }
}

/// Takes the pattern greedily, and goes back to the last `*` where the text does not fit: at most the product of both
/// lengths, whatever the pattern.
fn matches(pattern: &[u8], text: &[u8], fold: impl Fn(u8) -> u8) -> bool {
    let (mut at, mut of) = (0, 0);
    // Behind the last star, and where in the text its run ends so far.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some(b'*') => {
                of += 1;
                star = Some((of, at));
            }
            Some(b'?') => {
                of += 1;
                at += character(text, at);
            }
            Some(byte) if fold(*byte) == fold(text[at]) => {
                of += 1;
                at += 1;
            }
            _ => match &mut star {
                Some((behind, end)) => {
                    *end += 1;
                    (at, of) = (*end, *behind);
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|byte| *byte == b'*')
}

/// The length of the UTF-8 character that begins at `at`, in bytes.
fn character(text: &[u8], at: usize) -> usize {
    1 + text[at + 1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks_stand_for_other_characters() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("a*b*c", "aXbYbZc", true),
            ("*stream/demo-*/*", "arn:aws:kinesisvideo:r:a:stream/demo-1/159", true),
            ("*stream/demo-*/*", "arn:aws:kinesisvideo:r:a:stream/other/159", false),
            ("stream/demo/*", "stream/demo2/1", false),
            ("a**", "a", true),
            ("Get*", "getMedia", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern:?} on {text:?}");
        }
        assert!(Pattern::new("KINESISVIDEO:get*").matches_any_case("kinesisvideo:GetMedia"));
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_the_product_of_the_lengths() {
        let pattern = Pattern::new(&format!("{}b", "a*".repeat(1_000)));
        assert!(!pattern.matches(&"a".repeat(2_000)));
    }

    proptest! {
        #[test]
        fn says_the_same_as_a_plain_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            fn plain(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), None) => plain(rest, text),
                    (Some((b'*', rest)), Some((_, tail))) => plain(rest, text) || plain(pattern, tail),
                    (Some((b'?', rest)), Some((_, tail))) => plain(rest, tail),
                    (Some((byte, rest)), Some((head, tail))) => byte == head && plain(rest, tail),
                    _ => false,
                }
            }
            let expected = plain(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
        }
    }
}
