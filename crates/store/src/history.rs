//! Reading what is on disk: runs of records for readers, listings, single fragments.

use crate::gone::Gone;
use crate::run::{Keys, Run, Sealed};
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::predecessor;
use crate::{
    BodyCodec, ChunkPart, ChunkRow, ErrorKind, FirstMatch, Fragment, FragmentMeta, Located, StoreError,
    Stream, StreamId, TimeAxis,
};
use bytes::{Buf, Bytes, BytesMut};
use std::sync::Arc;
use tympan_types::FragmentNumber;

/// A chunk in the middle of being read.
pub(crate) struct OpenChunk {
    pub(crate) row: ChunkRow,
    parts: Vec<ChunkPart>,
}

/// What [`Core::next_of_chunks`] is to find.
pub(crate) struct AskChunks {
    pub(crate) stream: StreamId,
    pub(crate) after: FragmentNumber,
    pub(crate) seek: FirstMatch,
    pub(crate) gone: Gone,
    /// The chunk that was read last.
    pub(crate) open: Option<Arc<OpenChunk>>,
    /// About so much at once.
    pub(crate) most_bytes: usize,
}

/// What [`Core::next_of_chunks`] found.
pub(crate) enum NextOfChunks {
    /// No chunk holds what comes next.
    Nothing,
    /// A chunk up to this number cannot be read.
    Unreadable(FragmentNumber, StoreError),
    Run {
        run: Run,
        last: FragmentNumber,
        chunk: Arc<OpenChunk>,
    },
}

enum Found {
    Nothing,
    Unreadable(FragmentNumber, StoreError),
    Read { chunk: Arc<OpenChunk>, parts: Vec<ChunkPart>, bytes: Vec<u8> },
}

impl Core {
    /// What comes in a chunk after `ask.after`: the chunk is found and read in one go.
    pub(crate) async fn next_of_chunks(
        self: &Arc<Self>,
        stream: &Stream,
        ask: AskChunks,
    ) -> Result<NextOfChunks, StoreError> {
        let found = self.blocking(move |core| core.find_and_read(ask)).await?;
        Ok(match found {
            Found::Nothing => NextOfChunks::Nothing,
            Found::Unreadable(last, error) => NextOfChunks::Unreadable(last, error),
            Found::Read { chunk, parts, bytes } => {
                let keys = self.reading_keys(stream, parts.iter().map(|part| part.key)).await?;
                let run = chunk_run(chunk.row.stream, keys, &parts, bytes);
                NextOfChunks::Run {
                    run,
                    last: parts.last().map_or(chunk.row.last, |part| part.meta.number),
                    chunk,
                }
            }
        })
    }

    fn find_and_read(&self, ask: AskChunks) -> Result<Found, StoreError> {
        let AskChunks { stream, mut after, seek, gone, mut open, most_bytes } = ask;
        loop {
            let chunk = match open.take().filter(|chunk| chunk.row.last > after) {
                Some(chunk) => chunk,
                None => {
                    let Some(row) = self.backend.find_chunk(stream, after, seek)? else {
                        return Ok(Found::Nothing);
                    };
                    match self.backend.chunk_parts(&row) {
                        // Expired since we looked: look again.
                        Ok(None) => continue,
                        Ok(Some(parts)) => Arc::new(OpenChunk { row, parts }),
                        Err(error) if *error.kind() == ErrorKind::Corrupt => {
                            return Ok(Found::Unreadable(row.last, error));
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            let wanted = |meta: &FragmentMeta| meta.number > after && !gone.has(meta) && seek.wants(meta);
            let Some(begin) = chunk.parts.iter().position(|part| wanted(&part.meta)) else {
                after = chunk.row.last;
                continue;
            };
            let mut bytes = 0;
            let run = chunk.parts[begin..].iter().take_while(|part| {
                let fits = bytes < most_bytes;
                bytes += part.length as usize;
                fits
            });
            let parts: Vec<ChunkPart> = run.copied().collect();
            if let Some(bytes) = self.read_parts(&chunk.row, &parts)? {
                return Ok(Found::Read { chunk, parts, bytes });
            }
        }
    }

    /// Neighbouring parts of a chunk, with one read; `None` if the chunk is gone.
    fn read_parts(&self, chunk: &ChunkRow, parts: &[ChunkPart]) -> Result<Option<Vec<u8>>, StoreError> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(None) };
        let length = (last.offset.saturating_add(last.length)).saturating_sub(first.offset);
        self.backend.read_chunk(chunk, first.offset, length)
    }

    /// Records of the journal. `None` if one of them has left it meanwhile.
    pub(crate) async fn read_journal_run(
        self: &Arc<Self>,
        stream: &Stream,
        records: Vec<Located>,
    ) -> Result<Option<Run>, StoreError> {
        let keys = self.reading_keys(stream, records.iter().map(|located| located.key)).await?;
        let id = stream.id;
        self.blocking(move |core| {
            let mut run = Vec::with_capacity(records.len());
            for located in &records {
                let record = match core.backend.read_journal(located.loc) {
                    Ok(None) => return Ok(None),
                    Ok(Some(bytes)) => Ok(writable(bytes)),
                    Err(error) if *error.kind() == ErrorKind::Corrupt => Err(error),
                    Err(error) => return Err(error),
                };
                let (number, server) = (located.meta.number, located.meta.server);
                run.push(Sealed { number, server, key: located.key, record });
            }
            Ok(Some(Run::new(id, keys, run)))
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
        let (hot, chunked_through, gone) = {
            let tail = cell.tail();
            if tail.is_deleted() {
                return Err(StoreError::stream_not_found());
            }
            let gone = tail.gone(self.clock.now());
            let begin = tail.hot().partition_point(|located| located.meta.number <= after);
            let wanted = |meta: &FragmentMeta| !gone.has(meta) && matching.wants(meta);
            let metas = tail.hot().range(begin..).map(|located| located.meta).filter(wanted);
            (metas.take(limit).collect::<Vec<_>>(), tail.chunked_through(), gone)
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
                .filter(|meta| meta.number > after && !gone.has(meta) && matching.wants(meta));
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
            let (stream, hot, chunked_through, gone) = {
                let tail = cell.tail();
                if tail.is_deleted() {
                    return Err(StoreError::stream_not_found());
                }
                let hot = tail.hot().binary_search_by(|located| located.meta.number.cmp(&number));
                let hot = hot.ok().map(|at| tail.hot()[at]);
                (tail.stream.clone(), hot, tail.chunked_through(), tail.gone(self.clock.now()))
            };
            let run = if let Some(located) = hot {
                if gone.has(&located.meta) {
                    return Ok(None);
                }
                self.read_journal_run(&stream, vec![located]).await?
            } else if number <= chunked_through {
                let found = self.find_part(cell, number).await?;
                let Some((chunk, part)) = found.filter(|(_, part)| !gone.has(&part.meta)) else {
                    return Ok(None);
                };
                let keys = self.reading_keys(&stream, std::iter::once(part.key)).await?;
                let read = self.blocking(move |core| core.read_parts(&chunk, &[part])).await?;
                read.map(|bytes| chunk_run(cell.id, keys, &[part], bytes))
            } else {
                return Ok(None);
            };
            // Gone means that it moved from the journal to a chunk, or expired, since we looked: look again.
            if let Some(mut run) = run {
                let opened = run.next(&gone).transpose()?;
                return opened.map(|opened| opened.into_fragment(self.codec())).transpose();
            }
        }
    }

    /// The form in which bodies may be kept.
    pub(crate) fn codec(&self) -> Option<&dyn BodyCodec> {
        self.options.body_codec.as_deref()
    }

    async fn find_part(
        self: &Arc<Self>,
        cell: &Arc<StreamCell>,
        number: FragmentNumber,
    ) -> Result<Option<(ChunkRow, ChunkPart)>, StoreError> {
        let id = cell.id;
        self.blocking(move |core| {
            let Some(chunk) = core.backend.find_chunk(id, predecessor(number), FirstMatch::Any)? else {
                return Ok(None);
            };
            let parts = core.backend.chunk_parts(&chunk)?.unwrap_or_default();
            let part = parts.into_iter().find(|part| part.meta.number == number);
            Ok(part.map(|part| (chunk, part)))
        })
        .await
    }

    pub(crate) async fn reading_keys(
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

fn chunk_run(stream: StreamId, keys: Keys, parts: &[ChunkPart], bytes: Vec<u8>) -> Run {
    let mut rest = writable(bytes);
    let mut at = parts.first().map_or(0, |part| part.offset);
    let sealed = parts.iter().map(|part| {
        // Where the index was damaged, what could not be found again leaves a gap.
        let gap = part.offset.saturating_sub(at) as usize;
        rest.advance(gap.min(rest.len()));
        let record = rest.split_to(rest.len().min(part.length as usize));
        at = part.offset.saturating_add(part.length);
        Sealed { number: part.meta.number, server: part.meta.server, key: part.key, record: Ok(record) }
    });
    Run::new(stream, keys, sealed)
}

/// The same bytes, to be decrypted where they lie.
fn writable(read: Vec<u8>) -> BytesMut {
    // Nobody else has them, so they are not copied.
    Bytes::from(read).try_into_mut().unwrap_or_else(|shared| shared[..].into())
}

/// The span of [`Core::list`].
pub(crate) fn starting(axis: TimeAxis, from_ms: i64, to_ms: i64) -> FirstMatch {
    FirstMatch::Starting { axis, from_ms, to_ms }
}
