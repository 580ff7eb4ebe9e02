//! A PutMedia body: the first byte says in pieces of what size it arrives. Nothing panics, at most one error is told,
//! and what was received is read back by GetMedia as Matroska.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tympan_kms::Keyring;
use tympan_kvs::{AckEvent, BodyEnd, KvsOptions, KvsService, Operation, PutMediaRequest};
use tympan_mkv::fragment::{FragmentReader, FragmentSink};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{Clock, MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Mono, Region, WallTime};

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(1_700_000_000_000)
    }

    fn mono(&self) -> Mono {
        Mono::default()
    }
}

#[derive(Default)]
struct Documents(usize);

impl FragmentSink for Documents {
    fn document(&mut self) {
        self.0 += 1;
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, body)) = input.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let clock = Arc::new(StoppedClock);
        let backend = Arc::new(MemoryBackend::open(&MemoryDisk::new()));
        let keys = Arc::new(Keyring::in_memory());
        let store =
            MediaStore::open(backend, keys, clock.clone(), StoreOptions::default()).expect("an empty store");
        let service = KvsService::new(store, KvsOptions::new("http://127.0.0.1", clock));
        let caller = Caller {
            account: AccountId::parse("111122223333").expect("twelve digits"),
            region: Region::parse("us-west-2").expect("a region"),
            access_key_id: "FUZZ".to_owned(),
        };
        let new = br#"{"StreamName":"s","DataRetentionInHours":1}"#;
        service.call(&caller, Operation::CreateStream, new).await.expect("a new stream");
        let request = PutMediaRequest::parse(&|header: &str| match header {
            "x-amzn-stream-name" => Some("s"),
            "x-amzn-fragment-timecode-type" => Some("ABSOLUTE"),
            _ => None,
        });
        let mut session =
            service.put_media(&caller, request.expect("two headers")).await.expect("the stream exists");
        for piece in body.chunks(usize::from(*size) + 1) {
            session.push(piece);
        }
        session.finish(BodyEnd::Finished);
        let (mut received, mut errors) = (0, 0);
        while let Some(ack) = session.next_ack().await {
            received += usize::from(ack.event == AckEvent::Received);
            errors += usize::from(matches!(ack.event, AckEvent::Error(_)));
        }
        assert!(errors <= 1);
        if received == 0 {
            return;
        }
        let selector = br#"{"StreamName":"s","StartSelector":{"StartSelectorType":"EARLIEST"}}"#;
        let mut media = service.get_media(&caller, selector).await.expect("the stream exists");
        let (mut reader, mut documents) = (FragmentReader::new(Default::default()), Documents::default());
        // A session that failed is no finished capture: its body would end by silence only.
        while documents.0 < received || errors == 0 {
            let Some(chunk) = media.next().await else { break };
            reader.push(&chunk, &mut documents).expect("what was accepted is Matroska");
        }
        assert_eq!(documents.0, received);
    });
});
