use crate::{
    ChunkTotals, FragmentMeta, FragmentRange, Record, StorageTier, StoreError, Stream, StreamId, StreamRef,
    TimeAxis,
};
use std::collections::BTreeMap;
use tympan_kms::WrappedKey;
use tympan_types::{AccountId, FragmentNumber, Region, ServerTime, StreamArn, StreamName, WallTime};

/// Sequence numbers are given out in blocks: a session begins at the next multiple of this, plus 1.
pub const SEQUENCE_BLOCK: u64 = 1_000;

/// Ranges of erased fragments of one stream of which something may be left, at most.
pub const MAX_ERASURES: usize = 256;

/// Where records, chunks and rows come to rest.
///
/// Everything above it (batching, live tail, encryption, chunking policy, retention policy) is
/// [`MediaStore`](crate::MediaStore), written once. Methods block until done: the store calls them on threads that
/// may wait. What each promises is checked by [`conformance`](crate::conformance).
pub trait Backend: Send + Sync + 'static {
    // ---- journal: short-lived, shared by all streams, makes an acknowledgement durable

    /// Appends records as one group, all or nothing. They are durable when this returns `Ok`; after an error none of
    /// them was promised, though a crash may bring them back. Returns a place for each record, in order.
    fn commit(&self, records: &[&Record]) -> Result<Vec<JournalLoc>, StoreError>;

    /// The bytes of one record; `None` if it was released and its segment is gone.
    fn read_journal(&self, loc: JournalLoc) -> Result<Option<Vec<u8>>, StoreError>;

    /// The sealed index that was committed with a record; `None` if there was none, or if the segment is gone.
    fn read_journal_index(&self, located: &Located) -> Result<Option<Vec<u8>>, StoreError>;

    /// Gives records up: they stand in a chunk, have expired, or their stream is deleted. Space is reclaimed later.
    fn release(&self, locs: &[JournalLoc]);

    /// What the journal held when the backend was opened, without that which chunks hold already or whose stream is
    /// gone. By stream, then by number.
    fn recovered(&self) -> Result<Vec<Located>, StoreError>;

    /// Time-driven upkeep: closes a segment that has become old, and removes those that nobody needs.
    fn tend(&self) -> Result<(), StoreError>;

    /// What [`Self::tend`] goes by seems older by so much.
    fn age(&self, by_ms: i64);

    // ---- chunks: one per stream and time slice, the unit of replay, retention and deletion

    /// Copies records of one stream, in ascending order, from the journal into a chunk, makes it durable and then
    /// publishes it, and their indexes beside it: the row appears, and [`StreamRow::chunked_through`] moves to its last number, in one transaction.
    /// The caller releases the records afterwards, and also after the error `Corrupt`: nothing of them is left. After any
    /// other error they stay where they are.
    fn publish_chunk(&self, stream: StreamId, records: &[Located]) -> Result<ChunkRow, StoreError>;

    /// The first chunk, by number, that holds numbers after `after` and may hold a fragment that `matching` wants.
    fn find_chunk(
        &self,
        stream: StreamId,
        after: FragmentNumber,
        matching: FirstMatch,
    ) -> Result<Option<ChunkRow>, StoreError>;

    /// The chunks of a stream up to `through` that hold something newer than `expired`, in sum.
    fn chunk_totals(
        &self,
        stream: StreamId,
        expired: ServerTime,
        through: FragmentNumber,
    ) -> Result<ChunkTotals, StoreError>;

    /// The parts of a chunk in ascending order; `None` if the chunk is gone.
    fn chunk_parts(&self, chunk: &ChunkRow) -> Result<Option<Vec<ChunkPart>>, StoreError>;

    /// A range of a chunk's bytes; `None` if the chunk is gone.
    fn read_chunk(&self, chunk: &ChunkRow, offset: u32, length: u32) -> Result<Option<Vec<u8>>, StoreError>;

    /// The sealed indexes of a chunk's fragments, one after the other; empty where there are none, or where they cannot be
    /// read.
    fn read_chunk_indexes(&self, chunk: &ChunkRow) -> Result<Vec<u8>, StoreError>;

    /// Notes that the fragments of a stream in a range are erased: they are in no [`Backend::recovered`] from now on, and the row tells
    /// of them until [`Backend::remove_erased`] is done with them. Refuses one more range than [`MAX_ERASURES`].
    fn erase_fragments(&self, stream: StreamId, range: FragmentRange) -> Result<StreamRow, StoreError>;

    /// Streams with erased fragments of which something may be left.
    fn erasing_streams(&self) -> Result<Vec<StreamId>, StoreError>;

    /// Removes what is left of a stream's erased fragments from its chunks, and forgets the ranges of which nothing is left anywhere. A
    /// chunk that holds others as well is replaced by one without them. `is_settled`: no fragment in the ranges can come to the journal
    /// any more. The caller makes no chunk of the stream meanwhile. `None` if the stream is gone.
    fn remove_erased(&self, stream: StreamId, is_settled: bool) -> Result<Option<Remaining>, StoreError>;

    /// Removes chunks of which every fragment has expired by `now`, and bytes that nothing refers to any more.
    fn expire(&self, now: WallTime) -> Result<ExpireReport, StoreError>;

    // ---- streams

    /// Adds a stream, unless its name is taken in its account and region, or these hold `quota` streams already.
    fn create_stream(&self, stream: &Stream, quota: Option<u32>) -> Result<(), StoreError>;

    /// Finds a stream.
    fn stream(&self, key: &StreamKey) -> Result<Option<StreamRow>, StoreError>;

    /// Streams of an account and region by name.
    fn list_streams(&self, page: &StreamPage) -> Result<Vec<Stream>, StoreError>;

    /// All streams there are, of whatever account: at most `limit` ids after `after`, ascending.
    fn stream_ids(&self, after: Option<StreamId>, limit: usize) -> Result<Vec<StreamId>, StoreError>;

    /// Destroys the stream's wrapped keys, its chunk rows and its own row in one transaction; bytes go with the next
    /// [`Backend::expire`].
    fn delete_stream(&self, key: &StreamKey, version: Option<u64>) -> Result<StreamId, StoreError>;

    /// Erases every other copy of the keys of a stream that is deleted. Only when this has returned `Ok` may the deletion
    /// be answered; after an error it is tried again before the next deletion, by [`Backend::expire`] and at a start.
    fn erase_keys(&self, stream: StreamId) -> Result<(), StoreError>;

    /// Adds and removes tags; refuses when more than `max` would remain.
    fn set_tags(
        &self,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<StreamRow, StoreError>;

    /// Changes device name and media type, where given.
    fn set_details(
        &self,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<StreamRow, StoreError>;

    /// Changes the storage tier.
    fn set_storage_tier(
        &self,
        stream: StreamId,
        version: Option<u64>,
        tier: StorageTier,
    ) -> Result<StreamRow, StoreError>;

    /// Changes the retention. What has expired by `now` stays expired even if the retention grows.
    fn set_retention(
        &self,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
        now: WallTime,
    ) -> Result<StreamRow, StoreError>;

    /// Reserves sequence numbers, durably: a number that was ever reserved is never reserved again.
    ///
    /// A new session gets the block that begins at the next multiple of [`SEQUENCE_BLOCK`] plus 1 and marks the stream
    /// as unfinished; a running one gets another block.
    fn reserve(&self, stream: StreamId, new_session: bool) -> Result<Reservation, StoreError>;

    /// Remembers how the stream's last session ended.
    fn set_finished(&self, stream: StreamId, finished: bool) -> Result<(), StoreError>;

    /// The stream's wrapped data keys, by number.
    fn keys(&self, stream: StreamId) -> Result<Vec<KeyRow>, StoreError>;

    /// Adds a wrapped data key. `false` if the number is taken: another session was faster.
    fn add_key(&self, stream: StreamId, key: &KeyRow) -> Result<bool, StoreError>;

    /// Remembers a time that has come, durably enough to be found by most later openings.
    fn remember_time(&self, time: WallTime) -> Result<(), StoreError>;

    /// The time that was remembered last; where there is none, the newest that rows and recovered records tell of.
    fn last_time(&self) -> Result<Option<WallTime>, StoreError>;

    /// Ends this instance; another may open the same data afterwards.
    fn close(&self);
}

/// Where a record lies in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLoc {
    /// The segment's number.
    pub segment: u64,
    /// Bytes from the segment's beginning.
    pub offset: u64,
    /// Bytes of the record.
    pub length: u32,
}

/// A durable fragment and where its record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// The stream generation.
    pub stream: StreamId,
    /// The fragment.
    pub meta: FragmentMeta,
    /// Which of the stream's data keys it is sealed under.
    pub key: u32,
    /// Where.
    pub loc: JournalLoc,
}

/// A fragment within a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPart {
    /// The fragment.
    pub meta: FragmentMeta,
    /// Which of the stream's data keys it is sealed under.
    pub key: u32,
    /// Bytes from the chunk's beginning to the record.
    pub offset: u32,
    /// Bytes of the record.
    pub length: u32,
}

/// What the catalogue says of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    /// The stream generation.
    pub stream: StreamId,
    /// The first fragment.
    pub first: FragmentNumber,
    /// The last fragment.
    pub last: FragmentNumber,
    /// The backend's name for the bytes.
    pub object: String,
    /// How many fragments.
    pub fragments: u32,
    /// Bytes in all.
    pub bytes: u64,
    /// Where the records end and the index begins.
    pub index_offset: u32,
    /// The earliest and the latest producer start, in Unix milliseconds.
    pub producer_ms: (i64, i64),
    /// The earliest and the latest server time, in Unix milliseconds.
    pub server_ms: (i64, i64),
    /// The longest fragment.
    pub longest_ms: u32,
}

impl ChunkRow {
    /// Sums parts up; `None` without parts.
    pub(crate) fn summary(
        stream: StreamId,
        object: String,
        bytes: u64,
        index_offset: u32,
        parts: &[ChunkPart],
    ) -> Option<Self> {
        let (first, last) = (parts.first()?, parts.last()?);
        let span = |axis: TimeAxis| {
            let starts = || parts.iter().map(|part| axis.start_ms(&part.meta));
            (starts().min().unwrap_or(0), starts().max().unwrap_or(0))
        };
        Some(Self {
            stream,
            first: first.meta.number,
            last: last.meta.number,
            object,
            fragments: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            bytes,
            index_offset,
            producer_ms: span(TimeAxis::Producer),
            server_ms: span(TimeAxis::Server),
            longest_ms: parts.iter().map(|part| part.meta.duration_ms).max().unwrap_or(0),
        })
    }

    /// Whether a fragment that is wanted may be in this chunk.
    pub(crate) fn may_match(&self, matching: FirstMatch) -> bool {
        let span = |axis| match axis {
            TimeAxis::Producer => self.producer_ms,
            TimeAxis::Server => self.server_ms,
        };
        match matching {
            FirstMatch::Any => true,
            FirstMatch::Reaching { axis, at_ms } => {
                let latest_ms = span(axis).1;
                latest_ms >= at_ms || latest_ms.saturating_add(i64::from(self.longest_ms)) >= at_ms
            }
            FirstMatch::Starting { axis, from_ms, to_ms } => span(axis).1 >= from_ms && span(axis).0 <= to_ms,
        }
    }
}

/// Which fragment is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstMatch {
    /// Any.
    Any,
    /// One that contains an instant or begins at or after it.
    Reaching {
        /// The clock.
        axis: TimeAxis,
        /// Unix milliseconds.
        at_ms: i64,
    },
    /// One that begins within a span, both ends included.
    Starting {
        /// The clock.
        axis: TimeAxis,
        /// Unix milliseconds.
        from_ms: i64,
        /// Unix milliseconds.
        to_ms: i64,
    },
}

impl FirstMatch {
    /// Whether a fragment is wanted.
    pub(crate) fn wants(self, meta: &FragmentMeta) -> bool {
        match self {
            Self::Any => true,
            Self::Reaching { axis, at_ms } => axis.reaches(meta, at_ms),
            Self::Starting { axis, from_ms, to_ms } => (from_ms..=to_ms).contains(&axis.start_ms(meta)),
        }
    }
}

/// A stream and what the store keeps for itself beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRow {
    /// What users see.
    pub stream: Stream,
    /// Fragments up to this server time have expired for good, whatever the retention is now.
    pub expired_through: ServerTime,
    /// Fragments up to this number are in chunks, or gone; journal records up to it are dead.
    pub chunked_through: FragmentNumber,
    /// The newest server time in a chunk.
    pub newest_server: ServerTime,
    /// Sequence numbers up to this one are reserved.
    pub reserved_through: u64,
    /// Whether the last session ended as `Finished`.
    pub finished: bool,
    /// Fragments that are erased, and of which something may be left: by first number.
    pub erased: Vec<FragmentRange>,
}

/// What [`Backend::remove_erased`] has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// The stream's row.
    pub row: StreamRow,
    /// A chunk may hold bytes of erased fragments: a backup needs it, or its file is missing.
    pub in_chunks: bool,
}

/// A block of sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The first number of the block.
    pub first: u64,
    /// The last number of the block.
    pub through: u64,
}

impl Reservation {
    /// The block after what is reserved already.
    pub(crate) fn after(reserved_through: u64, new_session: bool) -> Self {
        let first = if new_session {
            reserved_through.div_ceil(SEQUENCE_BLOCK).saturating_mul(SEQUENCE_BLOCK).saturating_add(1)
        } else {
            reserved_through.saturating_add(1)
        };
        Self { first, through: first.saturating_add(SEQUENCE_BLOCK - 1) }
    }
}

/// A wrapped data key of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// 1 for the stream's first key.
    pub number: u32,
    /// The key, sealed by the stream's key provider.
    pub wrapped: WrappedKey,
    /// When it was made.
    pub created: WallTime,
}

/// What [`Backend::expire`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpireReport {
    /// Chunks whose rows were removed because every fragment in them has expired.
    pub chunks_expired: u64,
    /// Chunks whose bytes were removed, for this or another reason.
    pub objects_removed: u64,
}

/// How a stream is looked up; owns its parts, so that it can travel to another thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamKey {
    /// By generation.
    Id(StreamId),
    /// By name.
    Name(AccountId, Region, StreamName),
    /// By ARN, creation time included.
    Arn(StreamArn),
}

impl From<StreamRef<'_>> for StreamKey {
    fn from(reference: StreamRef<'_>) -> Self {
        match reference {
            StreamRef::Name { account, region, name } => {
                Self::Name(account.clone(), region.clone(), name.clone())
            }
            StreamRef::Arn(arn) => Self::Arn(arn.clone()),
        }
    }
}

/// One page of a listing of streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPage {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// Only names that begin with this.
    pub prefix: String,
    /// Only names after this.
    pub after: Option<StreamName>,
    /// At most so many.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_begin_one_past_a_multiple_of_a_thousand_and_go_on_without_a_hole() {
        assert_eq!(Reservation::after(0, true), Reservation { first: 1, through: 1_000 });
        assert_eq!(Reservation::after(1_000, true), Reservation { first: 1_001, through: 2_000 });
        assert_eq!(Reservation::after(1_001, true), Reservation { first: 2_001, through: 3_000 });
        assert_eq!(Reservation::after(1_000, false), Reservation { first: 1_001, through: 2_000 });
    }
}
