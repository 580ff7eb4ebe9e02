//! What a flow refers to: resources by id or ARN, and by the names that exports have beside them.

use serde_json::Value;
use std::collections::BTreeSet;

/// A kind of resource that flows refer to, with its list in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Flow,
    Hours,
    Module,
    Prompt,
    Queue,
}

/// A reference to a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) name: Option<String>,
}

/// Parameters that refer to a resource, in the current language and in the older export.
const PARAMETERS: &[(&str, Kind)] = &[
    ("ContactFlowId", Kind::Flow),
    ("FlowModuleId", Kind::Module),
    ("HoursOfOperationId", Kind::Hours),
    ("HoursOfOperation", Kind::Hours),
    ("PromptId", Kind::Prompt),
    ("AudioPrompt", Kind::Prompt),
    ("QueueId", Kind::Queue),
    ("Queue", Kind::Queue),
];

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Hours => "hours",
            Self::Module => "module",
            Self::Prompt => "prompt",
            Self::Queue => "queue",
        }
    }

    /// The operation that lists them, its path before the instance, and the member of the list.
    pub(super) fn list(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Flow => ("ListContactFlows", "/contact-flows-summary", "ContactFlowSummaryList"),
            Self::Hours => {
                ("ListHoursOfOperations", "/hours-of-operations-summary", "HoursOfOperationSummaryList")
            }
            Self::Module => {
                ("ListContactFlowModules", "/contact-flow-modules-summary", "ContactFlowModulesSummaryList")
            }
            Self::Prompt => ("ListPrompts", "/prompts-summary", "PromptSummaryList"),
            Self::Queue => ("ListQueues", "/queues-summary", "QueueSummaryList"),
        }
    }
}

/// All references of a content that do not change from call to call, each once.
pub(super) fn of(content: &Value) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    for action in content["Actions"].as_array().into_iter().flatten() {
        let id = action["Identifier"].as_str().unwrap_or_default();
        let names = &content["Metadata"]["ActionMetadata"][id];
        within(&action["Parameters"], names, &mut found);
    }
    for module in content["modules"].as_array().into_iter().flatten() {
        for parameter in module["parameters"].as_array().into_iter().flatten() {
            let kind = parameter["name"].as_str().and_then(kind_of);
            let is_fixed = parameter["namespace"].as_str().is_none_or(str::is_empty);
            if let (Some(kind), Some(id), true) = (kind, parameter["value"].as_str(), is_fixed) {
                let name = parameter["resourceName"].as_str().map(str::to_owned);
                found.insert(Reference { kind, id: id.to_owned(), name });
            }
        }
    }
    found
}

fn kind_of(parameter: &str) -> Option<Kind> {
    PARAMETERS.iter().find(|(name, _)| *name == parameter).map(|(_, kind)| *kind)
}

/// Looks through parameters, also those within others.
fn within(parameters: &Value, names: &Value, found: &mut BTreeSet<Reference>) {
    match parameters {
        Value::Object(members) => {
            for (member, value) in members {
                match (kind_of(member), value.as_str()) {
                    (Some(kind), Some(id)) if !id.starts_with('$') => {
                        found.insert(Reference { kind, id: id.to_owned(), name: name(names, kind, member) });
                    }
                    (None, _) => within(value, names, found),
                    (Some(_), _) => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| within(item, names, found)),
        _ => {}
    }
}

/// The name that the designer kept of a resource.
fn name(names: &Value, kind: Kind, parameter: &str) -> Option<String> {
    let of_parameter = || {
        let known = &names["parameters"][parameter];
        known["displayName"].as_str().or_else(|| known["useDynamic"].as_str())
    };
    let text = |member: &str| names[member]["text"].as_str().or_else(|| names[member].as_str());
    let known = match kind {
        Kind::Flow => text("contactFlow").or_else(|| text("ContactFlow")),
        Kind::Hours => text("hours").or_else(|| text("Hours")),
        Kind::Module => text("contactFlowModuleName").or_else(|| text("flowModule")),
        Kind::Prompt => text("promptName").or_else(|| text("audio")),
        Kind::Queue => text("queue"),
    };
    known.or_else(of_parameter).filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_languages_name_what_they_refer_to() {
        let current = json!({ "Actions": [
            { "Identifier": "q", "Type": "UpdateContactTargetQueue", "Parameters": { "QueueId": "arn:q" } },
            { "Identifier": "p", "Type": "MessageParticipantIteratively", "Parameters": { "Messages": [{ "PromptId": "arn:p" }] } },
            { "Identifier": "d", "Type": "TransferToFlow", "Parameters": { "ContactFlowId": "$.Attributes.flow" } },
        ], "Metadata": { "ActionMetadata": { "q": { "queue": { "text": "BasicQueue" } }, "p": { "promptName": "Beep.wav" } } } });
        let older = json!({ "modules": [{ "type": "SetQueue", "parameters": [
            { "name": "Queue", "value": "arn:q", "namespace": null, "resourceName": "BasicQueue" },
            { "name": "Queue", "value": "Queue.Name", "namespace": "System" },
        ] }] });
        let queue = Reference { kind: Kind::Queue, id: "arn:q".into(), name: Some("BasicQueue".into()) };
        let prompt = Reference { kind: Kind::Prompt, id: "arn:p".into(), name: Some("Beep.wav".into()) };
        assert_eq!(of(&current).into_iter().collect::<Vec<_>>(), [prompt, queue.clone()]);
        assert_eq!(of(&older).into_iter().collect::<Vec<_>>(), [queue]);
        assert!(of(&json!("x")).is_empty());
    }
}
