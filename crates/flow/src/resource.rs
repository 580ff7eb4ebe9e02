//! The resources of an instance that a flow names in its text.

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A user.
    Agent,
    /// A flow.
    Flow,
    /// Hours of operation.
    Hours,
    /// A module.
    Module,
    /// A prompt.
    Prompt,
    /// A queue.
    Queue,
}

impl ResourceKind {
    /// The kind in one word.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Flow => "flow",
            Self::Hours => "hours",
            Self::Module => "module",
            Self::Prompt => "prompt",
            Self::Queue => "queue",
        }
    }

    /// What a parameter names; `None` for what is no resource of an instance, such as the URI of a recording.
    pub(crate) fn of_parameter(path: &str) -> Option<Self> {
        if path.starts_with("EventHooks.") {
            return Some(Self::Flow);
        }
        match path.rsplit('.').next()? {
            "AgentId" => Some(Self::Agent),
            "ContactFlowId" => Some(Self::Flow),
            "HoursOfOperationId" => Some(Self::Hours),
            "FlowModuleId" => Some(Self::Module),
            "PromptId" => Some(Self::Prompt),
            "QueueId" => Some(Self::Queue),
            _ => None,
        }
    }
}

/// A resource that a block names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource {
    /// Where: `Actions[61].Parameters.QueueId`, or `modules[3].parameters.Queue` in an older export.
    pub path: String,
    /// The identifier of the block.
    pub block: String,
    /// What it is.
    pub kind: ResourceKind,
    /// An id or an ARN; empty where the flow has the name alone.
    pub id: String,
    /// What the flow calls it: decides where the id is not found.
    pub name: Option<String>,
}

impl NamedResource {
    /// The event at which the flow would run: of `Actions[3].Parameters.EventHooks.CustomerQueue`.
    pub fn event(&self) -> Option<&str> {
        self.path.split_once(".EventHooks.").map(|(_, event)| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flow;
    use serde_json::json;

    fn named(content: &serde_json::Value) -> Vec<(String, ResourceKind, String, Option<String>)> {
        let flow = Flow::parse(&content.to_string()).unwrap();
        let of = |resource: &NamedResource| {
            (resource.path.clone(), resource.kind, resource.id.clone(), resource.name.clone())
        };
        flow.resources().iter().map(of).collect()
    }

    #[test]
    fn both_languages_name_what_blocks_refer_to_and_what_a_call_computes_is_left_out() {
        let current = json!({ "Actions": [
            { "Identifier": "q", "Type": "UpdateContactTargetQueue", "Parameters": { "QueueId": "arn:q" } },
            { "Identifier": "p", "Type": "MessageParticipantIteratively", "Parameters": { "Messages": [{ "Text": "a" }, { "PromptId": "arn:p" }] } },
            { "Identifier": "d", "Type": "TransferToFlow", "Parameters": { "ContactFlowId": "$.Attributes.flow" } },
            { "Identifier": "h", "Type": "UpdateContactEventHooks", "Parameters": { "EventHooks": { "CustomerQueue": "arn:f" } } },
        ], "Metadata": { "ActionMetadata": { "q": { "queue": { "text": "BasicQueue" } } } } });
        let of = |path: &str, kind, id: &str, name: Option<&str>| {
            (path.to_owned(), kind, id.to_owned(), name.map(str::to_owned))
        };
        assert_eq!(
            named(&current),
            [
                of("Actions[0].Parameters.QueueId", ResourceKind::Queue, "arn:q", Some("BasicQueue")),
                of("Actions[1].Parameters.Messages[1].PromptId", ResourceKind::Prompt, "arn:p", None),
                of("Actions[3].Parameters.EventHooks.CustomerQueue", ResourceKind::Flow, "arn:f", None),
            ]
        );
        let older = json!({ "modules": [{ "id": "q", "type": "SetQueue", "parameters": [
            { "name": "Queue", "value": "arn:q", "namespace": null, "resourceName": "BasicQueue" },
        ] }] });
        assert_eq!(
            named(&older),
            [of("modules[0].parameters.Queue", ResourceKind::Queue, "arn:q", Some("BasicQueue"))]
        );
    }
}
