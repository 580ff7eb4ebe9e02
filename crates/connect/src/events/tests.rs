use super::*;
use crate::record::tests::{ended_contact, met_an_agent};
use tympan_contact::MonitorState;
use tympan_contact::fixtures::contact;

fn words(events: &[ContactEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.event_type.word()).collect()
}

/// The states of a contact that met an agent, as they are written one after the other.
fn states() -> Vec<Contact> {
    let last = met_an_agent();
    let new = Contact {
        captures: Vec::new(),
        queue: None,
        agent: None,
        disconnect_timestamp: None,
        disconnect_reason: None,
        connected_to_system_timestamp: None,
        ..last.clone()
    };
    let answered =
        Contact { connected_to_system_timestamp: last.connected_to_system_timestamp, ..new.clone() };
    let mut capturing = Contact { captures: last.captures.clone(), ..answered.clone() };
    capturing.captures[0].stop_timestamp = None;
    capturing.captures[0].stop_fragment_number = None;
    let mut queued = Contact { queue: last.queue.clone(), ..capturing.clone() };
    queued.queue.as_mut().unwrap().dequeued = None;
    let mut accepted = Contact { agent: last.agent.clone(), ..queued.clone() };
    let part = accepted.agent.as_mut().unwrap();
    (part.connected, part.left, part.holds) = (None, None, Vec::new());
    (part.after_contact_work_began, part.after_contact_work_ended) = (None, None);
    let mut connected = Contact { queue: last.queue.clone(), ..accepted.clone() };
    connected.agent.as_mut().unwrap().connected = last.agent.as_ref().unwrap().connected;
    let mut over = last.clone();
    over.agent.as_mut().unwrap().after_contact_work_ended = None;
    vec![new, answered, capturing, queued, accepted, connected, over, last]
}

#[test]
fn each_state_that_is_written_over_another_brings_the_events_between_them() {
    let states = states();
    let mut seen = Vec::new();
    let mut before = None;
    for state in &states {
        seen.push(words(&between(before, state)));
        assert_eq!(words(&between(Some(state), state)), [""; 0], "nothing changed");
        before = Some(state);
    }
    let expected: [&[&str]; 8] = [
        &["INITIATED"],
        &[],
        &["MEDIA_STREAMING_STARTED"],
        &["QUEUED"],
        &[],
        &["CONNECTED_TO_AGENT"],
        &["MEDIA_STREAMING_STOPPED", "DISCONNECTED"],
        &["COMPLETED"],
    ];
    assert_eq!(seen, expected);
}

#[test]
fn states_that_were_skipped_are_told_of_all_the_same() {
    let all = [
        "INITIATED",
        "MEDIA_STREAMING_STARTED",
        "QUEUED",
        "CONNECTED_TO_AGENT",
        "MEDIA_STREAMING_STOPPED",
        "DISCONNECTED",
        "COMPLETED",
    ];
    assert_eq!(words(&between(None, &met_an_agent())), all);
}

#[test]
fn without_work_after_it_a_contact_is_complete_when_it_ends() {
    let ended = ended_contact();
    let up = Contact { disconnect_timestamp: None, disconnect_reason: None, ..ended.clone() };
    assert_eq!(words(&between(Some(&up), &ended)), ["DISCONNECTED", "COMPLETED"]);
}

#[test]
fn only_calls_that_the_system_places_tell_of_the_answer() {
    for method in InitiationMethod::ALL {
        let mut before = contact();
        before.initiation_method = method;
        let mut after = before.clone();
        after.connected_to_system_timestamp = Some(after.initiation_timestamp.plus_ms(5_000));
        let told = !between(Some(&before), &after).is_empty();
        let is_placed = ["OUTBOUND", "CALLBACK", "API", "EXTERNAL_OUTBOUND"].contains(&method.word());
        assert_eq!(told, is_placed, "{method}");
    }
}

#[test]
fn changes_of_data_name_what_was_updated() {
    let before = contact();
    let mut after = before.clone();
    after.attributes.set([("k".to_owned(), "v".to_owned())].into()).unwrap();
    after.details.tags.insert("team".to_owned(), "blue".to_owned());
    let events = between(Some(&before), &after);
    assert_eq!(words(&events), ["CONTACT_DATA_UPDATED"]);
    let detail = &events[0].json["detail"];
    assert_eq!(detail["updatedProperties"], json!(["UserDefinedAttributes", "Tags"]));
    assert_eq!(detail["tags"]["team"], "blue");
}

#[test]
fn an_abandoned_contact_has_a_queue_and_no_agent() {
    let mut last = met_an_agent();
    last.agent.as_mut().unwrap().connected = None;
    let events = between(None, &last);
    let disconnected = events.iter().find(|event| event.event_type == EventType::Disconnected).unwrap();
    let detail = &disconnected.json["detail"];
    assert!(detail.get("queueInfo").is_some() && detail.get("agentInfo").is_none(), "{detail}");
}

#[test]
fn a_contact_of_an_agents_call_tells_of_no_queue() {
    let mut last = met_an_agent();
    last.initiation_method = InitiationMethod::Outbound;
    assert!(between(None, &last).iter().all(|event| {
        event.event_type != EventType::Queued && event.json["detail"].get("queueInfo").is_none()
    }));
}

#[test]
fn a_second_queue_is_told_of_as_the_first() {
    let before = states().swap_remove(3);
    let mut after = before.clone();
    let stay = after.queue.as_mut().unwrap();
    (stay.queue.arn, stay.enqueued) = ("arn:other".to_owned(), stay.enqueued.plus_ms(9_000));
    let events = between(Some(&before), &after);
    assert_eq!(words(&events), ["QUEUED"]);
    assert_eq!(events[0].json["detail"]["queueInfo"]["queueArn"], "arn:other");
}

#[test]
fn ids_are_the_same_each_time_and_differ_between_events() {
    let ids = || -> Vec<Value> {
        between(None, &met_an_agent()).into_iter().map(|event| event.json["id"].clone()).collect()
    };
    let first = ids();
    assert_eq!(first, ids());
    let distinct: std::collections::BTreeSet<String> = first.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), first.len());
}

#[test]
fn no_member_is_null_and_names_begin_in_lower_case() {
    fn check(value: &Value) {
        match value {
            Value::Null => panic!("a null"),
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                assert!(name.starts_with(char::is_lowercase), "{name}");
                check(value);
            }),
            Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    let mut last = met_an_agent();
    let at = last.initiation_timestamp;
    last.monitoring = vec![MonitorState { state: "BARGE".to_owned(), from: at, to: None }];
    between(None, &last).iter().for_each(|event| check(&event.json["detail"]));
    between(None, &contact()).iter().for_each(|event| check(&event.json["detail"]));
}

const GOLDEN: &str = include_str!("golden.json");

#[test]
fn prints_the_golden_events_byte_for_byte() {
    let events: Vec<Value> = between(None, &met_an_agent()).into_iter().map(|event| event.json).collect();
    assert_eq!(serde_json::to_string_pretty(&events).unwrap(), GOLDEN.trim_end());
}

#[test]
fn a_filter_lets_pass_what_it_lists_or_all_but_what_it_excludes() {
    let all = EventFilter::default();
    assert!(EventType::ALL.into_iter().all(|event_type| all.passes(event_type)));
    let but = EventFilter { anything_but: vec![EventType::ContactDataUpdated], ..EventFilter::default() };
    assert!(but.passes(EventType::Queued) && !but.passes(EventType::ContactDataUpdated));
    let only = EventFilter { types: vec![EventType::Disconnected], ..but };
    assert!(only.passes(EventType::Disconnected) && !only.passes(EventType::Queued));
    for event_type in EventType::ALL {
        assert_eq!(EventType::parse(event_type.word()), Some(event_type));
    }
}
