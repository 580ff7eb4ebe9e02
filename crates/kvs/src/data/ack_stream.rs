//! The acks of one session on their way from the thread that pushes media to the task that answers the client.

use super::ack::{Ack, AckEvent, ErrorId};
use super::ack_log::SessionLog;
use crate::stopwatch::Stopwatch;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tympan_store::{ErrorKind, Persisting, StoreError};
use tympan_types::FragmentNumber;

/// When a session is told that it is idle, and when it is closed for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdleRule {
    pub(crate) ack_after: Duration,
    pub(crate) close_after: Duration,
}

/// The acks of a PutMedia session, in the order in which they go to the client.
///
/// It may be read on another task than the one that pushes; each session has one reader.
pub struct AckStream {
    queue: Arc<AckQueue>,
    /// IDLE acks since the last activity, and when that was.
    idle_told: u32,
    idle_since: Instant,
}

impl AckStream {
    pub(crate) fn new(queue: Arc<AckQueue>) -> Self {
        let idle_since = queue.last_activity();
        Self { queue, idle_told: 0, idle_since }
    }

    /// The next ack; `None` once the session is over and everything is told: the response ends.
    ///
    /// Cancel-safe. A session with an idle rule needs tokio's timer.
    pub async fn next(&mut self) -> Option<Ack> {
        loop {
            let deadline = self.deadline();
            let ack = poll_fn(|context| self.queue.poll(context));
            // Once the body has ended, the silence is the disk's.
            let Some(deadline) = deadline else { return ack.await };
            if let Ok(ack) = timeout_at(deadline, ack).await {
                return ack;
            }
            if let Poll::Ready(told) = self.poll_idle() {
                return told;
            }
        }
    }

    /// As [`Self::next`], without a timer: asked again at [`Self::deadline`].
    pub(crate) fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<Option<Ack>> {
        match self.queue.poll(context) {
            Poll::Pending => self.poll_idle(),
            told => told,
        }
    }

    /// When there is something to say of the silence, if it lasts.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        let rule = self.queue.idle.filter(|_| self.queue.is_open())?;
        let (tell_at, close_at) = self.dues(rule);
        Some(tell_at.min(close_at))
    }

    /// When the next IDLE is due, and when the session is closed.
    fn dues(&mut self, rule: IdleRule) -> (Instant, Instant) {
        let last_activity = self.queue.last_activity();
        if last_activity != self.idle_since {
            (self.idle_since, self.idle_told) = (last_activity, 0);
        }
        (self.idle_since + rule.ack_after * (self.idle_told + 1), self.idle_since + rule.close_after)
    }

    /// What there is to say of the silence by now.
    fn poll_idle(&mut self) -> Poll<Option<Ack>> {
        let Some(rule) = self.queue.idle.filter(|_| self.queue.is_open()) else { return Poll::Pending };
        let (tell_at, close_at) = self.dues(rule);
        let now = self.queue.now();
        if now < tell_at.min(close_at) {
            return Poll::Pending;
        }
        if self.queue.held_back.load(Ordering::Relaxed) {
            // Media waits for a slow disk: the producer is not idle.
            self.queue.touch();
        }
        if self.queue.last_activity() != self.idle_since {
            return Poll::Pending;
        }
        if now >= close_at {
            tracing::info!("putmedia session closed: nothing arrived");
            self.queue.close();
            return Poll::Ready(None);
        }
        self.idle_told += 1;
        self.queue.note(Ack::IDLE);
        Poll::Ready(Some(Ack::IDLE))
    }
}

/// Where acks wait. Bounded, and none is forgotten: while too many wait, for the disk or for a client to read them, the
/// producer is held back: see [`AckQueue::room`]. What one piece of a body brings with it may come on top.
pub(crate) struct AckQueue {
    waiting: Mutex<Waiting>,
    limit: usize,
    /// Microseconds from `epoch` to the last media.
    activity_us: AtomicU64,
    /// The producer has media, and the store takes none for now.
    held_back: AtomicBool,
    stopwatch: Stopwatch,
    epoch: Instant,
    idle: Option<IdleRule>,
    log: Option<SessionLog>,
}

#[derive(Default)]
struct Waiting {
    ready: VecDeque<Ack>,
    persisting: VecDeque<PersistingFragment>,
    /// The ERROR that ends the session; told after the fate of all earlier fragments.
    error: Option<Ack>,
    /// There was one.
    failed: bool,
    phase: Phase,
    reader: Option<Waker>,
    /// Waits for [`AckQueue::room`].
    pusher: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Media may arrive.
    #[default]
    Open,
    /// No more media is taken; acks are still due.
    Ended,
    /// Nothing more is told.
    Closed,
}

struct PersistingFragment {
    outcome: Persisting,
    timecode: u64,
    number: FragmentNumber,
    /// Streams without retention persist nothing and say nothing.
    told: bool,
}

impl AckQueue {
    pub(crate) fn new(
        limit: usize,
        idle: Option<IdleRule>,
        stopwatch: Stopwatch,
        log: Option<SessionLog>,
    ) -> Self {
        Self {
            waiting: Mutex::default(),
            limit: limit.max(1),
            activity_us: AtomicU64::new(0),
            held_back: AtomicBool::new(false),
            epoch: stopwatch.now(),
            stopwatch,
            idle,
            log,
        }
    }

    /// This ack goes to the client.
    fn note(&self, ack: Ack) {
        if let Some(log) = &self.log {
            log.told(ack);
        }
    }

    /// Says whether the store holds the producer back.
    pub(crate) fn hold_back(&self, held_back: bool) {
        self.held_back.store(held_back, Ordering::Relaxed);
    }

    /// Media has arrived. Only a session that may be closed for silence reads the clock for that.
    pub(crate) fn touch(&self) {
        if self.idle.is_none() {
            return;
        }
        let since = self.now().saturating_duration_since(self.epoch);
        let since = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.activity_us.store(since, Ordering::Relaxed);
    }

    /// Whether the session tells silence: apart, because a session that does not looks at no place in memory for it.
    pub(crate) fn tells_silence(&self) -> bool {
        self.idle.is_some()
    }

    /// The session's clock.
    pub(crate) fn now(&self) -> Instant {
        self.stopwatch.now()
    }

    fn last_activity(&self) -> Instant {
        self.epoch + Duration::from_micros(self.activity_us.load(Ordering::Relaxed))
    }

    pub(crate) fn tell(&self, ack: Ack) {
        let mut waiting = self.lock();
        waiting.ready.push_back(ack);
        waiting.wake();
    }

    /// Waits while more fragments wait for the disk, or more acks for the client, than may. The former ends as the disk
    /// gets on, whether or not anybody reads the acks.
    pub(crate) async fn room(&self) {
        self.room_on_disk().await;
        poll_fn(|context| self.poll_room_for_acks(context)).await;
    }

    /// As [`Self::room`], asked for now.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.poll_room_on_disk(context) {
            Poll::Ready(()) => self.poll_room_for_acks(context),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_room_for_acks(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.lock();
        if waiting.ready.len() < self.limit || waiting.phase == Phase::Closed {
            return Poll::Ready(());
        }
        waiting.pusher = Some(context.waker().clone());
        Poll::Pending
    }

    /// Waits while more fragments wait for the disk than may. For a capture, which nothing else may hold back: it brings
    /// an ack or two a second, and ends with its reader.
    pub(crate) async fn room_on_disk(&self) {
        if self.lock().persisting.len() < self.limit {
            return;
        }
        let _wakes_reader = WakesReader(self);
        poll_fn(|context| self.poll_room_on_disk(context)).await;
    }

    /// As [`Self::room_on_disk`], asked for now.
    pub(crate) fn poll_room_on_disk(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.lock();
        while waiting.persisting.len() >= self.limit && waiting.phase != Phase::Closed {
            let Poll::Ready(told) = waiting.poll_persisting(context) else {
                waiting.pusher = Some(context.waker().clone());
                return Poll::Pending;
            };
            waiting.ready.extend(told);
        }
        Poll::Ready(())
    }

    /// A fragment is complete: RECEIVED now, PERSISTED when it is. A reader that hears only the latter sleeps until then.
    pub(crate) fn received(
        &self,
        timecode: u64,
        number: FragmentNumber,
        outcome: Persisting,
        acks: Received,
    ) {
        let mut waiting = self.lock();
        if matches!(acks, Received::Only | Received::ThenPersisted) {
            let event = AckEvent::Received;
            waiting.ready.push_back(Ack { event, timecode: Some(timecode), number: Some(number) });
        }
        let told = matches!(acks, Received::Persisted | Received::ThenPersisted);
        waiting.persisting.push_back(PersistingFragment { outcome, timecode, number, told });
        if waiting.ready.is_empty() {
            waiting.watch_disk();
        } else {
            waiting.wake();
        }
    }

    /// The session is over because of an error.
    pub(crate) fn fail(&self, ack: Ack) {
        let mut waiting = self.lock();
        waiting.error.get_or_insert(ack);
        waiting.failed = true;
        waiting.end();
    }

    /// No more media comes.
    pub(crate) fn end(&self) {
        self.lock().end();
    }

    /// Nothing more is told, whatever waits.
    fn close(&self) {
        let mut waiting = self.lock();
        waiting.phase = Phase::Closed;
        waiting.wake();
        waiting.wake_pusher();
    }

    /// Whether the session was told an ERROR, or will be.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// Whether the session takes media.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().phase == Phase::Open
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Ack>> {
        let told = self.poll_waiting(context);
        if let Poll::Ready(Some(ack)) = told {
            self.note(ack);
        }
        told
    }

    fn poll_waiting(&self, context: &mut Context<'_>) -> Poll<Option<Ack>> {
        let mut waiting = self.lock();
        let waiting = &mut *waiting;
        if waiting.phase == Phase::Closed {
            return Poll::Ready(None);
        }
        if let Some(ack) = waiting.ready.pop_front() {
            waiting.wake_pusher();
            return Poll::Ready(Some(ack));
        }
        while !waiting.persisting.is_empty() {
            let Poll::Ready(told) = waiting.poll_persisting(context) else { break };
            waiting.wake_pusher();
            if told.is_some() {
                return Poll::Ready(told);
            }
        }
        if waiting.phase == Phase::Ended && waiting.persisting.is_empty() {
            let last = waiting.error.take();
            if last.is_none() {
                waiting.phase = Phase::Closed;
            }
            return Poll::Ready(last);
        }
        waiting.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A promise wakes only the task that polled it last; so a task that polls one beside the reader lets the reader look again.
struct WakesReader<'a>(&'a AckQueue);

impl Drop for WakesReader<'_> {
    fn drop(&mut self) {
        self.0.lock().wake();
    }
}

/// What is told of a complete fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nothing: the producer asked for no acks.
    Silent,
    /// RECEIVED only: the stream has no retention.
    Only,
    /// RECEIVED, and PERSISTED later.
    ThenPersisted,
    /// PERSISTED later.
    Persisted,
}

impl Waiting {
    /// What became of the oldest fragment that waits for the disk: its ack, if it has one.
    fn poll_persisting(&mut self, context: &mut Context<'_>) -> Poll<Option<Ack>> {
        let Some(first) = self.persisting.front_mut() else { return Poll::Ready(None) };
        let Poll::Ready(outcome) = Pin::new(&mut first.outcome).poll(context) else { return Poll::Pending };
        let (timecode, number, told) = (Some(first.timecode), Some(first.number), first.told);
        self.persisting.pop_front();
        Poll::Ready(match outcome {
            Ok(()) => told.then_some(Ack { event: AckEvent::Persisted, timecode, number }),
            Err(error) => {
                self.lost(&error, timecode, number);
                None
            }
        })
    }

    /// Lets the disk wake the reader, if it sleeps, once it has something to say of the oldest fragment. Of later fragments the reader learns
    /// when it has looked at that one.
    fn watch_disk(&mut self) {
        if self.persisting.len() > 1 {
            return;
        }
        let Some(reader) = self.reader.take() else { return };
        match self.poll_persisting(&mut Context::from_waker(&reader)) {
            Poll::Pending => self.reader = Some(reader),
            Poll::Ready(told) => {
                self.ready.extend(told);
                reader.wake();
            }
        }
    }

    /// A received fragment could not be stored: the session ends, and later fragments are not spoken of.
    fn lost(&mut self, error: &StoreError, timecode: Option<u64>, number: Option<FragmentNumber>) {
        // A stream that was deleted under its producer is nobody's fault here.
        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotActive) {
            tracing::info!(%error, fragment_number = ?number, "fragment could not be stored");
        } else {
            tracing::error!(%error, fragment_number = ?number, "fragment could not be stored");
        }
        let event = AckEvent::Error(ErrorId::of_persisting(error));
        self.error = Some(Ack { event, timecode, number });
        self.failed = true;
        self.persisting.clear();
        self.phase = Phase::Ended;
    }

    fn end(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Ended;
        }
        self.wake();
    }

    fn wake_pusher(&mut self) {
        if let Some(pusher) = self.pusher.take() {
            pusher.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
