use super::flows::{action, flow, hang_up, invoke, say, set};
use super::rig::Rig;
use crate::invoke::AttemptError;
use crate::{DisconnectReason, Effect, Input, LegEvent, MAX_ATTRIBUTES_BYTES, Phase, PromptEvent};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tympan_telephony::words::{MediaEvent, Sound};
use tympan_types::Redacted;

fn menu(text: &str) -> Value {
    json!({
        "Identifier": "menu", "Type": "GetParticipantInput",
        "Parameters": { "Text": text, "InputTimeLimitSeconds": "5", "StoreInput": "False" },
        "Transitions": {
            "NextAction": "end",
            "Errors": [
                { "ErrorType": "InputTimeLimitExceeded", "NextAction": "slow" },
                { "ErrorType": "NoMatchingCondition", "NextAction": "other" },
                { "ErrorType": "NoMatchingError", "NextAction": "end" },
            ],
            "Conditions": [{ "NextAction": "one", "Condition": { "Operator": "Equals", "Operands": ["1"] } }],
        },
    })
}

fn menu_flow() -> Value {
    flow(&[
        menu("press one"),
        say("one", "one it is", "end"),
        say("other", "something else", "end"),
        say("slow", "too slow", "end"),
        hang_up(),
    ])
}

#[test]
fn a_digit_interrupts_the_prompt_of_its_menu() {
    let mut rig = Rig::answered(&menu_flow());
    let prompt = rig.prompt_begins();
    rig.press("1");
    assert!(rig.stopped_prompt(prompt));
    assert_eq!(rig.said(), "one it is");
    // The interrupted prompt may still report its end: that is not the end of the next one.
    rig.media(MediaEvent::PromptFinished(prompt));
    assert_eq!(rig.live.phase(), Phase::Live);
}

#[test]
fn a_key_that_no_telephone_has_answers_nothing_and_interrupts_nothing() {
    let mut rig = Rig::answered(&menu_flow());
    // Before the prompt is ready, and while it plays.
    rig.press("A");
    assert!(rig.deadline_ms().is_some());
    let prompt = rig.prompt_begins();
    rig.press("D");
    assert!(!rig.stopped_prompt(prompt));
    rig.media(MediaEvent::PromptFinished(prompt));
    rig.press("B1");
    assert_eq!(rig.said(), "one it is");
}

#[test]
fn a_menu_without_answer_times_out_after_its_prompt() {
    let mut rig = Rig::answered(&menu_flow());
    rig.prompt_plays();
    assert_eq!(rig.deadline_ms(), Some(5_000));
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "too slow");
}

#[test]
fn a_menu_works_though_its_prompt_cannot_be_played() {
    let mut rig = Rig::answered(&menu_flow());
    let prompt = rig.last_prompt();
    rig.prompt(prompt, PromptEvent::Failed { reason: "no voice".to_owned() });
    assert_eq!(rig.reasons(), ["no voice"]);
    rig.press("2");
    assert_eq!(rig.said(), "something else");
}

#[test]
fn what_is_entered_is_in_no_log_and_no_debug_output() {
    let ask = action(
        "ask",
        "GetParticipantInput",
        json!({
            "Text": "your card", "InputTimeLimitSeconds": "5", "StoreInput": "True",
            "InputValidation": { "CustomValidation": { "MaximumLength": "16" } },
            "DTMFConfiguration": { "InputTerminationSequence": "#" },
        }),
        "keep",
        "end",
    );
    let keep = set("keep", json!({ "card": "$.StoredCustomerInput" }), "tell");
    let document = flow(&[
        ask,
        keep,
        invoke("tell", json!({ "card": "$.Attributes.card" }), "say", "end"),
        say("say", "$.Attributes.card $.External.secret", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.prompt_plays();
    rig.press("4111117#");
    rig.lambda_returns(r#"{"secret":"open sesame"}"#);
    assert_eq!(rig.said(), "4111117 open sesame");
    rig.prompt_plays();
    assert_eq!(rig.ended().attributes.value("card"), Some("4111117"));
    let printed = format!("{:?}", rig.effects);
    for secret in ["4111117", "open sesame", "5555550123", "8005550100"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(rig.effects.iter().any(|effect| matches!(effect, Effect::Log(_))));
}

#[test]
fn functions_that_fail_are_late_or_forbidden_take_the_error_branch() {
    let document = flow(&[
        invoke("f", json!({}), "ok", "no"),
        say("ok", "ok", "end"),
        say("no", "no", "end"),
        hang_up(),
    ]);

    let mut rig = Rig::answered(&document);
    let (invocation, attempt, _) = rig.attempt();
    let refused = Err(AttemptError::Refused { reason: "unreachable".to_owned() });
    rig.handle(Input::Attempt { invocation, attempt, result: refused });
    assert_eq!((rig.said().as_str(), rig.reasons()), ("no", vec!["unreachable".to_owned()]));

    let mut rig = Rig::answered(&document);
    assert_eq!(rig.deadline_ms(), Some(3_000));
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "no");
    assert!(rig.reasons()[0].contains("time limit"));
    rig.take();
    rig.handle(Input::Attempt { invocation, attempt, result: Ok(Redacted::new(b"{}".to_vec())) });
    assert!(rig.effects.is_empty(), "an answer that comes too late is not taken");

    for answer in ["not json", "[1]", r#"{"a":{"b":1}}"#] {
        let mut rig = Rig::answered(&document);
        rig.lambda_returns(answer);
        assert_eq!(rig.said(), "no", "{answer}");
    }

    let mut rig = Rig::new(&document);
    rig.settings.functions.store(false, Ordering::Relaxed);
    rig.leg(LegEvent::Confirmed);
    assert_eq!(rig.said(), "no");
    assert!(rig.reasons()[0].contains("AssociateLambdaFunction"));
}

#[test]
fn attributes_that_do_not_fit_are_all_refused() {
    let document = flow(&[
        set("a", json!({ "small": "kept", "huge": "x".repeat(MAX_ATTRIBUTES_BYTES) }), "ok"),
        say("ok", "ok", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ]);
    let rig = Rig::answered(&document);
    assert_eq!(rig.said(), "set failed");
    assert!(rig.live.contact().attributes.is_empty());
    assert!(rig.reasons()[0].contains("32768"), "{:?}", rig.reasons());
}

#[test]
fn a_prompt_without_voice_is_noted_and_one_that_never_ends_does_not_hold_the_caller() {
    let document = flow(&[say("a", "a", "b"), say("b", "b", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    let prompt = rig.last_prompt();
    let note = Some("silence of its reading time: no voice is installed".to_owned());
    rig.prompt(prompt, PromptEvent::Prepared { sound: Sound::silence(500), note });
    assert!(rig.reasons()[0].contains("no voice"));
    assert_eq!(rig.deadline_ms(), Some(5_500));
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "b");
    // This one is never prepared.
    rig.wait_for_deadline();
    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    rig.ended();
}

#[test]
fn a_prompt_that_cannot_be_played_takes_the_error_branch() {
    let play = action("play", "MessageParticipant", json!({ "Text": "a" }), "ok", "no");
    let document = flow(&[play, say("ok", "ok", "end"), say("no", "no", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    let prompt = rig.last_prompt();
    rig.prompt(prompt, PromptEvent::Failed { reason: "no voice".to_owned() });
    assert_eq!((rig.said().as_str(), rig.reasons()), ("no", vec!["no voice".to_owned()]));
}

#[test]
fn a_function_that_fails_for_now_is_tried_again_while_the_block_waits() {
    let document = flow(&[
        invoke("f", json!({}), "ok", "no"),
        say("ok", "ok", "end"),
        say("no", "no", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    for expected in 1..=2 {
        let (invocation, attempt, _) = rig.attempt();
        assert_eq!(attempt, expected);
        let transient = Err(AttemptError::Transient { reason: "throttled".to_owned() });
        rig.handle(Input::Attempt { invocation, attempt, result: transient });
    }
    rig.wait_ms(2_900);
    rig.lambda_returns("{}");
    assert_eq!(rig.said(), "ok");
    assert_eq!(rig.count(|effect| matches!(effect, Effect::Invoke { .. })), 3);
}

#[test]
fn a_function_whose_every_attempt_fails_takes_the_error_branch_with_the_last_reason() {
    let document = flow(&[
        invoke("f", json!({}), "ok", "no"),
        say("ok", "ok", "end"),
        say("no", "no", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    for number in 1..=3 {
        let (invocation, attempt, _) = rig.attempt();
        let transient = Err(AttemptError::Transient { reason: format!("failure {number}") });
        rig.handle(Input::Attempt { invocation, attempt, result: transient });
    }
    assert_eq!((rig.said().as_str(), rig.reasons()), ("no", vec!["failure 3".to_owned()]));
}

#[test]
fn a_key_after_each_other_key_keeps_the_block_waiting_and_the_last_one_ends_it() {
    let ask = action(
        "ask",
        "GetParticipantInput",
        json!({
            "Text": "ask", "InputTimeLimitSeconds": "5", "StoreInput": "True",
            "InputValidation": { "CustomValidation": { "MaximumLength": "3" } },
            "DTMFConfiguration": { "InterdigitTimeLimitSeconds": "2" },
        }),
        "keep",
        "end",
    );
    let keep = set("keep", json!({ "k": "$.StoredCustomerInput" }), "end");
    let document = flow(&[ask, keep, say("set failed", "x", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    rig.prompt_plays();
    assert_eq!(rig.deadline_ms(), Some(5_000));
    rig.press("1");
    assert_eq!(rig.deadline_ms(), Some(2_000));
    rig.wait_ms(1_999);
    rig.press("2");
    assert_eq!(rig.deadline_ms(), Some(2_000));
    // No further key: what was typed is the input.
    rig.wait_for_deadline();
    assert_eq!(rig.ended().attributes.value("k"), Some("12"));
}

#[test]
fn a_prompt_is_spoken_by_the_voice_and_in_the_language_that_its_flow_has_set() {
    let voice = json!({ "TextToSpeechVoice": "Olivia", "TextToSpeechEngine": "Neural" });
    let mut rig = Rig::answered(&flow(&[
        say("before", "before", "voice"),
        action("voice", "UpdateContactTextToSpeechVoice", voice, "language", "end"),
        action("language", "UpdateContactData", json!({ "LanguageCode": "en-AU" }), "after", "end"),
        say("after", "after", "end"),
        hang_up(),
    ]));
    let spoken = |rig: &Rig| {
        rig.find(|effect| match effect {
            Effect::Prepare { voice, language, .. } => {
                let voice = voice.as_ref().map(|voice| (voice.name.clone(), voice.engine.clone()));
                Some((voice, language.clone()))
            }
            _ => None,
        })
    };
    assert_eq!(spoken(&rig), Some((None, None)));
    rig.prompt_plays();
    let olivia = ("Olivia".to_owned(), Some("Neural".to_owned()));
    assert_eq!(spoken(&rig), Some((Some(olivia), Some("en-AU".to_owned()))));
}

#[test]
fn a_flow_that_is_refused_a_thousand_times_in_a_row_needs_no_deeper_stack_than_once() {
    let document = json!({ "Version": "2019-10-30", "StartAction": "go", "Actions": [{
        "Identifier": "go", "Type": "TransferContactToQueue", "Parameters": {},
        "Transitions": { "NextAction": "go", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "go" }] } }] });
    let run = move || Rig::answered(&document).hangups();
    // The stack of a task, not of a test.
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap();
    assert_eq!(thread.join().unwrap(), [DisconnectReason::ContactFlowDisconnect]);
}
