//! The designer's export of 2018 to 2021 ("modules"), rewritten as the actions of 2019-10-30.
//!
//! Shape: `{"modules": [{id, type, branches: [{condition, transition, conditionType?, conditionValue?}],
//! parameters: [{name, value, key?, namespace?}], target?}], "start", "metadata": {name, type}}`. A dynamic
//! value is a namespace and a name in it; a repeated name is a list. The two languages are one to one, so
//! from here on there is only one.
//!
//! Source: read off exported flows, the seed era's `StartMediaStreaming` included.

mod namespace;

use serde_json::{Map, Value, json};

use crate::catalogue;
use crate::document::{Action, ConditionTransition, Document, ObjectAt, Transition, Transitions};
use crate::error::FlowError;
use crate::graph::Format;

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

/// The name that a parameter has in the export, for a message about it.
pub(crate) fn parameter_name<'a>(action_type: &str, parameter: &'a str) -> &'a str {
    match (action_type, parameter) {
        ("Compare", "ComparisonValue") | ("UpdateContactAttributes", "Attributes") => "Attribute",
        ("GetParticipantInput", "InputTimeLimitSeconds") => "Timeout",
        ("GetParticipantInput", "InputValidation" | "InputValidation.CustomValidation.MaximumLength") => {
            "MaxDigits"
        }
        ("GetParticipantInput", "DTMFConfiguration.InputTerminationSequence") => "TerminatorDigits",
        ("InvokeLambdaFunction", "LambdaFunctionARN") => "FunctionArn",
        ("InvokeLambdaFunction", "InvocationTimeLimitSeconds") => "TimeLimit",
        ("UpdateContactMediaStreamingBehavior", "Participants") => "Track",
        ("UpdateContactMediaStreamingBehavior", "MediaStreamType") => "MediaStreamTypes",
        ("UpdateFlowLoggingBehavior", "FlowLoggingBehavior") => "LoggingBehavior",
        (_, other) => other,
    }
}

fn read_module(index: usize, module: &ObjectAt<'_>) -> Result<Action, FlowError> {
    let mut parameters = Vec::new();
    for parameter in module.list("parameters")? {
        parameters.push(Parameter::read(&parameter.object()?)?);
    }
    let kind = module.required_text("type")?;
    let target = module.lenient_text("target").unwrap_or_default();
    let (type_name, parameters) = translate(&kind, &target, &Parameters(parameters));
    Ok(Action {
        path: format!("modules[{index}]"),
        format: Format::DesignerModules,
        identifier: module.required_text("id")?,
        type_name,
        parameters,
        transitions: read_branches(module)?,
    })
}

/// One `{name, value, key?, namespace?}`, its value already a text of 2019-10-30.
struct Parameter {
    name: String,
    key: Option<String>,
    value: String,
}

struct Parameters(Vec<Parameter>);

impl Parameter {
    fn read(parameter: &ObjectAt<'_>) -> Result<Self, FlowError> {
        let value = parameter.member("value").map(|value| plain_text(value.value)).unwrap_or_default();
        let namespace = parameter.lenient_text("namespace").filter(|namespace| !namespace.is_empty());
        Ok(Self {
            name: parameter.required_text("name")?,
            key: parameter.lenient_text("key"),
            value: match namespace {
                Some(namespace) => namespace::json_path(&namespace, &value),
                None => value,
            },
        })
    }
}

impl Parameters {
    fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |parameter| parameter.name == name)
            .map(|parameter| parameter.value.as_str())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `{key: value}` of all parameters of that name.
    fn keyed(&self, name: &str) -> Value {
        let entries = self.0.iter().filter(|parameter| parameter.name == name);
        entries
            .map(|entry| (entry.key.clone().unwrap_or_default(), Value::from(entry.value.as_str())))
            .collect()
    }
}

/// The action type and its parameters.
fn translate(kind: &str, target: &str, old: &Parameters) -> (String, Map<String, Value>) {
    let mut new = Map::new();
    let mut copy = |from: &str, to: &str| {
        if let Some(value) = old.get(from) {
            new.insert(to.to_owned(), Value::from(value));
        }
    };
    let action = match (kind, target) {
        ("PlayPrompt" | "PlayAudio", _) => {
            prompt(old, &mut copy);
            "MessageParticipant"
        }
        ("GetUserInput", "Lex") => "ConnectParticipantWithLexBot",
        ("GetUserInput", _) => {
            prompt(old, &mut copy);
            copy("Timeout", "InputTimeLimitSeconds");
            copy("MaxDigits", "MaxDigits");
            "GetParticipantInput"
        }
        ("StoreUserInput" | "StoreCustomerInput", _) => {
            prompt(old, &mut copy);
            copy("Timeout", "InputTimeLimitSeconds");
            store_input(old, &mut new);
            "GetParticipantInput"
        }
        ("StartMediaStreaming", _) => media_streaming(old, "Enabled", &mut new),
        ("StopMediaStreaming", _) => media_streaming(old, "Disabled", &mut new),
        ("InvokeExternalResource", _) => {
            copy("FunctionArn", "LambdaFunctionARN");
            copy("TimeLimit", "InvocationTimeLimitSeconds");
            new.insert("LambdaInvocationAttributes".to_owned(), old.keyed("Parameter"));
            "InvokeLambdaFunction"
        }
        ("SetAttributes", _) => {
            new.insert("Attributes".to_owned(), old.keyed("Attribute"));
            "UpdateContactAttributes"
        }
        ("SetScreenPop", _) => {
            let key = old.get("key").unwrap_or_default();
            new.insert("Attributes".to_owned(), json!({ key: old.get("value") }));
            "UpdateContactAttributes"
        }
        ("CheckAttribute", _) => {
            if let Some(attribute) = old.get("Attribute") {
                let namespace = old.get("Namespace").unwrap_or("User Defined");
                new.insert("ComparisonValue".to_owned(), namespace::json_path(namespace, attribute).into());
            }
            "Compare"
        }
        ("Loop", _) => {
            copy("LoopCount", "LoopCount");
            "Loop"
        }
        ("Transfer", "Flow") | ("TransferToFlow", _) => {
            copy("ContactFlowId", "ContactFlowId");
            "TransferToFlow"
        }
        ("Transfer", "PhoneNumber") => "TransferParticipantToThirdParty",
        ("Transfer", "Agent") => "TransferContactToAgent",
        ("Transfer", _) => "TransferContactToQueue",
        ("SetLoggingBehavior", _) => {
            let behavior = match old.get("LoggingBehavior") {
                Some("Enable") => Some("Enabled"),
                Some("Disable") => Some("Disabled"),
                other => other,
            };
            new.insert("FlowLoggingBehavior".to_owned(), behavior.into());
            "UpdateFlowLoggingBehavior"
        }
        (other, _) => catalogue::action_type(other).unwrap_or(other),
    };
    (action.to_owned(), new)
}

fn prompt(old: &Parameters, copy: &mut impl FnMut(&str, &str)) {
    let speech_markup = old.get("TextToSpeechType").is_some_and(|kind| kind.eq_ignore_ascii_case("ssml"));
    copy("Text", if speech_markup { "SSML" } else { "Text" });
    copy("AudioPrompt", "PromptId");
}

fn store_input(old: &Parameters, new: &mut Map<String, Value>) {
    new.insert("StoreInput".to_owned(), "True".into());
    let validation = if old.get("CustomerInputType") == Some("PhoneNumber") {
        json!({ "PhoneNumberValidation": {
            "NumberFormat": old.get("PhoneNumberFormat").unwrap_or("E164"),
            "CountryCode": old.get("CountryCode"),
        }})
    } else {
        json!({ "CustomValidation": { "MaximumLength": old.get("MaxDigits").unwrap_or("20") } })
    };
    new.insert("InputValidation".to_owned(), validation);
    if old.is_true("EncryptEntry") {
        let encryption =
            json!({ "EncryptionKeyId": old.get("EncryptionKeyId"), "Key": old.get("EncryptionKey") });
        new.insert("InputEncryption".to_owned(), encryption);
    }
    let keys = json!({
        "DisableCancelKey": if old.is_true("DisableCancel") { "True" } else { "False" },
        "InputTerminationSequence": old.get("TerminatorDigits"),
    });
    new.insert("DTMFConfiguration".to_owned(), keys);
}

/// `Track` since December 2019; before, `ParticipantTypes` "Customer" alone, which meant what the customer
/// says.
fn media_streaming(old: &Parameters, state: &str, new: &mut Map<String, Value>) -> &'static str {
    let mut directions = Vec::new();
    for track in old.all("Track") {
        directions.push(match track {
            "FromCustomer" => "From",
            "ToCustomer" => "To",
            other => other,
        });
    }
    if directions.is_empty() && old.get("ParticipantTypes") == Some("Customer") {
        directions.push("From");
    }
    new.insert("MediaStreamingState".to_owned(), state.into());
    new.insert("MediaStreamType".to_owned(), old.get("MediaStreamTypes").into());
    new.insert(
        "Participants".to_owned(),
        json!([{ "ParticipantType": "Customer", "MediaDirections": directions }]),
    );
    "UpdateContactMediaStreamingBehavior"
}

fn read_branches(module: &ObjectAt<'_>) -> Result<Transitions, FlowError> {
    let mut transitions = Transitions::default();
    for (index, branch) in module.list("branches")?.iter().enumerate() {
        let branch = branch.object()?;
        let transition = Transition {
            path: format!("branches[{index}].transition"),
            to: branch.text("transition")?.unwrap_or_default(),
        };
        let name = branch.text("condition")?.unwrap_or_default();
        let equals = |result: &str| ("Equals".to_owned(), Value::from(result));
        let condition = match name.as_str() {
            "Looping" => Some(equals("ContinueLooping")),
            "Complete" => Some(equals("DoneLooping")),
            "True" | "False" => Some(equals(&name)),
            _ => branch.lenient_text("conditionType").map(|operator| {
                let operand = branch.member("conditionValue").map(|value| plain_text(value.value));
                (operator, Value::from(operand.unwrap_or_default()))
            }),
        };
        match condition {
            Some((operator, operand)) => {
                let operands = vec![operand];
                transitions.conditions.push(ConditionTransition { operator, operands, transition });
            }
            None if name == "Success" => transitions.next = Some(transition),
            None => transitions.errors.push((error_type(&name).to_owned(), transition)),
        }
    }
    Ok(transitions)
}

fn error_type(branch: &str) -> &str {
    match branch {
        "Error" => "NoMatchingError",
        "NoMatch" => "NoMatchingCondition",
        "Timeout" => "InputTimeLimitExceeded",
        "InvalidNumber" | "InvalidPhoneNumber" => "InvalidPhoneNumber",
        "AtCapacity" => "QueueAtCapacity",
        "CallFailure" => "CallFailed",
        "NonDialableNumber" => "CallbackNumberNotDialable",
        other => other,
    }
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
