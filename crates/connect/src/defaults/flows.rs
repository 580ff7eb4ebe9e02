//! The flows that every instance begins with: one for each event of a contact, and small samples.

use crate::flows::FlowType;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A flow that an instance begins with.
pub(super) struct DefaultFlow {
    pub(super) name: &'static str,
    pub(super) flow_type: FlowType,
    pub(super) description: Option<&'static str>,
    pub(super) content: String,
}

/// All of them. The prompts are those of the instance, by name with their ARNs.
pub(super) fn all(prompts: &BTreeMap<&str, String>, basic_queue: &str) -> Vec<DefaultFlow> {
    let prompt = |name: &str| prompts.get(name).cloned().unwrap_or_default();
    let flow = |name, flow_type, description, actions: Vec<Value>| DefaultFlow {
        name,
        flow_type,
        description,
        content: content(&actions),
    };
    let hold = json!([{ "SSML": "<speak>You are on hold.<break time=\"10s\"/></speak>" }]);
    let wait = json!([
        { "Text": "Thank you for calling. Your call is very important to us and will be answered in the order it was received." },
        { "PromptId": prompt("CustomerQueue.wav") },
    ]);
    vec![
        flow("Default agent hold", FlowType::AgentHold, None, vec![repeat("hold", hold), over("end")]),
        flow(
            "Default agent transfer",
            FlowType::AgentTransfer,
            None,
            vec![
                say("say", "Transferring now.", "transfer"),
                json!({ "Identifier": "transfer", "Type": "TransferContactToAgent", "Parameters": {}, "Transitions": {} }),
            ],
        ),
        flow(
            "Default agent whisper",
            FlowType::AgentWhisper,
            None,
            vec![say("say", "$.Queue.Name", "end"), over("end")],
        ),
        flow(
            "Default customer hold",
            FlowType::CustomerHold,
            Some("Default audio the customer hears while on hold."),
            vec![repeat("hold", json!([{ "PromptId": prompt("CustomerHold.wav") }])), over("end")],
        ),
        flow(
            "Default customer queue",
            FlowType::CustomerQueue,
            Some("Default audio played when a customer is waiting in queue."),
            vec![repeat("wait", wait), over("end")],
        ),
        flow(
            "Default customer whisper",
            FlowType::CustomerWhisper,
            Some("Default whisper played to the customer"),
            vec![
                action(
                    "beep",
                    "MessageParticipant",
                    json!({ "PromptId": prompt("Beep.wav") }),
                    "end",
                    &["NoMatchingError"],
                    json!([]),
                ),
                over("end"),
            ],
        ),
        flow(
            "Default outbound",
            FlowType::OutboundWhisper,
            Some("Default flow for outbound calls."),
            vec![say("say", "This call is not being recorded.", "end"), over("end")],
        ),
        flow(
            "Default queue transfer",
            FlowType::QueueTransfer,
            Some("Default flow used to transfer to a queue."),
            to_queue(vec![]),
        ),
        flow(
            "Sample AB test",
            FlowType::ContactFlow,
            Some("Two greetings, each for half of the callers."),
            ab_test(),
        ),
        flow(
            "Sample disconnect flow",
            FlowType::ContactFlow,
            Some("What a customer hears when the agent has left."),
            vec![say("say", "Thank you for your call. Goodbye.", "end"), hang_up("end")],
        ),
        flow(
            "Sample inbound flow (first contact experience)",
            FlowType::ContactFlow,
            Some("A menu: one key leads to the queue, another one repeats."),
            inbound(basic_queue),
        ),
        flow(
            "Sample interruptible queue flow with callback",
            FlowType::CustomerQueue,
            Some("What is heard while waiting."),
            vec![
                repeat("wait", json!([{ "PromptId": prompt("Music_Pop_ThisAndThatIsLife_Inst.wav") }])),
                over("end"),
            ],
        ),
        flow(
            "Sample Lambda integration",
            FlowType::ContactFlow,
            Some("Says what an attribute holds, which a function may have set."),
            vec![say("say", "Hello $.Attributes.greetingName. Goodbye.", "end"), hang_up("end")],
        ),
        flow(
            "Sample note for screenpop",
            FlowType::ContactFlow,
            Some("Sets an attribute that the agent is shown."),
            vec![
                attribute("note", "note", "Sample note", "say"),
                say("say", "The note is set. Goodbye.", "end"),
                hang_up("end"),
            ],
        ),
        flow(
            "Sample queue configurations flow",
            FlowType::ContactFlow,
            Some("Chooses a queue and puts the caller into it."),
            queued(basic_queue),
        ),
        flow(
            "Sample queue customer",
            FlowType::ContactFlow,
            Some("Puts the caller into a queue."),
            queued(basic_queue),
        ),
        flow(
            "Sample recording behavior",
            FlowType::ContactFlow,
            Some("Says that nothing is recorded."),
            vec![say("say", "This call is not being recorded. Goodbye.", "end"), hang_up("end")],
        ),
        flow(
            "Sample secure input with agent",
            FlowType::QueueTransfer,
            Some("Where an agent would send a customer to key something in."),
            to_queue(vec![]),
        ),
        flow(
            "Sample secure input with no agent",
            FlowType::ContactFlow,
            Some("Takes digits, and says how many callers would have keyed."),
            vec![say("say", "Please have your number at hand and call again.", "end"), hang_up("end")],
        ),
    ]
}

fn content(actions: &[Value]) -> String {
    let start = actions.first().map_or(&Value::Null, |action| &action["Identifier"]);
    json!({ "Version": "2019-10-30", "StartAction": start, "Metadata": {}, "Actions": actions }).to_string()
}

/// An action whose errors all lead on as if there were none.
fn action(id: &str, kind: &str, parameters: Value, next: &str, errors: &[&str], conditions: Value) -> Value {
    let errors: Vec<Value> =
        errors.iter().map(|error| json!({ "NextAction": next, "ErrorType": error })).collect();
    json!({ "Identifier": id, "Type": kind, "Parameters": parameters,
        "Transitions": { "NextAction": next, "Errors": errors, "Conditions": conditions } })
}

fn say(id: &str, text: &str, next: &str) -> Value {
    action(id, "MessageParticipant", json!({ "Text": text }), next, &["NoMatchingError"], json!([]))
}

fn attribute(id: &str, key: &str, value: &str, next: &str) -> Value {
    let parameters = json!({ "Attributes": { key: value }, "TargetContact": "Current" });
    action(id, "UpdateContactAttributes", parameters, next, &["NoMatchingError"], json!([]))
}

/// Plays messages again and again, and ends the flow where they cannot be played.
fn repeat(id: &str, messages: Value) -> Value {
    json!({ "Identifier": id, "Type": "MessageParticipantIteratively", "Parameters": { "Messages": messages },
        "Transitions": { "Errors": [{ "NextAction": "end", "ErrorType": "NoMatchingError" }] } })
}

/// Ends the flow; the contact goes on.
fn over(id: &str) -> Value {
    json!({ "Identifier": id, "Type": "EndFlowExecution", "Parameters": {}, "Transitions": {} })
}

fn hang_up(id: &str) -> Value {
    json!({ "Identifier": id, "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} })
}

fn equals(operand: &str, next: &str) -> Value {
    json!({ "NextAction": next, "Condition": { "Operator": "Equals", "Operands": [operand] } })
}

/// Into the queue while it is open and staffed, else a sentence. What comes before it sets the queue.
fn to_queue(before: Vec<Value>) -> Vec<Value> {
    let queue_errors = json!([
        { "NextAction": "closed", "ErrorType": "QueueAtCapacity" },
        { "NextAction": "closed", "ErrorType": "NoMatchingError" },
    ]);
    let metric_errors = json!([
        { "NextAction": "closed", "ErrorType": "NoMatchingError" },
        { "NextAction": "closed", "ErrorType": "NoMatchingCondition" },
    ]);
    let staffed = json!([{ "NextAction": "queue", "Condition": { "Operator": "NumberGreaterThan", "Operands": ["0"] } }]);
    let mut actions = before;
    actions.extend([
        action(
            "hours",
            "CheckHoursOfOperation",
            json!({}),
            "closed",
            &["NoMatchingError"],
            json!([equals("True", "staff"), equals("False", "closed")]),
        ),
        json!({ "Identifier": "staff", "Type": "CheckMetricData", "Parameters": { "MetricType": "NumberOfAgentsStaffed" },
            "Transitions": { "NextAction": "closed", "Errors": metric_errors, "Conditions": staffed } }),
        json!({ "Identifier": "queue", "Type": "TransferContactToQueue", "Parameters": {},
            "Transitions": { "NextAction": "closed", "Errors": queue_errors, "Conditions": [] } }),
        say("closed", "We are not able to take your call right now. Goodbye.", "end"),
        hang_up("end"),
    ]);
    actions
}

fn queued(basic_queue: &str) -> Vec<Value> {
    let set = json!({ "QueueId": basic_queue });
    to_queue(vec![action("set", "UpdateContactTargetQueue", set, "hours", &["NoMatchingError"], json!([]))])
}

fn inbound(basic_queue: &str) -> Vec<Value> {
    let errors: Vec<Value> = ["NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded"]
        .iter()
        .map(|error| json!({ "NextAction": "bye", "ErrorType": error }))
        .collect();
    let menu = json!({ "Identifier": "menu", "Type": "GetParticipantInput",
        "Parameters": { "StoreInput": "False", "InputTimeLimitSeconds": "8",
            "Text": "Hello. Press 1 to speak to an agent, or 2 to hear this again." },
        "Transitions": { "NextAction": "bye", "Errors": errors,
            "Conditions": [equals("1", "set"), equals("2", "menu")] } });
    let mut actions = vec![menu];
    actions.extend(queued(basic_queue));
    actions.extend([say("bye", "Goodbye.", "gone"), hang_up("gone")]);
    actions
}

fn ab_test() -> Vec<Value> {
    let half =
        json!([{ "NextAction": "a", "Condition": { "Operator": "NumberLessThan", "Operands": ["51"] } }]);
    vec![
        json!({ "Identifier": "share", "Type": "DistributeByPercentage", "Parameters": {},
            "Transitions": { "NextAction": "b", "Errors": [{ "NextAction": "b", "ErrorType": "NoMatchingCondition" }],
                "Conditions": half } }),
        say("a", "Hello, this is greeting A. Goodbye.", "end"),
        say("b", "Hello, this is greeting B. Goodbye.", "end"),
        hang_up("end"),
    ]
}
