use crate::StreamId;
use crate::tail::Tail;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stream that somebody writes, reads or is about to chunk: its tail under its lock.
pub(crate) struct StreamCell {
    pub(crate) id: StreamId,
    tail: Mutex<Tail>,
}

impl StreamCell {
    pub(crate) fn new(id: StreamId, tail: Tail) -> Self {
        Self { id, tail: Mutex::new(tail) }
    }

    /// Held for microseconds, never across I/O or an await.
    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        // A panic elsewhere leaves the tail whole: every method finishes its change or makes none.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
