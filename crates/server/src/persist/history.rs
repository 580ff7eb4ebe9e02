//! Contacts in `control.db`, and the records of those that ended in `contact-records.jsonl`, one JSON a line.
//!
//! Many callers share a commit. The promises:
//!
//! 1. `open`, `update`, `close` and `set_attributes` return after the commit that holds the contact. Changes of attributes are read,
//!    made and written in one transaction: none is lost to another.
//! 2. A record is appended and synced after that commit, by the thread that writes lines: no contact waits for the file.
//!    It is marked as delivered after the sync. A crash in between delivers the record again at the next start: at least once,
//!    never not at all. Lines of the flow log go the same way.
//! 3. What the database does not take waits in memory ([`Backlog`]), can be read there, and is written when that is possible.
//!    The caller learns that it is not written yet. Changes of attributes do not wait: they are refused.

use super::backlog::{Backlog, Unwritten};
use super::contact_row::ContactRow;
use super::delivery::{Delivery, FlowLines, Progress, Records, Wake};
use super::flow_log_files::FlowLogFiles;
use super::outbox::Outbox;
use super::records::{self, DeadLetters, RecordWays, Telling};
use crate::lines::Lines;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tympan_connect::agent_events::AgentEvent;
use tympan_contact::record::is_complete;
use tympan_contact::{
    CapturedAudio, ChangeError, Contact, Erased, History, HistoryError, HistoryPage, HistoryQuery,
    SetAttributesError, TimeAxis,
};
use tympan_db::contact::{self, ContactCursor, ContactEvent, ContactQuery};
use tympan_db::{Db, DbError, Tx};
use tympan_flow::ContactChange;
use tympan_types::{ContactId, WallTime};

/// Between two attempts to write what the database did not take.
const RETRY: Duration = Duration::from_secs(1);
/// Contacts of the backlog that are written at once.
const BATCH: usize = 100;
/// Contacts that a start reads at once.
const PAGE: usize = 500;

/// The history of contacts on disk.
pub(crate) struct ContactHistory {
    shared: Arc<Shared>,
    /// Wakes the thread that delivers; it ends with this.
    news: Option<Arc<mpsc::SyncSender<()>>>,
    deliverer: Option<JoinHandle<()>>,
    wake: Wake,
    records: Lines,
    flow_lines: Arc<Progress>,
    flow_log_files: FlowLogFiles,
    submitted: Mutex<Option<JoinHandle<()>>>,
    outbox: Outbox,
    dead_letters: Option<DeadLetters>,
}

/// What both sides use.
struct Shared {
    db: Db,
    backlog: Backlog,
    /// Held by the thread that writes the backlog.
    flushing: Mutex<()>,
    delivered: Arc<Progress>,
    /// The last attempt to write failed.
    is_in_trouble: AtomicBool,
    /// To sinks beside the file of records.
    ways: OnceLock<RecordWays>,
}

/// A contact whose call was cut off by the end of the process that served it.
pub(crate) type Interrupted = Contact;

/// When a contact is listed, and which of several at one instant comes first.
type Place = (WallTime, ContactId);

impl ContactHistory {
    /// The contacts of a database. Begins to deliver what a crash kept back: records to `records`, lines of the flow log to
    /// `flow_lines`. Its second value wakes that when lines of the flow log were committed.
    pub(super) fn open(
        db: &Db,
        records: Lines,
        flow_lines: Lines,
        flow_log_files: FlowLogFiles,
    ) -> std::io::Result<(Self, Arc<dyn Fn() + Send + Sync>)> {
        let (news, heard) = mpsc::sync_channel(1);
        let news = Arc::new(news);
        // One that waits is enough.
        let waker = Arc::downgrade(&news);
        let wake: Wake = Arc::new(move || {
            let _ = waker.upgrade().map(|news| news.try_send(()));
        });
        let (delivered, flow_progress) = (Arc::<Progress>::default(), Arc::<Progress>::default());
        let shared = Arc::new(Shared {
            db: db.clone(),
            backlog: Backlog::default(),
            flushing: Mutex::default(),
            delivered: delivered.clone(),
            is_in_trouble: AtomicBool::new(false),
            ways: OnceLock::new(),
        });
        let thread = Deliverer {
            shared: shared.clone(),
            records: Delivery::new(Records, records.clone(), wake.clone(), delivered),
            flow_lines: Delivery::new(FlowLines, flow_lines, wake.clone(), flow_progress.clone()),
        };
        let deliverer =
            std::thread::Builder::new().name("contact-history".into()).spawn(move || thread.run(&heard))?;
        let serving = db.clone();
        let submitted =
            std::thread::Builder::new().name("control-db".into()).spawn(move || serving.serve_submitted())?;
        let committed: Arc<dyn Fn() + Send + Sync> = {
            let (progress, wake) = (flow_progress.clone(), wake.clone());
            Arc::new(move || {
                progress.fell_behind();
                wake();
            })
        };
        let submitted = Mutex::new(Some(submitted));
        let history = Self {
            shared,
            news: Some(news),
            deliverer: Some(deliverer),
            wake,
            records,
            flow_lines: flow_progress,
            flow_log_files,
            submitted,
            outbox: Outbox::new(db),
            dead_letters: None,
        };
        Ok((history, committed))
    }

    pub(super) fn db(&self) -> &Db {
        &self.shared.db
    }

    pub(super) fn backlog(&self) -> &Backlog {
        &self.shared.backlog
    }

    pub(super) fn flow_log_files(&self) -> &FlowLogFiles {
        &self.flow_log_files
    }

    /// Where records go that a sink has refused too often.
    pub(crate) fn with_dead_letters(mut self, dead_letters: DeadLetters) -> Self {
        self.dead_letters = Some(dead_letters);
        self
    }

    /// From now on records go to these sinks as well.
    pub(crate) fn send_records(&self, ways: RecordWays) {
        // It is said once, before any contact.
        drop(self.shared.ways.set(ways));
    }

    /// The ways to sinks beside the file of records.
    pub(crate) fn record_ways(&self) -> Option<&RecordWays> {
        self.shared.ways.get()
    }

    /// Contacts that were open when the last process ended, as far as they can be read: the caller closes each of them.
    pub(crate) fn interrupted(&self) -> Vec<Interrupted> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.shared.db.read(|reader| reader.live_contacts::<ContactRow>(after, PAGE));
            match page {
                Ok(page) => {
                    found.extend(page.items.into_iter().map(|ContactRow(contact)| contact));
                    after = page.next;
                    if after.is_none() {
                        return found;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "contacts that were open cannot be listed; their records stay open");
                    return found;
                }
            }
        }
    }

    /// Waits until every record and every line of the flow log is delivered; false when that takes longer than `limit`: then the
    /// next start delivers them. Nothing is submitted to the database after this.
    pub(crate) fn await_delivery(&self, limit: Duration) -> bool {
        self.end_submissions();
        self.shared.delivered.await_caught_up(limit) && self.flow_lines.await_caught_up(limit)
    }

    /// Commits what was submitted, and takes no more.
    fn end_submissions(&self) {
        self.shared.db.stop_serving();
        let thread = self.submitted.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic in it has been told.
        let _ = thread.map(JoinHandle::join);
    }

    /// Records that the file has not taken yet.
    pub(crate) fn undelivered(&self) -> usize {
        self.records.waiting()
    }

    /// Contacts that wait for the database.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.backlog.len()
    }

    /// States of contacts that not even memory had room for.
    pub(crate) fn lost(&self) -> u64 {
        self.shared.backlog.lost()
    }

    /// Erases a contact that has ended: state, attributes, index, flow log lines that no sink has, and what was moved aside of it.
    /// Whether there was one. When this returns no byte of it is left in the database's files. What `before` does stands in the same
    /// commit; it is given the contact where that can be read.
    pub(crate) fn erase_with(
        &self,
        id: ContactId,
        before: impl FnOnce(&mut Tx<'_>, Option<&Contact>) -> Result<(), DbError> + Send + 'static,
    ) -> Result<bool, HistoryError> {
        self.shared.write_backlog().map_err(said)?;
        let erased = self.shared.db.write(move |tx| -> Result<bool, DbError> {
            let found = match tx.reader().contact::<ContactRow>(id) {
                Ok(found) => found,
                Err(DbError::Unreadable { .. }) => None,
                Err(error) => return Err(error),
            };
            before(tx, found.as_ref().map(|ContactRow(contact)| contact))?;
            tx.erase_contact(id)
        });
        let erased = erased.map_err(said)?;
        self.empty_log()?;
        Ok(erased)
    }

    /// What has to be done elsewhere because of what was written here.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Empties the write-ahead log, so that what was erased is in no file. A reader that is in the middle of a read is waited for.
    pub(crate) fn empty_log(&self) -> Result<(), HistoryError> {
        const ATTEMPTS: usize = 40;
        for _ in 0..ATTEMPTS {
            if self.shared.db.empty_log().map_err(said)? {
                return Ok(());
            }
        }
        let message = "a reader holds the log of control.db; erased rows are in it until it ends".to_owned();
        Err(HistoryError { message })
    }

    /// The files that have something of a contact, and keep it.
    fn delivered_to(&self, id: ContactId) -> Result<Vec<String>, HistoryError> {
        let marks = self.shared.db.read(|reader| reader.contact_marks(id)).map_err(said)?;
        let Some(marks) = marks else { return Ok(Vec::new()) };
        let files = [(marks.is_delivered, "contact-records.jsonl"), (marks.has_flow, "flow-logs.jsonl")];
        Ok(files.iter().filter(|(has, _)| *has).map(|(_, file)| (*file).to_owned()).collect())
    }

    fn write_state(&self, event: ContactEvent, contact: &Contact) -> Result<(), HistoryError> {
        let written = self.shared.write_state(event, contact);
        self.shared.tell(written.as_ref().err());
        match &written {
            Ok(()) => self.fell_behind(event),
            // The thread tries again until it is written.
            Err(_) => (self.wake)(),
        }
        written.map_err(said)
    }

    /// Reads, changes and writes a contact that no call has, in one transaction.
    fn change_row<E: Send + 'static>(
        &self,
        id: ContactId,
        change: impl FnOnce(&mut Contact) -> Result<(), E> + Send + 'static,
    ) -> Result<(), Unchanged<E>> {
        self.shared.write_backlog()?;
        let shared = self.shared.clone();
        self.shared.db.write(move |tx| -> Result<(), Unchanged<E>> {
            let found = tx.reader().contact::<ContactRow>(id)?;
            let ContactRow(mut contact) = found.ok_or(Unchanged::NoSuchContact)?;
            change(&mut contact).map_err(Unchanged::Refused)?;
            let telling = shared.telling_of(&contact);
            // What ends the agent's work ends the contact.
            let event = if is_complete(&contact) { ContactEvent::Closed } else { ContactEvent::Changed };
            Ok(telling.put(tx, &ContactRow(contact), event)?)
        })?;
        if let Some(ways) = self.shared.ways.get() {
            ways.wake();
        }
        self.fell_behind(ContactEvent::Changed);
        Ok(())
    }

    /// Sends an event of an agent to the sinks that take those of its instance: durable when this returns.
    pub(crate) fn tell_of_agent(&self, event: AgentEvent) -> Result<(), HistoryError> {
        let Some(ways) = self.shared.ways.get() else { return Ok(()) };
        let kinds = ways.of_agents(event.instance);
        if kinds.is_empty() {
            return Ok(());
        }
        let written = self.shared.db.write(move |tx| -> Result<(), DbError> {
            kinds.iter().try_for_each(|kind| tx.enqueue(&records::of_agent(kind, &event)).map(drop))
        });
        ways.wake();
        written.map_err(said)
    }

    /// Records may have to be delivered: that of a contact that begins has not.
    fn fell_behind(&self, event: ContactEvent) {
        if event != ContactEvent::Opened {
            self.shared.delivered.fell_behind();
            (self.wake)();
        }
    }
}

impl Shared {
    fn write_state(&self, event: ContactEvent, contact: &Contact) -> Result<(), DbError> {
        if self.backlog.len() > 0 {
            // What waits is older, and goes first.
            self.backlog.keep(contact, event);
            return self.write_backlog();
        }
        let (row, telling) = (ContactRow(contact.clone()), self.telling_of(contact));
        let tells = !telling.is_empty();
        let written = self.db.write(move |tx| telling.put(tx, &row, event));
        match (&written, self.ways.get()) {
            (Err(_), _) => self.backlog.keep(contact, event),
            (Ok(()), Some(ways)) if tells => ways.wake(),
            (Ok(()), _) => {}
        }
        written
    }

    /// What a state of a contact is told to.
    fn telling_of(&self, contact: &Contact) -> Telling {
        self.ways.get().map(|ways| ways.of(contact)).unwrap_or_default()
    }

    fn write_backlog(&self) -> Result<(), DbError> {
        if self.backlog.len() == 0 {
            return Ok(());
        }
        let _flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let some = self.backlog.some(BATCH);
            if some.is_empty() {
                return Ok(());
            }
            match self.put_all(&some) {
                Ok(()) => self.backlog.written(&some),
                // One that cannot be written by itself holds up no other.
                Err(DbError::Other(_) | DbError::TooMany { .. } | DbError::Query(_)) if some.len() > 1 => {
                    let mut last = Ok(());
                    for one in &some {
                        match self.put_all(std::slice::from_ref(one)) {
                            Ok(()) => self.backlog.written(std::slice::from_ref(one)),
                            Err(error) => last = Err(error),
                        }
                    }
                    last?;
                }
                Err(error) => return Err(error),
            }
            self.delivered.fell_behind();
        }
    }

    fn put_all(&self, unwritten: &[Arc<Unwritten>]) -> Result<(), DbError> {
        let state = |state: &Arc<Unwritten>| {
            (ContactRow(state.contact.clone()), state.event, self.telling_of(&state.contact))
        };
        let states: Vec<_> = unwritten.iter().map(state).collect();
        let written = self.db.write(move |tx| -> Result<(), DbError> {
            states.iter().try_for_each(|(row, event, telling)| telling.put(tx, row, *event))
        });
        if let Some(ways) = self.ways.get() {
            ways.wake();
        }
        written
    }

    /// Says so once when trouble begins and once when it is over.
    fn tell(&self, trouble: Option<&DbError>) {
        let was_in_trouble = self.is_in_trouble.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(error) if !was_in_trouble => {
                tracing::error!(%error, "contacts cannot be written; they wait in memory");
            }
            None if was_in_trouble => tracing::info!("contacts are written again"),
            _ => {}
        }
    }
}

impl History for ContactHistory {
    fn open(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.write_state(ContactEvent::Opened, contact)
    }

    fn update(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.write_state(ContactEvent::Changed, contact)
    }

    /// While the agent works after the contact it is not over: it is closed by the call of this that comes then, or by the next start.
    fn close(&self, contact: &Contact) -> Result<(), HistoryError> {
        let works_on = contact.disconnect_timestamp.is_some() && !is_complete(contact);
        self.write_state(if works_on { ContactEvent::Changed } else { ContactEvent::Closed }, contact)
    }

    fn find(&self, id: ContactId) -> Result<Option<Contact>, HistoryError> {
        // In this order: what is written meanwhile is found in the table.
        match self.shared.backlog.find(id) {
            Some(contact) => Ok(Some(contact)),
            None => {
                let found = self.shared.db.read(|reader| reader.contact::<ContactRow>(id)).map_err(said)?;
                Ok(found.map(|ContactRow(contact)| contact))
            }
        }
    }

    /// What waits in memory is on the first page.
    fn list(&self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        let after = query
            .after
            .as_deref()
            .map(|after| ContactCursor::parse(after).ok_or_else(|| said("no page ends there")));
        let after = after.transpose()?;
        let unwritten = self.shared.backlog.all();
        let newer: BTreeSet<ContactId> = unwritten.iter().map(|unwritten| unwritten.contact.id).collect();
        let mut found: Vec<(Place, Contact)> = Vec::new();
        if after.is_none() {
            let contacts = unwritten.iter().map(|unwritten| &unwritten.contact);
            found.extend(contacts.filter_map(|contact| Some((query.place(contact)?, contact.clone()))));
            found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
            found.truncate(query.limit);
        }
        let wanted = ContactQuery {
            account: query.account.clone(),
            instance: query.instance,
            axis: match query.axis {
                TimeAxis::Initiation => contact::TimeAxis::Initiation,
                TimeAxis::ConnectedToSystem => contact::TimeAxis::Connected,
                TimeAxis::Disconnect => contact::TimeAxis::Disconnect,
            },
            from: query.from,
            to: query.to,
            ..ContactQuery::all()
        };
        let limit = query.limit.saturating_sub(found.len()).max(1);
        let page = self.shared.db.read(|reader| reader.contacts::<ContactRow>(&wanted, after, limit));
        let page = page.map_err(said)?;
        let written = page.items.into_iter().map(|ContactRow(contact)| contact);
        let written = written.filter(|contact| !newer.contains(&contact.id));
        found.extend(written.filter_map(|contact| Some((query.place(&contact)?, contact))));
        found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let contacts = found.into_iter().map(|(_, contact)| contact).collect();
        Ok(HistoryPage { contacts, next: page.next.map(|next| next.to_string()) })
    }

    fn set_attributes(
        &self,
        now: WallTime,
        id: ContactId,
        changes: BTreeMap<String, String>,
    ) -> Result<(), SetAttributesError> {
        let changed = self.change_row(id, move |contact| {
            contact.set_late_attributes(now, changes).map_err(SetAttributesError::from)
        });
        changed.map_err(|unchanged| match unchanged {
            Unchanged::Db(error) => said(error).into(),
            Unchanged::NoSuchContact => SetAttributesError::NoSuchContact,
            Unchanged::Refused(error) => error,
        })
    }

    fn change(&self, now: WallTime, id: ContactId, change: ContactChange) -> Result<(), ChangeError> {
        let changed = self.change_row(id, move |contact| contact.change_late(now, change));
        changed.map_err(|unchanged| match unchanged {
            Unchanged::Db(error) => said(error).into(),
            Unchanged::NoSuchContact => ChangeError::NoSuchContact,
            Unchanged::Refused(reason) => ChangeError::Refused(reason),
        })
    }

    fn change(
        &self,
        now: WallTime,
        id: ContactId,
        change: tympan_flow::ContactChange,
    ) -> Result<(), tympan_contact::ChangeError> {
        let _ = (now, id, change);
        Err(tympan_contact::ChangeError::NoSuchContact)
    }

    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, HistoryError> {
        let delivered_to = self.delivered_to(id)?;
        let existed = self.erase_with(id, move |tx, contact| match (audio, contact) {
            (CapturedAudio::Keep, _) => Ok(()),
            (CapturedAudio::Erase, Some(contact)) => Outbox::erase_captures(tx, &contact.captures),
            (CapturedAudio::Erase, None) if tx.reader().contact_marks(id)?.is_some() => {
                // What cannot be found cannot be erased.
                Err(DbError::Other(format!("contact {id} cannot be read, so its audio cannot be found")))
            }
            (CapturedAudio::Erase, None) => Ok(()),
        })?;
        if let Some(dead_letters) = &self.dead_letters {
            dead_letters.forget(id).map_err(said)?;
        }
        let mut audio_waits = false;
        if existed && audio == CapturedAudio::Erase {
            // What is written is always due. A failure here is not one of the erasure, which is durable.
            audio_waits = !self.outbox.perform(WallTime::from_unix_ms(0)).unwrap_or(false);
            self.outbox.wake();
        }
        Ok(existed.then_some(Erased { audio_waits, delivered_to }))
    }

    fn has_room(&self) -> bool {
        self.shared.backlog.has_room()
    }
}

impl Drop for ContactHistory {
    fn drop(&mut self) {
        self.end_submissions();
        // Without the thread the database can be closed, and opened again.
        self.news = None;
        let _ = self.deliverer.take().map(JoinHandle::join);
        let waiting = self.waiting();
        if waiting > 0 {
            tracing::error!(
                contacts = waiting,
                "contacts are lost: the database did not take them to the end"
            );
        }
    }
}

/// Why a contact was not changed.
enum Unchanged<E> {
    Db(DbError),
    NoSuchContact,
    Refused(E),
}

impl<E> From<DbError> for Unchanged<E> {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// The thread that delivers, and that writes what waits in memory.
struct Deliverer {
    shared: Arc<Shared>,
    records: Delivery<Records>,
    flow_lines: Delivery<FlowLines>,
}

impl Deliverer {
    fn run(mut self, news: &mpsc::Receiver<()>) {
        loop {
            self.go_on();
            let is_idle =
                self.shared.backlog.len() == 0 && !self.records.is_behind() && !self.flow_lines.is_behind();
            let heard = match is_idle {
                true => news.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                false => news.recv_timeout(RETRY),
            };
            if heard == Err(mpsc::RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn go_on(&mut self) {
        let db = &self.shared.db;
        let done = self.shared.write_backlog();
        let done = done.and(self.records.go_on(db)).and(self.flow_lines.go_on(db));
        self.shared.tell(done.as_ref().err());
    }
}

fn said(error: impl std::fmt::Display) -> HistoryError {
    HistoryError { message: error.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lines::{LineFileOptions, LineWriters, Rotation};
    use std::path::Path;
    use tympan_contact::{DisconnectReason, InitiationMethod, InstanceRef, NewContact};
    use tympan_db::{OpenOptions, StartId};
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

    const ROTATION: Rotation = Rotation { limit_bytes: 1 << 20, kept: 2, kept_for: None };

    fn database(folder: &Path) -> Db {
        Db::open(folder, super::super::kinds(), OpenOptions::new(StartId([7; 16]))).unwrap().0
    }

    fn open(folder: &Path) -> (ContactHistory, Vec<Interrupted>, LineWriters) {
        let (_, history, writers) = open_with(folder);
        let interrupted = history.interrupted();
        (history, interrupted, writers)
    }

    pub(in super::super) fn open_with(folder: &Path) -> (Db, ContactHistory, LineWriters) {
        let writers = LineWriters::default();
        let file = |name: &'static str| {
            let path = folder.join(format!("{name}.jsonl"));
            let options = LineFileOptions { name, path, mode: 0o644, rotation: ROTATION, missing: |_| None };
            writers.open(options).unwrap()
        };
        let (records, flow_lines) = (file("contact-records"), file("flow-logs"));
        let db = database(folder);
        let files = FlowLogFiles { path: folder.join("flow-logs.jsonl"), kept: ROTATION.kept };
        let (history, _) = ContactHistory::open(&db, records, flow_lines, files).unwrap();
        (db, history, writers)
    }

    /// The records, once all are delivered.
    fn delivered(folder: &Path, history: &ContactHistory) -> Vec<serde_json::Value> {
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
        let db = database(dir.path());
        db.write(|tx| tx.put_contact(&ContactRow(ended(3)), ContactEvent::Closed, None)).unwrap();
        drop(db);
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

    #[test]
    fn what_a_database_refuses_waits_in_memory_can_be_read_there_and_is_listed() {
        let dir = tempfile::tempdir().unwrap();
        let writers = LineWriters::default();
        let lines = |name: &'static str| {
            let path = dir.path().join(name);
            writers
                .open(LineFileOptions { name, path, mode: 0o600, rotation: ROTATION, missing: |_| None })
                .unwrap()
        };
        let why = tympan_db::OpenError::Foreign { path: "control.db".into() };
        let options = OpenOptions::new(StartId([7; 16]));
        let db = Db::stand_in(super::super::kinds(), options, &why).unwrap();
        let files = FlowLogFiles { path: dir.path().join("flow.jsonl"), kept: 0 };
        let (history, _) = ContactHistory::open(&db, lines("records"), lines("flow"), files).unwrap();
        assert!(history.open(&contact(1)).is_err() && history.open(&contact(2)).is_err());
        assert_eq!(history.find(contact(1).id).unwrap(), Some(contact(1)));
        let changes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        assert!(history.set_attributes(WallTime::from_unix_ms(9), contact(1).id, changes).is_err());
        let query = HistoryQuery {
            account: None,
            instance: None,
            axis: TimeAxis::Initiation,
            from: WallTime::from_unix_ms(0),
            to: WallTime::from_unix_ms(i64::MAX),
            after: None,
            limit: 10,
        };
        let page = history.list(&query).unwrap();
        assert_eq!((page.contacts, page.next), (vec![contact(2), contact(1)], None));
        assert_eq!(history.waiting(), 2);
    }

    #[test]
    fn pages_follow_one_another_and_an_erased_contact_is_on_none() {
        let dir = tempfile::tempdir().unwrap();
        let (history, _, _writers) = open(dir.path());
        (0..7).for_each(|n| history.close(&ended(n)).unwrap());
        assert!(
            history
                .erase_with(ended(3).id, |_, found| {
                    assert_eq!(found, Some(&ended(3)));
                    Ok(())
                })
                .unwrap()
        );
        assert_eq!(history.erase(ended(3).id, CapturedAudio::Keep).unwrap(), None);
        let mut query = HistoryQuery {
            account: Some(contact(1).instance.account),
            instance: None,
            axis: TimeAxis::Disconnect,
            from: WallTime::from_unix_ms(0),
            to: WallTime::from_unix_ms(i64::MAX),
            after: None,
            limit: 2,
        };
        let mut seen = BTreeSet::new();
        loop {
            let page = history.list(&query).unwrap();
            assert!(page.contacts.len() <= 2);
            seen.extend(page.contacts.iter().map(|contact| contact.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [0, 1, 2, 4, 5, 6].map(|n| ended(n).id).into());
        query.account = Some(AccountId::parse("999999999999").unwrap());
        assert!(history.list(&query).unwrap().contacts.is_empty());
    }
}
