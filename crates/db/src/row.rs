use crate::DbError;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use std::collections::BTreeMap;

/// A sort of row: its name, and the columns by which it is searched beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name, such as `connect-flow`: small letters, digits and hyphens. It is part of every row's checksum.
    pub name: &'static str,
    /// Columns with an index each.
    pub columns: &'static [Column],
}

/// One searched column of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub column_type: ColumnType,
}

impl Column {
    /// A column of texts.
    pub const fn text(name: &'static str) -> Self {
        Self { name, column_type: ColumnType::Text }
    }

    /// A column of integers.
    pub const fn integer(name: &'static str) -> Self {
        Self { name, column_type: ColumnType::Integer }
    }
}

/// What a column holds, beside nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8.
    Text,
    /// 64 bits with a sign.
    Integer,
}

/// The value of a searched column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqlValue::Null),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(number) => ToSqlOutput::Owned(SqlValue::Integer(*number)),
        })
    }
}

/// A type that rows of one kind are read as and written from.
///
/// The type that the program works with is not the type on disk: `encode` makes bytes of format `FORMAT`, and `decode` reads
/// that and every earlier one. A format number that is higher than `FORMAT` never reaches `decode`.
pub trait Row: Sized + Send + 'static {
    /// Its kind.
    const KIND: &'static Kind;
    /// The format that `encode` writes, from 1.
    const FORMAT: u16;

    /// What tells it from others of its kind.
    fn key(&self) -> String;

    /// Values of the kind's columns, in their order.
    fn columns(&self) -> Vec<Value>;

    /// The bytes of the payload.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn encode(&self) -> Result<Vec<u8>, RowError>;

    /// Reads a payload of this format or of an earlier one.
    ///
    /// # Errors
    /// Why it is none.
    fn decode(format: u16, bytes: &[u8]) -> Result<Self, RowError>;
}

/// Why bytes are no payload, or a value cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RowError(pub String);

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// What tells it from others of its kind.
    pub key: String,
    /// Values of the kind's columns, in their order.
    pub columns: Vec<Value>,
    /// The format of the payload.
    pub format: u16,
    /// The payload.
    pub payload: Vec<u8>,
}

impl RawRow {
    pub(crate) fn of<R: Row>(row: &R) -> Result<Self, DbError> {
        let payload = row.encode().map_err(|error| DbError::Other(error.0))?;
        Ok(Self { key: row.key(), columns: row.columns(), format: R::FORMAT, payload })
    }

    /// CRC-32C of kind, key, format, columns and payload, each with its type and its length.
    pub(crate) fn checksum(&self, kind: &str) -> i64 {
        let mut sum = Checksum::default();
        sum.bytes(kind.as_bytes());
        sum.bytes(self.key.as_bytes());
        sum.bytes(&self.format.to_le_bytes());
        for column in &self.columns {
            sum.value(column);
        }
        sum.bytes(&self.payload);
        sum.value_of()
    }
}

/// A running CRC-32C over values.
#[derive(Default)]
pub(crate) struct Checksum(u32);

impl Checksum {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.add(2, bytes);
    }

    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.add(0, &[]),
            Value::Integer(number) => self.add(1, &number.to_le_bytes()),
            Value::Text(text) => self.add(3, text.as_bytes()),
        }
    }

    pub(crate) fn value_of(&self) -> i64 {
        i64::from(self.0)
    }

    fn add(&mut self, value_type: u8, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0 = crc32c::crc32c_append(self.0, &[value_type]);
        self.0 = crc32c::crc32c_append(self.0, &length.to_le_bytes());
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }
}

/// Judges a payload: whether this build reads it.
pub(crate) type Judge = fn(u16, &[u8]) -> Result<(), RowError>;

/// How contacts are read.
#[derive(Clone, Copy)]
pub(crate) struct ContactKind {
    pub(crate) format: u16,
    pub(crate) judge: Judge,
    /// What a payload says of losses.
    pub(crate) has_losses: fn(u16, &[u8]) -> Result<bool, RowError>,
}

/// The kinds that a program keeps, and how each is judged. A kind that a file has and this list lacks is left alone.
#[derive(Default, Clone)]
pub struct Kinds {
    pub(crate) kinds: BTreeMap<&'static str, (&'static Kind, u16, Judge)>,
    pub(crate) contact: Option<ContactKind>,
}

impl Kinds {
    /// Adds a kind that is read as `R`.
    #[must_use]
    pub fn with<R: Row>(mut self) -> Self {
        let judge: Judge = |format, bytes| R::decode(format, bytes).map(drop);
        self.kinds.insert(R::KIND.name, (R::KIND, R::FORMAT, judge));
        self
    }

    /// Says how contacts are read.
    #[must_use]
    pub fn with_contacts<C: crate::contact::ContactPayload>(mut self) -> Self {
        let judge: Judge = |format, bytes| C::decode(format, bytes).map(drop);
        let has_losses =
            |format: u16, bytes: &[u8]| C::decode(format, bytes).map(|contact| contact.facts().has_losses);
        self.contact = Some(ContactKind { format: C::FORMAT, judge, has_losses });
        self
    }
}

impl Kind {
    /// Its table.
    pub(crate) fn table(&self) -> String {
        format!("row_{}", self.name.replace('-', "_"))
    }
}
