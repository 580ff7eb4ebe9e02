use crate::tail::Tail;
use crate::{Backend, StoreError, StreamId};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stream that somebody writes, reads or is about to chunk: its tail under its lock.
pub(crate) struct StreamCell {
    pub(crate) id: StreamId,
    tail: Mutex<Tail>,
    /// Held while sequence numbers are reserved: two blocks at once would be granted in either order, with a hole.
    reserving: Mutex<()>,
}

impl StreamCell {
    pub(crate) fn new(id: StreamId, tail: Tail) -> Self {
        Self { id, tail: Mutex::new(tail), reserving: Mutex::new(()) }
    }

    /// Reserves a block of sequence numbers for the sessions that are open, unless `enough` are there by now. Waits for
    /// the disk.
    pub(crate) fn reserve(
        &self,
        backend: &dyn Backend,
        enough: impl FnOnce(&Tail) -> bool,
    ) -> Result<(), StoreError> {
        let _one_at_a_time = self.reserving.lock().unwrap_or_else(PoisonError::into_inner);
        if !enough(&self.tail()) {
            let block = backend.reserve(self.id, false)?;
            self.tail().grant(block);
        }
        Ok(())
    }

    /// Held for microseconds, never across I/O or an await.
    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        // A panic elsewhere leaves the tail whole: every method finishes its change or makes none.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
