//! Housekeeping: one thread that makes chunks, enforces retention, reserves sequence numbers ahead of need, and
//! forgets idle streams. The thread's loop is [`Keeper::turn`] and a wait.

use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::{Backend, ErrorKind, JournalLoc, Located, StoreError};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tympan_types::Mono;

/// After a chunk could not be made, none is tried for so long: the journal keeps everything meanwhile.
const PAUSE_AFTER_FAILURE_MS: i64 = 10_000;

/// The bell of the housekeeping thread.
#[derive(Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    bell: Condvar,
    due: Mutex<Due>,
    pub(crate) chunks: AtomicU64,
    /// Held while chunks are made or replaced: two would make the same one.
    pub(crate) chunking: Mutex<()>,
    /// Held by whoever sweeps: when a sweep returns, nothing that was due is still about to be removed by another.
    pub(crate) sweeping: Mutex<()>,
}

/// When what is done now and then is due again.
#[derive(Clone, Copy, Default)]
struct Due {
    /// The next round, by the clock of its driver.
    round: Option<Mono>,
    chunks: Mono,
    sweep: Mono,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    stopping: bool,
}

/// Work that does not wait for the next round.
enum Job {
    /// The stream's sequence numbers run low.
    Reserve(Arc<StreamCell>),
    /// A session of the stream has ended.
    SessionEnded(Arc<StreamCell>),
    /// Something has expired or was deleted: its bytes should go.
    Sweep,
}

impl Keeper {
    pub(crate) fn reserve(&self, cell: Arc<StreamCell>) {
        self.add(Job::Reserve(cell));
    }

    pub(crate) fn session_ended(&self, cell: Arc<StreamCell>) {
        self.add(Job::SessionEnded(cell));
    }

    pub(crate) fn sweep_soon(&self) {
        self.add(Job::Sweep);
    }

    /// Ends the thread once the jobs at hand are done.
    pub(crate) fn stop(&self) {
        self.state().stopping = true;
        self.bell.notify_all();
    }

    /// The thread's whole life. Its rounds go by the machine's clock, whatever the store's is.
    pub(crate) fn run(&self, core: &Core) {
        let begun = Instant::now();
        let now = || Mono::from_nanos(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        loop {
            while self.turn(core, now()) {}
            if !self.wait(core, now) {
                return;
            }
        }
    }

    /// Does one thing that is due at `now`, a job or a round, never waiting for one. Whether there was one.
    pub(crate) fn turn(&self, core: &Core, now: Mono) -> bool {
        let job = self.state().jobs.pop_front();
        if let Some(job) = job {
            core.perform(job);
            return true;
        }
        // The first round is a while after the first turn.
        let Some(due) = self.next_round(core, now) else { return false };
        if now < due || self.state().stopping {
            return false;
        }
        core.housekeep();
        self.due().round = None;
        true
    }

    /// When the next turn has something to do: now if a job waits; `None` if nothing but a job brings something.
    pub(crate) fn next_turn(&self, core: &Core, now: Mono) -> Option<Mono> {
        if self.has_jobs() { Some(now) } else { self.next_round(core, now) }
    }

    /// When the next round is due; a while after `now`, where that was not decided yet.
    fn next_round(&self, core: &Core, now: Mono) -> Option<Mono> {
        let every_ms = i64::try_from(core.options.housekeeping_ms).unwrap_or(i64::MAX);
        (every_ms > 0).then(|| *self.due().round.get_or_insert(now.plus_ms(every_ms)))
    }

    fn has_jobs(&self) -> bool {
        !self.state().jobs.is_empty()
    }

    fn add(&self, job: Job) {
        let mut state = self.state();
        // Once it stops, nobody would drop what the jobs hold.
        if !state.stopping {
            state.jobs.push_back(job);
            self.bell.notify_one();
        }
    }

    /// Waits for a job or a round; `false` once the thread is to end.
    fn wait(&self, core: &Core, now: impl Fn() -> Mono) -> bool {
        let round = self.next_round(core, now());
        let mut state = self.state();
        loop {
            if !state.jobs.is_empty() {
                return true;
            }
            if state.stopping {
                return false;
            }
            let Some(round) = round else {
                state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = Duration::from_nanos(round.as_nanos().saturating_sub(now().as_nanos()));
            if left.is_zero() {
                return true;
            }
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    fn perform(&self, job: Job) {
        match job {
            Job::Reserve(cell) => {
                if let Err(error) = cell.reserve(&*self.backend, |_| false) {
                    cell.tail().reservation_failed();
                    tracing::warn!(stream = %cell.id, %error, "sequence numbers could not be reserved ahead");
                }
            }
            Job::SessionEnded(cell) => {
                let finished = { cell.tail().is_finished() };
                // Only a convenience after a restart: readers of a finished capture end at once.
                if finished && let Err(error) = self.backend.set_finished(cell.id, true) {
                    tracing::debug!(stream = %cell.id, %error, "the end of a session was not recorded");
                }
            }
            Job::Sweep => {
                if let Err(error) = self.sweep() {
                    tracing::error!(%error, "expired media could not be removed; it is not served");
                }
            }
        }
    }

    fn housekeep(&self) {
        self.watch_clock();
        let mut due = *self.keeper.due();
        let now = self.clock.mono();
        if now >= due.chunks
            && let Err(error) = self.chunk_due_streams()
        {
            tracing::error!(%error, "a chunk could not be made; its fragments stay in the journal");
            due.chunks = now.plus_ms(PAUSE_AFTER_FAILURE_MS);
        }
        if now >= due.sweep {
            self.perform(Job::Sweep);
            due.sweep = now.plus_ms(self.options.sweep_ms);
        }
        {
            let mut kept = self.keeper.due();
            (kept.chunks, kept.sweep) = (due.chunks, due.sweep);
        }
        if let Err(error) = self.backend.tend() {
            tracing::error!(%error, "the journal could not be tidied");
        }
        self.forget_idle_streams();
    }

    /// Makes every chunk that is due. Returns how many; one stream's failure does not stop the others.
    pub(crate) fn chunk_due_streams(&self) -> Result<u64, StoreError> {
        let _alone = self.keeper.chunking.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut chunks, mut failure) = (0, None);
        for cell in self.loaded_cells() {
            while let Some(records) = self.due(&cell) {
                let retired = match self.backend.publish_chunk(cell.id, &records) {
                    Ok(row) => {
                        chunks += 1;
                        cell.tail().chunked(row.last, self.clock.mono())
                    }
                    Err(_) if cell.tail().is_deleted() => break,
                    Err(error) if *error.kind() == ErrorKind::Corrupt => {
                        tracing::error!(stream = %cell.id, %error, "damaged fragments are given up");
                        let last = records.last().map(|located| located.meta.number);
                        last.map(|last| cell.tail().chunked(last, self.clock.mono())).unwrap_or_default()
                    }
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                };
                release(&*self.backend, &retired);
            }
        }
        self.keeper.chunks.fetch_add(chunks, Ordering::Relaxed);
        failure.map_or(Ok(chunks), Err)
    }

    /// As [`MediaStore::age`](crate::MediaStore::age).
    pub(crate) fn age(&self, by_ms: i64) -> Result<u64, StoreError> {
        for cell in self.loaded_cells() {
            cell.tail().age(by_ms);
        }
        let chunks = self.chunk_due_streams()?;
        self.backend.age(by_ms);
        self.backend.tend()?;
        Ok(chunks)
    }

    fn due(&self, cell: &StreamCell) -> Option<Vec<Located>> {
        let now = self.removing_now();
        let (expired, due) = {
            let mut tail = cell.tail();
            let expired = tail.expire(now, &self.options);
            (expired, tail.chunk_due(now.mono, &self.options))
        };
        release(&*self.backend, &expired);
        due
    }
}

/// Gives the journal's records up.
pub(crate) fn release(backend: &dyn Backend, records: &[Located]) {
    if !records.is_empty() {
        let locs: Vec<JournalLoc> = records.iter().map(|located| located.loc).collect();
        backend.release(&locs);
    }
}
