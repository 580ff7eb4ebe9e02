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
use crate::lines::{LineHealth, Lines};
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
use tympan_types::{ContactId, InstanceId, WallTime};

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

    /// How the file of records takes them.
    pub(crate) fn record_lines(&self) -> LineHealth {
        self.records.health()
    }

    /// How many records the file has not taken, and when the contact of the oldest one ended.
    pub(crate) fn records_waiting(&self) -> Result<(u64, Option<WallTime>), DbError> {
        self.shared.db.read(|reader| {
            let oldest = reader.undelivered_contacts::<ContactRow>(1)?.pop();
            let ended = oldest.and_then(|(ContactRow(contact), _)| contact.disconnect_timestamp);
            Ok((reader.undelivered_count()?, ended))
        })
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

    /// Whether a sink takes events of agents of this instance.
    pub(crate) fn takes_agent_events(&self, instance: InstanceId) -> bool {
        self.shared.ways.get().is_some_and(|ways| !ways.of_agents(instance).is_empty())
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

    /// What gets each state of a contact.
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

    fn end_after_contact_work(
        &self,
        id: ContactId,
        began: WallTime,
        ended: WallTime,
    ) -> Result<(), HistoryError> {
        let changed =
            self.change_row(id, move |contact| match contact.end_after_contact_work(began, ended) {
                true => Ok(()),
                false => Err(()),
            });
        match changed {
            Err(Unchanged::Db(error)) => Err(said(error)),
            // It has no agent, or it is over already.
            Ok(()) | Err(Unchanged::NoSuchContact | Unchanged::Refused(())) => Ok(()),
        }
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
#[path = "history_tests.rs"]
pub(super) mod tests;
