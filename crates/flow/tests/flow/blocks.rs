//! Each block, each of its branches.

use std::collections::BTreeMap;

use crate::stage::{Stage, fixture, flow, say};
use serde_json::json;
use tympan_flow::{CollectedInput, Effect, Input, KeyBuffer, Prompt, ResourceRef, ResponseKind};

#[test]
fn a_menu_takes_the_branch_of_its_key() {
    for (digits, branch) in [("1", "one"), ("2", "two"), ("3", "nothing"), ("", "nothing"), ("12", "nothing")]
    {
        let mut stage = Stage::of("menu.json");
        stage.start();
        assert_eq!(stage.press(digits), say(branch), "{digits:?}");
    }
}

#[test]
fn a_menu_has_branches_for_silence_and_failure() {
    let mut stage = Stage::of("menu.json");
    let Some(Effect::Collect { prompt, spec }) = stage.start() else { panic!("a menu collects") };
    assert_eq!(prompt, Some(Prompt::Ssml("<speak>Press 1 or 2.</speak>".into())));
    assert_eq!((spec.first_digit_timeout_ms, spec.interdigit_timeout_ms, spec.max_digits), (8000, 2000, 1));
    assert_eq!(stage.wait(), say("late"));
    assert_eq!(stage.last_log(), ("menu", Some("Timeout"), None));

    for (input, branch) in [
        (Input::Failed { reason: "no codec".into() }, "failed"),
        (Input::Input(CollectedInput::Invalid), "nothing"),
        (Input::LambdaReturned(json!({})), "failed"),
    ] {
        let mut stage = Stage::of("menu.json");
        stage.start();
        assert_eq!(stage.give(input), say(branch));
    }
}

#[test]
fn a_menu_of_several_keys_waits_for_the_longest_and_takes_a_hash() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "menu", "Type": "GetParticipantInput",
          "Parameters": { "Text": "Extension?", "InputTimeLimitSeconds": "5" },
          "Transitions": { "NextAction": "end", "Conditions": [
            { "NextAction": "end", "Condition": { "Operator": "Equals", "Operands": ["4711"] } },
            { "NextAction": "end", "Condition": { "Operator": "Equals", "Operands": ["0"] } } ] } },
        { "Identifier": "end", "Type": "EndFlowExecution" }
    ])));
    let Some(Effect::Collect { spec, .. }) = stage.start() else { panic!("a menu collects") };
    assert_eq!((spec.max_digits, spec.terminator.as_deref()), (4, Some("#")));
    assert_eq!(stage.press("4711"), Some(Effect::End));
}

#[test]
fn stored_input_is_kept_for_later_blocks() {
    let mut stage = Stage::of("store-input.json").knowing("$.Attributes.patience", "7");
    let Some(Effect::Collect { spec, .. }) = stage.start() else { panic!("it collects") };
    assert_eq!((spec.first_digit_timeout_ms, spec.interdigit_timeout_ms, spec.max_digits), (6000, 7000, 12));
    assert_eq!((spec.terminator.as_deref(), spec.cancel_key), (Some("##"), false));
    assert_eq!(stage.press("4711"), say("You entered 4711"));
    let (_, results, _) = stage.last_log();
    assert_eq!(results, Some("Success"), "what was typed is not in the log");
}

#[test]
fn silence_is_stored_as_timeout_where_no_branch_is_for_it() {
    let mut stage = Stage::of("store-input.json");
    stage.start();
    assert_eq!(stage.wait(), say("You entered Timeout"));
    let Some(Effect::Collect { spec, .. }) = stage.done() else { panic!("it collects") };
    assert_eq!((spec.max_digits, spec.terminator.as_deref(), spec.cancel_key), (16, Some("#"), true));
    let kept = BTreeMap::from([("callback".to_owned(), "Timeout".to_owned())]);
    assert!(stage.wait() == Some(Effect::SetAttributes(kept)));
}

#[test]
fn a_phone_number_is_kept_or_refused() {
    let mut stage = Stage::of("store-input.json");
    stage.start();
    stage.press("1");
    stage.done();
    let kept = BTreeMap::from([("callback".to_owned(), "+18005550100".to_owned())]);
    assert!(stage.press("18005550100") == Some(Effect::SetAttributes(kept)));

    let mut stage = Stage::of("store-input.json");
    stage.start();
    stage.press("1");
    stage.done();
    assert_eq!(stage.press("0"), say("wrong"));
}

#[test]
fn input_that_should_be_encrypted_is_never_asked_for() {
    let mut stage = Stage::of("store-input.json");
    stage.start();
    stage.press("1");
    stage.done();
    stage.press("18005550100");
    assert_eq!(stage.done(), Some(Effect::BufferKeys(KeyBuffer::Cleared)), "not to the next block either");
    assert_eq!(stage.done(), say("failed"));
    let (block, results, reason) = stage.last_log();
    assert_eq!((block, results), ("card", Some("Error")));
    assert!(reason.unwrap().contains("encrypting customer input is not supported"));
}

#[test]
fn a_stream_is_started_where_none_runs() {
    let mut stage = Stage::of("already-streaming.json");
    let start = Effect::StartMediaStreaming { from_customer: true, to_customer: true };
    assert_eq!(stage.start(), Some(start), "unset values meet no condition");
    assert_eq!(stage.done(), Some(Effect::End));
    let entry = stage.log.iter().find(|entry| entry.identifier == "start").unwrap();
    assert_eq!(
        entry.parameters,
        json!({ "MediaStreamTypes": "Audio", "Track": ["ToCustomer", "FromCustomer"] })
    );
}

#[test]
fn a_running_stream_is_seen_by_its_timestamp_and_by_its_arn() {
    for (path, value) in [
        ("$.MediaStreams.Customer.Audio.StartTimestamp", "1700000000100"),
        ("$.MediaStreams.Customer.Audio.StreamARN", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1"),
    ] {
        let mut stage = Stage::of("already-streaming.json").knowing(path, value);
        assert!(matches!(stage.start(), Some(Effect::SetAttributes(_))), "{path}");
    }
}

#[test]
fn a_loop_counts_a_dynamic_number_of_turns_and_begins_again() {
    let mut stage = Stage::of("numbers.json").knowing("$.Attributes.name", "Ada");
    assert_eq!(stage.start(), say("Hello Ada"));
    assert_eq!(stage.done(), say("Hello Ada"));
    assert_eq!(stage.done(), say("few"), "2 turns; 2 is less than 3 and not greater than 10");
    assert_eq!(stage.done(), Some(Effect::Disconnect));

    let mut stage = Stage::new(flow(json!([
        { "Identifier": "loop", "Type": "Loop", "Parameters": { "LoopCount": 1 }, "Transitions": {
            "NextAction": "twice", "Conditions": [
            { "NextAction": "say", "Condition": { "Operator": "Equals", "Operands": ["ContinueLooping"] } },
            { "NextAction": "again", "Condition": { "Operator": "Equals", "Operands": ["DoneLooping"] } } ] } },
        { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "in" },
          "Transitions": { "NextAction": "loop" } },
        { "Identifier": "again", "Type": "MessageParticipant", "Parameters": { "Text": "out" },
          "Transitions": { "NextAction": "loop" } }
    ])));
    let heard: Vec<_> = std::iter::once(stage.start()).chain((0..3).map(|_| stage.done())).collect();
    assert_eq!(heard, [say("in"), say("out"), say("in"), say("out")]);
}

#[test]
fn a_transfer_keeps_what_belongs_to_the_contact() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "ask", "Type": "GetParticipantInput", "Parameters": { "Text": "Number?",
            "StoreInput": "True", "InputTimeLimitSeconds": "5",
            "InputValidation": { "CustomValidation": { "MaximumLength": "4" } } },
          "Transitions": { "NextAction": "set" } },
        { "Identifier": "set", "Type": "UpdateFlowAttributes", "Parameters": { "FlowAttributes": { "a": "1" } },
          "Transitions": { "NextAction": "call" } },
        { "Identifier": "call", "Type": "InvokeLambdaFunction", "Parameters": { "LambdaFunctionARN": "arn:f",
            "ResponseValidation": { "ResponseType": "JSON" } },
          "Transitions": { "NextAction": "move" } },
        { "Identifier": "move", "Type": "TransferToFlow", "Parameters": { "ContactFlowId": "next" } }
    ])));
    stage.start();
    stage.press("42");
    let target = stage.give(Input::LambdaReturned(json!({ "deep": { "x": [7] } })));
    assert_eq!(target, Some(Effect::TransferToFlow { flow: ResourceRef::of("next") }));
    let next = flow(json!([{ "Identifier": "say", "Type": "MessageParticipant", "Parameters": {
        "Text": "<$.StoredCustomerInput|$.External.deep.x[0]|$.FlowAttributes.a>" } }]));
    assert_eq!(stage.transfer(next), say("<42|7|>"));
    assert_eq!(stage.interpreter.identity().name, "next");
    let moved = &stage.log[stage.log.len() - 1];
    assert_eq!((moved.identifier.as_str(), moved.contact_flow_name.as_str()), ("move", "test"));
}

#[test]
fn a_transfer_to_nowhere_takes_the_error_branch() {
    let mut stage = Stage::of("transfer.json").knowing("$.Attributes.nextFlow", "arn:gone");
    assert_eq!(stage.start(), Some(Effect::TransferToFlow { flow: ResourceRef::of("arn:gone") }));
    assert_eq!(stage.fail(), say("There is no such flow."));

    let mut stage = Stage::of("transfer.json");
    assert_eq!(stage.start(), say("There is no such flow."), "an unset id is no flow");
}

#[test]
fn a_caller_who_hung_up_is_not_transferred() {
    let mut stage = Stage::of("transfer.json").knowing("$.Attributes.nextFlow", "other");
    stage.start();
    assert_eq!(stage.give(Input::Interrupted), None);
    assert_eq!(stage.last_log(), ("move", Some("Interrupted"), None));
    assert_eq!(stage.transfer(fixture("menu.json")), None);
}

#[test]
fn blocks_that_are_not_offered_say_so_and_go_on() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "task", "Type": "CreateTask", "Parameters": {}, "Transitions": { "NextAction": "say",
            "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "say" }] } },
        { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "No task." } },
    ])));
    assert_eq!(stage.start(), say("No task."));
    assert_eq!(stage.last_log(), ("task", Some("Error"), Some("there are no tasks here")));
    assert!(stage.log.last().is_some_and(|entry| entry.always));
}

#[test]
fn an_older_export_compares_plays_and_resumes() {
    let mut sales = Stage::of("whisper-modules.json").knowing("$.Queue.Name", "sales west");
    assert_eq!(sales.start(), Some(Effect::Play(Prompt::Ssml("<speak>sales</speak>".into()))));
    assert_eq!(sales.done(), Some(Effect::End));

    let mut number = Stage::of("whisper-modules.json").knowing("$.Queue.Name", "5");
    assert_eq!(
        number.start(),
        Some(Effect::Play(Prompt::Audio { id: "prompt-1".into(), name: Some("Beep.wav".into()) }))
    );

    let mut other = Stage::of("whisper-modules.json");
    let both = Effect::StartMediaStreaming { from_customer: true, to_customer: true };
    assert_eq!(other.start(), Some(both));
    assert_eq!(other.fail(), Some(Effect::End));
    assert_eq!(other.log[1].reason.as_deref(), Some("it broke"));
}

fn lambda(response_type: &str) -> Stage {
    Stage::new(flow(json!([
        { "Identifier": "call", "Type": "InvokeLambdaFunction", "Parameters": {
            "LambdaFunctionARN": "$.Attributes.function", "InvocationTimeLimitSeconds": "2",
            "LambdaInvocationAttributes": { "k": "$.Attributes.k", "n": 5 },
            "ResponseValidation": { "ResponseType": response_type } },
          "Transitions": { "NextAction": "ok", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "bad" }] } },
        { "Identifier": "ok", "Type": "MessageParticipant", "Parameters": { "Text": "ok $.External.a.b$.External.c" },
          "Transitions": { "NextAction": "call" } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "bad $.External.c" } }
    ])))
    .knowing("$.Attributes.function", "arn:f")
}

#[test]
fn a_function_gets_resolved_parameters() {
    let mut stage = lambda("STRING_MAP").knowing("$.Attributes.k", "v");
    let expected = Effect::InvokeLambda {
        function_arn: "arn:f".into(),
        parameters: BTreeMap::from([("k".into(), "v".into()), ("n".into(), "5".into())]),
        time_limit_ms: 2000,
        response: ResponseKind::StringMap,
        is_asynchronous: false,
    };
    assert!(stage.start() == Some(expected));
}

#[test]
fn a_response_replaces_the_last_one() {
    let mut stage = lambda("STRING_MAP");
    stage.start();
    assert_eq!(stage.give(Input::LambdaReturned(json!({ "c": 1 }))), say("ok 1"));
    stage.done();
    assert_eq!(stage.give(Input::LambdaReturned(json!({ "d": 1 }))), say("ok "));
}

#[test]
fn a_response_that_does_not_fit_takes_the_error_branch() {
    let nested = json!({ "a": { "b": "deep" }, "c": "flat" });
    let mut stage = lambda("STRING_MAP");
    stage.start();
    assert_eq!(stage.give(Input::LambdaReturned(nested.clone())), say("bad "));
    assert!(stage.last_log().2.unwrap().contains("STRING_MAP"));

    let mut stage = lambda("JSON");
    stage.start();
    assert_eq!(stage.give(Input::LambdaReturned(nested)), say("ok deepflat"));
    stage.done();
    assert_eq!(stage.fail(), say("bad flat"), "a failure leaves the last response");
}

#[test]
fn a_failing_block_without_an_error_branch_goes_on_and_without_any_ends_the_call() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "start", "Type": "UpdateContactMediaStreamingBehavior", "Parameters": {
            "MediaStreamingState": "Enabled", "MediaStreamType": "Audio",
            "Participants": [{ "ParticipantType": "Customer", "MediaDirections": ["From"] }] },
          "Transitions": { "NextAction": "say" } },
        { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "on" } }
    ])));
    stage.start();
    assert_eq!(stage.fail(), say("on"));
    assert_eq!(stage.last_log(), ("start", Some("Error"), Some("it broke")));
    assert_eq!(stage.fail(), Some(Effect::Disconnect));
    let (_, results, reason) = stage.last_log();
    assert_eq!(results, Some("Error"));
    assert_eq!(reason, Some("it broke; no branch of the block is for this: the call is ended"));
}

#[test]
fn a_prompt_that_cannot_be_played_does_not_end_the_call() {
    let mut stage = Stage::of("whisper-modules.json").knowing("$.Queue.Name", "sales");
    stage.start();
    assert_eq!(stage.fail(), Some(Effect::End), "older prompts have no error branch");
    assert!(stage.log.iter().any(|entry| entry.reason.as_deref() == Some("it broke")));
}

#[test]
fn a_misconfigured_block_takes_its_error_branch() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "call", "Type": "InvokeLambdaFunction", "Parameters": { "LambdaFunctionARN": "" },
          "Transitions": { "NextAction": "ok", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "bad" }] } },
        { "Identifier": "ok", "Type": "MessageParticipant", "Parameters": { "Text": "ok" } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "bad" } }
    ])));
    assert_eq!(stage.start(), say("bad"));
    assert_eq!(
        stage.last_log().2,
        Some("the block is not configured: Parameters.LambdaFunctionARN must not be empty")
    );
}

#[test]
fn a_flow_that_leads_nowhere_ends_the_call_and_says_why() {
    let mut nowhere = Stage::new(fixture("broken.json"));
    assert_eq!(nowhere.start(), Some(Effect::Disconnect));
    assert!(nowhere.last_log().2.unwrap().starts_with("the flow begins with block \"nobody\""));

    let mut dangling = Stage::new(flow(json!([
        { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "hi" },
          "Transitions": { "NextAction": "gone" } }
    ])));
    dangling.start();
    assert_eq!(dangling.done(), Some(Effect::Disconnect));
    assert!(dangling.last_log().2.unwrap().contains("leads to block \"gone\""));
}

#[test]
fn a_loop_without_a_pause_is_ended() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "a", "Type": "Compare", "Parameters": { "ComparisonValue": "$.Attributes.x" },
          "Transitions": { "NextAction": "a" } }
    ])));
    assert_eq!(stage.start(), Some(Effect::Disconnect));
    assert!(stage.last_log().2.unwrap().contains("1000 blocks and its caller heard nothing"));
}

#[test]
fn the_log_can_be_off_and_failures_are_logged_all_the_same() {
    let switch = |behavior: &str| {
        Stage::new(flow(json!([
            { "Identifier": "log", "Type": "UpdateFlowLoggingBehavior",
              "Parameters": { "FlowLoggingBehavior": behavior }, "Transitions": { "NextAction": "say" } },
            { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "hi" },
              "Transitions": { "NextAction": "task" } },
            { "Identifier": "task", "Type": "CreateTask" }
        ])))
    };
    for (behavior, expected) in [("Enabled", ["log", "say", "task"].as_slice()), ("Disabled", &["task"])] {
        let mut stage = switch(behavior);
        assert_eq!(stage.start(), Some(Effect::SetLogging(behavior == "Enabled")));
        stage.done();
        assert_eq!(stage.done(), Some(Effect::Disconnect));
        let logged: Vec<_> = stage.log.iter().map(|entry| entry.identifier.as_str()).collect();
        assert_eq!(logged, expected, "{behavior}");
    }
}

#[test]
fn attributes_of_more_than_32_kib_are_refused_whole() {
    let large = "x".repeat(33_000);
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "set", "Type": "UpdateContactAttributes", "Parameters": {
            "Attributes": { "a": "1", "b": "$.Attributes.large" } },
          "Transitions": { "NextAction": "end", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "bad" }] } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "bad" } },
        { "Identifier": "end", "Type": "EndFlowExecution" }
    ])))
    .knowing("$.Attributes.large", &large);
    assert_eq!(stage.start(), say("bad"));
}

#[test]
fn inputs_that_answer_nothing_are_ignored() {
    let mut stage = Stage::of("menu.json");
    assert_eq!(stage.done(), None);
    let menu = stage.start();
    assert!(menu.is_some());
    assert_eq!(stage.start(), None);
    assert_eq!(stage.interpreter.waiting_block(), Some("menu"));
    assert_eq!(stage.press("1"), say("one"));
}

#[test]
fn a_block_that_writes_many_log_entries_counts_as_many_blocks() {
    let attributes: serde_json::Map<_, _> = (0..600).map(|n| (format!("k{n}"), json!("v"))).collect();
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "set", "Type": "UpdateFlowAttributes", "Parameters": { "FlowAttributes": attributes },
          "Transitions": { "NextAction": "set" } }
    ])));
    assert_eq!(stage.start(), Some(Effect::Disconnect));
    assert!(stage.log.len() < 70_000, "{}", stage.log.len());
}
