//! The store's words: streams, fragments, where a reader starts and what it meets.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use tympan_types::{
    AccountId, FragmentNumber, Mono, ProducerTime, Region, ServerTime, StreamArn, StreamName, WallTime,
};
use uuid::Uuid;

/// Where the store learns the time. The server supplies the system's clocks; tests supply their own.
pub trait Clock: Send + Sync + 'static {
    /// The time of day: what fragments are stamped with and expire by.
    fn now(&self) -> WallTime;

    /// The monotonic clock: what lasts is measured with it.
    fn mono(&self) -> Mono;

    /// How far a person has put the time of day ahead on purpose: of that there is no doubt.
    fn put_ahead_ms(&self) -> i64 {
        0
    }
}

/// Where the store takes what nothing may foresee: ids of streams, nonces, the low bits of fragment numbers.
pub trait Entropy: Send + Sync + 'static {
    /// Fills with fresh bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        tympan_kms::fill_random(out);
    }
}

/// One look at both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) wall: WallTime,
    pub(crate) mono: Mono,
}

/// One generation of a stream: a stream that is deleted and created again has another id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Uuid);

impl StreamId {
    /// A fresh random id.
    pub(crate) fn random() -> Self {
        Self::fresh(&SystemEntropy)
    }

    /// A fresh id of these random bytes.
    pub(crate) fn fresh(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// From the sixteen bytes that stand on disk.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({self})")
    }
}

/// What is known of a stream: KVS's StreamInfo and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// This generation.
    pub id: StreamId,
    /// Account, region, name and creation time.
    pub arn: StreamArn,
    /// As given at creation.
    pub device_name: Option<String>,
    /// As given at creation.
    pub media_type: Option<String>,
    /// The master key, as the user named it.
    pub kms_key_id: String,
    /// The ARN of the key that an alias meant when the stream was created: its data keys are made under this one, wherever the
    /// alias points later. `None` for the service's own key, and for streams of versions that did not bind them.
    pub kms_key_arn: Option<String>,
    /// How long a fragment is kept after its server time; 0 keeps nothing beyond the live buffer.
    pub retention_hours: u32,
    /// What the user asked for; kept and shown, all media is equally quick to reach.
    pub storage_tier: StorageTier,
    /// Grows by one with every change of metadata.
    pub version: u64,
    /// Whether it takes fragments.
    pub status: StreamStatus,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// KVS's DefaultStorageTier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageTier {
    /// `HOT`
    #[default]
    Hot,
    /// `WARM`
    Warm,
}

/// Where a stream is in its life. Creation and change are atomic here, so neither has a state of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Takes and gives fragments.
    Active,
    /// Its key is destroyed; its bytes are being removed.
    Deleting,
}

/// A stream to create.
#[derive(Debug, Clone)]
pub struct NewStream {
    /// Account, region, name and creation time.
    pub arn: StreamArn,
    /// Free text.
    pub device_name: Option<String>,
    /// A MIME type.
    pub media_type: Option<String>,
    /// The master key: `alias/aws/kinesisvideo` where the user named none.
    pub kms_key_id: String,
    /// See [`Stream::kms_key_arn`]; where it is `None`, an alias is looked up when the stream is created.
    pub kms_key_arn: Option<String>,
    /// See [`Stream::retention_hours`].
    pub retention_hours: u32,
    /// See [`Stream::storage_tier`].
    pub storage_tier: StorageTier,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// How a request names a stream.
#[derive(Debug, Clone, Copy)]
pub enum StreamRef<'a> {
    /// By name, within the caller's account and region.
    Name {
        /// The caller's account.
        account: &'a AccountId,
        /// The region.
        region: &'a Region,
        /// The stream's name.
        name: &'a StreamName,
    },
    /// By ARN: a stream of the same name created at another time does not match.
    Arn(&'a StreamArn),
}

/// What is known of a fragment when its first byte arrives.
#[derive(Debug, Clone)]
pub struct FragmentHead {
    /// The document head that makes the fragment readable alone (EBML header to Tracks). Share one `Bytes` among
    /// the fragments of a session.
    pub head: Bytes,
    /// When the producer says the fragment began.
    pub producer: ProducerTime,
}

/// A fragment that is open, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFragment {
    /// Its number.
    pub number: FragmentNumber,
    /// When the producer says it began.
    pub producer: ProducerTime,
    /// Its document head.
    pub head: Bytes,
    /// What was pushed, as it was pushed.
    pub pieces: Vec<Bytes>,
    /// Its producer has gone: it waits for a session that goes on with it.
    pub waits: bool,
}

/// A stored fragment without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentMeta {
    /// Its number.
    pub number: FragmentNumber,
    /// When the producer says it began.
    pub producer: ProducerTime,
    /// When the store accepted its first byte.
    pub server: ServerTime,
    /// From its first to its last block, in milliseconds.
    pub duration_ms: u32,
    /// Bytes of its document head.
    pub head_bytes: u32,
    /// Bytes of everything after the head.
    pub body_bytes: u32,
}

impl FragmentMeta {
    /// Head and body together, in bytes.
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.head_bytes) + u64::from(self.body_bytes)
    }
}

/// A stored fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// All but the bytes.
    pub meta: FragmentMeta,
    /// The document head.
    pub head: Bytes,
    /// Everything after the head.
    pub body: Bytes,
}

/// Fragments by number, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FragmentRange {
    /// The first number.
    pub first: FragmentNumber,
    /// The last number.
    pub last: FragmentNumber,
}

impl FragmentRange {
    /// Whether a number lies in it.
    pub fn contains(&self, number: FragmentNumber) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// Whether it covers another one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// How a session of writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The producer said that it was done: readers at the tail end at once.
    Finished,
    /// The connection broke: the producer may come back.
    Disconnected,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the fragment that is open now, from its first byte; else with the next one.
    Now,
    /// With the oldest fragment that is still kept.
    Earliest,
    /// With the first fragment after this number, which need not exist.
    After(FragmentNumber),
    /// With the first fragment that contains this server time or begins after it.
    AtServer(ServerTime),
    /// With the first fragment by number that contains this producer time, else with the one that begins next after it by
    /// time: producers' times need not rise with numbers.
    AtProducer(ProducerTime),
}

/// The clock by which fragments are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeAxis {
    /// The producer's.
    Producer,
    /// The store's.
    Server,
}

impl TimeAxis {
    /// The fragment's start on this axis, in Unix milliseconds.
    pub fn start_ms(self, meta: &FragmentMeta) -> i64 {
        match self {
            Self::Producer => meta.producer.unix_ms(),
            Self::Server => meta.server.unix_ms(),
        }
    }

    /// Whether a fragment contains an instant or begins at or after it. The duration runs to the start of the last
    /// frame, so that instant is within it.
    pub(crate) fn reaches(self, meta: &FragmentMeta, at_ms: i64) -> bool {
        let start_ms = self.start_ms(meta);
        start_ms >= at_ms || start_ms.saturating_add(i64::from(meta.duration_ms)) >= at_ms
    }
}

/// What a [`Reader`](crate::Reader) meets, in the order of fragment numbers.
///
/// A fragment comes either whole (`Stored`) or in pieces (`Opened`, any number of `Body`, then `Sealed` or
/// `Abandoned`), never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEvent {
    /// A whole fragment out of history.
    Stored(Fragment),
    /// A live fragment began.
    Opened {
        /// Its number.
        number: FragmentNumber,
        /// When the producer says it began.
        producer: ProducerTime,
        /// When the store accepted its first byte.
        server: ServerTime,
        /// Its document head.
        head: Bytes,
    },
    /// The next bytes of the live fragment, as they were pushed.
    Body(Bytes),
    /// The live fragment is complete.
    Sealed {
        /// What is now known of it.
        meta: FragmentMeta,
    },
    /// The live fragment was taken back: it will never be listed or replayed.
    Abandoned,
    /// The reader is at the tail, nobody writes, and the last session ended as [`Ending::Finished`]. Told once per
    /// end, and only to a reader that has delivered something; reading on waits for the next session.
    CaptureEnded,
    /// The stream was deleted. Nothing follows.
    Deleted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_within_a_fragment_reaches_it_and_so_does_the_start_of_its_last_frame() {
        let meta = FragmentMeta {
            number: FragmentNumber::MIN,
            producer: ProducerTime::from_unix_ms(1_000),
            server: ServerTime::from_unix_ms(2_000),
            duration_ms: 500,
            head_bytes: 1,
            body_bytes: 2,
        };
        assert!(TimeAxis::Producer.reaches(&meta, 0));
        assert!(TimeAxis::Producer.reaches(&meta, 1_500));
        assert!(!TimeAxis::Producer.reaches(&meta, 1_501));
        assert!(TimeAxis::Server.reaches(&meta, 2_500));
        let instant = FragmentMeta { duration_ms: 0, ..meta };
        assert!(TimeAxis::Producer.reaches(&instant, 1_000));
        assert!(!TimeAxis::Producer.reaches(&instant, 1_001));
    }
}
