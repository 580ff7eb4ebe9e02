//! Effects and inputs about queues, agents, third parties and bots, as the trace has them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::prompt_json;
use crate::effect::{
    AlternateIntent, BotOutcome, BotRef, BotSpec, CallbackSpec, LoopSpec, QueueTarget, ResourceRef,
    ThirdPartyCall,
};

pub(super) fn target_json(target: &QueueTarget) -> Value {
    let named = |kind: &str, of: &ResourceRef| json!({ kind: { "id": of.id, "name": of.name } });
    match target {
        QueueTarget::Queue(queue) => named("queue", queue),
        QueueTarget::Agent(agent) => named("agent", agent),
        QueueTarget::TargetQueue => json!("target_queue"),
    }
}

pub(super) fn loop_json(spec: &LoopSpec) -> Value {
    json!({
        "play_in_loop": spec.messages.iter().map(prompt_json).collect::<Vec<_>>(),
        "interrupt_every_ms": spec.interrupt_every_ms,
        "continues": spec.continues,
        "is_resumed": spec.is_resumed,
    })
}

pub(super) fn bot_json(spec: &BotSpec) -> Value {
    let bot = match &spec.bot {
        BotRef::V2 { alias_arn } => json!({ "alias_arn": alias_arn }),
        BotRef::V1 { name, region, alias } => json!({ "name": name, "region": region, "alias": alias }),
    };
    json!({
        "connect_bot": bot,
        "prompt": spec.prompt.as_ref().map(prompt_json),
        "initial_message": spec.initial_message,
        "session_attributes": spec.session_attributes,
        "intents": spec.intents,
    })
}

pub(super) fn third_party_json(call: &ThirdPartyCall) -> Value {
    json!({
        "call": call.number,
        "limit_ms": call.limit_ms,
        "continues": call.continues,
        "digits": call.digits,
        "caller_id_number": call.caller_id_number,
        "caller_id_name": call.caller_id_name,
    })
}

pub(super) fn callback_json(spec: &CallbackSpec) -> Value {
    json!({
        "create_callback": target_json(&spec.to),
        "delay_s": spec.delay_s,
        "retry_delay_s": spec.retry_delay_s,
        "attempts": spec.attempts,
        "flow": spec.flow.as_ref().map(|flow| json!({ "id": flow.id, "name": flow.name })),
        "caller_id": spec.caller_id,
    })
}

pub(super) fn outcome_json(outcome: &BotOutcome) -> Value {
    json!({
        "intent": outcome.intent,
        "slots": outcome.slots,
        "session_attributes": outcome.session_attributes,
        "dialog_state": outcome.dialog_state,
        "confidence": outcome.confidence,
        "alternatives": outcome.alternatives.iter().map(|alternative| json!({
            "intent": alternative.intent,
            "slots": alternative.slots,
            "confidence": alternative.confidence,
        })).collect::<Vec<_>>(),
        "sentiment": outcome.sentiment,
        "sentiment_scores": outcome.sentiment_scores,
    })
}

pub(super) fn read_outcome(value: &Value) -> Option<BotOutcome> {
    let members = value.as_object()?;
    let alternatives = members.get("alternatives")?.as_array()?.iter().map(|alternative| {
        let members = alternative.as_object()?;
        Some(AlternateIntent {
            intent: members.get("intent")?.as_str()?.to_owned(),
            slots: texts(members, "slots")?,
            confidence: text(members, "confidence")?,
        })
    });
    Some(BotOutcome {
        intent: text(members, "intent")?,
        slots: texts(members, "slots")?,
        session_attributes: texts(members, "session_attributes")?,
        dialog_state: text(members, "dialog_state")?,
        confidence: text(members, "confidence")?,
        alternatives: alternatives.collect::<Option<_>>()?,
        sentiment: text(members, "sentiment")?,
        sentiment_scores: texts(members, "sentiment_scores")?,
    })
}

fn text(members: &Map<String, Value>, name: &str) -> Option<Option<String>> {
    match members.get(name)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    }
}

fn texts(members: &Map<String, Value>, name: &str) -> Option<BTreeMap<String, String>> {
    let entries = members.get(name)?.as_object()?.iter();
    entries.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
