//! The writing side: one connection, and one commit for all that waits. No thread.

use crate::change::{self, Change, Operation};
use crate::log::Log;
use crate::tx::Tx;
use crate::unreadable::Noted;
use crate::{DbError, Revision, StartId, opening};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What a writer does in the transaction; an error undoes it, and nothing else.
pub(crate) type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(), ()> + Send>;
/// Hears whether the commit that held the work is durable.
pub(crate) type Done = Box<dyn FnOnce(Result<(), DbError>) + Send>;

/// One writer that waits.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) done: Done,
}

/// What bounds tables that grow by use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) changes: u64,
    pub(crate) outbox: u64,
    pub(crate) flow_log: u64,
}

/// What a transaction counts on; put back when it is undone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) revision: Revision,
    pub(crate) changes: u64,
    pub(crate) outbox: u64,
    pub(crate) flow_log: u64,
}

pub(crate) struct Core {
    pub(crate) connection: Connection,
    pub(crate) counted: Counted,
    pub(crate) limits: Limits,
    pub(crate) noted: Arc<Noted>,
    /// The files; none in memory.
    pub(crate) log: Option<Log>,
    /// Why nothing is written: this is a stand-in.
    pub(crate) refuses: Option<String>,
    /// The start, where it could not be committed yet, and whether readers of changes have to begin anew.
    pub(crate) unnoted: Option<(u64, StartId, bool)>,
}

impl Core {
    pub(crate) fn new(
        connection: Connection,
        epoch: u64,
        limits: Limits,
        noted: Arc<Noted>,
    ) -> Result<Self, DbError> {
        let count = |table: &str| -> Result<u64, DbError> {
            let count: i64 =
                connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        let known = change::last(&connection)?.max(change::compacted_through(&connection)?);
        let counted = Counted {
            revision: known.max(Revision::of_start(epoch)),
            changes: count("change")?,
            outbox: count("outbox")?,
            flow_log: count("flow_log")?,
        };
        Ok(Self { connection, counted, limits, noted, log: None, refuses: None, unnoted: None })
    }

    /// Does the work of all jobs in one transaction. Who is to be told what became of it.
    pub(crate) fn commit(&mut self, jobs: Vec<Job>) -> (Vec<Done>, Result<(), DbError>) {
        let mut dones = Vec::with_capacity(jobs.len());
        let result = match &self.refuses {
            Some(why) => {
                dones.extend(jobs.into_iter().map(|job| job.done));
                Err(DbError::Unavailable(why.clone()))
            }
            None => self.commit_all(jobs, &mut dones),
        };
        (dones, result)
    }

    fn commit_all(&mut self, jobs: Vec<Job>, dones: &mut Vec<Done>) -> Result<(), DbError> {
        let before = self.counted;
        let mut works = Vec::with_capacity(jobs.len());
        for Job { work, done } in jobs {
            works.push(work);
            dones.push(done);
        }
        let result = self.transact(works);
        if result.is_err() {
            self.counted = before;
        }
        result
    }

    fn transact(&mut self, works: Vec<Work>) -> Result<(), DbError> {
        let Self { connection, counted, limits, noted, unnoted, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some((epoch, start, is_behind)) = *unnoted {
            opening::note_start(&transaction, epoch, start, is_behind)?;
        }
        for work in works {
            let before = *counted;
            transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
            let mut tx = Tx { connection: &transaction, counted, limits: *limits, noted };
            // One writer's fault must not be another's: its thread may be that of any writer.
            let kept = catch_unwind(AssertUnwindSafe(|| work(&mut tx))).unwrap_or(Err(()));
            if transaction.is_autocommit() {
                // SQLite has undone everything: the disk is full, or failed.
                return Err(DbError::Full);
            }
            if kept.is_err() {
                *counted = before;
                transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
            }
            transaction.prepare_cached("RELEASE job")?.execute([])?;
        }
        if counted.changes > limits.changes.saturating_add(limits.changes / 8) {
            compact(&transaction, counted, limits.changes)?;
        }
        transaction.commit()?;
        *unnoted = None;
        Ok(())
    }
}

impl Core {
    /// Moves the log into the file if it is long, without waiting for a reader.
    pub(crate) fn shorten_log(&mut self) {
        if let Some(log) = &mut self.log {
            log.after_commit(&self.connection);
        }
    }

    /// Moves the log into the file and empties it, waiting for readers so long. False where one still holds it.
    pub(crate) fn empty_log(&self, patience: Duration) -> Result<bool, DbError> {
        self.log.as_ref().map_or(Ok(true), |log| log.empty(&self.connection, patience))
    }
}

/// Keeps the newest changes.
fn compact(connection: &Connection, counted: &mut Counted, keep: u64) -> Result<(), DbError> {
    let sql = "SELECT revision FROM change ORDER BY revision DESC LIMIT 1 OFFSET ?1";
    let keep = i64::try_from(keep.max(1)).unwrap_or(i64::MAX);
    let through: Option<i64> = connection.query_row(sql, [keep], |row| row.get(0)).optional()?;
    if let Some(through) = through {
        let removed = change::compact(connection, Revision::new(through))?;
        counted.changes = counted.changes.saturating_sub(u64::try_from(removed).unwrap_or(u64::MAX));
    }
    Ok(())
}

impl Counted {
    /// Writes a change under the next revision.
    pub(crate) fn change(
        &mut self,
        connection: &Connection,
        kind: &str,
        row: Option<i64>,
        key: Option<&str>,
        operation: Operation,
    ) -> Result<i64, DbError> {
        let revision =
            self.revision.next().ok_or_else(|| DbError::Other("revisions are used up".to_owned()))?;
        // The revision of its first change numbers a row.
        let row = row.unwrap_or(revision.number());
        let key = key.map(str::to_owned);
        change::insert(connection, &Change { revision, kind: kind.to_owned(), row, key, operation })?;
        self.revision = revision;
        self.changes = self.changes.saturating_add(1);
        Ok(row)
    }
}

pub(crate) fn meta_integer(connection: &Connection, name: &str) -> Result<Option<i64>, DbError> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn set_meta_integer(connection: &Connection, name: &str, value: i64) -> Result<(), DbError> {
    let sql =
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(rusqlite::params![name, value])?;
    Ok(())
}

pub(crate) fn meta_text(connection: &Connection, name: &str) -> Result<Option<String>, DbError> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn set_meta_text(connection: &Connection, name: &str, value: &str) -> Result<(), DbError> {
    let sql =
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute([name, value])?;
    Ok(())
}
