//! Contacts in `contacts.db`, and the records of those that ended in `contact-records.jsonl`, one JSON a line.
//!
//! One thread writes for everybody: what waits while a commit runs goes into the next one. The promises:
//!
//! 1. `open`, `update`, `close` and `set_attributes` return after the commit that holds the contact (SQLite, WAL,
//!    `synchronous=FULL`). Changes of attributes are read, made and written by that thread: none is lost to another.
//! 2. A record is appended and synced after that commit, by the thread that writes lines: no contact waits for the file.
//!    `delivered` is set after the sync. A crash in between delivers the record again at the next start: at least once, never
//!    not at all.
//! 3. What the disk has no room for waits in memory ([`Backlog`]), can be read there, and is written when there is room.
//!    The caller learns that it is not written yet. Changes of attributes do not wait: they are refused.

use super::backlog::{Backlog, Unwritten};
use super::delivery::{Delivery, Progress};
use super::rows::{self, Damage, Table};
use crate::lines::{LineFileOptions, LineWriters, Lines, Rotation};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tympan_contact::{Contact, History, HistoryError, HistoryQuery, SetAttributesError, TimeAxis};
use tympan_types::{ContactId, WallTime};

pub(super) const FILE: &str = "contacts.db";

pub(super) const TABLE: Table = Table {
    name: "contact",
    create: "
        CREATE TABLE IF NOT EXISTS contact (
            id        TEXT PRIMARY KEY,
            json      TEXT NOT NULL,
            initiated INTEGER NOT NULL,
            open      INTEGER NOT NULL,
            delivered INTEGER NOT NULL
        ) WITHOUT ROWID, STRICT;
        CREATE INDEX IF NOT EXISTS contact_initiated ON contact (initiated);
        CREATE INDEX IF NOT EXISTS contact_open ON contact (open) WHERE open = 1;
        CREATE INDEX IF NOT EXISTS contact_undelivered ON contact (delivered) WHERE delivered = 0;",
    columns: "id, json, initiated, open, delivered",
    key: "id = new.id",
};

/// Writes that wait for the thread; beyond that callers wait.
const QUEUE: usize = 1_024;
/// Between two attempts to write what the disk had no room for.
const RETRY: Duration = Duration::from_secs(1);
/// Contacts of the backlog that are written at once.
const BATCH: usize = 100;

/// The history of contacts on disk.
pub(crate) struct FileHistory {
    requests: Arc<mpsc::SyncSender<Request>>,
    reader: Mutex<Connection>,
    backlog: Arc<Backlog>,
    records: Lines,
    delivered: Arc<Progress>,
    damage: Damage,
}

/// What happened to a contact; of two events the later one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Opened,
    Changed,
    Closed,
}

/// A contact whose call was cut off by the end of the process that served it.
pub(crate) type Interrupted = Contact;

/// When a contact is listed, and which of several at one instant comes first.
type Place = (WallTime, ContactId);

/// What the thread is asked for.
enum Request {
    Write(WriteRequest),
    /// The file of records has taken some, or has not.
    GoOn,
}

struct WriteRequest {
    write: Write,
    reply: mpsc::SyncSender<Written>,
}

/// What to write.
enum Write {
    /// A contact as its call has it.
    State { contact: Box<Contact>, event: Event },
    /// A change of one that no call has.
    Attributes { now: WallTime, id: ContactId, changes: BTreeMap<String, String> },
}

/// What became of it.
type Written = Result<(), SetAttributesError>;

impl FileHistory {
    /// Opens or creates the files in `folder`, begins to deliver records that a crash kept back, and returns the contacts
    /// that were open: the caller closes each of them. `epoch` is the store's.
    pub(crate) fn open(
        folder: &Path,
        epoch: u64,
        writers: &LineWriters,
        rotation: Rotation,
    ) -> Result<(Self, Vec<Interrupted>), HistoryError> {
        let database = folder.join(FILE);
        let (connection, damage) = rows::open(&database, &TABLE, epoch).map_err(said)?;
        let path = folder.join("contact-records.jsonl");
        let unopened = |error| HistoryError { message: format!("contact-records.jsonl: {error}") };
        let options =
            LineFileOptions { name: "contact-records", path, mode: 0o644, rotation, missing: |_| None };
        let records = writers.open(options).map_err(unopened)?;
        let (requests, queue) = mpsc::sync_channel(QUEUE);
        let requests = Arc::new(requests);
        // Where the queue is full the thread looks anyway.
        let waker = Arc::downgrade(&requests);
        let wake = move || drop(waker.upgrade().map(|requests| requests.try_send(Request::GoOn)));
        let delivery = Delivery::new(records.clone(), Arc::new(wake));
        let (backlog, delivered) = (Arc::<Backlog>::default(), delivery.progress());
        let mut writer = Writer { connection, delivery, backlog: backlog.clone(), is_in_trouble: false };
        writer.serve(Vec::new());
        let interrupted = writer.interrupted()?;
        std::thread::Builder::new()
            .name("contact-history".into())
            .spawn(move || writer.run(&queue))
            .map_err(said)?;
        let reader = Mutex::new(rows::connect(&database, &TABLE).map_err(said)?);
        Ok((Self { requests, reader, backlog, records, delivered, damage }, interrupted))
    }

    /// Waits until every record is delivered; false when that takes longer than `limit`: then the next start delivers them.
    pub(crate) fn await_delivery(&self, limit: Duration) -> bool {
        self.delivered.await_caught_up(limit)
    }

    /// Records that the file has not taken yet.
    pub(crate) fn undelivered(&self) -> usize {
        self.records.waiting()
    }

    /// What the start found damaged.
    pub(crate) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Contacts that wait for room on the disk.
    pub(crate) fn waiting(&self) -> usize {
        self.backlog.len()
    }

    /// States of contacts that not even memory had room for.
    pub(crate) fn lost(&self) -> u64 {
        self.backlog.lost()
    }

    fn write_state(&self, event: Event, contact: &Contact) -> Result<(), HistoryError> {
        match self.write(Write::State { contact: Box::new(contact.clone()), event }) {
            Err(SetAttributesError::History(error)) => Err(error),
            // Only a change of attributes is refused for what it is.
            Ok(()) | Err(SetAttributesError::NoSuchContact | SetAttributesError::TooLarge(_)) => Ok(()),
        }
    }

    fn write(&self, write: Write) -> Written {
        let (reply, answer) = mpsc::sync_channel(1);
        let gone = || HistoryError { message: "its writer has stopped; see the log".into() };
        self.requests.send(Request::Write(WriteRequest { write, reply })).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History for FileHistory {
    fn open(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.write_state(Event::Opened, contact)
    }

    fn update(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.write_state(Event::Changed, contact)
    }

    fn close(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.write_state(Event::Closed, contact)
    }

    fn find(&self, id: ContactId) -> Result<Option<Contact>, HistoryError> {
        // In this order: what is written meanwhile is found in the table.
        match self.backlog.find(id) {
            Some(contact) => Ok(Some(contact)),
            None => find(&self.reader(), id),
        }
    }

    fn list(&self, query: &HistoryQuery) -> Result<Vec<Contact>, HistoryError> {
        let unwritten = self.backlog.all();
        let newer: BTreeSet<ContactId> = unwritten.iter().map(|unwritten| unwritten.contact.id).collect();
        let connection = self.reader();
        // Every time of a contact is at or after its initiation, so this range holds all candidates.
        let by_initiation = query.axis == TimeAxis::Initiation;
        let from = if by_initiation { query.from } else { WallTime::from_unix_ms(i64::MIN) };
        let sql = "SELECT json FROM intact WHERE initiated BETWEEN ?1 AND ?2 ORDER BY initiated DESC";
        let mut statement = connection.prepare_cached(sql).map_err(unread)?;
        let range = [from.unix_ms(), query.to.unix_ms()];
        let rows = statement.query_map(range, |row| row.get::<_, String>(0)).map_err(unread)?;
        let mut found: Vec<(Place, Contact)> = Vec::new();
        for json in rows {
            let contact: Contact = serde_json::from_str(&json.map_err(unread)?).map_err(unread)?;
            let place = query.place(&contact).filter(|_| !newer.contains(&contact.id));
            let Some(place) = place else { continue };
            // Rows come newest first: past the page only contacts of the very same instant can still belong to it.
            if by_initiation
                && found.len() >= query.limit
                && found.last().is_some_and(|(last, _)| place.0 < last.0)
            {
                break;
            }
            found.push((place, contact));
        }
        let unwritten = unwritten.iter().map(|unwritten| &unwritten.contact);
        found.extend(unwritten.filter_map(|contact| Some((query.place(contact)?, contact.clone()))));
        found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        Ok(found.into_iter().take(query.limit).map(|(_, contact)| contact).collect())
    }

    fn set_attributes(&self, now: WallTime, id: ContactId, changes: BTreeMap<String, String>) -> Written {
        self.write(Write::Attributes { now, id, changes })
    }

    fn has_room(&self) -> bool {
        self.backlog.has_room()
    }
}

impl Drop for FileHistory {
    fn drop(&mut self) {
        let waiting = self.waiting();
        if waiting > 0 {
            tracing::error!(
                contacts = waiting,
                "contacts are lost: the disk had no room for them to the end"
            );
        }
    }
}

/// The writing side: its own connection, and the way to the file of records.
struct Writer {
    connection: Connection,
    delivery: Delivery,
    backlog: Arc<Backlog>,
    /// The last attempt to write failed.
    is_in_trouble: bool,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Request>) {
        loop {
            let is_idle = self.backlog.len() == 0 && !self.delivery.is_behind();
            let first = match is_idle {
                true => queue.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                false => queue.recv_timeout(RETRY),
            };
            match first {
                Ok(first) => {
                    let requests = std::iter::once(first).chain(queue.try_iter().take(QUEUE));
                    let writes = requests.filter_map(|request| match request {
                        Request::Write(write) => Some(write),
                        Request::GoOn => None,
                    });
                    self.serve(writes.collect());
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.serve(Vec::new()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Writes what waits and what is asked for, delivers records, and answers.
    fn serve(&mut self, batch: Vec<WriteRequest>) {
        // What waits is older, and goes first.
        let written = self.write_backlog().and_then(|()| self.commit(&batch));
        let delivered = self.delivery.go_on(&mut self.connection).map_err(said);
        self.tell(written.as_ref().err().or(delivered.as_ref().err()));
        let all_failed = |error: HistoryError| vec![Err(error.into()); batch.len()];
        let written = written.unwrap_or_else(all_failed);
        for (WriteRequest { write, reply }, written) in batch.iter().zip(written) {
            if let (Write::State { contact, event }, Err(_)) = (write, &written) {
                self.backlog.keep(contact, *event);
            }
            // A caller that gave up needs no answer.
            let _ = reply.send(written);
        }
    }

    /// Says so once when trouble begins and once when it is over.
    fn tell(&mut self, trouble: Option<&HistoryError>) {
        match trouble {
            Some(error) if !self.is_in_trouble => {
                tracing::error!(%error, "contacts cannot be written; they wait for room on the disk");
            }
            None if self.is_in_trouble => tracing::info!("contacts are written again"),
            _ => {}
        }
        self.is_in_trouble = trouble.is_some();
    }

    fn write_backlog(&mut self) -> Result<(), HistoryError> {
        loop {
            let some = self.backlog.some(BATCH);
            if some.is_empty() {
                return Ok(());
            }
            let transaction = self.connection.transaction().map_err(said)?;
            for Unwritten { contact, event, .. } in some.iter().map(AsRef::as_ref) {
                put(&transaction, contact, *event)?;
            }
            transaction.commit().map_err(said)?;
            self.delivery.fell_behind();
            self.backlog.written(&some);
        }
    }

    /// Writes all of a batch, or none of it; what is wrong with a single change concerns no other.
    fn commit(&mut self, batch: &[WriteRequest]) -> Result<Vec<Written>, HistoryError> {
        let transaction = self.connection.transaction().map_err(said)?;
        let mut written = Vec::with_capacity(batch.len());
        for WriteRequest { write, .. } in batch {
            written.push(match write {
                Write::State { contact, event } => put(&transaction, contact, *event).map(Ok)?,
                Write::Attributes { now, id, changes } => {
                    match changed(&transaction, *now, *id, changes.clone()) {
                        Ok(contact) => put(&transaction, &contact, Event::Changed).map(Ok)?,
                        Err(refusal) => Err(refusal),
                    }
                }
            });
        }
        transaction.commit().map_err(said)?;
        // An empty transaction, as at a wake-up, leaves no record.
        if !batch.is_empty() {
            self.delivery.fell_behind();
        }
        Ok(written)
    }

    fn interrupted(&self) -> Result<Vec<Interrupted>, HistoryError> {
        let mut query = self.connection.prepare("SELECT json FROM intact WHERE open = 1").map_err(said)?;
        let rows = query.query_map([], |row| row.get::<_, String>(0)).map_err(said)?;
        rows.map(|json| serde_json::from_str(&json.map_err(said)?).map_err(said)).collect()
    }
}

fn find(connection: &Connection, id: ContactId) -> Result<Option<Contact>, HistoryError> {
    let id = id.to_string();
    let mut query = connection.prepare_cached("SELECT json FROM intact WHERE id = ?1").map_err(unread)?;
    let json: Option<String> = query.query_row([&id], |row| row.get(0)).optional().map_err(unread)?;
    if json.is_none() {
        let mut damaged = connection.prepare_cached("SELECT 1 FROM contact WHERE id = ?1").map_err(unread)?;
        if damaged.exists([&id]).map_err(unread)? {
            return Err(unread(format!("the row of contact {id} is damaged: restore it from a backup")));
        }
    }
    json.map(|json| serde_json::from_str(&json).map_err(said)).transpose()
}

fn put(connection: &Connection, contact: &Contact, event: Event) -> Result<(), HistoryError> {
    let sql = match event {
        Event::Opened => {
            "INSERT OR REPLACE INTO contact (id, json, initiated, open, delivered) VALUES (?1, ?2, ?3, 1, 1)"
        }
        // A change of a contact that is open waits for its end; one of an ended contact is delivered again.
        Event::Changed => {
            "INSERT INTO contact (id, json, initiated, open, delivered) VALUES (?1, ?2, ?3, 1, 1)
             ON CONFLICT DO UPDATE SET json = excluded.json, delivered = open"
        }
        Event::Closed => {
            "INSERT OR REPLACE INTO contact (id, json, initiated, open, delivered) VALUES (?1, ?2, ?3, 0, 0)"
        }
    };
    let json = serde_json::to_string(contact).map_err(said)?;
    let row = params![contact.id.to_string(), json, contact.initiation_timestamp.unix_ms()];
    connection.prepare_cached(sql).map_err(said)?.execute(row).map_err(said)?;
    Ok(())
}

/// A contact with its attributes changed.
fn changed(
    connection: &Connection,
    now: WallTime,
    id: ContactId,
    changes: BTreeMap<String, String>,
) -> Result<Contact, SetAttributesError> {
    let mut contact = find(connection, id)?.ok_or(SetAttributesError::NoSuchContact)?;
    contact.set_late_attributes(now, changes)?;
    Ok(contact)
}

/// As [`said`], of a file that is not what was written; no caller could say so.
fn unread(error: impl std::fmt::Display) -> HistoryError {
    tracing::error!(%error, "{FILE} cannot be read whole; what is intact is served");
    said(error)
}

fn said(error: impl std::fmt::Display) -> HistoryError {
    HistoryError { message: error.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tympan_contact::{DisconnectReason, InitiationMethod, InstanceRef, NewContact};
    use tympan_types::{AccountId, InstanceId, Region, WallTime};

    pub(in super::super) fn contact(n: u8) -> Contact {
        let instance = InstanceRef {
            id: InstanceId::from_random([9; 16]),
            alias: "demo".into(),
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
        };
        let new = NewContact {
            id: ContactId::from_random([n; 16]),
            instance,
            initiation_method: InitiationMethod::Inbound,
            customer_number: None,
            system_number: None,
            sip_headers: Default::default(),
        };
        Contact::new(WallTime::from_unix_ms(1_000 + i64::from(n)), new)
    }

    pub(in super::super) fn ended(n: u8) -> Contact {
        let mut contact = contact(n);
        contact.disconnect_timestamp = Some(WallTime::from_unix_ms(5_000));
        contact.disconnect_reason = Some(DisconnectReason::Other);
        contact
    }

    const ROTATION: Rotation = Rotation { limit_bytes: 1 << 20, kept: 2 };

    fn open(folder: &Path) -> (FileHistory, Vec<Interrupted>, LineWriters) {
        let writers = LineWriters::default();
        let (history, interrupted) = FileHistory::open(folder, 1, &writers, ROTATION).unwrap();
        (history, interrupted, writers)
    }

    /// The records, once all are delivered.
    fn delivered(folder: &Path, history: &FileHistory) -> Vec<serde_json::Value> {
        assert!(history.await_delivery(Duration::from_secs(60)));
        records(folder)
    }

    fn records(folder: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join("contact-records.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn contacts_that_were_open_are_found_at_the_next_start_and_ended_ones_have_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let (history, interrupted, _writers) = open(dir.path());
        assert!(interrupted.is_empty());
        history.open(&contact(1)).unwrap();
        history.open(&contact(2)).unwrap();
        // The caller has hung up, and the last fragment is still on its way: there is no record yet.
        history.update(&ended(2)).unwrap();
        assert!(records(dir.path()).is_empty());
        history.close(&ended(2)).unwrap();
        assert_eq!(history.find(contact(2).id).unwrap().unwrap(), ended(2));
        assert_eq!(delivered(dir.path(), &history).len(), 1);
        drop(history);
        let (history, interrupted, _writers) = open(dir.path());
        assert_eq!(interrupted, [contact(1)]);
        assert_eq!(records(dir.path()).len(), 1);
        history.close(&ended(1)).unwrap();
        assert_eq!(delivered(dir.path(), &history)[1]["ContactId"], contact(1).id.to_string());
        drop(history);
        let (history, interrupted, _writers) = open(dir.path());
        assert!(interrupted.is_empty());
        assert_eq!(delivered(dir.path(), &history).len(), 2);
        history.update(&ended(1)).unwrap();
        assert_eq!(delivered(dir.path(), &history).len(), 3, "a late change delivers the record again");
    }

    #[test]
    fn a_record_that_a_crash_kept_back_is_delivered_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _, _writers) = open(dir.path());
        history.close(&ended(3)).unwrap();
        delivered(dir.path(), &history);
        drop(history);
        // As if the process had died between the commit and the append, with half a line on disk.
        std::fs::write(dir.path().join("contact-records.jsonl"), "{\"AWSAccountId\":").unwrap();
        rows::connect(&dir.path().join(FILE), &TABLE)
            .unwrap()
            .execute("UPDATE contact SET delivered = 0", [])
            .unwrap();
        let (history, _, _writers) = open(dir.path());
        assert!(history.await_delivery(Duration::from_secs(60)));
        let text = std::fs::read_to_string(dir.path().join("contact-records.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["ContactId"], ended(3).id.to_string());
    }

    #[test]
    fn changes_of_attributes_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _, _writers) = open(dir.path());
        let id = ended(1).id;
        let key = |n: u8| BTreeMap::from([(format!("k{n}"), "v".to_owned())]);
        let now = WallTime::from_unix_ms(9_000);
        assert_eq!(history.set_attributes(now, id, key(0)), Err(SetAttributesError::NoSuchContact));
        history.close(&ended(1)).unwrap();
        std::thread::scope(|scope| {
            for n in 0..20 {
                let history = &history;
                scope.spawn(move || history.set_attributes(now, id, key(n)).unwrap());
            }
        });
        let kept = history.find(id).unwrap().unwrap();
        assert_eq!(kept.attributes.len(), 20);
        let too_large = BTreeMap::from([("k".to_owned(), "x".repeat(40_000))]);
        assert!(matches!(history.set_attributes(now, id, too_large), Err(SetAttributesError::TooLarge(_))));
        assert_eq!(history.find(id).unwrap().unwrap(), kept);
        let newest = delivered(dir.path(), &history).pop().unwrap();
        assert_eq!(newest["Attributes"].as_object().unwrap().len(), 20);
    }

    #[test]
    fn many_writers_share_commits_and_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _, _writers) = open(dir.path());
        let history = Arc::new(history);
        let threads: Vec<_> = (0..20)
            .map(|n| {
                let history = history.clone();
                std::thread::spawn(move || history.close(&ended(n)).unwrap())
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(delivered(dir.path(), &history).len(), 20);
    }

    #[test]
    fn a_file_of_records_that_takes_nothing_holds_up_no_contact_and_gets_all_of_them_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("contact-records.jsonl");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let (history, _, writers) = open(dir.path());
        // More than one group, and one contact that changes while its record waits.
        let contacts = 150;
        (0..contacts).for_each(|n| history.close(&ended(n)).unwrap());
        let late = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        history.set_attributes(WallTime::from_unix_ms(9_000), ended(0).id, late).unwrap();
        assert!(!history.await_delivery(Duration::from_millis(10)));
        assert!(history.find(ended(149).id).unwrap().is_some());
        writers.close();
        drop(history);
        // The next start finds a file where the FIFO was.
        std::fs::remove_file(&path).unwrap();
        let (history, _, _writers) = open(dir.path());
        let records = delivered(dir.path(), &history);
        assert_eq!(records.len(), usize::from(contacts));
        assert!(records.iter().any(|record| record["Attributes"]["k"] == "v"));
    }
}
