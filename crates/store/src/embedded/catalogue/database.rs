//! Where the catalogue's database is: in its file, or in the memory of a simulation that outlives the processes in it.

use super::{add_row_checksum, failed};
use crate::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asked around each commit, so that a simulated disk can lose power there.
pub(in crate::embedded) trait CommitGate: Send + Sync {
    /// Before the commit; after an error it is lost.
    fn begin(&self) -> io::Result<()>;
    /// It is durable; after an error the caller does not hear of it.
    fn committed(&self) -> io::Result<()>;
}

/// A database that can be connected to.
#[derive(Clone)]
pub(in crate::embedded) struct Database {
    /// Of the file, or of what stands for it.
    path: PathBuf,
    memory: Option<Memory>,
}

#[derive(Clone)]
struct Memory {
    address: String,
    gate: Arc<dyn CommitGate>,
}

impl Database {
    /// The file of this path.
    pub(in crate::embedded) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), memory: None }
    }

    /// The memory of this name, within this process, as long as any connection to it is open. `path` stands for it.
    #[cfg(any(test, feature = "simulation"))]
    pub(in crate::embedded) fn memory(path: &Path, name: &str, gate: Arc<dyn CommitGate>) -> Self {
        let address = format!("file:/{name}?vfs=memdb");
        Self { path: path.to_owned(), memory: Some(Memory { address, gate }) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closing the connection leaves the log as it is, until it is certain that this is the file that the log belongs to.
    pub(in crate::embedded) fn connect(&self) -> Result<Connection, StoreError> {
        let connection = match &self.memory {
            None => Connection::open(&self.path),
            Some(memory) => Connection::open_with_flags(
                &memory.address,
                OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE
                    | OpenFlags::SQLITE_OPEN_URI
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            ),
        };
        let connection = connection.map_err(failed)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
        add_row_checksum(&connection).map_err(failed)?;
        // A plan never hangs on the values bound to it. Otherwise statements that are kept are prepared anew for each value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
                 PRAGMA busy_timeout = 5000;",
            )
            .map_err(failed)?;
        Ok(connection)
    }

    /// Durable when this returns.
    pub(super) fn commit(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        let Some(memory) = &self.memory else { return transaction.commit().map_err(failed) };
        let lost = |error: io::Error| StoreError::io(format_args!("commit to the catalogue"), &error);
        memory.gate.begin().map_err(lost)?;
        transaction.commit().map_err(failed)?;
        memory.gate.committed().map_err(lost)
    }
}
