//! The catalogue: streams, their wrapped keys and one row per chunk, in SQLite (WAL, synchronous=FULL).
//!
//! One connection writes, one reads, so that a listing does not wait for the fsync of another.

mod chunks;
mod database;
mod deletions;
mod erasures;
mod integrity;
mod known;
mod paged;
mod rebuilt;
mod streams;
mod upkeep;

#[cfg(any(test, feature = "simulation"))]
pub(super) use database::CommitGate;
pub(super) use database::Database;
pub use deletions::Deletion;
pub use integrity::add_row_checksum;
pub(super) use known::{Known, KnownStream};
pub(super) use rebuilt::{Rebuilt, RebuiltStream};
pub(super) use upkeep::copy_database;

use super::schema;
use crate::{ErrorKind, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is asked before an opening changes anything.
pub(super) type Judge<'a> = &'a mut dyn FnMut(&mut Known) -> Result<(), StoreError>;

/// What to do where there is no catalogue, or one without tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfNew {
    /// The directory is new, too.
    Create,
    /// There are data already: an empty file is not a new installation.
    Refuse,
}

pub(super) struct Catalogue {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    database: Database,
    epoch: u64,
    damage: Vec<String>,
    /// Whether its pages hold together. Where they do not, a change could make it worse.
    takes_changes: bool,
}

impl Catalogue {
    /// Opens the database, looks for damage and begins a new epoch.
    ///
    /// `judge` is asked before anything is changed, with what the catalogue knows; its error is the outcome, and the
    /// file is left as it was. It may raise the epoch that is taken, and does so where the row that holds it is damaged.
    /// A database of which the pages do not hold together is read as far as it goes, and takes no changes.
    pub(super) fn open(path: &Path, new: IfNew, judge: Judge<'_>) -> Result<Self, StoreError> {
        Self::open_in(Database::file(path), new, judge)
    }

    /// As [`Self::open`], wherever the database is.
    pub(super) fn open_in(database: Database, new: IfNew, judge: Judge<'_>) -> Result<Self, StoreError> {
        let path = database.path().to_owned();
        let mut refusal = None;
        let mut remember =
            |known: &mut Known| judge(known).inspect_err(|error| refusal = Some(error.clone()));
        let opened = Self::open_or_create(database, new, &mut remember);
        match (opened, refusal) {
            (Err(_), Some(refusal)) => Err(refusal),
            (Err(error), None) if *error.kind() == ErrorKind::Corrupt => Err(StoreError::corrupt(format!(
                "{} is damaged and cannot be used ({error}): restore the whole directory from a backup, or make the \
                 catalogue anew with `tympan streams rebuild {}`",
                path.display(),
                path.parent().unwrap_or(&path).display()
            ))),
            (opened, _) => opened,
        }
    }

    fn open_or_create(database: Database, new: IfNew, judge: Judge<'_>) -> Result<Self, StoreError> {
        let mut writer = database.connect()?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let tables: i64 = one(&transaction, "SELECT count(*) FROM sqlite_schema")?;
        if tables == 0 {
            let pages: i64 = one(&transaction, "PRAGMA page_count")?;
            if pages > 1 {
                return Err(StoreError::corrupt(format!("it has {pages} pages and no tables")));
            }
            if new == IfNew::Refuse {
                return Err(StoreError::corrupt("it is empty"));
            }
            transaction.execute_batch(schema::TABLES).map_err(failed)?;
            transaction.execute("INSERT INTO store (format, epoch) VALUES (1, 0)", []).map_err(failed)?;
        }
        let mut found = integrity::check(&transaction)?;
        let format: i64 = one(&transaction, "SELECT format FROM store")?;
        match format {
            schema::FORMAT => {}
            1..schema::FORMAT if found.takes_changes => upgrade(&transaction, format)?,
            1..schema::FORMAT => return Err(StoreError::corrupt(found.damage.join("; "))),
            _ => {
                let message = format!(
                    "the catalogue has format {format} and this program knows 1 to {}: use the program that wrote it",
                    schema::FORMAT
                );
                return Err(StoreError::internal(message));
            }
        }
        integrity::check_schema(&transaction)?;
        integrity::check_rows(&transaction, &mut found.damage);
        let epoch: i64 = one(&transaction, "SELECT epoch FROM store")?;
        let mut epoch = epoch.unsigned_abs().saturating_add(1);
        if found.takes_changes {
            let mut known = Known::read(&transaction)?;
            (known.epoch, known.whole) = (epoch, found.damage.is_empty());
            // Before format 2 nothing logged them; a log that is gone is not brought back by a rebuild.
            let since: i64 = one(&transaction, "PRAGMA user_version")?;
            known.logged_since = if format == 1 { epoch } else { since.unsigned_abs() };
            judge(&mut known)?;
            epoch = known.epoch;
            transaction.execute("UPDATE store SET epoch = ?1", [to_sql(epoch)?]).map_err(failed)?;
            database.commit(transaction)?;
            writer.execute_batch("PRAGMA journal_mode = WAL").map_err(failed)?;
        } else {
            // SQLite may have rolled it back by itself.
            drop(transaction);
        }
        let reader = database.connect()?;
        if found.takes_changes {
            for connection in [&writer, &reader] {
                connection
                    .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
                    .map_err(failed)?;
            }
        }
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            database,
            epoch,
            damage: found.damage,
            takes_changes: found.takes_changes,
        })
    }

    /// Sets or asks something of the connection that writes.
    #[cfg(test)]
    pub(super) fn pragma(&self, what: &str) -> i64 {
        self.writer().query_row(&format!("PRAGMA {what}"), [], |row| row.get(0)).unwrap()
    }

    /// Sentences about what is not as it was written.
    pub(super) fn damage(&self) -> &[String] {
        &self.damage
    }

    /// What was read; nothing, where that failed on a catalogue of which the pages do not hold together.
    pub(super) fn as_far_as_it_goes<T: Default>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        match read {
            Err(error) if !self.takes_changes => {
                tracing::error!(%error, "the catalogue cannot be read whole; what is intact is served");
                Ok(T::default())
            }
            read => read,
        }
    }

    /// An error unless the catalogue takes changes.
    pub(super) fn check_takes_changes(&self) -> Result<(), StoreError> {
        if self.takes_changes {
            return Ok(());
        }
        Err(StoreError::corrupt(
            "the catalogue is damaged and takes no changes: what is intact can be read; restore the data directory from \
             a back-up to write",
        ))
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
        self.check_takes_changes()?;
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let result = work(&transaction)?;
        self.database.commit(transaction)?;
        Ok(result)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a catalogue of an earlier format one of this.
fn upgrade(transaction: &Transaction<'_>, from: i64) -> Result<(), StoreError> {
    for format in from + 1..=schema::FORMAT {
        transaction.execute_batch(&schema::step_to(format)).map_err(failed)?;
    }
    transaction.execute("UPDATE store SET format = ?1", [schema::FORMAT]).map_err(failed)?;
    Ok(())
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
