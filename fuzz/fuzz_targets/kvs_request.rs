//! One request: the path on the first line, the JSON body after it. Nothing panics and nothing is an internal failure.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tympan_aws::{Invocation, Stage};
use tympan_kms::Keyring;
use tympan_kvs::{KvsOptions, KvsService, Operation, operations};
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

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (path, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Some(operation) = Operation::from_path(&String::from_utf8_lossy(path)) else { return };
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
        let now = WallTime::from_unix_ms(1_700_000_000_000);
        let (operations, invocation) = (operations(), Invocation::within_process(&caller, now));
        let attempt = operations.attempt_named(&service, operation.name(), body, &invocation).await;
        assert!(attempt.stage == Stage::Unknown || !attempt.asks.is_empty());
        if let Err(error) = attempt.result {
            assert_ne!(error.status(), 500, "{error}");
        }
    });
});
