//! Rows on their way to a file of lines: records of contacts that ended, and flow log lines.

use crate::lines::Lines;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tympan_connect::record::ContactRecord;
use tympan_db::contact::Undelivered;
use tympan_db::{Db, DbError};

use super::contact_row::ContactRow;

/// Wakes the thread that delivers.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// Where rows come from, and how it hears that they are durable elsewhere.
pub(super) trait Source {
    /// Names some rows, each as it was given.
    type Rows;

    /// The oldest rows that no sink has, as lines; and how many.
    fn some(&self, db: &Db) -> Result<(Self::Rows, String, usize), DbError>;

    /// The sink has these durably.
    fn delivered(&self, db: &Db, rows: Self::Rows) -> Result<(), DbError>;
}

/// Gives rows to a file, a group at a time, and marks those that are durable there as delivered.
pub(super) struct Delivery<S: Source> {
    source: S,
    lines: Lines,
    /// Called when a group has been written, or given up, by the thread that writes lines.
    wake: Wake,
    in_flight: Option<InFlight<S::Rows>>,
    progress: Arc<Progress>,
}

/// Rows that the file is to take.
struct InFlight<R> {
    rows: R,
    written: Receiver<bool>,
}

/// Whether rows wait to be delivered.
#[derive(Default)]
pub(crate) struct Progress {
    marks: Mutex<Marks>,
    caught_up: Condvar,
}

/// Rows that were committed before `asked` was raised are found by a look that begins after.
#[derive(Default)]
struct Marks {
    asked: u64,
    done: u64,
}

impl Progress {
    /// Rows were committed that may have to be delivered.
    pub(crate) fn fell_behind(&self) {
        self.marks().asked += 1;
    }

    pub(super) fn is_behind(&self) -> bool {
        let marks = self.marks();
        marks.done < marks.asked
    }

    fn asked(&self) -> u64 {
        self.marks().asked
    }

    fn done(&self, asked: u64) {
        self.marks().done = asked;
        self.caught_up.notify_all();
    }

    /// Waits until every row is delivered; false when that takes longer than `limit`.
    pub(super) fn await_caught_up(&self, limit: Duration) -> bool {
        let is_behind = |marks: &mut Marks| marks.done < marks.asked;
        let waited = self.caught_up.wait_timeout_while(self.marks(), limit, is_behind);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Delivery<S> {
    /// Begins with what an earlier process may have left.
    pub(super) fn new(source: S, lines: Lines, wake: Wake, progress: Arc<Progress>) -> Self {
        progress.fell_behind();
        Self { source, lines, wake, in_flight: None, progress }
    }

    pub(super) fn is_behind(&self) -> bool {
        self.progress.is_behind()
    }

    /// Goes on as far as it can without waiting for the file. Rows that the file does not take stay undelivered, and are given
    /// again by a later call.
    pub(super) fn go_on(&mut self, db: &Db) -> Result<(), DbError> {
        if !self.is_behind() {
            return Ok(());
        }
        if let Some(InFlight { rows, written }) = self.in_flight.take() {
            match written.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.in_flight = Some(InFlight { rows, written });
                    return Ok(());
                }
                // Where this fails they are delivered twice.
                Ok(true) => self.source.delivered(db, rows)?,
                Ok(false) | Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let asked = self.progress.asked();
        let (rows, text, count) = self.source.some(db)?;
        if count == 0 {
            self.progress.done(asked);
            return Ok(());
        }
        let (sender, written) = sync_channel(1);
        let wake = self.wake.clone();
        let done = move |is_durable| {
            // The database may be closed; then the next start delivers them again.
            let _ = sender.send(is_durable);
            wake();
        };
        if self.lines.push_durably(text, count, done) {
            self.in_flight = Some(InFlight { rows, written });
        }
        Ok(())
    }
}

/// Records of contacts that ended.
pub(super) struct Records;

/// Records that are written at once.
const RECORDS: usize = 100;

impl Source for Records {
    type Rows = Vec<Undelivered>;

    fn some(&self, db: &Db) -> Result<(Self::Rows, String, usize), DbError> {
        let found = db.read(|reader| reader.undelivered_contacts::<ContactRow>(RECORDS))?;
        let mut text = String::new();
        let mut rows = Vec::with_capacity(found.len());
        for (ContactRow(contact), row) in found {
            let record = serde_json::to_string(&ContactRecord::of(&contact));
            text.push_str(&record.map_err(|error| DbError::Other(error.to_string()))?);
            text.push('\n');
            rows.push(row);
        }
        let count = rows.len();
        Ok((rows, text, count))
    }

    fn delivered(&self, db: &Db, rows: Self::Rows) -> Result<(), DbError> {
        db.write(move |tx| tx.contact_records_delivered(&rows))
    }
}

/// Lines of the flow log.
pub(super) struct FlowLines;

/// Lines that are written at once.
const LINES: usize = 500;

impl Source for FlowLines {
    type Rows = Vec<i64>;

    fn some(&self, db: &Db) -> Result<(Self::Rows, String, usize), DbError> {
        let lines = db.read(|reader| reader.flow_log(LINES))?;
        let text = lines.iter().map(|line| String::from_utf8_lossy(&line.payload)).collect();
        let rows: Vec<i64> = lines.iter().map(|line| line.line).collect();
        let count = rows.len();
        Ok((rows, text, count))
    }

    fn delivered(&self, db: &Db, rows: Self::Rows) -> Result<(), DbError> {
        db.write(move |tx| tx.flow_log_delivered(&rows))
    }
}
