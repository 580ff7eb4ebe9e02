//! The key provider is away for a while: a real keyring whose file is taken from it.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use std::sync::Arc;
use support::{HOUR_MS, ManualClock, START_MS, new_stream, next_body, write};
use tympan_kms::{KeyId, Keyring, KeyringOwner};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{ErrorKind, MediaStore, Start, StoreError, StoreOptions};
use tympan_types::{AccountId, Region, WallTime};

struct Bench {
    clock: Arc<ManualClock>,
    store: MediaStore,
    keyring: Arc<Keyring>,
    _home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let owner = KeyringOwner {
            region: Region::parse("us-west-2").unwrap(),
            account: AccountId::parse("111122223333").unwrap(),
        };
        let now = WallTime::from_unix_ms(START_MS);
        let keyring = Arc::new(Keyring::open(&home.path().join("keys"), owner, now).unwrap());
        let (clock, backend) = (ManualClock::new(), Arc::new(MemoryBackend::open(&MemoryDisk::new())));
        let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
        let store = MediaStore::open(backend, keyring.clone(), clock.clone(), options).unwrap();
        Self { clock, store, keyring, _home: home }
    }

    fn keys_go_away(&self) {
        let file = self.keyring.path().unwrap();
        std::fs::rename(file, file.with_extension("away")).unwrap();
    }

    fn keys_come_back(&self) {
        let file = self.keyring.path().unwrap();
        std::fs::rename(file.with_extension("away"), file).unwrap();
    }
}

fn code(error: &StoreError) -> u16 {
    match error.kind() {
        ErrorKind::Key(error) => error.kvs_code(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn streams_with_opened_keys_go_on_and_others_wait() {
    let bench = Bench::new();
    let known = bench.store.create_stream(new_stream("known", 24), None).await.unwrap();
    let fresh = bench.store.create_stream(new_stream("fresh", 24), None).await.unwrap();
    let mut first = bench.store.open_writer(known.id).await.unwrap();
    write(&mut first, "a").await.unwrap();

    bench.keys_go_away();
    write(&mut first, "b").await.unwrap();
    let mut second = bench.store.open_writer(known.id).await.unwrap();
    write(&mut second, "c").await.unwrap();
    let mut reader = bench.store.reader(known.id, Start::Earliest).unwrap();
    for body in ["a", "b", "c"] {
        assert_eq!(next_body(&mut reader).await.unwrap(), body);
    }
    assert_eq!(code(&bench.store.open_writer(fresh.id).await.map(drop).unwrap_err()), 4503);
    let new = bench.store.create_stream(new_stream("new", 24), None).await;
    assert_eq!(code(&new.unwrap_err()), 4503);

    // Trust has an end for those who begin; who holds a key keeps it.
    bench.clock.advance_ms(6 * 60 * 1000);
    assert_eq!(code(&bench.store.open_writer(known.id).await.map(drop).unwrap_err()), 4503);
    let mut late = bench.store.reader(known.id, Start::Earliest).unwrap();
    assert_eq!(code(&next_body(&mut late).await.unwrap_err()), 4503);
    write(&mut second, "d").await.unwrap();

    bench.keys_come_back();
    assert_eq!(next_body(&mut late).await.unwrap(), "a", "the same reader goes on");
    for stream in [&known, &fresh] {
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        write(&mut writer, "e").await.unwrap();
    }
}

#[tokio::test]
async fn an_old_data_key_serves_a_while_longer_than_its_day() {
    let bench = Bench::new();
    let stream = bench.store.create_stream(new_stream("s", 100), None).await.unwrap();
    drop(bench.store.open_writer(stream.id).await.unwrap());
    bench.clock.advance_ms(24 * HOUR_MS - 60_000);
    drop(bench.store.open_writer(stream.id).await.unwrap());
    bench.clock.advance_ms(120_000);
    bench.keys_go_away();
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "a").await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_refused_is_forgotten_at_once() {
    let bench = Bench::new();
    let stream = bench.store.create_stream(new_stream("s", 24), None).await.unwrap();
    drop(bench.store.open_writer(stream.id).await.unwrap());
    bench.keyring.disable(&KeyId::default()).unwrap();
    assert_eq!(code(&bench.store.open_writer(stream.id).await.map(drop).unwrap_err()), 4501);
    // An outage afterwards brings nothing back.
    bench.keys_go_away();
    assert_eq!(code(&bench.store.open_writer(stream.id).await.map(drop).unwrap_err()), 4503);
}
