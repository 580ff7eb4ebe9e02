//! Reading the indexes of fragments.

use crate::index_block::{self, IndexHeader};
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::predecessor;
use crate::{ErrorKind, FirstMatch, FragmentMeta, MediaStore, StoreError, StreamId};
use bytes::Bytes;
use std::collections::HashMap;
use std::ops::Range;
use tympan_types::FragmentNumber;

/// Fragments move from the journal to a chunk while they are looked at; not more often than this in a row.
const ATTEMPTS: usize = 4;

/// A fragment and its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFragment {
    /// The fragment.
    pub meta: FragmentMeta,
    /// What its writer gave for it; `None` where it gave nothing, or where it is damaged.
    pub index: Option<Bytes>,
}

/// A fragment and what is on disk of its index.
struct Found {
    meta: FragmentMeta,
    key: u32,
    block: Block,
}

enum Block {
    Absent,
    Sealed(Vec<u8>),
    /// It has not left memory.
    Plain(Option<Bytes>),
}

impl MediaStore {
    /// The fragments from `first` to `last`, both included, with their indexes: ascending, at most `limit`. Those that are
    /// open are left out; those of a stream without retention are there as long as they are in memory.
    ///
    /// # Errors
    /// `NotFound`, `Key` if the stream's key may not be used, `Internal`.
    pub async fn indexes(
        &self,
        stream: StreamId,
        first: FragmentNumber,
        last: FragmentNumber,
        limit: usize,
    ) -> Result<Vec<IndexedFragment>, StoreError> {
        let core = self.core();
        let cell = core.blocking(move |core| core.cell(stream)).await?;
        let described = cell.tail().stream.clone();
        core.check_reading(&described).await?;
        let found = core.blocking(move |core| core.find_indexes(&cell, first, last, limit)).await?;
        let keys = core.reading_keys(&described, found.iter().filter_map(Found::key_needed)).await?;
        let index = |found: &Found| match &found.block {
            Block::Absent => None,
            Block::Plain(index) => index.clone(),
            Block::Sealed(block) => {
                let key = keys.iter().find(|(number, _)| *number == found.key)?.1.as_deref()?;
                index_block::open(block, key).map(Bytes::from)
            }
        };
        Ok(found.iter().map(|found| IndexedFragment { meta: found.meta, index: index(found) }).collect())
    }
}

impl Found {
    fn key_needed(&self) -> Option<u32> {
        matches!(self.block, Block::Sealed(_)).then_some(self.key)
    }
}

impl Core {
    fn find_indexes(
        &self,
        cell: &StreamCell,
        first: FragmentNumber,
        last: FragmentNumber,
        limit: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let mut attempt = 1;
        loop {
            // The tail's share first: what a chunk takes over meanwhile is then not missed.
            let (hot, live, chunked_through, gone) = {
                let tail = cell.tail();
                if tail.is_deleted() {
                    return Err(StoreError::stream_not_found());
                }
                let now = self.now();
                let gone = tail.gone(now.wall);
                let within = |meta: &FragmentMeta| (first..=last).contains(&meta.number);
                let hot =
                    tail.hot().iter().filter(|located| within(&located.meta) && !gone.has(&located.meta));
                let hot: Vec<_> = hot.take(limit).copied().collect();
                let mut live = tail.indexes(now, &self.options);
                live.retain(|(meta, _)| within(meta));
                (hot, live, tail.chunked_through(), gone)
            };
            let mut found = self.find_in_chunks(cell.id, first, last.min(chunked_through), limit)?;
            found.retain(|found| !gone.has(&found.meta));
            let mut is_absent = false;
            for located in hot {
                let block = match self.backend.read_journal_index(&located) {
                    Ok(block) => block.map_or(Block::Absent, Block::Sealed),
                    Err(error) if *error.kind() == ErrorKind::Corrupt => Block::Absent,
                    Err(error) => return Err(error),
                };
                is_absent |= matches!(block, Block::Absent);
                found.push(Found { meta: located.meta, key: located.key, block });
            }
            if is_absent && attempt < ATTEMPTS && cell.tail().chunked_through() != chunked_through {
                attempt += 1;
                continue;
            }
            found.extend(live.into_iter().map(|(meta, index)| Found {
                meta,
                key: 0,
                block: Block::Plain(index),
            }));
            found.sort_by_key(|found| found.meta.number);
            found.dedup_by_key(|found| found.meta.number);
            found.truncate(limit);
            return Ok(found);
        }
    }

    fn find_in_chunks(
        &self,
        stream: StreamId,
        first: FragmentNumber,
        last: FragmentNumber,
        limit: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let (mut found, mut after) = (Vec::new(), predecessor(first));
        while after < last && found.len() < limit {
            let Some(chunk) = self.backend.find_chunk(stream, after, FirstMatch::Any)? else { break };
            if chunk.first > last {
                break;
            }
            after = chunk.last;
            let parts = match self.backend.chunk_parts(&chunk) {
                Err(error) if *error.kind() == ErrorKind::Corrupt => {
                    tracing::error!(%error, object = chunk.object, "a chunk is left out of a listing of indexes");
                    continue;
                }
                parts => parts?.unwrap_or_default(),
            };
            let side = self.backend.read_chunk_indexes(&chunk)?;
            let blocks: HashMap<FragmentNumber, (IndexHeader, Range<usize>)> = index_block::blocks(&side)
                .filter(|(header, _)| header.stream == stream)
                .map(|(header, range)| (header.number, (header, range)))
                .collect();
            let wanted = parts.iter().filter(|part| (first..=last).contains(&part.meta.number));
            found.extend(wanted.take(limit - found.len()).map(|part| {
                let block = blocks.get(&part.meta.number).filter(|(header, _)| header.key == part.key);
                let block = block.and_then(|(_, range)| side.get(range.clone()));
                let block = block.map_or(Block::Absent, |block| Block::Sealed(block.to_vec()));
                Found { meta: part.meta, key: part.key, block }
            }));
        }
        Ok(found)
    }
}
