//! The index of contacts that lack audio.
//!
//! Rows of builds before it are put into it once, newest first, a few at a time. Until that is done searches read the payloads.

use super::{COLUMNS, Columns};
use crate::core::{meta_integer, set_meta_integer};
use crate::row::ContactKind;
use crate::{Db, DbError, Reader, Tx};
use rusqlite::Connection;

/// The row down to which every contact is indexed; [`ALL`] in the end.
const INDEXED: &str = "losses-indexed";
const ALL: i64 = i64::MIN;

impl Db {
    /// Looks at the next contacts, at most `limit`, that the index of losses does not know, in one commit: other writers get
    /// between two calls. Whether the index has all contacts now.
    ///
    /// # Errors
    /// What the database says.
    pub fn index_losses(&self, limit: usize) -> Result<bool, DbError> {
        let Some(kind) = self.shared.kinds.contact else { return Ok(false) };
        if self.read(|reader| reader.are_losses_indexed())? {
            return Ok(true);
        }
        self.write(move |tx| tx.index_losses(kind, limit))
    }
}

impl Tx<'_> {
    fn index_losses(&mut self, kind: ContactKind, limit: usize) -> Result<bool, DbError> {
        let before = meta_integer(self.connection, INDEXED)?.unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS}, p.format, p.payload, p.checksum FROM contact c
             LEFT JOIN contact_payload p ON p.row = c.row WHERE c.row < ?1 ORDER BY c.row DESC LIMIT ?2"
        );
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let (mut looked_at, mut last, mut lossy) = (0, before, Vec::new());
        {
            let mut query = self.connection.prepare_cached(&sql)?;
            let mut rows = query.query([before, most])?;
            while let Some(row) = rows.next()? {
                (looked_at, last) = (looked_at + 1, row.get(0)?);
                let stored = (row.get::<_, u16>(13), row.get_ref(14)?.as_blob(), row.get::<_, i64>(15));
                // One that cannot be read is in no list.
                let (Ok(columns), (Ok(format), Ok(payload), Ok(sum))) = (Columns::read(row), stored) else {
                    continue;
                };
                let is_readable = columns.checksum(format, payload) == sum && format <= kind.format;
                if is_readable && (kind.has_losses)(format, payload).unwrap_or(false) {
                    lossy.push(last);
                }
            }
        }
        for row in lossy {
            put(self.connection, row, false, true)?;
        }
        let is_done = looked_at < limit;
        set_meta_integer(self.connection, INDEXED, if is_done { ALL } else { last })?;
        Ok(is_done)
    }
}

impl Reader<'_> {
    /// Whether the index has all contacts.
    pub(super) fn are_losses_indexed(&self) -> Result<bool, DbError> {
        Ok(meta_integer(self.connection(), INDEXED)? == Some(ALL))
    }

    /// Whether the index has a contact.
    pub(super) fn has_losses(&self, row: i64) -> Result<bool, DbError> {
        Ok(self.connection().prepare_cached("SELECT 1 FROM contact_loss WHERE row = ?1")?.exists([row])?)
    }
}

/// Writes whether a contact has losses.
pub(super) fn put(
    connection: &Connection,
    row: i64,
    is_known: bool,
    has_losses: bool,
) -> Result<(), DbError> {
    if has_losses {
        connection.prepare_cached("INSERT OR IGNORE INTO contact_loss (row) VALUES (?1)")?.execute([row])?;
    } else if is_known {
        connection.prepare_cached("DELETE FROM contact_loss WHERE row = ?1")?.execute([row])?;
    }
    Ok(())
}
