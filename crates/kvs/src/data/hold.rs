//! Open fragments whose producers have gone: each waits for a session that goes on with it, and is sealed as it stands
//! when none has come in time.

use super::ack_stream::AckQueue;
use super::elements::Elements;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
    window: Duration,
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
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            stopping: watch::Sender::new(false),
            waiting: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            resumed: AtomicU64::new(0),
            sealed: AtomicU64::new(0),
            taken_back: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// From now on nothing waits.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether fragments wait at all.
    pub(crate) fn is_on(&self) -> bool {
        !self.window.is_zero() && !*self.stopping.borrow()
    }

    /// Whether any fragment waits, of whatever stream.
    pub(crate) fn any_waits(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn counts(&self) -> CutFragments {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CutFragments {
            waiting: count(&self.waiting),
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed) as u64,
            resumed: count(&self.resumed),
            sealed: count(&self.sealed),
            taken_back: count(&self.taken_back),
            refused: count(&self.refused),
        }
    }

    /// A session has gone on with a fragment that another one had open.
    pub(crate) fn resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the open fragment of a writer whose producer has gone. `wants_acks`: the producer was told nothing of it
    /// and will send it again, so that it may be taken back when the server stops.
    pub(crate) fn keep(self: &Arc<Self>, mut writer: Writer, bell: Arc<Bell>, wants_acks: bool) {
        let Some(fragment) = writer.open_fragment() else { return };
        if *self.stopping.borrow() {
            return self.stop_one(writer, wants_acks);
        }
        let runtime = Handle::try_current().ok().filter(|_| self.is_on());
        let Some(runtime) = runtime else { return self.seal(writer) };
        let bytes = fragment.pieces.iter().map(|piece| piece.len()).sum();
        let beside = writer.on_offer().iter().filter(|held| held.waits).count();
        if beside >= MOST_PER_STREAM || self.waiting_bytes.load(Ordering::Relaxed) + bytes > MOST_BYTES {
            tracing::warn!(number = %fragment.number, "too many cut fragments wait; one is sealed as it stands");
            self.refused.fetch_add(1, Ordering::Relaxed);
            return self.seal(writer);
        }
        tracing::info!(number = %fragment.number, window = ?self.window, "an upload broke off; its fragment waits");
        writer.leave_waiting();
        let waiting = Waiting::new(self.clone(), bytes);
        runtime.spawn(waiting.wait(writer, bell, wants_acks));
    }

    /// Seals the open fragment of a writer as it stands. No producer gets an acknowledgement of it.
    pub(crate) fn seal(&self, mut writer: Writer) {
        if seal_as_it_stands(&mut writer).is_some() {
            self.sealed.fetch_add(1, Ordering::Relaxed);
        }
        writer.close(Ending::Disconnected);
    }

    /// The server stops before the fragment has ended.
    pub(crate) fn stop_one(&self, mut writer: Writer, wants_acks: bool) {
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

/// One fragment that waits; counted until it is dropped.
struct Waiting {
    holds: Arc<Holds>,
    bytes: usize,
}

impl Waiting {
    fn new(holds: Arc<Holds>, bytes: usize) -> Self {
        holds.waiting.fetch_add(1, Ordering::Relaxed);
        holds.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { holds, bytes }
    }

    async fn wait(self, writer: Writer, bell: Arc<Bell>, wants_acks: bool) {
        let until = Instant::now() + self.holds.window;
        // A session that began in time is waited for, but only so long.
        let at_last = until + self.holds.window;
        let mut stopping = self.holds.stopping.subscribe();
        loop {
            let now = Instant::now();
            match writer.standing() {
                Standing::TakenOver | Standing::None => return,
                // The producer was told meanwhile that an earlier fragment is lost: it sends this one again, too.
                _ if bell.acks.has_failed() => return self.holds.stop_one(writer, true),
                Standing::Alone if now >= until => return self.holds.seal(writer),
                Standing::Sought if now >= at_last => return self.holds.seal(writer),
                Standing::Alone | Standing::Sought => {}
            }
            tokio::select! {
                () = bell.rung.notified() => {}
                () = sleep_until(if now < until { until } else { at_last }) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {
                    return self.holds.stop_one(writer, wants_acks);
                }
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.holds.waiting.fetch_sub(1, Ordering::Relaxed);
        self.holds.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
