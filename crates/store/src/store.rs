use crate::committer::CommitQueue;
use crate::keeper::{Keeper, release};
use crate::keys::KeyCache;
use crate::scrub::ScrubCounts;
use crate::stream_cell::StreamCell;
use crate::tail::Tail;
use crate::timekeeper::Timekeeper;
use crate::{
    Backend, Clock, ClockDoubt, Entropy, Fragment, FragmentMeta, NewStream, Reader, Start, StorageTier,
    StoreError, StoreOptions, Stream, StreamId, StreamKey, StreamPage, StreamRef, StreamRow, StreamStatus,
    SweepReport, SystemEntropy, TimeAxis, Writer, history,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tympan_kms::KeyProvider;
use tympan_types::{AccountId, FragmentNumber, Mono, Region, ServerTime, StreamName, WallTime};

/// The store. Cheap to clone; the last clone that is dropped shuts it down.
#[derive(Clone)]
pub struct MediaStore(Arc<Handle>);

/// Owns the threads; they hold only the core, so dropping this ends them.
struct Handle {
    core: Arc<Core>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What writers, readers and the threads share.
pub(crate) struct Core {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) keys: KeyCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    execution: Execution,
    pub(crate) options: StoreOptions,
    pub(crate) queue: CommitQueue,
    pub(crate) keeper: Keeper,
    pub(crate) scrubs: ScrubCounts,
    pub(crate) timekeeper: Timekeeper,
    /// In the order of their ids, so that a simulation meets them in the same order again.
    cells: Mutex<BTreeMap<StreamId, Arc<StreamCell>>>,
    shut: AtomicBool,
}

/// Where the store's work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Execution {
    /// On threads of its own and tokio's.
    Threads,
    /// On the caller's thread, when the caller says so.
    Inline,
}

/// Numbers for an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Streams with a writer, a reader or fragments in the journal.
    pub streams_loaded: u64,
    /// Sessions of writing that are open.
    pub writers: u64,
    /// Bytes in memory for live readers.
    pub live_bytes: u64,
    /// Bytes that wait for the disk.
    pub commit_queue_bytes: u64,
    /// Groups made durable since the store was opened: one fdatasync each.
    pub groups_committed: u64,
    /// Fragments made durable.
    pub fragments_committed: u64,
    /// Bytes made durable.
    pub bytes_committed: u64,
    /// Fragments that the disk refused.
    pub fragments_failed: u64,
    /// Indexes of fragments that were too large to be kept.
    pub indexes_left_out: u64,
    /// Durable fragments that are not in a chunk yet.
    pub fragments_in_journal: u64,
    /// Chunks made.
    pub chunks_published: u64,
    /// Passes of the scrub that were finished.
    pub scrub_passes: u64,
    /// Fragments that the scrub has read.
    pub scrub_fragments: u64,
    /// Bytes that the scrub has read.
    pub scrub_bytes: u64,
    /// What the newest pass of the scrub has found damaged.
    pub scrub_damaged: u64,
}

impl MediaStore {
    /// Takes over what the backend recovered and starts two threads: the committer and the housekeeper.
    ///
    /// # Errors
    /// What the backend's recovery reports; `Internal` if the machine has no thread left.
    pub fn open(
        backend: Arc<dyn Backend>,
        keys: Arc<dyn KeyProvider>,
        clock: Arc<dyn Clock>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let handle =
            Handle::open(backend, keys, clock, Arc::new(SystemEntropy), options, Execution::Threads)?;
        let interval = Duration::from_millis(handle.core.options.commit_interval_ms);
        handle.start("store-commit", move |core| core.queue.run(&*core.backend, interval))?;
        handle.start("store-keeper", |core| core.keeper.run(core))?;
        Ok(Self(Arc::new(handle)))
    }

    /// As [`Self::open`], without a thread, a runtime, a clock or a random source of its own, for a simulation: what the
    /// two threads do is done by [`Self::commit_one`] and [`Self::turn`], and every future of the store is ready when it
    /// is polled first, but for those that wait for a fragment to become durable or a reader's next event.
    ///
    /// # Errors
    /// What the backend's recovery reports.
    pub fn open_inline(
        backend: Arc<dyn Backend>,
        keys: Arc<dyn KeyProvider>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        Handle::open(backend, keys, clock, entropy, options, Execution::Inline)
            .map(|handle| Self(Arc::new(handle)))
    }

    // ---- the steps of a store without threads

    /// Makes the next group of sealed fragments durable and resolves their promises. Whether there was one.
    pub fn commit_one(&self) -> bool {
        let core = self.core();
        core.queue.commit_one(&*core.backend)
    }

    /// Whether a sealed fragment waits for [`Self::commit_one`].
    pub fn has_to_commit(&self) -> bool {
        self.core().queue.has_waiting()
    }

    /// Does one thing of the housekeeping that is due at `now`. Whether there was one.
    pub fn turn(&self, now: Mono) -> bool {
        self.core().keeper.turn(self.core(), now)
    }

    /// When [`Self::turn`] has something to do: at `now` if a job waits.
    pub fn next_turn(&self, now: Mono) -> Option<Mono> {
        self.core().keeper.next_turn(self.core(), now)
    }

    // ---- streams

    /// Creates a stream. `quota` is the most that its account may hold in its region, checked atomically.
    ///
    /// # Errors
    /// `Exists`, `QuotaReached`, `Key` if the master key is unknown.
    pub async fn create_stream(&self, new: NewStream, quota: Option<u32>) -> Result<Stream, StoreError> {
        let master = self.core().keys.check_master(&new.kms_key_id).await?;
        let stream = Stream {
            id: StreamId::fresh(&*self.core().entropy),
            arn: new.arn,
            device_name: new.device_name,
            media_type: new.media_type,
            kms_key_arn: new.kms_key_arn.or(master),
            kms_key_id: new.kms_key_id,
            retention_hours: new.retention_hours,
            storage_tier: new.storage_tier,
            version: 1,
            status: StreamStatus::Active,
            tags: new.tags,
        };
        let created = stream.clone();
        self.core().blocking(move |core| core.backend.create_stream(&stream, quota)).await?;
        Ok(created)
    }

    /// Describes a stream.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn stream(&self, stream: StreamRef<'_>) -> Result<Stream, StoreError> {
        let key = StreamKey::from(stream);
        let row = self.core().blocking(move |core| core.backend.stream(&key)).await?;
        row.map(|row| row.stream).ok_or_else(StoreError::stream_not_found)
    }

    /// Streams of an account and region in the order of their names: those that begin with `prefix`, after `after`.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn list_streams(
        &self,
        account: &AccountId,
        region: &Region,
        prefix: Option<&str>,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<Stream>, StoreError> {
        let page = StreamPage {
            account: account.clone(),
            region: region.clone(),
            prefix: prefix.unwrap_or_default().to_owned(),
            after: after.cloned(),
            limit,
        };
        self.core().blocking(move |core| core.backend.list_streams(&page)).await
    }

    /// Deletes a stream: destroys its keys at once, its bytes soon afterwards. Readers end, writers fail.
    ///
    /// # Errors
    /// `NotFound`, `VersionMismatch`.
    pub async fn delete_stream(&self, stream: StreamRef<'_>, version: Option<u64>) -> Result<(), StoreError> {
        let key = StreamKey::from(stream);
        self.core()
            .blocking(move |core| {
                let id = core.backend.delete_stream(&key, version)?;
                core.keys.forget(id);
                if let Some(cell) = core.loaded(id) {
                    let retired = cell.tail().delete();
                    release(&*core.backend, &retired);
                }
                core.keeper.sweep_soon();
                core.backend.erase_keys(id)
            })
            .await
    }

    /// Adds and removes tags; at most `max` may remain.
    ///
    /// # Errors
    /// `NotFound`, `QuotaReached`.
    pub async fn set_tags(
        &self,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<Stream, StoreError> {
        let (add, remove) = (add.clone(), remove.to_vec());
        self.change(stream, move |backend| backend.set_tags(stream, &add, &remove, max)).await
    }

    /// Changes device name and media type, where given.
    ///
    /// # Errors
    /// `NotFound`, `VersionMismatch`.
    pub async fn set_details(
        &self,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<String>,
        media_type: Option<String>,
    ) -> Result<Stream, StoreError> {
        self.change(stream, move |backend| {
            backend.set_details(stream, version, device_name.as_deref(), media_type.as_deref())
        })
        .await
    }

    /// Changes the storage tier.
    ///
    /// # Errors
    /// `NotFound`, `VersionMismatch`.
    pub async fn set_storage_tier(
        &self,
        stream: StreamId,
        version: Option<u64>,
        tier: StorageTier,
    ) -> Result<Stream, StoreError> {
        self.change(stream, move |backend| backend.set_storage_tier(stream, version, tier)).await
    }

    /// Changes the retention, also of what is stored already; what has expired stays expired.
    ///
    /// # Errors
    /// `NotFound`, `VersionMismatch`.
    pub async fn set_retention(
        &self,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
    ) -> Result<Stream, StoreError> {
        // What has expired by a clock in doubt is not gone for good.
        let now = self.core().removing_now().wall;
        let changed =
            self.change(stream, move |backend| backend.set_retention(stream, version, hours, now)).await?;
        self.core().keeper.sweep_soon();
        Ok(changed)
    }

    // ---- fragments

    /// Begins a session of writing with a block of sequence numbers of its own, reserved durably.
    ///
    /// # Errors
    /// `NotFound`, `Key`, `NotActive` once the store is shut down.
    pub async fn open_writer(&self, stream: StreamId) -> Result<Writer, StoreError> {
        let core = self.core();
        if core.is_shut() {
            return Err(StoreError::shut_down());
        }
        let cell = core.blocking(move |core| core.cell(stream)).await?;
        let described = cell.tail().stream.clone();
        let (key_number, key) = core.writing_key(&described).await?;
        let block = core.blocking(move |core| core.backend.reserve(stream, true)).await?;
        let session = {
            let mut tail = cell.tail();
            if tail.is_deleted() {
                return Err(StoreError::stream_not_found());
            }
            tail.open_session(block)
        };
        Ok(Writer::new(core.clone(), cell, session, (key_number, key)))
    }

    /// A reader. Its first step asks the key provider whether the stream may be read.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn reader(&self, stream: StreamId, start: Start) -> Result<Reader, StoreError> {
        let cell = self.core().cell(stream)?;
        Ok(Reader::new(self.core().clone(), cell, start))
    }

    /// Durable fragments that begin from `from_ms` to `to_ms`, both included, after `after`: ascending by number.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt`.
    pub async fn list_fragments(
        &self,
        stream: StreamId,
        axis: TimeAxis,
        from_ms: i64,
        to_ms: i64,
        after: Option<FragmentNumber>,
        limit: usize,
    ) -> Result<Vec<FragmentMeta>, StoreError> {
        let matching = history::starting(axis, from_ms, to_ms);
        let list = move |core: &Core| core.list(&*core.cell(stream)?, matching, after, limit);
        self.core().blocking(list).await
    }

    /// One durable fragment by number; `None` if there is none, or no longer.
    ///
    /// # Errors
    /// `NotFound` for the stream, `Key`, `Corrupt`.
    pub async fn fragment(
        &self,
        stream: StreamId,
        number: FragmentNumber,
    ) -> Result<Option<Fragment>, StoreError> {
        let cell = self.core().blocking(move |core| core.cell(stream)).await?;
        self.core().fragment(&cell, number).await
    }

    /// The end of what has expired: a fragment with this server time or an earlier one is not served.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn expired_through(&self, stream: StreamId) -> Result<ServerTime, StoreError> {
        let cell = self.core().blocking(move |core| core.cell(stream)).await?;
        Ok(cell.tail().expired_through(self.core().clock.now()))
    }

    // ---- upkeep

    /// Makes every chunk that is due now; the housekeeper does so by itself.
    ///
    /// # Errors
    /// `Full`, `Internal`: the fragments stay in the journal.
    pub async fn chunk(&self) -> Result<u64, StoreError> {
        self.core().blocking(Core::chunk_due_streams).await
    }

    /// Does what the housekeeper will have done after `by_ms`: fragments and the journal's segment are older by so much, chunks are made
    /// of those, and the journal lets go of segments that hold nothing else. For clocks that are put ahead.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub async fn age(&self, by_ms: i64) -> Result<u64, StoreError> {
        self.core().blocking(move |core| core.age(by_ms)).await
    }

    /// Removes what has expired or was deleted; the housekeeper does so by itself.
    ///
    /// # Errors
    /// `Internal`: what could not be removed is not served either way.
    pub async fn sweep(&self) -> Result<SweepReport, StoreError> {
        self.core().blocking(Core::sweep).await
    }

    /// The time by which something that cannot be brought back may be done: [`MediaStore::now`], unless that is in doubt.
    pub fn trusted_now(&self) -> WallTime {
        self.core().removing_now().wall
    }

    /// Whether the clock is too far ahead of what the store has seen to be believed where it destroys something.
    pub fn clock_doubt(&self) -> Option<ClockDoubt> {
        self.core().clock_doubt()
    }

    /// A person says that the clock is right: what has expired by it is removed with the next sweep.
    pub fn confirm_clock(&self) {
        self.core().confirm_clock();
        self.core().keeper.sweep_soon();
    }

    /// The store's monotonic clock.
    pub fn mono(&self) -> Mono {
        self.core().clock.mono()
    }

    /// The store's clock.
    pub fn now(&self) -> WallTime {
        self.core().clock.now()
    }

    /// Numbers for an operator.
    pub fn stats(&self) -> StoreStats {
        self.core().stats()
    }

    /// Makes durable what is sealed, ends the threads and gives the data directory up. Open fragments are their
    /// writers' business. Waits for the disk, not for readers.
    pub async fn shutdown(&self) {
        let handle = self.0.clone();
        if handle.core.execution == Execution::Inline {
            return handle.stop();
        }
        // The task can only fail by a panic in a thread that is ending anyway.
        let _ = tokio::task::spawn_blocking(move || handle.stop()).await;
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    async fn change(
        &self,
        stream: StreamId,
        change: impl FnOnce(&dyn Backend) -> Result<StreamRow, StoreError> + Send + 'static,
    ) -> Result<Stream, StoreError> {
        self.core()
            .blocking(move |core| {
                let row = change(&*core.backend)?;
                let changed = row.stream.clone();
                if let Some(cell) = core.loaded(stream) {
                    cell.tail().refresh(row);
                }
                Ok(changed)
            })
            .await
    }
}

impl Handle {
    fn open(
        backend: Arc<dyn Backend>,
        keys: Arc<dyn KeyProvider>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: StoreOptions,
        execution: Execution,
    ) -> Result<Self, StoreError> {
        let timekeeper = Timekeeper::open(&*backend, &*clock)?;
        let core = Arc::new(Core {
            keys: KeyCache::new(keys),
            clock,
            entropy,
            execution,
            queue: CommitQueue::new(options.commit_queue_bytes, options.commit_group_bytes),
            keeper: Keeper::default(),
            scrubs: ScrubCounts::default(),
            timekeeper,
            cells: Mutex::default(),
            shut: AtomicBool::new(false),
            backend,
            options,
        });
        core.load_recovered()?;
        core.keep_time();
        Ok(Self { core, threads: Mutex::default() })
    }

    fn start(&self, name: &str, life: impl FnOnce(&Core) + Send + 'static) -> Result<(), StoreError> {
        let core = self.core.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || life(&core));
        let thread = thread.map_err(|error| StoreError::io(format_args!("start thread {name}"), &error))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn stop(&self) {
        let was_shut = self.core.shut.swap(true, Ordering::AcqRel);
        self.core.queue.close();
        self.core.keeper.stop();
        if self.core.execution == Execution::Inline && !was_shut {
            let core = &*self.core;
            while core.queue.commit_one(&*core.backend) {}
            while core.keeper.turn(core, core.clock.mono()) {}
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store had panicked");
            }
        }
        self.core.keep_time();
        self.core.backend.close();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Core {
    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Runs something that waits for the disk where that harms nobody.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.execution == Execution::Inline {
            return work(self);
        }
        let core = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&core)).await;
        done.unwrap_or_else(|error| {
            Err(StoreError::internal(format!("a disk operation was cut off: {error}")))
        })
    }

    /// The cell of a stream, loaded from the catalogue if need be.
    pub(crate) fn cell(&self, stream: StreamId) -> Result<Arc<StreamCell>, StoreError> {
        // The lock is held over the catalogue's answer, so that a deletion cannot slip between it and the insertion.
        let mut cells = self.cells();
        if let Some(cell) = cells.get(&stream) {
            return if cell.tail().is_deleted() {
                Err(StoreError::stream_not_found())
            } else {
                Ok(cell.clone())
            };
        }
        let row = self.backend.stream(&StreamKey::Id(stream))?.ok_or_else(StoreError::stream_not_found)?;
        let cell = Arc::new(StreamCell::new(stream, Tail::new(row, Vec::new(), self.clock.mono())));
        cells.insert(stream, cell.clone());
        Ok(cell)
    }

    /// The cell of a stream if it is loaded.
    pub(crate) fn loaded(&self, stream: StreamId) -> Option<Arc<StreamCell>> {
        self.cells().get(&stream).cloned()
    }

    pub(crate) fn loaded_cells(&self) -> Vec<Arc<StreamCell>> {
        self.cells().values().cloned().collect()
    }

    pub(crate) fn forget_idle_streams(&self) {
        self.cells().retain(|_, cell| Arc::strong_count(cell) > 1 || !cell.tail().is_idle());
    }

    fn load_recovered(&self) -> Result<(), StoreError> {
        let recovered = self.backend.recovered()?;
        let mut cells = self.cells();
        for records in recovered.chunk_by(|one, other| one.stream == other.stream) {
            let Some(stream) = records.first().map(|located| located.stream) else { continue };
            match self.backend.stream(&StreamKey::Id(stream))? {
                Some(row) => {
                    let cell = StreamCell::new(stream, Tail::new(row, records.to_vec(), self.clock.mono()));
                    cells.insert(stream, Arc::new(cell));
                }
                None => release(&*self.backend, records),
            }
        }
        Ok(())
    }

    fn stats(&self) -> StoreStats {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let cells = self.loaded_cells();
        let mut stats = StoreStats {
            streams_loaded: cells.len() as u64,
            commit_queue_bytes: self.queue.bytes() as u64,
            groups_committed: count(&self.queue.counts.groups),
            fragments_committed: count(&self.queue.counts.fragments),
            bytes_committed: count(&self.queue.counts.bytes),
            fragments_failed: count(&self.queue.counts.failed),
            indexes_left_out: count(&self.queue.counts.indexes_left_out),
            chunks_published: count(&self.keeper.chunks),
            scrub_passes: count(&self.scrubs.passes),
            scrub_fragments: count(&self.scrubs.fragments),
            scrub_bytes: count(&self.scrubs.bytes),
            scrub_damaged: count(&self.scrubs.damaged),
            ..StoreStats::default()
        };
        for cell in cells {
            let tail = cell.tail();
            stats.writers += u64::from(tail.writers());
            stats.live_bytes += tail.live_bytes();
            stats.fragments_in_journal += tail.hot().len() as u64;
        }
        stats
    }

    fn cells(&self) -> MutexGuard<'_, BTreeMap<StreamId, Arc<StreamCell>>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
