//! The control database: everything that a server has to remember beside its media, in one SQLite file, `control.db`.
//!
//! A *kind* is a sort of row: instances, flows, numbers. Each has a table of its own, with the columns by which it is
//! searched, and a payload: a format number and the bytes of a type of that version ([`Row`]). Contacts have tables of their
//! own, because they are searched ([`contact`]); so have flow log lines, the [outbox] and the [changes](change).
//!
//! Which commit makes which promise (WAL, `synchronous = FULL`: a commit returns when the log is synced):
//!
//! 1. [`Db::write`] returns after the commit that holds its rows, their index rows, their changes and their outbox entries:
//!    all of them survive a power cut, or none. Many writers share one commit; one writer's refusal undoes its own work only.
//! 2. [`Db::open`] commits the number of its start, then writes it to the file `CONTROL` beside (synced, renamed, the folder
//!    synced). A database that is behind that file is an older copy, and the [report](OpenReport) says so.
//! 3. An outbox entry is committed with its cause. Its step is done after that, and may be done twice; the mark that it is
//!    done is a commit of its own.
//! 4. [`Db::erase_contacts`] returns when the rows are gone by a commit, the freed bytes are zeros and the write-ahead log is
//!    empty, or says that a reader keeps the log.
//! 5. A migration removes an old file after the commit of the last of its rows.
//!
//! A row is the unit of damage: each carries a CRC-32C that is judged when the row is read. One that does not fit, has a
//! format that this build does not know, or does not parse is counted, listed ([`Db::unreadable`]) and left out; a new row
//! under its key moves its bytes aside first. Nothing checks the whole file at a start.
//!
//! No clock and no randomness: both are handed in. No thread: the calling thread that comes first commits for those that
//! wait with it; a server that wants writes without waiting runs [`Db::serve_submitted`] on a thread of its own.

pub mod change;
pub mod contact;
mod core;
mod db;
mod error;
mod examine;
mod flow_log;
mod kinds;
mod log;
mod marker;
pub mod migrate;
mod opening;
pub mod outbox;
mod page;
mod reader;
mod row;
mod schema;
mod tx;
mod unreadable;

pub use change::{Change, Operation, Revision, Watch, WatchError};
pub use db::Db;
pub use error::{DbError, OpenError};
pub use examine::Examination;
pub use flow_log::FlowLogLine;
pub use kinds::{FLOW, INSTANCE, PHONE_NUMBER};
pub use opening::{OlderCopy, OpenOptions, OpenReport, StartId};
pub use page::Page;
pub use reader::Reader;
pub use row::{Column, ColumnType, Kind, Kinds, RawRow, Row, RowError, Value};
pub use tx::Tx;
pub use unreadable::{Reason, Unreadable, UnreadableRows};
