//! A machine of which the disk, the clocks, the random source and the keys are simulated, so that a store can run on it
//! in one thread from one seed, lose power at any disk call, and start again from what the disk holds.
//!
//! Everything above the file operations is the product's own: journal, chunks, pages, recovery, and the catalogue's
//! statements. The catalogue's database alone lies in memory: a commit is one disk call, atomic and durable, or lost
//! (that SQLite keeps its word is proven by kills, elsewhere).
//!
//! # How to run a store
//!
//! ```
//! use tympan_store::simulation::{SimulatedMachine, Unsynced, fragments_of, now_or_never};
//! # use tympan_store::{FragmentHead, NewStream, StorageTier, StoreError, StoreOptions};
//! # use tympan_types::{AccountId, Mono, ProducerTime, Region, StreamArn, StreamName};
//! # fn new_stream() -> NewStream {
//! #     let (region, account) = (Region::parse("us-west-2").unwrap(), AccountId::parse("111122223333").unwrap());
//! #     let name = StreamName::parse("s").unwrap();
//! #     let created = tympan_types::WallTime::from_unix_ms(1_700_000_000_000);
//! #     NewStream { arn: StreamArn::new(region, account, name, created), device_name: None, media_type: None,
//! #         kms_key_id: "alias/aws/kinesisvideo".into(), kms_key_arn: None, retention_hours: 24, storage_tier: StorageTier::Hot,
//! #         tags: Default::default() }
//! # }
//! # fn main() -> Result<(), StoreError> {
//! let mut machine = SimulatedMachine::new(7)?;
//! let store = machine.start(StoreOptions::default())?;
//! // Every future of the store is ready at once, but for a promise and a reader at the tail.
//! let stream = now_or_never(store.create_stream(new_stream(), None)).expect("ready")?;
//! let mut writer = now_or_never(store.open_writer(stream.id)).expect("ready")?;
//! let head = FragmentHead { head: "head".into(), producer: ProducerTime::from_unix_ms(0) };
//! writer.begin(head)?;
//! writer.push("body".into());
//! let mut promise = writer.seal(1_000);
//! // The executor makes the steps of the store's threads, when its schedule says so.
//! assert!(now_or_never(&mut promise).is_none());
//! store.commit_one();
//! assert_eq!(now_or_never(&mut promise), Some(Ok(())), "durable");
//! machine.clock().advance_to(Mono::from_millis(500));
//! while store.turn(Mono::from_millis(500)) {}
//! // Power goes; what was promised is there when it is back.
//! machine.cut_power();
//! drop((writer, store));
//! machine.restore_power(Unsynced::Torn(7));
//! let store = machine.start(StoreOptions::default())?;
//! assert_eq!(fragments_of(&store, stream.id)?.len(), 1);
//! # Ok(())
//! # }
//! ```
//! With a telephone call's upload on top of it: `KvsService::begin_put_media` in the crate `tympan-kvs`.

pub use super::simulated_disk::{Failure, Unsynced};

use super::catalogue::Database;
use super::directory::{CATALOGUE, Directory};
use super::simulated_disk::{SimulatedDatabase, SimulatedDisk};
use super::{EmbeddedBackend, EmbeddedOptions};
use crate::{Clock, Entropy, Fragment, MediaStore, StoreError, StoreOptions, StreamId, TimeAxis};
use async_trait::async_trait;
use rusqlite::Connection;
use std::future::Future;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tympan_kms::{
    DataKey, EncryptionContext, KeyDescription, KeyId, KeyProvider, KeyState, KmsError, NONCE_BYTES,
    WrappedKey,
};
use tympan_types::{Mono, WallTime};

/// The data directory on the simulated disk.
const DIRECTORY: &str = "/simulated";
/// The time of day when a run begins.
const BEGIN: WallTime = WallTime::from_unix_ms(1_700_000_000_000);
/// Numbers of databases: each has a memory of its own, whatever else runs in this process.
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// Disk, clocks, random source and keys of a simulated machine. It outlives the stores that are started on it.
pub struct SimulatedMachine {
    disk: SimulatedDisk,
    database: String,
    /// Holds the database's memory while no store does.
    _database: Mutex<Connection>,
    clock: Arc<SimulatedClock>,
    entropy: Arc<SeededEntropy>,
    keys: Arc<SimulatedKeys>,
    options: EmbeddedOptions,
}

impl SimulatedMachine {
    /// A machine with an empty disk. Journal segments are small, so that short runs see many.
    ///
    /// # Errors
    /// `Internal`: SQLite has no memory for the catalogue.
    pub fn new(seed: u64) -> Result<Self, StoreError> {
        let database = format!("tympan-simulation-{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let disk = SimulatedDisk::new(&["/", DIRECTORY]);
        let held = database_on(&disk, &database).connect()?;
        let entropy = Arc::new(SeededEntropy::new(seed));
        Ok(Self {
            disk,
            database,
            _database: Mutex::new(held),
            clock: Arc::new(SimulatedClock::new(BEGIN)),
            keys: Arc::new(SimulatedKeys::new(entropy.clone())),
            entropy,
            options: EmbeddedOptions {
                segment_bytes: 64 << 10,
                segment_age: Duration::from_secs(30),
                reserve_bytes: 1 << 20,
                now: None,
            },
        })
    }

    /// Closes journal segments at this size.
    #[must_use]
    pub fn with_segment_bytes(mut self, segment_bytes: u64) -> Self {
        self.options.segment_bytes = segment_bytes;
        self
    }

    /// A store without threads on this machine, after the recovery of what its disk holds.
    ///
    /// # Errors
    /// What the recovery reports; any error once power has gone in the midst of it.
    pub fn start(&self, options: StoreOptions) -> Result<MediaStore, StoreError> {
        self.start_on(Arc::new(self.backend()?), options)
    }

    /// As [`Self::start`], on a backend that was opened by [`Self::backend`] and looked at.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_on(
        &self,
        backend: Arc<EmbeddedBackend>,
        options: StoreOptions,
    ) -> Result<MediaStore, StoreError> {
        MediaStore::open_inline(backend, self.keys.clone(), self.clock.clone(), self.entropy.clone(), options)
    }

    /// The backend that a store is started on: its report says what the recovery found damaged, which after nothing but
    /// power cuts is nothing.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn backend(&self) -> Result<EmbeddedBackend, StoreError> {
        EmbeddedBackend::open_on(
            Arc::new(self.disk.clone()),
            Directory::simulated(Path::new(DIRECTORY)),
            database_on(&self.disk, &self.database),
            self.clock.clone(),
            self.options.clone(),
        )
    }

    // ---- time, chance, keys

    /// Its clocks.
    pub fn clock(&self) -> &Arc<SimulatedClock> {
        &self.clock
    }

    /// Its random source.
    pub fn entropy(&self) -> &Arc<SeededEntropy> {
        &self.entropy
    }

    /// Its key provider, which knows every key.
    pub fn keys(&self) -> &Arc<SimulatedKeys> {
        &self.keys
    }

    // ---- power

    /// Power goes at the changing disk call number `call` from now, 0 being the next one, which has no effect.
    pub fn cut_power_at(&self, call: usize) {
        self.disk.cut_at(call);
    }

    /// Power goes as soon as the changing disk call number `call` from now has had its effect; its caller does not hear
    /// of it.
    pub fn cut_power_after(&self, call: usize) {
        self.disk.cut_after(call);
    }

    /// Power goes now: no disk call of any part has an effect any more.
    pub fn cut_power(&self) {
        self.disk.cut_at(0);
    }

    /// Whether disk calls have an effect.
    pub fn has_power(&self) -> bool {
        !self.disk.is_off()
    }

    /// Power is back: the disk holds what was synced, and of the rest what `unsynced` says. Stores that were started before
    /// have lost it for good: drop them, and start another one.
    pub fn restore_power(&mut self, unsynced: Unsynced) {
        self.disk.cut_at(0);
        self.disk = self.disk.restart(unsynced);
    }

    // ---- the disk

    /// Changing disk calls since power was back or a cut or a failure was planned.
    pub fn disk_calls(&self) -> usize {
        self.disk.calls()
    }

    /// The changing disk calls of these numbers, counted from now, fail if they are of a kind that does.
    pub fn fail_disk(&self, calls: Range<usize>, failure: Failure) {
        self.disk.fail(calls, failure);
    }

    /// The disk is well again.
    pub fn repair_disk(&self) {
        self.disk.repair();
    }

    /// The memory that stands for the bytes on the disk: each of them twice, as seen and as durable.
    pub fn disk_held_bytes(&self) -> usize {
        self.disk.held_bytes()
    }

    /// A hash of the names and bytes that are durable, for comparing two runs of one seed. Rows of the catalogue show in
    /// it only by their pages.
    pub fn disk_digest(&self) -> u64 {
        self.disk.digest()
    }
}

fn database_on(disk: &SimulatedDisk, name: &str) -> Database {
    let path = Path::new(DIRECTORY).join(CATALOGUE);
    let gate = SimulatedDatabase { disk: disk.clone(), path: path.clone() };
    Database::memory(&path, name, Arc::new(gate))
}

/// Both clocks of a machine: they go on only when they are told to, and stand still through a power cut.
pub struct SimulatedClock {
    begin: WallTime,
    now_ns: AtomicU64,
    wall_ahead_ms: AtomicI64,
}

impl SimulatedClock {
    /// The monotonic clock at 0, the time of day at `begin`.
    pub fn new(begin: WallTime) -> Self {
        Self { begin, now_ns: AtomicU64::new(0), wall_ahead_ms: AtomicI64::new(0) }
    }

    /// It is `now` by the monotonic clock, and as much later by the time of day. Never goes back.
    pub fn advance_to(&self, now: Mono) {
        self.now_ns.fetch_max(now.as_nanos(), Ordering::Relaxed);
    }

    /// The time of day alone jumps by so much, back where it is negative.
    pub fn jump_wall_ms(&self, by_ms: i64) {
        self.wall_ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> WallTime {
        let since_ms = i64::try_from(self.mono().as_millis()).unwrap_or(i64::MAX);
        self.begin.plus_ms(since_ms).plus_ms(self.wall_ahead_ms.load(Ordering::Relaxed))
    }

    fn mono(&self) -> Mono {
        Mono::from_nanos(self.now_ns.load(Ordering::Relaxed))
    }
}

/// Random bytes of a seed. Source: splitmix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators".
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The bytes of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next number.
    pub fn next_u64(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = *state;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for piece in out.chunks_mut(8) {
            piece.copy_from_slice(&self.next_u64().to_le_bytes()[..piece.len()]);
        }
    }
}

/// A key provider that knows every key id, and makes the same data keys again for the same seed.
pub struct SimulatedKeys {
    master: DataKey,
    entropy: Arc<SeededEntropy>,
    away: AtomicBool,
}

impl SimulatedKeys {
    fn new(entropy: Arc<SeededEntropy>) -> Self {
        let mut master = [0; 32];
        entropy.fill(&mut master);
        Self { master: DataKey::from_bytes(master), entropy, away: AtomicBool::new(false) }
    }

    /// Whether it answers everything with `Unavailable` from now on.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn check_there(&self) -> Result<(), KmsError> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(KmsError::Unavailable("the simulated key provider is away".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl KeyProvider for SimulatedKeys {
    async fn describe(&self, _key: &KeyId) -> Result<KeyDescription, KmsError> {
        self.check_there()?;
        let id = "00000000-0000-4000-8000-000000000000".to_owned();
        Ok(KeyDescription {
            arn: format!("arn:aws:kms:us-west-2:111122223333:key/{id}"),
            id,
            aliases: Vec::new(),
            state: KeyState::Enabled,
            created: BEGIN,
            rotated: BEGIN,
        })
    }

    async fn generate_data_key(
        &self,
        _key: &KeyId,
        context: &EncryptionContext,
    ) -> Result<(DataKey, WrappedKey), KmsError> {
        self.check_there()?;
        let (mut key, mut nonce) = ([0; 32], [0; NONCE_BYTES]);
        self.entropy.fill(&mut key);
        self.entropy.fill(&mut nonce);
        let mut sealed = key.to_vec();
        self.master.seal(nonce, &bound_to(context), &mut sealed);
        Ok((DataKey::from_bytes(key), WrappedKey::from_bytes([&nonce[..], &sealed].concat())))
    }

    async fn unwrap(&self, wrapped: &WrappedKey, context: &EncryptionContext) -> Result<DataKey, KmsError> {
        self.check_there()?;
        let refused = || KmsError::Validation("the wrapped key does not open".to_owned());
        let (nonce, sealed) = wrapped.as_bytes().split_first_chunk::<NONCE_BYTES>().ok_or_else(refused)?;
        let mut sealed = sealed.to_vec();
        self.master.open(*nonce, &bound_to(context), &mut sealed).map_err(|_| refused())?;
        sealed.first_chunk().copied().map(DataKey::from_bytes).ok_or_else(refused)
    }
}

fn bound_to(context: &EncryptionContext) -> Vec<u8> {
    format!("{:?}", context.entries()).into_bytes()
}

/// The outcome of a future that needs no waiting; `None` if it waits. A future that is given by reference can be asked
/// again.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Every durable fragment of a stream, by number: what a reader from the beginning would get, read at once. For a store
/// without threads.
///
/// # Errors
/// `NotFound`, `Key`, `Corrupt`.
pub fn fragments_of(store: &MediaStore, stream: StreamId) -> Result<Vec<Fragment>, StoreError> {
    const PAGE: usize = 1_000;
    let waits = || StoreError::internal("this store has threads: it answers later");
    let mut fragments = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_fragments(stream, TimeAxis::Server, i64::MIN, i64::MAX, after, PAGE);
        let page = now_or_never(page).ok_or_else(waits)??;
        let Some(last) = page.last() else { return Ok(fragments) };
        after = Some(last.number);
        for meta in &page {
            // One that has expired since it was listed is not there any more.
            let fragment = now_or_never(store.fragment(stream, meta.number)).ok_or_else(waits)??;
            fragments.extend(fragment);
        }
    }
}

#[cfg(test)]
mod erasure;
#[cfg(test)]
mod tests;
