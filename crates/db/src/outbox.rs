//! What has to be done outside of the database because of a change in it.
//!
//! An entry is written in the transaction of its cause. Then its step is done; then the entry is marked as done, which
//! removes it. A kill between any two repeats the step at the next start, so every step can be done twice.

use crate::row::Checksum;
use crate::unreadable::Reason;
use crate::{Db, DbError, Reader, Tx};
use rusqlite::params;
use tympan_types::WallTime;

/// The number of an entry; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(i64);

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What sort of step, such as `delete-fragments`.
    pub kind: String,
    /// The format of the payload.
    pub format: u16,
    /// What the step needs to know.
    pub payload: Vec<u8>,
    /// Not before this.
    pub next_due: WallTime,
}

/// Something that waits to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: entries are given in the order in which they fall due, then by this.
    pub id: EntryId,
    /// What sort of step.
    pub kind: String,
    /// The format of the payload.
    pub format: u16,
    /// What the step needs to know.
    pub payload: Vec<u8>,
    /// How often it was tried and put off.
    pub attempts: u32,
    /// Not before this.
    pub next_due: WallTime,
}

impl Tx<'_> {
    /// Adds an entry to the transaction of its cause.
    ///
    /// # Errors
    /// [`DbError::TooMany`] where as many wait as may: then the cause has to be refused as well.
    pub fn enqueue(&mut self, entry: &NewEntry) -> Result<EntryId, DbError> {
        if self.counted.outbox >= self.limits.outbox {
            return Err(DbError::TooMany { what: "outbox entries", limit: self.limits.outbox });
        }
        let NewEntry { kind, format, payload, next_due } = entry;
        let last = crate::core::meta_integer(self.connection, LAST)?.unwrap_or(0);
        let id =
            last.checked_add(1).ok_or_else(|| DbError::Other("outbox numbers are used up".to_owned()))?;
        crate::core::set_meta_integer(self.connection, LAST, id)?;
        let sql = "INSERT INTO outbox (entry, kind, format, payload, attempts, next_due_ms, checksum)
                   VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)";
        let sum = checksum(id, kind, *format, payload);
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            kind,
            format,
            payload,
            next_due.unix_ms(),
            sum
        ])?;
        self.counted.outbox = self.counted.outbox.saturating_add(1);
        Ok(EntryId(id))
    }

    /// The step is done: the entry goes. Whether it was still there.
    ///
    /// # Errors
    /// What the database says.
    pub fn mark_done(&mut self, id: EntryId) -> Result<bool, DbError> {
        let removed =
            self.connection.prepare_cached("DELETE FROM outbox WHERE entry = ?1")?.execute([id.0])?;
        self.counted.outbox = self.counted.outbox.saturating_sub(u64::try_from(removed).unwrap_or(u64::MAX));
        Ok(removed > 0)
    }

    /// The step failed: it is tried again at this time.
    ///
    /// # Errors
    /// What the database says.
    pub fn put_off(&mut self, id: EntryId, next_due: WallTime) -> Result<(), DbError> {
        let sql = "UPDATE outbox SET attempts = attempts + 1, next_due_ms = ?2 WHERE entry = ?1";
        self.connection.prepare_cached(sql)?.execute([id.0, next_due.unix_ms()])?;
        Ok(())
    }
}

impl Reader<'_> {
    /// Entries that are due, at most `limit`. Those that cannot be read are noted and stay.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_due(&self, now: WallTime, limit: usize) -> Result<Vec<Entry>, DbError> {
        let sql = "SELECT entry, kind, format, payload, attempts, next_due_ms, checksum FROM outbox
                   WHERE next_due_ms <= ?1 ORDER BY next_due_ms, entry";
        self.entries(sql, params![now.unix_ms()], limit)
    }

    /// The same of one kind: others are not looked at.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_due_of(&self, kind: &str, now: WallTime, limit: usize) -> Result<Vec<Entry>, DbError> {
        let sql = "SELECT entry, kind, format, payload, attempts, next_due_ms, checksum FROM outbox
                   WHERE kind = ?2 AND next_due_ms <= ?1 ORDER BY next_due_ms, entry";
        self.entries(sql, params![now.unix_ms(), kind], limit)
    }

    fn entries(
        &self,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
        limit: usize,
    ) -> Result<Vec<Entry>, DbError> {
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query(values)?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            if due.len() >= limit {
                break;
            }
            let id: i64 = row.get(0)?;
            match entry(row) {
                Ok(entry) => due.push(entry),
                Err(_) => self.noted.note("outbox", &id.to_string(), Reason::Checksum),
            }
        }
        Ok(due)
    }

    /// When the next entry falls due.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_next_due(&self) -> Result<Option<WallTime>, DbError> {
        let next: Option<i64> =
            self.connection().query_row("SELECT min(next_due_ms) FROM outbox", [], |row| row.get(0))?;
        Ok(next.map(WallTime::from_unix_ms))
    }

    /// When the next entry of a kind falls due.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_next_due_of(&self, kind: &str) -> Result<Option<WallTime>, DbError> {
        let sql = "SELECT min(next_due_ms) FROM outbox WHERE kind = ?1";
        let next: Option<i64> = self.connection().query_row(sql, [kind], |row| row.get(0))?;
        Ok(next.map(WallTime::from_unix_ms))
    }

    /// How many entries of a kind wait, and the one that has waited for longest, if it can be read.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_waiting_of(&self, kind: &str) -> Result<(u64, Option<Entry>), DbError> {
        let count = "SELECT count(*) FROM outbox WHERE kind = ?1";
        let count: i64 = self.connection().query_row(count, [kind], |row| row.get(0))?;
        let oldest = "SELECT entry, kind, format, payload, attempts, next_due_ms, checksum FROM outbox
                      WHERE entry = (SELECT min(entry) FROM outbox WHERE kind = ?1)";
        Ok((count.unsigned_abs(), self.entries(oldest, params![kind], 1)?.pop()))
    }

    /// How many entries wait.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_len(&self) -> Result<u64, DbError> {
        let count: i64 = self.connection().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

impl Db {
    /// Does what is due: each step once, and marks it, or puts it off to the time that `step` gives back. Returns how many were
    /// done. Run at a start and whenever something falls due, by one thread.
    ///
    /// # Errors
    /// What the database says; steps that were done and not marked are done again.
    pub fn perform_due(
        &self,
        now: WallTime,
        limit: usize,
        step: impl FnMut(&Entry) -> Result<(), WallTime>,
    ) -> Result<usize, DbError> {
        let due = self.read(|reader| reader.outbox_due(now, limit))?;
        self.perform(due, step)
    }

    /// The same of one kind.
    ///
    /// # Errors
    /// What the database says; steps that were done and not marked are done again.
    pub fn perform_due_of(
        &self,
        kind: &str,
        now: WallTime,
        limit: usize,
        step: impl FnMut(&Entry) -> Result<(), WallTime>,
    ) -> Result<usize, DbError> {
        let due = self.read(|reader| reader.outbox_due_of(kind, now, limit))?;
        self.perform(due, step)
    }

    fn perform(
        &self,
        due: Vec<Entry>,
        mut step: impl FnMut(&Entry) -> Result<(), WallTime>,
    ) -> Result<usize, DbError> {
        let mut done = 0;
        for entry in due {
            let outcome = step(&entry);
            done += usize::from(outcome.is_ok());
            self.write(move |tx| match outcome {
                Ok(()) => tx.mark_done(entry.id).map(drop),
                Err(next_due) => tx.put_off(entry.id, next_due),
            })?;
        }
        Ok(done)
    }
}

/// Entries about a contact: kind begins with this, and the payload is the contact's id. They go with the contact.
pub const OF_CONTACTS: &str = "record-";

const LAST: &str = "outbox-last";

fn entry(row: &rusqlite::Row<'_>) -> Result<Entry, rusqlite::Error> {
    let (id, kind, format, payload): (i64, String, u16, Vec<u8>) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    if checksum(id, &kind, format, &payload) != row.get::<_, i64>(6)? {
        return Err(rusqlite::Error::InvalidQuery);
    }
    Ok(Entry {
        id: EntryId(id),
        kind,
        format,
        payload,
        attempts: row.get(4)?,
        next_due: WallTime::from_unix_ms(row.get(5)?),
    })
}

fn checksum(id: i64, kind: &str, format: u16, payload: &[u8]) -> i64 {
    let mut sum = Checksum::default();
    sum.bytes(&id.to_le_bytes());
    sum.bytes(kind.as_bytes());
    sum.bytes(&format.to_le_bytes());
    sum.bytes(payload);
    sum.value_of()
}
