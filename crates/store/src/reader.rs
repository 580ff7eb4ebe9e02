use crate::history::{AskChunks, NextOfChunks, OpenChunk};
use crate::record::Opened;
use crate::run::Run;
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::{Place, Step};
use crate::{ErrorKind, FragmentMeta, Located, ReadEvent, StoreError, Stream};
use std::sync::Arc;
use std::task::Poll;
use tympan_types::FragmentNumber;

/// Reads a stream from somewhere in its history into its live tail, without gap or repeat.
pub struct Reader {
    core: Arc<Core>,
    cell: Arc<StreamCell>,
    place: Place,
    /// The producer's time at which it begins, until the fragment is found.
    begins_at_ms: Option<i64>,
    /// Read from disk and not handed out yet.
    ready: Option<Run>,
    chunk: Option<Arc<OpenChunk>>,
    key_checked: bool,
    at_tail: bool,
}

impl Reader {
    pub(crate) fn new(core: Arc<Core>, cell: Arc<StreamCell>, start: crate::Start) -> Self {
        let place = cell.tail().enter(start);
        let begins_at_ms = match start {
            crate::Start::AtProducer(at) => Some(at.unix_ms()),
            _ => None,
        };
        Self { core, cell, place, begins_at_ms, ready: None, chunk: None, key_checked: false, at_tail: false }
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
        if let Some(at_ms) = self.begins_at_ms {
            let cell = self.cell.clone();
            let found = self.core.blocking(move |core| core.seek_producer(&cell, at_ms)).await?;
            self.begins_at_ms = None;
            if let Some(number) = found {
                self.place.begin_with(number);
            }
        }
        loop {
            if let Some(opened) = self.open_ready() {
                return Ok(ReadEvent::Stored(opened?.into_fragment(self.core.codec())?));
            }
            let step = std::future::poll_fn(|cx| {
                let now = self.core.now();
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

    /// Whether something was read ahead.
    pub fn has_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Appends the next fragment to `out` if it lies in memory already: its head, what `between` adds, its body. `None`
    /// says only that [`Self::next`] has to be asked.
    ///
    /// # Errors
    /// `Corrupt` for a damaged fragment, after which reading goes on with the next one; `out` is then as it was.
    pub fn append_ready(
        &mut self,
        out: &mut Vec<u8>,
        between: impl FnOnce(&FragmentMeta, &mut Vec<u8>),
    ) -> Option<Result<FragmentMeta, StoreError>> {
        let opened = self.open_ready()?;
        Some(opened.and_then(|opened| opened.append(self.core.codec(), out, between)))
    }

    /// What was read ahead, unless it has expired or was erased since, or the stream is gone.
    fn open_ready(&mut self) -> Option<Result<Opened, StoreError>> {
        let run = self.ready.as_mut()?;
        let gone = {
            let tail = self.cell.tail();
            (!tail.is_deleted()).then(|| tail.gone(self.core.clock.now()))
        };
        let next = gone.and_then(|gone| run.next(&gone));
        if next.is_none() || run.is_empty() {
            self.ready = None;
        }
        next
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

    async fn read_chunks(&mut self, through: FragmentNumber) -> Result<(), StoreError> {
        let (after, seek) = (self.place.after, self.place.seek);
        let gone = self.cell.tail().gone(self.core.clock.now());
        let most_bytes = self.core.options.read_ahead_bytes;
        let ask = AskChunks { stream: self.cell.id, after, seek, gone, open: self.chunk.take(), most_bytes };
        match self.core.next_of_chunks(&self.stream(), ask).await? {
            NextOfChunks::Nothing => self.place.advance(through),
            // Told once; reading goes on behind it.
            NextOfChunks::Unreadable(last, error) => {
                self.place.advance(last);
                return Err(error.about(last));
            }
            NextOfChunks::Run { run, last, chunk } => {
                self.accept(run);
                self.place.advance(last);
                self.chunk = Some(chunk);
            }
        }
        Ok(())
    }

    fn accept(&mut self, run: Run) {
        if !run.is_empty() {
            self.place.found();
            self.ready = Some(run);
        }
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
