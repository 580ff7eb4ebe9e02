use super::*;
use crate::model::{Confidence, DialogAction, Intent, Interpretation, Message, Slot, SlotValue};
use crate::turn::BotResult;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A conversation, its clock, and what came out of it.
struct Bench {
    turns: Turns,
    now: Mono,
    out: Vec<TurnOutput>,
}

fn spec(attributes: &[(&str, &str)]) -> TurnSpec {
    let pairs = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    TurnSpec {
        opening: Opening::BlockPrompt,
        session_attributes: pairs.collect(),
        request_attributes: Attributes::new(),
        limits: TurnLimits::default(),
    }
}

impl Bench {
    fn new(attributes: &[(&str, &str)]) -> Self {
        Self::of(spec(attributes))
    }

    fn of(spec: TurnSpec) -> Self {
        let mut bench = Self { turns: Turns::new(spec), now: Mono::from_millis(1_000), out: Vec::new() };
        bench.give(TurnInput::Started);
        bench
    }

    fn give(&mut self, input: TurnInput) {
        self.turns.handle(self.now, input);
        while let Some(output) = self.turns.poll() {
            self.out.push(output);
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.give(TurnInput::TimePassed);
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.give(TurnInput::Digit(Digit::from_char(key).unwrap()));
        }
    }

    fn answer(&mut self, reply: Reply) {
        self.give(TurnInput::Answered(Ok(Box::new(reply))));
    }

    fn take(&mut self) -> Vec<TurnOutput> {
        std::mem::take(&mut self.out)
    }

    /// What was asked last.
    fn asked(&mut self) -> Recognition {
        let out = self.take();
        let asked = out.iter().rev().find_map(|output| match output {
            TurnOutput::Recognize(question) => Some((**question).clone()),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("nothing was asked: {out:?}"))
    }

    fn failure(&mut self) -> BotFailure {
        assert!(self.turns.is_over() && self.turns.next_deadline().is_none());
        match self.take().pop() {
            Some(TurnOutput::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn result(&mut self) -> BotResult {
        assert!(self.turns.is_over());
        match self.take().pop() {
            Some(TurnOutput::Done(result)) => *result,
            other => panic!("{other:?}"),
        }
    }
}

fn speech() -> Sound {
    Sound::new(vec![7; 8_000])
}

fn heard() -> TurnInput {
    TurnInput::Heard { utterance: speech(), cut: false }
}

fn elicits(kind: &str, text: &str) -> Reply {
    let slot_to_elicit = (kind == "ElicitSlot").then(|| "Day".to_owned());
    let state = SessionState {
        dialog_action: Some(DialogAction { slot_to_elicit, ..DialogAction::new(kind) }),
        intent: Some(Intent { name: "Book".into(), state: Some("InProgress".into()), ..Intent::default() }),
        ..SessionState::default()
    };
    Reply { session_state: state, messages: vec![Message::plain(text)], ..Reply::default() }
}

fn closes(state: &str) -> Reply {
    let value = SlotValue { interpreted_value: "2026-12-01".into(), ..SlotValue::default() };
    let slots = BTreeMap::from([
        ("Day".to_owned(), Some(Slot { value: Some(value), ..Slot::default() })),
        ("Size".to_owned(), None),
    ]);
    let intent = Intent { name: "Book".into(), slots, state: Some(state.into()), confirmation_state: None };
    let other = Intent { name: "Other".into(), ..Intent::default() };
    let of = |intent: &Intent, score| Interpretation {
        intent: Some(intent.clone()),
        nlu_confidence: Some(Confidence { score }),
        ..Interpretation::default()
    };
    Reply {
        interpretations: vec![of(&intent, 0.9), of(&other, 0.4)],
        session_state: SessionState {
            dialog_action: Some(DialogAction::new("Close")),
            intent: Some(intent),
            session_attributes: Some(Attributes::from([("by".to_owned(), "bot".to_owned())])),
            ..SessionState::default()
        },
        ..Reply::default()
    }
}

const LISTEN: TurnOutput = TurnOutput::Listen(Listening { pause_ms: 600, longest_ms: 12_000 });

#[test]
fn a_caller_who_speaks_over_the_prompt_interrupts_it_and_is_understood() {
    let mut bench = Bench::new(&[("a", "b")]);
    assert_eq!(bench.take(), [LISTEN, TurnOutput::Play(Saying::BlockPrompt)]);
    bench.give(TurnInput::SpeechBegan);
    assert_eq!(bench.take(), [TurnOutput::StopPlaying]);
    bench.give(heard());
    let asked = bench.asked();
    assert_eq!(asked.said, Said::Speech(speech()));
    assert_eq!(asked.session_state.unwrap().session_attributes.unwrap()["a"], "b");
    bench.answer(elicits("ElicitSlot", "Which day?"));
    assert_eq!(bench.take(), [LISTEN, TurnOutput::Play(Saying::Text("Which day?".into()))]);
    bench.give(TurnInput::PromptOver);
    bench.give(TurnInput::SpeechBegan);
    bench.give(heard());
    assert_eq!(bench.asked().session_state, None, "the session has it by now");
    bench.answer(closes("Fulfilled"));
    let result = bench.result();
    assert_eq!(result.intent.as_deref(), Some("Book"));
    assert_eq!(result.slots, [("Day".to_owned(), "2026-12-01".to_owned())]);
    assert_eq!((result.dialog_state.as_str(), result.confidence), ("Fulfilled", Some(0.9)));
    assert_eq!(
        (result.session_attributes["a"].as_str(), result.session_attributes["by"].as_str()),
        ("b", "bot")
    );
    assert_eq!(
        (result.alternatives[0].intent.as_str(), result.alternatives[0].confidence),
        ("Other", Some(0.4))
    );
}

#[test]
fn a_prompt_that_may_not_be_interrupted_is_played_to_its_end() {
    let mut bench = Bench::new(&[("x-amz-lex:allow-interrupt:*:*", "FALSE")]);
    assert_eq!(bench.take(), [TurnOutput::Play(Saying::BlockPrompt)]);
    bench.give(TurnInput::SpeechBegan);
    bench.keys("1");
    assert_eq!(bench.take(), []);
    bench.give(TurnInput::PromptOver);
    assert_eq!(bench.take(), [LISTEN]);
}

#[test]
fn a_caller_who_says_nothing_is_an_empty_utterance_each_time() {
    let mut bench = Bench::new(&[]);
    for _ in 0..2 {
        bench.give(TurnInput::PromptOver);
        bench.take();
        bench.pass(2_999);
        assert_eq!(bench.take(), []);
        bench.pass(1);
        assert_eq!(bench.asked().said, Said::Nothing);
        bench.answer(elicits("ElicitIntent", "Please say it again."));
    }
    bench.give(TurnInput::PromptOver);
    assert!(!bench.turns.is_over(), "the bot says when it is enough");
}

#[test]
fn the_prompts_length_is_no_part_of_the_time_to_answer() {
    let mut bench = Bench::new(&[("x-amz-lex:audio:start-timeout-ms:*:*", "5000")]);
    bench.pass(20_000);
    bench.give(TurnInput::PromptOver);
    bench.pass(4_999);
    assert!(!bench.take().iter().any(|output| matches!(output, TurnOutput::Recognize(_))));
    bench.pass(1);
    assert_eq!(bench.asked().said, Said::Nothing);
}

#[test]
fn keys_end_with_their_end_key_their_number_or_a_pause() {
    for (attributes, keys, pause_ms, expected) in [
        (&[][..], "123#", 0, "123"),
        (&[("x-amz-lex:dtmf:max-length:*:*", "3")][..], "123", 0, "123"),
        (&[][..], "12", 5_000, "12"),
        (&[("x-amz-lex:dtmf:end-timeout-ms:*:*", "2000")][..], "12", 2_000, "12"),
        (&[("x-amz-lex:dtmf:end-character:*:*", "9")][..], "12#9", 0, "12#"),
    ] {
        let mut bench = Bench::new(attributes);
        bench.take();
        bench.keys(keys);
        if pause_ms > 0 {
            bench.pass(pause_ms - 1);
            assert!(!bench.out.iter().any(|output| matches!(output, TurnOutput::Recognize(_))));
            bench.pass(1);
        }
        assert_eq!(bench.out[..2], [TurnOutput::StopPlaying, TurnOutput::StopListening]);
        assert_eq!(bench.asked().said, Said::Keys(expected.into()));
    }
}

#[test]
fn the_deletion_key_takes_back_what_was_pressed_and_the_caller_may_speak_again() {
    let mut bench = Bench::new(&[]);
    bench.keys("12");
    bench.take();
    bench.keys("*");
    assert_eq!(bench.take(), [LISTEN]);
    bench.keys("34#");
    assert_eq!(bench.asked().said, Said::Keys("34".into()));
    let mut bench = Bench::new(&[]);
    bench.keys("#");
    assert_eq!(bench.asked().said, Said::Nothing, "an end key alone is no input");
}

#[test]
fn a_reply_is_played_as_sound_where_it_has_any_and_else_as_its_texts() {
    let mut bench = Bench::new(&[]);
    bench.keys("1#");
    bench.take();
    bench.answer(Reply { speech: Some(speech()), ..elicits("ConfirmIntent", "Sure?") });
    assert_eq!(bench.take(), [LISTEN, TurnOutput::Play(Saying::Sound(speech()))]);
    bench.keys("1#");
    bench.take();
    let of = |kind: &str, text: &str| Message { content_type: kind.into(), ..Message::plain(text) };
    let messages = vec![
        of("CustomPayload", "{}"),
        of("SSML", "<speak>a</speak>"),
        of("PlainText", "b"),
        of("PlainText", " "),
    ];
    bench.answer(Reply { messages, ..closes("Failed") });
    assert_eq!(bench.take(), [TurnOutput::Play(Saying::Ssml("<speak>a</speak>".into()))]);
    bench.give(TurnInput::PromptOver);
    assert_eq!(bench.take(), [TurnOutput::Play(Saying::Text("b".into()))]);
    bench.keys("1");
    bench.give(TurnInput::PromptOver);
    assert_eq!(bench.result().dialog_state, "Failed");
}

#[test]
fn a_settled_intent_ends_it_without_a_dialog_action_and_one_that_is_not_is_a_lie() {
    for (state, is_done) in
        [("ReadyForFulfillment", true), ("Fulfilled", true), ("Failed", true), ("InProgress", false)]
    {
        let mut bench = Bench::new(&[]);
        bench.keys("1#");
        let mut reply = closes(state);
        reply.session_state.dialog_action = None;
        bench.answer(reply);
        match is_done {
            true => assert_eq!(bench.result().dialog_state, state),
            false => {
                let failure = bench.failure();
                assert!(matches!(failure, BotFailure::Recognize(RecognizeError::Malformed(_))), "{failure}");
            }
        }
    }
}

#[test]
fn a_bot_that_does_not_answer_in_time_or_fails_takes_the_error_branch() {
    let mut bench = Bench::new(&[]);
    bench.keys("1#");
    bench.pass(14_999);
    assert!(!bench.turns.is_over());
    bench.pass(1);
    assert_eq!(bench.failure(), BotFailure::Recognize(RecognizeError::TimedOut { limit_ms: 15_000 }));
    bench.answer(closes("Fulfilled"));
    assert_eq!(bench.take(), [], "it is over");
    let mut bench = Bench::new(&[]);
    bench.keys("1#");
    let refused =
        RecognizeError::Refused { code: "ResourceNotFoundException".into(), message: "no session".into() };
    bench.give(TurnInput::Answered(Err(refused.clone())));
    assert_eq!(bench.failure(), BotFailure::Recognize(refused));
}

#[test]
fn a_bot_that_elicits_without_an_end_is_stopped_by_turns_and_by_time() {
    let mut bench = Bench::new(&[]);
    for _ in 0..100 {
        bench.keys("1#");
        bench.answer(elicits("ElicitSlot", "Which day?"));
    }
    bench.keys("1#");
    assert_eq!(bench.failure(), BotFailure::TooManyTurns { turns: 100 });
    let mut bench = Bench::new(&[]);
    bench.pass(30 * 60 * 1_000);
    assert_eq!(bench.failure(), BotFailure::TooLong { limit_ms: 1_800_000 });
}

#[test]
fn a_recorder_that_never_ends_is_as_if_nothing_was_said() {
    let mut bench = Bench::new(&[]);
    bench.give(TurnInput::SpeechBegan);
    bench.take();
    bench.pass(12_000 + 600 + 5_000);
    assert_eq!(bench.asked().said, Said::Nothing);
}

#[test]
fn a_prompt_that_fails_and_an_utterance_that_may_be_too_long_take_the_error_branch() {
    let mut bench = Bench::new(&[]);
    bench.give(TurnInput::PromptFailed("no voice".into()));
    assert_eq!(bench.failure(), BotFailure::Prompt("no voice".into()));
    let mut bench = Bench::new(&[("x-amz-lex:audio:max-length-ms:*:*", "20000")]);
    assert!(matches!(bench.failure(), BotFailure::Attribute { .. }));
}

#[test]
fn a_message_of_the_block_is_answered_before_the_caller_says_anything() {
    let mut bench = Bench::of(TurnSpec { opening: Opening::Message("start".into()), ..spec(&[]) });
    let asked = bench.asked();
    assert_eq!(asked.said, Said::Text("start".into()));
    assert!(asked.session_state.is_some());
    bench.answer(elicits("ElicitIntent", "Hello"));
    assert_eq!(bench.take(), [LISTEN, TurnOutput::Play(Saying::Text("Hello".into()))]);
}

#[test]
fn attributes_that_the_bot_sets_go_before_those_of_the_block() {
    let mut bench = Bench::new(&[("x-amz-lex:audio:start-timeout-ms:*:*", "5000")]);
    bench.keys("1#");
    bench.take();
    let mut reply = elicits("ElicitSlot", "Which day?");
    let name = "x-amz-lex:audio:end-timeout-ms:Book:Day".to_owned();
    reply.session_state.session_attributes = Some(
        [(name, "1500".to_owned()), ("x-amz-lex:audio:start-timeout-ms:*:*".to_owned(), "9000".to_owned())]
            .into(),
    );
    bench.answer(reply);
    assert_eq!(bench.take()[0], TurnOutput::Listen(Listening { pause_ms: 1_500, longest_ms: 12_000 }));
    bench.give(TurnInput::PromptOver);
    assert_eq!(bench.turns.next_deadline(), Some(bench.now.plus_ms(9_000)));
}

fn input() -> impl Strategy<Value = (i64, TurnInput)> {
    let reply = prop_oneof![
        Just(elicits("ElicitSlot", "a")),
        Just(elicits("ElicitIntent", "")),
        Just(elicits("ConfirmIntent", "b")),
        Just(elicits("Delegate", "c")),
        Just(closes("Fulfilled")),
        Just(Reply { messages: vec![Message::plain("bye")], ..closes("Failed") }),
        Just(Reply::default()),
    ];
    let input = prop_oneof![
        1 => Just(TurnInput::Started),
        3 => Just(TurnInput::PromptOver),
        1 => Just(TurnInput::PromptFailed("x".into())),
        3 => Just(TurnInput::SpeechBegan),
        3 => Just(heard()),
        5 => (0u8..16).prop_map(|event| TurnInput::Digit(Digit::from_event(event).unwrap())),
        5 => reply.prop_map(|reply| TurnInput::Answered(Ok(Box::new(reply)))),
        1 => Just(TurnInput::Answered(Err(RecognizeError::Unreachable("x".into())))),
        4 => Just(TurnInput::TimePassed),
    ];
    (prop_oneof![4 => 0i64..50, 1 => 0i64..20_000], input)
}

proptest! {
    /// Whatever comes in any order: one prompt, one listening and one question at a time, and one end.
    #[test]
    fn the_words_pair_up_whatever_comes(script in prop::collection::vec(input(), 0..120), interrupts: bool) {
        let flag = [("x-amz-lex:allow-interrupt:*:*", "false")];
        let mut bench = Bench::of(spec(if interrupts { &[] } else { &flag }));
        let (mut plays, mut listens, mut asks, mut ends) = (false, false, false, 0);
        for (ms, input) in script {
            bench.now = bench.now.plus_ms(ms);
            match &input {
                TurnInput::PromptOver | TurnInput::PromptFailed(_) if !plays => continue,
                TurnInput::SpeechBegan | TurnInput::Heard { .. } if !listens => continue,
                TurnInput::Answered(_) if !asks => continue,
                TurnInput::PromptOver | TurnInput::PromptFailed(_) => plays = false,
                TurnInput::Heard { .. } => listens = false,
                TurnInput::Answered(_) => asks = false,
                _ => {}
            }
            bench.give(input);
            for output in bench.take() {
                prop_assert_eq!(ends, 0, "nothing follows the end: {:?}", output);
                match output {
                    TurnOutput::Play(_) => prop_assert!(!std::mem::replace(&mut plays, true)),
                    TurnOutput::StopPlaying => prop_assert!(std::mem::take(&mut plays)),
                    TurnOutput::Listen(_) => prop_assert!(!std::mem::replace(&mut listens, true)),
                    TurnOutput::StopListening => prop_assert!(std::mem::take(&mut listens)),
                    TurnOutput::Recognize(_) => prop_assert!(!std::mem::replace(&mut asks, true)),
                    TurnOutput::Done(_) | TurnOutput::Failed(_) => {
                        ends += 1;
                        prop_assert!(!plays && !listens, "what was begun is stopped");
                    }
                }
            }
            prop_assert!(ends == 1 || bench.turns.next_deadline().is_some(), "a conversation always has a next instant");
            let due = bench.turns.next_deadline().is_some_and(|deadline| deadline <= bench.now);
            if due {
                bench.give(TurnInput::TimePassed);
                let after = bench.turns.next_deadline();
                prop_assert!(after.is_none_or(|deadline| deadline > bench.now), "time passes");
                for output in bench.take() {
                    match output {
                        TurnOutput::StopPlaying => plays = false,
                        TurnOutput::StopListening => listens = false,
                        TurnOutput::Recognize(_) => asks = true,
                        TurnOutput::Listen(_) => listens = true,
                        TurnOutput::Play(_) => plays = true,
                        TurnOutput::Done(_) | TurnOutput::Failed(_) => ends += 1,
                    }
                }
            }
        }
    }
}
