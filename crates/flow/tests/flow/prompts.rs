//! What a prompt block asks for, by what its text is.

use crate::stage::{Stage, flow, say};
use serde_json::{Value, json};
use tympan_flow::{Effect, Prompt};

/// A prompt with these parameters, its error branch a prompt that says "failed".
fn plays(parameters: Value) -> Stage {
    Stage::new(flow(json!([
        { "Identifier": "play", "Type": "MessageParticipant", "Parameters": parameters,
          "Transitions": { "NextAction": "end", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "bad" }] } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "failed" },
          "Transitions": { "NextAction": "end" } },
        { "Identifier": "end", "Type": "DisconnectParticipant" }
    ])))
}

fn ssml(document: &str) -> Option<Effect> {
    Some(Effect::Play(Prompt::Ssml(document.to_owned())))
}

#[test]
fn a_text_that_is_a_whole_speak_document_is_ssml() {
    let document = "<speak>Hello <break time=\"1s\"/> you</speak>";
    assert_eq!(plays(json!({ "Text": document })).start(), ssml(document));
    assert_eq!(
        plays(json!({ "Text": "Say <speak>hello</speak> now" })).start(),
        say("Say <speak>hello</speak> now")
    );
    let mut stage =
        plays(json!({ "Text": "$.Attributes.greeting" })).knowing("$.Attributes.greeting", document);
    assert_eq!(stage.start(), ssml(document));
}

#[test]
fn values_are_put_into_ssml_before_it_is_read_and_may_break_it() {
    let parameters = json!({ "SSML": "<speak>Dear $.Attributes.name</speak>" });
    let mut stage = plays(parameters.clone()).knowing("$.Attributes.name", "Ada");
    assert_eq!(stage.start(), ssml("<speak>Dear Ada</speak>"));
    let mut stage = plays(parameters).knowing("$.Attributes.name", "Smith & Sons");
    assert_eq!(stage.start(), say("failed"));
    let (block, results, reason) = stage.last_log();
    assert_eq!((block, results), ("play", Some("Error")));
    let reason = reason.unwrap();
    assert!(
        reason.contains("values of references are put in before") && !reason.contains("Sons"),
        "{reason}"
    );
}

#[test]
fn a_prompt_that_no_voice_could_speak_takes_the_error_branch() {
    for parameters in [
        json!({ "SSML": "Hello" }),
        json!({ "SSML": "<speak><break time=\"11s\"/></speak>" }),
        json!({ "Text": "a ".repeat(3_001) }),
        json!({ "PromptId": "$.Attributes.unset" }),
    ] {
        assert_eq!(plays(parameters.clone()).start(), say("failed"), "{parameters}");
    }
}

#[test]
fn a_single_space_is_played_and_passes() {
    let mut stage = plays(json!({ "Text": " " }));
    assert_eq!(stage.start(), say(" "));
    assert_eq!(stage.done(), Some(Effect::Disconnect));
}

#[test]
fn a_prompt_may_give_way_to_keys_that_are_buffered() {
    let mut stage = plays(json!({ "Text": "welcome", "SkipWhenDTMFBufferEnabled": "true" }));
    assert_eq!(stage.start(), Some(Effect::PlayUnlessKeyed(Prompt::Text("welcome".into()))));
    let mut stage = plays(json!({ "Text": "welcome", "SkipWhenDTMFBufferEnabled": "false" }));
    assert_eq!(stage.start(), say("welcome"));
}
