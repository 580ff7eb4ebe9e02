//! The scrub: reads everything that is stored, slowly, and says what is damaged before somebody needs it.
//!
//! It reads by the same ways as a reader does, so whatever it finds sound can be served. It takes no lock that a call
//! waits for, keeps its keys apart from those of readers, and never reads faster than it was told.

use crate::index_block;
use crate::soundness::check_record;
use crate::store::Core;
use crate::{
    ChunkPart, ChunkRow, ErrorKind, FirstMatch, FragmentMeta, Located, MediaStore, StoreError, Stream,
    StreamId, StreamKey,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tympan_kms::DataKey;
use tympan_types::FragmentNumber;

/// So much is read at a time, unless one fragment is larger.
const SLICE_BYTES: u32 = 256 << 10;
/// Streams whose ids are fetched at a time.
const STREAMS: usize = 256;

/// What one pass over everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Chunks whose index was read.
    pub chunks: u64,
    /// Fragments whose bytes were read.
    pub fragments: u64,
    /// Of these, fragments whose checksum was looked at and whose encryption was not: their key was refused.
    pub without_key: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The stream.
    pub stream: StreamId,
    /// The fragment; `None` if a chunk's index is damaged, and with it every fragment of the chunk.
    pub fragment: Option<FragmentNumber>,
    /// Where: a chunk's name, or a place in the journal.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

/// Totals since the store was opened.
#[derive(Default)]
pub(crate) struct ScrubCounts {
    pub(crate) passes: AtomicU64,
    pub(crate) fragments: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Of the newest pass, the running one included.
    pub(crate) damaged: AtomicU64,
}

impl MediaStore {
    /// Reads everything that is stored, at most `bytes_per_s` of it a second, and reports what is damaged; each finding
    /// is logged as well. Damage changes nothing: what is intact is served, and the rest is an error to its reader.
    ///
    /// # Errors
    /// `NotActive` once the store is shut down; `Internal` if the catalogue cannot be read.
    pub async fn scrub(&self, bytes_per_s: u64) -> Result<ScrubReport, StoreError> {
        let core = self.core().clone();
        core.scrubs.damaged.store(0, Ordering::Relaxed);
        let mut pass = Pass {
            pace: Pace { begun: Instant::now(), bytes_per_s: bytes_per_s.max(1), bytes: 0 },
            report: ScrubReport::default(),
            core,
        };
        pass.run().await?;
        pass.core.scrubs.passes.fetch_add(1, Ordering::Relaxed);
        Ok(pass.report)
    }
}

struct Pass {
    core: Arc<Core>,
    pace: Pace,
    report: ScrubReport,
}

impl Pass {
    async fn run(&mut self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let ids = self.core.blocking(move |core| core.backend.stream_ids(after, STREAMS)).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(*last);
            for id in ids {
                self.stream(id).await?;
            }
        }
    }

    async fn stream(&mut self, id: StreamId) -> Result<(), StoreError> {
        let row = self.core.blocking(move |core| core.backend.stream(&StreamKey::Id(id))).await;
        let stream = match row {
            Ok(Some(row)) => row.stream,
            Ok(None) => return Ok(()),
            Err(error) => return self.failed(id, None, "the catalogue", error),
        };
        let keys = self.core.keys_apart(&stream).await?;
        // The journal first: what moves from it to a chunk meanwhile is met there.
        self.journal(&stream, &keys).await?;
        let mut after = FragmentNumber::MIN;
        loop {
            let next =
                self.core.blocking(move |core| core.backend.find_chunk(id, after, FirstMatch::Any)).await?;
            let Some(chunk) = next else { return Ok(()) };
            after = chunk.last;
            self.chunk(&stream, Arc::new(chunk), &keys).await?;
        }
    }

    async fn journal(&mut self, stream: &Stream, keys: &HashMap<u32, DataKey>) -> Result<(), StoreError> {
        let loaded = self.core.loaded(stream.id);
        let hot: Vec<Located> =
            loaded.map(|cell| cell.tail().hot().iter().copied().collect()).unwrap_or_default();
        for located in hot {
            let place = || format!("journal segment {}, byte {}", located.loc.segment, located.loc.offset);
            match self.core.blocking(move |core| core.backend.read_journal(located.loc)).await {
                // It has been chunked or has expired meanwhile.
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    self.fragment(&bytes, stream.id, &located.meta, located.key, keys, &place);
                    self.pace(bytes.len() as u64).await?;
                }
                Err(error) => self.failed(stream.id, Some(located.meta.number), &place(), error)?,
            }
        }
        Ok(())
    }

    async fn chunk(
        &mut self,
        stream: &Stream,
        chunk: Arc<ChunkRow>,
        keys: &HashMap<u32, DataKey>,
    ) -> Result<(), StoreError> {
        let row = chunk.clone();
        let parts = match self.core.blocking(move |core| core.backend.chunk_parts(&row)).await {
            // It has expired meanwhile.
            Ok(None) => return Ok(()),
            Ok(Some(parts)) => parts,
            Err(error) => return self.failed(stream.id, None, &format!("chunk {}", chunk.object), error),
        };
        self.report.chunks += 1;
        self.indexes(stream, &chunk, keys).await?;
        self.pace(chunk.bytes.saturating_sub(u64::from(chunk.index_offset))).await?;
        let mut rest = &parts[..];
        while !rest.is_empty() {
            let (slice, after) = rest.split_at(slice_of(rest));
            rest = after;
            let Some((begin, length)) = extent(slice) else { break };
            let row = chunk.clone();
            let place = || format!("chunk {}", chunk.object);
            match self.core.blocking(move |core| core.backend.read_chunk(&row, begin, length)).await {
                Ok(None) => return Ok(()),
                Ok(Some(bytes)) => {
                    for part in slice {
                        let at = part.offset.saturating_sub(begin) as usize;
                        let record = bytes.get(at..).unwrap_or_default();
                        self.fragment(record, stream.id, &part.meta, part.key, keys, &place);
                    }
                    self.pace(u64::from(length)).await?;
                }
                Err(error) => {
                    for part in slice {
                        self.failed(stream.id, Some(part.meta.number), &place(), error.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The side file of a chunk: damage to it costs nothing but itself, and shows what becomes of the disk.
    async fn indexes(
        &mut self,
        stream: &Stream,
        chunk: &Arc<ChunkRow>,
        keys: &HashMap<u32, DataKey>,
    ) -> Result<(), StoreError> {
        let row = chunk.clone();
        let blocks = self.core.blocking(move |core| core.backend.read_chunk_indexes(&row)).await?;
        let mut intact_bytes = 0;
        for (header, range) in index_block::blocks(&blocks) {
            intact_bytes += range.len();
            let opens = |key| blocks.get(range).is_some_and(|block| index_block::open(block, key).is_some());
            if !keys.get(&header.key).is_none_or(opens) {
                let reason = "its index does not open; the fragment is whole".to_owned();
                self.damaged(stream.id, Some(header.number), format!("chunk {}.index", chunk.object), reason);
            }
        }
        if intact_bytes < blocks.len() {
            let reason = format!("{} bytes of the index are damaged", blocks.len() - intact_bytes);
            self.damaged(stream.id, None, format!("chunk {}.index", chunk.object), reason);
        }
        self.pace(blocks.len() as u64).await
    }

    fn fragment(
        &mut self,
        record: &[u8],
        stream: StreamId,
        meta: &FragmentMeta,
        key_number: u32,
        keys: &HashMap<u32, DataKey>,
        place: &dyn Fn() -> String,
    ) {
        let key = keys.get(&key_number);
        self.report.fragments += 1;
        self.report.without_key += u64::from(key.is_none());
        self.core.scrubs.fragments.fetch_add(1, Ordering::Relaxed);
        if let Err(reason) = check_record(record, stream, meta, key_number, key) {
            self.damaged(stream, Some(meta.number), place(), reason);
        }
    }

    /// Damage is a finding; anything else that fails ends the pass.
    fn failed(
        &mut self,
        stream: StreamId,
        fragment: Option<FragmentNumber>,
        place: &str,
        error: StoreError,
    ) -> Result<(), StoreError> {
        match error.kind() {
            ErrorKind::NotFound => Ok(()),
            // A disk that cannot read a sector answers EIO, which is what a scrub is there to find.
            ErrorKind::Corrupt | ErrorKind::Internal => {
                self.damaged(stream, fragment, place.to_owned(), error.message().to_owned());
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn damaged(&mut self, stream: StreamId, fragment: Option<FragmentNumber>, place: String, reason: String) {
        let fragment_number = fragment.map(|number| number.to_string()).unwrap_or_else(|| "all".to_owned());
        tracing::error!(%stream, fragment_number, place, reason, "the scrub found damage; what is intact is served");
        self.core.scrubs.damaged.fetch_add(1, Ordering::Relaxed);
        self.report.damage.push(Damage { stream, fragment, place, reason });
    }

    async fn pace(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.report.bytes += bytes;
        self.core.scrubs.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.pace.take(bytes).await;
        if self.core.is_shut() { Err(StoreError::shut_down()) } else { Ok(()) }
    }
}

/// Holds reading back to so much a second.
struct Pace {
    begun: Instant,
    bytes_per_s: u64,
    bytes: u64,
}

impl Pace {
    async fn take(&mut self, bytes: u64) {
        self.bytes += bytes;
        let due = self.begun + Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_s as f64);
        tokio::time::sleep_until(due).await;
    }
}

/// How many of the first parts are read at once; at least one.
fn slice_of(parts: &[ChunkPart]) -> usize {
    let mut bytes = 0u32;
    let fits = parts.iter().take_while(|part| {
        bytes = bytes.saturating_add(part.length);
        bytes <= SLICE_BYTES
    });
    fits.count().max(1)
}

fn extent(parts: &[ChunkPart]) -> Option<(u32, u32)> {
    let (first, last) = (parts.first()?, parts.last()?);
    Some((first.offset, last.offset.saturating_add(last.length).saturating_sub(first.offset)))
}
