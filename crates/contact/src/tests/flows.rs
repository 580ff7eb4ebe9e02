//! Flows, put together block by block.

use serde_json::{Value, json};

pub(super) fn flow(actions: &[Value]) -> Value {
    json!({ "Version": "2019-10-30", "StartAction": actions[0]["Identifier"], "Actions": actions, "Metadata": {} })
}

pub(super) fn action(id: &str, kind: &str, parameters: Value, next: &str, error: &str) -> Value {
    json!({
        "Identifier": id, "Type": kind, "Parameters": parameters,
        "Transitions": {
            "NextAction": next,
            "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": error }],
            "Conditions": [],
        },
    })
}

pub(super) fn streaming(id: &str, state: &str, directions: &[&str], next: &str, error: &str) -> Value {
    let parameters = json!({
        "MediaStreamingState": state, "MediaStreamType": "Audio",
        "Participants": [{ "ParticipantType": "Customer", "MediaDirections": directions }],
    });
    action(id, "UpdateContactMediaStreamingBehavior", parameters, next, error)
}

pub(super) fn start(id: &str, next: &str, error: &str) -> Value {
    streaming(id, "Enabled", &["From"], next, error)
}

pub(super) fn stop(id: &str, next: &str) -> Value {
    streaming(id, "Disabled", &["From"], next, "end")
}

pub(super) fn say(id: &str, text: &str, next: &str) -> Value {
    action(id, "MessageParticipant", json!({ "Text": text }), next, next)
}

pub(super) fn invoke(id: &str, parameters: Value, next: &str, error: &str) -> Value {
    let parameters = json!({
        "LambdaFunctionARN": "arn:aws:lambda:us-west-2:111122223333:function:f",
        "InvocationTimeLimitSeconds": "3", "LambdaInvocationAttributes": parameters,
    });
    action(id, "InvokeLambdaFunction", parameters, next, error)
}

pub(super) fn set(id: &str, attributes: Value, next: &str) -> Value {
    action(id, "UpdateContactAttributes", json!({ "Attributes": attributes }), next, "set failed")
}

pub(super) fn hang_up() -> Value {
    json!({ "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} })
}

/// A flow that starts and then talks without end.
pub(super) fn start_and_talk() -> Value {
    flow(&[
        start("start", "talk", "no streaming"),
        say("talk", "talk", "talk"),
        say("no streaming", "sorry", "talk"),
    ])
}
