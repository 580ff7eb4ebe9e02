//! Records of contacts that ended, on their way to `contact-records.jsonl`.

use crate::lines::Lines;
use rusqlite::{Connection, params};
use std::error::Error;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tympan_connect::record::ContactRecord;
use tympan_contact::Contact;

/// Records that are written at once.
const RECORDS: u32 = 100;

/// Gives records to the file, a group at a time, and marks those that are durable there as delivered.
pub(super) struct Delivery {
    records: Lines,
    /// Called when a group has been written, or given up, by the thread that writes lines.
    wake: Arc<dyn Fn() + Send + Sync>,
    in_flight: Option<InFlight>,
    progress: Arc<Progress>,
}

/// Records that the file is to take.
struct InFlight {
    rows: Vec<Row>,
    written: Receiver<bool>,
}

/// A contact as its record has it: one that has changed meanwhile is delivered again.
struct Row {
    id: String,
    json: String,
}

/// Whether records wait to be delivered.
#[derive(Default)]
pub(super) struct Progress {
    is_behind: Mutex<bool>,
    caught_up: Condvar,
}

impl Progress {
    fn set(&self, is_behind: bool) {
        *self.is_behind.lock().unwrap_or_else(PoisonError::into_inner) = is_behind;
        self.caught_up.notify_all();
    }

    fn is_behind(&self) -> bool {
        *self.is_behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every record is delivered; false when that takes longer than `limit`.
    pub(super) fn await_caught_up(&self, limit: Duration) -> bool {
        let is_behind = self.is_behind.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.caught_up.wait_timeout_while(is_behind, limit, |is_behind| *is_behind);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Delivery {
    /// Begins with what an earlier process may have left.
    pub(super) fn new(records: Lines, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let progress = Arc::<Progress>::default();
        progress.set(true);
        Self { records, wake, in_flight: None, progress }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Contacts were written of which some may have ended.
    pub(super) fn fell_behind(&self) {
        self.progress.set(true);
    }

    pub(super) fn is_behind(&self) -> bool {
        self.progress.is_behind()
    }

    /// Goes on as far as it can without waiting for the file. Records that the file does not take stay undelivered in the table,
    /// and are given again by a later call.
    pub(super) fn go_on(&mut self, connection: &mut Connection) -> Result<(), Box<dyn Error>> {
        if !self.is_behind() {
            return Ok(());
        }
        if let Some(InFlight { rows, written }) = &self.in_flight {
            match written.try_recv() {
                Err(TryRecvError::Empty) => return Ok(()),
                Ok(true) => {
                    mark(connection, rows)?;
                    self.in_flight = None;
                }
                Ok(false) | Err(TryRecvError::Disconnected) => {
                    self.in_flight = None;
                    return Ok(());
                }
            }
        }
        let (rows, lines) = undelivered(connection)?;
        if rows.is_empty() {
            self.progress.set(false);
            return Ok(());
        }
        let (sender, written) = sync_channel(1);
        let wake = self.wake.clone();
        let done = move |is_durable| {
            // The history may be gone; then the next start delivers them again.
            let _ = sender.send(is_durable);
            wake();
        };
        if self.records.push_durably(lines, rows.len(), done) {
            self.in_flight = Some(InFlight { rows, written });
        }
        Ok(())
    }
}

/// Some contacts whose records are not delivered, and the records.
fn undelivered(connection: &Connection) -> Result<(Vec<Row>, String), Box<dyn Error>> {
    let mut query =
        connection.prepare_cached("SELECT id, json FROM intact WHERE delivered = 0 AND open = 0 LIMIT ?1")?;
    let rows = query.query_map([RECORDS], |row| Ok(Row { id: row.get(0)?, json: row.get(1)? }))?;
    let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    let mut lines = String::new();
    for Row { json, .. } in &rows {
        let contact: Contact = serde_json::from_str(json)?;
        lines.push_str(&serde_json::to_string(&ContactRecord::of(&contact))?);
        lines.push('\n');
    }
    Ok((rows, lines))
}

fn mark(connection: &mut Connection, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let transaction = connection.transaction()?;
    for Row { id, json } in rows {
        let sql = "UPDATE contact SET delivered = 1 WHERE id = ?1 AND json = ?2";
        transaction.prepare_cached(sql)?.execute(params![id, json])?;
    }
    transaction.commit()?;
    Ok(())
}
