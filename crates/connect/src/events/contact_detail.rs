//! The `detail` of a contact event: lower camel case, times in milliseconds, what is not there absent.

use super::EventType;
use crate::record::{system_endpoint, tags};
use crate::record_parts::{AgentTimes, seconds};
use serde_json::{Map, Value, json};
use tympan_contact::{AgentPart, Contact, CustomerAudio, Endpoint, InitiationMethod, QueueStay};
use tympan_types::WallTime;

pub(super) fn of(contact: &Contact, event_type: EventType, updated: &[&str]) -> Value {
    let mut detail = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        detail.extend(value.map(|value| (name.to_owned(), value)));
    };
    let time = |at: Option<WallTime>| at.map(|at| Value::from(at.rfc3339_ms()));
    add("eventType", Some(event_type.word().into()));
    add("contactId", Some(json!(contact.id)));
    add("initialContactId", contact.initial_contact_id.map(|id| json!(id)));
    add("previousContactId", contact.previous_contact_id.map(|id| json!(id)));
    add("relatedContactId", contact.related_contact_id.map(|id| json!(id)));
    add("channel", Some(contact.channel.to_string().into()));
    add("instanceArn", Some(contact.instance.arn().into()));
    add("initiationMethod", Some(contact.initiation_method.word().into()));
    add("initiationTimestamp", time(Some(contact.initiation_timestamp)));
    add("connectedToSystemTimestamp", time(contact.connected_to_system_timestamp));
    add("scheduledTimestamp", time(contact.scheduled_timestamp));
    add("disconnectTimestamp", time(contact.disconnect_timestamp));
    add("disconnectReason", contact.disconnect_reason.map(|reason| reason.word().into()));
    add("updatedProperties", (!updated.is_empty()).then(|| json!(updated)));
    let is_outbound = contact.initiation_method == InitiationMethod::Outbound;
    add("queueInfo", contact.queue.as_ref().filter(|_| !is_outbound).map(queue_info));
    add("agentInfo", contact.agent.as_ref().and_then(|part| agent_info(contact, part)));
    add("systemEndpoint", system_endpoint(contact).map(endpoint));
    add("customerEndpoint", contact.customer_endpoint.as_ref().map(endpoint));
    let recordings: Vec<Value> = contact.captures.iter().map(recording).collect();
    add("recordings", (!recordings.is_empty()).then(|| recordings.into()));
    add("tags", Some(json!(tags(contact))));
    add("routingCriteria", contact.details.routing_criteria.clone());
    add("customerId", contact.details.customer_id.as_deref().map(Value::from));
    let transitions: Vec<Value> = contact.monitoring.iter().map(transition).collect();
    add("stateTransitions", (!transitions.is_empty()).then(|| transitions.into()));
    detail.into()
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({ "address": endpoint.address.expose(), "type": endpoint.kind })
}

fn queue_info(stay: &QueueStay) -> Value {
    let mut info = json!({
        "queueArn": stay.queue.arn,
        "queueType": if stay.queue.is_agents { "AGENT" } else { "STANDARD" },
        "enqueueTimestamp": stay.enqueued.rfc3339_ms(),
    });
    if let Some(at) = stay.dequeued {
        info["dequeueTimestamp"] = at.rfc3339_ms().into();
    }
    info
}

/// Consumers tell an abandoned contact by the absence of this: it is there once agent and customer have heard each other.
fn agent_info(contact: &Contact, part: &AgentPart) -> Option<Value> {
    let mut info = json!({
        "agentArn": part.agent.arn,
        "connectedToAgentTimestamp": part.connected?.rfc3339_ms(),
    });
    let times = AgentTimes::of(contact)?;
    if times.holds > 0 {
        info["agentInitiatedHoldDuration"] = seconds(times.hold_ms).into();
    }
    if let Some(at) = part.after_contact_work_began {
        info["afterContactWorkStartTimestamp"] = at.rfc3339_ms().into();
    }
    if let Some(at) = part.after_contact_work_ended {
        info["afterContactWorkEndTimestamp"] = at.rfc3339_ms().into();
    }
    if let Some(ms) = times.after_contact_work_ms {
        info["afterContactWorkDuration"] = seconds(ms).into();
    }
    Some(info)
}

fn recording(audio: &CustomerAudio) -> Value {
    let mut item = json!({
        "storageType": "KINESIS_VIDEO_STREAM",
        "location": audio.stream_arn,
        "mediaStreamType": "VIDEO",
        "participantType": "CUSTOMER",
        "fragmentStartNumber": audio.start_fragment_number,
        "startTimestamp": audio.start_timestamp.rfc3339_ms(),
    });
    if let Some(number) = audio.stop_fragment_number {
        item["fragmentStopNumber"] = json!(number);
    }
    if let Some(at) = audio.stop_timestamp {
        item["stopTimestamp"] = at.rfc3339_ms().into();
    }
    item
}

fn transition(state: &tympan_contact::MonitorState) -> Value {
    let mut item = json!({ "state": state.state, "stateStartTimestamp": state.from.rfc3339_ms() });
    if let Some(at) = state.to {
        item["stateEndTimestamp"] = at.rfc3339_ms().into();
    }
    item
}
