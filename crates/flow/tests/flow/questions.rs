//! What a flow asks for and cannot know: hours, metrics, a random number, other flows.

use crate::stage::{Stage, flow, say};
use serde_json::{Value, json};
use tympan_flow::{
    Answer, Effect, Flow, FlowIdentity, FlowType, Input, Metrics, MetricsOf, Question, ResourceRef,
    RoutedFlow,
};

fn asking(kind: &str, parameters: Value, conditions: &[(&str, &str, &str)]) -> Flow {
    let branches: Vec<_> = conditions
        .iter()
        .map(|(operator, operand, to)| json!({ "NextAction": to, "Condition": { "Operator": operator, "Operands": [operand] } }))
        .collect();
    let error = |kind: &str, to: &str| json!({ "ErrorType": kind, "NextAction": to });
    let mut blocks =
        vec![json!({ "Identifier": "ask", "Type": kind, "Parameters": parameters, "Transitions": {
        "NextAction": "next", "Conditions": branches,
        "Errors": [error("NoMatchingError", "failed"), error("NoMatchingCondition", "none")] } })];
    let ends = ["next", "failed", "none"].into_iter().chain(conditions.iter().map(|(_, _, to)| *to));
    blocks.extend(ends.map(|id| {
        let text = format!("{id} <$.Metrics.Queue.Name|$.Metrics.Queue.Size|$.Metrics.Queue.OldestContactAge|$.Metrics.Agents.Online.Count>");
        json!({ "Identifier": id, "Type": "MessageParticipant", "Parameters": { "Text": if kind == "GetMetricData" { &text } else { id } } })
    }));
    flow(json!(blocks))
}

fn metrics() -> Answer {
    Answer::Metrics(Box::new(Metrics {
        queue_name: "Sales".into(),
        contacts_in_queue: 3,
        oldest_contact_age_ms: 61_500,
        agents_online: 7,
        agents_available: 0,
        ..Metrics::default()
    }))
}

#[test]
fn hours_are_open_closed_or_not_known() {
    let parameters = json!({ "HoursOfOperationId": "h1" });
    let conditions = [("Equals", "True", "open"), ("Equals", "False", "closed")];
    for (input, heard) in [
        (Input::Answer(Answer::IsOpen(true)), "open"),
        (Input::Answer(Answer::IsOpen(false)), "closed"),
        (Input::Failed { reason: "no such hours".into() }, "failed"),
    ] {
        let mut stage = Stage::new(asking("CheckHoursOfOperation", parameters.clone(), &conditions));
        let asked = Question::Hours { hours: Some(ResourceRef::of("h1")) };
        assert_eq!(stage.start(), Some(Effect::Ask(asked)));
        assert_eq!(stage.give(input), say(heard));
    }
    let mut stage = Stage::new(asking("CheckHoursOfOperation", json!({}), &conditions));
    assert_eq!(
        stage.start(),
        Some(Effect::Ask(Question::Hours { hours: None })),
        "those of the target queue"
    );
}

#[test]
fn a_metric_is_compared_the_age_in_milliseconds() {
    for (kind, operator, operand, heard) in [
        ("NumberOfAgentsOnline", "NumberGreaterThan", "0", "met"),
        ("NumberOfAgentsAvailable", "NumberGreaterThan", "0", "none"),
        ("NumberOfContactsInQueue", "NumberGreaterOrEqualTo", "3", "met"),
        ("OldestContactInQueueAgeSeconds", "NumberGreaterThan", "60000", "met"),
        ("OldestContactInQueueAgeSeconds", "NumberGreaterThan", "300000", "none"),
    ] {
        let parameters = json!({ "MetricType": kind, "QueueId": "q" });
        let mut stage = Stage::new(asking("CheckMetricData", parameters, &[(operator, operand, "met")]));
        let asked = Question::Metrics { of: MetricsOf::Queue(ResourceRef::of("q")), channel: None };
        assert_eq!(stage.start(), Some(Effect::Ask(asked)));
        assert_eq!(stage.answer(metrics()), say(heard), "{kind} {operator} {operand}");
    }
    let parameters = json!({ "MetricType": "NumberOfContactsInQueue", "AgentId": "a" });
    let mut stage = Stage::new(asking("CheckMetricData", parameters, &[("Equals", "0", "met")]));
    assert_eq!(stage.start(), say("failed"), "an agent has no queue to look at");
}

#[test]
fn metrics_are_kept_for_later_blocks() {
    let mut stage = Stage::new(asking("GetMetricData", json!({ "QueueChannel": "Voice" }), &[]));
    let asked = Question::Metrics { of: MetricsOf::TargetQueue, channel: Some("Voice".into()) };
    assert_eq!(stage.start(), Some(Effect::Ask(asked)));
    assert_eq!(stage.answer(metrics()), say("next <Sales|3|61|7>"));
    let mut stage = Stage::new(asking("GetMetricData", json!({}), &[]));
    stage.start();
    assert_eq!(stage.fail(), say("failed <|||>"));
}

#[test]
fn a_draw_takes_the_branch_of_its_share() {
    let shares = [("NumberLessThan", "4", "three"), ("NumberLessThan", "10", "six")];
    for (number, heard) in [(1, "three"), (3, "three"), (4, "six"), (9, "six"), (10, "none"), (100, "none")] {
        let mut stage = Stage::new(asking("DistributeByPercentage", json!({}), &shares));
        assert_eq!(stage.start(), Some(Effect::Ask(Question::Percent)));
        assert_eq!(stage.answer(Answer::Percent(number)), say(heard), "{number}");
    }
}

#[test]
fn shares_of_the_older_export_add_up() {
    let export = json!({ "modules": [
        { "id": "a", "type": "PercentileBranching", "parameters": [], "branches": [
            { "condition": "Evaluate", "conditionType": "Equals", "conditionValue": "3", "transition": "b" },
            { "condition": "Evaluate", "conditionType": "Equals", "conditionValue": 6, "transition": "c" },
            { "condition": "NoMatch", "transition": "d" } ] },
        { "id": "b", "type": "PlayPrompt", "parameters": [{ "name": "Text", "value": "three" }], "branches": [{ "condition": "Success", "transition": "d" }] },
        { "id": "c", "type": "PlayPrompt", "parameters": [{ "name": "Text", "value": "six" }], "branches": [{ "condition": "Success", "transition": "d" }] },
        { "id": "d", "type": "Disconnect", "parameters": [], "branches": [] },
    ], "start": "a" });
    for (number, effect) in
        [(3, say("three")), (4, say("six")), (9, say("six")), (10, Some(Effect::Disconnect))]
    {
        let mut stage = Stage::new(Flow::parse(&export.to_string()).unwrap());
        stage.start();
        assert_eq!(stage.answer(Answer::Percent(number)), effect, "{number}");
    }
}

#[test]
fn only_flows_of_three_types_take_transfers() {
    for flow_type in FlowType::ALL {
        let mut stage = Stage::of("transfer.json").knowing("$.Attributes.nextFlow", "other");
        stage.start();
        let other = flow(
            json!([{ "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "other" } }]),
        );
        let identity = FlowIdentity { arn: "arn:other".into(), name: "Other".into() };
        let heard = stage.give(Input::Flow(RoutedFlow { flow: other.into(), identity, flow_type }));
        let takes =
            matches!(flow_type, FlowType::ContactFlow | FlowType::AgentTransfer | FlowType::QueueTransfer);
        assert_eq!(heard, say(if takes { "other" } else { "There is no such flow." }), "{flow_type}");
        // The replay at the end knows each flow that was given.
    }
}

#[test]
fn a_hundred_functions_in_a_row_are_the_most() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "call", "Type": "InvokeLambdaFunction", "Parameters": { "LambdaFunctionARN": "arn:f" },
          "Transitions": { "NextAction": "call", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "sorry" }] } },
        { "Identifier": "sorry", "Type": "MessageParticipant", "Parameters": { "Text": "sorry" }, "Transitions": { "NextAction": "call" } },
    ])));
    let mut effect = stage.start();
    let mut calls = 0;
    while matches!(effect, Some(Effect::InvokeLambda { .. })) {
        calls += 1;
        effect = stage.give(Input::LambdaReturned(json!({})));
    }
    assert_eq!((calls, effect), (100, say("sorry")));
    assert!(stage.last_log().2.unwrap().contains("100 functions in a row"));
    assert!(matches!(stage.done(), Some(Effect::InvokeLambda { .. })), "the caller has heard something");
}

#[test]
fn a_flow_that_turns_without_end_takes_an_error_branch_and_then_is_over() {
    let turning = |errors: Value| {
        Stage::new(flow(json!([
            { "Identifier": "a", "Type": "UpdateFlowAttributes", "Parameters": { "FlowAttributes": { "a": { "Value": "1" } } },
              "Transitions": { "NextAction": "a", "Errors": errors } },
            { "Identifier": "sorry", "Type": "MessageParticipant", "Parameters": { "Text": "sorry" }, "Transitions": { "NextAction": "end" } },
            { "Identifier": "end", "Type": "DisconnectParticipant" },
        ])))
    };
    let mut kind = turning(json!([{ "ErrorType": "NoMatchingError", "NextAction": "sorry" }]));
    assert_eq!(kind.start(), say("sorry"));
    assert!(kind.last_log().2.unwrap().contains("1000 blocks"));
    assert_eq!(kind.done(), Some(Effect::Disconnect));
    let mut unkind = turning(json!([]));
    assert_eq!(unkind.start(), Some(Effect::Disconnect));
    assert!(unkind.last_log().2.unwrap().contains("went on after that"));
}
