//! Contacts: rows that are searched, kept for a while, and erased with everything that names them.
//!
//! A contact's row number holds the time of its initiation, so the order of rows is the order of time, every index gives its
//! rows newest first, and a page begins where the page before ended, however many rows there are.

mod beyond_damage;
mod erase;
mod losses;
mod plan;
mod search;
mod write;

pub use erase::{Erased, Expiry};
pub use search::{
    ContactCursor, ContactMarks, ContactOrder, ContactQuery, ContactState, TimeAxis, Undelivered,
};
pub use write::ContactEvent;

use crate::RowError;
use crate::row::{Checksum, Value};
use crate::unreadable::Reason;
use tympan_types::{AccountId, ContactFlowId, ContactId, InstanceId, Redacted, WallTime};

/// The name of the kind in changes and among unreadable rows.
pub const KIND: &str = "contact";

/// A type that contacts are read as and written from; like [`Row`](crate::Row), with what they are searched by.
pub trait ContactPayload: Sized + Send + 'static {
    /// The format that `encode` writes, from 1. Format 1 is the JSON that release 0.1.0 kept in `contacts.db`.
    const FORMAT: u16;

    /// What the contact is searched by.
    fn facts(&self) -> ContactFacts;

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

/// What a contact is searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFacts {
    /// The contact.
    pub id: ContactId,
    /// The account of its instance.
    pub account: AccountId,
    /// Its instance.
    pub instance: InstanceId,
    /// When it began. Never changes.
    pub initiated: WallTime,
    /// When it was answered.
    pub connected: Option<WallTime>,
    /// When it ended.
    pub disconnected: Option<WallTime>,
    /// The customer's number in whatever form; its digits are searched.
    pub number: Option<Redacted<String>>,
    /// The flow that it began in.
    pub flow: Option<ContactFlowId>,
    /// The queue that it is or was in, by its id.
    pub queue: Option<String>,
    /// The agent whom it met or is being joined to, by the user's id.
    pub agent: Option<String>,
    /// Whether audio was captured.
    pub has_stream: bool,
    /// Whether audio was sent that its captures do not hold.
    pub has_losses: bool,
    /// Its attributes, each name once.
    pub attributes: Vec<(String, Redacted<String>)>,
}

/// The searched digits of a number; none where it has none.
pub(crate) fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// Digits of one part that the index of numbers knows.
pub(crate) const PART_DIGITS: usize = 4;

/// The parts of a number under which the index has it: each four digits that stand together, as a number. FTS5 is not that index:
/// its secure deletion goes along the list of each trigram (measured, a million contacts: 3 ms for each that is erased), and without it
/// what was deleted stays.
pub(crate) fn parts(digits: &str) -> std::collections::BTreeSet<i64> {
    let parts = digits.as_bytes().windows(PART_DIGITS);
    parts
        .map(|part| part.iter().fold(0, |part, digit| part * 10 + i64::from(digit.wrapping_sub(b'0'))))
        .collect()
}

/// A contact's columns as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) instance: String,
    pub(crate) initiated: i64,
    pub(crate) connected: Option<i64>,
    pub(crate) disconnected: Option<i64>,
    pub(crate) is_live: bool,
    pub(crate) number: Option<String>,
    pub(crate) flow: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) has_stream: bool,
    pub(crate) expires: Option<i64>,
}

/// In the order in which `Columns::read` takes them, behind the row's number.
pub(crate) const COLUMNS: &str = "c.row, c.id, c.account, c.instance, c.initiated, c.connected, c.disconnected, c.is_live, \
                                  c.number, c.flow, c.queue, c.has_stream, c.expires";

impl Columns {
    pub(crate) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(1)?,
            account: row.get(2)?,
            instance: row.get(3)?,
            initiated: row.get(4)?,
            connected: row.get(5)?,
            disconnected: row.get(6)?,
            is_live: row.get(7)?,
            number: row.get(8)?,
            flow: row.get(9)?,
            queue: row.get(10)?,
            has_stream: row.get(11)?,
            expires: row.get(12)?,
        })
    }

    /// Of everything but whether the record is delivered: a mark of its own.
    pub(crate) fn checksum(&self, format: u16, payload: &[u8]) -> i64 {
        let mut sum = Checksum::default();
        sum.bytes(KIND.as_bytes());
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let number = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
        for value in [
            Value::from(self.id.as_str()),
            Value::from(self.account.as_str()),
            Value::from(self.instance.as_str()),
            Value::Integer(self.initiated),
            number(self.connected),
            number(self.disconnected),
            Value::Integer(i64::from(self.is_live)),
            text(&self.number),
            text(&self.flow),
            text(&self.queue),
            Value::Integer(i64::from(self.has_stream)),
            number(self.expires),
        ] {
            sum.value(&value);
        }
        sum.bytes(&format.to_le_bytes());
        sum.bytes(payload);
        sum.value_of()
    }
}

/// What a payload says, if its checksum fits and this build knows its format.
pub(crate) fn judged<C: ContactPayload>(columns: &Columns, stored: (u16, &[u8], i64)) -> Result<C, Reason> {
    let (format, payload, checksum) = stored;
    if columns.checksum(format, payload) != checksum {
        return Err(Reason::Checksum);
    }
    if format > C::FORMAT {
        return Err(Reason::Format(format));
    }
    C::decode(format, payload).map_err(|error| Reason::Payload(error.0))
}
