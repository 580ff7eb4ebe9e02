//! What a bot does with what it hears.

use super::definition::{Bot, FALLBACK, IntentDefinition};
use super::heard::Heard;
use super::sessions::Session;
use super::slot_types::{confirmation, slot};
use super::text;
use crate::model::{Attributes, Confidence, DialogAction, Intent, Interpretation, Message, SessionState};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_types::WallTime;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The session holds the answer.
    Answer,
    /// A function is to be asked first; [`Bot::resume`] takes what it returns.
    Call(Call),
}

/// A function to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its ARN.
    pub function: String,
    /// What for.
    pub hook: CodeHook,
    /// The event, as Lex V2 sends it to a function; the service adds who asks.
    pub event: Value,
}

/// What a function is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeHook {
    /// What to do next in the dialog.
    Dialog,
    /// To fulfil the intent.
    Fulfillment,
}

impl CodeHook {
    /// `DialogCodeHook` or `FulfillmentCodeHook`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dialog => "DialogCodeHook",
            Self::Fulfillment => "FulfillmentCodeHook",
        }
    }
}

/// What a function returns.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returned {
    session_state: SessionState,
    #[serde(default)]
    messages: Vec<Message>,
}

/// Messages of an answer at most, as the model has it.
const MESSAGES_MAX: usize = 10;
/// Interpretations of an answer at most, as the model has it.
const INTERPRETATIONS_MAX: usize = 5;
/// As certain as an utterance must be to change the intent in the middle of a slot.
const SWITCH_SCORE: f64 = 0.95;

impl Bot {
    /// Takes what the caller said.
    pub fn hear(&self, session: &mut Session, now: WallTime, heard: &Heard) -> Step {
        session.messages.clear();
        let said = text::words(&heard.text);
        let action = session.state.dialog_action.clone();
        let in_hand = session.state.intent.as_ref().and_then(|intent| self.intent(&intent.name));
        match (action.as_ref().map(|action| action.kind.as_str()), in_hand) {
            (Some("ElicitSlot"), Some(intent)) => {
                let name = action.and_then(|action| action.slot_to_elicit).unwrap_or_default();
                self.hear_slot(session, now, intent, &name, heard, &said)
            }
            (Some("ConfirmIntent"), Some(intent)) => self.hear_confirmation(session, intent, heard, &said),
            _ => self.hear_intent(session, now, heard, &said),
        }
    }

    /// Takes what a function returned.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn resume(&self, session: &mut Session, hook: CodeHook, returned: &[u8]) -> Result<Step, String> {
        let Returned { session_state, messages } =
            serde_json::from_slice(returned).map_err(|error| error.to_string())?;
        if session_state.dialog_action.is_none() {
            return Err("sessionState has no dialogAction".to_owned());
        }
        self.take(session, session_state, messages, hook == CodeHook::Dialog)
    }

    /// Takes a state that a client or a function sets, and what is to be said; what it lacks stays as it was. `may_delegate`: the
    /// bot may be left to find what comes next.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take(
        &self,
        session: &mut Session,
        state: SessionState,
        mut messages: Vec<Message>,
        may_delegate: bool,
    ) -> Result<Step, String> {
        let action = state.dialog_action.clone();
        self.merge(session, state)?;
        let Some(action) = action else { return Ok(Step::Answer) };
        messages.truncate(MESSAGES_MAX);
        let intent = session.state.intent.as_ref().and_then(|intent| self.intent(&intent.name));
        let told = !messages.is_empty();
        session.messages = messages;
        session.misses = 0;
        match (action.kind.as_str(), intent) {
            ("Delegate", Some(intent)) if may_delegate => {
                let said = std::mem::take(&mut session.messages);
                let step = self.go_on(session, intent, None);
                if told {
                    session.messages = said;
                }
                return Ok(step);
            }
            ("ElicitSlot", Some(intent)) => {
                let name = action.slot_to_elicit.as_deref().unwrap_or_default();
                let slot = intent.slot(name).ok_or_else(|| format!("there is no slot {:?}", short(name)))?;
                if !told {
                    session.say(&slot.prompt);
                }
            }
            ("ConfirmIntent", Some(intent)) => {
                if let Some(confirmation) = intent.confirmation.as_ref().filter(|_| !told) {
                    session.say(&confirmation.prompt);
                }
            }
            ("Close" | "ElicitIntent" | "None", _) => {}
            (kind, _) => return Err(format!("the dialogAction {:?} is not taken here", short(kind))),
        }
        session.state.dialog_action = Some(action);
        Ok(Step::Answer)
    }

    /// Sets the members of a state that are given.
    ///
    /// # Errors
    /// An intent that the bot does not have.
    pub fn merge(&self, session: &mut Session, state: SessionState) -> Result<(), String> {
        if let Some(intent) = &state.intent
            && self.intent(&intent.name).is_none()
            && intent.name != FALLBACK
        {
            return Err(format!("there is no intent {:?}", short(&intent.name)));
        }
        let SessionState {
            dialog_action,
            intent,
            active_contexts,
            session_attributes,
            originating_request_id,
            runtime_hints,
        } = state;
        let kept = &mut session.state;
        kept.intent = intent.or(kept.intent.take());
        kept.dialog_action = dialog_action.or(kept.dialog_action.take());
        kept.session_attributes = session_attributes.or(kept.session_attributes.take());
        kept.active_contexts = active_contexts.or(kept.active_contexts.take());
        kept.originating_request_id = originating_request_id.or(kept.originating_request_id.take());
        kept.runtime_hints = runtime_hints.or(kept.runtime_hints.take());
        Ok(())
    }

    fn hear_intent(&self, session: &mut Session, now: WallTime, heard: &Heard, said: &[String]) -> Step {
        let ranked = self.rank(now, heard, said);
        session.interpretations = interpretations(&ranked);
        let Some(best) = ranked.into_iter().next().filter(|best| best.score >= self.threshold) else {
            session.misses += 1;
            if session.misses <= self.fallback.retries {
                session.state.intent = None;
                session.state.dialog_action = Some(DialogAction::new("ElicitIntent"));
                session.say(&self.fallback.prompt);
                return Step::Answer;
            }
            return self.fall_back(session);
        };
        self.begin(session, best, heard)
    }

    fn begin(&self, session: &mut Session, best: Candidate<'_>, heard: &Heard) -> Step {
        session.misses = 0;
        session.state.intent = Some(best.intent());
        self.turn(session, best.definition, heard)
    }

    fn hear_slot(
        &self,
        session: &mut Session,
        now: WallTime,
        intent: &IntentDefinition,
        name: &str,
        heard: &Heard,
        said: &[String],
    ) -> Step {
        let Some(wanted) = intent.slot(name) else { return self.hear_intent(session, now, heard, said) };
        let value = wanted.kind.read(now, said).map(|value| (heard.text.clone(), value));
        if let Some((original, value)) = value.or_else(|| wanted.kind.find(now, said)) {
            session.misses = 0;
            if let Some(current) = &mut session.state.intent {
                current.slots.insert(name.to_owned(), Some(slot(original.trim(), value)));
            }
            return self.turn(session, intent, heard);
        }
        let ranked = self.rank(now, heard, said);
        if let Some(other) = ranked.first().filter(|best| best.score >= SWITCH_SCORE)
            && other.definition.name != intent.name
        {
            session.interpretations = interpretations(&ranked);
            let other = other.clone();
            return self.begin(session, other, heard);
        }
        session.misses += 1;
        if session.misses > wanted.retries {
            return self.fall_back(session);
        }
        session.say(wanted.reprompt.as_deref().unwrap_or(&wanted.prompt));
        Step::Answer
    }

    fn hear_confirmation(
        &self,
        session: &mut Session,
        intent: &IntentDefinition,
        heard: &Heard,
        said: &[String],
    ) -> Step {
        let (prompt, declined, retries) = match &intent.confirmation {
            Some(asked) => (asked.prompt.as_str(), asked.declined.as_deref(), asked.retries),
            None => ("", None, 2),
        };
        let set = |session: &mut Session, state: &str| {
            session.misses = 0;
            if let Some(current) = &mut session.state.intent {
                current.confirmation_state = Some(state.to_owned());
            }
        };
        match confirmation(said) {
            Some("Yes") => {
                set(session, "Confirmed");
                self.turn(session, intent, heard)
            }
            Some(_) => {
                set(session, "Denied");
                session.close("Failed");
                declined.into_iter().for_each(|text| session.say(text));
                Step::Answer
            }
            None => {
                session.misses += 1;
                if session.misses > retries {
                    return self.fall_back(session);
                }
                session.say(prompt);
                Step::Answer
            }
        }
    }

    /// One turn of an intent, its function first.
    fn turn(&self, session: &mut Session, intent: &IntentDefinition, heard: &Heard) -> Step {
        match &intent.dialog_function {
            Some(function) => Step::Call(self.call(session, function, CodeHook::Dialog, Some(heard))),
            None => self.go_on(session, intent, Some(heard)),
        }
    }

    /// Asks for what an intent lacks, or fulfils it.
    fn go_on(&self, session: &mut Session, intent: &IntentDefinition, heard: Option<&Heard>) -> Step {
        let current = session.state.intent.clone().unwrap_or_default();
        let has = |name: &str| current.slots.get(name).is_some_and(Option::is_some);
        if let Some(missing) = intent.slots.iter().find(|slot| slot.required && !has(&slot.name)) {
            let elicit = DialogAction {
                slot_to_elicit: Some(missing.name.clone()),
                ..DialogAction::new("ElicitSlot")
            };
            session.state.dialog_action = Some(elicit);
            session.say(&missing.prompt);
            return Step::Answer;
        }
        let confirmed = current.confirmation_state.as_deref() == Some("Confirmed");
        if let Some(confirmation) = intent.confirmation.as_ref().filter(|_| !confirmed) {
            session.state.dialog_action = Some(DialogAction::new("ConfirmIntent"));
            session.say(&confirmation.prompt);
            return Step::Answer;
        }
        if let Some(function) = &intent.fulfillment.function {
            if let Some(current) = &mut session.state.intent {
                current.state = Some("ReadyForFulfillment".to_owned());
            }
            return Step::Call(self.call(session, function, CodeHook::Fulfillment, heard));
        }
        session.close(if intent.fulfillment.fulfilled { "Fulfilled" } else { "ReadyForFulfillment" });
        if let Some(message) = &intent.fulfillment.message {
            session.say(message);
        }
        Step::Answer
    }

    /// The intent that is taken where no other fits.
    fn fall_back(&self, session: &mut Session) -> Step {
        session.misses = 0;
        session.state.intent = Some(Intent { name: FALLBACK.to_owned(), ..new_intent() });
        session.close("ReadyForFulfillment");
        if let Some(message) = &self.fallback.message {
            session.say(message);
        }
        Step::Answer
    }

    fn call(&self, session: &Session, function: &str, hook: CodeHook, heard: Option<&Heard>) -> Call {
        let mode = heard.map_or("Text", |heard| heard.mode.name());
        let event = json!({
            "messageVersion": "1.0",
            "invocationSource": hook.name(),
            "inputMode": mode,
            "inputTranscript": heard.map(|heard| heard.text.as_str()).unwrap_or_default(),
            "interpretations": session.interpretations(),
            "sessionState": session.state,
            "transcriptions": heard.into_iter().map(|heard| json!({
                "transcription": heard.text,
                "transcriptionConfidence": heard.confidence.unwrap_or(1.0),
            })).collect::<Vec<_>>(),
        });
        Call { function: function.to_owned(), hook, event }
    }

    /// The intents that fit at all, the best first.
    fn rank(&self, now: WallTime, heard: &Heard, said: &[String]) -> Vec<Candidate<'_>> {
        let keys = heard.text.trim();
        let candidates = self.intents.iter().filter_map(|definition| {
            if definition.dtmf.as_deref().is_some_and(|dtmf| !keys.is_empty() && dtmf == keys) {
                return Some(Candidate { definition, score: 1.0, slots: BTreeMap::new() });
            }
            let scored = definition.utterances.iter().map(|utterance| {
                let mut slots = BTreeMap::new();
                let literal = |word: &&String| !utterance.words.contains(word);
                let rest: Vec<String> = said.iter().filter(literal).cloned().collect();
                let mut used = Vec::new();
                for name in &utterance.slots {
                    let Some(wanted) = definition.slot(name) else { continue };
                    if let Some((original, value)) = wanted.kind.find(now, &rest) {
                        used.extend(text::words(&original));
                        slots.insert(name.clone(), slot(&original, value));
                    }
                }
                let left: Vec<String> = said.iter().filter(|word| !used.contains(word)).cloned().collect();
                // A sample that is nothing but a slot fits what is nothing but its value.
                let score = if utterance.words.is_empty() && !slots.is_empty() {
                    if left.is_empty() { 1.0 } else { 0.5 }
                } else {
                    text::score(&utterance.words, if left.is_empty() { said } else { &left })
                };
                Candidate { definition, score, slots }
            });
            scored.filter(|one| one.score > 0.0).max_by(|a, b| a.score.total_cmp(&b.score))
        });
        let mut candidates: Vec<Candidate<'_>> = candidates.collect();
        // Of two that fit alike the first of the file is meant.
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates
    }
}

/// An intent that may be meant.
#[derive(Clone)]
struct Candidate<'a> {
    definition: &'a IntentDefinition,
    score: f64,
    slots: BTreeMap<String, crate::model::Slot>,
}

impl Candidate<'_> {
    fn intent(&self) -> Intent {
        let slots = self.definition.slots.iter();
        let slots = slots.map(|slot| (slot.name.clone(), self.slots.get(&slot.name).cloned()));
        Intent { name: self.definition.name.clone(), slots: slots.collect(), ..new_intent() }
    }
}

impl Session {
    /// What was understood, with the intent in hand as it is now.
    pub fn interpretations(&self) -> Vec<Interpretation> {
        let mut all = self.interpretations.clone();
        if let Some(intent) = &self.state.intent {
            let at =
                all.iter().position(|one| one.intent.as_ref().is_some_and(|one| one.name == intent.name));
            let mut first = at.map_or_else(Interpretation::default, |at| all.remove(at));
            first.intent = Some(intent.clone());
            first.interpretation_source = Some("Lex".to_owned());
            all.insert(0, first);
        }
        all.truncate(INTERPRETATIONS_MAX);
        all
    }

    /// Says a text, with the values of slots and attributes in their places.
    fn say(&mut self, template: &str) {
        if template.is_empty() || self.messages.len() >= MESSAGES_MAX {
            return;
        }
        let text = self.fill(template);
        let is_document = text.trim_start().starts_with("<speak");
        let content_type = if is_document { "SSML" } else { "PlainText" }.to_owned();
        self.messages.push(Message { content_type, ..Message::plain(text) });
    }

    fn close(&mut self, state: &str) {
        if let Some(intent) = &mut self.state.intent {
            intent.state = Some(state.to_owned());
        }
        self.state.dialog_action = Some(DialogAction::new("Close"));
    }

    /// `{Slot}` and `[attribute]` are their values; what has none stays out.
    fn fill(&self, template: &str) -> String {
        let none = Attributes::new();
        let attributes = self.state.session_attributes.as_ref().unwrap_or(&none);
        let slot = |name: &str| {
            let slot = self.state.intent.as_ref()?.slots.get(name)?.as_ref()?;
            slot.value.as_ref().map(|value| value.interpreted_value.clone())
        };
        let (mut text, mut rest) = (String::new(), template);
        while let Some(at) = rest.find(['{', '[']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let end = if from.starts_with('{') { '}' } else { ']' };
            let Some((name, after)) = from.get(1..).and_then(|from| from.split_once(end)) else {
                text.push_str(from);
                return clip(text);
            };
            let value = if end == '}' { slot(name) } else { attributes.get(name).cloned() };
            text.push_str(value.as_deref().unwrap_or_default());
            rest = after;
        }
        text.push_str(rest);
        clip(text)
    }
}

fn interpretations(ranked: &[Candidate<'_>]) -> Vec<Interpretation> {
    let of = |candidate: &Candidate<'_>| Interpretation {
        intent: Some(candidate.intent()),
        nlu_confidence: Some(Confidence { score: (candidate.score * 100.0).round() / 100.0 }),
        sentiment_response: None,
        interpretation_source: Some("Lex".to_owned()),
    };
    let mut all: Vec<Interpretation> = ranked.iter().take(INTERPRETATIONS_MAX - 1).map(of).collect();
    all.push(Interpretation {
        intent: Some(Intent { name: FALLBACK.to_owned(), ..new_intent() }),
        interpretation_source: Some("Lex".to_owned()),
        ..Interpretation::default()
    });
    all
}

fn new_intent() -> Intent {
    Intent {
        state: Some("InProgress".to_owned()),
        confirmation_state: Some("None".to_owned()),
        ..Intent::default()
    }
}

/// A message has 1,024 characters at most.
fn clip(text: String) -> String {
    if text.chars().count() > 1_024 { text.chars().take(1_024).collect() } else { text }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
