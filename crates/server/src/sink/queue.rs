//! Between the media threads, which may not wait, and the store, which may have to.
//!
//! Media threads append under a lock that is held for the copy of one frame, and wake the writer once a tick. The
//! writer takes everything at once and feeds it, in order, into the PutMedia sessions.

use futures_util::FutureExt;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tympan_capture::{Cut, Piece, Upload};
use tympan_kvs::{BodyEnd, G711, PutMediaSession};
use tympan_telephony::audio::g711::Law;

/// The queue and its writer thread.
pub(crate) struct CaptureQueue {
    state: Mutex<State>,
    filled: Condvar,
    /// What one upload may have waiting before it is cut off.
    backlog_limit_bytes: u64,
    next_upload: AtomicU64,
    stats: CaptureQueueStats,
}

/// What the queue counted.
#[derive(Debug, Default)]
pub(crate) struct CaptureQueueStats {
    /// Bytes handed to the store.
    pub written_bytes: AtomicU64,
    /// Bytes that a slow store made us refuse.
    pub refused_bytes: AtomicU64,
    /// Uploads that were cut off for that.
    pub cut_off_uploads: AtomicU64,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    /// The bytes of all `Entry::Piece`, one after the other.
    bytes: Vec<u8>,
    closed: bool,
}

enum Entry {
    Open { upload: UploadId, session: Box<PutMediaSession>, taken: Arc<AtomicU64> },
    Piece { upload: UploadId, kind: Kind, length: usize },
    Finish { upload: UploadId, end: BodyEnd },
}

impl Entry {
    fn is_piece_of(&self, this: UploadId) -> bool {
        matches!(self, Self::Piece { upload, .. } if *upload == this)
    }

    fn piece(self) -> Option<(Kind, usize)> {
        match self {
            Self::Piece { kind, length, .. } => Some((kind, length)),
            Self::Open { .. } | Self::Finish { .. } => None,
        }
    }
}

/// What some bytes of the queue are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mkv,
    Codes(Law),
    Index,
}

type UploadId = u64;

/// Room that is kept from one round to the next: a frame each of three thousand calls.
const RETAINED_BYTES: usize = 1024 * 1024;

impl CaptureQueue {
    /// Starts the writer thread. It ends when [`Self::close`] was called and everything is written.
    pub(crate) fn start(backlog_limit_bytes: usize, runtime: Handle) -> std::io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            backlog_limit_bytes: backlog_limit_bytes as u64,
            next_upload: AtomicU64::new(0),
            stats: CaptureQueueStats::default(),
        });
        let writer = Writer { queue: queue.clone(), runtime, sessions: HashMap::new() };
        std::thread::Builder::new().name("capture-writer".into()).spawn(move || writer.run())?;
        Ok(queue)
    }

    /// The sending half of a session, for a media thread.
    pub(super) fn upload(self: &Arc<Self>, session: PutMediaSession) -> QueuedUpload {
        let upload = self.next_upload.fetch_add(1, Ordering::Relaxed);
        let taken = Arc::new(AtomicU64::new(0));
        self.state().entries.push(Entry::Open { upload, session: Box::new(session), taken: taken.clone() });
        QueuedUpload { queue: self.clone(), upload, admitted: 0, seen_taken: 0, taken, open: true }
    }

    /// Wakes the writer, if there is anything for it. Called once a tick.
    pub(crate) fn wake(&self) {
        if !self.state().entries.is_empty() {
            self.filled.notify_one();
        }
    }

    /// Lets the writer end after what is queued.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Counters.
    pub(crate) fn stats(&self) -> &CaptureQueueStats {
        &self.stats
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Appending cannot panic half way in a way that matters: entries and bytes are only read by the writer.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One capture's bytes on their way into the queue.
pub(super) struct QueuedUpload {
    queue: Arc<CaptureQueue>,
    upload: UploadId,
    /// Bytes that were put into the queue.
    admitted: u64,
    /// Those of them that the writer had taken out when it was last looked at: not before it matters, as that is another place in memory.
    seen_taken: u64,
    taken: Arc<AtomicU64>,
    open: bool,
}

impl QueuedUpload {
    /// Takes room for so many bytes, or ends the upload: the store is too slow for it.
    fn admit(&mut self, bytes: usize) -> bool {
        let stats = &self.queue.stats;
        if !self.open {
            stats.refused_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            return false;
        }
        let bytes = bytes as u64;
        let admitted = self.admitted.saturating_add(bytes);
        let limit = self.queue.backlog_limit_bytes;
        if admitted.saturating_sub(self.seen_taken) > limit {
            self.seen_taken = self.taken.load(Ordering::Relaxed);
        }
        if admitted.saturating_sub(self.seen_taken) > limit {
            tracing::error!("the store is too slow for a capture, which ends here; the call goes on");
            stats.refused_bytes.fetch_add(bytes, Ordering::Relaxed);
            stats.cut_off_uploads.fetch_add(1, Ordering::Relaxed);
            self.end(BodyEnd::Lost);
            return false;
        }
        self.admitted = admitted;
        true
    }

    fn end(&mut self, end: BodyEnd) {
        if std::mem::replace(&mut self.open, false) {
            self.queue.state().entries.push(Entry::Finish { upload: self.upload, end });
            self.queue.filled.notify_one();
        }
    }
}

impl Upload for QueuedUpload {
    fn write(&mut self, mkv: &[u8]) {
        if self.admit(mkv.len()) {
            self.queue.state().piece(self.upload, Kind::Mkv, mkv);
        }
    }

    fn write_cut(&mut self, cut: &Cut) {
        if self.admit(cut.piece_bytes()) {
            let mut state = self.queue.state();
            for piece in cut.pieces() {
                match piece {
                    Piece::Mkv(mkv) => state.piece(self.upload, Kind::Mkv, mkv),
                    Piece::Codes(law, codes) => state.piece(self.upload, Kind::Codes(law), codes),
                    Piece::Index(index) => state.piece(self.upload, Kind::Index, index),
                }
            }
        }
    }

    fn finish(mut self: Box<Self>) {
        self.end(BodyEnd::Finished);
    }
}

impl Drop for QueuedUpload {
    fn drop(&mut self) {
        self.end(BodyEnd::Lost);
    }
}

impl State {
    fn piece(&mut self, this: UploadId, what: Kind, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        match self.entries.last_mut() {
            // Codes are those of one block.
            Some(Entry::Piece { upload, kind: Kind::Mkv, length })
                if (*upload, what) == (this, Kind::Mkv) =>
            {
                *length += bytes.len();
            }
            _ => self.entries.push(Entry::Piece { upload: this, kind: what, length: bytes.len() }),
        }
    }
}

struct Writer {
    queue: Arc<CaptureQueue>,
    runtime: Handle,
    sessions: HashMap<UploadId, (Box<PutMediaSession>, Arc<AtomicU64>)>,
}

impl Writer {
    fn run(mut self) {
        let mut round = State::default();
        loop {
            {
                let mut state = self.queue.state();
                while state.entries.is_empty() {
                    if state.closed {
                        return;
                    }
                    state = self.queue.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                // What was used in the last round becomes the queue, with its room.
                std::mem::swap(&mut state.entries, &mut round.entries);
                std::mem::swap(&mut state.bytes, &mut round.bytes);
            }
            self.write(&mut round);
        }
    }

    /// Waits while the store, as a whole, is behind: then only this thread does.
    fn await_store(&mut self) {
        let Some((session, _)) = self.sessions.values_mut().next() else { return };
        if session.ready().now_or_never().is_none() {
            self.runtime.block_on(session.ready());
        }
    }

    fn write(&mut self, round: &mut State) {
        self.await_store();
        let mut rest = round.bytes.as_slice();
        let mut entries = round.entries.drain(..).peekable();
        while let Some(entry) = entries.next() {
            match entry {
                Entry::Open { upload, session, taken } => {
                    self.sessions.insert(upload, (session, taken));
                }
                Entry::Piece { upload, kind, length } => {
                    let mut session = self.sessions.get_mut(&upload);
                    let (mut next, mut written_bytes) = (Some((kind, length)), 0);
                    // The pieces of a frame come one after the other.
                    while let Some((kind, length)) = next {
                        let (bytes, after) = rest.split_at(length.min(rest.len()));
                        (rest, written_bytes) = (after, written_bytes + bytes.len());
                        if let Some((session, _)) = &mut session {
                            match kind {
                                Kind::Mkv => session.push(bytes),
                                Kind::Codes(law) => session.push_codes(law_of(law), bytes),
                                Kind::Index => session.push_index(bytes),
                            }
                        }
                        next = entries.next_if(|entry| entry.is_piece_of(upload)).and_then(Entry::piece);
                    }
                    if let Some((_, taken)) = session {
                        let before = taken.load(Ordering::Relaxed);
                        taken.store(before.wrapping_add(written_bytes as u64), Ordering::Relaxed);
                    }
                }
                Entry::Finish { upload, end } => {
                    if let Some((mut session, _)) = self.sessions.remove(&upload) {
                        session.finish(end);
                    }
                }
            }
        }
        drop(entries);
        self.queue.stats.written_bytes.fetch_add(round.bytes.len() as u64, Ordering::Relaxed);
        round.bytes.clear();
        round.bytes.shrink_to(RETAINED_BYTES);
    }
}

fn law_of(law: Law) -> G711 {
    match law {
        Law::Mu => G711::Mu,
        Law::A => G711::A,
    }
}
