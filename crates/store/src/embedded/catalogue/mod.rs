//! The catalogue: streams, their wrapped keys and one row per chunk, in SQLite (WAL, synchronous=FULL).
//!
//! One connection writes, one reads, so that a listing does not wait for somebody else's fsync.

mod chunks;
mod streams;

use super::schema;
use crate::{ErrorKind, StoreError};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct Catalogue {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    epoch: u64,
}

impl Catalogue {
    /// Opens or creates the database and begins a new epoch.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path)?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let tables: i64 = one(&transaction, "SELECT count(*) FROM sqlite_schema")?;
        if tables == 0 {
            transaction.execute_batch(schema::TABLES).map_err(failed)?;
            transaction
                .execute("INSERT INTO store (format, epoch) VALUES (?1, 0)", [schema::FORMAT])
                .map_err(failed)?;
        }
        let format: i64 = one(&transaction, "SELECT format FROM store")?;
        if format != schema::FORMAT {
            let message = format!(
                "the catalogue has format {format} and this program knows format {}: use the program that wrote it",
                schema::FORMAT
            );
            return Err(StoreError::internal(message));
        }
        transaction.execute("UPDATE store SET epoch = epoch + 1", []).map_err(failed)?;
        let epoch: i64 = one(&transaction, "SELECT epoch FROM store")?;
        transaction.commit().map_err(failed)?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(connect(path)?),
            epoch: epoch.unsigned_abs(),
        })
    }

    /// Which opening of the store this is.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let reader = self.reader();
        let mut query = reader.prepare_cached(sql).map_err(failed)?;
        let rows = query.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// One transaction; durable when this returns.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = work(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(failed)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
        )
        .map_err(failed)?;
    Ok(connection)
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> Result<T, StoreError> {
    connection.query_row(sql, [], |row| row.get(0)).map_err(failed)
}

fn execute(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(failed)?;
    Ok(())
}

fn to_sql(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number)
        .map_err(|_| StoreError::internal(format!("{number} is beyond what the catalogue holds")))
}

/// A failure of SQLite; a full disk and a damaged file are told apart.
fn failed(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ErrorKind::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        _ => ErrorKind::Internal,
    };
    StoreError::new(kind, format!("the catalogue failed: {error}"))
}
