//! What the store says of a stream's size and end.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::EmbeddedOptions;
use tympan_store::{ErrorKind, MediaStore, Stream, StreamRef};
use tympan_types::ServerTime;

/// Eight fragments, of which some are in chunks afterwards, and the number of the last.
async fn filled(store: &MediaStore, stream: &Stream, clock: &ManualClock) -> tympan_types::FragmentNumber {
    let mut writer = store.open_writer(stream.id).await.unwrap();
    let mut last = None;
    for n in 0..8 {
        if n == 6 {
            clock.advance_ms(3_600_000);
            store.chunk().await.unwrap();
        }
        clock.advance_ms(1_000);
        last = Some(write(&mut writer, &"xy".repeat(350)).await.unwrap());
    }
    last.unwrap()
}

async fn check(store: MediaStore, clock: Arc<ManualClock>) {
    let stream = store.create_stream(new_stream("s", 24), None).await.unwrap();
    let empty = store.extent(stream.id).await.unwrap();
    assert_eq!((empty.fragments, empty.bytes, empty.oldest, empty.head), (0, 0, None, None));
    let last = filled(&store, &stream, &clock).await;
    let extent = store.extent(stream.id).await.unwrap();
    assert_eq!(extent.fragments, 8);
    assert!(extent.bytes > 8 * 700, "{extent:?}");
    assert_eq!(extent.oldest, Some(ServerTime::from_unix_ms(START_MS + 1_000)));
    assert_eq!((extent.head, store.head(stream.id)), (Some(last), Some(last)));
    let mut writer = store.open_writer(stream.id).await.unwrap();
    let open = writer.begin(head(START_MS)).unwrap();
    assert_eq!(store.head(stream.id), Some(open));
    assert_eq!(store.extent(stream.id).await.unwrap().fragments, 8, "an open fragment is not counted");
    writer.abandon();
    assert_eq!(store.head(stream.id), Some(last), "what was taken back is no head");
    clock.advance_ms(25 * 3_600_000);
    assert_eq!(store.extent(stream.id).await.unwrap().fragments, 0, "what has expired is not counted");
    store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    assert_eq!(*store.extent(stream.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn journal_and_chunks_are_counted_alike_in_memory() {
    let bench = Bench::with(tympan_store::StoreOptions {
        housekeeping_ms: 0,
        chunk_bytes: 3_000,
        ..Default::default()
    });
    check(bench.store.clone(), bench.clock.clone()).await;
}

#[tokio::test]
async fn journal_and_chunks_are_counted_alike_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, keyring) = (ManualClock::new(), Arc::new(Keyring::in_memory()));
    let opened = open_embedded(folder.path(), EmbeddedOptions::default(), &keyring, &clock);
    check(opened.unwrap().0, clock).await;
}
