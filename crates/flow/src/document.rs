//! The shape of a flow document of version 2019-10-30, before any parameter is understood.
//!
//! Lenient on purpose: a saved flow may be half-finished. Only what has no shape of a flow is an error, and
//! the error names the JSON pointer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::graph::Format;
use crate::modules;

/// A flow document of either format, in the terms of 2019-10-30.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) format: Format,
    pub(crate) version: Option<String>,
    pub(crate) start: String,
    pub(crate) name: Option<String>,
    pub(crate) flow_type: Option<String>,
    pub(crate) actions: Vec<Action>,
}

/// One action, its parameters not yet understood.
#[derive(Debug)]
pub(crate) struct Action {
    /// Where it stands, for a person: `Actions[61]` or `modules[3]`.
    pub(crate) path: String,
    pub(crate) format: Format,
    pub(crate) identifier: String,
    pub(crate) type_name: String,
    pub(crate) parameters: Map<String, Value>,
    /// What the flow calls the resources whose ids its parameters are: where an id is not found, the name decides.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) transitions: Transitions,
}

/// The ways out of an action, each with where it stands below the action.
#[derive(Debug, Default)]
pub(crate) struct Transitions {
    pub(crate) next: Option<Transition>,
    pub(crate) errors: Vec<(String, Transition)>,
    pub(crate) conditions: Vec<ConditionTransition>,
}

/// One way out.
#[derive(Debug)]
pub(crate) struct Transition {
    /// Below the action: `Transitions.Errors[0]`.
    pub(crate) path: String,
    /// The identifier of an action, which may not exist.
    pub(crate) to: String,
}

/// A way out with a condition, not yet understood.
#[derive(Debug)]
pub(crate) struct ConditionTransition {
    pub(crate) operator: String,
    pub(crate) operands: Vec<Value>,
    pub(crate) transition: Transition,
}

impl Document {
    /// Reads a document of either format.
    pub(crate) fn parse(content: &str) -> Result<Self, FlowError> {
        if content.len() > CONTENT_LIMIT_BYTES {
            return Err(FlowError::TooLarge { bytes: content.len(), limit_bytes: CONTENT_LIMIT_BYTES });
        }
        // Editors and consoles leave a byte order mark in files.
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let value: Value = serde_json::from_str(content).map_err(|error| FlowError::NotJson {
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        let document = At::root(&value).object()?;
        if document.has("Actions") {
            Self::read(&document)
        } else if document.has("modules") {
            modules::read(&document)
        } else {
            Err(FlowError::NotAFlow)
        }
    }

    fn read(document: &ObjectAt<'_>) -> Result<Self, FlowError> {
        let metadata = document.object("Metadata")?;
        let actions = document.list("Actions")?;
        let names = metadata.map.and_then(|metadata| metadata.get("ActionMetadata"));
        Ok(Self {
            format: Format::Language20191030,
            version: document.text("Version")?,
            start: document.text("StartAction")?.unwrap_or_default(),
            name: metadata.lenient_text("name"),
            flow_type: metadata.lenient_text("type"),
            actions: actions
                .iter()
                .enumerate()
                .map(|(index, action)| Action::read(index, &action.object()?, names))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Action {
    fn read(index: usize, action: &ObjectAt<'_>, names: Option<&Value>) -> Result<Self, FlowError> {
        let identifier = action.required_text("Identifier")?;
        Ok(Self {
            path: format!("Actions[{index}]"),
            format: Format::Language20191030,
            names: names.and_then(|names| names.get(&identifier)).map(resource_names).unwrap_or_default(),
            identifier,
            type_name: action.required_text("Type")?,
            parameters: action.object("Parameters")?.map.cloned().unwrap_or_default(),
            transitions: Transitions::read(&action.object("Transitions")?)?,
        })
    }
}

/// The names of resources in an action's metadata, by parameter.
///
/// Shape: consoles of all years write `{"queue": {"text": "BasicQueue"}}` and the like, newer ones also
/// `{"parameters": {"QueueId": {"displayName": "BasicQueue"}}}`.
fn resource_names(metadata: &Value) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let mut put = |parameter: &str, name: Option<&Value>| {
        if let Some(name) = name.and_then(Value::as_str).filter(|name| !name.is_empty()) {
            names.insert(parameter.to_owned(), name.to_owned());
        }
    };
    for (key, parameter) in [
        ("queue", "QueueId"),
        ("agent", "AgentId"),
        ("contactFlow", "ContactFlowId"),
        ("hours", "HoursOfOperationId"),
        ("hoursOfOperation", "HoursOfOperationId"),
        ("flowModule", "FlowModuleId"),
        ("contactFlowModule", "FlowModuleId"),
        ("prompt", "PromptId"),
    ] {
        put(parameter, metadata.get(key).and_then(|value| value.get("text").or_else(|| value.get("name"))));
    }
    for (key, parameter) in [
        ("promptName", "PromptId"),
        ("queueName", "QueueId"),
        ("contactFlowName", "ContactFlowId"),
        ("contactFlowModuleName", "FlowModuleId"),
        ("hoursOfOperationName", "HoursOfOperationId"),
    ] {
        put(parameter, metadata.get(key));
    }
    for (parameter, value) in metadata.get("parameters").and_then(Value::as_object).into_iter().flatten() {
        put(parameter, value.get("displayName"));
        for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
            for (below, value) in entry.as_object().into_iter().flatten() {
                put(&format!("{parameter}[{index}].{below}"), value.get("displayName"));
            }
        }
        for (below, value) in value.as_object().into_iter().flatten() {
            put(&format!("{parameter}.{below}"), value.get("displayName"));
        }
    }
    names
}

impl Transitions {
    /// Whether there is no way out.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_none() && self.errors.is_empty() && self.conditions.is_empty()
    }

    fn read(transitions: &ObjectAt<'_>) -> Result<Self, FlowError> {
        let next = transitions
            .text("NextAction")?
            .map(|to| Transition { path: "Transitions.NextAction".to_owned(), to });
        let mut errors = Vec::new();
        for (index, error) in transitions.list("Errors")?.iter().enumerate() {
            let error = error.object()?;
            let path = format!("Transitions.Errors[{index}].NextAction");
            errors.push((
                error.text("ErrorType")?.unwrap_or_default(),
                Transition { path, to: error.text("NextAction")?.unwrap_or_default() },
            ));
        }
        let mut conditions = Vec::new();
        for (index, branch) in transitions.list("Conditions")?.iter().enumerate() {
            let branch = branch.object()?;
            let condition = branch.object("Condition")?;
            conditions.push(ConditionTransition {
                operator: condition.text("Operator")?.unwrap_or_default(),
                operands: condition.list("Operands")?.iter().map(|operand| operand.value.clone()).collect(),
                transition: Transition {
                    path: format!("Transitions.Conditions[{index}].NextAction"),
                    to: branch.text("NextAction")?.unwrap_or_default(),
                },
            });
        }
        Ok(Self { next, errors, conditions })
    }
}

/// A JSON value that knows where it stands.
pub(crate) struct At<'a> {
    pub(crate) value: &'a Value,
    pointer: String,
}

/// A JSON object that knows where it stands; an absent or null one is empty.
pub(crate) struct ObjectAt<'a> {
    pub(crate) map: Option<&'a Map<String, Value>>,
    pointer: String,
}

impl<'a> At<'a> {
    fn root(value: &'a Value) -> Self {
        Self { value, pointer: String::new() }
    }

    pub(crate) fn object(&self) -> Result<ObjectAt<'a>, FlowError> {
        match self.value {
            Value::Object(map) => Ok(ObjectAt { map: Some(map), pointer: self.pointer.clone() }),
            _ => Err(self.must_be("an object")),
        }
    }

    fn must_be(&self, expected: &'static str) -> FlowError {
        FlowError::Shape { pointer: self.pointer.clone(), expected }
    }
}

impl<'a> ObjectAt<'a> {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.is_some_and(|map| map.contains_key(name))
    }

    /// The member, where it is there and not null.
    pub(crate) fn member(&self, name: &str) -> Option<At<'a>> {
        let value = self.map?.get(name).filter(|value| !value.is_null())?;
        let token = name.replace('~', "~0").replace('/', "~1");
        Some(At { value, pointer: format!("{}/{token}", self.pointer) })
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, FlowError> {
        let Some(member) = self.member(name) else { return Ok(None) };
        match member.value {
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(member.must_be("a string")),
        }
    }

    pub(crate) fn required_text(&self, name: &str) -> Result<String, FlowError> {
        self.text(name)?.ok_or_else(|| FlowError::Shape {
            pointer: format!("{}/{name}", self.pointer),
            expected: "a string",
        })
    }

    /// The member where it is a string; `None` for anything else.
    pub(crate) fn lenient_text(&self, name: &str) -> Option<String> {
        self.map?.get(name)?.as_str().map(str::to_owned)
    }

    pub(crate) fn object(&self, name: &str) -> Result<Self, FlowError> {
        match self.member(name) {
            Some(member) => member.object(),
            None => Ok(Self { map: None, pointer: format!("{}/{name}", self.pointer) }),
        }
    }

    pub(crate) fn list(&self, name: &str) -> Result<Vec<At<'a>>, FlowError> {
        let Some(member) = self.member(name) else { return Ok(Vec::new()) };
        let Value::Array(items) = member.value else { return Err(member.must_be("a list")) };
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| At { value, pointer: format!("{}/{index}", member.pointer) })
            .collect())
    }
}

/// The service's own limit on flow content.
const CONTENT_LIMIT_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_error(content: &str) -> String {
        Document::parse(content).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_json_pointer() {
        for (content, pointer) in [
            (r#"{"Actions": 1}"#, "/Actions must be a list"),
            (r#"{"Actions": [1]}"#, "/Actions/0 must be an object"),
            (r#"{"Actions": [{"Type": "Loop"}]}"#, "/Actions/0/Identifier must be a string"),
            (r#"{"Actions": [{"Identifier": "a", "Type": 4}]}"#, "/Actions/0/Type must be a string"),
            (
                r#"{"Actions": [{"Identifier": "a", "Type": "b", "Parameters": []}]}"#,
                "/Actions/0/Parameters must be an object",
            ),
            (
                r#"{"Actions": [{"Identifier": "a", "Type": "b", "Transitions": {"Errors": [{"NextAction": 3}]}}]}"#,
                "/Actions/0/Transitions/Errors/0/NextAction must be a string",
            ),
            ("[]", " must be an object"),
        ] {
            assert!(shape_error(content).ends_with(pointer), "{content}: {}", shape_error(content));
        }
    }

    #[test]
    fn what_is_not_json_is_placed_by_line_and_column() {
        assert!(shape_error("{\n  \"Actions\": [}").contains("line 2, column"));
    }

    #[test]
    fn json_of_neither_format_says_so() {
        assert_eq!(Document::parse("{}").unwrap_err(), FlowError::NotAFlow);
    }

    #[test]
    fn absent_and_null_members_are_empty() {
        let document = Document::parse(
            r#"{"Actions": [{"Identifier": "a", "Type": "b", "Parameters": null,
                "Transitions": {"NextAction": null, "Errors": null}}]}"#,
        )
        .unwrap();
        assert_eq!(document.start, "");
        let action = &document.actions[0];
        assert!(action.parameters.is_empty());
        assert!(action.transitions.next.is_none());
        assert!(action.transitions.errors.is_empty());
    }

    #[test]
    fn content_has_a_limit() {
        let content = " ".repeat(CONTENT_LIMIT_BYTES + 1);
        assert!(matches!(Document::parse(&content), Err(FlowError::TooLarge { .. })));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        let content = format!("{{\"Actions\":{}", "[".repeat(100_000));
        assert!(matches!(Document::parse(&content), Err(FlowError::NotJson { .. })));
    }
}
