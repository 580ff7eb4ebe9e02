//! The end of a contact: everything that names it goes.

use super::KIND;
use super::write::{first_row_of, unindex_number};
use crate::change::Operation;
use crate::{Db, DbError, Tx};
use rusqlite::{OptionalExtension, params};
use tympan_types::{ContactId, InstanceId, WallTime};

/// Which contacts retention erases. Live ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Those whose expiry time has come.
    Due(WallTime),
    /// Those of an instance that began before this.
    Instance(InstanceId, WallTime),
}

/// What an erasure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Contacts that were there.
    pub contacts: usize,
    /// The write-ahead log is empty, so that no copy of them is left in it. If not, a reader held it:
    /// [`Db::empty_log`] again.
    pub log_is_empty: bool,
}

impl Tx<'_> {
    /// Erases a contact: its state, also where that cannot be read, its attributes, its index rows, its flow log lines, its
    /// earlier changes, and what was moved aside of it. Whether there was anything. Its bytes are zeros in the file when the
    /// log is emptied after the commit ([`Db::empty_log`]).
    ///
    /// # Errors
    /// What the database says.
    pub fn erase_contact(&mut self, id: ContactId) -> Result<bool, DbError> {
        let id = id.to_string();
        let sql = "SELECT row FROM contact WHERE id = ?1";
        let row: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row([&id], |row| row.get(0)).optional()?;
        if let Some(row) = row {
            self.erase_row(row)?;
        }
        let rest = self.erase_what_names(&id)?;
        Ok(row.is_some() || rest > 0)
    }

    fn erase_row(&mut self, row: i64) -> Result<(), DbError> {
        let connection = self.connection;
        let sql = "SELECT number FROM contact WHERE row = ?1";
        // A damaged number is unknown to its index as well.
        let number = connection.prepare_cached(sql)?.query_row([row], |row| Ok(row.get(0).unwrap_or(None)));
        let number: Option<String> = number.optional()?.flatten();
        unindex_number(connection, row, number.as_deref())?;
        for sql in [
            "DELETE FROM contact_attribute WHERE row = ?1",
            "DELETE FROM contact_agent WHERE row = ?1",
            "DELETE FROM contact_loss WHERE row = ?1",
            "DELETE FROM contact_payload WHERE row = ?1",
            "DELETE FROM contact WHERE row = ?1",
        ] {
            connection.prepare_cached(sql)?.execute([row])?;
        }
        let sql = "DELETE FROM change WHERE row = ?1 AND kind = ?2";
        let removed = connection.prepare_cached(sql)?.execute(params![row, KIND])?;
        self.counted.changes = less(self.counted.changes, removed);
        self.counted.change(connection, KIND, Some(row), None, Operation::Erased)?;
        Ok(())
    }

    /// Flow log lines, what was moved aside, and entries of the outbox that wait to tell of it.
    fn erase_what_names(&mut self, id: &str) -> Result<usize, DbError> {
        let lines =
            self.connection.prepare_cached("DELETE FROM flow_log WHERE contact = ?1")?.execute([id])?;
        self.counted.flow_log = less(self.counted.flow_log, lines);
        let sql = "DELETE FROM unreadable WHERE kind = ?1 AND key = ?2";
        let aside = self.connection.prepare_cached(sql)?.execute(params![KIND, id])?;
        self.noted.forget(KIND, id);
        // Of `outbox::OF_CONTACTS`; in the words of the index.
        let sql = "DELETE FROM outbox WHERE payload = ?1 AND kind >= 'record-' AND kind < 'record.'";
        let entries = self.connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
        let sql =
            "DELETE FROM outbox WHERE substr(payload, 1, 36) = ?1 AND kind >= 'event-' AND kind < 'event.'";
        let events = self.connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
        self.counted.outbox = less(self.counted.outbox, entries + events);
        Ok(lines + aside)
    }
}

impl Db {
    /// Erases contacts in one commit, and empties the write-ahead log.
    ///
    /// # Errors
    /// What the database says; then all of them are still there, or the log could not be looked at.
    pub fn erase_contacts(&self, ids: Vec<ContactId>) -> Result<Erased, DbError> {
        let contacts = self.write(move |tx| -> Result<usize, DbError> {
            let mut erased = 0;
            for id in ids {
                erased += usize::from(tx.erase_contact(id)?);
            }
            Ok(erased)
        })?;
        Ok(Erased { contacts, log_is_empty: self.empty_log()? })
    }

    /// Erases at most `limit` contacts whose time is over, in one commit: other writers get between two calls. How many there
    /// were; fewer than `limit` means that it is done for now, and the caller empties the log.
    ///
    /// # Errors
    /// What the database says.
    pub fn expire_contacts(&self, expiry: Expiry, limit: usize) -> Result<usize, DbError> {
        self.write(move |tx| {
            let expired = tx.expired(expiry, limit)?;
            for (row, id) in &expired {
                tx.erase_row(*row)?;
                tx.erase_what_names(id)?;
            }
            Ok(expired.len())
        })
    }
}

impl Tx<'_> {
    /// Rows, and the ids in them.
    fn expired(&self, expiry: Expiry, limit: usize) -> Result<Vec<(i64, String)>, DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let take = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<Vec<(i64, String)>, DbError> {
            let mut query = self.connection.prepare_cached(sql)?;
            // A damaged id names nothing else.
            let rows = query.query_map(values, |row| Ok((row.get(0)?, row.get(1).unwrap_or_default())))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        match expiry {
            Expiry::Due(now) => take(
                "SELECT row, id FROM contact WHERE expires <= ?1 AND is_live = 0 ORDER BY expires LIMIT ?2",
                &[&now.unix_ms(), &limit],
            ),
            Expiry::Instance(instance, before) => take(
                "SELECT row, id FROM contact WHERE instance = ?1 AND row < ?2 AND is_live = 0 ORDER BY row LIMIT ?3",
                &[&instance.to_string(), &first_row_of(before), &limit],
            ),
        }
    }
}

fn less(count: u64, removed: usize) -> u64 {
    count.saturating_sub(u64::try_from(removed).unwrap_or(u64::MAX))
}
