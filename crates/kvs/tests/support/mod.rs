//! A service over a store in memory, a producer that writes Matroska, and readers of both answers.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub, reason = "tests only")]

use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tympan_auth::{Refusal, RefusalCause};
use tympan_aws::{Ask, Attempt, Invocation, Permit};
use tympan_kms::Keyring;
use tympan_kvs::{
    Ack, AcksTold, BodyEnd, Companded, KvsError, KvsOptions, KvsService, MediaBody, Operation,
    PutMediaRequest, PutMediaSession, StreamIdentity, TimecodeType,
};
use tympan_mkv::write::{self, FLAG_KEYFRAME, TrackHead};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{Clock, MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Mono, ProducerTime, Region, StreamName, WallTime};

/// When every test begins.
pub const BEGIN_MS: i64 = 1_700_000_000_000;

/// A clock that stands still unless it is told to move.
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(self.0.load(Ordering::Relaxed))
    }

    fn mono(&self) -> Mono {
        // It is moved forward only, as time passes.
        Mono::from_millis(self.now().unix_ms().unsigned_abs())
    }
}

pub struct Bench {
    pub disk: MemoryDisk,
    pub service: KvsService,
    pub store: MediaStore,
    pub clock: Arc<TestClock>,
    pub keys: Arc<Keyring>,
}

/// A service whose bodies end by silence only after a minute: tests end them by ending the capture.
pub fn bench() -> Bench {
    bench_with(|_| {})
}

pub fn bench_with(change: impl FnOnce(&mut KvsOptions)) -> Bench {
    let clock = Arc::new(TestClock(AtomicI64::new(BEGIN_MS)));
    let keys = Arc::new(Keyring::in_memory());
    let disk = MemoryDisk::new();
    let store = MediaStore::open(
        Arc::new(MemoryBackend::open(&disk)),
        keys.clone(),
        clock.clone(),
        StoreOptions { body_codec: Some(Arc::new(Companded)), ..StoreOptions::default() },
    )
    .unwrap();
    let mut options = KvsOptions::new("http://127.0.0.1:8600", clock.clone());
    options.get_media_idle = Duration::from_secs(60);
    change(&mut options);
    let service = KvsService::new(store.clone(), options);
    Bench { service, store, clock, keys, disk }
}

/// Waits no longer than this for a body that ends by silence.
pub const SHORT_IDLE: Duration = Duration::from_secs(1);

pub fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "TYMPANDEV".to_owned(),
    }
}

/// Policies that deny everything.
struct Denied;

impl Permit for Denied {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let cause = RefusalCause::NoAllow { in_session: false };
        let (principal, action) = ("arn:aws:iam::111122223333:user/u".into(), asks[0].action.to_string());
        Err(Refusal { principal, action, resource: asks[0].resource.arn.clone(), cause })
    }
}

impl Bench {
    pub async fn call(&self, path: &str, body: Value) -> Result<Value, KvsError> {
        let operation = Operation::from_path(path).unwrap();
        let answer = self.service.call(&caller(), operation, body.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// What a request asks of the policies, which deny it.
    pub async fn asks(&self, operation: Operation, body: &[u8]) -> Attempt<KvsError> {
        let (caller, now) = (caller(), WallTime::from_unix_ms(1_700_000_000_000));
        let invocation = Invocation { permit: &Denied, ..Invocation::within_process(&caller, now) };
        tympan_kvs::operations().attempt_named(&self.service, operation.name(), body, &invocation).await
    }

    /// Creates a stream and returns its ARN.
    pub async fn create(&self, name: &str, hours: u32) -> String {
        let body = serde_json::json!({"StreamName": name, "DataRetentionInHours": hours});
        self.call("/createStream", body).await.unwrap()["StreamARN"].as_str().unwrap().to_owned()
    }

    pub async fn put(&self, name: &str, timecodes: TimecodeType) -> PutMediaSession {
        self.service.put_media(&caller(), request(name, timecodes)).await.unwrap()
    }

    /// Sends a whole body in one piece and returns the ack lines.
    pub async fn produce(&self, name: &str, timecodes: TimecodeType, body: &[u8]) -> Vec<Ack> {
        let mut session = self.put(name, timecodes).await;
        session.push(body);
        session.finish(BodyEnd::Finished);
        acks(&mut session).await
    }

    pub async fn get(&self, name: &str, selector: Value) -> MediaBody {
        let body = serde_json::json!({"StreamName": name, "StartSelector": selector});
        self.service.get_media(&caller(), body.to_string().as_bytes()).await.unwrap()
    }

    /// Switches off the key that streams use when none is named.
    pub fn disable_key(&self) {
        self.keys.disable(&tympan_kms::KeyId::default()).unwrap();
    }

    /// How many fragments are durable, once `expected` are or a few seconds have passed.
    pub async fn stored_soon(&self, name: &str, expected: usize) -> usize {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let stored = self.stored(name).await.len();
            if stored >= expected || tokio::time::Instant::now() > deadline {
                return stored;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything that the store keeps of a stream: producer time, duration, head, body.
    pub async fn stored(&self, name: &str) -> Vec<(ProducerTime, u32, Vec<u8>, Vec<u8>)> {
        use tympan_store::{StreamRef, TimeAxis};
        let (caller, name) = (caller(), StreamName::parse(name).unwrap());
        let named = StreamRef::Name { account: &caller.account, region: &caller.region, name: &name };
        let stream = self.store.stream(named).await.unwrap();
        let listed =
            self.store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, 10_000).await.unwrap();
        let mut fragments = Vec::new();
        for meta in listed {
            let fragment = self.store.fragment(stream.id, meta.number).await.unwrap().unwrap();
            fragments.push((meta.producer, meta.duration_ms, fragment.head.to_vec(), fragment.body.to_vec()));
        }
        fragments
    }
}

pub fn request(name: &str, timecodes: TimecodeType) -> PutMediaRequest {
    let stream = StreamIdentity::Name(StreamName::parse(name).unwrap());
    PutMediaRequest { stream, timecodes, acks: AcksTold::Every, idle_close: true, resumes: true }
}

pub fn relative(start_ms: i64) -> TimecodeType {
    TimecodeType::Relative(ProducerTime::from_unix_ms(start_ms))
}

pub async fn acks(session: &mut PutMediaSession) -> Vec<Ack> {
    let mut acks = Vec::new();
    while let Some(ack) = session.next_ack().await {
        acks.push(ack);
    }
    acks
}

/// Event names, with the ids of errors: `BUFFERING`, `ERROR 4006`.
pub fn events(acks: &[Ack]) -> Vec<String> {
    let event = |ack: &Ack| {
        let line: Value = serde_json::from_str(&ack.to_line()).unwrap();
        let name = line["EventType"].as_str().unwrap().to_owned();
        if let Some(id) = line["ErrorId"].as_u64() { format!("{name} {id}") } else { name }
    };
    acks.iter().map(event).collect()
}

pub async fn whole(mut body: MediaBody) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// The head of a document with one audio track per name.
pub fn head(tracks: &[&str]) -> Vec<u8> {
    let tracks: Vec<TrackHead<'_>> =
        tracks.iter().enumerate().map(|(at, name)| TrackHead::connect(at as u8 + 1, name)).collect();
    let mut out = Vec::new();
    write::DocumentHead::connect([7; 16], &tracks).write(&mut out);
    out
}

/// A Cluster with a frame of each of some tracks at each of some relative times.
pub fn cluster(timecode: u64, tracks: &[u8], times_ms: &[i16]) -> Vec<u8> {
    let mut out = Vec::new();
    write::cluster_start(&mut out, timecode);
    for &at_ms in times_ms {
        for &track in tracks {
            write::simple_block(&mut out, track, at_ms, FLAG_KEYFRAME, &[track; 320]);
        }
    }
    out
}

pub fn tag(name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::user_tag(&mut out, name, value);
    out
}

/// One track, three fragments of 40 ms, a tag after each.
pub fn three_fragments() -> Vec<u8> {
    let mut body = head(&["AUDIO_FROM_CUSTOMER"]);
    for at in [0, 1000, 2000] {
        body.extend(cluster(at, &[1], &[0, 20, 40]));
        body.extend(tag("ContactId", "c"));
    }
    body
}

/// A recorded file, of this repository or of those beside it; of the latter a note and nothing where they are absent.
pub fn recorded(path: &str) -> Option<Vec<u8>> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(path);
    if let Ok(bytes) = std::fs::read(own) {
        return Some(bytes);
    }
    let root = std::env::var_os("TYMPAN_GROUND_TRUTH").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let found = std::fs::read(root.join(path)).ok();
    if found.is_none() {
        eprintln!("skipped: no {path} under {}", root.display());
    }
    found
}
