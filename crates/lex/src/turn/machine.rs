//! The turns.

use super::outcome;
use super::settings::Settings;
use super::words::{
    BotFailure, Listening, Recognition, RecognizeError, Reply, Said, Saying, TurnInput, TurnOutput,
};
use crate::model::{Attributes, SessionState};
use std::collections::VecDeque;
use tympan_telephony::Digit;
use tympan_telephony::words::Sound;
use tympan_types::Mono;

/// How a conversation begins.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnSpec {
    /// What comes first.
    pub opening: Opening,
    /// The session attributes of the block.
    pub session_attributes: Attributes,
    /// The attributes of each request.
    pub request_attributes: Attributes,
    /// How long it may go on.
    pub limits: TurnLimits,
}

/// What comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// The prompt of the block.
    BlockPrompt,
    /// A text that the bot answers, before the caller says anything.
    Message(String),
}

/// How long a conversation may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnLimits {
    /// Questions to the bot.
    pub turns: u32,
    /// All of it, in milliseconds.
    pub lasts_ms: u32,
    /// One answer of the bot, in milliseconds.
    pub answer_ms: u32,
}

impl Default for TurnLimits {
    /// 100 turns, 30 minutes, 15 s for an answer.
    fn default() -> Self {
        Self { turns: 100, lasts_ms: 30 * 60 * 1_000, answer_ms: 15_000 }
    }
}

/// One conversation of a flow block with a bot.
#[derive(Debug)]
pub struct Turns {
    spec: TurnSpec,
    state: State,
    /// The session attributes as the bot has them.
    attributes: Attributes,
    /// Questions that were asked.
    asked: u32,
    /// When all of it must be over.
    ends: Option<Mono>,
    /// What is still to be played, behind what plays.
    queue: VecDeque<Saying>,
    plays: bool,
    listens: bool,
    settings: Settings,
    out: VecDeque<TurnOutput>,
}

#[derive(Debug)]
enum State {
    /// Nothing has happened.
    New,
    /// The prompt plays; the caller may answer, if that interrupts.
    Prompting,
    /// The caller's answer is waited for.
    Waiting { until: Mono },
    /// The caller speaks.
    Speaking { until: Mono },
    /// The caller presses keys.
    Keying { keys: String, until: Mono },
    /// The bot's answer is waited for.
    Asking { until: Mono },
    /// The last words of the bot are played.
    Closing { reply: Box<Reply> },
    /// It is over.
    Over,
}

/// What a recorder may take beyond the longest utterance, before it is taken for silent.
const RECORDER_GRACE_MS: u32 = 5_000;
/// Prompts of a reply at most: the messages of the model.
const PROMPTS_MAX: usize = 10;

impl Turns {
    /// A conversation that has not begun.
    pub fn new(spec: TurnSpec) -> Self {
        Self {
            attributes: spec.session_attributes.clone(),
            spec,
            state: State::New,
            asked: 0,
            ends: None,
            queue: VecDeque::new(),
            plays: false,
            listens: false,
            settings: Settings::default(),
            out: VecDeque::new(),
        }
    }

    /// Takes what happens. After the end nothing happens any more.
    pub fn handle(&mut self, now: Mono, input: TurnInput) {
        if matches!(self.state, State::Over) {
            return;
        }
        if self.ends.is_some_and(|ends| ends <= now) {
            return self.fail(BotFailure::TooLong { limit_ms: self.spec.limits.lasts_ms });
        }
        match input {
            TurnInput::Started => self.start(now),
            TurnInput::PromptOver => self.prompt_over(now),
            TurnInput::PromptFailed(why) if self.plays => {
                self.plays = false;
                self.fail(BotFailure::Prompt(why));
            }
            TurnInput::PromptFailed(_) => {}
            TurnInput::SpeechBegan => self.speech_began(now),
            TurnInput::Heard { utterance, cut: _ } => self.heard(now, utterance),
            TurnInput::Digit(digit) => self.digit(now, digit),
            TurnInput::Answered(answer) => self.answered(now, answer),
            TurnInput::TimePassed => self.pass_time(now),
        }
    }

    /// The next output. Drain it after every `handle`.
    pub fn poll(&mut self) -> Option<TurnOutput> {
        self.out.pop_front()
    }

    /// When [`TurnInput::TimePassed`] is due, should nothing come before.
    pub fn next_deadline(&self) -> Option<Mono> {
        let until = match &self.state {
            State::Waiting { until }
            | State::Speaking { until }
            | State::Keying { until, .. }
            | State::Asking { until } => Some(*until),
            State::New | State::Over => return None,
            State::Prompting | State::Closing { .. } => None,
        };
        until.into_iter().chain(self.ends).min()
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn start(&mut self, now: Mono) {
        if !matches!(self.state, State::New) {
            return;
        }
        self.ends = Some(now.plus_ms(i64::from(self.spec.limits.lasts_ms)));
        match self.spec.opening.clone() {
            Opening::BlockPrompt => self.elicit(now, None, None, [Saying::BlockPrompt].into()),
            Opening::Message(text) => self.ask(now, Said::Text(text)),
        }
    }

    /// Plays a question and waits for the answer to it.
    fn elicit(&mut self, now: Mono, intent: Option<&str>, slot: Option<&str>, prompts: VecDeque<Saying>) {
        self.settings = match Settings::of(&self.attributes, intent, slot) {
            Ok(settings) => settings,
            Err(failure) => return self.fail(failure),
        };
        self.queue = prompts;
        self.state = State::Prompting;
        if self.settings.interrupts {
            self.listen();
        }
        self.play_next();
        if !self.plays {
            self.wait(now);
        }
    }

    fn prompt_over(&mut self, now: Mono) {
        if !std::mem::take(&mut self.plays) {
            return;
        }
        self.play_next();
        if self.plays {
            return;
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Prompting => self.wait(now),
            State::Closing { reply } => self.finish(&reply),
            other => self.state = other,
        }
    }

    /// The prompt is over, and the caller's turn begins.
    fn wait(&mut self, now: Mono) {
        self.listen();
        self.state = State::Waiting { until: now.plus_ms(i64::from(self.settings.start_ms)) };
    }

    fn speech_began(&mut self, now: Mono) {
        if !self.listens || !matches!(self.state, State::Prompting | State::Waiting { .. }) {
            return;
        }
        self.stop_playing();
        let most_ms = self.settings.longest_ms + self.settings.end_ms + RECORDER_GRACE_MS;
        self.state = State::Speaking { until: now.plus_ms(i64::from(most_ms)) };
    }

    fn heard(&mut self, now: Mono, utterance: Sound) {
        let waits = matches!(self.state, State::Prompting | State::Waiting { .. } | State::Speaking { .. });
        if !self.listens || !waits {
            return;
        }
        self.listens = false;
        self.stop_playing();
        self.ask(now, if utterance.is_empty() { Said::Nothing } else { Said::Speech(utterance) });
    }

    fn digit(&mut self, now: Mono, digit: Digit) {
        let takes = match self.state {
            State::Prompting => self.settings.interrupts,
            State::Waiting { .. } | State::Speaking { .. } | State::Keying { .. } => true,
            // What is typed while the bot thinks or says goodbye is not for it.
            _ => false,
        };
        if !takes || !self.settings.keys {
            return;
        }
        self.stop_playing();
        self.stop_listening();
        let mut keys = match std::mem::replace(&mut self.state, State::Over) {
            State::Keying { keys, .. } => keys,
            _ => String::new(),
        };
        let key = digit.as_char();
        if Some(key) == self.settings.end_key {
            return self.ask(now, of_keys(keys));
        }
        if Some(key) == self.settings.deletion_key {
            return self.wait(now);
        }
        keys.push(key);
        if keys.len() >= self.settings.keys_most {
            return self.ask(now, Said::Keys(keys));
        }
        self.state = State::Keying { keys, until: now.plus_ms(i64::from(self.settings.key_ms)) };
    }

    fn ask(&mut self, now: Mono, said: Said) {
        if self.asked >= self.spec.limits.turns {
            return self.fail(BotFailure::TooManyTurns { turns: self.spec.limits.turns });
        }
        self.stop_listening();
        let session_state = (self.asked == 0).then(|| SessionState {
            session_attributes: Some(self.spec.session_attributes.clone()),
            ..SessionState::default()
        });
        self.asked += 1;
        self.state = State::Asking { until: now.plus_ms(i64::from(self.spec.limits.answer_ms)) };
        let request_attributes = self.spec.request_attributes.clone();
        let question = Recognition { said, session_state, request_attributes };
        self.out.push_back(TurnOutput::Recognize(Box::new(question)));
    }

    fn answered(&mut self, now: Mono, answer: Result<Box<Reply>, RecognizeError>) {
        if !matches!(self.state, State::Asking { .. }) {
            return;
        }
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => return self.fail(error.into()),
        };
        if let Some(attributes) = &reply.session_state.session_attributes {
            self.attributes.extend(attributes.clone());
        }
        let prompts = prompts(&reply);
        let state = &reply.session_state;
        let intent = state.intent.as_ref().map(|intent| intent.name.clone());
        let kind = state.dialog_action.as_ref().map(|action| action.kind.as_str());
        match kind {
            Some("ElicitIntent") => self.elicit(now, None, None, prompts),
            Some("ElicitSlot") => {
                let slot = state.dialog_action.as_ref().and_then(|action| action.slot_to_elicit.clone());
                self.elicit(now, intent.as_deref(), slot.as_deref(), prompts);
            }
            Some("ConfirmIntent") => self.elicit(now, intent.as_deref(), None, prompts),
            _ if kind == Some("Close") || outcome::is_settled(state) => {
                self.queue = prompts;
                self.play_next();
                if self.plays {
                    self.state = State::Closing { reply };
                } else {
                    self.finish(&reply);
                }
            }
            other => {
                let other: String = other.unwrap_or("none").chars().take(60).collect();
                let why = format!("a dialogAction {other:?} with an intent that is not settled");
                self.fail(RecognizeError::Malformed(why).into());
            }
        }
    }

    fn pass_time(&mut self, now: Mono) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting { .. } | State::Speaking { .. } => self.ask(now, Said::Nothing),
            State::Keying { keys, .. } => self.ask(now, of_keys(keys)),
            State::Asking { .. } => {
                self.fail(RecognizeError::TimedOut { limit_ms: self.spec.limits.answer_ms }.into());
            }
            other => self.state = other,
        }
    }

    fn finish(&mut self, reply: &Reply) {
        self.stop_listening();
        self.state = State::Over;
        let result = outcome::of(reply, &self.attributes);
        self.out.push_back(TurnOutput::Done(Box::new(result)));
    }

    fn fail(&mut self, failure: BotFailure) {
        self.stop_playing();
        self.stop_listening();
        self.state = State::Over;
        self.out.push_back(TurnOutput::Failed(failure));
    }

    fn play_next(&mut self) {
        if let Some(saying) = self.queue.pop_front() {
            self.plays = true;
            self.out.push_back(TurnOutput::Play(saying));
        }
    }

    fn stop_playing(&mut self) {
        self.queue.clear();
        if std::mem::take(&mut self.plays) {
            self.out.push_back(TurnOutput::StopPlaying);
        }
    }

    fn listen(&mut self) {
        if self.settings.speech && !self.listens {
            self.listens = true;
            let Settings { end_ms: pause_ms, longest_ms, .. } = self.settings;
            self.out.push_back(TurnOutput::Listen(Listening { pause_ms, longest_ms }));
        }
    }

    fn stop_listening(&mut self) {
        if std::mem::take(&mut self.listens) {
            self.out.push_back(TurnOutput::StopListening);
        }
    }
}

/// An end key alone is no input.
fn of_keys(keys: String) -> Said {
    if keys.is_empty() { Said::Nothing } else { Said::Keys(keys) }
}

/// What a reply says: its sound, or else its texts.
fn prompts(reply: &Reply) -> VecDeque<Saying> {
    if let Some(sound) = reply.speech.as_ref().filter(|sound| !sound.is_empty()) {
        return [Saying::Sound(sound.clone())].into();
    }
    let text = |message: &crate::model::Message| {
        let content = message.content.clone().filter(|content| !content.trim().is_empty())?;
        match message.content_type.as_str() {
            "PlainText" => Some(Saying::Text(content)),
            "SSML" => Some(Saying::Ssml(content)),
            // Cards and payloads are for screens.
            _ => None,
        }
    };
    reply.messages.iter().filter_map(text).take(PROMPTS_MAX).collect()
}

#[cfg(test)]
mod tests;
