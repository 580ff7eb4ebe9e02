//! Reading what is on disk: runs of records for readers, listings, single fragments.

use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::predecessor;
use crate::{
    ChunkPart, ChunkRow, ErrorKind, FirstMatch, Fragment, FragmentMeta, Located, StoreError, Stream,
    StreamId, TimeAxis, record,
};
use std::sync::Arc;
use tympan_kms::DataKey;
use tympan_types::FragmentNumber;

/// Data keys by number; none for one that is lost.
type Keys = Vec<(u32, Option<Arc<DataKey>>)>;

/// Fragments of a run in order; one that is damaged does not hide the others.
pub(crate) type Run = Vec<Result<Fragment, StoreError>>;

impl Core {
    /// The fragments of neighbouring parts of a chunk, with one read. `None` if the chunk is gone.
    pub(crate) async fn read_chunk_run(
        self: &Arc<Self>,
        stream: &Stream,
        chunk: &Arc<ChunkRow>,
        parts: Vec<ChunkPart>,
    ) -> Result<Option<Run>, StoreError> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(Some(Vec::new())) };
        let begin = first.offset;
        let length = (last.offset.saturating_add(last.length)).saturating_sub(begin);
        let keys = self.reading_keys(stream, parts.iter().map(|part| part.key)).await?;
        let chunk = chunk.clone();
        self.blocking(move |core| {
            let Some(bytes) = core.backend.read_chunk(&chunk, begin, length)? else { return Ok(None) };
            let open = |part: &ChunkPart| {
                let at = part.offset.saturating_sub(begin) as usize;
                let record = bytes.get(at..).unwrap_or_default();
                core.open_record(record, chunk.stream, part.meta.number, (part.key, &keys))
            };
            Ok(Some(parts.iter().map(open).collect()))
        })
        .await
    }

    /// The fragments of records in the journal. `None` if one of them has left it meanwhile.
    pub(crate) async fn read_journal_run(
        self: &Arc<Self>,
        stream: &Stream,
        records: Vec<Located>,
    ) -> Result<Option<Run>, StoreError> {
        let keys = self.reading_keys(stream, records.iter().map(|located| located.key)).await?;
        self.blocking(move |core| {
            let mut run = Vec::with_capacity(records.len());
            for located in &records {
                match core.backend.read_journal(located.loc) {
                    Ok(None) => return Ok(None),
                    Ok(Some(bytes)) => {
                        let key = (located.key, &keys);
                        run.push(core.open_record(&bytes, located.stream, located.meta.number, key));
                    }
                    Err(error) if *error.kind() == ErrorKind::Corrupt => {
                        run.push(Err(error.about(located.meta.number)));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(Some(run))
        })
        .await
    }

    /// One page of the fragments that begin within a span, ascending by number.
    pub(crate) fn list(
        &self,
        cell: &StreamCell,
        matching: FirstMatch,
        after: Option<FragmentNumber>,
        limit: usize,
    ) -> Result<Vec<FragmentMeta>, StoreError> {
        let mut after = after.unwrap_or(FragmentNumber::MIN);
        // The journal's share first: what a chunk takes over meanwhile is then neither missed nor listed twice.
        let (hot, chunked_through, expired) = {
            let tail = cell.tail();
            if tail.is_deleted() {
                return Err(StoreError::stream_not_found());
            }
            let expired = tail.expired_through(self.clock.now());
            let begin = tail.hot().partition_point(|located| located.meta.number <= after);
            let wanted = |meta: &FragmentMeta| meta.server > expired && matching.wants(meta);
            let metas = tail.hot().range(begin..).map(|located| located.meta).filter(wanted);
            (metas.take(limit).collect::<Vec<_>>(), tail.chunked_through(), expired)
        };
        let mut listed = Vec::new();
        while after < chunked_through && listed.len() < limit {
            let Some(chunk) = self.backend.find_chunk(cell.id, after, matching)? else { break };
            if chunk.first > chunked_through {
                break;
            }
            let parts = match self.backend.chunk_parts(&chunk) {
                Err(error) if *error.kind() == ErrorKind::Corrupt => {
                    tracing::error!(%error, object = chunk.object, "a chunk is left out of a listing");
                    Vec::new()
                }
                parts => parts?.unwrap_or_default(),
            };
            let wanted = parts
                .iter()
                .map(|part| part.meta)
                .filter(|meta| meta.number > after && meta.server > expired && matching.wants(meta));
            listed.extend(wanted.take(limit - listed.len()));
            after = chunk.last;
        }
        listed.extend(hot.into_iter().take(limit - listed.len()));
        Ok(listed)
    }

    /// One fragment by number; `None` if there is none, or no longer.
    pub(crate) async fn fragment(
        self: &Arc<Self>,
        cell: &Arc<StreamCell>,
        number: FragmentNumber,
    ) -> Result<Option<Fragment>, StoreError> {
        loop {
            let (stream, hot, chunked_through, expired) = {
                let tail = cell.tail();
                if tail.is_deleted() {
                    return Err(StoreError::stream_not_found());
                }
                let hot = tail.hot().binary_search_by(|located| located.meta.number.cmp(&number));
                let hot = hot.ok().map(|at| tail.hot()[at]);
                (tail.stream.clone(), hot, tail.chunked_through(), tail.expired_through(self.clock.now()))
            };
            let run = if let Some(located) = hot {
                if located.meta.server <= expired {
                    return Ok(None);
                }
                self.read_journal_run(&stream, vec![located]).await?
            } else if number <= chunked_through {
                let found = self.find_part(cell, number).await?;
                let Some((chunk, part)) = found.filter(|(_, part)| part.meta.server > expired) else {
                    return Ok(None);
                };
                self.read_chunk_run(&stream, &chunk, vec![part]).await?
            } else {
                return Ok(None);
            };
            // Gone means that it moved from the journal to a chunk, or expired, since we looked: look again.
            if let Some(run) = run {
                return run.into_iter().next().transpose();
            }
        }
    }

    async fn find_part(
        self: &Arc<Self>,
        cell: &Arc<StreamCell>,
        number: FragmentNumber,
    ) -> Result<Option<(Arc<ChunkRow>, ChunkPart)>, StoreError> {
        let id = cell.id;
        self.blocking(move |core| {
            let Some(chunk) = core.backend.find_chunk(id, predecessor(number), FirstMatch::Any)? else {
                return Ok(None);
            };
            let parts = core.backend.chunk_parts(&chunk)?.unwrap_or_default();
            let part = parts.into_iter().find(|part| part.meta.number == number);
            Ok(part.map(|part| (Arc::new(chunk), part)))
        })
        .await
    }

    fn open_record(
        &self,
        bytes: &[u8],
        stream: StreamId,
        number: FragmentNumber,
        (key_number, keys): (u32, &Keys),
    ) -> Result<Fragment, StoreError> {
        let key = keys.iter().find(|(known, _)| *known == key_number).and_then(|(_, key)| key.as_deref());
        let key = key.ok_or_else(|| {
            let message = format!(
                "fragment {number} of stream {stream} cannot be read: the catalogue has lost data key {key_number}"
            );
            StoreError::corrupt(message).about(number)
        })?;
        record::open(bytes, stream, number, key, self.options.body_codec.as_deref())
    }

    async fn reading_keys(
        self: &Arc<Self>,
        stream: &Stream,
        numbers: impl Iterator<Item = u32>,
    ) -> Result<Keys, StoreError> {
        let mut keys = Keys::new();
        for number in numbers {
            if keys.iter().all(|(known, _)| *known != number) {
                let key = match self.reading_key(stream, number).await {
                    Err(error) if *error.kind() == ErrorKind::Corrupt => None,
                    key => Some(key?),
                };
                keys.push((number, key));
            }
        }
        Ok(keys)
    }
}

/// The span of [`Core::list`].
pub(crate) fn starting(axis: TimeAxis, from_ms: i64, to_ms: i64) -> FirstMatch {
    FirstMatch::Starting { axis, from_ms, to_ms }
}
