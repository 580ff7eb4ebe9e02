//! Source: names and ARNs of real streams, and the creation times in them against the times of the calls that used
//! them: a stream is leased to a call and used again by later ones. Other than the original, a stream is created
//! when none is free, and a changed retention is applied at the next lease of a stream.
//!
//! A stream rests after a call, because consumers that follow a contact record may still read: the next call would be a
//! stranger's. When the account may have no more streams, the one that has rested for longest is leased all the same.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tympan_types::{ContactId, StreamArn, StreamName, StreamSettings};

/// The streams of the account, as far as leasing needs them. The server asks its own store, or a KVS endpoint.
#[async_trait]
pub trait StreamDirectory: Send + Sync {
    /// The names of all streams that begin so.
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError>;

    /// One stream, where it exists and is active.
    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError>;

    /// Creates a stream and waits until it is active.
    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError>;

    /// Sets how long a stream keeps its fragments.
    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError>;
}

/// A stream that might be leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PooledStream {
    /// The stream.
    pub arn: StreamArn,
    /// Its KMS key, as it was given at its creation.
    pub key_id: String,
    /// Its retention.
    pub retention_hours: u32,
}

/// A stream to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLeasedStream {
    /// Its name.
    pub name: StreamName,
    /// Its KMS key.
    pub key_id: String,
    /// Its retention.
    pub retention_hours: u32,
}

/// Why the directory did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The account may have no more streams.
    #[error("{0}")]
    QuotaReached(String),
    /// Anything else: what was tried and what went wrong.
    #[error("{0}")]
    Unavailable(String),
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSpec {
    /// The call's contact.
    pub contact: ContactId,
    /// Where its instance wants the audio.
    pub settings: StreamSettings,
    /// Sixteen random bytes: the UUID of a stream that may have to be created.
    pub stream_uuid: [u8; 16],
}

/// Why a call got no stream. The text goes to the flow log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Every stream of the instance is in use, and the account may have no more.
    #[error("no stream is free and no more may be created: {0}")]
    QuotaReached(String),
    /// The prefix makes no stream name.
    #[error("the prefix of the stream names is not usable: {0}")]
    Prefix(String),
    /// The directory failed.
    #[error("the streams of the account are not available: {0}")]
    Unavailable(String),
}

/// How long a stream rests between two calls.
#[derive(Clone)]
pub struct Rest {
    /// So long at least, while others can be had.
    pub time: Duration,
    /// Monotonic time since some instant: a core has no clock of its own.
    pub clock: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Rest {
    /// None: a stream is leased again at once.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { time: Duration::ZERO, clock: Arc::new(Duration::default) }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("time", &self.time).finish_non_exhaustive()
    }
}

/// Leases streams to calls; clones share the state.
///
/// Two calls never hold one stream: names are claimed under one lock, before anything is asked of the directory.
/// That holds for all calls of one server; two servers may share an account as long as their instances'
/// aliases or prefixes differ.
#[derive(Clone)]
pub struct Leases {
    directory: Arc<dyn StreamDirectory>,
    pool: Arc<Mutex<StreamPool>>,
}

/// A stream that one call holds. It is free again when every clone has been dropped: the call keeps one until its
/// end, each upload one until its session is over.
#[derive(Debug, Clone)]
pub struct Lease {
    hold: Arc<Hold>,
    arn: StreamArn,
    retention_hours: u32,
}

impl Lease {
    /// The stream.
    pub fn arn(&self) -> &StreamArn {
        &self.arn
    }

    /// Its retention while it is leased.
    pub fn retention_hours(&self) -> u32 {
        self.retention_hours
    }

    /// Never leases this stream again: it cannot be written.
    pub fn forget(self) {
        self.hold.forget();
    }
}

/// The streams that a contact keeps until it ends: one lease for each, however often its captures broke and went on.
#[derive(Debug, Default)]
pub struct HeldLeases(BTreeMap<String, Lease>);

impl HeldLeases {
    /// Keeps the lease, unless one of the same stream is kept.
    pub fn keep(&mut self, lease: Lease) {
        self.0.entry(lease.arn.to_string()).or_insert(lease);
    }

    /// How many streams are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Leases {
    /// Leases out of this directory. Streams of earlier runs rest from now on: when they were used is not known.
    pub fn new(directory: Arc<dyn StreamDirectory>, rest: Rest) -> Self {
        Self { directory, pool: Arc::new(Mutex::new(StreamPool::new(rest))) }
    }

    /// Leases a stream: the one the call has already, else one that has rested, else a new one, else one that is free.
    pub async fn lease(&self, spec: &LeaseSpec) -> Result<Lease, LeaseError> {
        let settings = &spec.settings;
        // Upgraded holds must be dropped outside the lock: dropping the last one takes it again.
        let held = self.lock().held_by(spec.contact);
        let usable = |hold: &Arc<Hold>| hold.group == Group::of(settings) && !hold.is_forgotten();
        if let Some(hold) = held.into_iter().find(usable)
            && let Some(lease) = self.take(hold, settings).await?
        {
            return Ok(lease);
        }
        let is_listed = self.lock().is_listed(settings);
        if !is_listed {
            self.learn(settings).await?;
        }
        if let Some(lease) = self.lease_free(spec, Wanted::Rested).await? {
            return Ok(lease);
        }
        match self.create(spec).await {
            // Streams may have come by other ways than through here.
            Err(LeaseError::QuotaReached(message)) => {
                self.learn(settings).await?;
                self.lease_free(spec, Wanted::Any).await?.ok_or(LeaseError::QuotaReached(message))
            }
            other => other,
        }
    }

    /// How many streams are leased.
    pub fn leased(&self) -> usize {
        self.lock().leased()
    }

    async fn lease_free(&self, spec: &LeaseSpec, wanted: Wanted) -> Result<Option<Lease>, LeaseError> {
        while let Some(hold) = self.claim(|pool| pool.claim_free(spec.contact, &spec.settings, wanted)) {
            if let Some(lease) = self.take(hold, &spec.settings).await? {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }

    async fn create(&self, spec: &LeaseSpec) -> Result<Lease, LeaseError> {
        let settings = &spec.settings;
        let uuid = uuid::Builder::from_random_bytes(spec.stream_uuid).into_uuid();
        let name = StreamName::parse(&format!("{}{uuid}", settings.name_prefix))
            .map_err(|error| LeaseError::Prefix(error.to_string()))?;
        let new = NewLeasedStream {
            name: name.clone(),
            key_id: settings.key_id.clone(),
            retention_hours: settings.retention_hours,
        };
        let hold = self
            .claim(|pool| pool.claim_new(spec.contact, settings, name))
            .ok_or_else(|| LeaseError::Unavailable("the random name of a new stream is in use".to_owned()))?;
        match self.directory.create(new).await {
            Ok(arn) => Ok(Lease { hold, arn, retention_hours: settings.retention_hours }),
            Err(error) => {
                hold.forget();
                Err(error.into())
            }
        }
    }

    /// Turns a claim into a lease with the settings of now; forgets a stream that does not fit any more.
    async fn take(&self, hold: Arc<Hold>, settings: &StreamSettings) -> Result<Option<Lease>, LeaseError> {
        let fitting =
            self.directory.describe(&hold.name).await?.filter(|stream| stream.key_id == settings.key_id);
        let Some(stream) = fitting else {
            hold.forget();
            return Ok(None);
        };
        let retention_hours = settings.retention_hours;
        if stream.retention_hours != retention_hours {
            self.directory.set_retention(&stream.arn, retention_hours).await?;
        }
        Ok(Some(Lease { hold, arn: stream.arn, retention_hours }))
    }

    async fn learn(&self, settings: &StreamSettings) -> Result<(), LeaseError> {
        let names = self.directory.list(&settings.name_prefix).await?;
        self.lock().learn(settings, names);
        Ok(())
    }

    fn claim(&self, claim: impl FnOnce(&mut StreamPool) -> Option<Claim>) -> Option<Arc<Hold>> {
        let mut pool = self.lock();
        let Claim { contact, group, name } = claim(&mut pool)?;
        let hold = Arc::new(Hold {
            pool: self.pool.clone(),
            contact,
            group,
            name,
            forgotten: AtomicBool::new(false),
        });
        pool.remember(&hold);
        Some(hold)
    }

    fn lock(&self) -> MutexGuard<'_, StreamPool> {
        lock(&self.pool)
    }
}

impl From<DirectoryError> for LeaseError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::QuotaReached(message) => Self::QuotaReached(message),
            DirectoryError::Unavailable(message) => Self::Unavailable(message),
        }
    }
}

/// Which streams are leased to which contact, and which are free. Pure state.
#[derive(Debug)]
pub struct StreamPool {
    rest: Rest,
    /// By the clock of `rest`.
    opened_at: Duration,
    groups: BTreeMap<Group, Streams>,
    leased: BTreeSet<StreamName>,
    holds: BTreeMap<ContactId, Vec<Weak<Hold>>>,
}

/// Streams that may stand in for each other: of one instance and prefix, under one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    name_prefix: String,
    key_id: String,
}

#[derive(Debug, Default)]
struct Streams {
    /// Whether the directory was asked for streams of earlier runs.
    listed: bool,
    /// Free ones; the one that has been free for longest comes first.
    free: VecDeque<Free>,
}

#[derive(Debug)]
struct Free {
    name: StreamName,
    since: Duration,
}

/// Which of the free streams will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Rested,
    Any,
}

struct Claim {
    contact: ContactId,
    group: Group,
    name: StreamName,
}

impl StreamPool {
    fn new(rest: Rest) -> Self {
        Self {
            opened_at: (rest.clock)(),
            rest,
            groups: BTreeMap::new(),
            leased: BTreeSet::new(),
            holds: BTreeMap::new(),
        }
    }

    /// How many streams are leased.
    pub fn leased(&self) -> usize {
        self.leased.len()
    }

    fn is_listed(&self, settings: &StreamSettings) -> bool {
        self.groups.get(&Group::of(settings)).is_some_and(|streams| streams.listed)
    }

    /// Adds the streams that were found and are not known yet.
    fn learn(&mut self, settings: &StreamSettings, names: Vec<StreamName>) {
        let group = Group::of(settings);
        let streams = self.groups.entry(group).or_default();
        streams.listed = true;
        for name in names {
            // Another instance's alias may begin like ours: what follows the prefix must be the UUID and no more.
            let uuid = name.as_str().strip_prefix(&settings.name_prefix);
            let is_ours = uuid.is_some_and(|uuid| uuid.len() == 36 && uuid::Uuid::try_parse(uuid).is_ok());
            let is_known = self.leased.contains(&name) || streams.free.iter().any(|free| free.name == name);
            if is_ours && !is_known {
                // No stream that was used since is older.
                streams.free.push_front(Free { name, since: self.opened_at });
            }
        }
    }

    fn claim_free(&mut self, contact: ContactId, settings: &StreamSettings, wanted: Wanted) -> Option<Claim> {
        let group = Group::of(settings);
        let now = (self.rest.clock)();
        let will_do = |free: &Free| wanted == Wanted::Any || now.saturating_sub(free.since) >= self.rest.time;
        let streams = self.groups.get_mut(&group)?;
        loop {
            let Free { name, .. } = streams.free.pop_front_if(|free| will_do(free))?;
            // Under two keys' groups a name may be listed twice; leased once is leased.
            if self.leased.insert(name.clone()) {
                return Some(Claim { contact, group, name });
            }
        }
    }

    fn claim_new(
        &mut self,
        contact: ContactId,
        settings: &StreamSettings,
        name: StreamName,
    ) -> Option<Claim> {
        let group = Group::of(settings);
        self.leased.insert(name.clone()).then_some(Claim { contact, group, name })
    }

    fn remember(&mut self, hold: &Arc<Hold>) {
        self.holds.entry(hold.contact).or_default().push(Arc::downgrade(hold));
    }

    fn held_by(&self, contact: ContactId) -> Vec<Arc<Hold>> {
        self.holds.get(&contact).into_iter().flatten().filter_map(Weak::upgrade).collect()
    }

    fn release(&mut self, hold: &Hold) {
        if self.leased.remove(&hold.name) && !hold.is_forgotten() {
            let free = Free { name: hold.name.clone(), since: (self.rest.clock)() };
            self.groups.entry(hold.group.clone()).or_default().free.push_back(free);
        }
        if let Some(holds) = self.holds.get_mut(&hold.contact) {
            holds.retain(|weak| weak.strong_count() > 0);
            if holds.is_empty() {
                self.holds.remove(&hold.contact);
            }
        }
    }
}

impl Group {
    fn of(settings: &StreamSettings) -> Self {
        Self { name_prefix: settings.name_prefix.clone(), key_id: settings.key_id.clone() }
    }
}

/// The claim to a stream's name; dropping it gives the name back.
struct Hold {
    pool: Arc<Mutex<StreamPool>>,
    contact: ContactId,
    group: Group,
    name: StreamName,
    /// The name stays claimed to the end even so, lest it be leased to another call meanwhile.
    forgotten: AtomicBool,
}

impl Hold {
    fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Acquire)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.pool).release(self);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("contact", &self.contact)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every change of the pool is complete before its lock is released, so a poisoned lock guards a sound pool.
fn lock(pool: &Mutex<StreamPool>) -> MutexGuard<'_, StreamPool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "lease_tests.rs"]
pub(super) mod tests;
