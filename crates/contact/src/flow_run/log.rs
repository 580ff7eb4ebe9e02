//! Entries of the flow log as the server writes them.
//!
//! Source: Administrator Guide, "What data is gathered in contact flow logs". Other than there, what an entry was
//! given by the caller, an attribute or a function reads `[redacted]` unless the operator wants it.

use serde_json::{Map, Value, json};
use tympan_flow::{FlowIdentity, LogEntry};
use tympan_types::{ContactId, WallTime};

/// An entry of the interpreter's.
pub(crate) fn entry(contact: ContactId, entry: &LogEntry, with_values: bool) -> Value {
    let mut json = entry.to_json();
    if !with_values {
        if let Some(Value::Object(parameters)) = json.get_mut("Parameters") {
            redact_parameters(parameters);
        }
        if let Some(external) = json.get_mut("ExternalResults") {
            redact(external);
        }
    }
    with_contact(contact, json)
}

/// An entry about something that happened outside the interpreter.
pub(crate) fn remark(
    now: WallTime,
    contact: ContactId,
    flow: &FlowIdentity,
    block: &str,
    results: &str,
    reason: &str,
) -> Value {
    let mut entry = Map::new();
    for (key, value) in [
        ("Results", results),
        ("ContactFlowId", &flow.arn),
        ("ContactFlowName", &flow.name),
        ("ContactFlowModuleType", block),
        ("Timestamp", &now.rfc3339_ms()),
        ("Reason", reason),
    ] {
        entry.insert(key.to_owned(), value.into());
    }
    entry.insert("Parameters".to_owned(), json!({}));
    with_contact(contact, entry)
}

fn with_contact(contact: ContactId, mut entry: Map<String, Value>) -> Value {
    entry.insert("ContactId".to_owned(), contact.to_string().into());
    Value::Object(entry)
}

/// Hides what is not known to come from the flow itself.
fn redact_parameters(parameters: &mut Map<String, Value>) {
    for (name, value) in parameters {
        let name = name.as_str();
        let is_shown =
            FROM_THE_FLOW.contains(&name) || (RESOURCES.contains(&name) && names_a_resource(value));
        if !is_shown {
            redact(value);
        }
    }
}

/// An ARN or a UUID: a reference to something of the instance, wherever the flow has it from.
fn names_a_resource(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("arn:aws:") || uuid::Uuid::try_parse(text).is_ok())
}

/// Hides every text, number and flag; the names of members stay.
fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(_, value)| redact(value)),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Null => {}
        leaf => *leaf = "[redacted]".into(),
    }
}

/// Parameters that are written in the flow, not computed from what a caller or a function said.
const FROM_THE_FLOW: &[&str] = &[
    "AbsolutePosition",
    "BlindTransfer",
    "EnableDTMFBuffer",
    "HoldState",
    "InitialDelaySeconds",
    "InterruptSeconds",
    "InvocationType",
    "Key",
    "LoggingBehavior",
    "LoopCount",
    "MaxDigits",
    "MaxRetryAttempts",
    "MediaStreamTypes",
    "MetricType",
    "RecordingBehaviorOption",
    "RecordingParticipantOption",
    "ResponseValidation",
    "RetryDelaySeconds",
    "TagKeys",
    "TextToSpeechType",
    "TimeLimit",
    "TimeOffset",
    "Timeout",
    "Track",
    "Type",
];

/// Parameters that name something of the instance, but may be computed.
const RESOURCES: &[&str] = &[
    "Agent",
    "AudioPrompt",
    "BotAliasArn",
    "ContactFlowId",
    "FlowModuleId",
    "FunctionArn",
    "HoursOfOperation",
    "Queue",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failed_lambda() -> LogEntry {
        LogEntry {
            results: Some("Success".to_owned()),
            contact_flow_id: "arn:flow".to_owned(),
            contact_flow_name: "demo".to_owned(),
            contact_flow_module_type: "InvokeExternalResource".to_owned(),
            identifier: "f".to_owned(),
            timestamp: WallTime::from_unix_ms(0),
            parameters: json!({
                "FunctionArn": "arn:aws:lambda:us-west-2:111122223333:function:f",
                "ContactFlowId": "what a caller said",
                "Parameters": { "Key": "1111", "pin": ["2222", 3333] },
                "Value": "4444",
                "Unset": null,
                "Track": ["FromCustomer"],
            }),
            module_execution_stack: Vec::new(),
            external_results: Some(json!({ "Key": "5555" })),
            reason: None,
            always: false,
        }
    }

    #[test]
    fn names_stay_and_values_go() {
        let contact = ContactId::from_random([0; 16]);
        let json = entry(contact, &failed_lambda(), false);
        assert_eq!(json["ContactId"], contact.to_string());
        assert_eq!(
            json["Parameters"],
            json!({
                "FunctionArn": "arn:aws:lambda:us-west-2:111122223333:function:f",
                "ContactFlowId": "[redacted]",
                "Parameters": { "Key": "[redacted]", "pin": ["[redacted]", "[redacted]"] },
                "Value": "[redacted]",
                "Unset": null,
                "Track": ["FromCustomer"],
            })
        );
        assert_eq!(json["ExternalResults"], json!({ "Key": "[redacted]" }));
    }

    /// Any JSON in which every text, number and flag is a secret that can be told from all else.
    fn secrets() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0u32..9).prop_map(|n| json!(format!("secret-{n}"))),
            (7_000_000u32..7_000_009).prop_map(|n| json!(n)),
            any::<bool>().prop_map(|flag| json!(flag)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The names and the shape, with all leaves but nulls replaced.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), shape(value))).collect())
            }
            Value::Array(items) => items.iter().map(shape).collect(),
            Value::Null => Value::Null,
            _ => json!("[redacted]"),
        }
    }

    proptest! {
        #[test]
        fn whatever_a_function_answers_or_a_caller_says_its_shape_alone_is_logged(
            said in secrets(),
            answered in secrets(),
        ) {
            let log = LogEntry {
                parameters: json!({ "Value": said.clone(), "ContactFlowId": said.clone(), "Timeout": "5" }),
                external_results: Some(answered.clone()),
                ..failed_lambda()
            };
            let json = entry(ContactId::from_random([0; 16]), &log, false);
            let expected = json!({ "Value": shape(&said), "ContactFlowId": shape(&said), "Timeout": "5" });
            prop_assert_eq!(&json["Parameters"], &expected);
            prop_assert_eq!(&json["ExternalResults"], &shape(&answered));
            let text = json.to_string();
            prop_assert!(!text.contains("secret-") && !text.contains("700000"));
        }
    }

    #[test]
    fn a_resource_is_shown_by_its_arn_and_by_its_uuid_and_by_nothing_else() {
        for (value, is_shown) in [
            ("arn:aws:connect:us-west-2:111122223333:instance/i/contact-flow/f", true),
            ("11111111-2222-4333-8444-555555555555", true),
            ("11111111-2222-4333-8444-55555555555", false),
            ("1234", false),
            ("", false),
        ] {
            let parameters = json!({ "ContactFlowId": value, "Pin": value });
            let log = LogEntry { parameters, ..failed_lambda() };
            let json = entry(ContactId::from_random([0; 16]), &log, false);
            let expected = if is_shown { value } else { "[redacted]" };
            assert_eq!(
                json["Parameters"],
                json!({ "ContactFlowId": expected, "Pin": "[redacted]" }),
                "{value}"
            );
        }
    }

    #[test]
    fn a_remark_names_its_contact_its_flow_and_what_happened() {
        let contact = ContactId::from_random([0; 16]);
        let flow = FlowIdentity { arn: "arn:flow".to_owned(), name: "demo".to_owned() };
        let json = remark(WallTime::from_unix_ms(0), contact, &flow, "Block", "Failed", "why");
        let expected = json!({
            "ContactId": contact.to_string(),
            "ContactFlowId": "arn:flow",
            "ContactFlowName": "demo",
            "ContactFlowModuleType": "Block",
            "Results": "Failed",
            "Reason": "why",
            "Timestamp": "1970-01-01T00:00:00.000Z",
            "Parameters": {},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn an_operator_may_want_the_values() {
        let json = entry(ContactId::from_random([0; 16]), &failed_lambda(), true);
        assert_eq!(json["Parameters"]["Value"], "4444");
        assert_eq!(json["ExternalResults"]["Key"], "5555");
    }
}
