use super::super::ContactHistory;
use super::super::contact_row::ContactRow;
use super::super::history::tests::{contact, ended, open_with};
use super::*;
use crate::lines::LineWriters;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use tympan_contact::{CapturedAudio, History};

const KIND: &str = "record-test";
const MINUTE_MS: i64 = 60_000;

/// What the outside world has of a sink: it survives every kill.
#[derive(Default)]
struct World {
    /// Records in the order in which they came: contact and last update.
    taken: Vec<(ContactId, i64)>,
    is_away: bool,
    /// Contacts whose records it refuses.
    refused: Vec<ContactId>,
    /// Contacts at whose records it fails, as if it were away.
    poison: Vec<ContactId>,
    attempts: usize,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<World>>);

#[async_trait]
impl RecordSink for Sink {
    async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
        let mut world = self.0.lock().unwrap();
        world.attempts += 1;
        if world.is_away || world.poison.contains(&record.contact) {
            return Err(PutError::Away("the sink is away".to_owned()));
        }
        if world.refused.contains(&record.contact) {
            return Err(PutError::Refused("not this one".to_owned()));
        }
        let json: serde_json::Value = serde_json::from_str(&record.json).unwrap();
        assert_eq!(json["ContactId"], record.contact.to_string());
        world.taken.push((record.contact, record.updated.unix_ms()));
        Ok(())
    }

    fn takes(&self, _: InstanceId) -> bool {
        true
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
    fn begin(folder: &Path, sink: &Sink) -> Self {
        let (db, history, writers) = open_with(folder);
        let dead = DeadLetters::of(folder);
        let history = history.with_dead_letters(dead.clone());
        history.send_records(RecordWays::default().with(KIND, sink.clone()));
        Self { db, history, dead, _writers: writers }
    }

    fn way(&self) -> Arc<Way> {
        self.history.record_ways().unwrap().ways().next().unwrap().clone()
    }

    /// Sends what is due, until nothing is or the sink is away.
    async fn send(&self, now_ms: i64) -> Turn {
        loop {
            let turn = self.way().turn(&self.db, &self.dead, WallTime::from_unix_ms(now_ms)).await.unwrap();
            if turn != Turn::Again {
                return turn;
            }
        }
    }

    fn stats(&self) -> RecordStats {
        self.history.record_ways().unwrap().stats()
    }
}

fn taken(sink: &Sink) -> BTreeMap<ContactId, Vec<i64>> {
    let mut by_contact = BTreeMap::<_, Vec<i64>>::new();
    for (contact, updated) in &sink.0.lock().unwrap().taken {
        by_contact.entry(*contact).or_default().push(*updated);
    }
    by_contact
}

#[tokio::test]
async fn a_sink_that_is_away_for_an_hour_with_a_kill_in_the_middle_gets_every_record_at_least_once() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    sink.0.lock().unwrap().is_away = true;
    let mut life = Life::begin(folder.path(), &sink);
    let contacts = 120u8;
    for minute in 0..60i64 {
        if minute == 30 {
            // Nothing is said to the one before, and nothing is written by it any more.
            drop(life);
            life = Life::begin(folder.path(), &sink);
        }
        for n in 0..2 {
            life.history.close(&ended(u8::try_from(2 * minute + n).unwrap())).unwrap();
        }
        // One that ended earlier gets an attribute.
        if minute % 7 == 6 {
            let late = BTreeMap::from([("k".to_owned(), minute.to_string())]);
            let at = WallTime::from_unix_ms(1_000_000 + minute);
            life.history.set_attributes(at, ended(u8::try_from(minute).unwrap()).id, late).unwrap();
        }
        let attempts = sink.0.lock().unwrap().attempts;
        assert_eq!(life.send(minute * MINUTE_MS).await, Turn::Away);
        let asked = sink.0.lock().unwrap().attempts - attempts;
        assert!(asked <= 2, "a sink that is away is not asked about each record: {asked}");
    }
    assert_eq!(life.stats().away, 1);
    sink.0.lock().unwrap().is_away = false;
    assert_eq!(life.send(60 * MINUTE_MS).await, Turn::Idle(None));
    let taken = taken(&sink);
    assert_eq!(taken.len(), usize::from(contacts));
    for n in 0..contacts {
        let versions = &taken[&ended(n).id];
        assert!(versions.is_sorted(), "{n}: {versions:?}");
        let newest = life.history.find(ended(n).id).unwrap().unwrap().last_update_timestamp.unix_ms();
        assert_eq!(versions.last(), Some(&newest), "{n}");
    }
    assert_eq!((life.stats().away, life.stats().dead), (0, 0));
    assert_eq!(life.db.read(|reader| reader.outbox_len()).unwrap(), 0);
}

#[tokio::test]
async fn a_kill_between_the_sink_and_the_mark_sends_the_record_again() {
    /// Copies the folder when it has taken a record.
    struct Copying(Sink, std::path::PathBuf, std::path::PathBuf);

    #[async_trait]
    impl RecordSink for Copying {
        async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
            self.0.put(record).await?;
            for name in ["control.db", "control.db-wal", "CONTROL"] {
                std::fs::copy(self.1.join(name), self.2.join(name)).unwrap();
            }
            Ok(())
        }

        fn takes(&self, _: InstanceId) -> bool {
            true
        }
    }

    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink = Sink::default();
    let (db, history, _writers) = open_with(folder.path());
    let copying = Copying(sink.clone(), folder.path().to_owned(), copy.path().to_owned());
    history.send_records(RecordWays::default().with(KIND, copying));
    history.close(&ended(1)).unwrap();
    let (way, dead) =
        (history.record_ways().unwrap().ways().next().unwrap().clone(), DeadLetters::of(folder.path()));
    way.turn(&db, &dead, WallTime::from_unix_ms(9)).await.unwrap();
    let killed = Life::begin(copy.path(), &sink);
    killed.send(9).await;
    assert_eq!(taken(&sink)[&ended(1).id].len(), 2, "at least once");
    let marked = Life::begin(folder.path(), &Sink::default());
    assert_eq!(marked.send(9).await, Turn::Idle(None), "not again once it is marked");
}

#[tokio::test]
async fn a_record_that_is_refused_ten_times_is_a_dead_letter_and_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let life = Life::begin(folder.path(), &sink);
    {
        let mut world = sink.0.lock().unwrap();
        world.refused.push(ended(2).id);
        // A sink that fails at one record and takes the next is not away.
        world.poison.push(ended(4).id);
    }
    (1..=6).for_each(|n| life.history.close(&ended(n)).unwrap());
    let letters = || std::fs::read_dir(folder.path().join("dead-letter")).map_or(0, Iterator::count);
    let mut now_ms = 0;
    let mut rounds = 0;
    loop {
        // Without another record to compare it with, the poison one cannot be told from a sink that is away.
        life.history.close(&ended(50 + rounds)).unwrap();
        let turn = life.send(now_ms).await;
        assert_eq!(taken(&sink).len(), 4 + 1 + usize::from(rounds), "the others do not wait");
        rounds += 1;
        match turn {
            Turn::Idle(None) => break,
            Turn::Idle(Some(next)) => now_ms = next.unix_ms(),
            other => assert_eq!(other, Turn::Away),
        }
        assert!(rounds < 60, "it does not end");
    }
    assert_eq!((life.stats().dead, letters()), (2, 2));
    assert_eq!(life.stats().refused, 20);
    let letter = std::fs::read_dir(folder.path().join("dead-letter")).unwrap();
    let texts: Vec<String> =
        letter.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(
        texts.iter().any(|text| text.contains("not this one") && text.contains(&ended(2).id.to_string()))
    );
    // They go with their contact.
    for n in [2, 4] {
        life.history.erase(ended(n).id, CapturedAudio::Keep).unwrap().unwrap();
    }
    assert_eq!(letters(), 0);
}

#[tokio::test]
async fn a_contact_that_is_erased_while_its_record_waits_is_sent_to_no_sink() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    sink.0.lock().unwrap().is_away = true;
    let life = Life::begin(folder.path(), &sink);
    (1..=3).for_each(|n| life.history.close(&ended(n)).unwrap());
    life.history.open(&contact(4)).unwrap();
    assert_eq!(life.send(1).await, Turn::Away);
    life.history.erase(ended(2).id, CapturedAudio::Keep).unwrap().unwrap();
    assert_eq!(life.db.read(|reader| reader.outbox_len()).unwrap(), 2, "nothing in the outbox tells of it");
    sink.0.lock().unwrap().is_away = false;
    life.send(2).await;
    assert!(taken(&sink).keys().eq([&ended(1).id, &ended(3).id]));
    let found = life.db.read(|reader| reader.contact::<ContactRow>(contact(4).id)).unwrap();
    assert!(found.is_some(), "one that is live has no record");
}
