//! `settings.db` and `contacts.db`: as release 0.1.0 wrote them, and as builds after it did, with a checksum in each row.

use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// The table of one of the files.
pub(super) struct Table {
    /// The file.
    pub(super) file: &'static str,
    pub(super) name: &'static str,
    /// All columns but the checksum.
    pub(super) columns: &'static str,
    /// What orders its rows, and finds them again.
    pub(super) key: &'static str,
}

pub(super) const SETTINGS: Table =
    Table { file: "settings.db", name: "document", columns: "kind, id, json", key: "kind, id" };

pub(super) const CONTACTS: Table = Table {
    file: "contacts.db",
    name: "contact",
    columns: "id, json, initiated, open, delivered",
    key: "id",
};

/// Opens one to read; the file is not changed, and its log stays where it is.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    // A log has to be read as well, which SQLite does not do for a file that it may not write.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("row_checksum", -1, flags, |values| Ok(row_checksum(values)))?;
    Ok(connection)
}

impl Table {
    /// Selects its columns, and last whether the row is as it was written.
    pub(super) fn select(&self, connection: &Connection) -> rusqlite::Result<String> {
        let has = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'checksum'";
        let has: i64 = connection.query_row(has, [self.name], |row| row.get(0))?;
        let intact = match has {
            0 => "1".to_owned(),
            _ => format!("checksum = row_checksum({})", self.columns),
        };
        Ok(format!("SELECT {}, {intact} FROM {}", self.columns, self.name))
    }
}

/// CRC-32C of the values, with their types and lengths: what those builds' triggers wrote.
fn row_checksum(values: &Context<'_>) -> i64 {
    let sum = (0..values.len()).fold(0, |sum, at| {
        let add = |kind: u8, length: usize, bytes: &[u8]| {
            let sum = crc32c::crc32c_append(sum, &[kind]);
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            let sum = crc32c::crc32c_append(sum, &length.to_le_bytes());
            crc32c::crc32c_append(sum, bytes)
        };
        match values.get_raw(at) {
            ValueRef::Null => add(0, 0, &[]),
            ValueRef::Integer(number) => add(1, 8, &number.to_le_bytes()),
            ValueRef::Real(number) => add(2, 8, &number.to_le_bytes()),
            ValueRef::Text(text) => add(3, text.len(), text),
            ValueRef::Blob(blob) => add(4, blob.len(), blob),
        }
    });
    i64::from(sum)
}
