//! What a flow learns of a reply that ends a conversation.

use super::words::{Alternative, BotResult, Reply, Sentiment};
use crate::model::{Attributes, Intent, Interpretation, SessionState, Slot};
use std::collections::BTreeMap;

/// Whether the intent in hand needs nothing more of the caller.
pub(super) fn is_settled(state: &SessionState) -> bool {
    let settled = ["ReadyForFulfillment", "Fulfilled", "Failed"];
    let of = state.intent.as_ref().and_then(|intent| intent.state.as_deref());
    of.is_some_and(|state| settled.contains(&state))
}

/// The result of a conversation.
pub(super) fn of(reply: &Reply, attributes: &Attributes) -> BotResult {
    let intent = reply.session_state.intent.as_ref().filter(|intent| !intent.name.is_empty());
    let name = intent.map(|intent| intent.name.as_str());
    let is_it = |one: &&Interpretation| one.intent.as_ref().map(|intent| intent.name.as_str()) == name;
    let chosen = reply.interpretations.iter().find(is_it);
    let others = reply.interpretations.iter().filter(|one| !is_it(one));
    BotResult {
        intent: name.map(str::to_owned),
        slots: intent.map(slots).unwrap_or_default(),
        session_attributes: attributes.clone(),
        dialog_state: intent.and_then(|intent| intent.state.clone()).unwrap_or_default(),
        confidence: chosen.and_then(|one| one.nlu_confidence).map(|confidence| confidence.score),
        sentiment: chosen.or(reply.interpretations.first()).and_then(sentiment),
        alternatives: others.filter_map(alternative).collect(),
    }
}

fn sentiment(of: &Interpretation) -> Option<Sentiment> {
    let sentiment = of.sentiment_response.as_ref()?;
    Some(Sentiment { label: sentiment.sentiment.clone()?, scores: sentiment.sentiment_score })
}

fn alternative(of: &Interpretation) -> Option<Alternative> {
    let intent = of.intent.as_ref()?;
    let confidence = of.nlu_confidence.map(|confidence| confidence.score);
    Some(Alternative { intent: intent.name.clone(), slots: slots(intent), confidence })
}

/// The slots that have values; a part of a composite one is `Slot.Part`.
fn slots(intent: &Intent) -> Vec<(String, String)> {
    let mut values = Vec::new();
    collect("", &intent.slots, &mut values, PARTS_DEEP);
    values
}

fn collect(
    prefix: &str,
    slots: &BTreeMap<String, Option<Slot>>,
    values: &mut Vec<(String, String)>,
    deep: u32,
) {
    for (name, slot) in slots {
        let Some(slot) = slot else { continue };
        let name = format!("{prefix}{name}");
        if let Some(value) = &slot.value {
            values.push((name.clone(), value.interpreted_value.clone()));
        }
        if let Some(parts) = slot.sub_slots.as_ref().filter(|_| deep > 0) {
            collect(&format!("{name}."), parts, values, deep - 1);
        }
    }
}

/// Composite slots have parts, and those have none.
const PARTS_DEEP: u32 = 1;
