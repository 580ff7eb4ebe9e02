//! What keeps blocks about queues, agents, third parties and bots from being published, and what does not.

use crate::stage::flow;
use serde_json::{Value, json};
use tympan_flow::FlowType;

fn problems(kind: &str, parameters: Value, errors: &[&str], conditions: &[&str]) -> Vec<String> {
    let errors: Vec<_> = errors.iter().map(|kind| json!({ "ErrorType": kind, "NextAction": "a" })).collect();
    let conditions: Vec<_> = conditions
        .iter()
        .map(|result| json!({ "NextAction": "a", "Condition": { "Operator": "Equals", "Operands": [result] } }))
        .collect();
    let flow = flow(json!([{ "Identifier": "a", "Type": kind, "Parameters": parameters,
        "Transitions": { "NextAction": "a", "Errors": errors, "Conditions": conditions } }]));
    flow.problems().iter().map(|problem| format!("{} {}", problem.path, problem.message)).collect()
}

fn call(parameters: Value, continues: &str, errors: &[&str]) -> Vec<String> {
    let mut all = json!({ "ThirdPartyPhoneNumber": "+18005550142", "ThirdPartyConnectionTimeLimitSeconds": "30",
        "ContinueFlowExecution": continues });
    for (name, value) in parameters.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    problems("TransferParticipantToThirdParty", all, errors, &[])
}

const THREE: &[&str] = &["NoMatchingError", "CallFailed", "ConnectionTimeLimitExceeded"];

#[test]
fn the_two_forms_of_a_call_to_a_third_party_have_errors_of_their_own() {
    assert_eq!(call(json!({}), "True", THREE), [""; 0]);
    assert_eq!(call(json!({}), "False", &["NoMatchingError"]), [""; 0]);
    assert_eq!(
        call(json!({}), "True", &["NoMatchingError"]),
        [
            "Actions[0].Transitions.Errors lack the error CallFailed",
            "Actions[0].Transitions.Errors lack the error ConnectionTimeLimitExceeded"
        ]
    );
    assert_eq!(
        call(json!({}), "False", &["NoMatchingError", "CallFailed"]),
        [
            "Actions[0].Transitions.Errors[1].ErrorType \"CallFailed\" is not an error of TransferParticipantToThirdParty"
        ]
    );
}

#[test]
fn numbers_keys_and_names_of_a_call_are_checked_where_they_are_written_down() {
    for (parameters, expected) in [
        (
            json!({ "ThirdPartyConnectionTimeLimitSeconds": "601" }),
            "ThirdPartyConnectionTimeLimitSeconds must be a whole number from 0 to 600",
        ),
        (
            json!({ "ThirdPartyDTMFDigits": "1;2" }),
            "ThirdPartyDTMFDigits must be up to 50 of 0-9, *, # and a comma",
        ),
        (json!({ "CallerId": { "Name": "a@b" } }), "CallerId.Name must have none of ; / ? : @ & = + $ ,"),
        (json!({ "ContinueFlowExecution": "Maybe" }), "ContinueFlowExecution must be \"True\" or \"False\""),
        (json!({ "Number": "1" }), "Number is not a parameter of TransferParticipantToThirdParty"),
    ] {
        let errors = if parameters.get("ContinueFlowExecution").is_some() { &THREE[..1] } else { THREE };
        assert_eq!(call(parameters, "True", errors), [format!("Actions[0].Parameters.{expected}")]);
    }
    assert_eq!(call(json!({ "ThirdPartyDTMFDigits": "$.Attributes.keys" }), "True", THREE), [""; 0]);
}

#[test]
fn a_loop_of_prompts_has_prompts_and_one_condition_and_need_not_lead_on() {
    let messages = json!([{ "Text": "a" }, { "PromptId": "p" }]);
    let looped = |parameters: Value, conditions: &[&str]| {
        problems("MessageParticipantIteratively", parameters, &[], conditions)
    };
    let every = json!({ "Messages": messages, "InterruptFrequencySeconds": "30", "ContinueMessagingDuringInterrupt": "true" });
    assert_eq!(looped(every, &["MessagesInterrupted"]), [""; 0]);
    assert_eq!(looped(json!({ "Messages": [] }), &[]), ["Actions[0].Parameters.Messages have no prompt"]);
    assert_eq!(
        looped(json!({ "Messages": [{ "Text": "a", "SSML": "b" }, {}] }), &[]),
        [
            "Actions[0].Parameters.Messages[0].SSML cannot be used together with Text",
            "Actions[0].Parameters.Messages[1] has none of PromptId, Text, SSML and Media"
        ]
    );
    assert_eq!(
        looped(json!({ "Messages": messages }), &["MessagesInterrupted"]),
        ["Actions[0].Parameters.InterruptFrequencySeconds is missing: the block has a branch for it"]
    );
    let every = json!({ "Messages": messages, "InterruptFrequencySeconds": "30" });
    assert_eq!(
        looped(every, &["Done"]),
        ["Actions[0].Transitions.Conditions[0].Condition can never be met by MessageParticipantIteratively"]
    );
    let alone = flow(json!([{ "Identifier": "a", "Type": "MessageParticipantIteratively",
        "Parameters": { "Messages": messages }, "Transitions": {} }]));
    for kind in [FlowType::CustomerQueue, FlowType::CustomerHold, FlowType::AgentHold, FlowType::Module] {
        assert_eq!(alone.problems_as(kind), [], "{kind}");
    }
    assert_eq!(alone.problems_as(FlowType::ContactFlow).len(), 1);
}

#[test]
fn a_bot_is_one_of_two_kinds_and_begins_with_one_prompt() {
    let two = &["NoMatchingError", "NoMatchingCondition"];
    let v2 = json!({ "AliasArn": "arn:b" });
    let bot = |parameters: Value| problems("ConnectParticipantWithLexBot", parameters, two, &["Order"]);
    assert_eq!(bot(json!({ "Text": "?", "LexV2Bot": v2 })), [""; 0]);
    assert_eq!(bot(json!({ "LexInitializationData": { "InitialMessage": "hi" }, "LexV2Bot": v2 })), [""; 0]);
    for (parameters, expected) in [
        (json!({ "Text": "?" }), "Parameters have neither LexV2Bot nor LexBot"),
        (
            json!({ "Text": "?", "LexV2Bot": v2, "LexBot": { "Name": "B" } }),
            "Parameters.LexBot cannot be used together with LexV2Bot",
        ),
        (
            json!({ "LexV2Bot": v2 }),
            "Parameters have none of Text, SSML, PromptId, Media and LexInitializationData",
        ),
        (
            json!({ "LexV2Bot": v2, "LexInitializationData": { "InitialMessage": "x".repeat(1_025) } }),
            "Parameters.LexInitializationData.InitialMessage must have at most 1024 characters",
        ),
        (
            json!({ "Text": "?", "LexV2Bot": v2, "Bot": "b" }),
            "Parameters.Bot is not a parameter of ConnectParticipantWithLexBot",
        ),
    ] {
        assert_eq!(bot(parameters), [format!("Actions[0].{expected}")]);
    }
    let with_time_limit = ["NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded"];
    let parameters = json!({ "Text": "?", "LexV2Bot": v2, "LexTimeoutSeconds": { "Text": "300" } });
    assert_eq!(problems("ConnectParticipantWithLexBot", parameters, &with_time_limit, &[]), [""; 0]);
}

#[test]
fn queues_and_callbacks_are_named_once_and_need_their_errors() {
    assert_eq!(
        problems(
            "TransferContactToQueue",
            json!({ "QueueId": "q" }),
            &["NoMatchingError", "QueueAtCapacity"],
            &[]
        ),
        ["Actions[0].Parameters.QueueId is not a parameter of TransferContactToQueue"]
    );
    assert_eq!(
        problems("TransferContactToQueue", json!({}), &["NoMatchingError"], &[]),
        ["Actions[0].Transitions.Errors lack the error QueueAtCapacity"]
    );
    let both = json!({ "QueueId": "q", "AgentId": "a" });
    assert_eq!(
        problems("DequeueContactAndTransferToQueue", both, &["NoMatchingError", "QueueAtCapacity"], &[]),
        ["Actions[0].Parameters.AgentId cannot be used together with QueueId"]
    );
    let callback =
        |parameters: Value| problems("CreateCallbackContact", parameters, &["NoMatchingError"], &[]);
    let sound = json!({ "InitialCallDelaySeconds": "5", "RetryDelaySeconds": "600", "MaximumConnectionAttempts": "2" });
    assert_eq!(callback(sound.clone()), [""; 0]);
    for (name, value, expected) in [
        ("InitialCallDelaySeconds", json!("0"), "must be a whole number from 1 to 259200"),
        ("RetryDelaySeconds", json!("$.Attributes.d"), "must be a whole number from 1 to 259200"),
        ("MaximumConnectionAttempts", json!(null), "is missing"),
    ] {
        let mut parameters = sound.clone();
        parameters[name] = value;
        assert_eq!(callback(parameters), [format!("Actions[0].Parameters.{name} {expected}")]);
    }
}

#[test]
fn blocks_of_the_parties_of_a_call_stand_in_the_flows_of_their_table() {
    use FlowType::{AgentTransfer, AgentWhisper, ContactFlow, CustomerQueue, OutboundWhisper, QueueTransfer};
    for (kind, allowed, refused) in [
        (
            "TransferContactToQueue",
            [ContactFlow, QueueTransfer].as_slice(),
            [CustomerQueue, AgentWhisper].as_slice(),
        ),
        ("DequeueContactAndTransferToQueue", &[CustomerQueue], &[ContactFlow, AgentTransfer]),
        ("TransferContactToAgent", &[AgentTransfer, QueueTransfer], &[ContactFlow, CustomerQueue]),
        ("RouteContactToAgent", &[CustomerQueue], &[ContactFlow, OutboundWhisper]),
        ("CompleteOutboundCall", &[OutboundWhisper], &[ContactFlow, CustomerQueue]),
        ("CreateCallbackContact", &[ContactFlow, CustomerQueue], &[OutboundWhisper, AgentWhisper]),
        ("UpdatePreviousContactParticipantState", &[ContactFlow, AgentTransfer], &[CustomerQueue]),
        ("DisconnectParticipant", &[ContactFlow, CustomerQueue], &[AgentWhisper, OutboundWhisper]),
    ] {
        let flow = flow(json!([{ "Identifier": "a", "Type": kind, "Transitions": {} }]));
        let is_refused = |flow_type: FlowType| {
            flow.problems_as(flow_type).iter().any(|problem| problem.message.contains("may not stand"))
        };
        assert!(allowed.iter().all(|flow_type| !is_refused(*flow_type)), "{kind}");
        assert!(refused.iter().all(|flow_type| is_refused(*flow_type)), "{kind}");
    }
}
