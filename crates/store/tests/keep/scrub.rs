use crate::place::{Place, files};
use std::time::Instant;

#[tokio::test]
async fn a_scrub_reads_chunks_and_journal_and_finds_damage_by_fragment() {
    let place = Place::new();
    let open = place.open();
    let chunked = open.stream("chunked").await;
    let numbers = open.session(&chunked, &[b"one", b"two", b"three"]).await;
    open.store.chunk().await.unwrap();
    let journalled = open.stream("journalled").await;
    open.session(&journalled, &[b"four"]).await;
    let report = open.store.scrub(u64::MAX).await.unwrap();
    assert_eq!((report.chunks, report.fragments, report.without_key, report.damage.len()), (1, 4, 0, 0));

    // A bit flips while the server runs; the cache of opened keys and files does not hide it.
    let chunk = files(&place.data()).into_keys().find(|path| path.extension().is_some_and(|e| e == "chunk"));
    let mut bytes = std::fs::read(chunk.as_ref().unwrap()).unwrap();
    let second = bytes.windows(4).enumerate().filter(|(_, window)| *window == b"TYMF").nth(1).unwrap().0;
    bytes[second + 100] ^= 1;
    std::fs::write(chunk.unwrap(), &bytes).unwrap();
    let report = open.store.scrub(u64::MAX).await.unwrap();
    assert_eq!(report.damage.len(), 1, "{report:#?}");
    assert_eq!((report.damage[0].stream, report.damage[0].fragment), (chunked.id, Some(numbers[1])));
    let stats = open.store.stats();
    assert_eq!((stats.scrub_passes, stats.scrub_fragments, stats.scrub_damaged), (2, 8, 1));
    // What is intact is served, and what is not is an error of that fragment alone.
    let found = open.fragments(&chunked).await;
    assert_eq!(found.values().filter(|fragment| fragment.is_some()).count(), 2);
    assert!(found[&numbers[1]].is_none());
    open.close().await;
}

#[tokio::test]
async fn a_scrub_keeps_to_its_bandwidth_and_ends_with_the_store() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[&[7; 10_000]]).await;
    open.store.chunk().await.unwrap();
    let begun = Instant::now();
    let report = open.store.scrub(100_000).await.unwrap();
    assert!(report.bytes > 10_000);
    assert!(begun.elapsed().as_millis() >= 100, "10 kB at 100 kB/s take 100 ms");
    // At one byte a second the pass would last for hours.
    let (store, other) = (open.store.clone(), open.store.clone());
    let slow = tokio::spawn(async move { store.scrub(1).await });
    other.shutdown().await;
    slow.abort();
    let refused = other.scrub(u64::MAX).await.unwrap_err();
    assert_eq!(refused.kind(), &tympan_store::ErrorKind::NotActive);
}

#[tokio::test]
async fn a_scrub_without_a_key_looks_at_checksums_and_says_so() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    open.store.chunk().await.unwrap();
    place.keyring.disable(&tympan_kms::KeyId::default()).unwrap();
    let report = open.store.scrub(u64::MAX).await.unwrap();
    assert_eq!((report.fragments, report.without_key, report.damage.len()), (1, 1, 0));
    open.close().await;
}
