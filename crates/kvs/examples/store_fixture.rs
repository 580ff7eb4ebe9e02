//! Writes a data directory as this version of the store leaves it, to be kept as a fixture: README in `fixtures/store`.
//!
//! `cargo run -p tympan-kvs --example store_fixture -- fixtures/store/format-2`
#![allow(clippy::unwrap_used, reason = "a program for developers")]

#[path = "../tests/store_formats/contents.rs"]
mod contents;

use bytes::Bytes;
use contents::{BEGIN_MS, FRAGMENTS, Place, RETENTION_HOURS, STREAMS};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tympan_kms::{KeyId, Keyring, KeyringOwner};
use tympan_kvs::Companded;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{Clock, FragmentHead, MediaStore, NewStream, StorageTier, StoreOptions, Writer};
use tympan_types::{AccountId, Mono, ProducerTime, Region, StreamArn, StreamName, WallTime};

struct FixtureClock(AtomicI64);

impl Clock for FixtureClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(self.0.load(Ordering::SeqCst))
    }

    fn mono(&self) -> Mono {
        Mono::from_millis(self.now().unix_ms().unsigned_abs())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = PathBuf::from(std::env::args().nth(1).unwrap_or_default());
    assert!(!path.exists() && path.parent().is_some_and(Path::is_dir), "usage: store_fixture NEW_DIRECTORY");
    let clock = Arc::new(FixtureClock(AtomicI64::new(BEGIN_MS)));
    let (region, account) = (Region::parse("us-west-2").unwrap(), AccountId::parse("111122223333").unwrap());
    let owner = KeyringOwner { region: region.clone(), account: account.clone() };
    let keyring = Arc::new(Keyring::open(&path.join("keyring"), owner, clock.now()).unwrap());
    // So small that there are closed segments with footers beside the open one.
    let embedded = EmbeddedOptions { segment_bytes: 3_000, ..EmbeddedOptions::default() };
    let backend = Arc::new(EmbeddedBackend::open(&path, embedded).unwrap());
    let options = StoreOptions {
        housekeeping_ms: 0,
        chunk_age_ms: i64::MAX,
        body_codec: Some(Arc::new(Companded)),
        ..StoreOptions::default()
    };
    let store = MediaStore::open(backend, keyring, clock.clone(), options).unwrap();

    let (mut manifest, mut unfinished) = (String::new(), Vec::new());
    for (at, (name, place)) in STREAMS.into_iter().enumerate() {
        let stream = store.create_stream(new_stream(&region, &account, name), None).await.unwrap();
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for fragment in 0..FRAGMENTS {
            if place == Place::Both && fragment == FRAGMENTS / 2 {
                drop(writer);
                store.chunk().await.unwrap();
                writer = store.open_writer(stream.id).await.unwrap();
            }
            manifest.push_str(&write(&mut writer, &clock, at, fragment).await);
        }
        // A stream without a writer is made into a chunk.
        if place == Place::Chunk {
            drop(writer);
            store.chunk().await.unwrap();
        } else {
            unfinished.push(writer);
        }
    }
    std::fs::write(path.join("MANIFEST"), manifest).unwrap();
    store.shutdown().await;
    drop((unfinished, store));
    for file in ["LOCK", "RESERVE"] {
        std::fs::remove_file(path.join(file)).unwrap();
    }
}

/// Writes a fragment and says what a reader must find: stream, number, producer and server time, duration.
async fn write(writer: &mut Writer, clock: &FixtureClock, stream: usize, fragment: usize) -> String {
    let server_ms = clock.0.fetch_add(1_000, Ordering::SeqCst) + 1_000;
    let producer_ms = server_ms - 1_123;
    let head = Bytes::from(contents::head());
    let number =
        writer.begin(FragmentHead { head, producer: ProducerTime::from_unix_ms(producer_ms) }).unwrap();
    for piece in contents::body(stream, fragment).chunks(100) {
        writer.push(Bytes::copy_from_slice(piece));
    }
    let duration_ms = 30 + fragment as u32;
    writer.seal_indexed(duration_ms, contents::index(stream, fragment).map(Bytes::from)).await.unwrap();
    format!("{} {number} {producer_ms} {server_ms} {duration_ms}\n", STREAMS[stream].0)
}

fn new_stream(region: &Region, account: &AccountId, name: &str) -> NewStream {
    let created = WallTime::from_unix_ms(BEGIN_MS);
    NewStream {
        arn: StreamArn::new(region.clone(), account.clone(), StreamName::parse(name).unwrap(), created),
        device_name: Some("a device".into()),
        media_type: Some("audio/L16".into()),
        kms_key_id: KeyId::DEFAULT.into(),
        kms_key_arn: None,
        retention_hours: RETENTION_HOURS,
        storage_tier: StorageTier::Hot,
        tags: BTreeMap::from([("a tag".into(), "its value".into())]),
    }
}
