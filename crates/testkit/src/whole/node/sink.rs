//! Uploads of captures: PutMedia sessions within the process, fed when the schedule says so.

use async_trait::async_trait;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tympan_capture::{
    Cut, MediaSink, Piece, SinkError, SinkErrorKind, Upload, UploadAck, UploadAcks, UploadSpec,
};
use tympan_kvs::{
    AckEvent, BodyEnd, G711, KvsErrorCode, KvsService, PutMediaInput, PutMediaOutput, PutMediaRequest,
    PutMediaSession,
};
use tympan_store::Clock;
use tympan_store::simulation::SimulatedClock;
use tympan_telephony::audio::g711::Law;
use tympan_types::{Caller, FragmentNumber, Mono, StreamArn};

/// What one upload may have waiting before it is cut off.
pub(crate) const BACKLOG_BYTES: usize = 1 << 20;

/// Opens uploads to the store of this process.
#[derive(Clone)]
pub(crate) struct Sink {
    kvs: KvsService,
    clock: Arc<SimulatedClock>,
    uploads: Arc<Mutex<Uploads>>,
}

/// All uploads that are not over.
#[derive(Default)]
pub(crate) struct Uploads {
    next: u64,
    open: BTreeMap<u64, Session>,
    /// The most that any had waiting.
    pub(crate) backlog_max_bytes: usize,
}

struct Session {
    stream: StreamArn,
    session: PutMediaSession,
    waiting: Vec<(Kind, Vec<u8>)>,
    waiting_bytes: usize,
    end: Option<BodyEnd>,
    acks: Arc<Mutex<Acks>>,
}

/// What bytes of an upload are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mkv,
    Codes(Law),
    Index,
}

#[derive(Default)]
struct Acks {
    waiting: VecDeque<UploadAck>,
    is_over: bool,
}

/// A fragment of a stream that was acknowledged as durable.
pub(crate) type Persisted = (StreamArn, FragmentNumber);

impl Sink {
    pub(crate) fn new(kvs: &KvsService, clock: Arc<SimulatedClock>) -> Self {
        Self { kvs: kvs.within_process(), clock, uploads: Arc::default() }
    }

    /// Hands on what waits where the store takes it, and passes on what it acknowledges. What was acknowledged as durable is given.
    pub(crate) fn feed(&self, now: Mono) -> Vec<Persisted> {
        let mut persisted = Vec::new();
        let mut uploads = self.uploads();
        let mut open = std::mem::take(&mut uploads.open);
        for session in open.values_mut() {
            if (!session.waiting.is_empty() || session.end.is_some()) && session.session.is_ready(now) {
                session.hand_on(now);
                if let Some(end) = session.end.take() {
                    session.session.handle(now, PutMediaInput::End(end));
                }
            }
            session.take_acks(now, &mut persisted);
        }
        open.retain(|_, session| !lock(&session.acks).is_over);
        uploads.open = open;
        persisted
    }

    /// When a session is to be asked again.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        let mut uploads = self.uploads();
        uploads.open.values_mut().filter_map(|session| session.session.next_deadline()).min()
    }

    /// Whether bytes or an end wait for a session.
    pub(crate) fn has_waiting(&self) -> bool {
        self.uploads().open.values().any(|session| !session.waiting.is_empty() || session.end.is_some())
    }

    pub(crate) fn uploads(&self) -> MutexGuard<'_, Uploads> {
        lock(&self.uploads)
    }
}

impl Uploads {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

impl Session {
    fn hand_on(&mut self, now: Mono) {
        self.waiting_bytes = 0;
        self.session.handle(now, PutMediaInput::TimePassed);
        for (kind, bytes) in std::mem::take(&mut self.waiting) {
            match kind {
                Kind::Mkv => self.session.handle(now, PutMediaInput::Bytes(&bytes)),
                Kind::Codes(Law::Mu) => self.session.push_codes(G711::Mu, &bytes),
                Kind::Codes(Law::A) => self.session.push_codes(G711::A, &bytes),
                Kind::Index => self.session.push_index(&bytes),
            }
        }
    }

    fn take_acks(&mut self, now: Mono, persisted: &mut Vec<Persisted>) {
        let mut acks = lock(&self.acks);
        while let Some(output) = self.session.poll(now) {
            let ack = match output {
                PutMediaOutput::Ack(ack) => ack,
                PutMediaOutput::Closed => {
                    acks.is_over = true;
                    return;
                }
            };
            let fragment = ack.number.zip(ack.timecode);
            let told = match (ack.event, fragment) {
                (AckEvent::Buffering, Some((number, timecode_ms))) => {
                    UploadAck::Buffering { number, timecode_ms }
                }
                (AckEvent::Received, Some((number, timecode_ms))) => {
                    UploadAck::Received { number, timecode_ms }
                }
                (AckEvent::Persisted, Some((number, timecode_ms))) => {
                    persisted.push((self.stream.clone(), number));
                    UploadAck::Persisted { number, timecode_ms }
                }
                (AckEvent::Error(id), _) => UploadAck::Error { id: id.id(), code: id.code().to_owned() },
                _ => continue,
            };
            acks.waiting.push_back(told);
        }
    }
}

#[async_trait]
impl MediaSink for Sink {
    async fn open(&self, spec: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError> {
        let caller = Caller {
            account: spec.stream.account().clone(),
            region: spec.stream.region().clone(),
            access_key_id: "tympan-capture".into(),
        };
        let request = PutMediaRequest::capture(spec.stream.clone());
        let session = self.kvs.begin_put_media(self.clock.mono(), &caller, request).map_err(|error| {
            let kind = match error.code() {
                KvsErrorCode::ResourceNotFound | KvsErrorCode::InvalidArgument => {
                    SinkErrorKind::StreamUnusable
                }
                _ => SinkErrorKind::Unavailable,
            };
            SinkError { kind, message: error.to_string() }
        })?;
        let acks = Arc::<Mutex<Acks>>::default();
        let mut uploads = self.uploads();
        let number = uploads.next;
        uploads.next += 1;
        let entry = Session {
            stream: spec.stream,
            session,
            waiting: Vec::new(),
            waiting_bytes: 0,
            end: None,
            acks: acks.clone(),
        };
        uploads.open.insert(number, entry);
        let upload = LocalUpload { number, uploads: self.uploads.clone(), is_finished: false };
        Ok((Box::new(upload), Box::new(LocalAcks(acks))))
    }
}

struct LocalUpload {
    number: u64,
    uploads: Arc<Mutex<Uploads>>,
    is_finished: bool,
}

impl LocalUpload {
    fn pieces<'a>(&self, pieces: impl Iterator<Item = (Kind, &'a [u8])>) {
        let mut uploads = lock(&self.uploads);
        let Some(session) = uploads.open.get_mut(&self.number).filter(|session| session.end.is_none()) else {
            return;
        };
        for (kind, bytes) in pieces {
            session.waiting_bytes += bytes.len();
            match session.waiting.last_mut() {
                Some((Kind::Mkv, waiting)) if kind == Kind::Mkv => waiting.extend_from_slice(bytes),
                _ => session.waiting.push((kind, bytes.to_vec())),
            }
        }
        let waiting = session.waiting_bytes;
        if waiting > BACKLOG_BYTES {
            session.waiting.clear();
            session.end = Some(BodyEnd::Lost);
        }
        uploads.backlog_max_bytes = uploads.backlog_max_bytes.max(waiting);
    }

    fn end(&self, end: BodyEnd) {
        if let Some(session) = lock(&self.uploads).open.get_mut(&self.number) {
            session.end.get_or_insert(end);
        }
    }
}

impl Upload for LocalUpload {
    fn write(&mut self, mkv: &[u8]) {
        self.pieces([(Kind::Mkv, mkv)].into_iter());
    }

    fn write_cut(&mut self, cut: &Cut) {
        self.pieces(cut.pieces().map(|piece| match piece {
            Piece::Mkv(mkv) => (Kind::Mkv, mkv),
            Piece::Codes(law, codes) => (Kind::Codes(law), codes),
            Piece::Index(index) => (Kind::Index, index),
        }));
    }

    fn finish(mut self: Box<Self>) {
        self.is_finished = true;
        self.end(BodyEnd::Finished);
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        if !self.is_finished {
            self.end(BodyEnd::Lost);
        }
    }
}

struct LocalAcks(Arc<Mutex<Acks>>);

#[async_trait]
impl UploadAcks for LocalAcks {
    async fn next(&mut self) -> Option<UploadAck> {
        poll_fn(|_| {
            let mut acks = lock(&self.0);
            match (acks.waiting.pop_front(), acks.is_over) {
                (Some(ack), _) => Poll::Ready(Some(ack)),
                (None, true) => Poll::Ready(None),
                (None, false) => Poll::Pending,
            }
        })
        .await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
