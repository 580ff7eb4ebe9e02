//! PutMedia and GetMedia without HTTP and without a disk: parse, tail, seal; and back: find, open, tag.

use super::counted;
use super::mkv::{self, FRAMES};
use anyhow::{Context, ensure};
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tympan_kms::Keyring;
use tympan_kvs::{AckEvent, BodyEnd, KvsOptions, KvsService, Operation, PutMediaRequest, PutMediaSession};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{Clock, MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Mono, Region, WallTime};

/// A clock that stands still: what depends on the time is the same each time.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(1_700_000_000_000)
    }

    fn mono(&self) -> Mono {
        Mono::default()
    }
}

struct Bench {
    disk: MemoryDisk,
    runtime: Runtime,
    store: MediaStore,
    service: KvsService,
    caller: Caller,
}

impl Bench {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let clock = Arc::new(StoppedClock);
        // Housekeeping on command only, and room for everything in the queue: nobody waits for anybody.
        let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
        let disk = MemoryDisk::new();
        let backend = Arc::new(MemoryBackend::open(&disk));
        let store = MediaStore::open(backend, Arc::new(Keyring::in_memory()), clock.clone(), options)?;
        let service = KvsService::new(store.clone(), KvsOptions::new("http://127.0.0.1:8600", clock));
        let caller = Caller {
            account: AccountId::parse("111122223333")?,
            region: Region::parse("us-west-2")?,
            access_key_id: "TYMPANDEV".to_owned(),
        };
        let bench = Self { disk, runtime, store, service, caller };
        let request = json!({ "StreamName": "bench", "DataRetentionInHours": 24 }).to_string();
        let create = Operation::from_path("/createStream").context("an operation")?;
        bench.runtime.block_on(bench.service.call(&bench.caller, create, request.as_bytes()))?;
        Ok(bench)
    }

    fn put(&self) -> anyhow::Result<PutMediaSession> {
        let header = |name: &str| match name {
            "x-amzn-stream-name" => Some("bench"),
            "x-amzn-fragment-timecode-type" => Some("ABSOLUTE"),
            "x-amzn-producer-start-timestamp" => Some("1700000000.000"),
            "x-amzn-fragment-acknowledgment-required" => Some("1"),
            _ => None,
        };
        let request = PutMediaRequest::parse(&header)?;
        Ok(self.runtime.block_on(self.service.put_media(&self.caller, request))?)
    }

    /// Pushes, counted, while the disk stands still: how far it has got would show in what is allocated.
    fn push(&self, session: &mut PutMediaSession, pieces: &[Vec<u8>]) {
        self.disk.faults().close_gate();
        counted(|| pieces.iter().for_each(|piece| session.push(piece)));
        self.disk.faults().open_gate();
    }

    /// Ends a session and counts what it was promised to keep.
    fn persisted(&self, mut session: PutMediaSession) -> usize {
        session.finish(BodyEnd::Finished);
        let mut persisted = 0;
        self.runtime.block_on(async {
            while let Some(ack) = session.next_ack().await {
                persisted += usize::from(ack.event == AckEvent::Persisted);
            }
        });
        persisted
    }
}

pub(super) fn put_media(fragments: usize) -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut session = bench.put()?;
    let mut head = Vec::new();
    mkv::head(&mut head);
    session.push(&head);
    let clusters: Vec<Vec<u8>> = (0..fragments)
        .map(|index| {
            let mut cluster = Vec::new();
            mkv::cluster(&mut cluster, 1_700_000_000_000 + index as u64 * 1_000);
            cluster
        })
        .collect();
    bench.push(&mut session, &clusters);
    let persisted = bench.persisted(session);
    ensure!(persisted == fragments, "{persisted} of {fragments}");
    Ok(())
}

pub(super) fn put_media_live(blocks: usize) -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut session = bench.put()?;
    let mut head = Vec::new();
    mkv::head(&mut head);
    session.push(&head);
    let fragments = blocks.div_ceil(FRAMES);
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for index in 0..fragments {
        let mut cluster = Vec::new();
        mkv::cluster(&mut cluster, 1_700_000_000_000 + index as u64 * 1_000);
        pieces.extend(cluster.chunks(cluster.len().div_ceil(FRAMES)).map(<[u8]>::to_vec));
    }
    bench.push(&mut session, &pieces);
    let persisted = bench.persisted(session);
    ensure!(persisted == fragments, "{persisted} of {fragments}");
    Ok(())
}

/// Reads a stream that is always the same, as often as `fragments` takes: storing it varies with how threads meet.
pub(super) fn get_media(fragments: usize) -> anyhow::Result<()> {
    const STORED: usize = 100;
    let bench = Bench::new()?;
    let mut session = bench.put()?;
    session.push(&mkv::stream(STORED));
    ensure!(bench.persisted(session) == STORED);
    bench.runtime.block_on(bench.store.chunk())?;
    let request = json!({ "StreamName": "bench", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let request = request.to_string();
    let bytes = bench.runtime.block_on(async {
        let mut bytes = 0;
        for _ in 0..fragments.div_ceil(STORED) {
            let mut body = bench.service.get_media(&bench.caller, request.as_bytes()).await?;
            while let Some(chunk) = body.next().await {
                bytes += chunk.len();
            }
        }
        anyhow::Ok(bytes)
    })?;
    ensure!(bytes >= fragments * FRAMES * 320, "{bytes} bytes");
    Ok(())
}
