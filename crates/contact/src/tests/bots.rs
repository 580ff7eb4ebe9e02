//! A participant who talks to a bot, with the bot played by hand.

use super::flows::{flow, hang_up, say};
use super::rig::{LEG, Rig};
use crate::{Effect, EndedBy, Input, LegEvent};
use serde_json::{Value, json};
use tympan_lex::turn::{Recognition, RecognizeError, Reply, Said};
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{InvocationId, ListenId};

fn document() -> Value {
    let bot = json!({
        "Identifier": "bot", "Type": "ConnectParticipantWithLexBot",
        "Parameters": {
            "Text": "how can I help?",
            "LexV2Bot": { "AliasArn": "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID" },
        },
        "Transitions": {
            "NextAction": "other",
            "Errors": [
                { "ErrorType": "NoMatchingCondition", "NextAction": "other" },
                { "ErrorType": "NoMatchingError", "NextAction": "failed" },
            ],
            "Conditions": [{ "NextAction": "order", "Condition": { "Operator": "Equals", "Operands": ["Order"] } }],
        },
    });
    flow(&[
        bot,
        say("order", "$.Lex.Slots.drink", "end"),
        say("other", "something else", "end"),
        say("failed", "the bot is away", "end"),
        hang_up(),
    ])
}

fn listening(rig: &Rig) -> Option<ListenId> {
    rig.find(|effect| match effect {
        Effect::Media { leg: LEG, command: MediaCommand::Listen { listen, .. } } => Some(*listen),
        _ => None,
    })
}

fn question(rig: &Rig) -> Option<(InvocationId, Recognition)> {
    rig.find(|effect| match effect {
        Effect::Recognize { invocation, recognition, .. } => {
            Some((*invocation, recognition.as_ref().clone()))
        }
        _ => None,
    })
}

fn reply(intent: &str, state: &str) -> Box<Reply> {
    let session = json!({
        "dialogAction": { "type": "Close" },
        "intent": { "name": intent, "state": state, "slots": {
            "drink": { "value": { "originalValue": "tea", "interpretedValue": "tea", "resolvedValues": ["tea"] } },
        } },
    });
    Box::new(Reply { session_state: serde_json::from_value(session).unwrap(), ..Reply::default() })
}

/// The prompt was heard, the caller has spoken, and the bot is asked.
fn asked() -> (Rig, InvocationId) {
    let mut rig = Rig::answered(&document());
    assert_eq!(rig.said(), "how can I help?");
    rig.prompt_plays();
    let listen = listening(&rig).expect("it listens");
    rig.media(MediaEvent::SpeechBegan { listen });
    rig.media(MediaEvent::Heard { listen, utterance: Sound::silence(700), cut: false });
    let (invocation, recognition) = question(&rig).expect("the bot is asked");
    assert!(matches!(recognition.said, Said::Speech(_)));
    (rig, invocation)
}

#[test]
fn what_the_caller_says_goes_to_the_bot_and_the_intent_takes_its_branch() {
    let (mut rig, invocation) = asked();
    rig.handle(Input::Recognized { invocation, result: Ok(reply("Order", "ReadyForFulfillment")) });
    assert_eq!(rig.said(), "tea");
}

#[test]
fn an_intent_without_a_branch_matches_no_condition() {
    let (mut rig, invocation) = asked();
    rig.handle(Input::Recognized { invocation, result: Ok(reply("Cancel", "Fulfilled")) });
    assert_eq!(rig.said(), "something else");
}

#[test]
fn a_bot_that_fails_takes_the_error_branch_and_says_why() {
    let (mut rig, invocation) = asked();
    let result = Err(RecognizeError::Unreachable("connection refused".to_owned()));
    rig.handle(Input::Recognized { invocation, result });
    assert_eq!(rig.said(), "the bot is away");
    assert!(rig.reasons().iter().any(|reason| reason.contains("connection refused")), "{:?}", rig.reasons());
}

#[test]
fn a_bot_that_never_answers_is_given_up_in_time() {
    let (mut rig, invocation) = asked();
    rig.wait_ms(14_999);
    rig.handle(Input::TimePassed);
    assert_ne!(rig.said(), "the bot is away");
    for _ in 0..3 {
        if rig.said() != "the bot is away" {
            rig.wait_for_deadline();
        }
    }
    assert_eq!(rig.said(), "the bot is away");
    rig.handle(Input::Recognized { invocation, result: Ok(reply("Order", "Fulfilled")) });
    assert_eq!(rig.said(), "the bot is away", "it is too late");
}

#[test]
fn an_answer_of_another_question_and_speech_that_none_listens_for_change_nothing() {
    let (mut rig, invocation) = asked();
    let other = InvocationId::new(invocation.number() + 7);
    rig.handle(Input::Recognized { invocation: other, result: Ok(reply("Order", "Fulfilled")) });
    rig.media(MediaEvent::SpeechBegan { listen: ListenId::new(99) });
    rig.handle(Input::Recognized { invocation, result: Ok(reply("Order", "Fulfilled")) });
    assert_eq!(rig.said(), "tea");
}

#[test]
fn a_caller_who_leaves_is_not_listened_to_any_more() {
    let mut rig = Rig::answered(&document());
    rig.prompt_plays();
    rig.leg(LegEvent::Ended(EndedBy::Peer));
    let stops = rig
        .count(|effect| matches!(effect, Effect::Media { command: MediaCommand::StopListening { .. }, .. }));
    assert_eq!(stops, 1);
    assert!(rig.live.is_over());
}
