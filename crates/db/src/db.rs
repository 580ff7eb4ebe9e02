//! The handle: opening, group commit, read connections.

use crate::change::{self, Watch, WatchError};
use crate::core::{Core, Job};
use crate::log::Log;
use crate::marker::{self, Marker};
use crate::opening::{
    OpenOptions, OpenReport, StartId, Trouble, begin, configure, is_damage, prepare, reading, set_log_aside,
};
use crate::row::Kinds;
use crate::unreadable::Noted;
use crate::{DbError, OpenError, Reader, Revision, Tx, UnreadableRows, schema};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The name of the database in its folder.
pub(crate) const FILE: &str = "control.db";
/// Writers of one commit.
const BATCH: usize = 1_024;
/// Submitted work that waits.
const SUBMITTED: usize = 8_192;
/// For readers, while writers wait.
const PATIENCE: Duration = Duration::from_millis(250);

/// The control database. Clones share it.
#[derive(Clone)]
pub struct Db {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    queue: Mutex<Queue>,
    submitted: Condvar,
    core: Mutex<Core>,
    readers: Readers,
    revision: Mutex<Revision>,
    moved: Condvar,
    listeners: Mutex<Vec<Listener>>,
    pub(crate) kinds: Arc<Kinds>,
    noted: Arc<Noted>,
    home: Option<Home>,
}

type Listener = Box<dyn Fn(Revision) + Send + Sync>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

/// Where the database lives.
struct Home {
    folder: PathBuf,
    epoch: u64,
    start: StartId,
}

enum Readers {
    /// Of a file.
    Pool { path: PathBuf, limit: usize, pool: Mutex<Pool>, freed: Condvar },
    /// In memory: the writer's connection.
    Writer,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    out: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A half-made change of the database is undone with its transaction, and queues change by whole entries.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// Opens or makes `control.db` in a folder, and notes the start. The folder must be held by one process: the store's lock
    /// does so.
    ///
    /// # Errors
    /// The file is left as it is. [`Db::stand_in`] lets a server go on.
    pub fn open(folder: &Path, kinds: Kinds, options: OpenOptions) -> Result<(Self, OpenReport), OpenError> {
        let path = folder.join(FILE);
        let io = |why: &dyn std::fmt::Display| OpenError::Io { path: path.clone(), why: why.to_string() };
        let marker = marker::read(folder).map_err(|error| io(&error))?;
        let mut report = OpenReport::default();
        if path.metadata().map_or(true, |metadata| metadata.len() == 0) {
            report.created = true;
            report.missing = marker.is_some();
            // SQLite would remove it, and with it what the file had not taken over yet.
            report.log_set_aside = set_log_aside(folder).map_err(|error| io(&error))?;
        }
        let opened = prepare(&path, &kinds);
        let connection = match opened {
            Ok(connection) => connection,
            Err(Trouble::Open(error)) => return Err(error),
            Err(Trouble::Sqlite(error)) if is_damage(&error) => {
                return Err(OpenError::Unreadable { path, why: error.to_string() });
            }
            Err(Trouble::Sqlite(error)) => return Err(io(&error)),
        };
        let begun = begin(&connection, marker, options.start, &mut report);
        let (kinds, noted) = (Arc::new(kinds), Arc::<Noted>::default());
        let is_behind = report.older_copy.is_some() || report.missing;
        let core = begun.and_then(|begun| {
            let mut core = Core::new(connection, begun.epoch, options.limits(), noted.clone())?;
            core.unnoted = (!begun.is_noted).then_some((begun.epoch, options.start, is_behind));
            Ok(core)
        });
        let mut core = core.map_err(|error| match error {
            DbError::Damaged(why) => OpenError::Unreadable { path: path.clone(), why },
            error => io(&error),
        })?;
        core.log = Some(Log::open(&path).map_err(|error| io(&error))?);
        // An erasure that a kill cut off is in the log still.
        if let Err(error) = core.empty_log(Duration::ZERO) {
            tracing::warn!(%error, "the log of control.db could not be moved into it; it is tried again");
        }
        let revision = core.counted.revision;
        let home = Home { folder: folder.to_owned(), epoch: report.epoch, start: options.start };
        // After the commit: a file that is ahead of the marker is a start that was cut off here, and no older copy.
        let marked = Marker { epoch: home.epoch, revision, start: home.start };
        if let Err(error) = marker::write(folder, marked) {
            tracing::warn!(%error, "the start could not be noted in CONTROL: an older copy may go unnoticed");
        }
        let pool = Readers::Pool {
            path,
            limit: options.readers.max(1),
            pool: Mutex::default(),
            freed: Condvar::new(),
        };
        Ok((Self::of(core, pool, kinds, noted, Some(home)), report))
    }

    /// A database that is gone with the process: for simulations and for servers that keep nothing.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn in_memory(kinds: Kinds, options: OpenOptions) -> Result<Self, DbError> {
        let connection = Connection::open_in_memory()?;
        configure(&connection)?;
        schema::create(&connection, &kinds)?;
        let (kinds, noted) = (Arc::new(kinds), Arc::<Noted>::default());
        let core = Core::new(connection, 1, options.limits(), noted.clone())?;
        Ok(Self::of(core, Readers::Writer, kinds, noted, None))
    }

    /// Stands in for one that could not be opened: it is empty, and refuses every write with
    /// [`DbError::Unavailable`] and this reason.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stand_in(kinds: Kinds, options: OpenOptions, why: &OpenError) -> Result<Self, DbError> {
        let db = Self::in_memory(kinds, options)?;
        lock(&db.shared.core).refuses = Some(why.to_string());
        Ok(db)
    }

    fn of(core: Core, readers: Readers, kinds: Arc<Kinds>, noted: Arc<Noted>, home: Option<Home>) -> Self {
        let revision = Mutex::new(core.counted.revision);
        let shared = Shared {
            queue: Mutex::default(),
            submitted: Condvar::new(),
            core: Mutex::new(core),
            readers,
            revision,
            moved: Condvar::new(),
            listeners: Mutex::default(),
            kinds,
            noted,
            home,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Why every write is refused, where this stands in for a database that could not be opened.
    pub fn refuses(&self) -> Option<String> {
        lock(&self.shared.core).refuses.clone()
    }

    /// Does work in a transaction, with other writers who wait, and returns when the commit is durable. An error undoes this
    /// work only. Blocks; `work` must not use the database but through its argument.
    ///
    /// # Errors
    /// Those of the work, and what kept the commit from being durable.
    pub fn write<T, E>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        let (durable, done) = sync_channel(1);
        let work = move |tx: &mut Tx<'_>| {
            let result = work(tx);
            let kept = if result.is_ok() { Ok(()) } else { Err(()) };
            // The receiver lives until the commit is over.
            let _ = answer.try_send(result);
            kept
        };
        let done_by = move |result| drop(durable.try_send(result));
        lock(&self.shared.queue).jobs.push_back(Job { work: Box::new(work), done: Box::new(done_by) });
        let committed = loop {
            match done.try_recv() {
                Ok(result) => break result,
                Err(TryRecvError::Empty) => self.shared.commit_some(),
                Err(TryRecvError::Disconnected) => {
                    break Err(DbError::Other("the commit was given up".to_owned()));
                }
            }
        };
        committed?;
        let panicked = || DbError::Other("the work panicked and was undone".to_owned());
        answered.try_recv().map_err(|_| panicked())?
    }

    /// Like [`write`](Self::write), without waiting: `done` hears when the commit is durable, on the thread that serves. It
    /// needs a thread in [`serve_submitted`](Self::serve_submitted), or other writers.
    ///
    /// # Errors
    /// [`DbError::TooMany`] where 8,192 wait already.
    pub fn submit<E>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<(), E> + Send + 'static,
        done: impl FnOnce(Result<(), E>) + Send + 'static,
    ) -> Result<(), DbError>
    where
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = sync_channel::<E>(1);
        let work = move |tx: &mut Tx<'_>| work(tx).map_err(|error| drop(answer.try_send(error)));
        let done = move |committed: Result<(), DbError>| {
            done(match (committed, answered.try_recv()) {
                (Err(error), _) => Err(error.into()),
                (Ok(()), Ok(error)) => Err(error),
                (Ok(()), Err(_)) => Ok(()),
            });
        };
        let mut queue = lock(&self.shared.queue);
        if queue.is_closed || queue.jobs.len() >= SUBMITTED {
            return Err(DbError::TooMany { what: "writes of control.db", limit: 8_192 });
        }
        queue.jobs.push_back(Job { work: Box::new(work), done: Box::new(done) });
        drop(queue);
        self.shared.submitted.notify_one();
        Ok(())
    }

    /// Commits what is submitted until [`stop_serving`](Self::stop_serving): the loop of a thread. What is queued then is
    /// still committed.
    pub fn serve_submitted(&self) {
        loop {
            let queue = lock(&self.shared.queue);
            let queue = self
                .shared
                .submitted
                .wait_while(queue, |queue| queue.jobs.is_empty() && !queue.is_closed)
                .unwrap_or_else(PoisonError::into_inner);
            if queue.jobs.is_empty() {
                return;
            }
            drop(queue);
            self.shared.commit_some();
        }
    }

    /// Ends [`serve_submitted`](Self::serve_submitted); what is submitted later is refused.
    pub fn stop_serving(&self) {
        lock(&self.shared.queue).is_closed = true;
        self.shared.submitted.notify_all();
    }

    /// Reads as of one moment. Blocks while all read connections are in use: a read within a read may wait for itself.
    ///
    /// # Errors
    /// Those of the work, and what SQLite says.
    pub fn read<T, E: From<DbError>>(&self, work: impl FnOnce(&Reader<'_>) -> Result<T, E>) -> Result<T, E> {
        self.shared.read(work).map_err(E::from)?
    }

    /// The newest change that is durable.
    pub fn revision(&self) -> Revision {
        self.shared.revision()
    }

    /// Reads the changes after a revision, then waits for more.
    ///
    /// # Errors
    /// [`WatchError::Gone`] where those are no longer kept.
    pub fn watch(&self, since: Revision) -> Result<Watch, WatchError> {
        change::changes_after(&self.shared, since, 0)?;
        Ok(Watch::new(self.shared.clone(), since))
    }

    /// Calls `listener` after each commit that changed something, on the thread that committed: to wake tasks.
    pub fn on_change(&self, listener: impl Fn(Revision) + Send + Sync + 'static) {
        lock(&self.shared.listeners).push(Box::new(listener));
    }

    /// Rows that were met and could not be read, each once.
    pub fn unreadable(&self) -> UnreadableRows {
        self.shared.noted.all()
    }

    /// Notes in `CONTROL` how far the database has come, so that a copy from before is known as such. A server calls it now
    /// and then; the end does so too.
    ///
    /// # Errors
    /// What the disk says.
    pub fn note_progress(&self) -> Result<(), DbError> {
        self.shared.note_progress()
    }

    /// Moves the write-ahead log into the file and empties it; what SQLite left there of moved rows is overwritten. False where a
    /// reader held it back.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn empty_log(&self) -> Result<bool, DbError> {
        // Writers wait meanwhile.
        lock(&self.shared.core).empty_log(PATIENCE)
    }
}

impl Shared {
    pub(crate) fn revision(&self) -> Revision {
        *lock(&self.revision)
    }

    pub(crate) fn await_revision_after(&self, since: Revision, time: Duration) {
        let revision = lock(&self.revision);
        // A panic elsewhere harms no number.
        drop(self.moved.wait_timeout_while(revision, time, |revision| *revision <= since));
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&Reader<'_>) -> T) -> Result<T, DbError> {
        match &self.readers {
            Readers::Writer => {
                let core = lock(&self.core);
                Ok(work(&Reader::new(&core.connection, &self.noted)))
            }
            Readers::Pool { path, limit, pool, freed } => {
                let mut held = freed
                    .wait_while(lock(pool), |pool| pool.out >= *limit)
                    .unwrap_or_else(PoisonError::into_inner);
                held.out += 1;
                let idle = held.idle.pop();
                drop(held);
                let mut lease = Lease { pool, freed, connection: None };
                let connection = match idle {
                    Some(connection) => connection,
                    None => reading(path)?,
                };
                let connection = lease.connection.insert(connection);
                let transaction = connection.transaction()?;
                let result = work(&Reader::new(&transaction, &self.noted));
                transaction.finish()?;
                Ok(result)
            }
        }
    }

    /// Commits what waits, if no other thread has done so meanwhile.
    fn commit_some(&self) {
        let mut core = lock(&self.core);
        let jobs: Vec<Job> = {
            let mut queue = lock(&self.queue);
            let count = queue.jobs.len().min(BATCH);
            queue.jobs.drain(..count).collect()
        };
        if jobs.is_empty() {
            return;
        }
        let (dones, result) = core.commit(jobs);
        let now = core.counted.revision;
        let moved = {
            let mut revision = lock(&self.revision);
            std::mem::replace(&mut *revision, now) != now
        };
        // A listener may write in turn.
        drop(core);
        for done in dones {
            done(result.clone());
        }
        if moved {
            self.moved.notify_all();
            for listener in lock(&self.listeners).iter() {
                listener(now);
            }
        }
        lock(&self.core).shorten_log();
    }

    fn note_progress(&self) -> Result<(), DbError> {
        let Some(Home { folder, epoch, start }) = &self.home else { return Ok(()) };
        let marker = Marker { epoch: *epoch, revision: self.revision(), start: *start };
        marker::write(folder, marker).map_err(|error| DbError::Other(format!("CONTROL: {error}")))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.note_progress() {
            tracing::warn!(%error, "the end could not be noted");
        }
        let emptied = self.core.get_mut().unwrap_or_else(PoisonError::into_inner).empty_log(PATIENCE);
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log of control.db stays; the next start reads it");
        }
    }
}

/// Gives a read connection back, also when its reader panics.
struct Lease<'a> {
    pool: &'a Mutex<Pool>,
    freed: &'a Condvar,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = lock(self.pool);
        pool.out = pool.out.saturating_sub(1);
        pool.idle.extend(self.connection.take());
        drop(pool);
        self.freed.notify_one();
    }
}
