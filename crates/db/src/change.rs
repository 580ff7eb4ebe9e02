//! What changed, in the order of commits. A change is written in the transaction of its row.

use crate::DbError;
use crate::db::Shared;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;

/// A place in the order of all changes. Never used twice, also not after an older copy of the file was put in place: the
/// upper bits count starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(i64);

/// Changes of one start: 2^40.
const START_BITS: u32 = 40;

impl Revision {
    /// Before the first change.
    pub const BEGINNING: Self = Self(0);

    /// The revision with this number, as a client gave it back. One that never was leads to [`WatchError::Gone`].
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Where the changes of a start begin.
    pub(crate) fn of_start(epoch: u64) -> Self {
        // A server that starts once a second reaches the end after 90 days; then revisions stay at the end of the range and
        // every write is refused.
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX).min(i64::MAX >> START_BITS);
        Self(epoch << START_BITS)
    }

    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// One change of one row. What it changed to is read from the row: a later change may be in it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub revision: Revision,
    /// The kind of the row; `contact` for contacts.
    pub kind: String,
    /// The number of the row: the same through all changes, and never that of another row of its kind.
    pub row: i64,
    /// The row's key. Absent when the row was erased: nothing that names it is kept.
    pub key: Option<String>,
    /// What happened.
    pub operation: Operation,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It was written.
    Put,
    /// It was removed.
    Removed,
    /// It was erased with everything that names it; its earlier changes are no longer told.
    Erased,
}

impl Operation {
    fn number(self) -> i64 {
        match self {
            Self::Put => 1,
            Self::Removed => 2,
            Self::Erased => 3,
        }
    }

    fn of(number: i64) -> Self {
        match number {
            1 => Self::Put,
            2 => Self::Removed,
            // A damaged number: the reader looks at the row, as it does for every change.
            _ => Self::Erased,
        }
    }
}

/// Why a reader cannot go on where it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The changes after its revision are no longer kept, or the revision never was: it reads all rows and goes on at
    /// `current`, which it asked for before it read them.
    #[error("changes are kept from revision {oldest:?}; read everything again")]
    Gone {
        /// The earliest revision that can be resumed from.
        oldest: Revision,
        /// The newest change.
        current: Revision,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A reader of changes: replays what came after its revision, then waits.
pub struct Watch {
    shared: Arc<Shared>,
    since: Revision,
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>, since: Revision) -> Self {
        Self { shared, since }
    }

    /// The last change that was given: where to resume.
    pub fn revision(&self) -> Revision {
        self.since
    }

    /// Goes back to a revision that was given before: what came after it is given again.
    pub fn resume_after(&mut self, revision: Revision) {
        self.since = revision;
    }

    /// The changes that are there, at most `limit`, in order. None means that the reader is up to date.
    ///
    /// # Errors
    /// [`WatchError::Gone`] where it is too far behind.
    pub fn poll(&mut self, limit: usize) -> Result<Vec<Change>, WatchError> {
        if self.since == self.shared.revision() {
            return Ok(Vec::new());
        }
        let since = self.since;
        let found = changes_after(&self.shared, since, limit)?;
        if let Some(last) = found.last() {
            self.since = last.revision;
        }
        Ok(found)
    }

    /// Like `poll`, but waits until there is a change or the time is over. Blocks the thread.
    ///
    /// # Errors
    /// Those of `poll`.
    pub fn wait(&mut self, limit: usize, time: Duration) -> Result<Vec<Change>, WatchError> {
        let changes = self.poll(limit)?;
        if !changes.is_empty() {
            return Ok(changes);
        }
        self.shared.await_revision_after(self.since, time);
        self.poll(limit)
    }
}

/// Changes after a revision.
pub(crate) fn changes_after(
    shared: &Shared,
    since: Revision,
    limit: usize,
) -> Result<Vec<Change>, WatchError> {
    // A start without a change yet has a revision that no change has: a reader may have been given it.
    let known = shared.revision();
    shared.read(|reader| after(reader.connection(), known, since, limit))?
}

/// The connection reads as of one moment, not before `known` was the newest revision.
fn after(
    connection: &Connection,
    known: Revision,
    since: Revision,
    limit: usize,
) -> Result<Vec<Change>, WatchError> {
    let oldest = compacted_through(connection)?;
    let current = last(connection)?.max(oldest).max(known);
    if since < oldest || since > current {
        return Err(WatchError::Gone { oldest, current });
    }
    let sql = "SELECT revision, kind, row, key, operation FROM change WHERE revision > ?1 ORDER BY revision LIMIT ?2";
    let mut query = connection.prepare_cached(sql).map_err(DbError::from)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query_map([since.number(), limit], |row| {
        Ok(Change {
            revision: Revision(row.get(0)?),
            kind: row.get(1)?,
            row: row.get(2)?,
            key: row.get(3)?,
            operation: Operation::of(row.get(4)?),
        })
    });
    let changes = rows.and_then(Iterator::collect).map_err(DbError::from)?;
    Ok(changes)
}

const COMPACTED: &str = "changes-compacted-through";

/// Changes up to this one are no longer kept.
pub(crate) fn compacted_through(connection: &Connection) -> Result<Revision, DbError> {
    Ok(Revision(crate::core::meta_integer(connection, COMPACTED)?.unwrap_or(0)))
}

/// Keeps no change up to this one.
pub(crate) fn compact(connection: &Connection, through: Revision) -> Result<usize, DbError> {
    let removed =
        connection.prepare_cached("DELETE FROM change WHERE revision <= ?1")?.execute([through.0])?;
    crate::core::set_meta_integer(connection, COMPACTED, through.0)?;
    Ok(removed)
}

/// The revision of the newest change that is kept.
pub(crate) fn last(connection: &Connection) -> Result<Revision, DbError> {
    let last: Option<i64> =
        connection.prepare_cached("SELECT max(revision) FROM change")?.query_row([], |row| row.get(0))?;
    Ok(Revision(last.unwrap_or(0)))
}

/// Writes a change.
pub(crate) fn insert(connection: &Connection, change: &Change) -> Result<(), DbError> {
    let sql = "INSERT INTO change (revision, kind, row, key, operation) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(rusqlite::params![
        change.revision.0,
        change.kind,
        change.row,
        change.key,
        change.operation.number()
    ])?;
    Ok(())
}
