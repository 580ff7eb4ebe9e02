//! Contacts in `contacts.db`, and the records of those that ended in `contact-records.jsonl`, one JSON a line.
//!
//! One thread writes for everybody: what waits while a commit runs goes into the next one. The promises:
//!
//! 1. `open`, `update`, `close` and `set_attributes` return after the commit that holds the contact (SQLite, WAL,
//!    `synchronous=FULL`). Changes of attributes are read, made and written by that thread: none is lost to another.
//! 2. A record is appended and synced after that commit; `delivered` is set after the sync. A crash in between
//!    delivers the record again at the next start: at least once, never not at all.

use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use tympan_connect::contact::{
    Contact, ContactRecord, History, HistoryError, HistoryQuery, SetAttributesError, TimeAxis,
};
use tympan_types::{ContactId, WallTime};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS contact (
        id        TEXT PRIMARY KEY,
        json      TEXT NOT NULL,
        initiated INTEGER NOT NULL,
        open      INTEGER NOT NULL,
        delivered INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS contact_initiated ON contact (initiated);
    CREATE INDEX IF NOT EXISTS contact_open ON contact (open) WHERE open = 1;
    CREATE INDEX IF NOT EXISTS contact_undelivered ON contact (delivered) WHERE delivered = 0;
";

/// Writes that wait for the thread; beyond that callers wait.
const QUEUE: usize = 1_024;

/// The history of contacts on disk.
pub(crate) struct FileHistory {
    writes: mpsc::SyncSender<WriteRequest>,
    reader: Mutex<Connection>,
}

/// What happened to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Opened,
    Changed,
    Closed,
}

/// A contact whose call was cut off by the end of the process that served it.
pub(crate) type Interrupted = Contact;

/// When a contact is listed, and which of several at one instant comes first.
type Place = (WallTime, ContactId);

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
    /// Opens or creates the files in `folder`, delivers records that a crash kept back, and returns the contacts
    /// that were open: the caller closes each of them.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Interrupted>), HistoryError> {
        let database = folder.join("contacts.db");
        let connection = connect(&database)?;
        connection.execute_batch(SCHEMA).map_err(said)?;
        let mut writer = Writer { connection, records: open_records(&folder.join("contact-records.jsonl"))? };
        writer.deliver().map_err(said)?;
        let interrupted = writer.interrupted()?;
        let (writes, queue) = mpsc::sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("contact-history".into())
            .spawn(move || writer.run(&queue))
            .map_err(said)?;
        Ok((Self { writes, reader: Mutex::new(connect(&database)?) }, interrupted))
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
        self.writes.send(WriteRequest { write, reply }).map_err(|_| gone())?;
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
        find(&self.reader(), id)
    }

    fn list(&self, query: &HistoryQuery) -> Result<Vec<Contact>, HistoryError> {
        let connection = self.reader();
        // Every time of a contact is at or after its initiation, so this range holds all candidates.
        let by_initiation = query.axis == TimeAxis::Initiation;
        let from = if by_initiation { query.from } else { WallTime::from_unix_ms(i64::MIN) };
        let sql = "SELECT json FROM contact WHERE initiated BETWEEN ?1 AND ?2 ORDER BY initiated DESC";
        let mut statement = connection.prepare_cached(sql).map_err(said)?;
        let range = [from.unix_ms(), query.to.unix_ms()];
        let rows = statement.query_map(range, |row| row.get::<_, String>(0)).map_err(said)?;
        let mut found: Vec<(Place, Contact)> = Vec::new();
        for json in rows {
            let contact: Contact = serde_json::from_str(&json.map_err(said)?).map_err(said)?;
            let Some(place) = query.place(&contact) else { continue };
            // Rows come newest first: past the page only contacts of the very same instant can still belong to it.
            if by_initiation
                && found.len() >= query.limit
                && found.last().is_some_and(|(last, _)| place.0 < last.0)
            {
                break;
            }
            found.push((place, contact));
        }
        found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        Ok(found.into_iter().take(query.limit).map(|(_, contact)| contact).collect())
    }

    fn set_attributes(&self, now: WallTime, id: ContactId, changes: BTreeMap<String, String>) -> Written {
        self.write(Write::Attributes { now, id, changes })
    }
}

/// The writing side: its own connection, and the file of records.
struct Writer {
    connection: Connection,
    records: File,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<WriteRequest>) {
        while let Ok(first) = queue.recv() {
            let batch: Vec<WriteRequest> = std::iter::once(first).chain(queue.try_iter()).collect();
            let written = self.commit(&batch);
            if let Err(error) = &written {
                tracing::error!(%error, contacts = batch.len(), "contacts could not be written");
            }
            let all_failed = |error: HistoryError| vec![Err(error.into()); batch.len()];
            let written = written.unwrap_or_else(all_failed);
            for (request, written) in batch.iter().zip(written) {
                // A caller that gave up needs no answer.
                let _ = request.reply.send(written);
            }
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
        if let Err(error) = self.deliver() {
            tracing::error!(%error, "contact records could not be delivered");
        }
        Ok(written)
    }

    /// Appends the records that are not delivered yet, syncs the file, and remembers that they are.
    fn deliver(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let mut lines = Vec::new();
        let mut ids: Vec<String> = Vec::new();
        {
            let mut query = self
                .connection
                .prepare_cached("SELECT id, json FROM contact WHERE delivered = 0 AND open = 0")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get(0)?);
                let contact: Contact = serde_json::from_str(&row.get::<_, String>(1)?)?;
                serde_json::to_writer(&mut lines, &ContactRecord::of(&contact))?;
                lines.push(b'\n');
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        self.records.write_all(&lines)?;
        self.records.sync_data()?;
        let transaction = self.connection.transaction()?;
        for id in &ids {
            transaction.prepare_cached("UPDATE contact SET delivered = 1 WHERE id = ?1")?.execute([id])?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn interrupted(&self) -> Result<Vec<Interrupted>, HistoryError> {
        let mut query = self.connection.prepare("SELECT json FROM contact WHERE open = 1").map_err(said)?;
        let rows = query.query_map([], |row| row.get::<_, String>(0)).map_err(said)?;
        rows.map(|json| serde_json::from_str(&json.map_err(said)?).map_err(said)).collect()
    }
}

fn find(connection: &Connection, id: ContactId) -> Result<Option<Contact>, HistoryError> {
    let mut query = connection.prepare_cached("SELECT json FROM contact WHERE id = ?1").map_err(said)?;
    let json: Option<String> =
        query.query_row([id.to_string()], |row| row.get(0)).optional().map_err(said)?;
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

fn connect(path: &Path) -> Result<Connection, HistoryError> {
    let connection = Connection::open(path).map_err(said)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(said)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(said)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(said)?;
    Ok(connection)
}

/// Opens the file for appending; a line that a crash cut off is ended, so that the next one stands alone.
fn open_records(path: &Path) -> Result<File, HistoryError> {
    let open = || -> std::io::Result<File> {
        let mut file = File::options().create(true).read(true).append(true).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        if length > 0 {
            let mut last = [0];
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, length - 1)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        // The file's name must be as durable as its lines.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(file)
    };
    open().map_err(|error| HistoryError { message: format!("{}: {error}", path.display()) })
}

fn said(error: impl std::fmt::Display) -> HistoryError {
    HistoryError { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tympan_connect::contact::{DisconnectReason, InitiationMethod, InstanceRef, NewContact};
    use tympan_types::{AccountId, InstanceId, Region, WallTime};

    fn contact(n: u8) -> Contact {
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

    fn ended(n: u8) -> Contact {
        let mut contact = contact(n);
        contact.disconnect_timestamp = Some(WallTime::from_unix_ms(5_000));
        contact.disconnect_reason = Some(DisconnectReason::Other);
        contact
    }

    fn records(folder: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join("contact-records.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn contacts_that_were_open_are_found_at_the_next_start_and_ended_ones_have_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let (history, interrupted) = FileHistory::open(dir.path()).unwrap();
        assert!(interrupted.is_empty());
        history.open(&contact(1)).unwrap();
        history.open(&contact(2)).unwrap();
        // The caller has hung up, and the last fragment is still on its way: there is no record yet.
        history.update(&ended(2)).unwrap();
        assert!(records(dir.path()).is_empty());
        history.close(&ended(2)).unwrap();
        assert_eq!(history.find(contact(2).id).unwrap().unwrap(), ended(2));
        drop(history);
        let (history, interrupted) = FileHistory::open(dir.path()).unwrap();
        assert_eq!(interrupted, [contact(1)]);
        assert_eq!(records(dir.path()).len(), 1);
        history.close(&ended(1)).unwrap();
        assert_eq!(records(dir.path())[1]["ContactId"], contact(1).id.to_string());
        drop(history);
        let (history, interrupted) = FileHistory::open(dir.path()).unwrap();
        assert!(interrupted.is_empty());
        assert_eq!(records(dir.path()).len(), 2);
        history.update(&ended(1)).unwrap();
        assert_eq!(records(dir.path()).len(), 3, "a late change delivers the record again");
    }

    #[test]
    fn a_record_that_a_crash_kept_back_is_delivered_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _) = FileHistory::open(dir.path()).unwrap();
        history.close(&ended(3)).unwrap();
        drop(history);
        // As if the process had died between the commit and the append, with half a line on disk.
        std::fs::write(dir.path().join("contact-records.jsonl"), "{\"AWSAccountId\":").unwrap();
        connect(&dir.path().join("contacts.db"))
            .unwrap()
            .execute("UPDATE contact SET delivered = 0", [])
            .unwrap();
        FileHistory::open(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join("contact-records.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["ContactId"], ended(3).id.to_string());
    }

    #[test]
    fn changes_of_attributes_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _) = FileHistory::open(dir.path()).unwrap();
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
        let newest = records(dir.path()).pop().unwrap();
        assert_eq!(newest["Attributes"].as_object().unwrap().len(), 20);
    }

    #[test]
    fn many_writers_share_commits_and_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let history = Arc::new(FileHistory::open(dir.path()).unwrap().0);
        let threads: Vec<_> = (0..20)
            .map(|n| {
                let history = history.clone();
                std::thread::spawn(move || history.close(&ended(n)).unwrap())
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(records(dir.path()).len(), 20);
    }
}
