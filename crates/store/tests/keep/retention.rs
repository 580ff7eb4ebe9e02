//! Retention in both directions, and deletion while streams are read and written, on real files.

use crate::place::{Place, files};
use crate::support::{HOUR_MS, head, next_body, write};
use bytes::Bytes;
use tympan_store::{ErrorKind, ReadEvent, Start, StreamRef};

#[tokio::test]
async fn a_shorter_retention_is_effective_at_once_and_a_longer_one_brings_nothing_back() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let old = open.session(&stream, &[b"chunked"]).await[0];
    open.store.chunk().await.unwrap();
    place.clock.advance_ms(2 * HOUR_MS);
    let mid = open.session(&stream, &[b"journalled"]).await[0];
    place.clock.advance_ms(2 * HOUR_MS);
    let new = open.session(&stream, &[b"new"]).await[0];
    let mut reader = open.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "chunked");

    // 24 h -> 3 h: the oldest is gone from this call on, for readers that are open too, in listings and by number.
    open.store.set_retention(stream.id, None, 3).await.unwrap();
    let kept: Vec<_> = open.fragments(&stream).await.into_keys().collect();
    assert_eq!(kept, [mid, new]);
    assert_eq!(open.store.fragment(stream.id, old).await.unwrap(), None);
    open.store.sweep().await.unwrap();
    assert!(files(&place.data().join("chunks")).is_empty(), "its bytes go with the next sweep");
    // 3 h -> 1 h -> 48 h: the second is gone for good.
    open.store.set_retention(stream.id, None, 1).await.unwrap();
    open.store.set_retention(stream.id, None, 48).await.unwrap();
    let kept: Vec<_> = open.fragments(&stream).await.into_keys().collect();
    assert_eq!(kept, [new]);
    assert_eq!(next_body(&mut reader).await.unwrap(), "new");
    // What is left lives as long as the longer retention says.
    place.clock.advance_ms(47 * HOUR_MS);
    assert_eq!(open.fragments(&stream).await.len(), 1);
    place.clock.advance_ms(HOUR_MS);
    assert_eq!(open.fragments(&stream).await.len(), 0);
    open.close().await;
}

#[tokio::test]
async fn deleting_a_stream_ends_its_readers_and_writers_in_history_and_at_the_tail() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one", b"two"]).await;
    open.store.chunk().await.unwrap();
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "three").await.unwrap();
    writer.begin(head(0)).unwrap();
    writer.push(Bytes::from("half of four"));
    let mut in_history = open.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut in_history).await.unwrap(), "one");
    let mut at_tail = open.store.reader(stream.id, Start::Now).unwrap();
    assert!(matches!(at_tail.next().await.unwrap(), ReadEvent::Opened { .. }));

    open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    let mut events = Vec::new();
    for reader in [&mut in_history, &mut at_tail] {
        loop {
            match reader.next().await {
                Ok(ReadEvent::Deleted) => break,
                // What it had fetched already may still come; nothing is fetched any more.
                Ok(event) => events.push(event),
                Err(error) => panic!("a deletion is no error of the reader: {error}"),
            }
            assert!(events.len() < 10, "{events:?}");
        }
    }
    assert!(writer.seal(1_000).await.is_err(), "nothing is acknowledged any more");
    assert!(writer.begin(head(0)).is_err());
    let refused = open.store.open_writer(stream.id).await.err().unwrap();
    assert_eq!(refused.kind(), &ErrorKind::NotFound);
    open.store.sweep().await.unwrap();
    assert!(files(&place.data().join("chunks")).is_empty());
    // The name is free at once, and the new stream has nothing of the old one.
    let again = open.stream("s").await;
    assert_ne!(again.id, stream.id);
    assert!(open.fragments(&again).await.is_empty());
    open.close().await;
}
