//! Erasure of some fragments of a stream: from the instant that it is durable they are as if they had expired, and their bytes go
//! with the same sweep. Source: docs/storage.md section 6, *Erase fragments*.

use crate::keeper::release;
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::{FragmentRange, MediaStore, StoreError, StreamId};
use std::sync::PoisonError;

/// What an erasure has done when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// No chunk holds a byte of the fragments any more. If not, a sweep goes on with it: the disk is full or failing, or a backup runs.
    pub left_chunks: bool,
    /// The journal holds none either. What was written in the last minutes goes with its segment.
    pub left_journal: bool,
}

impl MediaStore {
    /// Erases the fragments of a stream in a range, both ends included, but for those that begin later. Durable when this returns: they are
    /// neither served nor listed from then on, whatever happens. Done twice it does no harm.
    ///
    /// # Errors
    /// `NotFound` for the stream, `QuotaReached` while [`MAX_ERASURES`](crate::MAX_ERASURES) ranges of it are not done, `Full`, `Internal`.
    pub async fn erase_fragments(
        &self,
        stream: StreamId,
        range: FragmentRange,
    ) -> Result<Erasure, StoreError> {
        let erased = self.core().blocking(move |core| core.erase_fragments(stream, range)).await?;
        if !(erased.left_chunks && erased.left_journal) {
            self.core().keeper.sweep_soon();
        }
        Ok(erased)
    }
}

impl Core {
    fn erase_fragments(&self, stream: StreamId, range: FragmentRange) -> Result<Erasure, StoreError> {
        // No chunk is made of what is erased meanwhile.
        let _alone = self.keeper.chunking.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = self.cell(stream)?;
        // A fragment that begins later would be acknowledged and never shown.
        let last = range.last.min(cell.tail().newest_number());
        if range.first > last {
            return Ok(Erasure { left_chunks: true, left_journal: true });
        }
        let row = self.backend.erase_fragments(stream, FragmentRange { first: range.first, last })?;
        let retired = cell.tail().set_erased(&row.erased);
        release(&*self.backend, &retired);
        // The promise is made; what fails from here on is tried again.
        Ok(self.remove_erased(&cell).unwrap_or_else(|error| {
            tracing::warn!(%stream, %error, "bytes of erased fragments could not be removed yet; they are not served");
            Erasure { left_chunks: false, left_journal: false }
        }))
    }

    /// Goes on with what earlier erasures have left. The caller sweeps.
    pub(crate) fn remove_all_erased(&self) -> Result<(), StoreError> {
        let mut failure = None;
        for stream in self.backend.erasing_streams()? {
            let _alone = self.keeper.chunking.lock().unwrap_or_else(PoisonError::into_inner);
            let done = self.cell(stream).and_then(|cell| self.remove_erased(&cell));
            match done {
                Err(error) if *error.kind() != crate::ErrorKind::NotFound => failure = Some(error),
                _ => {}
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn remove_erased(&self, cell: &StreamCell) -> Result<Erasure, StoreError> {
        let is_settled = cell.tail().erasures_are_settled();
        let left =
            self.backend.remove_erased(cell.id, is_settled)?.ok_or_else(StoreError::stream_not_found)?;
        let retired = cell.tail().set_erased(&left.row.erased);
        release(&*self.backend, &retired);
        Ok(Erasure { left_chunks: !left.in_chunks, left_journal: left.row.erased.is_empty() })
    }
}
