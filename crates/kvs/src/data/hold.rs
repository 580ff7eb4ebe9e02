//! Open fragments whose producers have gone: each waits for a session that goes on with it, and is sealed as it stands
//! when none has come in time.

use super::ack_stream::AckQueue;
use super::elements::Elements;
use crate::stopwatch::Stopwatch;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tympan_store::{Ending, Persisting, Standing, Writer};

/// Fragments of one stream that wait at a time; beyond it they are sealed at once.
const MOST_PER_STREAM: usize = 8;
/// Bytes of all fragments that wait at a time; beyond it they are sealed at once.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What became of fragments whose uploads ended without their producer's word, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CutFragments {
    /// Waiting now.
    pub waiting: u64,
    /// Bytes of those.
    pub waiting_bytes: u64,
    /// A later upload went on with them.
    pub resumed: u64,
    /// Sealed as they stood.
    pub sealed: u64,
    /// Taken back, because their producers will send them again.
    pub taken_back: u64,
    /// Sealed at once because too much waited already; counted as sealed, too.
    pub refused: u64,
}

/// The fragments that wait.
pub(crate) struct Holds {
    fates: Arc<Fates>,
    window: Duration,
    stopwatch: Stopwatch,
    /// Those of a driven service; others wait on tasks of their own.
    driven: Mutex<Vec<Waiting>>,
}

/// What becomes of them.
struct Fates {
    stopping: watch::Sender<bool>,
    waiting: AtomicU64,
    waiting_bytes: AtomicUsize,
    resumed: AtomicU64,
    sealed: AtomicU64,
    taken_back: AtomicU64,
    refused: AtomicU64,
}

/// The session's side of a handover.
pub(crate) struct Bell {
    acks: Arc<AckQueue>,
    rung: Notify,
}

impl Bell {
    pub(crate) fn new(acks: Arc<AckQueue>) -> Arc<Self> {
        Arc::new(Self { acks, rung: Notify::new() })
    }

    /// Another session has taken the fragment over, so that this one takes nothing more; or it might have and has not, and
    /// this one has ended anyway.
    pub(crate) fn ring(&self) {
        self.acks.end();
        self.rung.notify_one();
    }
}

impl Holds {
    pub(crate) fn new(window: Duration, stopwatch: Stopwatch) -> Self {
        let fates = Fates {
            stopping: watch::Sender::new(false),
            waiting: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            resumed: AtomicU64::new(0),
            sealed: AtomicU64::new(0),
            taken_back: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        };
        Self { fates: Arc::new(fates), window, stopwatch, driven: Mutex::default() }
    }

    /// From now on nothing waits.
    pub(crate) fn stop(&self) {
        self.fates.stopping.send_replace(true);
        self.turn();
    }

    /// Whether fragments wait at all.
    pub(crate) fn is_on(&self) -> bool {
        !self.window.is_zero() && !self.fates.is_stopping()
    }

    /// Whether any fragment waits, of whatever stream.
    pub(crate) fn any_waits(&self) -> bool {
        self.fates.waiting.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn counts(&self) -> CutFragments {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CutFragments {
            waiting: count(&self.fates.waiting),
            waiting_bytes: self.fates.waiting_bytes.load(Ordering::Relaxed) as u64,
            resumed: count(&self.fates.resumed),
            sealed: count(&self.fates.sealed),
            taken_back: count(&self.fates.taken_back),
            refused: count(&self.fates.refused),
        }
    }

    /// A session has gone on with a fragment that another one had open.
    pub(crate) fn resumed(&self) {
        self.fates.resumed.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the open fragment of a writer whose producer has gone. `wants_acks`: the producer was told nothing of it
    /// and will send it again, so that it may be taken back when the server stops.
    pub(crate) fn keep(&self, mut writer: Writer, bell: Arc<Bell>, wants_acks: bool) {
        let Some(fragment) = writer.open_fragment() else { return };
        if self.fates.is_stopping() {
            return self.stop_one(writer, wants_acks);
        }
        let runtime = if self.stopwatch.is_driven() { None } else { Handle::try_current().ok() };
        if !self.is_on() || (runtime.is_none() && !self.stopwatch.is_driven()) {
            return self.seal(writer);
        }
        let bytes = fragment.pieces.iter().map(|piece| piece.len()).sum();
        let beside = writer.on_offer().iter().filter(|held| held.waits).count();
        let waiting_bytes = self.fates.waiting_bytes.load(Ordering::Relaxed);
        if beside >= MOST_PER_STREAM || waiting_bytes + bytes > MOST_BYTES {
            tracing::warn!(number = %fragment.number, "too many cut fragments wait; one is sealed as it stands");
            self.fates.refused.fetch_add(1, Ordering::Relaxed);
            return self.seal(writer);
        }
        tracing::info!(number = %fragment.number, window = ?self.window, "an upload broke off; its fragment waits");
        writer.leave_waiting();
        let until = self.stopwatch.now() + self.window;
        let waiting = Waiting {
            counted: Counted::new(self.fates.clone(), bytes),
            writer: Some(writer),
            bell,
            wants_acks,
            stopwatch: self.stopwatch.clone(),
            until,
            at_last: until + self.window,
        };
        match runtime {
            Some(runtime) => drop(runtime.spawn(waiting.wait())),
            None => self.driven().push(waiting),
        }
    }

    /// Of a driven service: does with each fragment what is due.
    pub(crate) fn turn(&self) {
        self.driven().retain_mut(|waiting| waiting.step().is_some());
    }

    /// Of a driven service: when the next fragment has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let now = self.stopwatch.now();
        self.driven().iter().map(|waiting| waiting.deadline(now)).min()
    }

    /// Seals the open fragment of a writer as it stands. No producer gets an acknowledgement of it.
    pub(crate) fn seal(&self, writer: Writer) {
        self.fates.seal(writer);
    }

    /// The server stops before the fragment has ended.
    pub(crate) fn stop_one(&self, writer: Writer, wants_acks: bool) {
        self.fates.stop_one(writer, wants_acks);
    }

    fn driven(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fates {
    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    fn seal(&self, mut writer: Writer) {
        if seal_as_it_stands(&mut writer).is_some() {
            self.sealed.fetch_add(1, Ordering::Relaxed);
        }
        writer.close(Ending::Disconnected);
    }

    fn stop_one(&self, mut writer: Writer, wants_acks: bool) {
        if !wants_acks {
            return self.seal(writer);
        }
        if matches!(writer.standing(), Standing::Alone | Standing::Sought) {
            self.taken_back.fetch_add(1, Ordering::Relaxed);
        }
        writer.abandon();
        writer.close(Ending::Disconnected);
    }
}

/// Seals the open fragment of a writer with the blocks that it has. `None` if there is none to be sealed.
pub(crate) fn seal_as_it_stands(writer: &mut Writer) -> Option<Persisting> {
    let elements = Elements::of(&writer.open_fragment()?);
    let Some(padding) = elements.padding() else {
        writer.abandon();
        return None;
    };
    if !padding.is_empty() {
        writer.push(padding);
    }
    let outcome = writer.seal(elements.duration_ms());
    (!outcome.is_taken_over()).then_some(outcome)
}

/// One fragment that waits.
struct Waiting {
    /// Dropped after the writer.
    counted: Counted,
    /// Until its fate is decided.
    writer: Option<Writer>,
    bell: Arc<Bell>,
    wants_acks: bool,
    stopwatch: Stopwatch,
    until: Instant,
    /// A session that began in time is waited for, but only so long.
    at_last: Instant,
}

impl Waiting {
    async fn wait(mut self) {
        let mut stopping = self.counted.fates.stopping.subscribe();
        while let Some(deadline) = self.step() {
            tokio::select! {
                () = self.bell.rung.notified() => {}
                () = sleep_until(deadline) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        }
    }

    /// Does what is due. Until when it waits on; `None` once its fate is decided.
    fn step(&mut self) -> Option<Instant> {
        let now = self.stopwatch.now();
        let fates = &*self.counted.fates;
        let writer = self.writer.take()?;
        if fates.is_stopping() {
            fates.stop_one(writer, self.wants_acks);
            return None;
        }
        match writer.standing() {
            Standing::TakenOver | Standing::None => {}
            // The producer was told meanwhile that an earlier fragment is lost: it sends this one again, too.
            _ if self.bell.acks.has_failed() => fates.stop_one(writer, true),
            Standing::Alone if now >= self.until => fates.seal(writer),
            Standing::Sought if now >= self.at_last => fates.seal(writer),
            Standing::Alone | Standing::Sought => {
                self.writer = Some(writer);
                return Some(self.deadline(now));
            }
        }
        None
    }

    fn deadline(&self, now: Instant) -> Instant {
        if now < self.until { self.until } else { self.at_last }
    }
}

/// Counted as waiting until it is dropped.
struct Counted {
    fates: Arc<Fates>,
    bytes: usize,
}

impl Counted {
    fn new(fates: Arc<Fates>, bytes: usize) -> Self {
        fates.waiting.fetch_add(1, Ordering::Relaxed);
        fates.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { fates, bytes }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.fates.waiting.fetch_sub(1, Ordering::Relaxed);
        self.fates.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
