//! Events of contacts on their way.

use super::super::ContactHistory;
use super::super::history::tests::{contact, ended, open_with};
use super::*;
use crate::lines::LineWriters;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use tympan_connect::agent_events::{AgentEvent, AgentEventType};
use tympan_connect::events::EventType;
use tympan_contact::{AgentPart, AgentRef, CapturedAudio, History};
use tympan_types::ResourceId;

/// What the outside world has: it survives every kill.
#[derive(Clone, Default)]
struct Sink {
    taken: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
}

#[async_trait]
impl RecordSink for Sink {
    async fn put(&self, event: &Outgoing) -> Result<(), PutError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(PutError::Away("the sink is away".to_owned()));
        }
        self.taken.lock().unwrap().push(serde_json::from_str(&event.json).unwrap());
        Ok(())
    }

    fn takes(&self, _: InstanceId) -> bool {
        true
    }
}

impl Sink {
    /// The types of the events that it has of a contact, each id once.
    fn types(&self, id: ContactId) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let taken = self.taken.lock().unwrap();
        let own = taken.iter().filter(|event| event["detail"]["contactId"] == id.to_string());
        let first = own.filter(|event| seen.insert(event["id"].to_string()));
        first.map(|event| event["detail"]["eventType"].as_str().unwrap().to_owned()).collect()
    }
}

/// A server's half of it; dropped, it is a killed one.
struct Life {
    db: Db,
    history: ContactHistory,
    dead: DeadLetters,
    _writers: LineWriters,
}

impl Life {
    fn begin(folder: &Path, sink: &Sink, filter: EventFilter) -> Self {
        let (db, history, writers) = open_with(folder);
        let ways = RecordWays::default().with_events("event-test", sink.clone(), filter);
        history.send_records(ways.with_agent_events("event-agents", sink.clone()));
        Self { db, history, dead: DeadLetters::of(folder), _writers: writers }
    }

    async fn send(&self) {
        for way in self.history.record_ways().unwrap().ways() {
            while way.turn(&self.db, &self.dead, WallTime::from_unix_ms(9)).await.unwrap() == Turn::Again {}
        }
    }
}

#[tokio::test]
async fn events_are_written_with_the_state_that_they_tell_of_and_outlive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    sink.is_away.store(true, Ordering::Relaxed);
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    life.history.open(&contact(1)).unwrap();
    life.history.update(&contact(1)).unwrap();
    life.send().await;
    drop(life);
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    life.history.close(&ended(1)).unwrap();
    life.history.close(&ended(1)).unwrap();
    let late = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    life.history.set_attributes(WallTime::from_unix_ms(9_000), ended(1).id, late).unwrap();
    sink.is_away.store(false, Ordering::Relaxed);
    life.send().await;
    assert_eq!(
        sink.types(ended(1).id),
        ["INITIATED", "DISCONNECTED", "COMPLETED", "CONTACT_DATA_UPDATED"],
        "each once, however often a state is written"
    );
    assert_eq!(life.db.read(|reader| reader.outbox_len()).unwrap(), 0);
    let stats = life.history.record_ways().unwrap();
    assert_eq!((stats.event_stats().sent, stats.stats().sent), (4, 0));
}

#[tokio::test]
async fn a_filter_keeps_events_from_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let filter = EventFilter { types: vec![EventType::Disconnected], ..EventFilter::default() };
    let life = Life::begin(folder.path(), &sink, filter);
    life.history.close(&ended(1)).unwrap();
    assert_eq!(life.db.read(|reader| reader.outbox_len()).unwrap(), 1);
    life.send().await;
    assert_eq!(sink.types(ended(1).id), ["DISCONNECTED"]);
}

#[tokio::test]
async fn a_contact_that_is_erased_takes_its_waiting_events_along_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    (1..=2).for_each(|n| life.history.close(&ended(n)).unwrap());
    life.history.erase(ended(1).id, CapturedAudio::Keep).unwrap().unwrap();
    life.send().await;
    assert_eq!(sink.types(ended(1).id), [""; 0]);
    assert_eq!(sink.types(ended(2).id).len(), 3);
}

#[tokio::test]
async fn a_contact_is_complete_once_its_agents_work_is_over_and_only_then_has_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    let agent = AgentRef {
        id: ResourceId::LEAST,
        arn: "arn:a".to_owned(),
        user_name: "agent1".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        routing_profile_arn: "arn:p".to_owned(),
        routing_profile_name: "p".to_owned(),
    };
    let mut over = ended(1);
    let at = over.initiation_timestamp;
    over.agent = Some(AgentPart {
        connected: Some(at),
        left: Some(at.plus_ms(100)),
        after_contact_work_began: Some(at.plus_ms(100)),
        ..AgentPart::accepted(agent, at)
    });
    life.history.close(&over).unwrap();
    life.send().await;
    assert_eq!(sink.types(over.id), ["INITIATED", "CONNECTED_TO_AGENT", "DISCONNECTED"]);
    let records = || std::fs::read_to_string(folder.path().join("contact-records.jsonl")).unwrap_or_default();
    assert!(life.history.await_delivery(Duration::from_secs(60)));
    assert_eq!(records(), "", "the agent works on");
    drop(life);
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    assert_eq!(life.history.interrupted(), [over.clone()], "a start closes it, if nothing else does");
    life.history.end_after_contact_work(over.id, at.plus_ms(100), at.plus_ms(5_000)).unwrap();
    life.send().await;
    assert_eq!(sink.types(over.id).last().map(String::as_str), Some("COMPLETED"));
    assert!(life.history.await_delivery(Duration::from_secs(60)));
    let record: Value = serde_json::from_str(records().trim()).unwrap();
    assert_eq!(record["Agent"]["AfterContactWorkDuration"], 4);
}

#[tokio::test]
async fn events_of_agents_go_to_their_own_sink() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let life = Life::begin(folder.path(), &sink, EventFilter::default());
    let event = AgentEvent {
        event_type: AgentEventType::Login,
        agent: ResourceId::LEAST,
        instance: contact(1).instance.id,
        at: WallTime::from_unix_ms(1),
        json: serde_json::json!({ "EventType": "LOGIN" }),
    };
    life.history.tell_of_agent(event).unwrap();
    life.send().await;
    assert_eq!(*sink.taken.lock().unwrap(), [serde_json::json!({ "EventType": "LOGIN" })]);
}
