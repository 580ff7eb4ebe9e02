//! Flows by chance: such as can be published, and such as were damaged.

use super::{Caller, Instance, Outcome, Run};
use crate::sim::Random;
use serde_json::{Map, Value, json};
use tympan_flow::{Action, ErrorType, Flow, FlowType, actions};

/// Runs the flows of a seed on a simulated call: one that can be published, and the same one damaged. Whether a damaged one ran.
///
/// Errors: a promise that a run broke, or a flow that was meant to be sound and is not.
pub fn check(seed: u64) -> Result<bool, String> {
    let mut random = Random::new(seed);
    let mut instance = Instance::default();
    for (name, kind) in [
        ("other", FlowType::ContactFlow),
        ("queue flow", FlowType::CustomerQueue),
        ("Default customer queue", FlowType::CustomerQueue),
        ("Default agent whisper", FlowType::AgentWhisper),
        ("Default customer whisper", FlowType::CustomerWhisper),
        ("Default customer hold", FlowType::CustomerHold),
        ("module", FlowType::Module),
    ] {
        let document = document(&mut random, kind);
        let flow = parse(&document.to_string())?;
        is_sound(&flow, kind)?;
        instance.add(name, kind, flow);
    }
    let first = document(&mut random, FlowType::ContactFlow);
    if random.percent(30) {
        instance.close();
    }
    let sound = parse(&first.to_string())?;
    is_sound(&sound, FlowType::ContactFlow)?;
    call(&mut random, instance.clone(), sound)?;
    // Many are no flow any more, and are refused as that.
    for _ in 0..DAMAGED_MAX {
        let damaged = damaged(&mut random, first.clone());
        match Flow::parse(&damaged) {
            Ok(flow) => return call(&mut random, instance, flow).map(|_| true),
            Err(error) if error.to_string().is_empty() => return Err("an error without a text".to_owned()),
            Err(_) => {}
        }
    }
    Ok(false)
}

/// How often a flow is damaged until it is still one.
const DAMAGED_MAX: usize = 20;

fn is_sound(flow: &Flow, kind: FlowType) -> Result<(), String> {
    match flow.problems_as(kind).first() {
        Some(problem) => Err(format!("a flow that was meant to be sound is not: {problem}")),
        None => Ok(()),
    }
}

fn parse(content: &str) -> Result<Flow, String> {
    Flow::parse(content).map_err(|error| error.to_string())
}

fn call(random: &mut Random, mut instance: Instance, flow: Flow) -> Result<Outcome, String> {
    let routed = instance.add("first", FlowType::ContactFlow, flow);
    let patience_ms = Some(random.pick(&[10, 5_000, 60_000, 200_000]));
    let random = Some(Random::new(random.bits()));
    Run::call(instance, routed, Caller { patience_ms, random, ..Caller::default() })
}

/// A flow of this type that can be published.
fn document(random: &mut Random, kind: FlowType) -> Value {
    let count = random.between(1, 14);
    let names: Vec<String> = (0..=count).map(|number| format!("block {number}")).collect();
    let allowed: Vec<&Action> = actions().iter().filter(|row| row.flow_types().contains(kind)).collect();
    // What is performed is drawn more often: the others do nothing but take a branch.
    let performed: Vec<&Action> =
        allowed.iter().copied().filter(|row| row.error_taken().is_none() && !row.is_terminal()).collect();
    let mut blocks: Vec<Value> = names
        .iter()
        .take(names.len() - 1)
        .map(|name| {
            let row = if random.percent(80) { random.pick(&performed) } else { random.pick(&allowed) };
            block(random, name, row, &names)
        })
        .collect();
    let last = names.last().cloned().unwrap_or_default();
    let end = match kind {
        FlowType::Module => "EndFlowModuleExecution",
        kind if kind.leaves_the_call() => "EndFlowExecution",
        _ => "DisconnectParticipant",
    };
    blocks.push(json!({ "Identifier": last, "Type": end, "Parameters": {}, "Transitions": {} }));
    json!({ "Version": "2019-10-30", "StartAction": names[0], "Metadata": {}, "Actions": blocks })
}

fn block(random: &mut Random, name: &str, row: &Action, names: &[String]) -> Value {
    let mut to = || json!(names[random.index(names.len())]);
    if row.is_terminal() {
        return json!({ "Identifier": name, "Type": row.name(), "Parameters": {}, "Transitions": {} });
    }
    let next = to();
    let mut targets: Vec<Value> = (0..8).map(|_| to()).collect();
    let mut target = || targets.pop().unwrap_or(Value::Null);
    let parameters = parameters(random, row);
    let has_routing = parameters.get("RoutingProficiencies").is_some();
    let errors: Vec<Value> = row
        .errors()
        .filter(|(kind, is_required)| match (row.name(), kind) {
            ("GetParticipantInput", ErrorType::InvalidPhoneNumber) => {
                parameters["InputValidation"].get("PhoneNumberValidation").is_some()
            }
            ("UpdateContactRoutingBehavior", _) => has_routing,
            _ => *is_required || random.percent(50),
        })
        .map(|(kind, _)| json!({ "ErrorType": kind.word(), "NextAction": target() }))
        .collect();
    let equals = |operand: &str, to: Value| json!({ "NextAction": to, "Condition": { "Operator": "Equals", "Operands": [operand] } });
    let compares = |operator: &str, operand: &str, to: Value| json!({ "NextAction": to, "Condition": { "Operator": operator, "Operands": [operand] } });
    let conditions: Vec<Value> = match (row.name(), row.form()) {
        ("Loop", _) => vec![equals("ContinueLooping", target()), equals("DoneLooping", target())],
        ("CheckHoursOfOperation", _) => vec![equals("True", target()), equals("False", target())],
        ("Wait", _) => vec![equals("WaitCompleted", target())],
        ("Compare", _) => vec![
            compares("TextContains", "1", target()),
            compares("NumberLessOrEqualTo", "$.Attributes.a", target()),
            compares("KeyExists", "b", target()),
        ],
        ("CheckMetricData", "agents") => vec![compares("NumberGreaterThan", "0", target())],
        ("CheckMetricData", _) => vec![compares("NumberLessThan", "5", target())],
        ("DistributeByPercentage", _) => vec![compares("NumberLessThan", "51", target())],
        ("GetParticipantInput", "menu") => vec![equals("1", target()), equals("#", target())],
        ("InvokeFlowModule", _) => vec![equals("Paid", target())],
        ("MessageParticipantIteratively", _) if parameters.get("InterruptFrequencySeconds").is_some() => {
            vec![equals("MessagesInterrupted", target())]
        }
        ("ConnectParticipantWithLexBot", _) => vec![equals("Order", target())],
        _ => Vec::new(),
    };
    json!({ "Identifier": name, "Type": row.name(), "Parameters": parameters,
        "Transitions": { "NextAction": next, "Errors": errors, "Conditions": conditions } })
}

/// Parameters with which a block of an action can be published.
fn parameters(random: &mut Random, row: &Action) -> Value {
    let text =
        random.pick(&["hello", "$.Attributes.a", "you said $.StoredCustomerInput and $.External.a", " "]);
    let value = random.pick(&[
        "1",
        "$.External.a",
        "$.StoredCustomerInput",
        "$.Metrics.Queue.Size",
        "$.Modules.Result",
    ]);
    let reference = random.pick(&[
        "$.External.a",
        "$.Attributes.a",
        "$.FlowAttributes.b",
        "$.Queue.Name",
        "$.StoredCustomerInput",
    ]);
    let prompt = random.pick(&["Text", "SSML", "PromptId"]);
    let text = match prompt {
        "PromptId" => random.pick(&["beep", "$.Attributes.a"]),
        _ => text,
    };
    let resource = |kind: &str, name: &str| json!(format!("{}/{kind}/{name}", Instance::ARN));
    let queue = if random.percent(70) { resource("queue", "BasicQueue") } else { json!("gone") };
    match (row.name(), row.form()) {
        ("MessageParticipant", _) => json!({ prompt: text }),
        ("GetParticipantInput", "menu") => {
            json!({ prompt: text, "InputTimeLimitSeconds": random.pick(&["1", "5"]), "StoreInput": "False" })
        }
        ("GetParticipantInput", "store") => {
            let validation = if random.percent(50) {
                json!({ "CustomValidation": { "MaximumLength": random.pick(&["1", "4", "20"]) } })
            } else {
                json!({ "PhoneNumberValidation": { "NumberFormat": "E164" } })
            };
            json!({ prompt: text, "StoreInput": "True", "InputTimeLimitSeconds": "3", "InputValidation": validation })
        }
        ("GetParticipantInput", _) => json!({ "EnableDTMFBuffer": random.pick(&["True", "False"]) }),
        ("Compare", _) => json!({ "ComparisonValue": reference }),
        ("Loop", _) => json!({ "LoopCount": random.pick(&["0", "1", "3", "100", "$.Attributes.a"]) }),
        ("Wait", _) => json!({ "TimeLimitSeconds": "5" }),
        ("CheckHoursOfOperation", _) => match random.pick(&[true, false]) {
            true => json!({ "HoursOfOperationId": resource("operating-hours", "Basic Hours") }),
            false => json!({}),
        },
        ("CheckMetricData", "agents") => json!({ "MetricType": "NumberOfAgentsOnline", "QueueId": queue }),
        ("CheckMetricData", _) => json!({ "MetricType": "NumberOfContactsInQueue", "QueueId": queue }),
        ("GetMetricData", _) => json!({ "QueueId": queue }),
        ("TransferToFlow", _) => {
            json!({ "ContactFlowId": resource("contact-flow", random.pick(&["other", "queue flow", "first", "gone"])) })
        }
        ("UpdateFlowAttributes", _) => json!({ "FlowAttributes": { "b": { "Value": value } } }),
        ("UpdateFlowLoggingBehavior", _) => {
            json!({ "FlowLoggingBehavior": random.pick(&["Enabled", "Disabled"]) })
        }
        ("InvokeLambdaFunction", _) => {
            json!({ "LambdaFunctionARN": random.pick(&["arn:aws:lambda:us-west-2:111122223333:function:f", "$.Attributes.a"]),
            "InvocationTimeLimitSeconds": random.pick(&["1", "8"]), "LambdaInvocationAttributes": { "k": value },
            "ResponseValidation": { "ResponseType": random.pick(&["STRING_MAP", "JSON"]) } })
        }
        ("UpdateContactAttributes", _) => json!({ "Attributes": { "a": value, "c": "2" } }),
        ("UpdateContactData", _) => {
            json!({ "Name": value, "LanguageCode": "de-DE", "References": { "r": { "Value": value, "Type": "STRING" } } })
        }
        ("TagContact", _) => json!({ "Tags": { "t": value } }),
        ("UntagContact", _) => json!({ "TagKeys": ["t"] }),
        ("UpdateContactTargetQueue", _) if random.percent(80) => json!({ "QueueId": queue }),
        ("UpdateContactTargetQueue", _) => json!({ "AgentId": resource("agent", "ada") }),
        ("UpdateContactCallbackNumber", _) => {
            json!({ "CallbackNumber": random.pick(&["$.CustomerEndpoint.Address", "$.StoredCustomerInput"]) })
        }
        ("UpdateContactEventHooks", _) => {
            json!({ "EventHooks": { "CustomerQueue": resource("contact-flow", "queue flow") } })
        }
        ("UpdateContactRoutingBehavior", _) => json!({ "QueuePriority": "1" }),
        ("UpdateContactRoutingCriteria", _) => json!({ "RoutingCriteria": { "Steps": [] } }),
        ("UpdateContactRecordingBehavior", _) => {
            json!({ "RecordingBehavior": { "RecordedParticipants": ["Agent"] } })
        }
        ("UpdateContactRecordingAndAnalyticsBehavior", "chat") => json!({ "ChatBehavior": {} }),
        ("UpdateContactRecordingAndAnalyticsBehavior", _) => json!({ "VoiceBehavior": {} }),
        ("UpdateContactMediaStreamingBehavior", form) => {
            json!({ "MediaStreamType": "Audio", "MediaStreamingState": if form == "stop" { "Disabled" } else { "Enabled" },
            "Participants": [{ "ParticipantType": "Customer", "MediaDirections": random.pick(&[&["From"] as &[&str], &["To", "From"]]) }] })
        }
        ("UpdateContactTextToSpeechVoice", _) => json!({ "TextToSpeechVoice": "Joanna" }),
        ("InvokeFlowModule", _) => {
            json!({ "FlowModuleId": resource("flow-module", random.pick(&["module", "gone"])), "Input": { "k": value } })
        }
        ("MessageParticipantIteratively", _) => {
            let mut parameters = json!({ "Messages": [{ prompt: text }, { "Text": " " }] });
            if random.percent(70) {
                parameters["InterruptFrequencySeconds"] = random.pick(&["1", "20"]).into();
                parameters["ContinueMessagingDuringInterrupt"] = random.pick(&["true", "false"]).into();
            }
            parameters
        }
        ("ConnectParticipantWithLexBot", _) => {
            json!({ prompt: text, "LexSessionAttributes": { "k": value },
                "LexV2Bot": { "AliasArn": "arn:aws:lex:us-west-2:111122223333:bot-alias/B/1" } })
        }
        ("TransferParticipantToThirdParty", form) => {
            json!({ "ThirdPartyPhoneNumber": random.pick(&["+18005550142", "$.CustomerEndpoint.Address", "$.Attributes.a"]),
                "ThirdPartyConnectionTimeLimitSeconds": random.pick(&["0", "30", "$.Attributes.a"]),
                "ContinueFlowExecution": if form == "coming back" { "True" } else { "False" },
                "ThirdPartyDTMFDigits": random.pick(&["1,2#", "$.Attributes.a"]) })
        }
        ("DequeueContactAndTransferToQueue", _) if random.percent(80) => json!({ "QueueId": queue }),
        ("RouteContactToAgent", _) => json!({ "AgentId": random.pick(&["ada", "gone", "$.Attributes.a"]) }),
        ("CreateCallbackContact", _) => {
            json!({ "InitialCallDelaySeconds": "5", "RetryDelaySeconds": "60", "MaximumConnectionAttempts": "2", "QueueId": queue })
        }
        ("UpdatePreviousContactParticipantState", _) => {
            json!({ "PreviousContactParticipantState": random.pick(&["AgentOnHold", "CustomerOnHold", "OffHold"]) })
        }
        ("CompleteOutboundCall", _) => json!({ "CallerId": { "Number": "+18005550100" } }),
        _ => required(row),
    }
}

/// What must be there, of the least kind.
pub fn required(row: &Action) -> Value {
    let mut parameters = Map::new();
    for (name, _) in row.parameters().filter(|(_, is_required)| *is_required) {
        let value = match name {
            "Messages" => json!([{ "Text": "hi" }]),
            "ViewResource" | "ChatBehavior" => json!({}),
            "PreviousContactParticipantState" => json!("OffHold"),
            "ContinueFlowExecution" => json!(if row.form() == "coming back" { "True" } else { "False" }),
            _ => json!("1"),
        };
        parameters.insert(name.to_owned(), value);
    }
    Value::Object(parameters)
}

/// The same flow with a few things in it replaced, removed or cut, as text.
fn damaged(random: &mut Random, mut document: Value) -> String {
    for _ in 0..random.between(1, 6) {
        damage(random, &mut document, 0);
    }
    let mut text = document.to_string();
    if random.percent(15) {
        let mut at = random.index(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match random.below(3) {
            0 => text.truncate(at),
            1 => text.insert(at, random.pick(&['{', '"', '\u{0}', '\u{1f3a4}'])),
            _ => text.insert(0, '\u{feff}'),
        }
    }
    text
}

fn damage(random: &mut Random, value: &mut Value, depth: usize) {
    let goes_on = depth < 2 || random.percent(75);
    match value {
        Value::Object(members) if goes_on && !members.is_empty() => {
            let at = random.index(members.len());
            let Some(name) = members.keys().nth(at).cloned() else { return };
            if depth > 1 && random.percent(15) {
                members.remove(&name);
            } else if let Some(member) = members.get_mut(&name) {
                damage(random, member, depth + 1);
            }
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let at = random.index(items.len());
            if depth > 1 && random.percent(15) {
                let copy = items[at].clone();
                items.push(copy);
            } else {
                damage(random, &mut items[at], depth + 1);
            }
        }
        other => *other = junk(random),
    }
}

fn junk(random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Null,
        1 => json!(""),
        2 => json!([]),
        3 => json!({}),
        4 => json!(true),
        5 => json!(-1),
        6 => json!(1.5e300),
        7 => json!("$.External"),
        8 => json!("$.Attributes['"),
        9 => json!("x".repeat(5_000)),
        10 => json!(actions()[random.index(actions().len())].name()),
        11 => json!(format!("block {}", random.below(16))),
        12 => json!("NoMatchingError"),
        _ => json!(random.bits().to_string()),
    }
}
