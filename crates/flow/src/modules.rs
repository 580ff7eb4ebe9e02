//! The designer's export of 2018 to 2021 ("modules"), rewritten as the actions of 2019-10-30.
//!
//! Shape: `{"modules": [{id, type, branches: [{condition, transition, conditionType?, conditionValue?}],
//! parameters: [{name, value, key?, namespace?}], target?}], "start", "metadata": {name, type}}`. A dynamic
//! value is a namespace and a name in it; a repeated name is a list. The two languages are one to one, so
//! from here on there is only one.
//!
//! Source: read off exported flows, the seed era's `StartMediaStreaming` included.

mod namespace;

use serde_json::Value;

use crate::actions::{Branch, OlderParameters, Translated, translate};
use crate::document::{Action, ConditionTransition, Document, ObjectAt, Transition, Transitions};
use crate::error::FlowError;
use crate::graph::Format;

pub(crate) use namespace::json_path;

/// Reads an export.
pub(crate) fn read(document: &ObjectAt<'_>) -> Result<Document, FlowError> {
    let metadata = document.object("metadata")?;
    let modules = document.list("modules")?;
    Ok(Document {
        format: Format::DesignerModules,
        version: document.lenient_text("version"),
        start: document.text("start")?.unwrap_or_default(),
        name: metadata.lenient_text("name"),
        flow_type: document.lenient_text("type").or_else(|| metadata.lenient_text("type")),
        actions: modules
            .iter()
            .enumerate()
            .map(|(index, module)| read_module(index, &module.object()?))
            .collect::<Result<_, _>>()?,
    })
}

fn read_module(index: usize, module: &ObjectAt<'_>) -> Result<Action, FlowError> {
    let mut parameters = Vec::new();
    for parameter in module.list("parameters")? {
        parameters.push(Parameter::read(&parameter.object()?)?);
    }
    let kind = module.required_text("type")?;
    let target = module.lenient_text("target").unwrap_or_default();
    let mut translated = translate(&kind, &target, &OlderParameters(parameters));
    let transitions = read_branches(module, &mut translated)?;
    Ok(Action {
        path: format!("modules[{index}]"),
        format: Format::DesignerModules,
        identifier: module.required_text("id")?,
        type_name: translated.type_name,
        parameters: translated.parameters,
        names: translated.names,
        transitions,
    })
}

/// One `{name, value, key?, namespace?}`, its value already a text of 2019-10-30.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    /// What the resource is called whose id the value is.
    pub(crate) resource_name: Option<String>,
}

impl Parameter {
    fn read(parameter: &ObjectAt<'_>) -> Result<Self, FlowError> {
        let value = parameter.member("value").map(|value| plain_text(value.value)).unwrap_or_default();
        let namespace = parameter.lenient_text("namespace").filter(|namespace| !namespace.is_empty());
        Ok(Self {
            name: parameter.required_text("name")?,
            key: parameter.lenient_text("key"),
            value: match namespace {
                Some(namespace) => json_path(&namespace, &value),
                None => value,
            },
            resource_name: parameter.lenient_text("resourceName").filter(|name| !name.is_empty()),
        })
    }
}

fn read_branches(module: &ObjectAt<'_>, translated: &mut Translated) -> Result<Transitions, FlowError> {
    let mut transitions = Transitions::default();
    let mut taken = 0;
    for (index, branch) in module.list("branches")?.iter().enumerate() {
        let branch = branch.object()?;
        let transition = Transition {
            path: format!("branches[{index}].transition"),
            to: branch.text("transition")?.unwrap_or_default(),
        };
        let name = branch.text("condition")?.unwrap_or_default();
        let condition = branch.lenient_text("conditionType").map(|operator| {
            let operand = branch.member("conditionValue").map(|value| plain_text(value.value));
            (operator, operand.unwrap_or_default())
        });
        match translated.branch(&name, condition) {
            Branch::Next => transitions.next = Some(transition),
            Branch::Error(kind) => transitions.errors.push((kind, transition)),
            Branch::Condition { mut operator, mut operand } => {
                if translated.has_shares()
                    && let Ok(share) = operand.trim().parse::<u32>()
                {
                    taken = share.saturating_add(taken);
                    // The draw is a number from 1 to 100.
                    (operator, operand) = ("NumberLessThan".to_owned(), taken.saturating_add(1).to_string());
                }
                let operands = vec![Value::from(operand)];
                transitions.conditions.push(ConditionTransition { operator, operands, transition });
            }
        }
    }
    Ok(transitions)
}

/// A scalar as its text; the export writes numbers and booleans both bare and quoted.
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn translated(module: Value) -> Action {
        let export = json!({ "modules": [module] });
        Document::parse(&export.to_string()).unwrap().actions.remove(0)
    }

    fn streaming_directions(parameters: Value) -> Value {
        let module = json!({ "id": "a", "type": "StartMediaStreaming", "parameters": parameters });
        translated(module).parameters["Participants"][0]["MediaDirections"].clone()
    }

    #[test]
    fn both_shapes_of_start_media_streaming_are_read() {
        let seed = json!([
            { "name": "ParticipantTypes", "value": "Customer" },
            { "name": "MediaStreamTypes", "value": "Audio" },
        ]);
        assert_eq!(streaming_directions(seed), json!(["From"]));
        let later = json!([
            { "name": "Track", "value": "FromCustomer" },
            { "name": "Track", "value": "ToCustomer" },
            { "name": "MediaStreamTypes", "value": "Audio" },
        ]);
        assert_eq!(streaming_directions(later), json!(["From", "To"]));
    }

    #[test]
    fn a_dynamic_value_becomes_a_json_path() {
        let action = translated(json!({ "id": "a", "type": "SetAttributes", "parameters": [
            { "name": "Attribute", "key": "arn", "value": "Customer audio stream ARN", "namespace": "Media streams" },
            { "name": "Attribute", "key": "sak", "value": "sak", "namespace": "External" },
            { "name": "Attribute", "key": "fixed", "value": "true", "namespace": null },
        ]}));
        assert_eq!(action.type_name, "UpdateContactAttributes");
        assert_eq!(
            action.parameters["Attributes"],
            json!({
                "arn": "$.MediaStreams.Customer.Audio.StreamARN",
                "sak": "$.External.sak",
                "fixed": "true",
            })
        );
    }

    #[test]
    fn branches_become_transitions() {
        let action = translated(json!({ "id": "a", "type": "GetUserInput", "target": "Digits",
        "parameters": [{ "name": "MaxDigits", "value": 1 }],
        "branches": [
            { "condition": "Evaluate", "conditionType": "Equals", "conditionValue": 1, "transition": "one" },
            { "condition": "Timeout", "transition": "late" },
            { "condition": "NoMatch", "transition": "other" },
            { "condition": "Error", "transition": "bad" },
        ]}));
        assert_eq!(action.type_name, "GetParticipantInput");
        assert_eq!(action.parameters["MaxDigits"], "1");
        assert_eq!(action.transitions.conditions[0].operands, [json!("1")]);
        assert_eq!(action.transitions.conditions[0].transition.to, "one");
        let errors: Vec<_> =
            action.transitions.errors.iter().map(|(kind, to)| (kind.as_str(), to.to.as_str())).collect();
        assert_eq!(
            errors,
            [
                ("InputTimeLimitExceeded", "late"),
                ("NoMatchingCondition", "other"),
                ("NoMatchingError", "bad")
            ]
        );
    }

    #[test]
    fn targets_choose_the_kind_of_transfer_and_input() {
        for (kind, target, action) in [
            ("Transfer", "Flow", "TransferToFlow"),
            ("Transfer", "Queue", "TransferContactToQueue"),
            ("Transfer", "PhoneNumber", "TransferParticipantToThirdParty"),
            ("GetUserInput", "Lex", "ConnectParticipantWithLexBot"),
            ("SetQueue", "", "UpdateContactTargetQueue"),
            ("TransferToFlow", "", "TransferToFlow"),
            ("NobodyKnows", "", "NobodyKnows"),
        ] {
            let module = json!({ "id": "a", "type": kind, "target": target });
            assert_eq!(translated(module).type_name, action, "{kind} {target}");
        }
    }

    #[test]
    fn a_check_reads_its_attribute_in_its_namespace() {
        for (namespace, attribute, path) in [
            ("System", "Channel", "$.Channel"),
            ("User Defined", "greetingPlayed", "$.Attributes.greetingPlayed"),
            ("External", "State", "$.External.State"),
        ] {
            let module = json!({ "id": "a", "type": "CheckAttribute", "parameters": [
                { "name": "Attribute", "value": attribute }, { "name": "Namespace", "value": namespace },
            ]});
            assert_eq!(translated(module).parameters["ComparisonValue"], path);
        }
    }

    #[test]
    fn a_card_number_asks_for_encryption() {
        let action = translated(json!({ "id": "a", "type": "StoreUserInput", "parameters": [
            { "name": "MaxDigits", "value": 20 }, { "name": "EncryptEntry", "value": true },
            { "name": "EncryptionKeyId", "value": "key-1" }, { "name": "DisableCancel", "value": true },
        ]}));
        assert_eq!(action.parameters["InputValidation"]["CustomValidation"]["MaximumLength"], "20");
        assert_eq!(action.parameters["InputEncryption"]["EncryptionKeyId"], "key-1");
        assert_eq!(action.parameters["DTMFConfiguration"]["DisableCancelKey"], "True");
    }

    #[test]
    fn an_error_names_the_json_pointer() {
        let error =
            Document::parse(r#"{"modules": [{"id": "a", "type": "Loop", "branches": {}}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "flow content: /modules/0/branches must be a list");
    }
}
