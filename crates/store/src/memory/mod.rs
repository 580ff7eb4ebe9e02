//! A backend that keeps everything in memory and fails on command: for tests of what stands above it.
//!
//! A [`MemoryDisk`] outlives the backends that are opened on it one after the other, as a directory does. Opening it
//! again fences the backend before; [`MemoryDisk::lose_power`] forgets what was not synced.

mod faults;

pub use faults::{Fault, Faults};

use crate::gone::is_erased;
use crate::index_block;
use crate::stream_rules::{
    change_tags, check_version, exists, expired_through, quota_reached, sort_recovered,
};
use crate::{
    Backend, ChunkPart, ChunkRow, ChunkTotals, ErrorKind, ExpireReport, FirstMatch, FragmentRange,
    JournalLoc, KeyRow, Located, MAX_ERASURES, Record, RecordHeader, Remaining, Reservation, StorageTier,
    StoreError, Stream, StreamId, StreamKey, StreamPage, StreamRow,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_types::{FragmentNumber, ServerTime, WallTime};

/// What a memory backend writes to.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    contents: Arc<Mutex<Contents>>,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Contents {
    epoch: u64,
    streams: BTreeMap<StreamId, StreamRow>,
    keys: BTreeMap<StreamId, Vec<KeyRow>>,
    chunks: BTreeMap<(StreamId, FragmentNumber), Chunk>,
    journal: BTreeMap<u64, Entry>,
    next_offset: u64,
    next_object: u64,
    last_time: Option<WallTime>,
}

struct Chunk {
    row: ChunkRow,
    bytes: Vec<u8>,
    parts: Vec<ChunkPart>,
    indexes: Vec<u8>,
}

impl Chunk {
    /// What is left of it; nothing, where all of it is erased.
    fn without(self, erased: &[FragmentRange]) -> Option<Self> {
        if !self.parts.iter().any(|part| is_erased(erased, part.meta.number)) {
            return Some(self);
        }
        let (mut bytes, mut parts, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.parts.iter().filter(|part| !is_erased(erased, part.meta.number)) {
            let at = part.offset as usize;
            let offset = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(self.bytes.get(at..at + part.length as usize).unwrap_or_default());
            parts.push(ChunkPart { offset, ..*part });
        }
        for (header, range) in index_block::blocks(&self.indexes) {
            if !is_erased(erased, header.number) {
                indexes.extend_from_slice(self.indexes.get(range).unwrap_or_default());
            }
        }
        let index_offset = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let object = format!("{}-rewritten", self.row.object);
        let row = ChunkRow::summary(self.row.stream, object, bytes.len() as u64, index_offset, &parts)?;
        Some(Self { row, bytes, parts, indexes })
    }
}

struct Entry {
    located: Located,
    bytes: Vec<u8>,
    index: Vec<u8>,
    synced: bool,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The switches by which it fails.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Forgets everything that was not synced.
    pub fn lose_power(&self) {
        self.contents().journal.retain(|_, entry| entry.synced);
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`Backend`] over a [`MemoryDisk`].
pub struct MemoryBackend {
    disk: MemoryDisk,
    epoch: u64,
}

impl MemoryBackend {
    /// Opens the disk; a backend that was opened on it before is fenced from now on.
    pub fn open(disk: &MemoryDisk) -> Self {
        let mut contents = disk.contents();
        contents.epoch += 1;
        Self { disk: disk.clone(), epoch: contents.epoch }
    }

    /// The contents, as long as they are still this backend's.
    fn owned(&self) -> Result<MutexGuard<'_, Contents>, StoreError> {
        let contents = self.disk.contents();
        if contents.epoch == self.epoch {
            Ok(contents)
        } else {
            Err(StoreError::new(
                ErrorKind::Fenced,
                "the disk was opened again: this backend may not use it any more",
            ))
        }
    }

    fn change(
        &self,
        stream: StreamId,
        version: Option<u64>,
        change: impl FnOnce(&mut StreamRow) -> Result<(), StoreError>,
    ) -> Result<StreamRow, StoreError> {
        let mut contents = self.owned()?;
        let row = contents.streams.get_mut(&stream).ok_or_else(StoreError::stream_not_found)?;
        check_version(&row.stream, version)?;
        let mut changed = row.clone();
        change(&mut changed)?;
        changed.stream.version += 1;
        *row = changed;
        Ok(row.clone())
    }
}

impl Backend for MemoryBackend {
    fn commit(&self, records: &[&Record]) -> Result<Vec<JournalLoc>, StoreError> {
        self.disk.faults.pass_gate();
        let fault = self.disk.faults.next_commit();
        let mut contents = self.owned()?;
        let reached = match fault {
            Some(Fault::Refuse) => 0,
            Some(Fault::WriteHalf) => records.len() / 2,
            Some(Fault::FailSync) | None => records.len(),
        };
        let mut locs = Vec::with_capacity(records.len());
        for record in records.iter().take(reached) {
            let mut bytes = Vec::with_capacity(record.len());
            record.write_to(&mut bytes);
            let header =
                RecordHeader::check(&bytes).map_err(|error| StoreError::internal(error.to_string()))?;
            let offset = contents.next_offset;
            let index = bytes.split_off(header.record_bytes());
            let length =
                u32::try_from(bytes.len()).map_err(|_| StoreError::internal("a record beyond 4 GiB"))?;
            let loc = JournalLoc { segment: 0, offset, length };
            let located = Located { stream: header.stream, meta: header.meta, key: header.key, loc };
            contents.next_offset += u64::from(length);
            contents.journal.insert(offset, Entry { located, bytes, index, synced: fault.is_none() });
            locs.push(loc);
        }
        match fault {
            Some(Fault::Refuse) => {
                Err(StoreError::new(ErrorKind::Full, "the memory disk is told to be full"))
            }
            Some(_) => Err(StoreError::internal("the memory disk is told to fail")),
            None => Ok(locs),
        }
    }

    fn read_journal(&self, loc: JournalLoc) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.owned()?.journal.get(&loc.offset).map(|entry| entry.bytes.clone()))
    }

    fn read_journal_index(&self, located: &Located) -> Result<Option<Vec<u8>>, StoreError> {
        let contents = self.owned()?;
        let index = contents.journal.get(&located.loc.offset).map(|entry| entry.index.clone());
        Ok(index.filter(|index| !index.is_empty()))
    }

    fn release(&self, locs: &[JournalLoc]) {
        if let Ok(mut contents) = self.owned() {
            for loc in locs {
                contents.journal.remove(&loc.offset);
            }
        }
    }

    fn recovered(&self) -> Result<Vec<Located>, StoreError> {
        let contents = self.owned()?;
        let alive = |located: &Located| {
            let row = contents.streams.get(&located.stream);
            row.is_some_and(|row| {
                located.meta.number > row.chunked_through && !is_erased(&row.erased, located.meta.number)
            })
        };
        let mut records: Vec<Located> =
            contents.journal.values().map(|entry| entry.located).filter(alive).collect();
        sort_recovered(&mut records);
        Ok(records)
    }

    fn tend(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn age(&self, _: i64) {}

    fn publish_chunk(&self, stream: StreamId, records: &[Located]) -> Result<ChunkRow, StoreError> {
        if self.disk.faults.next_chunk_fails() {
            return Err(StoreError::internal("the memory disk is told to refuse a chunk"));
        }
        let mut contents = self.owned()?;
        let (mut bytes, mut parts, mut indexes) = (Vec::new(), Vec::with_capacity(records.len()), Vec::new());
        for located in records {
            let entry = contents.journal.get(&located.loc.offset);
            let entry = entry.ok_or_else(|| StoreError::corrupt("a record to be chunked is gone"))?;
            let offset =
                u32::try_from(bytes.len()).map_err(|_| StoreError::internal("a chunk beyond 4 GiB"))?;
            bytes.extend_from_slice(&entry.bytes);
            indexes.extend_from_slice(&entry.index);
            parts.push(ChunkPart {
                meta: located.meta,
                key: located.key,
                offset,
                length: located.loc.length,
            });
        }
        contents.next_object += 1;
        let object = format!("chunk-{}", contents.next_object);
        let index_offset = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let row = ChunkRow::summary(stream, object, bytes.len() as u64, index_offset, &parts)
            .ok_or_else(|| StoreError::internal("a chunk without fragments"))?;
        let owner = contents.streams.get_mut(&stream).ok_or_else(StoreError::stream_not_found)?;
        owner.chunked_through = owner.chunked_through.max(row.last);
        owner.newest_server = owner.newest_server.max(ServerTime::from_unix_ms(row.server_ms.1));
        contents.chunks.insert((stream, row.last), Chunk { row: row.clone(), bytes, parts, indexes });
        Ok(row)
    }

    fn find_chunk(
        &self,
        stream: StreamId,
        after: FragmentNumber,
        matching: FirstMatch,
    ) -> Result<Option<ChunkRow>, StoreError> {
        let contents = self.owned()?;
        let mut rows = contents.chunks.values().map(|chunk| &chunk.row);
        Ok(rows.find(|row| row.stream == stream && row.last > after && row.may_match(matching)).cloned())
    }

    fn chunk_totals(
        &self,
        stream: StreamId,
        expired: ServerTime,
        through: FragmentNumber,
    ) -> Result<ChunkTotals, StoreError> {
        let contents = self.owned()?;
        let rows = contents.chunks.values().map(|chunk| &chunk.row);
        let mut totals = ChunkTotals::default();
        let is_counted = |row: &&ChunkRow| {
            row.stream == stream && row.last <= through && row.server_ms.1 > expired.unix_ms()
        };
        for row in rows.filter(is_counted) {
            totals.fragments += u64::from(row.fragments);
            totals.bytes += row.bytes;
            let begins = ServerTime::from_unix_ms(row.server_ms.0);
            totals.oldest = Some(totals.oldest.map_or(begins, |oldest| oldest.min(begins)));
        }
        Ok(totals)
    }

    fn chunk_parts(&self, chunk: &ChunkRow) -> Result<Option<Vec<ChunkPart>>, StoreError> {
        Ok(self.owned()?.chunks.get(&(chunk.stream, chunk.last)).map(|chunk| chunk.parts.clone()))
    }

    fn read_chunk(&self, chunk: &ChunkRow, offset: u32, length: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let contents = self.owned()?;
        let Some(chunk) = contents.chunks.get(&(chunk.stream, chunk.last)) else { return Ok(None) };
        let end = offset.saturating_add(length) as usize;
        let range = chunk.bytes.get(offset as usize..end);
        range.map(|bytes| Some(bytes.to_vec())).ok_or_else(|| StoreError::corrupt("a chunk is too short"))
    }

    fn read_chunk_indexes(&self, chunk: &ChunkRow) -> Result<Vec<u8>, StoreError> {
        let contents = self.owned()?;
        let chunk = contents.chunks.get(&(chunk.stream, chunk.last));
        Ok(chunk.map(|chunk| chunk.indexes.clone()).unwrap_or_default())
    }

    fn expire(&self, now: WallTime) -> Result<ExpireReport, StoreError> {
        let mut contents = self.owned()?;
        let Contents { chunks, streams, .. } = &mut *contents;
        let before = chunks.len();
        chunks.retain(|_, chunk| {
            streams
                .get(&chunk.row.stream)
                .is_some_and(|row| chunk.row.server_ms.1 > expired_through(row, now).unix_ms())
        });
        let removed = (before - chunks.len()) as u64;
        Ok(ExpireReport { chunks_expired: removed, objects_removed: removed })
    }

    fn erase_fragments(&self, stream: StreamId, range: FragmentRange) -> Result<StreamRow, StoreError> {
        let mut contents = self.owned()?;
        let row = contents.streams.get_mut(&stream).ok_or_else(StoreError::stream_not_found)?;
        if row.erased.iter().any(|erased| erased.covers(&range)) {
            return Ok(row.clone());
        }
        row.erased.retain(|erased| !range.covers(erased));
        if row.erased.len() >= MAX_ERASURES {
            return Err(StoreError::new(ErrorKind::QuotaReached, "too many erasures are not done yet"));
        }
        row.erased.push(range);
        row.erased.sort_unstable();
        Ok(row.clone())
    }

    fn erasing_streams(&self) -> Result<Vec<StreamId>, StoreError> {
        let contents = self.owned()?;
        let erasing = contents.streams.iter().filter(|(_, row)| !row.erased.is_empty());
        Ok(erasing.map(|(id, _)| *id).collect())
    }

    fn remove_erased(&self, stream: StreamId, is_settled: bool) -> Result<Option<Remaining>, StoreError> {
        let mut contents = self.owned()?;
        let Contents { streams, chunks, journal, .. } = &mut *contents;
        let Some(row) = streams.get_mut(&stream) else { return Ok(None) };
        let keys: Vec<_> = chunks.keys().filter(|(of, _)| *of == stream).copied().collect();
        for key in keys {
            let Some(chunk) = chunks.remove(&key) else { continue };
            let kept = chunk.without(&row.erased);
            chunks.extend(kept.map(|chunk| ((stream, chunk.row.last), chunk)));
        }
        let of_erased =
            |located: &Located| located.stream == stream && is_erased(&row.erased, located.meta.number);
        journal.retain(|_, entry| !of_erased(&entry.located));
        if is_settled {
            row.erased.clear();
        }
        Ok(Some(Remaining { row: row.clone(), in_chunks: false }))
    }

    fn create_stream(&self, stream: &Stream, quota: Option<u32>) -> Result<(), StoreError> {
        let mut contents = self.owned()?;
        let (account, region) = (stream.arn.account(), stream.arn.region());
        let owned = contents.streams.values().map(|row| &row.stream.arn);
        let owned: Vec<_> = owned.filter(|arn| arn.account() == account && arn.region() == region).collect();
        if owned.iter().any(|arn| arn.name() == stream.arn.name()) {
            return Err(exists(stream));
        }
        if quota.is_some_and(|quota| owned.len() >= quota as usize) {
            return Err(quota_reached(owned.len() as u64));
        }
        let row = StreamRow {
            stream: stream.clone(),
            expired_through: ServerTime::from_unix_ms(i64::MIN),
            chunked_through: FragmentNumber::MIN,
            newest_server: ServerTime::from_unix_ms(i64::MIN),
            reserved_through: 0,
            finished: false,
            erased: Vec::new(),
        };
        contents.streams.insert(stream.id, row);
        Ok(())
    }

    fn stream(&self, key: &StreamKey) -> Result<Option<StreamRow>, StoreError> {
        let contents = self.owned()?;
        Ok(contents.streams.values().find(|row| is_named(&row.stream, key)).cloned())
    }

    fn list_streams(&self, page: &StreamPage) -> Result<Vec<Stream>, StoreError> {
        let contents = self.owned()?;
        let mut listed: Vec<Stream> = contents
            .streams
            .values()
            .map(|row| &row.stream)
            .filter(|stream| {
                let (arn, name) = (&stream.arn, stream.arn.name());
                (arn.account(), arn.region()) == (&page.account, &page.region)
                    && name.as_str().starts_with(&page.prefix)
                    && page.after.as_ref().is_none_or(|after| name > after)
            })
            .cloned()
            .collect();
        listed.sort_by(|one, other| one.arn.name().cmp(other.arn.name()));
        listed.truncate(page.limit);
        Ok(listed)
    }

    fn stream_ids(&self, after: Option<StreamId>, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        let contents = self.owned()?;
        let ids = contents.streams.keys().filter(|id| after.is_none_or(|after| **id > after));
        Ok(ids.take(limit).copied().collect())
    }

    fn delete_stream(&self, key: &StreamKey, version: Option<u64>) -> Result<StreamId, StoreError> {
        let mut contents = self.owned()?;
        let row = contents.streams.values().find(|row| is_named(&row.stream, key));
        let row = row.ok_or_else(StoreError::stream_not_found)?;
        check_version(&row.stream, version)?;
        let id = row.stream.id;
        contents.keys.remove(&id);
        contents.streams.remove(&id);
        Ok(id)
    }

    fn erase_keys(&self, _stream: StreamId) -> Result<(), StoreError> {
        // There is no other copy.
        self.owned().map(drop)
    }

    fn set_tags(
        &self,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<StreamRow, StoreError> {
        self.change(stream, None, |row| change_tags(&mut row.stream.tags, add, remove, max))
    }

    fn set_details(
        &self,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<StreamRow, StoreError> {
        self.change(stream, version, |row| {
            if let Some(name) = device_name {
                row.stream.device_name = Some(name.to_owned());
            }
            if let Some(media_type) = media_type {
                row.stream.media_type = Some(media_type.to_owned());
            }
            Ok(())
        })
    }

    fn set_storage_tier(
        &self,
        stream: StreamId,
        version: Option<u64>,
        tier: StorageTier,
    ) -> Result<StreamRow, StoreError> {
        self.change(stream, version, |row| {
            row.stream.storage_tier = tier;
            Ok(())
        })
    }

    fn set_retention(
        &self,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
        now: WallTime,
    ) -> Result<StreamRow, StoreError> {
        self.change(stream, version, |row| {
            row.expired_through = expired_through(row, now);
            row.stream.retention_hours = hours;
            Ok(())
        })
    }

    fn reserve(&self, stream: StreamId, new_session: bool) -> Result<Reservation, StoreError> {
        let mut contents = self.owned()?;
        let row = contents.streams.get_mut(&stream).ok_or_else(StoreError::stream_not_found)?;
        let block = Reservation::after(row.reserved_through, new_session);
        row.reserved_through = block.through;
        row.finished &= !new_session;
        Ok(block)
    }

    fn set_finished(&self, stream: StreamId, finished: bool) -> Result<(), StoreError> {
        if let Some(row) = self.owned()?.streams.get_mut(&stream) {
            row.finished = finished;
        }
        Ok(())
    }

    fn keys(&self, stream: StreamId) -> Result<Vec<KeyRow>, StoreError> {
        Ok(self.owned()?.keys.get(&stream).cloned().unwrap_or_default())
    }

    fn add_key(&self, stream: StreamId, key: &KeyRow) -> Result<bool, StoreError> {
        let mut contents = self.owned()?;
        if !contents.streams.contains_key(&stream) {
            return Err(StoreError::stream_not_found());
        }
        let keys = contents.keys.entry(stream).or_default();
        let fresh = keys.iter().all(|known| known.number != key.number);
        if fresh {
            keys.push(key.clone());
            keys.sort_by_key(|key| key.number);
        }
        Ok(fresh)
    }

    fn remember_time(&self, time: WallTime) -> Result<(), StoreError> {
        self.owned()?.last_time = Some(time);
        Ok(())
    }

    fn last_time(&self) -> Result<Option<WallTime>, StoreError> {
        let contents = self.owned()?;
        let rows = contents.streams.values();
        let rows = rows.flat_map(|row| [row.newest_server.unix_ms(), row.stream.arn.created().unix_ms()]);
        let journal = contents.journal.values().map(|entry| entry.located.meta.server.unix_ms());
        let newest = rows.chain(journal).max().map(WallTime::from_unix_ms);
        Ok(contents.last_time.or(newest))
    }

    fn close(&self) {}
}

fn is_named(stream: &Stream, key: &StreamKey) -> bool {
    let arn = &stream.arn;
    match key {
        StreamKey::Id(id) => stream.id == *id,
        StreamKey::Arn(wanted) => arn == wanted,
        StreamKey::Name(account, region, name) => {
            (arn.account(), arn.region(), arn.name()) == (account, region, name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_every_backend_promises() {
        crate::conformance::check(&mut || {
            let disk = MemoryDisk::new();
            Box::new(move || Arc::new(MemoryBackend::open(&disk)) as Arc<dyn Backend>)
        });
    }

    #[test]
    fn refuses_one_erasure_more_than_may_wait() {
        let disk = MemoryDisk::new();
        let open: crate::conformance::Open =
            Box::new(move || Arc::new(MemoryBackend::open(&disk)) as Arc<dyn Backend>);
        crate::conformance::one_erasure_more_than_may_wait_is_refused(&open);
    }
}
