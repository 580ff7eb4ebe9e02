//! The older export's types, parameters and branches as those of the table.

use super::{Action, BranchTo, ErrorType, Older, actions};
use crate::modules::{Parameter, json_path};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The parameters of a module of the older export, values already texts of the current language.
pub(crate) struct OlderParameters(pub(crate) Vec<Parameter>);

impl OlderParameters {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
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

/// A module in the current language.
pub(crate) struct Translated {
    pub(crate) type_name: String,
    pub(crate) parameters: Map<String, Value>,
    /// The names that the export keeps beside the ids of resources, by parameter.
    pub(crate) names: BTreeMap<String, String>,
    older: Option<&'static Older>,
    /// Branch values are shares that add up, not sums.
    shares: bool,
}

/// The row of a type of the older export: that of its target, else the one for any.
fn find(module: &str, target: &str) -> Option<(&'static Action, &'static Older)> {
    let of_module = |action: &'static Action| {
        action.older.iter().filter(move |older| older.module == module).map(move |older| (action, older))
    };
    let rows = || actions().iter().flat_map(of_module);
    rows()
        .find(|(_, older)| older.target == Some(target))
        .or_else(|| rows().find(|(_, older)| older.target.is_none()))
}

/// Reads a module's type and parameters.
pub(crate) fn translate(module: &str, target: &str, old: &OlderParameters) -> Translated {
    let Some((action, older)) = find(module, target) else {
        // A type of the current language in the older format keeps its parameters.
        let parameters =
            old.0.iter().map(|parameter| (parameter.name.clone(), parameter.value.clone().into())).collect();
        return Translated {
            type_name: module.to_owned(),
            parameters,
            names: BTreeMap::new(),
            older: None,
            shares: false,
        };
    };
    let mut parameters = Map::new();
    for (from, to) in older.parameters {
        if !to.contains('.')
            && let Some(value) = old.get(from)
        {
            parameters.insert((*to).to_owned(), value.into());
        }
    }
    if let Some(finish) = older.finish {
        finish(old, &mut parameters);
    }
    let hook = old.get("Type").unwrap_or_default();
    let mut messages = 0;
    let name_of = |parameter: &Parameter| {
        if module == "LoopPrompts" && ["Text", "AudioPrompt"].contains(&parameter.name.as_str()) {
            messages += 1;
            return Some((format!("Messages[{}].PromptId", messages - 1), parameter.resource_name.clone()?));
        }
        let place = match older.parameters.iter().find(|(from, _)| *from == parameter.name) {
            Some((_, to)) => (*to).to_owned(),
            None if parameter.name == "AudioPrompt" => "PromptId".to_owned(),
            None if parameter.name == "ContactFlowId" => format!("EventHooks.{hook}"),
            None => return None,
        };
        Some((place, parameter.resource_name.clone()?))
    };
    Translated {
        type_name: action.name.to_owned(),
        parameters,
        names: old.0.iter().filter_map(name_of).collect(),
        older: Some(older),
        shares: older.module == "PercentileBranching",
    }
}

/// The name that a parameter has in the older export, for a message about it.
pub(crate) fn parameter_name<'a>(type_name: &str, parameter: &'a str) -> &'a str {
    let rows = actions().iter().filter(|action| action.name == type_name).flat_map(|action| action.older);
    let names = rows.flat_map(|older| older.parameters);
    names.into_iter().find(|(_, to)| *to == parameter).map_or(
        match parameter {
            "InputValidation" => "MaxDigits",
            message if message.starts_with("Messages") => "Text",
            other => other,
        },
        |(from, _)| *from,
    )
}

/// Where a branch of the older export leads to.
pub(crate) enum Branch {
    Next,
    Error(String),
    Condition { operator: String, operand: String },
}

impl Translated {
    /// Reads a branch; `condition` is its `conditionType` and `conditionValue`.
    pub(crate) fn branch(&mut self, name: &str, condition: Option<(String, String)>) -> Branch {
        let own = self.older.and_then(|older| older.branches.iter().find(|(branch, _)| *branch == name));
        match own {
            Some((_, BranchTo::Error(kind))) => return Branch::Error(kind.word().to_owned()),
            Some((_, BranchTo::Equals(result))) => return equals(result),
            Some((_, BranchTo::Positive)) => {
                return Branch::Condition {
                    operator: "NumberGreaterThan".to_owned(),
                    operand: "0".to_owned(),
                };
            }
            None => {}
        }
        self.learn_from(name);
        match (name, condition) {
            ("Looping", _) => equals("ContinueLooping"),
            ("Complete", _) => equals("DoneLooping"),
            ("True" | "False", _) => equals(name),
            (_, Some((operator, operand))) => Branch::Condition { operator, operand },
            ("Success", None) => Branch::Next,
            (other, None) => Branch::Error(error_type(other).to_owned()),
        }
    }

    /// `CheckQueueStatus` says by its branches what it looks at.
    fn learn_from(&mut self, branch: &str) {
        let metric = match branch {
            "CheckQueueTime" => "OldestContactInQueueAgeSeconds",
            "CheckQueueCapacity" => "NumberOfContactsInQueue",
            _ => return,
        };
        self.parameters.entry("MetricType").or_insert_with(|| metric.into());
    }

    /// Whether the values of conditions are shares of a hundred: the first takes as many, the second as many more.
    pub(crate) fn has_shares(&self) -> bool {
        self.shares
    }
}

fn equals(result: &str) -> Branch {
    Branch::Condition { operator: "Equals".to_owned(), operand: result.to_owned() }
}

fn error_type(branch: &str) -> &str {
    let kind = match branch {
        "Error" => ErrorType::NoMatchingError,
        "NoMatch" => ErrorType::NoMatchingCondition,
        "Timeout" => ErrorType::InputTimeLimitExceeded,
        "InvalidNumber" | "InvalidPhoneNumber" => ErrorType::InvalidPhoneNumber,
        "AtCapacity" => ErrorType::QueueAtCapacity,
        "CallFailure" => ErrorType::CallFailed,
        "NonDialableNumber" => ErrorType::CallbackNumberNotDialable,
        other => return other,
    };
    kind.word()
}

pub(super) fn prompt(old: &OlderParameters, new: &mut Map<String, Value>) {
    let speech_markup = old.get("TextToSpeechType").is_some_and(|kind| kind.eq_ignore_ascii_case("ssml"));
    for (from, to) in [("Text", if speech_markup { "SSML" } else { "Text" }), ("AudioPrompt", "PromptId")] {
        if let Some(value) = old.get(from) {
            new.insert(to.to_owned(), value.into());
        }
    }
}

pub(super) fn loop_prompts(old: &OlderParameters, new: &mut Map<String, Value>) {
    let messages = old.0.iter().filter_map(|parameter| {
        let name = match (parameter.name.as_str(), parameter.key.as_deref()) {
            ("Text", Some(key)) if key.eq_ignore_ascii_case("ssml") => "SSML",
            ("Text", _) => "Text",
            ("AudioPrompt", _) => "PromptId",
            _ => return None,
        };
        Some(json!({ name: parameter.value }))
    });
    new.insert("Messages".to_owned(), messages.collect::<Vec<_>>().into());
}

pub(super) fn store_input(old: &OlderParameters, new: &mut Map<String, Value>) {
    prompt(old, new);
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
        "InputTerminationSequence": old.get("TerminatorDigits").filter(|keys| !keys.is_empty()),
    });
    new.insert("DTMFConfiguration".to_owned(), keys);
}

pub(super) fn lex(old: &OlderParameters, new: &mut Map<String, Value>) {
    prompt(old, new);
    let bot = json!({
        "Name": old.get("BotName"), "Alias": old.get("BotAlias"), "Region": old.get("BotRegion"),
    });
    new.insert("LexBot".to_owned(), bot);
}

pub(super) fn third_party(old: &OlderParameters, new: &mut Map<String, Value>) {
    let goes_on = if old.is_true("BlindTransfer") { "False" } else { "True" };
    new.insert("ContinueFlowExecution".to_owned(), goes_on.into());
}

/// What the parameter is called is not documented; its value is.
pub(super) fn hold_state(old: &OlderParameters, new: &mut Map<String, Value>) {
    let plain = |text: &str| text.replace([' ', '_'], "").to_ascii_lowercase();
    let state = old.0.iter().find_map(|parameter| match plain(&parameter.value).as_str() {
        "agentonhold" => Some("AgentOnHold"),
        "customeronhold" => Some("CustomerOnHold"),
        "offhold" => Some("OffHold"),
        _ => None,
    });
    if let Some(state) = state {
        new.insert("PreviousContactParticipantState".to_owned(), state.into());
    }
}

pub(super) fn check_attribute(old: &OlderParameters, new: &mut Map<String, Value>) {
    if let Some(attribute) = old.get("Attribute") {
        let namespace = old.get("Namespace").unwrap_or("User Defined");
        new.insert("ComparisonValue".to_owned(), json_path(namespace, attribute).into());
    }
}

pub(super) fn staffing(old: &OlderParameters, new: &mut Map<String, Value>) {
    let status = old.get("Status").unwrap_or("Available");
    new.insert("MetricType".to_owned(), format!("NumberOfAgents{status}").into());
}

pub(super) fn logging(old: &OlderParameters, new: &mut Map<String, Value>) {
    let behavior = match old.get("LoggingBehavior") {
        Some("Enable") => "Enabled",
        Some("Disable") => "Disabled",
        Some(other) => other,
        None => return,
    };
    new.insert("FlowLoggingBehavior".to_owned(), behavior.into());
}

pub(super) fn function(old: &OlderParameters, new: &mut Map<String, Value>) {
    new.insert("LambdaInvocationAttributes".to_owned(), old.keyed("Parameter"));
}

pub(super) fn attributes(old: &OlderParameters, new: &mut Map<String, Value>) {
    new.insert("Attributes".to_owned(), old.keyed("Attribute"));
}

pub(super) fn screen_pop(old: &OlderParameters, new: &mut Map<String, Value>) {
    let key = old.get("key").unwrap_or_default();
    new.insert("Attributes".to_owned(), json!({ key: old.get("value") }));
}

pub(super) fn event_hook(old: &OlderParameters, new: &mut Map<String, Value>) {
    if let Some(hook) = old.get("Type") {
        new.insert("EventHooks".to_owned(), json!({ hook: old.get("ContactFlowId") }));
    }
}

pub(super) fn recording(old: &OlderParameters, new: &mut Map<String, Value>) {
    let recorded = match (old.get("RecordingBehaviorOption"), old.get("RecordingParticipantOption")) {
        (Some("Enable"), Some("Agent")) => json!(["Agent"]),
        (Some("Enable"), Some("Customer")) => json!(["Customer"]),
        (Some("Enable"), _) => json!(["Agent", "Customer"]),
        _ => json!([]),
    };
    new.insert("RecordingBehavior".to_owned(), json!({ "RecordedParticipants": recorded }));
}

pub(super) fn start_streaming(old: &OlderParameters, new: &mut Map<String, Value>) {
    streaming(old, "Enabled", new);
}

pub(super) fn stop_streaming(old: &OlderParameters, new: &mut Map<String, Value>) {
    streaming(old, "Disabled", new);
}

/// `Track` since December 2019; before, `ParticipantTypes` "Customer" alone, which meant what the customer
/// says.
fn streaming(old: &OlderParameters, state: &str, new: &mut Map<String, Value>) {
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
    let participants = json!([{ "ParticipantType": "Customer", "MediaDirections": directions }]);
    new.insert("Participants".to_owned(), participants);
}
