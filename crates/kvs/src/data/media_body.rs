//! The body of GetMedia and GetMediaForFragmentList: self-contained Matroska documents, one per fragment.
//!
//! ```text
//! stored head | service tags 1 | Cluster and what follows it | service tags 2
//! ```
//!
//! Source: recordings of GetMedia.

use super::ack::ErrorId;
use super::end_tag;
use super::service_tags::{self, TAGS_BYTES};
use crate::connections::Connection;
use crate::rate::Pace;
use crate::readers::Reading;
use crate::{KvsError, KvsService};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};
use tympan_store::{
    Clock, ErrorKind, Fragment, FragmentMeta, MediaStore, ReadEvent, Reader, Start, StoreError, StreamId,
};
use tympan_types::{FragmentNumber, ServerTime};

/// A fragment with a body up to this size goes out as one chunk: cheaper copied than sent in three pieces.
const ONE_CHUNK_BYTES: usize = 2 * 1024;
/// Stored fragments that lie in memory are put together up to about this size: the way to a fragment costs more than the
/// fragment.
const GATHERED_BYTES: usize = 256 * 1024;
/// What is put together goes out in chunks of this size: a reader that takes one of them, however slowly, has not stalled.
const CHUNK_BYTES: usize = 32 * 1024;
/// What a read from the disk is given when it took longer than the stream may be quiet.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
/// What the service calls a fragment that is not there.
const FRAGMENT_NOT_FOUND: (u16, &str) = (3000, "FRAGMENT_NOT_FOUND");
/// What the service calls a reader that does not take what it is sent; the text is ours.
const WRITE_ERROR: (u16, &str) = (3002, "STREAM_WRITE_ERROR");

/// A body, chunk by chunk.
pub struct MediaBody {
    store: MediaStore,
    source: Source,
    /// Chunks that are due before anything else.
    due: VecDeque<Bytes>,
    pace: Pace,
    /// When the last chunk was handed out: from then on the reader is at work.
    handed_out_at: Option<Instant>,
    _connection: Connection,
}

enum Source {
    /// GetMedia.
    Stream(Box<Follow>),
    /// GetMediaForFragmentList: the numbers still to deliver.
    List { stream: StreamId, numbers: VecDeque<Wanted> },
    /// Everything is delivered.
    Ended,
}

/// A fragment of a list.
pub(crate) struct Wanted {
    /// As it was asked for.
    pub(crate) text: String,
    /// `None` for a number of more than 160 bits: there is no such fragment.
    pub(crate) number: Option<FragmentNumber>,
}

/// A reader that follows a stream.
struct Follow {
    reader: Reader,
    clock: Arc<dyn Clock>,
    /// The live fragment of which the head has gone out.
    open: Option<(FragmentNumber, ServerTime)>,
    /// The last fragment that was spoken of: what an error is about when nothing better is known.
    last: FragmentNumber,
    idle: Duration,
    /// Since when the body has been waiting at the tail; only while it does.
    waiting_since: Option<Instant>,
    /// From here on the body ends as soon as a fragment does.
    expires_at: Instant,
    /// A reader that takes nothing for so long has stalled.
    stall: Duration,
    /// It has, and is told at the next end of a fragment.
    stalled: bool,
    /// Where it notes how far it is, if it is listed.
    reading: Option<Arc<Reading>>,
}

impl MediaBody {
    /// The body of GetMedia.
    pub(super) fn follow(
        service: &KvsService,
        stream: StreamId,
        start: Start,
        connection: Connection,
    ) -> Result<Self, KvsError> {
        let last = match start {
            Start::After(number) => number,
            _ => FragmentNumber::MIN,
        };
        let mut due = VecDeque::new();
        let source = match service.store().reader(stream, start) {
            Ok(reader) => {
                let now = Instant::now();
                let options = service.options();
                Source::Stream(Box::new(Follow {
                    reader,
                    clock: Arc::clone(&options.clock),
                    open: None,
                    last,
                    idle: options.get_media_idle,
                    waiting_since: None,
                    expires_at: now + options.get_media_lifetime,
                    stall: options.get_media_stall,
                    stalled: false,
                    reading: connection.reading(),
                }))
            }
            Err(error) if matches!(error.kind(), ErrorKind::Key(_)) => {
                let id = ErrorId::of_store(&error);
                due.push_back(error_document(last, id.id(), id.code()));
                Source::Ended
            }
            Err(error) => return Err(error.into()),
        };
        let limits = service.limits();
        let pace = Pace::new(Instant::now(), limits.get_media_bytes_per_s, limits.get_media_fragments_per_s);
        let store = service.store().clone();
        Ok(Self { store, source, due, pace, handed_out_at: None, _connection: connection })
    }

    /// The body of GetMediaForFragmentList.
    pub(crate) fn list(
        service: &KvsService,
        stream: StreamId,
        numbers: VecDeque<Wanted>,
        connection: Connection,
    ) -> Self {
        let source = Source::List { stream, numbers };
        let pace = Pace::new(Instant::now(), service.limits().fragment_list_bytes_per_s, None);
        let (store, due) = (service.store().clone(), VecDeque::new());
        Self { store, source, due, pace, handed_out_at: None, _connection: connection }
    }

    /// The next chunk; `None` at the end of the body, which is always at the end of a document unless a live fragment
    /// was taken back.
    ///
    /// Frames of a live fragment come as they arrive, each in a chunk of its own, to be sent at once. Cancel-safe.
    ///
    /// The next chunk is asked for once there is room for it: the time between is the reader's, and one that takes
    /// nothing for too long is told so, which ends the body.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let (Some(since), Source::Stream(follow)) = (self.handed_out_at.take(), &mut self.source) {
            follow.stalled |= since.elapsed() > follow.stall;
        }
        loop {
            if let Some(resume_at) = self.pace.resume_at() {
                sleep_until(resume_at).await;
                self.pace.resumed();
            }
            if let Some(chunk) = self.due.pop_front() {
                let now = Instant::now();
                self.pace.count(now, chunk.len() as u64, 0);
                if let Source::Stream(follow) = &self.source
                    && let Some(reading) = &follow.reading
                {
                    reading.sent(chunk.len());
                }
                self.handed_out_at = Some(now);
                return Some(chunk);
            }
            match &mut self.source {
                Source::Ended => return None,
                Source::Stream(follow) => {
                    if follow.stalled && follow.open.is_none() {
                        tracing::info!(last = %follow.last, "getmedia ends: its reader took nothing for too long");
                        self.due.push_back(error_document(follow.last, WRITE_ERROR.0, WRITE_ERROR.1));
                        self.source = Source::Ended;
                        continue;
                    }
                    let most_bytes = if self.pace.is_free() { GATHERED_BYTES } else { 1 };
                    if let Some(gathered) = follow.gather(most_bytes, &mut self.due) {
                        self.pace.count(Instant::now(), 0, gathered.fragments);
                        if !gathered.goes_on {
                            self.source = Source::Ended;
                        }
                        continue;
                    }
                    let event = follow.event().await;
                    if matches!(event, Some(Ok(ReadEvent::Stored(_) | ReadEvent::Opened { .. }))) {
                        self.pace.count(Instant::now(), 0, 1);
                    }
                    if !follow.take(event, &mut self.due) {
                        self.source = Source::Ended;
                    }
                }
                Source::List { stream, numbers } => {
                    let Some(wanted) = numbers.front() else {
                        self.source = Source::Ended;
                        continue;
                    };
                    let fragment = match wanted.number {
                        Some(number) => self.store.fragment(*stream, number).await,
                        None => Ok(None),
                    };
                    list_item(&wanted.text, fragment, &mut self.due);
                    numbers.pop_front();
                }
            }
        }
    }
}

/// What [`Follow::gather`] did.
struct Gathered {
    fragments: u64,
    /// The body ends with them if not.
    goes_on: bool,
}

impl Follow {
    /// Puts fragments together that were read ahead. `None` if there are none, or the body is too old.
    fn gather(&mut self, most_bytes: usize, due: &mut VecDeque<Bytes>) -> Option<Gathered> {
        if !self.reader.has_ready() || Instant::now() >= self.expires_at {
            return None;
        }
        // The last fragment may reach beyond.
        let mut together = Vec::with_capacity(most_bytes + most_bytes / 8);
        let mut fragments = 0;
        let mut failed = None;
        while together.len() < most_bytes {
            let mut body_at = 0;
            let before = |meta: &FragmentMeta, out: &mut Vec<u8>| {
                service_tags::before_cluster(out, meta.number, meta.server, meta.producer);
                body_at = out.len();
            };
            match self.reader.append_ready(&mut together, before) {
                None if fragments == 0 => return None,
                None => break,
                Some(Ok(meta)) => {
                    end_tag::cut_off(&mut together, body_at);
                    service_tags::after_fragment(&mut together, meta.number, self.behind_ms(meta.server));
                    self.ended(meta.number);
                    fragments += 1;
                }
                Some(Err(error)) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if fragments > 0 {
            self.reached(self.last);
        }
        let mut rest = Bytes::from(together);
        while !rest.is_empty() {
            due.push_back(rest.split_to(rest.len().min(CHUNK_BYTES)));
        }
        let goes_on = failed.is_none_or(|error| self.take(Some(Err(error)), due));
        Some(Gathered { fragments, goes_on })
    }

    /// What happens next; `None` when the stream has been quiet for too long, or the body is too old.
    async fn event(&mut self) -> Option<Result<ReadEvent, StoreError>> {
        if self.open.is_some() {
            // A body ends between fragments. An open fragment ends by itself: PutMedia sees to that.
            return Some(self.reader.next().await);
        }
        let mut patience = self.idle;
        while Instant::now() < self.expires_at {
            // Only this wait counts: a client that does not read for a while has not made the stream quiet.
            let since = *self.waiting_since.get_or_insert_with(Instant::now);
            match timeout_at(self.expires_at.min(since + patience), self.reader.next()).await {
                Ok(event) => return Some(event),
                Err(_) if self.reader.is_at_tail() => return None,
                // A slow disk is no quiet stream either: the wait at the tail has yet to begin. The read that was cut
                // off is begun again, with more time.
                Err(_) => {
                    self.waiting_since = None;
                    patience = (patience * 2).max(LEAST_PATIENCE);
                }
            }
        }
        None
    }

    /// Turns an event into chunks; `false` when the body ends with them.
    fn take(&mut self, event: Option<Result<ReadEvent, StoreError>>, due: &mut VecDeque<Bytes>) -> bool {
        self.waiting_since = None;
        match event {
            None => return false,
            Some(Ok(ReadEvent::Stored(fragment))) => {
                let behind_ms = self.behind_ms(fragment.meta.server);
                self.reached(fragment.meta.number);
                self.ended(fragment.meta.number);
                document(fragment, Some(behind_ms), due);
            }
            Some(Ok(ReadEvent::Opened { number, producer, server, head })) => {
                self.open = Some((number, server));
                self.last = number;
                self.reached(number);
                let mut chunk = BytesMut::with_capacity(head.len() + TAGS_BYTES);
                chunk.extend_from_slice(&head);
                service_tags::before_cluster(&mut chunk, number, server, producer);
                due.push_back(chunk.freeze());
            }
            Some(Ok(ReadEvent::Body(bytes))) => due.push_back(bytes),
            Some(Ok(ReadEvent::Sealed { meta })) => {
                self.ended(meta.number);
                let mut chunk = BytesMut::with_capacity(TAGS_BYTES);
                service_tags::after_fragment(&mut chunk, meta.number, self.behind_ms(meta.server));
                due.push_back(chunk.freeze());
            }
            Some(Ok(ReadEvent::Abandoned | ReadEvent::CaptureEnded | ReadEvent::Deleted)) => return false,
            Some(Err(error)) => {
                tracing::warn!(%error, "getmedia ends with an error");
                if self.open.is_none() {
                    // A client that goes on after this number goes on behind what is damaged.
                    let about = error.fragment().unwrap_or(self.last);
                    let id = ErrorId::of_store(&error);
                    due.push_back(error_document(about, id.id(), id.code()));
                }
                return false;
            }
        }
        true
    }

    fn behind_ms(&self, server: ServerTime) -> i64 {
        self.clock.now().unix_ms() - server.unix_ms()
    }

    fn reached(&self, number: FragmentNumber) {
        if let Some(reading) = &self.reading {
            reading.reached(number, self.clock.now());
        }
    }

    fn ended(&mut self, number: FragmentNumber) {
        self.open = None;
        self.last = number;
    }
}

/// A stored fragment as GetMediaForFragmentList sends it.
pub fn fragment_document(fragment: Fragment) -> VecDeque<Bytes> {
    let mut due = VecDeque::new();
    document(fragment, None, &mut due);
    due
}

/// The document that says in mid-body why nothing follows; it is about this fragment where the error names none.
pub fn error_document_of(about: FragmentNumber, error: &StoreError) -> Bytes {
    let id = ErrorId::of_store(error);
    error_document(error.fragment().unwrap_or(about), id.id(), id.code())
}

/// A whole fragment. GetMedia says how far behind it is; the list does not.
fn document(fragment: Fragment, behind_ms: Option<i64>, due: &mut VecDeque<Bytes>) {
    let Fragment { meta, head, mut body } = fragment;
    // It was stored when the tag was kept.
    let kept = match end_tag::find(&body) {
        Some((at, kept)) => {
            body.truncate(at);
            kept
        }
        None => Vec::new(),
    };
    let whole = body.len() <= ONE_CHUNK_BYTES;
    let body_room = if whole { body.len() } else { 0 };
    let mut chunk = BytesMut::with_capacity(head.len() + body_room + TAGS_BYTES);
    chunk.extend_from_slice(&head);
    service_tags::before_cluster(&mut chunk, meta.number, meta.server, meta.producer);
    if whole {
        chunk.extend_from_slice(&body);
    } else {
        due.push_back(chunk.split().freeze());
        due.push_back(body);
    }
    chunk.extend_from_slice(&kept);
    if let Some(behind_ms) = behind_ms {
        service_tags::after_fragment(&mut chunk, meta.number, behind_ms);
    }
    if !chunk.is_empty() {
        due.push_back(chunk.freeze());
    }
}

fn list_item(number: &str, fragment: Result<Option<Fragment>, StoreError>, due: &mut VecDeque<Bytes>) {
    let (id, code) = match fragment {
        Ok(Some(fragment)) => return document(fragment, None, due),
        Ok(None) => FRAGMENT_NOT_FOUND,
        Err(error) => {
            tracing::warn!(%error, fragment_number = number, "fragment cannot be read");
            let id = ErrorId::of_store(&error);
            (id.id(), id.code())
        }
    };
    let mut chunk = BytesMut::new();
    service_tags::list_error_document(&mut chunk, number, id, code);
    due.push_back(chunk.freeze());
}

fn error_document(number: FragmentNumber, id: u16, code: &str) -> Bytes {
    let mut chunk = BytesMut::new();
    service_tags::error_document(&mut chunk, number, id, code);
    chunk.freeze()
}
