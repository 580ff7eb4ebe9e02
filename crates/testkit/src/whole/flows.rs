//! Contact flows of a world: the example of the product, and documents drawn from the seed.

use crate::sim::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_flow::{Flow, FlowIdentity};
use tympan_types::ResourceId;

/// The function that flows invoke.
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:simulated";

const SEED: &str = include_str!("../../../../fixtures/flows/seed.json");

/// A flow that calls reach.
#[derive(Debug, Clone)]
pub(crate) struct RoutedFlow {
    pub(crate) flow: Arc<Flow>,
    pub(crate) identity: FlowIdentity,
}

/// The flows of a world: the example first.
pub(crate) fn draw(random: &mut Random, count: usize) -> Vec<RoutedFlow> {
    routed((0..count).map(|index| if index == 0 { SEED.to_owned() } else { document(random, None) }))
}

/// The flows of a world with so many queues: most of them end in one.
pub(crate) fn draw_queued(random: &mut Random, count: usize, queues: usize) -> Vec<RoutedFlow> {
    routed((0..count).map(|_| document(random, Some(queues))))
}

/// The flows of the events of a world's contacts, by the event's name; `CustomerRemaining` runs where a flow has set it.
pub(crate) fn draw_hooked(random: &mut Random) -> BTreeMap<&'static str, RoutedFlow> {
    let mut hooked = BTreeMap::new();
    for event in ["CustomerQueue", "AgentWhisper", "CustomerWhisper", "CustomerHold", "CustomerRemaining"] {
        let mut blocks = Vec::new();
        match event {
            "CustomerQueue" | "CustomerHold" => {
                let messages: Vec<Value> = (0..random.between(1, 3))
                    .map(|_| json!({ "Text": "word ".repeat(usize::try_from(random.between(1, 8)).unwrap_or(1)) }))
                    .collect();
                let mut parameters = json!({ "Messages": messages });
                if event == "CustomerQueue" && random.percent(50) {
                    parameters["InterruptFrequencySeconds"] = json!(random.pick(&["2", "5", "20"]));
                }
                blocks.push(block("loop", "MessageParticipantIteratively", parameters));
                if random.percent(50) {
                    blocks.push(function(random, "turn"));
                }
            }
            _ => {
                if event == "AgentWhisper" && random.percent(20) {
                    blocks.push(streaming("start", "Enabled", random.percent(30)));
                }
                if random.percent(80) {
                    blocks.push(message(random, "whisper"));
                }
            }
        }
        blocks.push(block("over", "EndFlowExecution", json!({})));
        let Some(mut flow) = routed([written(blocks)]).pop() else { continue };
        flow.identity = FlowIdentity {
            arn: format!("arn:aws:connect:us-west-2:111122223333:instance/i/contact-flow/{event}"),
            name: event.to_owned(),
        };
        if random.percent(90) {
            hooked.insert(event, flow);
        }
    }
    hooked
}

fn routed(documents: impl IntoIterator<Item = String>) -> Vec<RoutedFlow> {
    let routed = documents.into_iter().enumerate().filter_map(|(index, document)| {
        let flow = Arc::new(Flow::parse(&document).ok()?);
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/i/contact-flow/{index}");
        Some(RoutedFlow { flow, identity: FlowIdentity { arn, name: format!("flow {index}") } })
    });
    routed.collect()
}

/// The flows of very many calls: a short one, and one that streams.
pub(crate) fn of_many() -> Vec<RoutedFlow> {
    let random = &mut Random::new(1);
    let short = vec![input(random, "input"), function(random, "function")];
    let streams = vec![
        streaming("start", "Enabled", false),
        input(random, "input"),
        streaming("stop", "Disabled", false),
    ];
    routed([short, streams].map(|mut blocks| {
        blocks.push(block("bye", "DisconnectParticipant", json!({})));
        written(blocks)
    }))
}

/// A document of a few blocks in a row; every failure goes on to the next block, so that each call sees all of them.
fn document(random: &mut Random, queues: Option<usize>) -> String {
    let mut blocks =
        vec![block("log", "UpdateFlowLoggingBehavior", json!({ "FlowLoggingBehavior": "Enabled" }))];
    for section in 0..random.between(1, 3) {
        let streams = random.percent(80);
        if random.percent(40) {
            blocks.push(message(random, &format!("before {section}")));
        }
        if streams {
            blocks.push(streaming(&format!("start {section}"), "Enabled", random.percent(15)));
        }
        for step in 0..random.between(1, 3) {
            let name = format!("{section} {step}");
            match random.below(10) {
                0..=3 => blocks.push(message(random, &format!("message {name}"))),
                4..=6 => blocks.push(input(random, &format!("input {name}"))),
                7 => blocks.push(function(random, &format!("function {name}"))),
                8 => blocks.push(attributes(&format!("attributes {name}"))),
                _ => blocks.extend(repeated(random, &name)),
            }
        }
        if streams && random.percent(70) {
            blocks.push(streaming(&format!("stop {section}"), "Disabled", false));
        }
    }
    if let Some(queues) = queues.filter(|_| random.percent(90)) {
        if random.percent(30) {
            let hooks = json!({ "CustomerRemaining": "CustomerRemaining" });
            blocks.push(block("hook", "UpdateContactEventHooks", json!({ "EventHooks": hooks })));
        }
        if random.percent(30) {
            let parameters = json!({
                "Text": "word word",
                "LexV2Bot": { "AliasArn": "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID" },
            });
            blocks.push(block("bot", "ConnectParticipantWithLexBot", parameters));
        }
        if random.percent(20) {
            let priority = random.pick(&["1", "3", "9"]);
            blocks.push(block(
                "priority",
                "UpdateContactRoutingBehavior",
                json!({ "QueuePriority": priority }),
            ));
        }
        let queue = queue_id(random.index(queues));
        blocks.push(block("queue", "UpdateContactTargetQueue", json!({ "QueueId": queue.to_string() })));
        blocks.push(block("transfer", "TransferContactToQueue", json!({})));
    }
    blocks.push(block("bye", "DisconnectParticipant", json!({})));
    written(blocks)
}

/// A queue of the simulated instance.
pub(crate) fn queue_id(index: usize) -> ResourceId {
    ResourceId::from_random([10 + u8::try_from(index).unwrap_or(u8::MAX); 16])
}

fn written(mut blocks: Vec<Value>) -> String {
    link(&mut blocks);
    let start = blocks[0]["Identifier"].clone();
    json!({ "Version": "2019-10-30", "StartAction": start, "Metadata": {}, "Actions": blocks }).to_string()
}

fn block(name: &str, kind: &str, parameters: Value) -> Value {
    json!({ "Identifier": name, "Type": kind, "Parameters": parameters, "Transitions": {} })
}

fn message(random: &mut Random, name: &str) -> Value {
    // The length of its sound goes by its text.
    let words = "word ".repeat(usize::try_from(random.between(1, 8)).unwrap_or(1));
    block(name, "MessageParticipant", json!({ "Text": words }))
}

fn streaming(name: &str, state: &str, both: bool) -> Value {
    let directions = if both { json!(["From", "To"]) } else { json!(["From"]) };
    let participants = json!([{ "ParticipantType": "Customer", "MediaDirections": directions }]);
    let parameters =
        json!({ "MediaStreamingState": state, "MediaStreamType": "Audio", "Participants": participants });
    block(name, "UpdateContactMediaStreamingBehavior", parameters)
}

fn input(random: &mut Random, name: &str) -> Value {
    let words = "press ".repeat(usize::try_from(random.between(1, 8)).unwrap_or(1));
    let limit = random.pick(&["1", "2", "5"]);
    let parameters = json!({ "Text": words, "InputTimeLimitSeconds": limit, "StoreInput": "False" });
    block(name, "GetParticipantInput", parameters)
}

fn function(random: &mut Random, name: &str) -> Value {
    let parameters = json!({
        "LambdaFunctionARN": FUNCTION,
        "InvocationTimeLimitSeconds": random.pick(&["1", "3", "8"]),
        "LambdaInvocationAttributes": { "stream": "$.MediaStreams.Customer.Audio.StreamARN" },
        "ResponseValidation": { "ResponseType": "STRING_MAP" },
    });
    block(name, "InvokeLambdaFunction", parameters)
}

fn attributes(name: &str) -> Value {
    let values = json!({
        "from": "$.MediaStreams.Customer.Audio.StartFragmentNumber",
        "message": "$.External.message",
        "block": name,
    });
    block(name, "UpdateContactAttributes", json!({ "Attributes": values, "TargetContact": "Current" }))
}

/// A loop around one message or input.
fn repeated(random: &mut Random, name: &str) -> Vec<Value> {
    let (head, body) = (format!("loop {name}"), format!("looped {name}"));
    let mut inner = if random.percent(50) { message(random, &body) } else { input(random, &body) };
    let mut around = block(&head, "Loop", json!({ "LoopCount": random.pick(&["1", "2", "3"]) }));
    around["Body"] = json!(body);
    inner["Back"] = json!(head);
    vec![around, inner]
}

/// Lets each block go on with the next one, whatever happens in it.
fn link(blocks: &mut [Value]) {
    let names: Vec<Value> = blocks.iter().map(|block| block["Identifier"].clone()).collect();
    for (index, this) in blocks.iter_mut().enumerate() {
        let body = this.as_object_mut().and_then(|block| block.remove("Body"));
        let back = this.as_object_mut().and_then(|block| block.remove("Back"));
        // Behind the head of a loop stands its body.
        let next = names.get(index + if body.is_some() { 2 } else { 1 });
        let Some(next) = back.as_ref().or(next) else { continue };
        let equals = |operand: &str, next: &Value| json!({ "NextAction": next, "Condition": { "Operator": "Equals", "Operands": [operand] } });
        let error = |kind: &str| json!({ "NextAction": next, "ErrorType": kind });
        let (mut errors, mut conditions) = (Vec::new(), Vec::new());
        match (this["Type"].as_str(), &body) {
            (Some("Loop"), Some(body)) => {
                conditions = vec![equals("ContinueLooping", body), equals("DoneLooping", next)];
            }
            (Some("GetParticipantInput"), _) => {
                conditions = vec![equals("1", next)];
                let kinds = ["InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"];
                errors = kinds.map(error).to_vec();
            }
            (Some("UpdateFlowLoggingBehavior" | "UpdateContactRoutingBehavior"), _) => {}
            (Some("ConnectParticipantWithLexBot"), _) => {
                conditions = vec![equals("Order", next)];
                errors = ["NoMatchingCondition", "NoMatchingError"].map(error).to_vec();
            }
            (Some("TransferContactToQueue"), _) => {
                errors = ["QueueAtCapacity", "NoMatchingError"].map(error).to_vec()
            }
            (Some("MessageParticipantIteratively"), _) => {
                if this["Parameters"]["InterruptFrequencySeconds"].is_string() {
                    conditions = vec![equals("MessagesInterrupted", next)];
                }
                errors = vec![error("NoMatchingError")];
            }
            _ => errors = vec![error("NoMatchingError")],
        }
        this["Transitions"] = json!({ "NextAction": next, "Errors": errors, "Conditions": conditions });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawn_flow_is_sound_and_fully_performed() {
        for seed in 0..200 {
            let flows = draw(&mut Random::new(seed), 4);
            assert_eq!(flows.len(), 4);
            let queued = draw_queued(&mut Random::new(seed), 4, 3);
            assert_eq!(queued.len(), 4);
            let hooked = draw_hooked(&mut Random::new(seed));
            for routed in flows.into_iter().chain(queued).chain(hooked.into_values()) {
                assert_eq!(routed.flow.problems(), [], "seed {seed}");
                assert!(routed.flow.blocks().iter().all(|block| block.is_supported()), "seed {seed}");
            }
        }
    }
}
