use super::*;
use crate::bot::InputMode;

const NOW: WallTime = WallTime::from_unix_ms(1_796_000_000_000);

fn bot() -> Bot {
    Bot::from_toml(
        r#"
name = "Orders"

[[slot_types]]
name = "Size"
values = [{ value = "Large", synonyms = ["big"] }, { value = "Small" }]

[[intents]]
name = "TrackOrder"
utterances = ["track my order", "where is order {Number}"]
dtmf = "1"
[[intents.slots]]
name = "Number"
type = "AMAZON.Number"
prompt = "Which order?"
reprompt = "The number, please."
[intents.fulfillment]
message = "Order {Number} is on its way, [name]."

[[intents]]
name = "BuyPizza"
utterances = ["buy a pizza", "a {Size} pizza"]
[[intents.slots]]
name = "Size"
type = "Size"
prompt = "Which size?"
[intents.confirmation]
prompt = "A {Size} pizza?"
declined = "Then not."
[intents.fulfillment]
fulfilled = true

[[intents]]
name = "Agent"
utterances = ["talk to an agent"]

[fallback]
retries = 1
prompt = "Again, please."
message = "I give up."
"#,
    )
    .unwrap()
}

fn say(bot: &Bot, session: &mut Session, text: &str) -> Step {
    bot.hear(session, NOW, &Heard { text: text.into(), mode: InputMode::Text, confidence: None })
}

fn action(session: &Session) -> &str {
    session.state.dialog_action.as_ref().map_or("", |action| action.kind.as_str())
}

fn said(session: &Session) -> Vec<&str> {
    session.messages.iter().filter_map(|message| message.content.as_deref()).collect()
}

fn intent(session: &Session) -> (&str, &str) {
    let intent = session.state.intent.as_ref().unwrap();
    (intent.name.as_str(), intent.state.as_deref().unwrap())
}

#[test]
fn an_intent_asks_for_its_slot_and_is_ready_once_it_has_it() {
    let (bot, mut session) = (bot(), Session::default());
    session.state.session_attributes = Some(Attributes::from([("name".into(), "Ann".into())]));
    assert_eq!(say(&bot, &mut session, "I want to track my order"), Step::Answer);
    assert_eq!((action(&session), said(&session)), ("ElicitSlot", vec!["Which order?"]));
    assert_eq!(intent(&session), ("TrackOrder", "InProgress"));
    say(&bot, &mut session, "forty two");
    assert_eq!((action(&session), said(&session)), ("Close", vec!["Order 42 is on its way, Ann."]));
    assert_eq!(intent(&session), ("TrackOrder", "ReadyForFulfillment"));
    let slot = session.state.intent.as_ref().unwrap().slots["Number"].clone().unwrap().value.unwrap();
    assert_eq!((slot.original_value.as_deref(), slot.interpreted_value.as_str()), (Some("forty two"), "42"));
    assert_eq!(slot.resolved_values, Some(vec!["42".into()]));
}

#[test]
fn a_slot_within_an_utterance_and_a_key_are_understood() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "where is order twenty one");
    assert_eq!(intent(&session), ("TrackOrder", "ReadyForFulfillment"));
    let mut session = Session::default();
    say(&bot, &mut session, "1");
    assert_eq!((intent(&session).0, action(&session)), ("TrackOrder", "ElicitSlot"));
    say(&bot, &mut session, "1");
    assert_eq!(said(&session), ["Order 1 is on its way, ."], "the key is the slot's now");
}

#[test]
fn a_confirmation_is_asked_and_a_denial_fails_the_intent() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "a big pizza");
    assert_eq!((action(&session), said(&session)), ("ConfirmIntent", vec!["A Large pizza?"]));
    say(&bot, &mut session, "hmm");
    assert_eq!((action(&session), said(&session)), ("ConfirmIntent", vec!["A Large pizza?"]));
    let mut denied = session.clone();
    say(&bot, &mut denied, "no thanks");
    assert_eq!((intent(&denied), said(&denied)), (("BuyPizza", "Failed"), vec!["Then not."]));
    assert_eq!(denied.state.intent.unwrap().confirmation_state.as_deref(), Some("Denied"));
    say(&bot, &mut session, "yes");
    assert_eq!((intent(&session), action(&session)), (("BuyPizza", "Fulfilled"), "Close"));
}

#[test]
fn what_is_not_understood_is_asked_again_and_then_falls_back() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "mumble");
    assert_eq!((action(&session), said(&session)), ("ElicitIntent", vec!["Again, please."]));
    say(&bot, &mut session, "");
    assert_eq!(
        (intent(&session), said(&session)),
        (("FallbackIntent", "ReadyForFulfillment"), vec!["I give up."])
    );
    let first = &session.interpretations()[0];
    assert_eq!(
        (first.nlu_confidence, first.intent.as_ref().unwrap().name.as_str()),
        (None, "FallbackIntent")
    );
}

#[test]
fn a_slot_that_is_not_understood_is_asked_twice_more_and_then_falls_back() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "track my order");
    for _ in 0..2 {
        say(&bot, &mut session, "mumble");
        assert_eq!((action(&session), said(&session)), ("ElicitSlot", vec!["The number, please."]));
    }
    say(&bot, &mut session, "");
    assert_eq!(intent(&session).0, "FallbackIntent");
}

#[test]
fn a_whole_utterance_of_another_intent_changes_the_intent_in_the_middle_of_a_slot() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "track my order");
    say(&bot, &mut session, "talk to an agent");
    assert_eq!(intent(&session), ("Agent", "ReadyForFulfillment"));
}

#[test]
fn interpretations_have_the_likeliest_first_with_scores_and_the_fallback_last() {
    let (bot, mut session) = (bot(), Session::default());
    say(&bot, &mut session, "track my pizza order");
    let names: Vec<(String, bool)> = session
        .interpretations()
        .into_iter()
        .map(|one| (one.intent.unwrap().name, one.nlu_confidence.is_some_and(|sure| sure.score > 0.0)))
        .collect();
    assert_eq!(names[0], ("TrackOrder".into(), true));
    assert!(names.contains(&("BuyPizza".into(), true)));
    assert_eq!(names.last(), Some(&("FallbackIntent".into(), false)));
}

fn with_functions() -> Bot {
    Bot::from_toml(
        r#"
name = "b"
[[intents]]
name = "Book"
utterances = ["book"]
dialog_function = "arn:d"
[[intents.slots]]
name = "Day"
type = "AMAZON.Date"
prompt = "Which day?"
[intents.fulfillment]
function = "arn:f"
"#,
    )
    .unwrap()
}

#[test]
fn a_function_is_asked_at_each_turn_and_one_to_fulfil() {
    let (bot, mut session) = (with_functions(), Session::default());
    let Step::Call(call) = say(&bot, &mut session, "book") else { panic!() };
    assert_eq!((call.function.as_str(), call.hook), ("arn:d", CodeHook::Dialog));
    assert_eq!(call.event["sessionState"]["intent"]["name"], "Book");
    assert_eq!(call.event["inputTranscript"], "book");
    let delegate = json!({ "sessionState": { "dialogAction": { "type": "Delegate" } } }).to_string();
    assert_eq!(bot.resume(&mut session, CodeHook::Dialog, delegate.as_bytes()), Ok(Step::Answer));
    assert_eq!((action(&session), said(&session)), ("ElicitSlot", vec!["Which day?"]));
    let Step::Call(_) = say(&bot, &mut session, "tomorrow") else { panic!() };
    let Ok(Step::Call(call)) = bot.resume(&mut session, CodeHook::Dialog, delegate.as_bytes()) else {
        panic!()
    };
    assert_eq!((call.function.as_str(), call.hook), ("arn:f", CodeHook::Fulfillment));
    let close = json!({
        "sessionState": {
            "dialogAction": { "type": "Close" },
            "intent": { "name": "Book", "state": "Fulfilled", "slots": {} },
            "sessionAttributes": { "a": "b" },
        },
        "messages": [{ "contentType": "PlainText", "content": "Done." }],
    });
    let step = bot.resume(&mut session, CodeHook::Fulfillment, close.to_string().as_bytes());
    assert_eq!(step, Ok(Step::Answer));
    assert_eq!((intent(&session), said(&session)), (("Book", "Fulfilled"), vec!["Done."]));
    assert_eq!(session.state.session_attributes.unwrap()["a"], "b");
}

#[test]
fn what_a_function_may_not_return_is_named() {
    let bot = with_functions();
    for (returned, why) in [
        ("no json", "expected"),
        (r#"{"sessionState":{}}"#, "no dialogAction"),
        (r#"{"sessionState":{"dialogAction":{"type":"Nonsense"}}}"#, "Nonsense"),
        (r#"{"sessionState":{"dialogAction":{"type":"ElicitSlot","slotToElicit":"X"}}}"#, "no slot"),
        (r#"{"sessionState":{"dialogAction":{"type":"Close"},"intent":{"name":"X"}}}"#, "no intent"),
    ] {
        let mut session = Session::default();
        say(&bot, &mut session, "book");
        let told = bot.resume(&mut session, CodeHook::Dialog, returned.as_bytes()).unwrap_err();
        assert!(told.contains(why), "{returned}: {told}");
    }
}
