//! Carries over what earlier builds kept in `settings.db` and `contacts.db`.
//!
//! Rows go over a thousand to a commit; a row that is here already is left as it is, so a kill at any point is made good by the
//! next call. The commit of the last rows says that the file is read. Only after it the old file goes: overwritten with zeros and
//! removed, because an erased contact must not stay in it, or renamed to `<name>.damaged-<n>` if not all of it could be read.

mod documents;
mod legacy;

use crate::contact::KIND as CONTACT;
use crate::core::{meta_text, set_meta_text};
use crate::unreadable::Reason;
use crate::{Db, DbError, Tx};
use documents::{Carried, OldRow};
use legacy::Table;
use rusqlite::{ErrorCode, OptionalExtension, params};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Rows of one commit.
const STEP: usize = 1_000;

/// What a migration came to. All zeros where there was nothing to carry over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// Settings that were carried over by this call.
    pub settings: u64,
    /// Contacts that were carried over by this call.
    pub contacts: u64,
    /// Rows that could not be read: their bytes are in control.db, and `doctor` lists them.
    pub unreadable: u64,
    /// Sentences about files that were not read whole, each of which is logged.
    pub damage: Vec<String>,
}

/// How far a file is.
const READ: &str = "read";
const READ_DAMAGED: &str = "read, damaged";
const GONE: &str = "gone";

/// Carries over the rows of both files, where they are there. A server calls it before it serves.
///
/// # Errors
/// What the database or the disk says; the old files are as they were, or are read already.
pub fn migrate(old_dir: &Path, db: &Db) -> Result<MigrationReport, DbError> {
    let mut report = MigrationReport::default();
    for table in [&legacy::SETTINGS, &legacy::CONTACTS] {
        carry_over(old_dir, table, db, &mut report)?;
    }
    for sentence in &report.damage {
        tracing::error!("{sentence}");
    }
    Ok(report)
}

fn carry_over(
    folder: &Path,
    table: &'static Table,
    db: &Db,
    report: &mut MigrationReport,
) -> Result<(), DbError> {
    let path = folder.join(table.file);
    if !path.try_exists().map_err(|error| disk(table, &error))? {
        return Ok(());
    }
    let state = db.read(|reader| meta_text(reader.connection(), &state_name(table)))?;
    let state = match state {
        Some(state) if state == GONE => {
            report.damage.push(format!(
                "{} is there again, though its rows were carried over to control.db: it is left alone",
                table.file
            ));
            return Ok(());
        }
        Some(state) => state,
        None => read(&path, table, db, report)?,
    };
    if state == READ {
        erase(&path).map_err(|error| disk(table, &error))?;
    } else {
        let aside = set_aside(&path).map_err(|error| disk(table, &error))?;
        report.damage.push(format!(
            "{} could not be read whole: it is kept as {}, and what could be read of it is in control.db",
            table.file,
            aside.display()
        ));
    }
    db.write(move |tx| set_meta_text(tx.connection, &state_name(table), GONE))
}

/// Carries over every row, and says how the file is.
fn read(
    path: &Path,
    table: &'static Table,
    db: &Db,
    report: &mut MigrationReport,
) -> Result<String, DbError> {
    let mut is_whole = true;
    // From the front, and where a page cannot be read, from the back: a row that is met twice goes over once.
    for order in ["ASC", "DESC"] {
        match read_along(path, table, order, db, report) {
            Ok(()) => break,
            Err(Stop::Damage(error)) => {
                is_whole = false;
                tracing::error!(file = table.file, %error, "a page of an earlier database cannot be read");
            }
            Err(Stop::Db(error)) => return Err(error),
        }
    }
    let state = if is_whole { READ } else { READ_DAMAGED };
    db.write(move |tx| set_meta_text(tx.connection, &state_name(table), state))?;
    Ok(state.to_owned())
}

/// Why reading an old file ended.
enum Stop {
    Damage(rusqlite::Error),
    Db(DbError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
        match error.sqlite_error_code() {
            // Unknown: the table or a column of it is not there.
            Some(DatabaseCorrupt | NotADatabase | Unknown) => Self::Damage(error),
            _ => Self::Db(error.into()),
        }
    }
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

fn read_along(
    path: &Path,
    table: &'static Table,
    order: &str,
    db: &Db,
    report: &mut MigrationReport,
) -> Result<(), Stop> {
    let old = legacy::open(path)?;
    let key: String =
        table.key.split(", ").map(|column| format!("{column} {order}")).collect::<Vec<_>>().join(", ");
    let sql = format!("{} ORDER BY {key}", table.select(&old)?);
    let mut query = old.prepare(&sql)?;
    let mut rows = query.query([])?;
    let mut waiting = Vec::new();
    loop {
        // A page that cannot be read ends it: what came before is kept.
        let next = match rows.next() {
            Ok(Some(row)) => Ok(Some(OldRow::read(table, row)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let is_end = !matches!(next, Ok(Some(_)));
        waiting.extend(next.as_ref().ok().cloned().flatten());
        if waiting.len() >= STEP || is_end {
            put(std::mem::take(&mut waiting), table, db, report)?;
        }
        if is_end {
            return next.map(drop).map_err(Stop::from);
        }
    }
}

/// Writes some rows in one commit.
fn put(
    rows: Vec<OldRow>,
    table: &'static Table,
    db: &Db,
    report: &mut MigrationReport,
) -> Result<(), DbError> {
    let (settings, contacts, unreadable) = db.write(move |tx| -> Result<_, DbError> {
        let (mut settings, mut contacts, mut unreadable) = (0, 0, 0);
        for row in rows {
            match row.judge() {
                Ok(Carried::Setting(kind, raw)) => {
                    let sql = format!("SELECT 1 FROM {} WHERE key = ?1", kind.table());
                    if !tx.connection.prepare_cached(&sql)?.exists([&raw.key])? {
                        tx.put_raw(kind, &raw, |_, _| Ok(()))?;
                        settings += 1;
                    }
                }
                Ok(Carried::Contact { facts, is_live, delivered, payload }) => {
                    contacts += u64::from(tx.carry_over(&facts, is_live, delivered, 1, &payload)?);
                }
                Err(reason) => unreadable += u64::from(keep_bytes(tx, table, &row, &reason)?),
            }
        }
        Ok((settings, contacts, unreadable))
    })?;
    report.settings += settings;
    report.contacts += contacts;
    report.unreadable += unreadable;
    Ok(())
}

/// Keeps the bytes of a row that cannot be read, once.
fn keep_bytes(tx: &mut Tx<'_>, table: &Table, row: &OldRow, reason: &Reason) -> Result<bool, DbError> {
    let known = "SELECT 1 FROM unreadable WHERE kind = ?1 AND key = ?2 AND origin = ?3";
    let place = params![row.kind, row.key, table.file];
    if tx.connection.prepare_cached(known)?.query_row(place, |_| Ok(())).optional()?.is_some() {
        return Ok(false);
    }
    let sql =
        "INSERT INTO unreadable (kind, key, origin, format, payload, reason) VALUES (?1, ?2, ?3, 1, ?4, ?5)";
    tx.connection.prepare_cached(sql)?.execute(params![
        row.kind,
        row.key,
        table.file,
        row.payload,
        reason.to_string()
    ])?;
    tracing::error!(kind = row.kind, key = row.key, %reason, file = table.file, "a row cannot be read; its bytes are kept");
    Ok(true)
}

fn state_name(table: &Table) -> String {
    format!("migrated:{}", table.file)
}

fn disk(table: &Table, error: &io::Error) -> DbError {
    DbError::Other(format!("{}: {error}", table.file))
}

/// A database and what SQLite keeps beside it.
fn files_of(path: &Path) -> [PathBuf; 3] {
    ["-shm", "-wal", ""].map(|suffix| with_suffix(path, suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Overwrites the files with zeros and removes them; the database last, so that a kill in between is seen.
fn erase(path: &Path) -> io::Result<()> {
    for path in files_of(path) {
        let mut file = match File::options().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut left = file.metadata()?.len();
        let zeros = [0; 65_536];
        while left > 0 {
            let some = zeros.len().min(usize::try_from(left).unwrap_or(zeros.len()));
            file.write_all(&zeros[..some])?;
            left -= u64::try_from(some).unwrap_or(left);
        }
        file.sync_data()?;
        std::fs::remove_file(&path)?;
    }
    sync_folder(path)
}

/// Renames a database and its log, to a name that is free; the database last.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut count = 1;
    let aside = loop {
        let aside = with_suffix(path, &format!(".damaged-{count}"));
        if !aside.exists() {
            break aside;
        }
        count += 1;
    };
    for suffix in ["-wal", ""] {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match std::fs::remove_file(with_suffix(path, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sync_folder(path)?;
    Ok(aside)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
