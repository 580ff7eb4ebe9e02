//! What keeps a flow from being published, and where it says so.

use crate::stage::{fixture, flow};
use serde_json::json;
use tympan_flow::{Flow, FlowType, Format, Standing};

fn problems(flow: &Flow) -> Vec<String> {
    flow.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn every_problem_names_its_place() {
    assert_eq!(
        problems(&fixture("broken.json")),
        [
            "Version must be \"2019-10-30\"",
            "StartAction names \"nobody\", which is not a block of this flow",
            "Actions[0].Parameters.LoopCount is missing",
            "Actions[0].Transitions lack the condition Equals DoneLooping",
            "Actions[1].Transitions.Errors[0].NextAction names \"nowhere\", which is not a block of this flow",
            "Actions[1].Transitions.Conditions[0].Condition.Operands[0] must not be empty",
            "Actions[1].Transitions.Conditions[1].Condition.Operator \"Resembles\" is not an operator",
            "Actions[2].Type \"SendCarrierPigeon\" is not a type of block",
            "Actions[3].Identifier \"pigeon\" is used more than once",
            "Actions[3].Parameters have none of PromptId, Text, SSML and Media",
            "Actions[4].Identifier must not contain '%'",
            "Actions[4].Parameters.LambdaFunctionARN must not be empty",
            "Actions[4].Transitions.Errors[0].NextAction names no block",
            "Actions[5].Identifier must not be \"toString\"",
            "Actions[5].Parameters.MediaStreamingState must be \"Enabled\" or \"Disabled\"",
            "Actions[5].Parameters.Participants is missing",
            "Actions[5].Transitions.Errors lack the error NoMatchingError",
            "Actions[6].Transitions.NextAction is missing",
            "Actions[6].Parameters.Text cannot be used together with PromptId",
        ]
    );
}

#[test]
fn an_older_export_is_told_in_its_own_words() {
    let export = json!({ "modules": [
        { "id": "a", "type": "InvokeExternalResource", "target": "Lambda",
          "branches": [{ "condition": "Success", "transition": "z" }],
          "parameters": [{ "name": "FunctionArn", "value": "arn:f" }, { "name": "TimeLimit", "value": "60" }] },
        { "id": "b", "type": "CheckAttribute", "parameters": [],
          "branches": [{ "condition": "Evaluate", "conditionType": "Like", "conditionValue": "", "transition": "a" }] },
        { "id": "c", "type": "Loop", "parameters": [{ "name": "LoopCount", "value": 101 }], "branches": [] },
        { "id": "d", "type": "StopMediaStreaming", "parameters": [{ "name": "MediaStreamTypes", "value": "Audio" }],
          "branches": [{ "condition": "Success", "transition": "a" }] },
    ], "start": "x" });
    let flow = Flow::parse(&export.to_string()).unwrap();
    assert_eq!(flow.format(), Format::DesignerModules);
    assert_eq!(
        problems(&flow),
        [
            "start names \"x\", which is not a block of this flow",
            "modules[0].parameters.TimeLimit must be a whole number from 1 to 8",
            "modules[0].branches[0].transition names \"z\", which is not a block of this flow",
            "modules[1].parameters.Attribute is missing",
            "modules[1].branches[0].conditionType \"Like\" is not an operator",
            "modules[2].parameters.LoopCount must be a whole number from 0 to 100",
            "modules[2].branches lack the condition Equals ContinueLooping",
            "modules[2].branches lack the condition Equals DoneLooping",
            "modules[2].branches lead nowhere: the flow would end here",
            "modules[3].parameters.Track names no direction of the customer's audio",
        ]
    );
}

#[test]
fn the_sound_fixtures_have_no_problem() {
    for name in [
        "seed.json",
        "seed-modules.json",
        "menu.json",
        "store-input.json",
        "already-streaming.json",
        "numbers.json",
        "transfer.json",
        "queue.json",
        "whisper-modules.json",
    ] {
        assert_eq!(problems(&fixture(name)), [""; 0], "{name}");
    }
}

#[test]
fn more_than_250_blocks_are_too_many() {
    let block = |index: usize| json!({ "Identifier": format!("b{index}"), "Type": "EndFlowExecution" });
    let of = |count: usize| flow((0..count).map(block).collect());
    assert_eq!(problems(&of(250)), [""; 0]);
    assert_eq!(problems(&of(251)), ["Actions has 251 blocks, 250 are allowed"]);
}

#[test]
fn an_identifier_has_50_characters_at_most_of_any_script() {
    let named = |name: &str| flow(json!([{ "Identifier": name, "Type": "EndFlowExecution" }]));
    assert_eq!(problems(&named(&"\u{1f3a4}".repeat(50))), [""; 0]);
    assert_eq!(
        problems(&named(&"x".repeat(51))),
        ["Actions[0].Identifier has 51 characters, 50 are allowed"]
    );
    assert_eq!(problems(&named("Play 1 min of silence")), [""; 0]);
}

#[test]
fn known_types_that_are_not_performed_are_no_problem() {
    for action in tympan_flow::actions().iter().filter(|action| action.standing() != Standing::Performed) {
        let errors: Vec<_> =
            action.errors().map(|(kind, _)| json!({ "ErrorType": kind.word(), "NextAction": "a" })).collect();
        let (mut parameters, mut transitions) = (json!({}), json!({ "NextAction": "a", "Errors": errors }));
        if action.is_terminal() {
            transitions = json!({});
        }
        for (parameter, _) in action.parameters().filter(|(_, is_required)| *is_required) {
            parameters[parameter] = match parameter {
                "Messages" => json!([{ "Text": "hi" }]),
                "ViewResource" | "ChatBehavior" => json!({}),
                "PreviousContactParticipantState" => json!("OffHold"),
                "ContinueFlowExecution" => {
                    json!(if action.form() == "coming back" { "True" } else { "False" })
                }
                "EnableDTMFBuffer" => json!("True"),
                _ => json!("1"),
            };
        }
        let block = json!({ "Identifier": "a", "Type": action.name(), "Parameters": parameters, "Transitions": transitions });
        let flow = flow(json!([block]));
        assert_eq!(problems(&flow), [""; 0], "{action:?}");
        assert!(!flow.blocks()[0].is_supported(), "{action:?}");
        assert!(!flow.blocks()[0].reason().is_empty(), "{action:?}");
    }
}

#[test]
fn what_the_table_says_of_an_action_is_checked() {
    let of = |kind: &str, parameters: serde_json::Value, transitions: serde_json::Value| {
        problems(&flow(json!([
            { "Identifier": "a", "Type": kind, "Parameters": parameters, "Transitions": transitions },
        ])))
    };
    let error = |kind: &str| json!({ "ErrorType": kind, "NextAction": "a" });
    let next = json!({ "NextAction": "a", "Errors": [error("NoMatchingError")] });
    let both = ["True", "False"].map(
        |result| json!({ "NextAction": "a", "Condition": { "Operator": "Equals", "Operands": [result] } }),
    );
    for (kind, parameters, transitions, expected) in [
        (
            "TagContact",
            json!({ "Tags": { "a": "b" }, "Tag": 1 }),
            next.clone(),
            "Actions[0].Parameters.Tag is not a parameter of TagContact",
        ),
        (
            "TagContact",
            json!({ "Tags": { "a": "" } }),
            next.clone(),
            "Actions[0].Parameters.Tags has an empty value for \"a\"",
        ),
        ("TagContact", json!({ "Tags": {} }), next.clone(), "Actions[0].Parameters.Tags names nothing"),
        (
            "UntagContact",
            json!({ "TagKeys": "a" }),
            next.clone(),
            "Actions[0].Parameters.TagKeys must be a list",
        ),
        (
            "DisconnectParticipant",
            json!({}),
            next.clone(),
            "Actions[0].Transitions must be empty: nothing comes after DisconnectParticipant",
        ),
        (
            "Compare",
            json!({ "ComparisonValue": "$.External" }),
            json!({ "NextAction": "a", "Errors": [error("NoMatchingCondition")],
            "Conditions": [{ "NextAction": "a", "Condition": { "Operator": "Equals", "Operands": ["1"] } }] }),
            "Actions[0].Parameters.ComparisonValue must be a JSONPath reference such as $.Attributes.name",
        ),
        (
            "Compare",
            json!({ "ComparisonValue": "$.External.a" }),
            json!({ "NextAction": "a", "Errors": [error("NoMatchingCondition")] }),
            "Actions[0].Transitions lack a condition",
        ),
        (
            "UpdateFlowLoggingBehavior",
            json!({ "FlowLoggingBehavior": "On" }),
            json!({ "NextAction": "a" }),
            "Actions[0].Parameters.FlowLoggingBehavior must be \"Enabled\" or \"Disabled\"",
        ),
        (
            "UpdateFlowLoggingBehavior",
            json!({ "FlowLoggingBehavior": "Enabled" }),
            next.clone(),
            "Actions[0].Transitions.Errors[0].ErrorType \"NoMatchingError\" is not an error of UpdateFlowLoggingBehavior",
        ),
        (
            "CheckHoursOfOperation",
            json!({ "HoursOfOperationId": "" }),
            json!({ "NextAction": "a", "Errors": [error("NoMatchingError")],
            "Conditions": both }),
            "Actions[0].Parameters.HoursOfOperationId must not be empty",
        ),
        (
            "TransferToFlow",
            json!({ "ContactFlowId": "x $.Attributes.a" }),
            next.clone(),
            "Actions[0].Parameters.ContactFlowId must be a text or one whole reference",
        ),
    ] {
        assert_eq!(of(kind, parameters, transitions), [expected]);
    }
}

#[test]
fn a_block_may_stand_only_in_flows_of_its_types() {
    let whisper = fixture("seed.json").problems_as(FlowType::AgentWhisper);
    let places: Vec<_> = whisper.iter().map(ToString::to_string).collect();
    assert!(
        places
            .iter()
            .any(|place| place
                .contains("\"DisconnectParticipant\" may not stand in a flow of type AGENT_WHISPER")),
        "{places:?}"
    );
    assert_eq!(fixture("seed.json").problems_as(FlowType::ContactFlow), []);
}
