use crate::DbError;
use crate::change::Operation;
use crate::core::{Counted, Limits};
use crate::reader::{self, Reader};
use crate::row::{Kind, RawRow, Row};
use crate::unreadable::{Noted, Reason};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// The number of a row that is there, and what it holds if its checksum fits.
type OldRow = (i64, Result<RawRow, Reason>);

/// One writer's part of a transaction.
pub struct Tx<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) counted: &'a mut Counted,
    pub(crate) limits: Limits,
    pub(crate) noted: &'a Noted,
}

impl Tx<'_> {
    /// Reads what the transaction has come to, this writer's own changes included.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self.connection, self.noted)
    }

    /// Writes a row over an older one of the same key, and its change. A row there that cannot be read is moved aside first:
    /// its bytes stay.
    ///
    /// # Errors
    /// What the database says.
    pub fn put<R: Row>(&mut self, row: &R) -> Result<(), DbError> {
        let raw = RawRow::of(row)?;
        let judge = |format: u16, bytes: &[u8]| match format > R::FORMAT {
            true => Err(Reason::Format(format)),
            false => R::decode(format, bytes).map(drop).map_err(|error| Reason::Payload(error.0)),
        };
        self.put_raw(R::KIND, &raw, judge)
    }

    /// Removes a row; whether it was there. One that cannot be read is moved aside.
    ///
    /// # Errors
    /// What the database says.
    pub fn remove<R: Row>(&mut self, key: &str) -> Result<bool, DbError> {
        let kind = R::KIND;
        let Some((row, old)) = self.old(kind, key)? else { return Ok(false) };
        if let Err(reason) = old.and_then(|old| reader::judged::<R>(&old).map(drop)) {
            self.set_aside(kind, row, key, &reason)?;
        }
        let sql = format!("DELETE FROM {} WHERE row = ?1", kind.table());
        self.connection.prepare_cached(&sql)?.execute([row])?;
        self.counted.change(self.connection, kind.name, Some(row), Some(key), Operation::Removed)?;
        Ok(true)
    }

    pub(crate) fn put_raw(
        &mut self,
        kind: &Kind,
        raw: &RawRow,
        judge: impl Fn(u16, &[u8]) -> Result<(), Reason>,
    ) -> Result<(), DbError> {
        if raw.columns.len() != kind.columns.len() {
            return Err(DbError::Other(format!("a {} has {} columns", kind.name, kind.columns.len())));
        }
        let old = self.old(kind, &raw.key)?;
        let number = match old {
            None => None,
            Some((row, old)) => {
                if let Err(reason) = old.and_then(|old| judge(old.format, &old.payload)) {
                    self.set_aside(kind, row, &raw.key, &reason)?;
                }
                Some(row)
            }
        };
        let row = self.counted.change(self.connection, kind.name, number, Some(&raw.key), Operation::Put)?;
        let names: String = kind.columns.iter().map(|column| format!("{}, ", column.name)).collect();
        let places: String = (0..kind.columns.len()).map(|at| format!("?{}, ", at + 6)).collect();
        let sql = format!(
            "INSERT OR REPLACE INTO {} (row, key, format, payload, checksum{}{}) VALUES (?1, ?2, ?3, ?4, ?5{}{})",
            kind.table(),
            if names.is_empty() { "" } else { ", " },
            names.trim_end_matches(", "),
            if places.is_empty() { "" } else { ", " },
            places.trim_end_matches(", "),
        );
        let checksum = raw.checksum(kind.name);
        let fixed: [&dyn rusqlite::ToSql; 5] = [&row, &raw.key, &raw.format, &raw.payload, &checksum];
        let columns = raw.columns.iter().map(|value| value as &dyn rusqlite::ToSql);
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(fixed.into_iter().chain(columns)))?;
        Ok(())
    }

    /// The row that has a key: its number, and what it holds if its checksum fits.
    fn old(&self, kind: &Kind, key: &str) -> Result<Option<OldRow>, DbError> {
        let sql = format!("{} WHERE key = ?1", reader::select(kind));
        let mut query = self.connection.prepare_cached(&sql)?;
        Ok(query.query_row([key], |row| Ok((row.get(0)?, reader::raw(kind, row)?))).optional()?)
    }

    /// Keeps the bytes of a row that cannot be read, before another one takes its place.
    fn set_aside(&mut self, kind: &Kind, row: i64, key: &str, reason: &Reason) -> Result<(), DbError> {
        let sql = format!(
            "INSERT INTO unreadable (kind, key, origin, format, payload, reason)
             SELECT ?1, ?2, 'control.db', format, payload, ?3 FROM {} WHERE row = ?4",
            kind.table()
        );
        let reason_text = reason.to_string();
        self.connection.prepare_cached(&sql)?.execute(rusqlite::params![kind.name, key, reason_text, row])?;
        tracing::warn!(kind = kind.name, key, %reason, "a row that cannot be read was moved aside for a new one");
        Ok(())
    }
}
