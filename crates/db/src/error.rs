use std::path::PathBuf;

/// Why a row was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The database could not be opened: this is a stand-in that keeps nothing.
    #[error("control.db is not available, so nothing can be changed: {0}")]
    Unavailable(String),
    /// The disk is full.
    #[error("the disk has no room for control.db")]
    Full,
    /// Pages do not hold together.
    #[error("control.db is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// As much waits already as may wait.
    #[error("{what}: as many as {limit} wait already")]
    TooMany {
        /// What waits.
        what: &'static str,
        /// How many may.
        limit: u64,
    },
    /// A row exists and cannot be read.
    #[error("the {kind} {key} cannot be read ({reason}); see `tympan doctor`")]
    Unreadable {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// What was asked for is not a query.
    #[error("{0}")]
    Query(String),
    /// Anything else, in the words of SQLite or of the writer.
    #[error("control.db: {0}")]
    Other(String),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase};
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::Full,
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Why `control.db` was not opened. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no database, or its pages do not hold together. A server goes on with [`Db::stand_in`](crate::Db::stand_in).
    #[error("{path} cannot be read: {why}; it was left as it is; restore it from a backup")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// A database of something else.
    #[error("{path} is a database of another program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later build has written it.
    #[error("{path} has schema {found}; this build knows up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest one that is known here.
        known: i64,
    },
    /// The disk or its rights.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}
