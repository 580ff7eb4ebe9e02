//! PutMedia and GetMedia without HTTP and without a disk: parse, tail, seal; and back: find, open, tag.

use super::counted;
use super::mkv::{self, FRAMES};
use anyhow::{Context, ensure};
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tympan_capture::{CaptureTaps, Captures, Cut, Piece, Upload};
use tympan_kms::Keyring;
use tympan_kvs::{
    AckEvent, AcksTold, BodyEnd, Companded, G711, KvsOptions, KvsService, Operation, PutMediaRequest,
    PutMediaSession, StreamIdentity, TimecodeType,
};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{BodyCodec, Clock, MediaStore, StoreOptions};
use tympan_telephony::SampleOffset;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::words::{Frame, Payload};
use tympan_types::{AccountId, Caller, CaptureId, Mono, Region, StreamName, TapId, WallTime};

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

pub(super) struct Bench {
    disk: MemoryDisk,
    pub(super) runtime: Runtime,
    store: MediaStore,
    pub(super) service: KvsService,
    pub(super) caller: Caller,
}

impl Bench {
    pub(super) fn new() -> anyhow::Result<Self> {
        Self::with(None)
    }

    fn with(body_codec: Option<Arc<dyn BodyCodec>>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let clock = Arc::new(StoppedClock);
        // Housekeeping on command only, and room for everything in the queue: nobody waits for anybody.
        let options = StoreOptions { housekeeping_ms: 0, body_codec, ..StoreOptions::default() };
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

    /// Of a capture of this process.
    fn put_capture(&self) -> anyhow::Result<PutMediaSession> {
        let stream = StreamIdentity::Name(StreamName::parse("bench")?);
        let timecodes = TimecodeType::Absolute;
        let request =
            PutMediaRequest { stream, timecodes, acks: AcksTold::Last, idle_close: false, resumes: false };
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

/// A capture's end of a session.
struct SessionUpload {
    session: PutMediaSession,
    keeps_codes: bool,
    mkv: Vec<u8>,
}

impl Upload for SessionUpload {
    fn write(&mut self, mkv: &[u8]) {
        self.session.push(mkv);
    }

    fn write_cut(&mut self, cut: &Cut) {
        if !self.keeps_codes {
            self.mkv.clear();
            cut.expand_into(&mut self.mkv);
            return self.session.push(&self.mkv);
        }
        for piece in cut.pieces() {
            match piece {
                Piece::Mkv(mkv) => self.session.push(mkv),
                Piece::Codes(Law::Mu, codes) => self.session.push_codes(G711::Mu, codes),
                Piece::Codes(Law::A, codes) => self.session.push_codes(G711::A, codes),
                Piece::Index(index) => self.session.push_index(index),
            }
        }
    }

    fn finish(mut self: Box<Self>) {
        self.session.finish(BodyEnd::Finished);
    }
}

/// From the frames of a tap to sealed fragments, companded all the way.
pub(super) fn capture(seconds: usize) -> anyhow::Result<()> {
    captured(seconds, true)
}

/// The same through a sink that takes plain Matroska: every sample is expanded, and recognised when it is sealed.
pub(super) fn capture_expanded(seconds: usize) -> anyhow::Result<()> {
    captured(seconds, false)
}

fn captured(seconds: usize, keeps_codes: bool) -> anyhow::Result<()> {
    let bench = Bench::with(Some(Arc::new(Companded)))?;
    let session = bench.put_capture()?;
    let mut acks = session.acks();
    let (id, received) = (CaptureId::new(1), TapId::new(1));
    let mut captures = Captures::default();
    captures.open(id, &super::capture::spec()?, CaptureTaps { received, sent: None }, super::capture::ANCHOR);
    captures.attach(id, Box::new(SessionUpload { session, keeps_codes, mkv: Vec::new() }));
    // Something like speech: no frame is like the one before.
    let codes: Vec<u8> = (0..160 * 50u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    let frames: Vec<&[u8]> = codes.chunks(160).collect();
    bench.disk.faults().close_gate();
    counted(|| {
        for second in 0..seconds as u64 {
            for (frame, codes) in (0..).zip(&frames) {
                let at = SampleOffset::from_samples(second * 8_000 + frame * 160);
                captures.frame(&Frame { tap: received, at, payload: Payload::Ulaw(codes) });
            }
        }
    });
    bench.disk.faults().open_gate();
    captures.close(id);
    let mut persisted = 0;
    bench.runtime.block_on(async {
        while let Some(ack) = acks.next().await {
            persisted += usize::from(ack.event == AckEvent::Persisted);
        }
    });
    ensure!(persisted == seconds + 1, "{persisted} of {seconds} and the lead-in");
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
