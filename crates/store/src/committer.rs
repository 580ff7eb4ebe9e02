//! Group commit: while one fdatasync runs, the next group gathers, so that the size of the groups adapts to the disk. A fragment
//! that comes alone is written at once. Where many come, groups begin no more often than
//! [`StoreOptions::commit_interval_ms`](crate::StoreOptions): an fdatasync costs the same for one fragment as for fifty. The thread's loop is
//! [`CommitQueue::commit_one`] and a wait, so that a program of one thread can make the same steps.

use crate::stream_cell::StreamCell;
use crate::{Backend, FragmentMeta, Located, Record, StoreError};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// A sealed fragment on its way to the disk.
pub(crate) struct Waiting {
    pub(crate) record: Record,
    pub(crate) cell: Arc<StreamCell>,
    pub(crate) meta: FragmentMeta,
    pub(crate) key: u32,
    pub(crate) done: oneshot::Sender<Result<(), StoreError>>,
}

/// What waits for the disk.
pub(crate) struct CommitQueue {
    state: Mutex<State>,
    filled: Condvar,
    drained: Notify,
    limit_bytes: usize,
    group_bytes: usize,
    pub(crate) counts: CommitCounts,
}

/// Totals since the store was opened.
#[derive(Default)]
pub(crate) struct CommitCounts {
    pub(crate) groups: AtomicU64,
    pub(crate) fragments: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) indexes_left_out: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Of what waits and of the group being written.
    bytes: usize,
    closed: bool,
    /// The thread lets a group gather, and need not be woken before it is a whole one.
    is_gathering: bool,
}

impl CommitQueue {
    /// `limit_bytes` is what may wait, `group_bytes` what one fdatasync is for.
    pub(crate) fn new(limit_bytes: usize, group_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            drained: Notify::new(),
            limit_bytes,
            group_bytes,
            counts: CommitCounts::default(),
        }
    }

    /// Takes a fragment, however full the queue is: see [`CommitQueue::ready`]. Gives it back once the store is shut.
    pub(crate) fn push(&self, waiting: Waiting) -> Result<(), Box<Waiting>> {
        let mut state = self.state();
        if state.closed {
            return Err(Box::new(waiting));
        }
        state.bytes += waiting.record.len();
        state.waiting.push_back(waiting);
        let is_awaited = !state.is_gathering || state.bytes >= self.group_bytes;
        drop(state);
        if is_awaited {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits while more waits for the disk than it should.
    pub(crate) async fn ready(&self) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            if self.is_ready() {
                return;
            }
            drained.await;
        }
    }

    /// Bytes that wait for the disk.
    pub(crate) fn bytes(&self) -> usize {
        let state = self.state();
        if state.closed { 0 } else { state.bytes }
    }

    /// Nothing more is taken; what waits is still written.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
        self.drained.notify_waiters();
    }

    /// Whether less waits for the disk than [`CommitQueue::ready`] waits for.
    pub(crate) fn is_ready(&self) -> bool {
        self.bytes() <= self.limit_bytes
    }

    /// The committer thread's whole life. Groups begin at least `interval` apart, unless a whole one waits.
    pub(crate) fn run(&self, backend: &dyn Backend, interval: Duration) {
        while self.wait() {
            let next = Instant::now() + interval;
            self.commit_one(backend);
            self.gather(next);
        }
    }

    /// Makes the next group durable, never waiting for one. Whether there was one.
    pub(crate) fn commit_one(&self, backend: &dyn Backend) -> bool {
        let group = self.next_group();
        if group.is_empty() {
            return false;
        }
        let bytes = group.iter().map(|waiting| waiting.record.len()).sum();
        self.commit(backend, group, bytes);
        self.state().bytes -= bytes;
        self.drained.notify_waiters();
        true
    }

    /// Whether a fragment waits for the disk.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Waits for a fragment; `false` once the queue is closed and empty.
    fn wait(&self) -> bool {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Lets a group gather until a time, until it is a whole one, or until the queue is closed.
    fn gather(&self, until: Instant) {
        let mut state = self.state();
        state.is_gathering = true;
        while !state.closed && state.bytes < self.group_bytes {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_gathering = false;
    }

    fn next_group(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let mut bytes = 0;
        let count = state.waiting.iter().take_while(|waiting| {
            let first = bytes == 0;
            bytes += waiting.record.len();
            first || bytes <= self.group_bytes
        });
        let count = count.count();
        state.waiting.drain(..count).collect()
    }

    fn commit(&self, backend: &dyn Backend, group: Vec<Waiting>, bytes: usize) {
        let records: Vec<&Record> = group.iter().map(|waiting| &waiting.record).collect();
        let committed = backend.commit(&records);
        let fragments = group.len() as u64;
        match committed {
            Ok(locs) => {
                self.counts.groups.fetch_add(1, Ordering::Relaxed);
                self.counts.fragments.fetch_add(fragments, Ordering::Relaxed);
                self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                for (waiting, loc) in group.into_iter().zip(locs) {
                    let Waiting { cell, meta, key, done, .. } = waiting;
                    if !cell.tail().durable(Located { stream: cell.id, meta, key, loc }) {
                        backend.release(&[loc]);
                    }
                    // A writer that does not wait for the promise does not need it.
                    let _ = done.send(Ok(()));
                }
            }
            Err(error) => {
                tracing::error!(fragments, bytes, %error, "a group of fragments could not be made durable");
                self.counts.failed.fetch_add(fragments, Ordering::Relaxed);
                for Waiting { cell, meta, done, .. } in group {
                    cell.tail().settle(meta.number);
                    let _ = done.send(Err(error.clone()));
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
