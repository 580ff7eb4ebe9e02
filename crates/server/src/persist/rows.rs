//! A database of which damage costs only itself. A row carries a checksum and counts only while it fits. Pages that do
//! not hold together are set aside with all that is in them, and what can be read of them goes on in a new file. A
//! database keeps the epoch of the start that last wrote it, so that an older copy in its place is seen.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tympan_store::embedded::add_row_checksum;

/// The only table of a database, and how its rows are sealed.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Creates it and its indexes, where they are not there yet.
    pub(super) create: &'static str,
    /// All columns but the checksum.
    pub(super) columns: &'static str,
    /// Finds the row that a trigger is about.
    pub(super) key: &'static str,
}

/// What a start found of a database that is not as it was written: sentences, each of which is logged.
pub(crate) type Damage = Vec<String>;

/// The epoch in which it was last opened. Files of 0.1.0 have none.
const EPOCH: &str = "CREATE TABLE IF NOT EXISTS opened (epoch INTEGER NOT NULL) STRICT";

impl Table {
    fn intact(&self) -> String {
        format!("checksum = row_checksum({})", self.columns)
    }

    /// Makes the table, and gives one of 0.1.0 its checksums.
    fn prepare(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { name, create, columns, key } = self;
        connection.execute_batch(create)?;
        connection.execute_batch(EPOCH)?;
        let sealed = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'checksum'";
        if connection.query_row(sealed, [name], |row| row.get::<_, i64>(0))? > 0 {
            return Ok(());
        }
        let seal = format!("UPDATE {name} SET checksum = row_checksum({columns})");
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             ALTER TABLE {name} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
             {seal};
             CREATE TRIGGER {name}_inserted AFTER INSERT ON {name} BEGIN {seal} WHERE {key}; END;
             CREATE TRIGGER {name}_updated AFTER UPDATE OF {columns} ON {name} BEGIN {seal} WHERE {key}; END;
             COMMIT"
        ))
    }
}

/// Opens or makes the database. `epoch` is that of the store's start.
pub(super) fn open(path: &Path, table: &Table, epoch: u64) -> rusqlite::Result<(Connection, Damage)> {
    let mut damage = Damage::new();
    let is_new = path.metadata().map_or(true, |metadata| metadata.len() == 0);
    if is_new && epoch > 1 {
        let name = file_name(path);
        damage.push(format!("{name} was missing or empty, though this is not the first start: what it held is gone unless it is restored"));
        // SQLite would remove it, and with it what the file had not taken over yet.
        if with_suffix(path, "-wal").metadata().is_ok_and(|metadata| metadata.len() > 0) {
            set_aside(path).map_err(broken)?;
        }
    }
    let connection = match whole(path, table) {
        Err(error) if is_damage(&error) => {
            damage.push(salvage(path, table, &error)?);
            whole(path, table)?
        }
        opened => opened?,
    };
    look(&connection, path, table, Some(epoch.saturating_sub(1)), &mut damage)?;
    match keep(&connection, epoch) {
        // A full disk keeps nothing from being served; the next start finds the file to be of an earlier one.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            tracing::warn!(%error, file = file_name(path), "the start could not be noted");
        }
        kept => kept?,
    }
    for sentence in &damage {
        tracing::error!("{sentence}; what is intact is served");
    }
    Ok((connection, damage))
}

/// Notes which start has it open.
fn keep(connection: &Connection, epoch: u64) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("DELETE FROM opened", [])?;
    transaction.execute("INSERT INTO opened VALUES (?1)", [i64::try_from(epoch).unwrap_or(i64::MAX)])?;
    transaction.commit()
}

/// Another connection to a database that is open already. The view `intact` has the rows that are what was written.
pub(super) fn connect(path: &Path, table: &Table) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Until it is certain that the file is sound, closing it must not move its log into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    add_row_checksum(&connection)?;
    // FULL: the log is synced at each commit, so an acknowledged change survives a power cut.
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;")?;
    table.prepare(&connection)?;
    let Table { name, .. } = table;
    let view = format!("CREATE TEMP VIEW intact AS SELECT * FROM {name} WHERE {}", table.intact());
    connection.execute_batch(&view)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// What is wrong with a copy of a database, which this changes. `epoch` is the store's last one.
pub(super) fn examine(copy: &Path, table: &Table, epoch: Option<u64>) -> Damage {
    let mut damage = Damage::new();
    let looked = whole(copy, table).and_then(|connection| look(&connection, copy, table, epoch, &mut damage));
    if let Err(error) = looked {
        damage.push(format!("{} is damaged ({error})", file_name(copy)));
    }
    damage
}

/// Opens a database of which the pages hold together; an index alone is made anew.
fn whole(path: &Path, table: &Table) -> rusqlite::Result<Connection> {
    let connection = connect(path, table)?;
    let wrong = |connection: &Connection| -> rusqlite::Result<Option<String>> {
        let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((found != "ok").then_some(found))
    };
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if let Some(before) = wrong(&connection)? {
        let mending = connection.unchecked_transaction()?;
        mending.execute_batch("REINDEX")?;
        if wrong(&mending)?.is_some() {
            return Err(broken(before));
        }
        mending.commit()?;
    }
    let reference = Connection::open_in_memory()?;
    add_row_checksum(&reference)?;
    table.prepare(&reference)?;
    if schema(&connection)? != schema(&reference)? {
        return Err(broken("its tables are not those that are written to it"));
    }
    // A header that only seems to forbid writing is damage as well.
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Names and definitions of everything, however they are broken into lines.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<[String; 2]>> {
    let sql = "SELECT name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut query = connection.prepare(sql)?;
    let rows = query.query_map([], |row| {
        let sql: String = row.get(1)?;
        Ok([row.get(0)?, sql.split_whitespace().collect()])
    })?;
    rows.collect()
}

/// Says what rows are not what was written, and whether the whole is of another time than the store's start `epoch`.
fn look(
    connection: &Connection,
    path: &Path,
    table: &Table,
    epoch: Option<u64>,
    damage: &mut Damage,
) -> rusqlite::Result<()> {
    let name = file_name(path);
    let count = format!("SELECT count(*) FROM {} WHERE NOT ({})", table.name, table.intact());
    let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
    if rows > 0 {
        damage.push(format!("{name} has {rows} damaged rows, which are left out: restore it from a backup"));
    }
    let opened: Option<i64> =
        connection.query_row("SELECT epoch FROM opened", [], |row| row.get(0)).optional()?;
    let Some((opened, epoch)) = opened.map(i64::unsigned_abs).zip(epoch) else { return Ok(()) };
    if opened < epoch {
        damage.push(format!(
            "{name} was last open in start {opened} of the store, and the store's last one was {epoch}: it is an older copy, \
             and what was written since is not in it"
        ));
    } else if opened > epoch {
        damage.push(format!(
            "{name} was last open in start {opened} of the store, and the store's last one was {epoch}: catalog.db is an \
             older copy, or they are not of one folder"
        ));
    }
    Ok(())
}

/// Puts what can be read into a new database, sets the old one aside, and says so.
fn salvage(path: &Path, table: &Table, why: &rusqlite::Error) -> rusqlite::Result<String> {
    let fresh = with_suffix(path, ".new");
    for leftover in [fresh.clone(), with_suffix(&fresh, "-journal")] {
        match std::fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
            _ => {}
        }
    }
    let mut target = Connection::open(&fresh)?;
    add_row_checksum(&target)?;
    table.prepare(&target)?;
    let transaction = target.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // The end of what can be read from the front, and from the back.
    let mut rows = 0;
    for order in ["ASC", "DESC"] {
        rows += copy_rows(path, table, order, &transaction).unwrap_or(0);
    }
    transaction.commit()?;
    target.close().map_err(|(_, error)| error)?;
    let aside = set_aside(path).map_err(broken)?;
    std::fs::rename(&fresh, path).map_err(broken)?;
    sync_folder(path).map_err(broken)?;
    Ok(format!(
        "{} is damaged ({why}): it is kept as {}, and {rows} rows of it could be read; restore it from a backup",
        file_name(path),
        file_name(&aside)
    ))
}

fn copy_rows(path: &Path, table: &Table, order: &str, into: &Connection) -> rusqlite::Result<usize> {
    let source = Connection::open(path)?;
    add_row_checksum(&source)?;
    // What is damaged stays as it is, its log included.
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let Table { name, columns, .. } = table;
    let first = columns.split(',').next().unwrap_or(columns);
    let select = format!("SELECT {columns} FROM {name} WHERE {} ORDER BY {first} {order}", table.intact());
    let mut query = source.prepare(&select)?;
    let width = query.column_count();
    let places: Vec<String> = (1..=width).map(|at| format!("?{at}")).collect();
    let insert = format!("INSERT OR IGNORE INTO {name} ({columns}) VALUES ({})", places.join(", "));
    let mut insert = into.prepare(&insert)?;
    let (mut rows, mut copied) = (query.query([])?, 0);
    // A page that cannot be read ends it: what came before is kept.
    while let Ok(Some(row)) = rows.next() {
        let values =
            (0..width).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>()?;
        copied += insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(copied)
}

/// Renames a database and its log, to a name that is free.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut count = 1;
    let aside = loop {
        let aside = with_suffix(path, &format!(".damaged-{count}"));
        if !aside.exists() && !with_suffix(&aside, "-wal").exists() {
            break aside;
        }
        count += 1;
    };
    for suffix in ["", "-wal"] {
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

fn is_damage(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, ReadOnly, Unknown};
    // Unknown: a table or a column that is known here is not there.
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase | ReadOnly | Unknown))
}

/// What SQLite calls a damaged file, in other words.
fn broken(why: impl std::fmt::Display) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(why.to_string()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
