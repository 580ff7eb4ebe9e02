//! Flow logs, one JSON a line: what each block did, and why it failed.

use crate::lines::{LineFileOptions, LineWriters, Lines, Rotation};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tympan_db::{Db, DbError};
use tympan_types::ContactId;

/// `flow-logs.jsonl` of the data folder. A line is a row of `control.db` until the file has it durably. Calls never wait for
/// either.
pub(crate) struct FlowLog {
    lines: Lines,
    rows: Option<Rows>,
    lost: Arc<AtomicU64>,
}

/// The way by the database.
struct Rows {
    db: Db,
    /// Called when lines are durable there.
    committed: Arc<dyn Fn() + Send + Sync>,
}

impl FlowLog {
    /// Opens the file for appending.
    pub(crate) fn open(writers: &LineWriters, path: PathBuf, rotation: Rotation) -> std::io::Result<Self> {
        let options = LineFileOptions { name: "flow-log", path, mode: 0o644, rotation, missing: |_| None };
        Ok(Self { lines: writers.open(options)?, rows: None, lost: Arc::default() })
    }

    /// Lines are kept in a database until `committed`, which hears of new ones, has seen to it that the file has them.
    pub(crate) fn kept_in(mut self, db: Db, committed: Arc<dyn Fn() + Send + Sync>) -> Self {
        self.rows = Some(Rows { db, committed });
        self
    }

    /// The file.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(super) fn append(&self, contact: ContactId, entry: &Value) {
        let line = format!("{entry}\n");
        let Some(Rows { db, committed }) = &self.rows else { return self.lines.push(line) };
        let (payload, committed) = (line.clone().into_bytes(), committed.clone());
        let (lines, lost) = (self.lines.clone(), self.lost.clone());
        let row = line.clone();
        let work = move |tx: &mut tympan_db::Tx<'_>| tx.log_flow(contact, &payload);
        let done = move |written: Result<(), DbError>| match written {
            Ok(()) => committed(),
            // As many wait as may: the file takes nothing either.
            Err(DbError::TooMany { .. }) => drop(lost.fetch_add(1, Ordering::Relaxed)),
            // What the database does not take, the file may.
            Err(_) => lines.push(row),
        };
        if db.submit(work, done).is_err() {
            self.lines.push(line);
        }
    }

    /// How many lines were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lines.lost() + self.lost.load(Ordering::Relaxed)
    }

    /// How many lines wait for the file.
    pub(crate) fn waiting(&self) -> usize {
        self.lines.waiting()
    }
}
