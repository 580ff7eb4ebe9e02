//! A block that lets the participant talk to a bot: drives one conversation of the bot's turns.
//!
//! One prompt plays, one listening listens, and one question is under way at a time; what comes of an older one is dropped.

use super::Step;
use super::prompt::{Heard, PromptPlayer};
use crate::Effect;
use crate::context::Context;
use tympan_flow::{AlternateIntent, BotOutcome, BotRef, BotSpec, Input, Prompt};
use tympan_lex::model::Attributes;
use tympan_lex::turn::{
    Alternative, BotResult, Opening, RecognizeError, Reply, Saying, TurnInput, TurnLimits, TurnOutput,
    TurnSpec, Turns,
};
use tympan_telephony::Digit;
use tympan_telephony::words::{MediaCommand, Sound};
use tympan_types::{InvocationId, LegId, ListenId, Mono};

/// A conversation with a bot.
pub(super) struct BotTalk {
    turns: Turns,
    bot: BotRef,
    /// The prompt of the block.
    prompt: Option<Prompt>,
    listens: Option<ListenId>,
    asks: Option<InvocationId>,
}

/// What the conversation came to.
type Ended = Option<Input>;

impl BotTalk {
    /// A conversation that has not begun.
    pub(super) fn new(spec: BotSpec) -> Self {
        let BotSpec { bot, prompt, initial_message, session_attributes, intents: _ } = spec;
        let opening = initial_message.map_or(Opening::BlockPrompt, Opening::Message);
        let turns = Turns::new(TurnSpec {
            opening,
            session_attributes: session_attributes.into_iter().collect(),
            request_attributes: Attributes::default(),
            limits: TurnLimits::default(),
        });
        Self { turns, bot, prompt, listens: None, asks: None }
    }

    pub(super) fn begin(
        mut self: Box<Self>,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
    ) -> Step<Box<Self>> {
        match self.takes(cx, leg, player, TurnInput::Started) {
            Some(input) => Step::At(input),
            None => Step::Waits(self),
        }
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.turns.next_deadline()
    }

    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn asks(&self, which: InvocationId) -> bool {
        self.asks == Some(which)
    }

    pub(super) fn time_passed(&mut self, cx: &mut Context, leg: LegId, player: &mut PromptPlayer) -> Ended {
        self.takes(cx, leg, player, TurnInput::TimePassed)
    }

    pub(super) fn digit(
        &mut self,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
        digit: Digit,
    ) -> Ended {
        self.takes(cx, leg, player, TurnInput::Digit(digit))
    }

    /// A prompt of the conversation is over.
    pub(super) fn heard(
        &mut self,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
        heard: Heard,
    ) -> Ended {
        let input = match heard {
            Heard::Whole => TurnInput::PromptOver,
            Heard::Failed { reason } => TurnInput::PromptFailed(reason),
        };
        self.takes(cx, leg, player, input)
    }

    /// The participant begins to speak.
    pub(super) fn speech_began(
        &mut self,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
        which: ListenId,
    ) -> Ended {
        if self.listens != Some(which) {
            return None;
        }
        self.takes(cx, leg, player, TurnInput::SpeechBegan)
    }

    /// The participant has spoken.
    pub(super) fn spoken(
        &mut self,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
        (which, utterance, cut): (ListenId, Sound, bool),
    ) -> Ended {
        self.listens.take_if(|listens| *listens == which)?;
        self.takes(cx, leg, player, TurnInput::Heard { utterance, cut })
    }

    /// The bot has answered, or has not.
    pub(super) fn answered(
        &mut self,
        cx: &mut Context,
        leg: LegId,
        player: &mut PromptPlayer,
        which: InvocationId,
        result: Result<Box<Reply>, RecognizeError>,
    ) -> Ended {
        self.asks.take_if(|asks| *asks == which)?;
        self.takes(cx, leg, player, TurnInput::Answered(result))
    }

    /// The participant is gone.
    pub(super) fn stop(&mut self, cx: &mut Context, leg: LegId) {
        if let Some(listen) = self.listens.take() {
            cx.emit(Effect::Media { leg, command: MediaCommand::StopListening { listen } });
        }
    }

    fn takes(&mut self, cx: &mut Context, leg: LegId, player: &mut PromptPlayer, input: TurnInput) -> Ended {
        self.turns.handle(cx.now.mono, input);
        while let Some(output) = self.turns.poll() {
            match output {
                TurnOutput::Play(saying) => self.play(cx, leg, player, saying),
                TurnOutput::StopPlaying => player.stop(cx, leg),
                TurnOutput::Listen(listening) => {
                    let listen = cx.next_listen();
                    self.listens = Some(listen);
                    let (pause_ms, longest_ms) = (listening.pause_ms, listening.longest_ms);
                    let command = MediaCommand::Listen { listen, pause_ms, longest_ms };
                    cx.emit(Effect::Media { leg, command });
                }
                TurnOutput::StopListening => self.stop(cx, leg),
                TurnOutput::Recognize(recognition) => {
                    let invocation = cx.next_invocation();
                    self.asks = Some(invocation);
                    let language = cx.contact.language_code().to_owned();
                    let instance = cx.contact.instance.clone();
                    cx.emit(Effect::Recognize {
                        invocation,
                        bot: self.bot.clone(),
                        session: cx.contact.id,
                        instance: Box::new(instance),
                        language,
                        recognition,
                        limit_ms: TurnLimits::default().answer_ms,
                    });
                }
                TurnOutput::Done(result) => {
                    self.over(cx, leg, player);
                    return Some(Input::Bot(Box::new(outcome(*result))));
                }
                TurnOutput::Failed(failure) => {
                    self.over(cx, leg, player);
                    return Some(Input::Failed { reason: failure.to_string() });
                }
            }
        }
        None
    }

    fn play(&mut self, cx: &mut Context, leg: LegId, player: &mut PromptPlayer, saying: Saying) {
        match saying {
            Saying::BlockPrompt => {
                // A block that has no prompt is one that says nothing first.
                let prompt = self.prompt.clone().unwrap_or(Prompt::Text(" ".to_owned()));
                player.start(cx, leg, prompt);
            }
            Saying::Text(text) => drop(player.start(cx, leg, Prompt::Text(text))),
            Saying::Ssml(document) => drop(player.start(cx, leg, Prompt::Ssml(document))),
            Saying::Sound(sound) => player.start_sound(cx, leg, sound),
        }
    }

    fn over(&mut self, cx: &mut Context, leg: LegId, player: &mut PromptPlayer) {
        self.stop(cx, leg);
        player.stop(cx, leg);
    }
}

/// What `$.Lex` is made of.
fn outcome(result: BotResult) -> BotOutcome {
    let BotResult { intent, slots, session_attributes, dialog_state, confidence, sentiment, alternatives } =
        result;
    let scores = sentiment.as_ref().and_then(|sentiment| sentiment.scores);
    let named = scores.map(|scores| {
        [
            ("Positive", scores.positive),
            ("Negative", scores.negative),
            ("Neutral", scores.neutral),
            ("Mixed", scores.mixed),
        ]
    });
    BotOutcome {
        intent,
        slots: slots.into_iter().collect(),
        session_attributes: session_attributes.into_iter().collect(),
        dialog_state: Some(dialog_state).filter(|state| !state.is_empty()),
        confidence: confidence.map(|confidence| confidence.to_string()),
        alternatives: alternatives
            .into_iter()
            .map(|Alternative { intent, slots, confidence }| AlternateIntent {
                intent,
                slots: slots.into_iter().collect(),
                confidence: confidence.map(|confidence| confidence.to_string()),
            })
            .collect(),
        sentiment: sentiment.map(|sentiment| sentiment.label),
        sentiment_scores: named
            .into_iter()
            .flatten()
            .map(|(name, score)| (name.to_owned(), score.to_string()))
            .collect(),
    }
}
