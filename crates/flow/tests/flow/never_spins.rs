//! Whatever the graph: no panic, no endless run, at most one effect under way, and always an end.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::stage::{Contact, fixture_text};
use proptest::prelude::*;
use serde_json::{Value, json};
use tympan_flow::{
    Answer, BotOutcome, CollectedInput, Effect, ErrorType, Flow, FlowIdentity, FlowType, Input, Interpreter,
    Output, RoutedFlow,
};
use tympan_types::WallTime;

/// Every type of the language, and one that it does not have.
fn types() -> impl Strategy<Value = &'static str> {
    let known: Vec<_> = tympan_flow::actions().iter().map(|action| action.name()).collect();
    prop_oneof![20 => prop::sample::select(known), 1 => Just("NoSuchType")]
}

fn parameter_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("True")),
        Just(json!("Enabled")),
        Just(json!("Audio")),
        Just(json!("3")),
        Just(json!(7)),
        Just(json!(null)),
        Just(json!([])),
        Just(json!("$.External.a")),
        Just(json!("$.Attributes.a and $.FlowAttributes.b")),
        Just(json!([{ "ParticipantType": "Customer", "MediaDirections": ["From", "To"] }])),
        Just(json!({ "a": "$.External.a", "b": { "Value": "1" } })),
        Just(json!({ "CustomValidation": { "MaximumLength": "$.Attributes.a" } })),
        Just(json!({ "PhoneNumberValidation": { "NumberFormat": "Local" } })),
        Just(json!([{ "Text": " " }, { "PromptId": "$.External.a" }])),
        Just(json!([{ "Text": "hi" }])),
        Just(
            json!({ "AliasArn": "arn:aws:lex:us-east-1:999900001111:bot-alias/A/B", "Name": "B", "Number": "1" })
        ),
        Just(json!("OffHold")),
        ".{0,6}".prop_map(Value::from),
    ]
}

fn parameters() -> impl Strategy<Value = BTreeMap<&'static str, Value>> {
    let names = prop::sample::select(vec![
        "Text",
        "SSML",
        "PromptId",
        "StoreInput",
        "InputTimeLimitSeconds",
        "InputValidation",
        "InputEncryption",
        "MediaStreamingState",
        "MediaStreamType",
        "Participants",
        "LambdaFunctionARN",
        "LambdaInvocationAttributes",
        "Attributes",
        "FlowAttributes",
        "ComparisonValue",
        "LoopCount",
        "ContactFlowId",
        "FlowLoggingBehavior",
        "QueueId",
        "AgentId",
        "Messages",
        "InterruptFrequencySeconds",
        "ContinueMessagingDuringInterrupt",
        "LexV2Bot",
        "LexBot",
        "LexSessionAttributes",
        "ThirdPartyPhoneNumber",
        "ThirdPartyConnectionTimeLimitSeconds",
        "ThirdPartyDTMFDigits",
        "ContinueFlowExecution",
        "PreviousContactParticipantState",
        "CallerId",
        "FlowModuleId",
    ]);
    prop::collection::btree_map(names, parameter_value(), 0..14)
}

/// One of few identifiers, so that branches mostly lead somewhere.
fn identifier() -> impl Strategy<Value = String> {
    (0..10u8).prop_map(|number| format!("b{number}"))
}

fn transitions() -> impl Strategy<Value = Value> {
    let error = prop::sample::select(vec![
        "NoMatchingError",
        "NoMatchingCondition",
        "InputTimeLimitExceeded",
        "QueueAtCapacity",
        "CallFailed",
        "Odd",
    ]);
    let operator = prop::sample::select(vec!["Equals", "TextContains", "NumberLessThan", "Unheard"]);
    let operand = prop::sample::select(vec![
        "",
        "1",
        "ContinueLooping",
        "DoneLooping",
        "MessagesInterrupted",
        "$.Attributes.a",
    ]);
    (
        prop::option::of(identifier()),
        prop::collection::vec((error, identifier()), 0..3),
        prop::collection::vec((operator, operand, identifier()), 0..3),
    )
        .prop_map(|(next, errors, conditions)| {
            let errors: Vec<_> =
                errors.into_iter().map(|(kind, to)| json!({ "ErrorType": kind, "NextAction": to })).collect();
            let conditions: Vec<_> = conditions
                .into_iter()
                .map(|(operator, operand, to)| {
                    json!({ "NextAction": to, "Condition": { "Operator": operator, "Operands": [operand] } })
                })
                .collect();
            json!({ "NextAction": next, "Errors": errors, "Conditions": conditions })
        })
}

fn random_flow() -> impl Strategy<Value = Value> {
    let action = (identifier(), types(), parameters(), transitions());
    prop::collection::vec(action, 1..12).prop_map(|actions| {
        let actions: Vec<_> = actions
            .into_iter()
            .map(|(identifier, kind, parameters, transitions)| {
                json!({ "Identifier": identifier, "Type": kind, "Parameters": parameters, "Transitions": transitions })
            })
            .collect();
        json!({ "Version": "2019-10-30", "StartAction": "b0", "Actions": actions })
    })
}

fn answer() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Done),
        2 => Just(Input::Failed { reason: "random".into() }),
        2 => "[0-9*#]{0,5}".prop_map(|digits| Input::Input(CollectedInput::Digits(digits))),
        1 => Just(Input::Input(CollectedInput::TimedOut)),
        1 => Just(Input::Input(CollectedInput::Invalid)),
        2 => Just(Input::LambdaReturned(json!({ "a": "1" }))),
        1 => Just(Input::LambdaReturned(json!({ "a": { "b": [] } }))),
        1 => Just(Input::Start),
        1 => Just(Input::Answer(Answer::IsOpen(true))),
        1 => (1..=100u8).prop_map(|number| Input::Answer(Answer::Percent(number))),
        1 => Just(Input::Answer(Answer::Metrics(Box::default()))),
        2 => Just(Input::LoopInterrupted),
        1 => Just(Input::Bot(Box::default())),
        1 => Just(Input::Bot(Box::new(BotOutcome { intent: Some("1".into()), ..BotOutcome::default() }))),
        1 => Just(Input::Error { kind: ErrorType::QueueAtCapacity, reason: "full".into() }),
        1 => Just(Input::Error { kind: ErrorType::CallFailed, reason: "busy".into() }),
        1 => Just(Input::Interrupted),
        3 => prop::sample::select(&*MODULES),
    ]
}

/// A module with a loop of prompts, whose flow may end, return, hang up or invoke the next one meanwhile.
fn module(then: &str) -> Input {
    let document = json!({ "Version": "2019-10-30", "StartAction": "b0", "Actions": [
        { "Identifier": "b0", "Type": "MessageParticipantIteratively",
            "Parameters": { "Messages": [{ "Text": "hi" }], "InterruptFrequencySeconds": "1" },
            "Transitions": { "NextAction": "b1", "Conditions": [
                { "NextAction": "b1", "Condition": { "Operator": "Equals", "Operands": ["MessagesInterrupted"] } }] } },
        { "Identifier": "b1", "Type": then, "Parameters": { "FlowModuleId": "m" }, "Transitions": { "NextAction": "b0" } },
    ] });
    let flow = Arc::new(Flow::parse(&document.to_string()).expect("a module"));
    let identity = FlowIdentity { arn: "module".into(), name: then.to_owned() };
    Input::Flow(RoutedFlow { flow, identity, flow_type: FlowType::Module })
}

static MODULES: LazyLock<Vec<Input>> = LazyLock::new(|| {
    let ends = [
        "EndFlowExecution",
        "EndFlowModuleExecution",
        "DisconnectParticipant",
        "InvokeFlowModule",
        "TransferContactToQueue",
    ];
    ends.map(module).into()
});

/// Every type of flow, modules aside: they do not run by themselves.
fn flow_types() -> impl Strategy<Value = FlowType> {
    prop::sample::select(
        FlowType::ALL.into_iter().filter(|kind| *kind != FlowType::Module).collect::<Vec<_>>(),
    )
}

/// What an effect is answered with when all goes well and takes no time.
fn at_once(effect: &Effect) -> Input {
    match effect {
        Effect::PlayInLoop(_) => Input::LoopInterrupted,
        Effect::ConnectBot(_) => Input::Bot(Box::default()),
        Effect::InvokeModule { .. } => MODULES[0].clone(),
        _ => Input::Done,
    }
}

fn interpreter(flow: Flow, flow_type: FlowType) -> Interpreter {
    let identity = FlowIdentity { arn: "arn".into(), name: "random".into() };
    Interpreter::new(Arc::new(flow), identity).with_flow_type(flow_type).with_logging(true)
}

/// Runs a flow on these answers, all at one instant; gives the effects.
fn run(flow: Flow, flow_type: FlowType, answers: &[Input]) -> Vec<Effect> {
    let mut interpreter = interpreter(flow, flow_type);
    let mut effects = Vec::new();
    let now = WallTime::from_unix_ms(0);
    for input in std::iter::once(&Input::Start).chain(answers) {
        interpreter.handle(now, input.clone(), &Contact::default());
        let mut asked = 0;
        while let Some(output) = interpreter.poll() {
            if let Output::Effect(effect) = output {
                asked += 1;
                assert_eq!(effect.is_answered(), !interpreter.is_finished());
                effects.push(effect);
            }
        }
        assert!(asked <= 1);
    }
    effects
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_random_graph_runs_to_an_effect_and_never_panics(
        document in random_flow(),
        kind in flow_types(),
        answers in prop::collection::vec(answer(), 0..40),
    ) {
        let flow = Flow::parse(&document.to_string()).unwrap();
        let _ = (flow.to_dot(), flow.to_mermaid());
        let effects = run(flow, kind, &answers);
        prop_assert!(!effects.is_empty(), "a started flow does something, if only to hang up");
    }

    #[test]
    fn effects_that_end_at_once_do_not_keep_a_flow_going(document in random_flow(), kind in flow_types()) {
        let flow = Flow::parse(&document.to_string()).unwrap();
        let mut interpreter = interpreter(flow, kind);
        let (mut input, mut effects) = (Input::Start, 0);
        while !interpreter.is_finished() {
            interpreter.handle(WallTime::from_unix_ms(0), input, &Contact::default());
            input = Input::Interrupted;
            while let Some(output) = interpreter.poll() {
                if let Output::Effect(effect) = output {
                    input = at_once(&effect);
                    effects += 1;
                }
            }
            prop_assert!(effects <= 1101);
        }
    }

    #[test]
    fn a_damaged_document_is_an_error_or_a_flow(
        name in prop::sample::select(vec!["seed.json", "seed-modules.json", "broken.json", "whisper-modules.json"]),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        truncate in any::<bool>(),
    ) {
        let mut bytes = fixture_text(name).into_bytes();
        let at = cut.index(bytes.len());
        if truncate { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(flow) = Flow::parse(&String::from_utf8_lossy(&bytes)) {
            run(flow, FlowType::ContactFlow, &[Input::Done, Input::Done, Input::Failed { reason: String::new() }, Input::Done]);
        }
    }
}
