//! Modules: frames of their own, which return.

use crate::stage::{Stage, flow, say};
use serde_json::{Value, json};
use tympan_flow::{Effect, Flow, Input, ResourceRef};

fn invoke(next: &str, conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(branch, to)| json!({ "NextAction": to, "Condition": { "Operator": "Equals", "Operands": [branch] } }))
        .collect();
    json!({ "Identifier": "invoke", "Type": "InvokeFlowModule",
        "Parameters": { "FlowModuleId": "m1", "Input": { "who": "$.Attributes.name", "count": 3 } },
        "Transitions": { "NextAction": next, "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "failed" }],
            "Conditions": conditions } })
}

fn told(id: &str, text: &str, next: &str) -> Value {
    json!({ "Identifier": id, "Type": "MessageParticipant", "Parameters": { "Text": text },
        "Transitions": { "NextAction": next } })
}

fn caller() -> Flow {
    flow(json!([
        { "Identifier": "set", "Type": "UpdateFlowAttributes", "Parameters": { "FlowAttributes": { "mine": { "Value": "1" } } },
          "Transitions": { "NextAction": "invoke" } },
        invoke("next", &[("Paid", "paid"), ("Refused", "refused")]),
        told("next", "next", "end"),
        told("paid", "paid $.Modules.Result $.Modules.ResultData.sum <$.FlowAttributes.mine> <$.Modules.Input.who>", "end"),
        told("refused", "refused", "end"),
        told("failed", "failed", "end"),
        { "Identifier": "end", "Type": "DisconnectParticipant" },
    ]))
}

fn module(branch: &str) -> Flow {
    flow(json!([
        told("say", "module $.Modules.Input.who $.Modules.Input.count <$.FlowAttributes.mine>", "return"),
        { "Identifier": "return", "Type": "EndFlowModuleExecution",
          "Parameters": { "Result": branch, "ResultData": { "sum": 12, "who": "$.Modules.Input.who" } } },
    ]))
}

#[test]
fn a_module_has_its_own_memory_and_gives_back_what_it_returns() {
    let mut stage = Stage::new(caller()).knowing("$.Attributes.name", "Ada");
    assert_eq!(stage.start(), Some(Effect::InvokeModule { module: ResourceRef::of("m1") }));
    assert_eq!(stage.module("m1", module("Paid")), say("module Ada 3 <>"));
    assert_eq!(stage.interpreter.identity().name, "m1");
    assert_eq!(stage.done(), say("paid Paid 12 <1> <>"));
    assert_eq!(stage.interpreter.identity().name, "test");
}

#[test]
fn the_branch_that_a_module_names_is_one_of_the_block_or_none() {
    for (branch, heard) in [("Refused", "refused"), ("Unheard", "next")] {
        let mut stage = Stage::new(caller());
        stage.start();
        stage.module("m1", module(branch));
        assert_eq!(stage.done(), say(heard), "{branch}");
    }
}

#[test]
fn entries_of_a_module_name_the_stack_that_they_ran_in() {
    let mut stage = Stage::new(caller());
    stage.start();
    stage.module("m1", module("Paid"));
    stage.done();
    let stacks: Vec<_> = stage
        .log
        .iter()
        .map(|entry| {
            (
                entry.identifier.as_str(),
                entry.module_execution_stack.join(" "),
                entry.contact_flow_id.as_str(),
            )
        })
        .collect();
    let inside = || "arn:m1 arn:flow".to_owned();
    assert_eq!(
        stacks,
        [
            ("set", String::new(), "arn:flow"),
            ("say", inside(), "arn:m1"),
            ("return", inside(), "arn:m1"),
            ("invoke", String::new(), "arn:flow"),
        ]
    );
    assert!(stage.log[1].to_json().contains_key("ModuleExecutionStack"));
    assert!(!stage.log[3].to_json().contains_key("ModuleExecutionStack"));
}

#[test]
fn a_module_that_is_not_there_or_leads_nowhere_is_the_error_of_its_block() {
    let mut stage = Stage::new(caller());
    stage.start();
    assert_eq!(stage.fail(), say("failed"));

    let nowhere = flow(json!([told("say", "lost", "gone")]));
    let mut stage = Stage::new(caller());
    stage.start();
    assert_eq!(stage.module("m1", nowhere), say("lost"));
    assert_eq!(stage.done(), say("failed"));
    assert!(
        stage.last_log().2.unwrap().starts_with("the module could not go on: "),
        "{:?}",
        stage.last_log()
    );
}

#[test]
fn modules_invoke_modules_five_deep_and_no_deeper() {
    let nested = || {
        flow(json!([
            { "Identifier": "again", "Type": "InvokeFlowModule", "Parameters": { "FlowModuleId": "m" },
              "Transitions": { "NextAction": "return", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "deep" }] } },
            told("deep", "too deep", "return"),
            { "Identifier": "return", "Type": "EndFlowModuleExecution" },
        ]))
    };
    let mut stage = Stage::new(caller());
    let mut effect = stage.start();
    let mut deep = 0;
    while matches!(effect, Some(Effect::InvokeModule { .. })) {
        deep += 1;
        effect = stage.module(&format!("m{deep}"), nested());
    }
    assert_eq!((deep, effect), (6, say("too deep")));
    assert_eq!(stage.done(), say("next"), "each returns to the one that invoked it");
}

#[test]
fn what_ends_the_call_or_goes_to_another_flow_in_a_module_ends_its_callers_too() {
    let hang_up = flow(json!([{ "Identifier": "end", "Type": "DisconnectParticipant" }]));
    let mut stage = Stage::new(caller());
    stage.start();
    assert_eq!(stage.module("m1", hang_up), Some(Effect::Disconnect));
    assert!(stage.interpreter.is_finished());

    let leave = flow(json!([
        { "Identifier": "move", "Type": "TransferToFlow", "Parameters": { "ContactFlowId": "other" },
          "Transitions": { "NextAction": "move" } },
    ]));
    let mut stage = Stage::new(caller());
    stage.start();
    stage.module("m1", leave);
    let other = flow(json!([
        told("say", "other", "return"),
        { "Identifier": "return", "Type": "EndFlowModuleExecution" },
    ]));
    assert_eq!(stage.transfer(other), say("other"));
    assert_eq!(stage.done(), Some(Effect::Disconnect), "there is no block to return to");
}

#[test]
fn a_module_is_invoked_in_a_loop_with_a_start_block_of_its_own() {
    let looping = flow(json!([
        { "Identifier": "loop", "Type": "Loop", "Parameters": { "LoopCount": "2" }, "Transitions": { "NextAction": "end", "Conditions": [
            { "NextAction": "invoke", "Condition": { "Operator": "Equals", "Operands": ["ContinueLooping"] } },
            { "NextAction": "end", "Condition": { "Operator": "Equals", "Operands": ["DoneLooping"] } } ] } },
        invoke("loop", &[]),
        told("failed", "failed", "end"),
        { "Identifier": "end", "Type": "DisconnectParticipant" },
    ]));
    let starting = || {
        flow(json!([
            { "Identifier": "start", "Type": "UpdateContactMediaStreamingBehavior", "Parameters": { "MediaStreamingState": "Enabled",
                "MediaStreamType": "Audio", "Participants": [{ "ParticipantType": "Customer", "MediaDirections": ["From"] }] },
              "Transitions": { "NextAction": "return" } },
            { "Identifier": "return", "Type": "EndFlowModuleExecution" },
        ]))
    };
    let mut stage = Stage::new(looping);
    let mut effect = stage.start();
    for _ in 0..2 {
        assert!(matches!(effect, Some(Effect::InvokeModule { .. })));
        assert!(matches!(stage.module("m", starting()), Some(Effect::StartMediaStreaming { .. })));
        effect = stage.give(Input::Done);
    }
    assert_eq!(effect, Some(Effect::Disconnect));
}
