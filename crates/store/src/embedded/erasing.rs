//! What is left of erased fragments goes: chunks are replaced by ones without them, and ranges are forgotten once the journal has let go
//! of their segments. Source: docs/storage.md section 6, *Erase fragments*.

use super::EmbeddedBackend;
use super::evidence::ObjectName;
use crate::gone::is_erased;
use crate::index_block;
use crate::tail::predecessor;
use crate::{
    ChunkPart, ChunkRow, FirstMatch, FragmentRange, JournalLoc, Located, Remaining, StoreError, StreamId,
    StreamKey,
};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::PoisonError;
use tympan_types::FragmentNumber;

impl EmbeddedBackend {
    pub(super) fn remove_what_is_erased(
        &self,
        stream: StreamId,
        is_settled: bool,
    ) -> Result<Option<Remaining>, StoreError> {
        let Some(row) = self.catalogue.stream(&StreamKey::Id(stream))? else { return Ok(None) };
        if row.erased.is_empty() {
            return Ok(Some(Remaining { row, in_chunks: false }));
        }
        self.catalogue.check_takes_changes()?;
        // Nothing is swept between an object's announcement and its row.
        let _alone = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_up_unnamed(stream)?;
        let mut in_chunks = false;
        for range in &row.erased {
            in_chunks |= !self.clear_chunks(stream, *range, &row.erased)?;
        }
        // While a backup runs the bytes stay; they are garbage, and no longer named.
        match self.deleting.try_write() {
            Ok(_alone) => drop(self.remove_garbage(|of| of == Some(stream))?),
            Err(_) => in_chunks = true,
        }
        if is_settled {
            self.catalogue.settle_erasures(stream, self.journal.newest())?;
        }
        if in_chunks || !self.catalogue.forget_erasures(&self.pages, stream, self.journal.oldest())? {
            return Ok(Some(Remaining { row, in_chunks }));
        }
        let row = self.catalogue.stream(&StreamKey::Id(stream))?;
        Ok(row.map(|row| Remaining { row, in_chunks }))
    }

    /// A chunk that could not be named holds what is erased, perhaps. Once a later commit has succeeded its row never becomes durable.
    fn give_up_unnamed(&self, stream: StreamId) -> Result<(), StoreError> {
        let unnamed = self.unnamed().get(&stream).cloned();
        let Some(row) = unnamed else { return Ok(()) };
        if !self.catalogue.names(&row)? {
            self.catalogue.announce(&row.object)?;
        }
        self.unnamed().remove(&stream);
        Ok(())
    }

    /// Takes the fragments of a range out of the stream's chunks; false where one of them cannot be read.
    fn clear_chunks(
        &self,
        stream: StreamId,
        range: FragmentRange,
        erased: &[FragmentRange],
    ) -> Result<bool, StoreError> {
        let (mut after, mut is_clear) = (predecessor(range.first), true);
        while let Some(chunk) = self.catalogue.find_chunk(stream, after, FirstMatch::Any)? {
            if chunk.first > range.last {
                break;
            }
            after = chunk.last;
            if range.covers(&FragmentRange { first: chunk.first, last: chunk.last }) {
                self.reserve.lend(|| self.catalogue.replace_chunk(&chunk, None))?;
                continue;
            }
            // Where its file is missing, it may come back.
            let Some(parts) = self.chunks.parts(&chunk)? else {
                is_clear = false;
                continue;
            };
            let kept: Vec<ChunkPart> =
                parts.iter().filter(|part| !is_erased(erased, part.meta.number)).copied().collect();
            if kept.is_empty() {
                self.reserve.lend(|| self.catalogue.replace_chunk(&chunk, None))?;
            } else if kept.len() < parts.len() {
                is_clear &= self.replace_by_those(&chunk, &kept)?;
            }
        }
        Ok(is_clear)
    }

    /// Writes a chunk of some of another one's fragments, and puts it in its place. False where that one cannot be read.
    fn replace_by_those(&self, chunk: &ChunkRow, kept: &[ChunkPart]) -> Result<bool, StoreError> {
        let Some(first) = kept.first().map(|part| part.meta.number) else { return Ok(true) };
        let object = self.chunks.next_object(chunk.stream, first);
        self.catalogue.announce(&object)?;
        let located = |part: &ChunkPart| Located {
            stream: chunk.stream,
            meta: part.meta,
            key: part.key,
            loc: JournalLoc { segment: 0, offset: u64::from(part.offset), length: part.length },
        };
        let records: Vec<Located> = kept.iter().map(located).collect();
        let offsets: HashMap<FragmentNumber, u32> =
            kept.iter().map(|part| (part.meta.number, part.offset)).collect();
        let read = |record: &Located| {
            let missing = || StoreError::internal(format!("chunk {} is gone", chunk.object));
            let offset = offsets.get(&record.meta.number).copied().ok_or_else(missing)?;
            self.chunks.read(chunk, offset, record.loc.length)?.ok_or_else(missing)
        };
        let side = self.chunks.indexes(chunk);
        let blocks: HashMap<FragmentNumber, Range<usize>> = index_block::blocks(&side)
            .filter(|(header, _)| header.stream == chunk.stream)
            .map(|(header, range)| (header.number, range))
            .collect();
        let read_index = |record: &Located| {
            blocks.get(&record.meta.number).and_then(|range| side.get(range.clone())).map(<[u8]>::to_vec)
        };
        let by = self.chunks.write_as(object, chunk.stream, &records, read, read_index)?;
        self.catalogue.replace_chunk(chunk, Some(&by))?;
        Ok(true)
    }

    /// Removes the bytes of garbage of some streams; its names are durably gone where fragments of its stream were erased: a file
    /// that came back would prove that the catalogue is an old one. How many objects. The caller keeps backups and other sweeps away.
    pub(super) fn remove_garbage(&self, of: impl Fn(Option<StreamId>) -> bool) -> Result<u64, StoreError> {
        let stream_of = |object: &str| ObjectName::parse(object).map(|name| name.stream);
        let mut garbage = self.catalogue.garbage()?;
        garbage.retain(|object| of(stream_of(object)));
        if garbage.is_empty() {
            return Ok(0);
        }
        let erasing: HashSet<StreamId> = self.catalogue.erasing_streams()?.into_iter().collect();
        for object in &garbage {
            match stream_of(object).is_some_and(|stream| erasing.contains(&stream)) {
                true => self.chunks.remove_durably(object)?,
                false => self.chunks.remove(object)?,
            }
        }
        self.reserve.lend(|| self.catalogue.forget_garbage(&garbage))?;
        Ok(garbage.len() as u64)
    }
}
