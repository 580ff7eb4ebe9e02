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
    "Key",
    "LoggingBehavior",
    "LoopCount",
    "MaxDigits",
    "MediaStreamTypes",
    "ResponseValidation",
    "TextToSpeechType",
    "TimeLimit",
    "Timeout",
    "Track",
];

/// Parameters that name something of the instance, but may be computed.
const RESOURCES: &[&str] = &["AudioPrompt", "ContactFlowId", "FunctionArn"];

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn an_operator_may_want_the_values() {
        let json = entry(ContactId::from_random([0; 16]), &failed_lambda(), true);
        assert_eq!(json["Parameters"]["Value"], "4444");
        assert_eq!(json["ExternalResults"]["Key"], "5555");
    }
}
