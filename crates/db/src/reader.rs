use crate::row::{ColumnType, Kind, RawRow, Row, Value};
use crate::unreadable::{Noted, Reason};
use crate::{DbError, Page};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

/// Reads rows as of one moment.
pub struct Reader<'a> {
    connection: &'a Connection,
    pub(crate) noted: &'a Noted,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(connection: &'a Connection, noted: &'a Noted) -> Self {
        Self { connection, noted }
    }

    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// The row that has a key.
    ///
    /// # Errors
    /// [`DbError::Unreadable`] for one that is there and cannot be read.
    pub fn get<R: Row>(&self, key: &str) -> Result<Option<R>, DbError> {
        let sql = format!("{} WHERE key = ?1", select(R::KIND));
        let mut query = self.connection.prepare_cached(&sql)?;
        let found = query.query_row([key], |row| raw(R::KIND, row)).optional()?;
        let Some(found) = found else { return Ok(None) };
        match found.and_then(|raw| judged::<R>(&raw)) {
            Ok(row) => Ok(Some(row)),
            Err(reason) => {
                self.noted.note(R::KIND.name, key, reason.clone());
                let (kind, key) = (R::KIND.name.to_owned(), key.to_owned());
                Err(DbError::Unreadable { kind, key, reason: reason.to_string() })
            }
        }
    }

    /// A page of a kind, by key; `after` is the `next` of the page before. Rows that cannot be read are left out and counted.
    ///
    /// # Errors
    /// What the database says.
    pub fn list<R: Row>(&self, after: Option<&str>, limit: usize) -> Result<Page<R, String>, DbError> {
        self.page::<R>("key > ?1", &[&after.unwrap_or("")], limit)
    }

    /// A page of the rows of which a column has a value, by key.
    ///
    /// # Errors
    /// A column that the kind does not have; what the database says.
    pub fn list_by<R: Row>(
        &self,
        column: &str,
        value: &Value,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<R, String>, DbError> {
        let Some(column) = R::KIND.columns.iter().find(|known| known.name == column) else {
            return Err(DbError::Query(format!("a {} has no column {column}", R::KIND.name)));
        };
        let condition = format!("key > ?1 AND {} = ?2", column.name);
        self.page::<R>(&condition, &[&after.unwrap_or(""), value], limit)
    }

    /// All rows of a kind that can be read, and how many cannot: what a start reads. Where a page does not hold together, what
    /// stands before and behind it is read.
    ///
    /// # Errors
    /// What the database says, but for damage.
    pub fn load<R: Row>(&self) -> Result<(Vec<R>, usize), DbError> {
        let mut loaded = Loaded { rows: Vec::new(), unreadable: 0, last: i64::MIN };
        match self.load_along::<R>("ASC", i64::MIN, &mut loaded) {
            Ok(()) => {}
            Err(DbError::Damaged(_)) => {
                let stop = loaded.last;
                match self.load_along::<R>("DESC", stop, &mut loaded) {
                    Ok(()) | Err(DbError::Damaged(_)) => {}
                    Err(error) => return Err(error),
                }
                self.noted.note(R::KIND.name, "(a page of them)", Reason::Page);
                loaded.unreadable += 1;
            }
            Err(error) => return Err(error),
        }
        Ok((loaded.rows, loaded.unreadable))
    }

    /// Reads rows in an order of their numbers, down to `stop`.
    fn load_along<R: Row>(&self, order: &str, stop: i64, loaded: &mut Loaded<R>) -> Result<(), DbError> {
        let sql = format!("{} ORDER BY row {order}", select(R::KIND));
        let mut query = self.connection.prepare(&sql)?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let number: i64 = row.get(0)?;
            if number <= stop && order == "DESC" {
                break;
            }
            if order == "ASC" {
                loaded.last = number;
            }
            match self.told::<R>(raw(R::KIND, row)?, row) {
                Some(row) => loaded.rows.push(row),
                None => loaded.unreadable += 1,
            }
        }
        Ok(())
    }

    fn page<R: Row>(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
        limit: usize,
    ) -> Result<Page<R, String>, DbError> {
        // One more tells whether there is a next page.
        let fetched = limit.saturating_add(1);
        let sql = format!("{} WHERE {condition} ORDER BY key LIMIT {fetched}", select(R::KIND));
        let mut query = self.connection.prepare_cached(&sql)?;
        let mut found = query.query(values)?;
        let mut page = Page { items: Vec::new(), next: None, unreadable: 0 };
        let mut last = None;
        let mut seen = 0;
        while let Some(row) = found.next()? {
            if seen == limit {
                page.next = last;
                break;
            }
            seen += 1;
            last = Some(key_of(row)?);
            match self.told::<R>(raw(R::KIND, row)?, row) {
                Some(row) => page.items.push(row),
                None => page.unreadable += 1,
            }
        }
        Ok(page)
    }

    /// The row, or a note that it cannot be read.
    fn told<R: Row>(&self, found: Result<RawRow, Reason>, row: &rusqlite::Row<'_>) -> Option<R> {
        match found.and_then(|raw| judged::<R>(&raw)) {
            Ok(row) => Some(row),
            Err(reason) => {
                let key = key_of(row).unwrap_or_else(|_| "(unreadable)".to_owned());
                self.noted.note(R::KIND.name, &key, reason);
                None
            }
        }
    }
}

/// What `load` has come to.
struct Loaded<R> {
    rows: Vec<R>,
    unreadable: usize,
    last: i64,
}

/// Selects what `raw` reads.
pub(crate) fn select(kind: &Kind) -> String {
    let columns: String = kind.columns.iter().map(|column| format!(", {}", column.name)).collect();
    format!("SELECT row, key, format, payload, checksum{columns} FROM {}", kind.table())
}

pub(crate) fn key_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(1)?.as_bytes().unwrap_or_default()).into_owned())
}

/// The row as it is stored, if its checksum fits. A value of another type than its column's does not fit either.
pub(crate) fn raw(kind: &Kind, row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<RawRow, Reason>> {
    let ValueRef::Text(key) = row.get_ref(1)? else { return Ok(Err(Reason::Checksum)) };
    let Ok(key) = std::str::from_utf8(key) else { return Ok(Err(Reason::Checksum)) };
    let (Ok(format), Ok(checksum)) = (row.get::<_, u16>(2), row.get::<_, i64>(4)) else {
        return Ok(Err(Reason::Checksum));
    };
    let ValueRef::Blob(payload) = row.get_ref(3)? else { return Ok(Err(Reason::Checksum)) };
    let mut columns = Vec::with_capacity(kind.columns.len());
    for (at, column) in kind.columns.iter().enumerate() {
        let value = match (row.get_ref(at + 5)?, column.column_type) {
            (ValueRef::Null, _) => Value::Null,
            (ValueRef::Integer(number), ColumnType::Integer) => Value::Integer(number),
            (ValueRef::Text(text), ColumnType::Text) => match std::str::from_utf8(text) {
                Ok(text) => Value::from(text),
                Err(_) => return Ok(Err(Reason::Checksum)),
            },
            _ => return Ok(Err(Reason::Checksum)),
        };
        columns.push(value);
    }
    let raw = RawRow { key: key.to_owned(), columns, format, payload: payload.to_vec() };
    Ok(if raw.checksum(kind.name) == checksum { Ok(raw) } else { Err(Reason::Checksum) })
}

/// What the payload says, if this build knows its format.
pub(crate) fn judged<R: Row>(raw: &RawRow) -> Result<R, Reason> {
    if raw.format > R::FORMAT {
        return Err(Reason::Format(raw.format));
    }
    R::decode(raw.format, &raw.payload).map_err(|error| Reason::Payload(error.0))
}
