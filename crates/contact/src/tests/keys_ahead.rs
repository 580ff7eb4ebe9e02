//! Keys that are typed before a block asks for them.

use super::flows::{action, flow, hang_up, say, set};
use super::rig::{OFFER, Rig};
use crate::{ContactOptions, Effect, Input, LegEvent, PromptEvent};
use serde_json::{Value, json};
use tympan_telephony::words::{MediaEvent, Sound};

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

fn menu(id: &str, key: &str, next: &str) -> Value {
    json!({
        "Identifier": id, "Type": "GetParticipantInput",
        "Parameters": { "Text": id, "InputTimeLimitSeconds": "5", "StoreInput": "False" },
        "Transitions": {
            "NextAction": "wrong",
            "Errors": [
                { "ErrorType": "InputTimeLimitExceeded", "NextAction": "wrong" },
                { "ErrorType": "NoMatchingCondition", "NextAction": "wrong" },
                { "ErrorType": "NoMatchingError", "NextAction": "wrong" },
            ],
            "Conditions": [{ "NextAction": next, "Condition": { "Operator": "Equals", "Operands": [key] } }],
        },
    })
}

/// A greeting, two menus and an amount.
fn three_questions() -> Vec<Value> {
    vec![
        say("hello", "hello", "language"),
        menu("language", "1", "service"),
        menu("service", "2", "amount"),
        ask("amount", "10", "keep amount"),
        keep("keep amount", "amount", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ]
}

fn buffer(id: &str, on: &str, next: &str) -> Value {
    action(id, "GetParticipantInput", json!({ "EnableDTMFBuffer": on }), next, "wrong")
}

/// As in the service: keys are lost unless a flow turns its buffer on.
fn strict(document: &Value) -> Rig {
    let options = ContactOptions { keys_ahead: false, ..ContactOptions::default() };
    let mut rig = Rig::of(document, Vec::new(), Some(OFFER), options);
    rig.leg(LegEvent::Confirmed);
    rig
}

#[test]
fn what_is_typed_in_the_first_second_goes_to_three_blocks() {
    let mut rig = Rig::answered(&flow(&three_questions()));
    rig.prompt_begins();
    for keys in ["1", "2", "345#"] {
        rig.wait_ms(300);
        rig.press(keys);
    }
    rig.prompt_plays();
    assert_eq!((rig.said().as_str(), entered(&rig)), ("bye", (None, Some("345"))));
}

#[test]
fn a_flow_turns_the_buffer_on_where_keys_are_lost_otherwise() {
    let mut blocks = three_questions();
    blocks.insert(0, buffer("on", "True", "hello"));
    let mut rig = strict(&flow(&blocks));
    rig.prompt_begins();
    rig.press("12345#");
    rig.prompt_plays();
    assert_eq!((rig.said().as_str(), entered(&rig)), ("bye", (None, Some("345"))));
}

#[test]
fn a_buffer_that_is_turned_off_keeps_nothing_any_more() {
    let mut rig = strict(&flow(&[
        buffer("on", "True", "hello"),
        say("hello", "hello", "off"),
        buffer("off", "False", "more"),
        say("more", "more", "language"),
        menu("language", "1", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        hang_up(),
    ]));
    rig.prompt_begins();
    rig.press("1");
    rig.prompt_plays();
    assert_eq!(rig.said(), "more");
    rig.prompt_begins();
    rig.press("1");
    rig.prompt_plays();
    assert_eq!(rig.said(), "language", "both keys are forgotten");
}

#[test]
fn what_the_buffer_held_can_be_stored() {
    let off = json!({ "EnableDTMFBuffer": "False", "StoreInput": "True" });
    let mut rig = strict(&flow(&[
        buffer("on", "True", "hello"),
        say("hello", "hello", "off"),
        action("off", "GetParticipantInput", off, "keep", "wrong"),
        keep("keep", "pin", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ]));
    rig.prompt_begins();
    rig.press("12#");
    rig.prompt_plays();
    assert_eq!(entered(&rig), (Some("12#"), None));
}

fn gives_way(next: &str) -> Value {
    let parameters = json!({ "Text": "news", "SkipWhenDTMFBufferEnabled": "true" });
    action("news", "MessageParticipant", parameters, next, "wrong")
}

#[test]
fn a_prompt_that_gives_way_to_keys_is_interrupted_and_the_key_is_kept() {
    let mut blocks = three_questions();
    blocks.insert(0, buffer("on", "True", "news"));
    blocks.push(gives_way("language"));
    let mut rig = Rig::answered(&flow(&blocks));
    let news = rig.prompt_begins();
    assert_eq!(rig.said(), "news");
    rig.press("1");
    assert!(rig.stopped_prompt(news));
    assert_eq!(rig.said(), "service", "the key chose the language");
    rig.media(MediaEvent::PromptFinished(news));
    assert_eq!(rig.said(), "service");
}

#[test]
fn a_prompt_that_gives_way_is_skipped_while_keys_wait() {
    let mut rig = Rig::answered(&flow(&[
        buffer("on", "True", "hello"),
        say("hello", "hello", "news"),
        gives_way("language"),
        menu("language", "1", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        hang_up(),
    ]));
    rig.prompt_begins();
    rig.press("1");
    rig.prompt_plays();
    assert_eq!(rig.said(), "bye");
}

#[test]
fn without_the_buffer_such_a_prompt_is_played_whole() {
    let mut rig = Rig::answered(&flow(&[
        gives_way("language"),
        menu("language", "1", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        hang_up(),
    ]));
    let news = rig.prompt_begins();
    rig.press("1");
    assert!(!rig.stopped_prompt(news));
    rig.prompt_plays();
    assert_eq!(rig.said(), "bye", "the key is kept, as everywhere");
}

#[test]
fn keys_typed_ahead_of_an_input_that_should_be_encrypted_reach_no_block() {
    let card = json!({
        "Text": "card", "InputTimeLimitSeconds": "5", "StoreInput": "True",
        "InputValidation": { "CustomValidation": { "MaximumLength": "16" } },
        "InputEncryption": { "EncryptionKeyId": "k", "Key": "certificate" },
    });
    let mut rig = Rig::answered(&flow(&[
        say("hello", "hello", "card"),
        action("card", "GetParticipantInput", card, "wrong", "amount"),
        ask("amount", "10", "keep amount"),
        keep("keep amount", "amount", "bye"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ]));
    rig.prompt_begins();
    rig.press("4111111111111111#");
    rig.prompt_plays();
    assert_eq!((rig.said().as_str(), entered(&rig)), ("amount", (None, None)));
    assert!(rig.reasons()[0].contains("not kept unencrypted"));
    let printed = format!("{:?} {:?}", rig.effects, rig.live.contact());
    assert!(!printed.contains("4111"), "{printed}");
}

#[test]
fn a_prompt_of_three_minutes_of_breaks_holds_the_call_for_three_minutes() {
    let breaks = format!("<speak>{}</speak>", "<break time=\"10s\"/>".repeat(18));
    let mut rig = Rig::answered(&flow(&[
        action("wait", "MessageParticipant", json!({ "Text": breaks }), "bye", "wrong"),
        say("bye", "bye", "end"),
        say("wrong", "wrong", "end"),
        hang_up(),
    ]));
    let (prompt, content) = rig
        .find(|effect| match effect {
            Effect::Prepare { prompt, content, .. } => Some((*prompt, content.clone())),
            _ => None,
        })
        .unwrap();
    let pieces = content.pieces().unwrap().unwrap();
    let ms: u32 = pieces.iter().map(tympan_flow::ssml::Piece::reading_time_ms).sum();
    assert_eq!(ms, 180_000);
    rig.prompt(prompt, PromptEvent::Prepared { sound: Sound::silence(ms), note: None });
    let deadline_ms = rig.deadline_ms().unwrap();
    assert!(deadline_ms > 180_000, "{deadline_ms}");
    rig.wait_ms(180_000);
    rig.handle(Input::TimePassed);
    assert_eq!(rig.said(), "", "it still waits");
    rig.media(MediaEvent::PromptFinished(prompt));
    assert_eq!(rig.said(), "bye");
}
