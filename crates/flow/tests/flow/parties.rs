//! Blocks about queues, agents, third parties and bots: what they ask for, and what comes of each answer.

use crate::stage::{Contact, Stage, flow, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_flow::{
    AlternateIntent, BotOutcome, BotRef, CallbackSpec, Effect, ErrorType, Flow, FlowIdentity, FlowType,
    HoldState, Input, Interpreter, LoopSpec, Output, Prompt, QueueTarget, ResourceRef, ThirdPartyCall,
    TraceEntry, replay,
};

fn told(id: &str) -> Value {
    json!({ "Identifier": id, "Type": "MessageParticipant", "Parameters": { "Text": id } })
}

fn error(kind: &str, to: &str) -> Value {
    json!({ "ErrorType": kind, "NextAction": to })
}

fn equals(result: &str, to: &str) -> Value {
    json!({ "NextAction": to, "Condition": { "Operator": "Equals", "Operands": [result] } })
}

/// One block whose branches say which they are.
fn one(kind: &str, parameters: Value, errors: &[&str]) -> Flow {
    let branches: Vec<_> = errors.iter().map(|kind| error(kind, kind)).collect();
    let mut blocks = vec![
        json!({ "Identifier": "block", "Type": kind, "Parameters": parameters,
            "Transitions": { "NextAction": "next", "Errors": branches } }),
        told("next"),
    ];
    blocks.extend(errors.iter().map(|kind| told(kind)));
    flow(Value::from(blocks))
}

const QUEUE_ERRORS: &[&str] = &["NoMatchingError", "QueueAtCapacity"];

fn to_queue() -> Stage {
    Stage::new(one("TransferContactToQueue", json!({}), QUEUE_ERRORS))
}

fn went_wrong(kind: ErrorType) -> Input {
    Input::Error { kind, reason: "it broke".into() }
}

fn queue(id: &str) -> QueueTarget {
    QueueTarget::Queue(ResourceRef::of(id))
}

#[test]
fn a_contact_in_its_queue_is_out_of_the_flow_wherever_the_block_leads() {
    let mut stage = to_queue();
    assert_eq!(stage.start(), Some(Effect::TransferToQueue));
    assert_eq!(stage.done(), None);
    assert!(stage.interpreter.is_finished());
    assert_eq!(stage.last_log(), ("block", Some("Success"), None));
}

#[test]
fn a_full_queue_leaves_the_contact_in_the_flow() {
    let mut stage = to_queue();
    stage.start();
    assert_eq!(stage.give(went_wrong(ErrorType::QueueAtCapacity)), say("QueueAtCapacity"));
    assert_eq!(stage.last_log(), ("block", Some("AtCapacity"), Some("it broke")));
    let mut stage = to_queue();
    stage.start();
    assert_eq!(stage.fail(), say("NoMatchingError"));
}

#[test]
fn a_waiting_contact_is_moved_to_a_queue_an_agent_or_the_queue_that_it_is_meant_for() {
    let to = |parameters: Value| {
        let flow = one("DequeueContactAndTransferToQueue", parameters, QUEUE_ERRORS);
        Stage::new(flow).of_type(FlowType::CustomerQueue).knowing("$.Attributes.q", "sales")
    };
    for (parameters, expected) in [
        (json!({ "QueueId": "$.Attributes.q" }), queue("sales")),
        (json!({ "AgentId": "ada" }), QueueTarget::Agent(ResourceRef::of("ada"))),
        (json!({}), QueueTarget::TargetQueue),
    ] {
        let mut stage = to(parameters);
        assert_eq!(stage.start(), Some(Effect::DequeueAndTransferToQueue { to: expected }));
        assert_eq!(stage.done(), None);
        assert!(stage.interpreter.is_finished());
    }
    let mut nowhere = to(json!({ "QueueId": "$.Attributes.unset" }));
    assert_eq!(nowhere.start(), say("NoMatchingError"));
    assert_eq!(nowhere.last_log().2, Some("QueueId resolves to nothing"));
}

#[test]
fn a_transfer_to_an_agent_is_the_end_of_its_flow() {
    let mut stage = Stage::new(flow(json!([{ "Identifier": "agent", "Type": "TransferContactToAgent" }])));
    assert_eq!(stage.start(), Some(Effect::TransferToAgent));
    assert!(stage.interpreter.is_finished() && !Effect::TransferToAgent.is_answered());
}

#[test]
fn an_offer_to_a_busy_agent_is_a_success_however_the_agent_answers() {
    let flow = one("RouteContactToAgent", json!({ "AgentId": "ada" }), &["NoMatchingError"]);
    let mut stage = Stage::new(flow).of_type(FlowType::CustomerQueue);
    assert_eq!(stage.start(), Some(Effect::RouteToAgent { agent: ResourceRef::of("ada") }));
    assert_eq!(stage.done(), say("next"));
}

/// A queue flow that says something every 30 s.
fn loops(parameters: Value, after: Value) -> Stage {
    let mut parameters = parameters;
    parameters["Messages"] = json!([{ "Text": "Please wait." }, { "PromptId": "music" }]);
    let flow = flow(json!([
        { "Identifier": "loop", "Type": "MessageParticipantIteratively", "Parameters": parameters,
            "Transitions": { "Errors": [], "Conditions": [equals("MessagesInterrupted", "news")] } },
        { "Identifier": "news", "Type": "MessageParticipant", "Parameters": { "Text": "news" },
            "Transitions": { "NextAction": "after" } },
        after,
    ]));
    Stage::new(flow).of_type(FlowType::CustomerQueue)
}

fn plays(interrupt_every_ms: Option<u32>, continues: bool, is_resumed: bool) -> Option<Effect> {
    let music = Prompt::Audio { id: "music".into(), name: None };
    let messages = vec![Prompt::Text("Please wait.".into()), music];
    Some(Effect::PlayInLoop(LoopSpec { messages, interrupt_every_ms, continues, is_resumed }))
}

#[test]
fn an_interrupted_loop_goes_on_when_its_flow_ends_or_leads_back_to_it() {
    let end = json!({ "Identifier": "after", "Type": "EndFlowExecution" });
    let back = json!({ "Identifier": "after", "Type": "UpdateFlowLoggingBehavior",
        "Parameters": { "FlowLoggingBehavior": "Enabled" }, "Transitions": { "NextAction": "loop" } });
    for (after, ends) in [(end, true), (back, false)] {
        let mut stage = loops(json!({ "InterruptFrequencySeconds": "30" }), after);
        assert_eq!(stage.start(), plays(Some(30_000), false, false));
        for _ in 0..3 {
            assert_eq!(stage.give(Input::LoopInterrupted), say("news"));
            let entry = stage.log.iter().rfind(|entry| entry.identifier == "loop").unwrap();
            assert_eq!(entry.results.as_deref(), Some("MessagesInterrupted"));
            let mut next = stage.done();
            if !ends {
                assert_eq!(next, Some(Effect::SetLogging(true)));
                next = stage.done();
            }
            assert_eq!(next, plays(Some(30_000), false, true));
        }
    }
}

#[test]
fn a_loop_may_play_on_while_its_flow_has_a_turn() {
    let end = json!({ "Identifier": "after", "Type": "EndFlowExecution" });
    let parameters = json!({ "InterruptFrequencySeconds": "20", "ContinueMessagingDuringInterrupt": "true" });
    let mut stage = loops(parameters, end);
    assert_eq!(stage.start(), plays(Some(20_000), true, false));
    stage.give(Input::LoopInterrupted);
    assert_eq!(stage.done(), plays(Some(20_000), true, true));
}

#[test]
fn a_loop_that_no_branch_waits_for_is_never_interrupted() {
    let flow = flow(json!([{ "Identifier": "loop", "Type": "MessageParticipantIteratively",
        "Parameters": { "Messages": [{ "Text": "a" }], "InterruptFrequencySeconds": "30" } }]));
    let mut stage = Stage::new(flow).of_type(FlowType::CustomerHold);
    let Some(Effect::PlayInLoop(spec)) = stage.start() else { panic!("it plays") };
    assert_eq!(spec.interrupt_every_ms, None);
    // And it goes on if it is all the same.
    assert!(matches!(stage.give(Input::LoopInterrupted), Some(Effect::PlayInLoop(_))));
}

#[test]
fn a_flow_that_ends_in_a_module_goes_back_to_the_loop_of_the_flow_that_invoked_it() {
    let invoke = json!({ "Identifier": "after", "Type": "InvokeFlowModule", "Parameters": { "FlowModuleId": "m" },
        "Transitions": { "NextAction": "after" } });
    let mut stage = loops(json!({ "InterruptFrequencySeconds": "30" }), invoke);
    stage.start();
    stage.give(Input::LoopInterrupted);
    assert!(matches!(stage.done(), Some(Effect::InvokeModule { .. })));
    let module = flow(json!([{ "Identifier": "end", "Type": "EndFlowExecution" }]));
    assert_eq!(stage.module("m", module), plays(Some(30_000), false, true));
    assert!(stage.log.last().unwrap().identifier == "end" && stage.interpreter.identity().arn == "arn:flow");
}

#[test]
fn without_a_loop_the_end_of_a_queue_flow_is_its_end() {
    let flow = flow(json!([{ "Identifier": "end", "Type": "EndFlowExecution" }]));
    assert_eq!(Stage::new(flow).of_type(FlowType::CustomerQueue).start(), Some(Effect::End));
}

#[test]
fn a_loop_that_is_interrupted_in_no_time_is_ended() {
    let flow = flow(json!([
        { "Identifier": "loop", "Type": "MessageParticipantIteratively",
            "Parameters": { "Messages": [{ "Text": " " }], "InterruptFrequencySeconds": "1" },
            "Transitions": { "Conditions": [equals("MessagesInterrupted", "end")] } },
        { "Identifier": "end", "Type": "EndFlowExecution" },
    ]));
    let now = tympan_types::WallTime::from_unix_ms(0);
    let mut stage = Stage::new(flow).of_type(FlowType::CustomerQueue);
    stage.interpreter.handle(now, Input::Start, &stage.contact);
    for _ in 0..1_000 {
        stage.interpreter.handle(now, Input::LoopInterrupted, &stage.contact);
    }
    assert!(stage.interpreter.is_finished());
    let mut last = None;
    while let Some(output) = stage.interpreter.poll() {
        if let Output::Effect(effect) = output {
            last = Some(effect);
        }
    }
    assert_eq!(last, Some(Effect::End), "the contact stays in its queue");
}

#[test]
fn a_loop_with_a_prompt_that_no_voice_could_speak_fails() {
    let parameters = json!({ "Messages": [{ "Text": "a" }, { "SSML": "<speak>" }] });
    let mut stage = Stage::new(one("MessageParticipantIteratively", parameters, &["NoMatchingError"]));
    assert_eq!(stage.start(), say("NoMatchingError"));
}

fn bot(parameters: Value) -> Stage {
    let flow = flow(json!([
        { "Identifier": "bot", "Type": "ConnectParticipantWithLexBot", "Parameters": parameters, "Transitions": {
            "NextAction": "none", "Conditions": [equals("OrderFlowers", "flowers")],
            "Errors": [error("NoMatchingCondition", "none"), error("NoMatchingError", "failed"),
                error("InputTimeLimitExceeded", "late")] } },
        { "Identifier": "flowers", "Type": "MessageParticipant", "Parameters": { "Text":
            "$.Lex.Slots.Kind, $.Lex.SessionAttributes.price, $.Lex.DialogState, $.Lex.IntentConfidence.Score, \
             $.Lex.AlternateIntents.Greet.IntentConfidence.Score, $.Lex.SentimentResponse.Scores.Positive, $.Lex.IntentName" } },
        told("none"), told("failed"), told("late"),
    ]));
    Stage::new(flow).knowing("$.Attributes.bot", "arn:bot")
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_bot_is_asked_and_its_intent_is_the_branch() {
    let mut stage = bot(json!({ "Text": "How can I help?", "LexV2Bot": { "AliasArn": "$.Attributes.bot" },
        "LexSessionAttributes": { "a": "$.Attributes.bot", "x-amz-lex:audio:max-length-ms:*:*": "5000" } }));
    let Some(Effect::ConnectBot(spec)) = stage.start() else { panic!("{:?}", stage.last_log()) };
    assert_eq!(spec.bot, BotRef::V2 { alias_arn: "arn:bot".into() });
    assert_eq!(spec.prompt, Some(Prompt::Text("How can I help?".into())));
    assert_eq!(
        spec.session_attributes,
        map(&[("a", "arn:bot"), ("x-amz-lex:audio:max-length-ms:*:*", "5000")])
    );
    assert_eq!(spec.intents, ["OrderFlowers"]);
    let outcome = BotOutcome {
        intent: Some("OrderFlowers".into()),
        slots: map(&[("Kind", "roses")]),
        session_attributes: map(&[("price", "5")]),
        dialog_state: Some("Fulfilled".into()),
        confidence: Some("0.9".into()),
        alternatives: vec![AlternateIntent {
            intent: "Greet".into(),
            slots: BTreeMap::new(),
            confidence: Some("0.1".into()),
        }],
        sentiment: Some("POSITIVE".into()),
        sentiment_scores: map(&[("Positive", "0.7")]),
    };
    assert_eq!(
        stage.give(Input::Bot(Box::new(outcome))),
        say("roses, 5, Fulfilled, 0.9, 0.1, 0.7, OrderFlowers")
    );
    assert_eq!(
        stage.log.iter().find(|e| e.identifier == "bot").unwrap().results.as_deref(),
        Some("OrderFlowers")
    );
}

#[test]
fn a_bot_that_does_not_understand_times_out_or_fails_has_a_branch_for_each() {
    let answers = [
        (Input::Bot(Box::default()), "none"),
        (Input::Bot(Box::new(BotOutcome { intent: Some("Other".into()), ..BotOutcome::default() })), "none"),
        // Intents are case-sensitive.
        (
            Input::Bot(Box::new(BotOutcome { intent: Some("orderflowers".into()), ..BotOutcome::default() })),
            "none",
        ),
        (went_wrong(ErrorType::InputTimeLimitExceeded), "late"),
        (Input::Failed { reason: "closed".into() }, "failed"),
        (Input::Done, "failed"),
    ];
    for (answer, branch) in answers {
        let mut stage =
            bot(json!({ "Text": "?", "LexBot": { "Name": "B", "Region": "us-east-1", "Alias": "$LATEST" } }));
        let Some(Effect::ConnectBot(spec)) = stage.start() else { panic!("it asks") };
        let (name, region) = ("B".into(), "us-east-1".into());
        assert_eq!(spec.bot, BotRef::V1 { name, region, alias: "$LATEST".into() });
        assert_eq!(stage.give(answer.clone()), say(branch), "{answer:?}");
    }
}

#[test]
fn a_message_to_a_bot_has_a_limit_also_where_it_is_computed() {
    let parameters = json!({ "LexV2Bot": { "AliasArn": "arn:bot" },
        "LexInitializationData": { "InitialMessage": "$.Attributes.m" } });
    let mut stage = bot(parameters.clone()).knowing("$.Attributes.m", &"é".repeat(1_024));
    let Some(Effect::ConnectBot(spec)) = stage.start() else { panic!("it asks") };
    assert_eq!(spec.initial_message.map(|message| message.chars().count()), Some(1_024));
    let mut stage = bot(parameters).knowing("$.Attributes.m", &"é".repeat(1_025));
    assert_eq!(stage.start(), say("failed"));
}

const CALL_ERRORS: &[&str] = &["NoMatchingError", "CallFailed", "ConnectionTimeLimitExceeded"];

fn third_party(continues: &str, parameters: Value) -> Stage {
    let mut parameters = parameters;
    parameters["ContinueFlowExecution"] = continues.into();
    let errors = if continues == "True" { CALL_ERRORS } else { &CALL_ERRORS[..1] };
    Stage::new(one("TransferParticipantToThirdParty", parameters, errors))
        .knowing("$.Attributes.number", "+18005550142")
        .knowing("$.Attributes.limit", "45")
        .knowing("$.Attributes.keys", "1,,2#")
}

fn dynamic() -> Value {
    json!({ "ThirdPartyPhoneNumber": "$.Attributes.number", "ThirdPartyConnectionTimeLimitSeconds": "$.Attributes.limit",
        "ThirdPartyDTMFDigits": "$.Attributes.keys", "CallerId": { "Number": "+18005550100", "Name": "Ada" } })
}

#[test]
fn a_third_party_is_called_and_the_flow_goes_on_after_it() {
    let mut stage = third_party("True", dynamic());
    let call = ThirdPartyCall {
        number: "+18005550142".into(),
        limit_ms: 45_000,
        continues: true,
        digits: Some("1,,2#".into()),
        caller_id_number: Some("+18005550100".into()),
        caller_id_name: Some("Ada".into()),
    };
    assert_eq!(stage.start(), Some(Effect::CallThirdParty(call)));
    assert_eq!(stage.done(), say("next"));
    for kind in [ErrorType::CallFailed, ErrorType::ConnectionTimeLimitExceeded] {
        let mut stage = third_party("True", dynamic());
        stage.start();
        assert_eq!(stage.give(went_wrong(kind)), say(kind.word()));
    }
}

#[test]
fn a_third_party_that_is_connected_for_good_ends_the_flow() {
    let mut stage = third_party("False", dynamic());
    assert!(matches!(stage.start(), Some(Effect::CallThirdParty(call)) if !call.continues));
    assert_eq!(stage.done(), None);
    assert!(stage.interpreter.is_finished());
    let mut stage = third_party("False", dynamic());
    stage.start();
    assert_eq!(stage.give(went_wrong(ErrorType::CallFailed)), say("NoMatchingError"), "it has one branch");
}

#[test]
fn a_call_to_what_is_no_number_or_with_what_are_no_keys_is_not_made() {
    for (name, value) in
        [("number", ""), ("limit", "601"), ("limit", "soon"), ("keys", "12a"), ("keys", &"1".repeat(51))]
    {
        let mut stage = third_party("True", dynamic());
        stage.contact.set(&format!("$.Attributes.{name}"), value);
        assert_eq!(stage.start(), say("NoMatchingError"), "{name} {value}");
    }
    let mut named = dynamic();
    named["CallerId"]["Name"] = json!("$.Attributes.number");
    assert_eq!(third_party("True", named).start(), say("NoMatchingError"), "a name has no +");
}

#[test]
fn numbers_in_a_row_that_no_one_answers_are_not_dialled_for_ever() {
    let flow = flow(json!([{ "Identifier": "call", "Type": "TransferParticipantToThirdParty",
        "Parameters": { "ThirdPartyPhoneNumber": "+18005550142", "ThirdPartyConnectionTimeLimitSeconds": "30",
            "ContinueFlowExecution": "True" },
        "Transitions": { "NextAction": "call", "Errors": [error("NoMatchingError", "stop"), error("CallFailed", "call")] } },
        told("stop"),
    ]));
    let mut stage = Stage::new(flow);
    let now = tympan_types::WallTime::from_unix_ms(0);
    stage.interpreter.handle(now, Input::Start, &stage.contact);
    for _ in 0..100 {
        stage.interpreter.handle(now, went_wrong(ErrorType::CallFailed), &stage.contact);
    }
    assert_eq!(stage.interpreter.waiting_block(), Some("stop"));
}

#[test]
fn a_callback_is_made_for_a_queue_with_its_delays() {
    let made = |parameters: Value| {
        let mut all = json!({ "InitialCallDelaySeconds": "99", "RetryDelaySeconds": "600", "MaximumConnectionAttempts": "2" });
        all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        Stage::new(one("CreateCallbackContact", all, &["NoMatchingError"]))
    };
    let plain = CallbackSpec {
        to: QueueTarget::TargetQueue,
        delay_s: 99,
        retry_delay_s: 600,
        attempts: 2,
        flow: None,
        caller_id: None,
    };
    let full = CallbackSpec {
        to: queue("sales"),
        flow: Some(ResourceRef::of("arn:f")),
        caller_id: Some("+18005550100".into()),
        ..plain.clone()
    };
    let parameters = json!({ "QueueId": "sales", "ContactFlowId": "arn:f", "CallerId": "+18005550100" });
    for (parameters, expected) in [(json!({}), plain), (parameters, full)] {
        let mut stage = made(parameters);
        assert_eq!(stage.start(), Some(Effect::CreateCallback(expected)));
        assert_eq!(stage.done(), say("next"));
    }
    for unset in ["QueueId", "AgentId", "ContactFlowId", "CallerId"] {
        assert_eq!(made(json!({ unset: "$.Attributes.unset" })).start(), say("NoMatchingError"), "{unset}");
    }
}

#[test]
fn the_parties_of_the_previous_contact_are_put_on_hold_and_off() {
    for state in [HoldState::AgentOnHold, HoldState::CustomerOnHold, HoldState::OffHold] {
        let parameters = json!({ "PreviousContactParticipantState": state.word() });
        let mut stage =
            Stage::new(one("UpdatePreviousContactParticipantState", parameters, &["NoMatchingError"]));
        assert_eq!(stage.start(), Some(Effect::SetHold(state)));
        assert_eq!(stage.done(), say("next"));
    }
}

#[test]
fn a_customer_who_cannot_be_dialled_ends_the_outbound_flow() {
    let dial = |caller: Value| {
        let flow = flow(json!([
            { "Identifier": "dial", "Type": "CompleteOutboundCall", "Parameters": caller,
                "Transitions": { "NextAction": "next" } },
            told("next"),
        ]));
        Stage::new(flow).of_type(FlowType::OutboundWhisper)
    };
    let mut stage = dial(json!({ "CallerId": { "Number": "+18005550100" } }));
    assert_eq!(stage.start(), Some(Effect::DialCustomer { caller_id: Some("+18005550100".into()) }));
    assert_eq!(stage.done(), say("next"));
    let mut stage = dial(json!({}));
    assert_eq!(stage.start(), Some(Effect::DialCustomer { caller_id: None }));
    assert_eq!(stage.fail(), None);
    assert!(stage.interpreter.is_finished());
    assert_eq!(stage.last_log(), ("dial", Some("Error"), Some("it broke")));
    let mut stage = dial(json!({ "VoiceConnector": { "VoiceConnectorType": "ChimeConnector" } }));
    assert_eq!(stage.start(), None);
    assert!(stage.interpreter.is_finished());
}

#[test]
fn a_flow_that_cannot_go_on_hangs_up_only_where_nothing_else_holds_the_call() {
    for kind in FlowType::ALL {
        let lost = flow(json!([{ "Identifier": "a", "Type": "CreateTask" }]));
        let expected = match kind {
            FlowType::ContactFlow
            | FlowType::AgentTransfer
            | FlowType::QueueTransfer
            | FlowType::Campaign
            | FlowType::Module => Effect::Disconnect,
            _ => Effect::End,
        };
        assert_eq!(Stage::new(lost).of_type(kind).start(), Some(expected.clone()), "{kind}");
        let nowhere = Flow::parse(r#"{"Version":"2019-10-30","StartAction":"x","Actions":[]}"#).unwrap();
        assert_eq!(Stage::new(nowhere).of_type(kind).start(), Some(expected), "{kind}");
    }
}

#[test]
fn a_block_in_a_module_that_may_not_run_in_the_flow_takes_its_error_branch() {
    let invoke = || {
        flow(json!([{ "Identifier": "m", "Type": "InvokeFlowModule", "Parameters": { "FlowModuleId": "m" },
            "Transitions": { "NextAction": "good", "Errors": [error("NoMatchingError", "bad")] } },
            told("good"), told("bad") ]))
    };
    let module = || {
        flow(json!([
            { "Identifier": "offer", "Type": "RouteContactToAgent", "Parameters": { "AgentId": "ada" },
                "Transitions": { "NextAction": "return", "Errors": [error("NoMatchingError", "not here")] } },
            told("not here"),
            { "Identifier": "return", "Type": "EndFlowModuleExecution" },
        ]))
    };
    let mut queue = Stage::new(invoke()).of_type(FlowType::CustomerQueue);
    queue.start();
    assert!(matches!(queue.module("m", module()), Some(Effect::RouteToAgent { .. })));
    assert_eq!(queue.done(), say("good"));
    let mut inbound = Stage::new(invoke());
    inbound.start();
    assert_eq!(inbound.module("m", module()), say("not here"));
    assert_eq!(inbound.last_log().2, Some("the block may not run in a flow of type CONTACT_FLOW"));
    // What ends a call has no error branch: the module fails.
    let mut whisper = Stage::new(invoke()).of_type(FlowType::AgentWhisper);
    whisper.start();
    let hang_up = flow(json!([{ "Identifier": "end", "Type": "DisconnectParticipant" }]));
    assert_eq!(whisper.module("m", hang_up), say("bad"));
}

#[test]
fn loops_and_the_log_go_on_in_the_next_flow_of_a_call_and_nothing_else_does() {
    let counts = || {
        flow(json!([
            { "Identifier": "keep", "Type": "UpdateFlowAttributes",
                "Parameters": { "FlowAttributes": { "seen": { "Value": "yes" } } }, "Transitions": { "NextAction": "loop" } },
            { "Identifier": "loop", "Type": "Loop", "Parameters": { "LoopCount": "1" }, "Transitions": { "NextAction": "done",
                "Conditions": [equals("ContinueLooping", "go on"), equals("DoneLooping", "done")] } },
            told("go on"), told("done"),
        ]))
    };
    let mut first = Stage::new(counts());
    assert_eq!(first.start(), say("go on"));
    let memory = first.interpreter.call_memory().clone();
    assert!(memory.is_logging());
    assert_eq!(Stage::new(counts()).after(memory.clone()).start(), say("done"));
    assert_eq!(Stage::new(counts()).after(memory.of_next_contact()).start(), say("go on"));
    let asks = flow(json!([{ "Identifier": "say", "Type": "MessageParticipant",
        "Parameters": { "Text": "seen: $.FlowAttributes.seen$.External.a$.Lex.IntentName" } }]));
    assert_eq!(Stage::new(asks).after(memory).start(), say("seen: "));
}

fn export(kind: &str, target: Option<&str>, parameters: Value, branches: Value) -> Stage {
    let mut block = json!({ "id": "block", "type": kind, "parameters": parameters, "branches": branches });
    if let Some(target) = target {
        block["target"] = target.into();
    }
    let say = |id: &str| {
        json!({ "id": id, "type": "PlayPrompt", "branches": [],
            "parameters": [{ "name": "Text", "value": id }, { "name": "TextToSpeechType", "value": "text" }] })
    };
    let export = json!({ "modules": [block, say("good"), say("late"), say("bad")], "start": "block" });
    Stage::new(Flow::parse(&export.to_string()).expect("an export is a flow"))
}

fn branches() -> Value {
    json!([{ "condition": "Success", "transition": "good" }, { "condition": "Timeout", "transition": "late" },
        { "condition": "AtCapacity", "transition": "late" }, { "condition": "CallFailure", "transition": "late" },
        { "condition": "Error", "transition": "bad" }])
}

#[test]
fn the_older_export_loops_prompts_by_text_and_by_the_names_of_recordings() {
    let parameters = json!([
        { "name": "Text", "value": "Please wait.", "key": "text" },
        { "name": "AudioPrompt", "value": "arn:p", "resourceName": "CustomerQueue.wav" },
        { "name": "Text", "value": "<speak>hm</speak>", "key": "ssml" },
        { "name": "InterruptSeconds", "value": 30 },
    ]);
    let mut stage = export("LoopPrompts", None, parameters, branches());
    let Some(Effect::PlayInLoop(spec)) = stage.start() else { panic!("{:?}", stage.last_log()) };
    let audio = Prompt::Audio { id: "arn:p".into(), name: Some("CustomerQueue.wav".into()) };
    let ssml = Prompt::Ssml("<speak>hm</speak>".into());
    assert_eq!(spec.messages, [Prompt::Text("Please wait.".into()), audio, ssml]);
    assert_eq!(spec.interrupt_every_ms, Some(30_000));
    assert_eq!(stage.give(Input::LoopInterrupted), say("late"));
}

#[test]
fn the_older_export_moves_calls_and_holds() {
    let mut queue = export("Transfer", Some("Queue"), json!([]), branches());
    assert_eq!(queue.start(), Some(Effect::TransferToQueue));
    assert_eq!(queue.give(went_wrong(ErrorType::QueueAtCapacity)), say("late"));

    let mut moved = export("CustomerInQueue", None, json!([{ "name": "Queue", "value": "q" }]), branches());
    assert_eq!(moved.start(), Some(Effect::DequeueAndTransferToQueue { to: self::queue("q") }));

    for (blind, continues) in [("true", false), ("false", true)] {
        let parameters = json!([{ "name": "PhoneNumber", "value": "+18005550142" }, { "name": "TimeLimit", "value": "30" },
            { "name": "BlindTransfer", "value": blind }]);
        let mut call = export("Transfer", Some("PhoneNumber"), parameters, branches());
        let Some(Effect::CallThirdParty(spec)) = call.start() else { panic!("it calls") };
        assert_eq!((spec.continues, spec.limit_ms), (continues, 30_000));
        assert_eq!(call.give(went_wrong(ErrorType::ConnectionTimeLimitExceeded)), say("late"));
    }

    let parameters = json!([{ "name": "InitialDelaySeconds", "value": "5" }, { "name": "RetryDelaySeconds", "value": "60" },
        { "name": "MaxRetryAttempts", "value": "3" }]);
    let mut callback = export("CreateCallback", None, parameters, branches());
    assert!(matches!(callback.start(), Some(Effect::CreateCallback(spec))
        if (spec.delay_s, spec.retry_delay_s, spec.attempts) == (5, 60, 3)));

    let mut hold =
        export("SetHoldState", None, json!([{ "name": "State", "value": "Agent on hold" }]), branches());
    assert_eq!(hold.start(), Some(Effect::SetHold(HoldState::AgentOnHold)));

    let parameters = json!([{ "name": "Text", "value": "?" }, { "name": "BotName", "value": "B" },
        { "name": "BotAlias", "value": "$LATEST" }, { "name": "BotRegion", "value": "us-east-1" }]);
    let mut bot = export("GetUserInput", Some("Lex"), parameters, branches());
    assert!(matches!(bot.start(), Some(Effect::ConnectBot(spec)) if matches!(spec.bot, BotRef::V1 { .. })));

    let mut agent = export("Transfer", Some("Agent"), json!([]), json!([]));
    assert_eq!(agent.start(), Some(Effect::TransferToAgent));
    let mut dial = export("Dial", None, json!([]), branches());
    assert_eq!(dial.start(), Some(Effect::DialCustomer { caller_id: None }));
}

#[test]
fn a_recording_in_a_loop_is_found_by_the_name_that_its_flow_keeps() {
    let document = json!({ "Version": "2019-10-30", "StartAction": "loop",
        "Metadata": { "ActionMetadata": { "loop": { "parameters": { "Messages": [{}, { "PromptId": { "displayName": "Music.wav" } }] } } } },
        "Actions": [{ "Identifier": "loop", "Type": "MessageParticipantIteratively",
            "Parameters": { "Messages": [{ "Text": "a" }, { "PromptId": "arn:gone" }] }, "Transitions": {} }] });
    let mut stage = Stage::new(Flow::parse(&document.to_string()).unwrap()).of_type(FlowType::CustomerHold);
    let Some(Effect::PlayInLoop(spec)) = stage.start() else { panic!("it plays") };
    assert_eq!(spec.messages[1], Prompt::Audio { id: "arn:gone".into(), name: Some("Music.wav".into()) });
}

#[test]
fn flows_that_run_beside_each_other_are_repeated_from_one_trace() {
    let says = std::sync::Arc::new(flow(json!([
        { "Identifier": "a", "Type": "MessageParticipant", "Parameters": { "Text": "a" }, "Transitions": { "NextAction": "b" } },
        { "Identifier": "b", "Type": "EndFlowExecution" },
    ])));
    let runs = |run: u32| {
        let identity = FlowIdentity { arn: "arn".into(), name: "n".into() };
        Interpreter::new(says.clone(), identity).with_flow_type(FlowType::AgentWhisper).with_trace_of(run)
    };
    let (mut queue, mut whisper, mut trace) = (runs(0), runs(3), Vec::new());
    for input in [Input::Start, Input::Done] {
        for interpreter in [&mut queue, &mut whisper] {
            let now = tympan_types::WallTime::from_unix_ms(5);
            interpreter.handle(now, input.clone(), &Contact::default());
            while let Some(output) = interpreter.poll() {
                if let Output::Trace(entry) = output {
                    trace.push(TraceEntry::from_json(&entry.to_json()).unwrap());
                }
            }
        }
    }
    assert_eq!(trace.iter().map(|entry| entry.run).collect::<Vec<_>>(), [0, 3, 0, 3]);
    assert_eq!(replay(&trace, |_, _| Some(says.clone())), Ok(()));
    trace.swap(0, 2);
    assert!(replay(&trace, |_, _| Some(says.clone())).is_err());
}
