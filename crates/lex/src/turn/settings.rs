//! How a bot listens, as session attributes say.
//!
//! Source: Lex V2 developer guide, "Configuring timeouts for capturing user input"; Connect Administrator Guide, "Get customer
//! input" (defaults, the limit of 15 s, and the names of Lex classic).

use super::words::BotFailure;
use crate::model::Attributes;
use tympan_telephony::words::UTTERANCE_MAX_MS;

/// How a bot listens for one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// How long it waits for the caller to begin, after the prompt.
    pub(super) start_ms: u32,
    /// The silence that ends an utterance.
    pub(super) end_ms: u32,
    /// How long an utterance may be.
    pub(super) longest_ms: u32,
    /// The caller may interrupt the prompt.
    pub(super) interrupts: bool,
    /// The caller may speak.
    pub(super) speech: bool,
    /// The caller may press keys.
    pub(super) keys: bool,
    /// Keys of one input at most.
    pub(super) keys_most: usize,
    /// How long the next key is waited for.
    pub(super) key_ms: u32,
    /// The key that ends an input.
    pub(super) end_key: Option<char>,
    /// The key that takes back what was pressed.
    pub(super) deletion_key: Option<char>,
}

impl Default for Settings {
    /// What Connect gives where no attribute says otherwise.
    fn default() -> Self {
        Self {
            start_ms: 3_000,
            end_ms: 600,
            longest_ms: LONGEST_MS,
            interrupts: true,
            speech: true,
            keys: true,
            keys_most: KEYS_MAX,
            key_ms: 5_000,
            end_key: Some('#'),
            deletion_key: Some('*'),
        }
    }
}

/// Waits are at most so long, whatever an attribute says.
const WAIT_MAX_MS: u32 = 60_000;
const KEYS_MAX: usize = 1_024;

impl Settings {
    /// As the attributes say for this slot of this intent.
    ///
    /// # Errors
    /// [`BotFailure::Attribute`] where an utterance may be longer than the service takes. What is no value is as if it were not
    /// there.
    pub(super) fn of(
        attributes: &Attributes,
        intent: Option<&str>,
        slot: Option<&str>,
    ) -> Result<Self, BotFailure> {
        let find = |names: &[&str]| find(attributes, names, intent, slot);
        let ms = |names: &[&str], default: u32| {
            let value = find(names).and_then(|(_, value)| value.trim().parse::<u32>().ok());
            value.filter(|ms| *ms > 0).map_or(default, |ms| ms.min(WAIT_MAX_MS))
        };
        let flag = |names: &[&str]| match find(names) {
            Some((_, value)) => !value.trim().eq_ignore_ascii_case("false"),
            None => true,
        };
        let key = |names: &[&str], default: char| match find(names) {
            Some((_, value)) => value.trim().chars().next().filter(|key| "0123456789*#ABCD".contains(*key)),
            None => Some(default),
        };
        let longest = find(&["audio:max-length-ms", "max-speech-duration-ms"]);
        let longest_ms = match &longest {
            Some((_, value)) => value.trim().parse::<u32>().ok().filter(|ms| *ms > 0).unwrap_or(LONGEST_MS),
            None => LONGEST_MS,
        };
        if longest_ms > UTTERANCE_MAX_MS {
            let (name, value) = longest.unwrap_or_default();
            let value = value.chars().take(40).collect();
            return Err(BotFailure::Attribute { name, value, expected: "at most 15000" });
        }
        let usual = Self::default();
        let keys_most = find(&["dtmf:max-length"]).and_then(|(_, value)| value.trim().parse().ok());
        Ok(Self {
            start_ms: ms(&["audio:start-timeout-ms", "start-silence-threshold-ms"], usual.start_ms),
            end_ms: ms(&["audio:end-timeout-ms", "end-silence-threshold-ms"], usual.end_ms),
            longest_ms,
            interrupts: flag(&["allow-interrupt", "barge-in-enabled"]),
            speech: flag(&["allow-audio-input"]),
            keys: flag(&["allow-dtmf-input"]),
            keys_most: keys_most.filter(|most| (1..=KEYS_MAX).contains(most)).unwrap_or(usual.keys_most),
            key_ms: ms(&["dtmf:end-timeout-ms"], usual.key_ms),
            end_key: key(&["dtmf:end-character", "dtmf:end-char"], '#'),
            deletion_key: key(&["dtmf:deletion-character", "dtmf:deletion-char"], '*'),
        })
    }
}

/// What Connect gives speech; Lex alone gives 13 s.
const LONGEST_MS: u32 = 12_000;

/// The attribute of one of these names that fits the slot best: name and value.
fn find(
    attributes: &Attributes,
    names: &[&str],
    intent: Option<&str>,
    slot: Option<&str>,
) -> Option<(String, String)> {
    let (intent, slot) = (intent.unwrap_or("*"), slot.unwrap_or("*"));
    // Before the first answer there is no intent: what is said of any of them holds, and nothing else.
    let places = [
        format!(":{intent}:{slot}"),
        format!(":{intent}:*"),
        format!(":{intent}"),
        format!(":*:{slot}"),
        ":*:*".to_owned(),
        ":*".to_owned(),
        String::new(),
    ];
    let keys =
        places.iter().flat_map(|place| names.iter().map(move |name| format!("x-amz-lex:{name}{place}")));
    keys.into_iter().find_map(|key| {
        let value = attributes.get(&key)?.clone();
        Some((key, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Settings, BotFailure> {
        let attributes = pairs.iter().map(|(name, value)| (format!("x-amz-lex:{name}"), (*value).to_owned()));
        Settings::of(&attributes.collect(), Some("Book"), Some("Day"))
    }

    #[test]
    fn without_attributes_the_defaults_of_connect_hold() {
        let settings = of(&[]).unwrap();
        assert_eq!((settings.start_ms, settings.end_ms, settings.longest_ms), (3_000, 600, 12_000));
        assert_eq!((settings.key_ms, settings.keys_most), (5_000, 1_024));
        assert_eq!((settings.end_key, settings.deletion_key), (Some('#'), Some('*')));
        assert!(settings.interrupts && settings.speech && settings.keys);
    }

    #[test]
    fn the_attribute_of_the_slot_goes_before_that_of_the_intent_and_that_of_all() {
        let start = |pairs: &[(&str, &str)]| of(pairs).unwrap().start_ms;
        let all = ("audio:start-timeout-ms:*:*", "4000");
        let intent = ("audio:start-timeout-ms:Book:*", "5000");
        let slot = ("audio:start-timeout-ms:Book:Day", "6000");
        let other = ("audio:start-timeout-ms:Other:Day", "7000");
        assert_eq!(start(&[all, intent, slot, other]), 6_000);
        assert_eq!(start(&[all, intent, other]), 5_000);
        assert_eq!(start(&[all, other]), 4_000);
        assert_eq!(start(&[("audio:start-timeout-ms:*:Day", "8000"), all]), 8_000);
        assert_eq!(start(&[("audio:start-timeout-ms", "9000")]), 9_000);
        assert_eq!(start(&[other]), 3_000);
        assert_eq!(start(&[("audio:start-timeout-ms:*:*", "soon")]), 3_000);
        assert_eq!(start(&[("audio:start-timeout-ms:*:*", "999999999")]), WAIT_MAX_MS);
    }

    #[test]
    fn the_names_of_lex_classic_are_read() {
        let settings = of(&[
            ("max-speech-duration-ms:Book:Day", "8000"),
            ("start-silence-threshold-ms:*:*", "4500"),
            ("end-silence-threshold-ms:Book:*", "1200"),
            ("barge-in-enabled:*:*", "FALSE"),
        ]);
        let settings = settings.unwrap();
        assert_eq!((settings.longest_ms, settings.start_ms, settings.end_ms), (8_000, 4_500, 1_200));
        assert!(!settings.interrupts);
    }

    #[test]
    fn keys_are_set_by_attributes() {
        let settings = of(&[
            ("dtmf:end-character:*:*", "*"),
            ("dtmf:deletion-char:Book:Day", "#"),
            ("dtmf:max-length:*:*", "4"),
            ("dtmf:end-timeout-ms:*:*", "2500"),
            ("allow-audio-input:*:*", "false"),
        ]);
        let settings = settings.unwrap();
        assert_eq!((settings.end_key, settings.deletion_key), (Some('*'), Some('#')));
        assert_eq!((settings.keys_most, settings.key_ms, settings.speech), (4, 2_500, false));
    }

    #[test]
    fn an_utterance_of_more_than_15_s_is_an_error_of_the_block() {
        assert_eq!(of(&[("audio:max-length-ms:*:*", "15000")]).unwrap().longest_ms, 15_000);
        let error = of(&[("audio:max-length-ms:*:*", "15001")]).unwrap_err();
        assert!(
            matches!(&error, BotFailure::Attribute { name, .. } if name == "x-amz-lex:audio:max-length-ms:*:*")
        );
    }
}
