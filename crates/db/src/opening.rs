//! Opening: what is made, what is refused, and how an older copy is known.

use crate::core::{self, Limits};
use crate::db::FILE;
use crate::marker::Marker;
use crate::row::Kinds;
use crate::{DbError, OpenError, Revision, change, schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sixteen random bytes that name one start of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartId(pub [u8; 16]);

impl StartId {
    pub(crate) fn hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == 32)
            .then(|| u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes())))?
    }
}

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// The start that opens it; random.
    pub start: StartId,
    /// Changes that are kept for readers who were away, at least.
    pub changes: u64,
    /// Entries that may wait in the outbox.
    pub outbox: u64,
    /// Flow log lines that may wait to be delivered.
    pub flow_log: u64,
    /// Read connections; a further reader waits for one.
    pub readers: usize,
}

impl OpenOptions {
    /// The usual ones: 100,000 changes, 100,000 outbox entries, 200,000 flow log lines, 4 readers.
    pub fn new(start: StartId) -> Self {
        Self { start, changes: 100_000, outbox: 100_000, flow_log: 200_000, readers: 4 }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { changes: self.changes, outbox: self.outbox, flow_log: self.flow_log }
    }
}

/// What an opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// The number of this start, from 1.
    pub epoch: u64,
    /// The file was made.
    pub created: bool,
    /// The file was not there or was empty, though one was written here before: what it held is gone unless it is restored.
    pub missing: bool,
    /// A write-ahead log without its database, put aside under this name.
    pub log_set_aside: Option<PathBuf>,
    /// The file is a copy from before: what was written since is not in it.
    pub older_copy: Option<OlderCopy>,
}

/// How far a copy is behind what was written in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OlderCopy {
    /// The start that last wrote the copy.
    pub epoch: u64,
    /// The newest change in the copy.
    pub revision: Revision,
    /// The start that last wrote in this folder.
    pub last_epoch: u64,
    /// A change that was durable in this folder.
    pub last_revision: Revision,
    /// Both name the same start of the same number; if not, the copy is of another folder or of another life of this one.
    pub is_same_start: bool,
}

/// Why a file was not opened.
pub(crate) enum Trouble {
    Open(OpenError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Opens the file, and makes what it lacks.
pub(crate) fn prepare(path: &Path, kinds: &Kinds) -> Result<Connection, Trouble> {
    let connection = Connection::open(path)?;
    // The log goes into the file by `Log` only, and not at all into a file that is damaged.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, found) = (number("application_id")?, number("user_version")?);
    if tables > 0 && application != schema::APPLICATION {
        return Err(Trouble::Open(OpenError::Foreign { path: path.to_owned() }));
    }
    if found > schema::SCHEMA {
        let path = path.to_owned();
        return Err(Trouble::Open(OpenError::Newer { path, found, known: schema::SCHEMA }));
    }
    configure(&connection)?;
    schema::create(&connection, kinds)?;
    Ok(connection)
}

/// FULL: the log is synced at each commit. What is deleted is overwritten with zeros.
pub(crate) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0;",
    )
}

pub(crate) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;")?;
    Ok(connection)
}

const EPOCH: &str = "epoch";
const START: &str = "start";

/// The number of a start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) epoch: u64,
    /// The disk had no room for it: it goes into the first commit that there is room for.
    pub(crate) is_noted: bool,
}

/// Commits the number of this start. A full disk keeps nothing from being read.
pub(crate) fn begin(
    connection: &Connection,
    marker: Option<Marker>,
    start: StartId,
    report: &mut OpenReport,
) -> Result<Begun, DbError> {
    let transaction = connection.unchecked_transaction()?;
    let epoch = core::meta_integer(&transaction, EPOCH)?.unwrap_or(0).unsigned_abs();
    let written_by = core::meta_text(&transaction, START)?.and_then(|text| StartId::parse(&text));
    let revision = change::last(&transaction)?
        .max(change::compacted_through(&transaction)?)
        .max(Revision::of_start(epoch));
    let last = marker.filter(|_| !report.created);
    if let Some(Marker { epoch: last_epoch, revision: last_revision, start: last_start }) = last {
        let is_same_start = written_by == Some(last_start);
        if last_epoch > epoch || last_revision > revision || (last_epoch == epoch && !is_same_start) {
            report.older_copy = Some(OlderCopy { epoch, revision, last_epoch, last_revision, is_same_start });
        }
    }
    let next = epoch.max(marker.map_or(0, |marker| marker.epoch)).saturating_add(1);
    report.epoch = next;
    let is_behind = report.older_copy.is_some() || report.missing;
    let noted = note_start(&transaction, next, start, is_behind).and_then(|()| Ok(transaction.commit()?));
    match noted {
        Ok(()) => Ok(Begun { epoch: next, is_noted: true }),
        Err(DbError::Full) => {
            tracing::warn!(
                "the disk has no room to note the start in control.db; it is noted with the next change"
            );
            Ok(Begun { epoch: next, is_noted: false })
        }
        Err(error) => Err(error),
    }
}

/// Writes the number of a start. `is_behind`: what readers saw since is not in this file, so that none of them can go on.
pub(crate) fn note_start(
    connection: &Connection,
    epoch: u64,
    start: StartId,
    is_behind: bool,
) -> Result<(), DbError> {
    if is_behind {
        let removed = change::compact(connection, Revision::of_start(epoch))?;
        tracing::info!(removed, "readers of changes begin anew");
    }
    core::set_meta_integer(connection, EPOCH, i64::try_from(epoch).unwrap_or(i64::MAX))?;
    core::set_meta_text(connection, START, &start.hex())
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// Renames a log that has no database, and says so.
pub(crate) fn set_log_aside(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let log = folder.join(format!("{FILE}-wal"));
    if !log.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(None);
    }
    let mut count = 1;
    let aside = loop {
        let aside = folder.join(format!("{FILE}-wal.damaged-{count}"));
        if !aside.exists() {
            break aside;
        }
        count += 1;
    };
    std::fs::rename(&log, &aside)?;
    std::fs::File::open(folder)?.sync_all()?;
    tracing::error!(as = %aside.display(), "a log without its control.db was put aside");
    Ok(Some(aside))
}
