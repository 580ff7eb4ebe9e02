//! Is the catalogue what was written? SQLite checks that its pages hold together; that the rows in them are unchanged,
//! a checksum in each says.

use super::{failed, one};
use crate::StoreError;
use crate::embedded::schema;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction};

/// What was found when the catalogue was opened.
pub(super) struct Found {
    /// Sentences.
    pub(super) damage: Vec<String>,
    /// Whether the pages hold together.
    pub(super) takes_changes: bool,
}

/// Checks pages and indexes, and makes the indexes anew if nothing else is wrong.
pub(super) fn check(transaction: &Transaction<'_>) -> Result<Found, StoreError> {
    let wrong = problems(transaction);
    if wrong.is_empty() {
        return Ok(Found { damage: Vec::new(), takes_changes: true });
    }
    // What this changes is rolled back with the transaction unless everything is well afterwards.
    let rebuilt = transaction.execute_batch("REINDEX").is_ok() && problems(transaction).is_empty();
    let what = if rebuilt {
        "an index of the catalogue was damaged and is made anew"
    } else {
        "the catalogue is damaged"
    };
    Ok(Found { damage: vec![format!("{what}: {}", wrong.join("; "))], takes_changes: rebuilt })
}

/// Refuses tables that are not the ones that are known here: a statement would fail on them, or do something else.
pub(super) fn check_schema(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let reference = Connection::open_in_memory().map_err(failed)?;
    add_row_checksum(&reference).map_err(failed)?;
    reference.execute_batch(schema::TABLES).map_err(failed)?;
    for format in 2..=schema::FORMAT {
        reference.execute_batch(&schema::step_to(format)).map_err(failed)?;
    }
    if tables(transaction)? != tables(&reference)? {
        return Err(StoreError::corrupt("its tables are not those of its format"));
    }
    Ok(())
}

/// Kind, name, table and definition of everything in the schema.
fn tables(connection: &Connection) -> Result<Vec<[Option<String>; 4]>, StoreError> {
    let mut query = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
        .map_err(failed)?;
    let rows = query
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// Adds a sentence for each row that is not what was written.
pub(super) fn check_rows(connection: &Connection, damage: &mut Vec<String>) {
    for sealed in schema::ALL {
        let table = sealed.table;
        let sql = format!("SELECT count(*) FROM {table} WHERE NOT {}", sealed.intact());
        match one::<i64>(connection, &sql) {
            Ok(0) => {}
            Ok(rows) => damage.push(format!("the catalogue's table {table} has {rows} damaged rows")),
            Err(error) => damage.push(format!("the catalogue's table {table} cannot be read whole: {error}")),
        }
    }
}

fn problems(connection: &Connection) -> Vec<String> {
    let found = connection.prepare("PRAGMA integrity_check(10)").and_then(|mut check| {
        check.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
    });
    match found {
        Ok(lines) if lines == ["ok"] => Vec::new(),
        Ok(lines) => lines,
        Err(error) => vec![error.to_string()],
    }
}

/// Gives a connection the SQL function `row_checksum(...)`: CRC-32C of the values, with their types and lengths.
///
/// Whoever writes to a `catalog.db` from outside needs it: triggers keep every row's checksum with it.
///
/// # Errors
/// SQLite's own.
pub fn add_row_checksum(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("row_checksum", -1, flags, |values| Ok(row_checksum(values)))
}

fn row_checksum(values: &Context<'_>) -> i64 {
    let sum = (0..values.len()).fold(0, |sum, at| {
        let add = |kind: u8, length: usize, bytes: &[u8]| {
            let sum = crc32c::crc32c_append(sum, &[kind]);
            let sum = crc32c::crc32c_append(sum, &(length as u64).to_le_bytes());
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
