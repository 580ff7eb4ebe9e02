use crate::history::Run;
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::{Place, Step};
use crate::{ChunkPart, ChunkRow, ErrorKind, Fragment, FragmentMeta, Located, ReadEvent, StoreError, Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

/// Reads a stream from somewhere in its history into its live tail, without gap or repeat.
pub struct Reader {
    core: Arc<Core>,
    cell: Arc<StreamCell>,
    place: Place,
    /// Read from disk and not handed out yet.
    ready: VecDeque<Result<Fragment, StoreError>>,
    chunk: Option<Arc<OpenChunk>>,
    key_checked: bool,
    at_tail: bool,
}

/// A chunk in the middle of being read.
struct OpenChunk {
    row: Arc<ChunkRow>,
    parts: Vec<ChunkPart>,
}

impl Reader {
    pub(crate) fn new(core: Arc<Core>, cell: Arc<StreamCell>, start: crate::Start) -> Self {
        let place = cell.tail().enter(start);
        Self { core, cell, place, ready: VecDeque::new(), chunk: None, key_checked: false, at_tail: false }
    }

    /// Whether everything there is has been read: `next` was last seen waiting for something new.
    pub fn is_at_tail(&self) -> bool {
        self.at_tail
    }

    /// The next event; waits at the tail. Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// `Key` at the first call if the stream's key may not be used; `Corrupt` for a damaged fragment, after which
    /// reading goes on with the next one; `Internal` if the disk failed, after which the same place is read again.
    pub async fn next(&mut self) -> Result<ReadEvent, StoreError> {
        if !self.key_checked {
            let stream = self.stream();
            match self.core.check_reading(&stream).await {
                // Whether the stream is gone is the tail's to say.
                Err(error) if *error.kind() != ErrorKind::NotFound => return Err(error),
                _ => self.key_checked = true,
            }
        }
        loop {
            if let Some(event) = self.take_ready() {
                return event;
            }
            let step = std::future::poll_fn(|cx| {
                let now = self.core.clock.now();
                let mut tail = self.cell.tail();
                let step = tail.next(&mut self.place, now, &self.core.options);
                self.at_tail = matches!(step, Step::Wait);
                match step {
                    Step::Wait => {
                        tail.wait(self.place.id, cx.waker());
                        Poll::Pending
                    }
                    step => Poll::Ready(step),
                }
            });
            let read = match step.await {
                Step::Event(event) => return Ok(event),
                Step::Chunks(through) => self.read_chunks(through).await,
                Step::Journal(records) => self.read_journal(records).await,
                Step::Wait => Ok(()),
            };
            if let Err(error) = read {
                // A stream that was deleted under the read shows itself as a missing key; the tail says it better.
                if !self.cell.tail().is_deleted() {
                    return Err(error);
                }
            }
        }
    }

    /// What was read ahead, unless it has expired since.
    fn take_ready(&mut self) -> Option<Result<ReadEvent, StoreError>> {
        if self.ready.is_empty() {
            return None;
        }
        let expired = {
            let tail = self.cell.tail();
            if tail.is_deleted() {
                return Some(Ok(ReadEvent::Deleted));
            }
            tail.expired_through(self.core.clock.now())
        };
        loop {
            match self.ready.pop_front()? {
                Ok(fragment) if fragment.meta.server <= expired => {}
                Ok(fragment) => return Some(Ok(ReadEvent::Stored(fragment))),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn read_journal(&mut self, records: Vec<Located>) -> Result<(), StoreError> {
        let Some(last) = records.last().map(|located| located.meta.number) else { return Ok(()) };
        // Gone: a chunk has taken it over since we looked. The tail knows.
        if let Some(run) = self.core.read_journal_run(&self.stream(), records).await? {
            self.accept(run);
            self.place.advance(last);
        }
        Ok(())
    }

    async fn read_chunks(&mut self, through: tympan_types::FragmentNumber) -> Result<(), StoreError> {
        let Some(chunk) = self.open_chunk().await? else {
            self.place.advance(through);
            return Ok(());
        };
        let expired = self.cell.tail().expired_through(self.core.clock.now());
        let wanted = |meta: &FragmentMeta| {
            meta.number > self.place.after && meta.server > expired && self.place.seek.wants(meta)
        };
        let Some(begin) = chunk.parts.iter().position(|part| wanted(&part.meta)) else {
            self.place.advance(chunk.row.last);
            self.chunk = None;
            return Ok(());
        };
        let mut bytes = 0;
        let run = chunk.parts[begin..].iter().take_while(|part| {
            let fits = bytes < self.core.options.read_ahead_bytes;
            bytes += part.length as usize;
            fits
        });
        let run: Vec<ChunkPart> = run.copied().collect();
        let (row, last) = (chunk.row.clone(), run.last().map_or(chunk.row.last, |part| part.meta.number));
        match self.core.read_chunk_run(&self.stream(), &row, run).await? {
            Some(run) => {
                self.accept(run);
                self.place.advance(last);
            }
            // Expired since we looked: look again.
            None => self.chunk = None,
        }
        Ok(())
    }

    /// The chunk that holds what comes next; `None` if there is none.
    async fn open_chunk(&mut self) -> Result<Option<Arc<OpenChunk>>, StoreError> {
        if self.chunk.as_ref().is_none_or(|chunk| chunk.row.last <= self.place.after) {
            let (id, after, seek) = (self.cell.id, self.place.after, self.place.seek);
            let found = self.core.blocking(move |core| {
                loop {
                    let Some(row) = core.backend.find_chunk(id, after, seek)? else { return Ok(None) };
                    match core.backend.chunk_parts(&row) {
                        Ok(None) => {}
                        Ok(Some(parts)) => {
                            return Ok(Some(Ok(OpenChunk { row: Arc::new(row), parts })));
                        }
                        Err(error) if *error.kind() == ErrorKind::Corrupt => {
                            return Ok(Some(Err((row.last, error))));
                        }
                        Err(error) => return Err(error),
                    }
                }
            });
            self.chunk = match found.await? {
                None => None,
                Some(Ok(chunk)) => Some(Arc::new(chunk)),
                // Told once; reading goes on behind it.
                Some(Err((last, error))) => {
                    self.chunk = None;
                    self.place.advance(last);
                    return Err(error.about(last));
                }
            };
        }
        Ok(self.chunk.clone())
    }

    fn accept(&mut self, run: Run) {
        if !run.is_empty() {
            self.place.found();
        }
        self.ready.extend(run);
    }

    fn stream(&self) -> Arc<Stream> {
        self.cell.tail().stream.clone()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.cell.tail().leave(&mut self.place);
    }
}
