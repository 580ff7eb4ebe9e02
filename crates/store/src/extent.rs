//! How much of a stream is kept, and where it ends.

use crate::store::Core;
use crate::{MediaStore, StoreError, StreamId};
use tympan_types::{FragmentNumber, ServerTime};

/// How much of a stream is kept. A chunk counts whole until all of it has expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Sealed fragments, the one that is open not among them.
    pub fragments: u64,
    /// Their bytes as they are stored.
    pub bytes: u64,
    /// The server time of the oldest.
    pub oldest: Option<ServerTime>,
    /// The newest fragment that was begun, open or sealed.
    pub head: Option<FragmentNumber>,
}

/// Chunks of a stream in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkTotals {
    /// Fragments in them.
    pub fragments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The earliest server time in them.
    pub oldest: Option<ServerTime>,
}

impl MediaStore {
    /// How much of a stream is kept: one look at the catalogue, however long the stream is.
    ///
    /// # Errors
    /// `NotFound`, `Internal`.
    pub async fn extent(&self, stream: StreamId) -> Result<Extent, StoreError> {
        self.core().blocking(move |core| core.extent(stream)).await
    }

    /// The newest fragment that was begun, open or sealed: where the stream's producer is. Waits for no disk; `None` for a
    /// stream of which nothing is in memory.
    pub fn head(&self, stream: StreamId) -> Option<FragmentNumber> {
        self.core().loaded(stream)?.tail().head()
    }
}

impl Core {
    fn extent(&self, stream: StreamId) -> Result<Extent, StoreError> {
        let cell = self.cell(stream)?;
        // The tail's share first: what a chunk takes over meanwhile is then neither missed nor counted twice.
        let (hot, expired, chunked_through, head) = {
            let tail = cell.tail();
            if tail.is_deleted() {
                return Err(StoreError::stream_not_found());
            }
            let expired = tail.expired_through(self.clock.now());
            let mut hot = ChunkTotals::default();
            for located in tail.hot().iter().filter(|located| located.meta.server > expired) {
                hot.fragments += 1;
                hot.bytes = hot.bytes.saturating_add(u64::from(located.loc.length));
                hot.oldest = hot.oldest.or(Some(located.meta.server));
            }
            (hot, expired, tail.chunked_through(), tail.head())
        };
        let chunked = self.backend.chunk_totals(stream, expired, chunked_through)?;
        Ok(Extent {
            fragments: chunked.fragments.saturating_add(hot.fragments),
            bytes: chunked.bytes.saturating_add(hot.bytes),
            oldest: chunked.oldest.or(hot.oldest),
            head: head.or_else(|| (chunked.fragments > 0).then_some(chunked_through)),
        })
    }
}
