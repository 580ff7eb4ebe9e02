//! The file of intents.

use super::slot_types::SlotType;
use super::text;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A bot as its file defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bot {
    /// Its name.
    pub name: String,
    /// The locales that it answers in: `en_US`.
    pub locales: Vec<String>,
    /// How long a session may be idle.
    pub session_timeout_s: u32,
    /// The score below which nothing was understood.
    pub(super) threshold: f64,
    pub(super) intents: Vec<IntentDefinition>,
    pub(super) fallback: Fallback,
}

/// Why a file is no bot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DefinitionError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default = "english")]
    locales: Vec<String>,
    #[serde(default = "five_minutes")]
    session_timeout_s: u32,
    #[serde(default = "threshold")]
    nlu_threshold: f64,
    #[serde(default)]
    slot_types: Vec<FileSlotType>,
    intents: Vec<FileIntent>,
    #[serde(default)]
    fallback: Fallback,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSlotType {
    name: String,
    values: Vec<SlotValues>,
}

/// A value and how else it is said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotValues {
    pub(super) value: String,
    #[serde(default)]
    pub(super) synonyms: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIntent {
    name: String,
    #[serde(default)]
    utterances: Vec<String>,
    dtmf: Option<String>,
    #[serde(default)]
    slots: Vec<FileSlot>,
    confirmation: Option<Confirmation>,
    #[serde(default)]
    fulfillment: Fulfillment,
    /// The function that is asked at each turn.
    dialog_function: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSlot {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    prompt: Option<String>,
    reprompt: Option<String>,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default = "twice")]
    retries: u32,
}

/// What is asked before an intent is done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    pub(super) prompt: String,
    /// What is said where the caller denies.
    pub(super) declined: Option<String>,
    #[serde(default = "twice")]
    pub(super) retries: u32,
}

/// How an intent ends.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fulfillment {
    /// What is said at the end.
    pub(super) message: Option<String>,
    /// The function that fulfils it.
    pub(super) function: Option<String>,
    /// The bot itself counts it as fulfilled, and does not leave that to who asked.
    #[serde(default)]
    pub(super) fulfilled: bool,
}

/// What is done where nothing was understood.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fallback {
    /// How often the caller is asked again before the fallback intent is taken.
    pub(super) retries: u32,
    /// What is asked then.
    pub(super) prompt: String,
    /// What is said at the end.
    pub(super) message: Option<String>,
}

impl Default for Fallback {
    fn default() -> Self {
        let prompt = "Sorry, I did not understand that. Please say it again.".to_owned();
        Self { retries: 0, prompt, message: None }
    }
}

/// An intent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntentDefinition {
    pub(super) name: String,
    pub(super) utterances: Vec<Utterance>,
    pub(super) dtmf: Option<String>,
    pub(super) slots: Vec<SlotDefinition>,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) fulfillment: Fulfillment,
    pub(super) dialog_function: Option<String>,
}

/// A sample of what callers say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Utterance {
    /// Its words.
    pub(super) words: Vec<String>,
    /// The slots that it holds, by name.
    pub(super) slots: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct SlotDefinition {
    pub(super) name: String,
    pub(super) kind: SlotType,
    pub(super) prompt: String,
    pub(super) reprompt: Option<String>,
    pub(super) required: bool,
    pub(super) retries: u32,
}

/// The name of the intent that is taken where no other fits.
pub(super) const FALLBACK: &str = "FallbackIntent";
const INTENTS_MAX: usize = 200;
const SLOTS_MAX: usize = 100;
const UTTERANCES_MAX: usize = 1_000;
/// The characters of a message at most, as the model has it.
const TEXT_MAX_CHARACTERS: usize = 1_024;

impl Bot {
    /// Reads TOML.
    ///
    /// # Errors
    /// [`DefinitionError`]
    pub fn from_toml(text: &str) -> Result<Self, DefinitionError> {
        toml::from_str::<File>(text).map_err(|error| DefinitionError(error.to_string())).and_then(Self::of)
    }

    /// Reads JSON with the same members.
    ///
    /// # Errors
    /// [`DefinitionError`]
    pub fn from_json(text: &str) -> Result<Self, DefinitionError> {
        serde_json::from_str::<File>(text)
            .map_err(|error| DefinitionError(error.to_string()))
            .and_then(Self::of)
    }

    /// Every word that callers are expected to say, for a recogniser of speech; at most 500.
    pub fn vocabulary(&self) -> Vec<String> {
        let utterances = self.intents.iter().flat_map(|intent| &intent.utterances).flat_map(|one| &one.words);
        let slots = self.intents.iter().flat_map(|intent| &intent.slots);
        let values = slots.flat_map(|slot| match &slot.kind {
            SlotType::Values(values) => values.as_slice(),
            _ => &[],
        });
        let values = values.flat_map(|value| std::iter::once(&value.value).chain(&value.synonyms));
        let words: BTreeSet<&String> = utterances.chain(values).collect();
        words.into_iter().take(500).cloned().collect()
    }

    pub(super) fn intent(&self, name: &str) -> Option<&IntentDefinition> {
        self.intents.iter().find(|intent| intent.name == name)
    }

    fn of(file: File) -> Result<Self, DefinitionError> {
        let fail = |what: String| Err(DefinitionError(what));
        if file.locales.is_empty() {
            return fail("locales is empty".to_owned());
        }
        if !(1..=86_400).contains(&file.session_timeout_s) {
            return fail("session_timeout_s is not 1 to 86400".to_owned());
        }
        if !(0.0..=1.0).contains(&file.nlu_threshold) {
            return fail("nlu_threshold is not 0 to 1".to_owned());
        }
        if file.intents.len() > INTENTS_MAX {
            return fail(format!("there are more than {INTENTS_MAX} intents"));
        }
        check_text("fallback.prompt", &file.fallback.prompt)?;
        check_text("fallback.message", file.fallback.message.as_deref().unwrap_or("-"))?;
        let mut intents = Vec::new();
        let mut names = BTreeSet::from([FALLBACK.to_owned()]);
        for intent in file.intents {
            if !is_name(&intent.name) || !names.insert(intent.name.clone()) {
                return fail(format!(
                    "the intent {:?} has a name that is taken, or is not letters, digits, - and _",
                    intent.name
                ));
            }
            intents.push(IntentDefinition::of(intent, &file.slot_types)?);
        }
        let File { name, locales, session_timeout_s, nlu_threshold, fallback, .. } = file;
        Ok(Self { name, locales, session_timeout_s, threshold: nlu_threshold, intents, fallback })
    }
}

impl IntentDefinition {
    pub(super) fn slot(&self, name: &str) -> Option<&SlotDefinition> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    fn of(file: FileIntent, types: &[FileSlotType]) -> Result<Self, DefinitionError> {
        let of = |what: String| DefinitionError(format!("the intent {}: {what}", file.name));
        if file.utterances.len() > UTTERANCES_MAX || file.slots.len() > SLOTS_MAX {
            return Err(of(format!("it has more than {UTTERANCES_MAX} utterances or {SLOTS_MAX} slots")));
        }
        let mut slots: Vec<SlotDefinition> = Vec::new();
        for slot in &file.slots {
            let about = |what: &str| of(format!("the slot {}: {what}", slot.name));
            if !is_name(&slot.name) || slots.iter().any(|other| other.name == slot.name) {
                return Err(about("its name is taken, or is not letters, digits, - and _"));
            }
            let custom = types.iter().find(|custom| custom.name == slot.kind);
            let kind = custom.map(|custom| SlotType::Values(custom.values.clone()));
            let kind = kind.or_else(|| SlotType::built_in(&slot.kind)).ok_or_else(|| {
                about(
                    "its type is none of AMAZON.Number, AMAZON.PhoneNumber, AMAZON.Date, AMAZON.AlphaNumeric, \
                     AMAZON.Confirmation, AMAZON.FreeFormInput and the slot_types of the file",
                )
            })?;
            if slot.required && slot.prompt.is_none() {
                return Err(about("it is required and has no prompt"));
            }
            for text in [&slot.prompt, &slot.reprompt].into_iter().flatten() {
                check_text("prompt", text).map_err(|error| about(&error.0))?;
            }
            let (prompt, reprompt) = (slot.prompt.clone().unwrap_or_default(), slot.reprompt.clone());
            let (name, required, retries) = (slot.name.clone(), slot.required, slot.retries);
            slots.push(SlotDefinition { name, kind, prompt, reprompt, required, retries });
        }
        let confirmation = file.confirmation.as_ref();
        let texts = [confirmation.map(|one| &one.prompt), confirmation.and_then(|one| one.declined.as_ref())];
        for text in texts.into_iter().chain([file.fulfillment.message.as_ref()]).flatten() {
            check_text("a message", text).map_err(|error| of(error.0))?;
        }
        let utterances: Vec<Utterance> = file.utterances.iter().map(|text| Utterance::of(text)).collect();
        for utterance in &utterances {
            if let Some(name) =
                utterance.slots.iter().find(|name| !slots.iter().any(|slot| slot.name == **name))
            {
                return Err(of(format!("an utterance names the slot {name}, which it does not have")));
            }
        }
        let FileIntent { name, dtmf, confirmation, fulfillment, dialog_function, .. } = file;
        Ok(Self { name, utterances, dtmf, slots, confirmation, fulfillment, dialog_function })
    }
}

impl Utterance {
    fn of(text: &str) -> Self {
        let (mut literal, mut slots) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            literal.push(' ');
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            slots.push(name.trim().to_owned());
            rest = after;
        }
        literal.push_str(rest);
        Self { words: text::words(&literal), slots }
    }
}

fn check_text(what: &str, text: &str) -> Result<(), DefinitionError> {
    let length = text.chars().count();
    if (1..=TEXT_MAX_CHARACTERS).contains(&length) {
        return Ok(());
    }
    Err(DefinitionError(format!("{what} has {length} characters, and may have 1 to {TEXT_MAX_CHARACTERS}")))
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(is_part)
}

fn english() -> Vec<String> {
    vec!["en_US".to_owned()]
}

const fn five_minutes() -> u32 {
    300
}

const fn threshold() -> f64 {
    0.6
}

const fn yes() -> bool {
    true
}

const fn twice() -> u32 {
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_be_toml_or_json() {
        let toml =
            Bot::from_toml("name = 'b'\n[[intents]]\nname = 'Help'\nutterances = ['help me']\n").unwrap();
        let json =
            Bot::from_json(r#"{"name":"b","intents":[{"name":"Help","utterances":["help me"]}]}"#).unwrap();
        assert_eq!(toml, json);
        assert_eq!((toml.session_timeout_s, toml.locales.as_slice()), (300, &["en_US".to_owned()][..]));
        assert_eq!(toml.vocabulary(), ["help", "me"]);
    }

    #[test]
    fn the_bot_of_the_documentation_is_one() {
        let page = include_str!("../../../../docs/lex.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let bot = Bot::from_toml(rest.split_once("```").unwrap().0).unwrap();
        assert_eq!((bot.name.as_str(), bot.intents.len()), ("Orders", 1));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        let slot =
            |rest: &str| format!("name='b'\n[[intents]]\nname='I'\n[[intents.slots]]\nname='S'\n{rest}");
        for (text, why) in [
            ("name='b'\nintents=[]\nlocales=[]".to_owned(), "locales"),
            ("name='b'\nintents=[]\nsession_timeout_s=0".to_owned(), "session_timeout_s"),
            ("name='b'\nintents=[]\nnlu_threshold=2.0".to_owned(), "nlu_threshold"),
            ("name='b'\nintents=[]\nnoise=1".to_owned(), "noise"),
            ("name='b'\n[[intents]]\nname='FallbackIntent'".to_owned(), "FallbackIntent"),
            ("name='b'\n[[intents]]\nname='I'\nutterances=['a {S}']".to_owned(), "the slot S"),
            (slot("type='AMAZON.City'\nprompt='?'"), "AMAZON.Number"),
            (slot("type='AMAZON.Number'"), "no prompt"),
            (slot("type='AMAZON.Number'\nprompt=''"), "0 characters"),
            ("name='b'\nintents=[]\n[fallback]\nprompt=''".to_owned(), "fallback.prompt"),
        ] {
            let error = Bot::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn an_utterance_has_words_and_slots() {
        let utterance = Utterance::of("Where's order {Number} of {Name}?");
        assert_eq!(utterance.words, ["wheres", "order", "of"]);
        assert_eq!(utterance.slots, ["Number", "Name"]);
    }
}
