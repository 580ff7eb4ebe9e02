//! A clock that stands still until told, and stores to try things on.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tympan_kms::{KeyId, Keyring};
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{
    BodyCodec, Clock, FragmentHead, MediaStore, NewStream, ReadEvent, Reader, StorageTier, StoreError,
    StoreOptions, Stream, Writer,
};
use tympan_types::{AccountId, FragmentNumber, Mono, ProducerTime, Region, StreamArn, StreamName, WallTime};

pub(crate) const START_MS: i64 = 1_700_000_000_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) struct ManualClock {
    wall_ms: AtomicI64,
    passed_ms: AtomicU64,
}

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { wall_ms: AtomicI64::new(START_MS), passed_ms: AtomicU64::new(0) })
    }

    /// So much time passes.
    pub(crate) fn advance_ms(&self, ms: i64) {
        self.passed_ms.fetch_add(u64::try_from(ms).unwrap(), Ordering::SeqCst);
        self.set_by_ms(ms);
    }

    /// The time of day is set, by so much.
    pub(crate) fn set_by_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(self.wall_ms.load(Ordering::SeqCst))
    }

    fn mono(&self) -> Mono {
        Mono::from_millis(self.passed_ms.load(Ordering::SeqCst))
    }
}

/// A form for tests: a body of one byte only, many times, as that byte.
#[derive(Debug)]
pub(crate) struct RunLength;

impl BodyCodec for RunLength {
    fn form(&self) -> u16 {
        9
    }

    fn encode(&self, body: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend(body.first());
        body.iter().all(|byte| Some(byte) == body.first())
    }

    fn decode(&self, stored: &[u8], plain_bytes: usize, out: &mut Vec<u8>) -> bool {
        let [byte] = stored else { return false };
        out.resize(out.len() + plain_bytes, *byte);
        true
    }
}

/// Opens a store on a directory; housekeeping happens on command only, and chunks are small.
pub(crate) fn open_embedded(
    path: &Path,
    embedded: EmbeddedOptions,
    keyring: &Arc<Keyring>,
    clock: &Arc<ManualClock>,
) -> Result<(MediaStore, Arc<EmbeddedBackend>), StoreError> {
    let embedded = EmbeddedOptions { now: Some(clock.now()), ..embedded };
    let backend = Arc::new(EmbeddedBackend::open(path, embedded)?);
    let options = StoreOptions {
        housekeeping_ms: 0,
        read_ahead_bytes: 500,
        chunk_bytes: 3_000,
        body_codec: Some(Arc::new(RunLength)),
        ..StoreOptions::default()
    };
    Ok((MediaStore::open(backend.clone(), keyring.clone(), clock.clone(), options)?, backend))
}

/// A store in memory, and all that it stands on. Housekeeping happens on command only.
pub(crate) struct Bench {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) options: StoreOptions,
    pub(crate) store: MediaStore,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() })
    }

    pub(crate) fn with(options: StoreOptions) -> Self {
        let (disk, clock, keyring) = (MemoryDisk::new(), ManualClock::new(), Arc::new(Keyring::in_memory()));
        let store = open(&disk, &keyring, &clock, &options);
        Self { disk, clock, keyring, options, store }
    }

    /// The process dies; another one opens the disk.
    pub(crate) fn crash(&mut self) {
        self.disk.lose_power();
        self.store = open(&self.disk, &self.keyring, &self.clock, &self.options);
    }

    pub(crate) async fn stream(&self, name: &str, retention_hours: u32) -> Stream {
        self.store.create_stream(new_stream(name, retention_hours), None).await.unwrap()
    }
}

fn open(
    disk: &MemoryDisk,
    keyring: &Arc<Keyring>,
    clock: &Arc<ManualClock>,
    options: &StoreOptions,
) -> MediaStore {
    let backend = Arc::new(MemoryBackend::open(disk));
    MediaStore::open(backend, keyring.clone(), clock.clone(), options.clone()).unwrap()
}

pub(crate) fn new_stream(name: &str, retention_hours: u32) -> NewStream {
    let region = Region::parse("us-west-2").unwrap();
    let account = AccountId::parse("111122223333").unwrap();
    let created = WallTime::from_unix_ms(START_MS);
    NewStream {
        arn: StreamArn::new(region, account, StreamName::parse(name).unwrap(), created),
        device_name: None,
        media_type: None,
        kms_key_id: KeyId::DEFAULT.into(),
        kms_key_arn: None,
        retention_hours,
        storage_tier: StorageTier::Hot,
        tags: BTreeMap::new(),
    }
}

pub(crate) fn head(producer_ms: i64) -> FragmentHead {
    FragmentHead { head: Bytes::from_static(b"head"), producer: ProducerTime::from_unix_ms(producer_ms) }
}

/// Writes a whole fragment and waits until it is durable.
pub(crate) async fn write(writer: &mut Writer, body: &str) -> Result<FragmentNumber, StoreError> {
    let number = writer.begin(head(START_MS))?;
    writer.push(Bytes::from(body.to_owned()));
    writer.seal(1_000).await?;
    Ok(number)
}

/// The body of the next fragment, however it comes; what else comes, as its name.
pub(crate) async fn next_body(reader: &mut Reader) -> Result<String, StoreError> {
    let mut body = Vec::new();
    loop {
        match reader.next().await? {
            ReadEvent::Stored(fragment) => {
                assert_eq!(fragment.head, "head");
                return Ok(String::from_utf8_lossy(&fragment.body).into_owned());
            }
            ReadEvent::Opened { head, .. } => assert_eq!(head, "head"),
            ReadEvent::Body(bytes) => body.extend_from_slice(&bytes),
            ReadEvent::Sealed { meta } => {
                assert_eq!(meta.body_bytes as usize, body.len());
                return Ok(String::from_utf8(body).unwrap());
            }
            ReadEvent::Abandoned => return Ok("(abandoned)".into()),
            ReadEvent::CaptureEnded => return Ok("(ended)".into()),
            ReadEvent::Deleted => return Ok("(deleted)".into()),
        }
    }
}

/// Whether the reader would wait now.
pub(crate) async fn waits(reader: &mut Reader) -> bool {
    // What is in memory is ready at once; only reading history takes a moment.
    let patience = std::time::Duration::from_millis(200);
    tokio::time::timeout(patience, reader.next()).await.is_err()
}
