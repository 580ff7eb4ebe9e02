//! Records of contacts, and events about them and about agents, on their way to sinks: a data stream, a program, a URL, for events also
//! a file of lines. The file of records has its own way.
//!
//! A record is made when it is sent, out of the contact as it is then. An event is made when a state is written, out of that one and
//! the one before, and stands whole in its entry: it tells of that moment.
//!
//! An entry of the outbox is written in the commit that ends or changes the contact, one for each sink. Then the record is sent, as the
//! contact is at that moment; then the entry is marked. So:
//!
//! 1. Each record arrives at least once, whatever is killed when, and however long a sink is away: then it is asked again and again, and
//!    nothing else happens.
//! 2. Of one contact no older state arrives after a newer one. Other contacts are not waited for: a record that is refused is tried again
//!    later, and others go first.
//! 3. A record that is refused ten times goes to the folder `dead-letter`, and is counted.

mod dead_letter;
mod event_entry;
mod line_file;
mod push;
mod stream;
mod webhook;

pub(crate) use dead_letter::DeadLetters;
pub(super) use event_entry::of_agent;
pub(crate) use line_file::LineFile;
pub(crate) use push::{PUSHED_TO, Push};
pub(crate) use stream::{DataStream, StreamOf};
pub(crate) use webhook::Webhook;

use super::contact_row::ContactRow;
use crate::clock::SystemClock;
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tympan_connect::events::{self, EventFilter};
use tympan_connect::record::ContactRecord;
use tympan_contact::Contact;
use tympan_contact::record::is_complete;
use tympan_db::outbox::{Entry, EntryId, NewEntry};
use tympan_db::{Db, DbError, Tx};
use tympan_store::MediaStore;
use tympan_types::{ContactId, InstanceId, WallTime};

/// Records that are read together.
const BATCH: usize = 50;
/// Attempts that a sink may refuse one record; then it is a dead letter.
const REFUSALS_MAX: u32 = 10;
/// A refused record is tried again after twice as long each time, from the first to the last of these.
const REFUSED_MS: (i64, i64) = (1_000, 300_000);
/// A sink that is away is asked again after twice as long each time, from the first to the last of these.
const AWAY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Between two looks at the latest.
const INTERVAL: Duration = Duration::from_secs(60);

/// A record, and what a sink needs to know beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) contact: ContactId,
    pub(crate) instance: InstanceId,
    /// The record as JSON.
    pub(crate) json: String,
    /// When the contact changed last; of an event, when that was.
    pub(crate) updated: WallTime,
    /// The type of an event; `None`: a record.
    pub(crate) event: Option<String>,
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PutError {
    /// The sink does not want this record.
    Refused(String),
    /// The sink cannot be reached, or takes nothing now.
    Away(String),
}

/// Takes records.
#[async_trait]
pub(crate) trait RecordSink: Send + Sync {
    /// Takes one; it is the sink's when this returns.
    async fn put(&self, record: &Outgoing) -> Result<(), PutError>;

    /// Whether records of an instance go there.
    fn takes(&self, instance: InstanceId) -> bool;
}

/// The ways to all sinks.
#[derive(Default)]
pub(crate) struct RecordWays(Vec<Arc<Way>>);

/// The way to one sink.
pub(crate) struct Way {
    /// Of the entries in the outbox: `record-` and the sink's name.
    kind: &'static str,
    sink: Box<dyn RecordSink>,
    content: Content,
    written: Notify,
    counts: Counts,
}

/// What goes to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// The record of each contact that has ended.
    Records,
    /// Contact events, those that a filter lets pass.
    ContactEvents(EventFilter),
    /// Agent events.
    AgentEvents,
}

/// What a state of a contact is to be told to, beside the file of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Telling {
    /// The kinds of entries for its record.
    records: Vec<&'static str>,
    /// The kinds of entries for events, each with what passes.
    events: Vec<(&'static str, EventFilter)>,
}

impl Telling {
    /// Whether anything is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.events.is_empty()
    }

    /// Writes a state of a contact, with the entries that tell of it.
    pub(super) fn put(
        &self,
        tx: &mut Tx<'_>,
        row: &ContactRow,
        event: tympan_db::contact::ContactEvent,
    ) -> Result<(), DbError> {
        let ContactRow(contact) = row;
        let before = match self.events.is_empty() {
            true => None,
            false => match tx.reader().contact::<ContactRow>(contact.id) {
                Ok(found) => found.map(|ContactRow(before)| before),
                // Its events were told once; what they were is not known any longer.
                Err(DbError::Unreadable { .. }) => Some(contact.clone()),
                Err(error) => return Err(error),
            },
        };
        tx.put_contact(row, event, None)?;
        enqueue(tx, contact.id, &self.records)?;
        if self.events.is_empty() {
            return Ok(());
        }
        for event in events::between(before.as_ref(), contact) {
            for (kind, filter) in &self.events {
                if filter.passes(event.event_type) {
                    tx.enqueue(&event_entry::of_contact(kind, &event))?;
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    refused: AtomicU64,
    dead: AtomicU64,
    is_away: AtomicBool,
    newest: Mutex<Newest>,
}

/// The newest answer of a sink.
#[derive(Debug, Clone, Default)]
struct Newest {
    is_error: bool,
    /// What it said when it last took nothing, and when that was.
    last_error: Option<(WallTime, String)>,
}

impl Counts {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        // No change of it can be left half made.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a sink takes what it is given.
#[derive(Debug)]
pub(crate) struct WayHealth {
    pub(crate) name: &'static str,
    /// Else of events.
    pub(crate) is_of_records: bool,
    /// It did not take what it was given last, and something waits for it.
    pub(crate) is_failing: bool,
    /// Records that went to `dead-letter`.
    pub(crate) dead: u64,
    pub(crate) last_error: Option<(WallTime, String)>,
    /// How many records or events wait, and the time that the oldest one is about: the end of its contact, or the event.
    pub(crate) waiting: Result<(u64, Option<WallTime>), DbError>,
}

/// Numbers for an operator, of all sinks together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RecordStats {
    /// Records that a sink has taken.
    pub(crate) sent: u64,
    /// Attempts that were refused.
    pub(crate) refused: u64,
    /// Records that went to `dead-letter`.
    pub(crate) dead: u64,
    /// Sinks that cannot be reached.
    pub(crate) away: u64,
}

impl RecordWays {
    /// Adds a sink under a name that stays the same from start to start.
    #[must_use]
    pub(crate) fn with(self, kind: &'static str, sink: impl RecordSink + 'static) -> Self {
        self.with_content(kind, sink, Content::Records)
    }

    /// Adds a sink of contact events; its name begins with `event-`: by that an erasure finds what waits about a contact.
    #[must_use]
    pub(crate) fn with_events(
        self,
        kind: &'static str,
        sink: impl RecordSink + 'static,
        filter: EventFilter,
    ) -> Self {
        self.with_content(kind, sink, Content::ContactEvents(filter))
    }

    /// Adds a sink of agent events.
    #[must_use]
    pub(crate) fn with_agent_events(self, kind: &'static str, sink: impl RecordSink + 'static) -> Self {
        self.with_content(kind, sink, Content::AgentEvents)
    }

    fn with_content(mut self, kind: &'static str, sink: impl RecordSink + 'static, content: Content) -> Self {
        let (written, counts) = (Notify::new(), Counts::default());
        self.0.push(Arc::new(Way { kind, sink: Box::new(sink), content, written, counts }));
        self
    }

    /// What gets each state of a contact. Its record is sent once nothing more is to come of it.
    pub(super) fn of(&self, contact: &Contact) -> Telling {
        let mut telling = Telling::default();
        for way in self.0.iter().filter(|way| way.sink.takes(contact.instance.id)) {
            match &way.content {
                Content::Records if is_complete(contact) => telling.records.push(way.kind),
                Content::ContactEvents(filter) => telling.events.push((way.kind, filter.clone())),
                Content::Records | Content::AgentEvents => {}
            }
        }
        telling
    }

    /// The kinds of entries for an event of an agent of an instance.
    pub(super) fn of_agents(&self, instance: InstanceId) -> Vec<&'static str> {
        let ways =
            self.0.iter().filter(|way| way.content == Content::AgentEvents && way.sink.takes(instance));
        ways.map(|way| way.kind).collect()
    }

    /// Entries were committed.
    pub(super) fn wake(&self) {
        self.0.iter().for_each(|way| way.written.notify_one());
    }

    /// What is to be looked after, each by a task.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &Arc<Way>> {
        self.0.iter()
    }

    /// Numbers for an operator, of the sinks of records.
    pub(crate) fn stats(&self) -> RecordStats {
        self.stats_of(|content| *content == Content::Records)
    }

    /// The same of the sinks of events.
    pub(crate) fn event_stats(&self) -> RecordStats {
        self.stats_of(|content| *content != Content::Records)
    }

    fn stats_of(&self, is_wanted: impl Fn(&Content) -> bool) -> RecordStats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut stats = RecordStats::default();
        for Way { counts, .. } in self.0.iter().map(|way| &**way).filter(|way| is_wanted(&way.content)) {
            stats.sent += count(&counts.sent);
            stats.refused += count(&counts.refused);
            stats.dead += count(&counts.dead);
            stats.away += u64::from(counts.is_away.load(Ordering::Relaxed));
        }
        stats
    }
}

/// Adds the record of a contact to the transaction that ends or changes it.
fn enqueue(tx: &mut Tx<'_>, contact: ContactId, kinds: &[&'static str]) -> Result<(), DbError> {
    for kind in kinds {
        let (kind, payload) = ((*kind).to_owned(), contact.to_string().into_bytes());
        tx.enqueue(&NewEntry { kind, format: 1, payload, next_due: WallTime::from_unix_ms(0) })?;
    }
    Ok(())
}

/// What a look at the outbox came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There may be more that is due.
    Again,
    /// Nothing is due before this, or nothing waits.
    Idle(Option<WallTime>),
    /// The sink is away.
    Away,
}

/// What came of sending one record.
enum Sent {
    /// The sink was not asked.
    Skipped(Outcome),
    /// It was taken or refused.
    Answered(Outcome),
    /// The sink is away, or fails at this record.
    Failed(Outgoing, String),
}

/// What becomes of an entry.
enum Outcome {
    Done(EntryId),
    PutOff(EntryId, WallTime),
}

impl Way {
    /// How the sink is.
    pub(crate) fn health(&self, db: &Db) -> WayHealth {
        let Newest { is_error, last_error } = self.counts.newest().clone();
        let is_of_records = self.content == Content::Records;
        let waiting = db.read(|reader| -> Result<_, DbError> {
            let (waiting, oldest) = reader.outbox_waiting_of(self.kind)?;
            let about = |entry: Entry| match is_of_records {
                false => event_entry::read(&entry).map(|event| event.updated),
                true => {
                    let id = ContactId::parse(std::str::from_utf8(&entry.payload).ok()?).ok()?;
                    let ContactRow(contact) = reader.contact::<ContactRow>(id).ok()??;
                    contact.disconnect_timestamp
                }
            };
            Ok((waiting, oldest.and_then(about)))
        });
        let waits = waiting.as_ref().map_or(true, |(waiting, _)| *waiting > 0);
        WayHealth {
            name: self.kind,
            is_of_records,
            is_failing: is_error && waits,
            dead: self.counts.dead.load(Ordering::Relaxed),
            last_error,
            waiting,
        }
    }

    /// Sends some of what is due. `dead` is where refused records go.
    pub(crate) async fn turn(&self, db: &Db, dead: &DeadLetters, now: WallTime) -> Result<Turn, DbError> {
        let kind = self.kind;
        let due = blocking(db, move |db| db.read(|reader| reader.outbox_due_of(kind, now, BATCH))).await?;
        if due.is_empty() {
            let next = blocking(db, move |db| db.read(|reader| reader.outbox_next_due_of(kind))).await?;
            return Ok(Turn::Idle(next));
        }
        let (mut outcomes, mut suspect, mut is_there) = (Vec::new(), None, false);
        for entry in due {
            match (self.send(db, dead, &entry, now).await?, suspect.take()) {
                (Sent::Skipped(outcome), before) => {
                    outcomes.push(outcome);
                    suspect = before;
                }
                (Sent::Answered(outcome), before) => {
                    is_there = true;
                    // Another record is answered, so it is the record that fails, and not the sink.
                    if let Some((before, record, reason)) = before {
                        outcomes.push(self.refused(dead, &before, record, reason, now).await?);
                    }
                    outcomes.push(outcome);
                }
                (Sent::Failed(record, reason), None) => suspect = Some((entry, record, reason)),
                (Sent::Failed(record, reason), Some(_)) => {
                    is_there = false;
                    suspect = Some((entry, record, reason));
                    break;
                }
            }
        }
        if is_there && let Some((entry, record, reason)) = suspect.take() {
            outcomes.push(self.refused(dead, &entry, record, reason, now).await?);
        }
        let is_away = suspect.is_some();
        if let Some((_, _, reason)) = suspect.filter(|_| !self.counts.is_away.load(Ordering::Relaxed)) {
            tracing::warn!(sink = self.kind, reason, "contact records wait: their sink is away");
        }
        // Where this fails they are sent again.
        let mark = move |tx: &mut Tx<'_>| -> Result<(), DbError> {
            for outcome in &outcomes {
                match outcome {
                    Outcome::Done(entry) => {
                        tx.mark_done(*entry)?;
                    }
                    Outcome::PutOff(entry, until) => tx.put_off(*entry, *until)?,
                }
            }
            Ok(())
        };
        blocking(db, move |db| db.write(mark)).await?;
        self.tell_away(is_away);
        Ok(if is_away { Turn::Away } else { Turn::Again })
    }

    /// Sends one record as it is now, or one event as it was.
    async fn send(&self, db: &Db, dead: &DeadLetters, entry: &Entry, now: WallTime) -> Result<Sent, DbError> {
        if self.content != Content::Records {
            return match event_entry::read(entry) {
                Some(event) => self.offer(dead, entry, event, now).await,
                None => {
                    tracing::error!(
                        kind = self.kind,
                        format = entry.format,
                        "an entry of the outbox is not of this version; it stays"
                    );
                    Ok(Sent::Skipped(Outcome::PutOff(entry.id, now.plus_ms(REFUSED_MS.1))))
                }
            };
        }
        let text = std::str::from_utf8(&entry.payload).unwrap_or_default();
        let Some(id) = ContactId::parse(text).ok().filter(|_| entry.format == 1) else {
            tracing::error!(
                kind = self.kind,
                format = entry.format,
                "an entry of the outbox is not of this version; it stays"
            );
            return Ok(Sent::Skipped(Outcome::PutOff(entry.id, now.plus_ms(REFUSED_MS.1))));
        };
        let found = blocking(db, move |db| db.read(|reader| reader.contact::<ContactRow>(id))).await;
        let contact = match found {
            Ok(Some(ContactRow(contact))) => contact,
            // It was erased meanwhile.
            Ok(None) => return Ok(Sent::Skipped(Outcome::Done(entry.id))),
            Err(DbError::Unreadable { .. }) => {
                return Ok(Sent::Skipped(Outcome::PutOff(entry.id, now.plus_ms(REFUSED_MS.1))));
            }
            Err(error) => return Err(error),
        };
        let json = serde_json::to_string(&ContactRecord::of(&contact));
        let record = Outgoing {
            contact: id,
            instance: contact.instance.id,
            json: json.map_err(|error| DbError::Other(error.to_string()))?,
            updated: contact.last_update_timestamp,
            event: None,
        };
        self.offer(dead, entry, record, now).await
    }

    async fn offer(
        &self,
        dead: &DeadLetters,
        entry: &Entry,
        record: Outgoing,
        now: WallTime,
    ) -> Result<Sent, DbError> {
        let put = self.sink.put(&record).await;
        {
            let mut newest = self.counts.newest();
            newest.is_error = put.is_err();
            if let Err(PutError::Away(reason) | PutError::Refused(reason)) = &put {
                newest.last_error = Some((SystemClock.wall_now(), reason.clone()));
            }
        }
        match put {
            Ok(()) => {
                self.counts.sent.fetch_add(1, Ordering::Relaxed);
                Ok(Sent::Answered(Outcome::Done(entry.id)))
            }
            Err(PutError::Away(reason)) => Ok(Sent::Failed(record, reason)),
            Err(PutError::Refused(reason)) => {
                self.refused(dead, entry, record, reason, now).await.map(Sent::Answered)
            }
        }
    }

    /// A record is tried again later, or is a dead letter.
    async fn refused(
        &self,
        dead: &DeadLetters,
        entry: &Entry,
        record: Outgoing,
        reason: String,
        now: WallTime,
    ) -> Result<Outcome, DbError> {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        let attempts = entry.attempts.saturating_add(1);
        if attempts < REFUSALS_MAX {
            return Ok(Outcome::PutOff(entry.id, now.plus_ms(pause_ms(entry.attempts))));
        }
        let contact_id = record.contact;
        tracing::error!(%contact_id, sink = self.kind, reason, "a contact record was refused ten times: it goes to dead-letter");
        let (dead, sink) = (dead.clone(), self.kind);
        let kept = spawn_blocking(move || dead.keep(sink, &record, attempts, &reason)).await;
        let failed =
            |error: &dyn std::fmt::Display| DbError::Other(format!("the folder of dead letters: {error}"));
        kept.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        self.counts.dead.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Done(entry.id))
    }

    fn tell_away(&self, is_away: bool) {
        let was_away = self.counts.is_away.swap(is_away, Ordering::Relaxed);
        if was_away && !is_away {
            tracing::info!(sink = self.kind, "the sink takes contact records again");
        }
    }

    /// Sends what is due until `shutdown`. Time is the store's.
    pub(crate) async fn keep(
        self: Arc<Self>,
        db: Db,
        dead: DeadLetters,
        store: MediaStore,
        shutdown: CancellationToken,
    ) {
        let mut away = AWAY.0;
        loop {
            let now = store.now();
            let turn = tokio::select! {
                () = shutdown.cancelled() => return,
                turn = self.turn(&db, &dead, now) => turn,
            };
            let pause = match turn {
                Ok(Turn::Again) => {
                    away = AWAY.0;
                    continue;
                }
                Ok(Turn::Idle(next)) => {
                    away = AWAY.0;
                    let until = next.map_or(INTERVAL, |next| {
                        Duration::from_millis(u64::try_from(next.ms_since(now)).unwrap_or(0))
                    });
                    until.clamp(Duration::from_millis(50), INTERVAL)
                }
                Ok(Turn::Away) => {
                    let pause = away;
                    away = away.saturating_mul(2).min(AWAY.1);
                    // What is written meanwhile does not bring it back.
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = tokio::time::sleep(pause) => continue,
                    }
                }
                Err(error) => {
                    tracing::error!(sink = self.kind, %error, "contact records could not be sent; it is tried again");
                    AWAY.1
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.written.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

fn pause_ms(attempts: u32) -> i64 {
    REFUSED_MS.0.saturating_mul(1 << attempts.min(20)).min(REFUSED_MS.1)
}

async fn blocking<T: Send + 'static>(
    db: &Db,
    work: impl FnOnce(&Db) -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    let db = db.clone();
    let done = spawn_blocking(move || work(&db)).await;
    done.unwrap_or_else(|error| Err(DbError::Other(error.to_string())))
}

#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod tests;
