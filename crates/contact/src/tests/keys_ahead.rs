//! Keys that are typed before a block asks for them.

use super::flows::{action, flow, hang_up, say, set};
use super::rig::{OFFER, Rig};
use crate::{ContactOptions, LegEvent, PromptEvent};
use serde_json::{Value, json};
use tympan_telephony::words::Sound;

fn ask(id: &str, max_digits: &str, next: &str) -> Value {
    let parameters = json!({
        "Text": id, "InputTimeLimitSeconds": "5", "StoreInput": "True",
        "InputValidation": { "CustomValidation": { "MaximumLength": max_digits } },
        "DTMFConfiguration": { "InputTerminationSequence": "#", "InterdigitTimeLimitSeconds": "3" },
    });
    action(id, "GetParticipantInput", parameters, next, "end")
}

fn keep(id: &str, key: &str, next: &str) -> Value {
    let mut attributes = serde_json::Map::new();
    attributes.insert(key.to_owned(), json!("$.StoredCustomerInput"));
    set(id, Value::Object(attributes), next)
}

/// Greets, asks for a PIN of four keys, then for an amount that ends with `#`, and says goodbye.
fn bank() -> Value {
    flow(&[
        say("hello", "hello", "pin"),
        ask("pin", "4", "keep pin"),
        keep("keep pin", "pin", "amount"),
        ask("amount", "10", "keep amount"),
        keep("keep amount", "amount", "bye"),
        say("bye", "bye", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ])
}

fn entered(rig: &Rig) -> (Option<&str>, Option<&str>) {
    let attributes = &rig.live.contact().attributes;
    (attributes.value("pin"), attributes.value("amount"))
}

#[test]
fn a_caller_who_knows_the_menus_types_through_them_and_hears_no_question() {
    let mut rig = Rig::answered(&bank());
    rig.prompt_begins();
    rig.press("1234100#");
    assert_eq!(rig.said(), "hello", "a greeting is not interrupted");
    rig.prompt_plays();
    assert_eq!((rig.said().as_str(), entered(&rig)), ("bye", (Some("1234"), Some("100"))));
}

#[test]
fn a_question_that_has_some_of_its_keys_waits_for_the_rest_without_its_prompt() {
    let mut rig = Rig::answered(&bank());
    rig.prompt_begins();
    rig.press("12");
    rig.prompt_plays();
    assert_eq!(rig.said(), "hello", "the question is answered already in part");
    assert_eq!(rig.deadline_ms(), Some(3_000), "from key to key");
    rig.press("34");
    assert_eq!((rig.said().as_str(), entered(&rig)), ("amount", (Some("1234"), None)));
}

#[test]
fn keys_that_come_before_the_acknowledgement_and_beyond_a_question_are_kept() {
    let mut rig = Rig::new(&bank());
    rig.press("1");
    rig.leg(LegEvent::Confirmed);
    rig.prompt_plays();
    rig.press("23477#");
    assert_eq!((rig.said().as_str(), entered(&rig)), ("bye", (Some("1234"), Some("77"))));
}

#[test]
fn thirty_keys_are_kept() {
    let mut rig = Rig::answered(&bank());
    rig.prompt_begins();
    rig.press(&"9".repeat(100));
    rig.prompt_plays();
    assert_eq!(entered(&rig), (Some("9999"), Some("9999999999")));
    assert_eq!(rig.said(), "bye");
    let printed = format!("{:?}", rig.effects);
    assert!(!printed.contains("9999"), "{printed}");
}

#[test]
fn keys_go_along_into_another_flow() {
    let transfer = action("go", "TransferToFlow", json!({ "ContactFlowId": "second" }), "", "end");
    let first = flow(&[say("hello", "hello", "go"), transfer, hang_up()]);
    let mut rig = Rig::with(&first, vec![("second", bank())]);
    rig.leg(LegEvent::Confirmed);
    let prompt = rig.last_prompt();
    rig.press("5123");
    rig.prompt(prompt, PromptEvent::Failed { reason: "no voice".to_owned() });
    rig.prompt_plays();
    assert_eq!(entered(&rig), (Some("5123"), None));
}

#[test]
fn without_keys_ahead_they_are_lost_as_they_are_in_the_service() {
    let options = ContactOptions { keys_ahead: false, ..ContactOptions::default() };
    let mut rig = Rig::of(&bank(), Vec::new(), Some(OFFER), options);
    rig.leg(LegEvent::Confirmed);
    let prompt = rig.last_prompt();
    rig.prompt(prompt, PromptEvent::Prepared { sound: Sound::silence(9_000), note: None });
    rig.press("1234");
    rig.prompt_plays();
    assert_eq!((rig.said().as_str(), entered(&rig)), ("pin", (None, None)));
}
