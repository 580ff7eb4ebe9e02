//! The store's promises, on the memory backend.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use support::*;
use tympan_kms::{KeyId, Keyring};
use tympan_store::embedded::EmbeddedOptions;
use tympan_store::memory::Fault;
use tympan_store::{
    Ending, ErrorKind, FragmentRange, NewStream, ReadEvent, Start, StoreOptions, StreamRef, TimeAxis,
};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime, WallTime};

#[tokio::test]
async fn a_reader_at_the_tail_sees_each_piece_as_it_is_pushed() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let mut reader = bench.store.reader(stream.id, Start::Now).unwrap();
    let number = writer.begin(head(5)).unwrap();
    let opened = reader.next().await.unwrap();
    let (producer, server) = (ProducerTime::from_unix_ms(5), ServerTime::from_unix_ms(START_MS));
    assert_eq!(opened, ReadEvent::Opened { number, producer, server, head: "head".into() });
    for piece in ["one", "two"] {
        writer.push(Bytes::from(piece));
        assert_eq!(reader.next().await.unwrap(), ReadEvent::Body(piece.into()));
    }
    // A second reader joins amidst the fragment and misses nothing.
    let mut late = bench.store.reader(stream.id, Start::Now).unwrap();
    assert!(matches!(late.next().await.unwrap(), ReadEvent::Opened { .. }));
    writer.push(Bytes::from("three"));
    writer.seal(60).await.unwrap();
    assert_eq!(reader.next().await.unwrap(), ReadEvent::Body("three".into()));
    let ReadEvent::Sealed { meta } = reader.next().await.unwrap() else { panic!("sealed") };
    assert_eq!((meta.number, meta.duration_ms, meta.size_bytes()), (number, 60, 4 + 11));
    assert_eq!(next_body(&mut late).await.unwrap(), "onetwothree");

    writer.begin(head(6)).unwrap();
    assert!(matches!(late.next().await.unwrap(), ReadEvent::Opened { .. }));
    writer.push(Bytes::from("x"));
    writer.abandon();
    assert_eq!(next_body(&mut late).await.unwrap(), "(abandoned)");
}

#[tokio::test]
async fn an_abandoned_fragment_is_never_listed_and_a_latecomer_never_sees_it() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let abandoned = writer.begin(head(0)).unwrap();
    writer.push(Bytes::from("x"));
    drop(writer);
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let kept = write(&mut writer, "kept").await.unwrap();
    assert!(kept > abandoned);
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "kept");
    assert_eq!(bench.store.fragment(stream.id, abandoned).await.unwrap(), None);
    assert_eq!(bench.store.fragment(stream.id, kept).await.unwrap().unwrap().body, "kept");
}

#[tokio::test]
async fn sessions_begin_one_past_a_multiple_of_a_thousand_also_after_a_crash() {
    let mut bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut first = Vec::new();
    for _ in 0..3 {
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        first.push(write(&mut writer, "a").await.unwrap().sequence());
        write(&mut writer, "b").await.unwrap();
        bench.crash();
    }
    assert_eq!(first, [1, 1_001, 2_001]);
}

#[tokio::test]
async fn a_session_passes_its_block_without_a_hole_and_overlapping_ones_share_one_sequence() {
    let bench = Bench::new();
    let stream = bench.stream("s", 0).await;
    let mut old = bench.store.open_writer(stream.id).await.unwrap();
    let mut last = 0;
    for _ in 0..2_500 {
        let sequence = write(&mut old, "").await.unwrap().sequence();
        assert_eq!(sequence, last + 1);
        last = sequence;
    }
    let mut new = bench.store.open_writer(stream.id).await.unwrap();
    let begun = new.begin(head(0)).unwrap();
    assert_eq!(begun.sequence() % 1_000, 1);
    let between = write(&mut old, "").await.unwrap();
    assert!(between > begun, "numbers only grow, whoever mints them");
    assert!(new.begin(head(0)).is_err(), "one is open");
}

#[tokio::test]
async fn server_times_never_run_backwards() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    bench.clock.advance_ms(5_000);
    let before = write(&mut writer, "a").await.unwrap();
    bench.clock.set_by_ms(-60_000);
    let after = write(&mut writer, "b").await.unwrap();
    assert_eq!(before.server_time(), after.server_time());
    bench.store.chunk().await.unwrap();
    drop(writer);
    bench.store.chunk().await.unwrap();
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    assert_eq!(write(&mut writer, "c").await.unwrap().server_time(), before.server_time());
}

#[tokio::test]
async fn starts_are_found_in_chunks_in_the_journal_and_in_what_is_live() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut numbers = Vec::new();
    for session in 0..3i64 {
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        for fragment in 0..2i64 {
            // One second each, one after the other, by both clocks; producer times are other ones.
            let number = writer.begin(head((session * 2 + fragment) * 1_000)).unwrap();
            writer.push(Bytes::from(format!("{}", session * 2 + fragment)));
            writer.seal(1_000).await.unwrap();
            bench.clock.advance_ms(1_000);
            numbers.push(number);
        }
        drop(writer);
        if session == 0 {
            assert_eq!(bench.store.chunk().await.unwrap(), 1);
        }
    }
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let live = writer.begin(head(6_000)).unwrap();
    writer.push(Bytes::from("6"));
    bench.clock.advance_ms(500);
    let at = |ms| ServerTime::from_unix_ms(START_MS + ms);
    let producer = ProducerTime::from_unix_ms;
    let starts = [
        (Start::Earliest, "0"),
        (Start::Now, "6"),
        (Start::After(FragmentNumber::MIN), "0"),
        (Start::After(numbers[0]), "1"),
        (Start::After(numbers[1]), "2"),
        (Start::After(numbers[5]), "6"),
        (Start::AtServer(at(-5)), "0"),
        (Start::AtServer(at(0)), "0"),
        (Start::AtServer(at(1_999)), "1"),
        // The start of its last frame is within it, in a chunk as in the journal.
        (Start::AtServer(at(2_000)), "1"),
        (Start::AtServer(at(2_001)), "2"),
        (Start::AtServer(at(4_000)), "3"),
        (Start::AtServer(at(4_001)), "4"),
        (Start::AtServer(at(6_200)), "6"),
        (Start::AtProducer(producer(0)), "0"),
        (Start::AtProducer(producer(4_500)), "4"),
        (Start::AtProducer(producer(6_400)), "6"),
    ];
    let mut readers = Vec::new();
    for (start, body) in starts {
        readers.push((bench.store.reader(stream.id, start).unwrap(), start, body));
    }
    let mut future = bench.store.reader(stream.id, Start::AtServer(at(7_600))).unwrap();
    assert!(waits(&mut future).await, "the open fragment does not reach it yet");
    writer.seal(1_000).await.unwrap();
    for (reader, start, body) in &mut readers {
        assert_eq!(next_body(reader).await.unwrap(), *body, "{start:?}");
    }
    bench.clock.advance_ms(1_500);
    write(&mut writer, "7").await.unwrap();
    assert_eq!(next_body(&mut future).await.unwrap(), "7");
    assert_eq!(bench.store.fragment(stream.id, live).await.unwrap().unwrap().body, "6");
}

#[tokio::test]
async fn listings_are_ascending_paged_and_inclusive_across_chunks_and_journal() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut numbers = Vec::new();
    for chunked in [true, true, false] {
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        for _ in 0..3 {
            numbers.push(write(&mut writer, "x").await.unwrap());
            bench.clock.advance_ms(1_000);
        }
        drop(writer);
        if chunked {
            bench.store.chunk().await.unwrap();
        }
    }
    let list =
        async |from: i64, to: i64, after: Option<FragmentNumber>, limit: usize| -> Vec<FragmentNumber> {
            let (from, to) = (START_MS + from, START_MS + to);
            let listed =
                bench.store.list_fragments(stream.id, TimeAxis::Server, from, to, after, limit).await;
            listed.unwrap().iter().map(|meta| meta.number).collect()
        };
    assert_eq!(list(i64::MIN / 2, i64::MAX / 2, None, 100).await, numbers);
    assert_eq!(list(1_000, 7_000, None, 100).await, numbers[1..=7]);
    assert_eq!(list(1_001, 6_999, None, 100).await, numbers[2..=6]);
    assert_eq!(list(0, 100_000, None, 4).await, numbers[..4]);
    assert_eq!(list(0, 100_000, Some(numbers[3]), 4).await, numbers[4..8]);
    assert_eq!(list(0, 100_000, Some(numbers[7]), 4).await, numbers[8..]);
    let by_producer =
        bench.store.list_fragments(stream.id, TimeAxis::Producer, START_MS, START_MS, None, 100);
    assert_eq!(by_producer.await.unwrap().len(), 9);
}

#[tokio::test]
async fn a_finished_capture_ends_its_readers_once_also_after_a_restart() {
    let mut bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "a").await.unwrap();
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    let mut idle = bench.store.reader(stream.id, Start::Now).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "a");
    writer.close(Ending::Finished);
    assert_eq!(next_body(&mut reader).await.unwrap(), "(ended)");
    assert!(waits(&mut reader).await, "told once");
    assert!(waits(&mut idle).await, "it has delivered nothing");

    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "b").await.unwrap();
    for reader in [&mut reader, &mut idle] {
        assert_eq!(next_body(reader).await.unwrap(), "b");
    }
    drop(writer);
    assert!(waits(&mut reader).await, "a producer that was cut off may come back");

    let writer = bench.store.open_writer(stream.id).await.unwrap();
    writer.close(Ending::Finished);
    assert_eq!(next_body(&mut reader).await.unwrap(), "(ended)");
    bench.store.shutdown().await;
    bench.crash();
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    for expected in ["a", "b", "(ended)"] {
        assert_eq!(next_body(&mut reader).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn without_retention_only_live_readers_see_anything() {
    let options = StoreOptions { housekeeping_ms: 0, live_buffer_bytes: 100, ..StoreOptions::default() };
    let bench = Bench::with(options);
    let stream = bench.stream("s", 0).await;
    bench.disk.faults().close_gate();
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let number = write(&mut writer, "a").await.unwrap();
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "a", "the acknowledgement did not wait for a disk");
    assert_eq!(bench.store.fragment(stream.id, number).await.unwrap(), None);
    let all = bench.store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, 10);
    assert_eq!(all.await.unwrap(), []);

    // Five minutes or so many bytes, whichever comes first.
    write(&mut writer, &"b".repeat(95)).await.unwrap();
    bench.store.sweep().await.unwrap();
    let mut latecomer = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut latecomer).await.unwrap(), "b".repeat(95));
    bench.clock.advance_ms(5 * 60_000);
    let mut latecomer = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert!(waits(&mut latecomer).await, "not even before the sweep");
    bench.store.sweep().await.unwrap();
    assert_eq!(bench.store.stats().live_bytes, 0);
    bench.disk.faults().open_gate();
}

#[tokio::test]
async fn what_has_expired_is_not_served_even_before_the_sweep() {
    let bench = Bench::new();
    let stream = bench.stream("s", 1).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let chunked = write(&mut writer, "chunked").await.unwrap();
    drop(writer);
    bench.store.chunk().await.unwrap();
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let journalled = write(&mut writer, "journalled").await.unwrap();
    bench.clock.advance_ms(1_000);
    let young = write(&mut writer, "young").await.unwrap();

    // A reader that has read ahead does not get to keep it.
    let mut ahead = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut ahead).await.unwrap(), "chunked");
    bench.clock.advance_ms(HOUR_MS - 1_000);
    assert_eq!(next_body(&mut ahead).await.unwrap(), "young");
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "young");
    for gone in [chunked, journalled] {
        assert_eq!(bench.store.fragment(stream.id, gone).await.unwrap(), None);
    }
    let list = async || {
        let listed = bench.store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, 10).await;
        listed.unwrap().iter().map(|meta| meta.number).collect::<Vec<_>>()
    };
    assert_eq!(list().await, [young]);
    let edge = bench.store.expired_through(stream.id).await.unwrap();
    assert_eq!(edge.unix_ms(), START_MS);
    // More retention later brings nothing back; less of it trims at once.
    bench.store.set_retention(stream.id, None, 48).await.unwrap();
    assert_eq!(list().await, [young]);
    bench.store.sweep().await.unwrap();
    assert_eq!(bench.store.stats().fragments_in_journal, 1);
    bench.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(list().await, [young]);
    bench.store.set_retention(stream.id, None, 1).await.unwrap();
    assert_eq!(list().await, []);
}

#[tokio::test]
async fn a_deleted_stream_ends_readers_and_writers_and_its_name_is_free() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "a").await.unwrap();
    writer.begin(head(0)).unwrap();
    let mut at_tail = bench.store.reader(stream.id, Start::Now).unwrap();
    assert!(matches!(at_tail.next().await.unwrap(), ReadEvent::Opened { .. }));
    let mut not_begun = bench.store.reader(stream.id, Start::Earliest).unwrap();
    bench.store.delete_stream(StreamRef::Arn(&stream.arn), Some(1)).await.unwrap();
    assert_eq!(next_body(&mut at_tail).await.unwrap(), "(deleted)");
    assert_eq!(next_body(&mut not_begun).await.unwrap(), "(deleted)");
    writer.push(Bytes::from("into the void"));
    let not_found = Err(ErrorKind::NotFound);
    assert_eq!(writer.seal(1).await.map_err(|error| error.kind().clone()), not_found);
    assert_eq!(writer.begin(head(0)).map(drop).map_err(|error| error.kind().clone()), not_found);
    let reader = bench.store.reader(stream.id, Start::Now).map(drop);
    assert_eq!(reader.map_err(|error| error.kind().clone()), not_found);

    let again = bench.stream("s", 24).await;
    assert_ne!(again.id, stream.id);
    let mut writer = bench.store.open_writer(again.id).await.unwrap();
    assert_eq!(write(&mut writer, "b").await.unwrap().sequence(), 1);
}

#[tokio::test]
async fn a_disabled_key_stops_new_sessions_and_readers() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "a").await.unwrap();
    let key = KeyId::parse(KeyId::DEFAULT).unwrap();
    bench.keyring.disable(&key).unwrap();
    let code = |error: &tympan_store::StoreError| match error.kind() {
        ErrorKind::Key(error) => error.kvs_code(),
        other => panic!("{other:?}"),
    };
    let refused = bench.store.open_writer(stream.id).await.map(drop);
    assert_eq!(code(&refused.unwrap_err()), 4501);
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(code(&reader.next().await.unwrap_err()), 4501);
    write(&mut writer, "b").await.unwrap();
    bench.keyring.enable(&key).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "a", "the same reader goes on");

    let mut unknown = new_stream("t", 24);
    unknown.kms_key_id = "alias/none".into();
    assert_eq!(code(&bench.store.create_stream(unknown, None).await.unwrap_err()), 4506);
}

#[tokio::test]
async fn an_old_key_is_replaced_at_the_next_session_and_both_are_read() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24 * 365).await;
    for body in ["a", "b"] {
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        write(&mut writer, body).await.unwrap();
        bench.clock.advance_ms(25 * HOUR_MS);
    }
    bench.store.chunk().await.unwrap();
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    for expected in ["a", "b"] {
        assert_eq!(next_body(&mut reader).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn what_waits_for_the_disk_is_written_in_one_group_and_holds_producers_back() {
    let options = StoreOptions { housekeeping_ms: 0, commit_queue_bytes: 3_000, ..StoreOptions::default() };
    let bench = Bench::with(options);
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    bench.disk.faults().close_gate();
    let mut promises = Vec::new();
    for _ in 0..10 {
        writer.begin(head(0)).unwrap();
        writer.push(Bytes::from(vec![0; 1_000]));
        promises.push(writer.seal(1));
    }
    assert!(writer.backlog_bytes() > 3_000);
    let patience = std::time::Duration::from_millis(20);
    assert!(tokio::time::timeout(patience, writer.ready()).await.is_err());
    bench.disk.faults().open_gate();
    writer.ready().await;
    for promise in promises {
        promise.await.unwrap();
    }
    let stats = bench.store.stats();
    assert_eq!(stats.fragments_committed, 10);
    assert!(stats.groups_committed <= 2, "what was there when the thread came, and all the rest");
}

#[tokio::test]
async fn a_failed_group_is_not_acknowledged_and_never_seen_again_while_others_are() {
    for fault in [Fault::Refuse, Fault::WriteHalf, Fault::FailSync] {
        let mut bench = Bench::new();
        let stream = bench.stream("s", 24).await;
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        write(&mut writer, "a").await.unwrap();
        let mut live = bench.store.reader(stream.id, Start::Now).unwrap();
        bench.disk.faults().script_commits([Some(fault)]);
        let failed = write(&mut writer, "b").await.unwrap_err();
        assert_eq!(*failed.kind() == ErrorKind::Full, fault == Fault::Refuse);
        write(&mut writer, "c").await.unwrap();
        assert_eq!(next_body(&mut live).await.unwrap(), "c", "{fault:?}");
        drop(writer);
        bench.crash();
        let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
        for expected in ["a", "c"] {
            assert_eq!(next_body(&mut reader).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn a_chunk_that_cannot_be_made_leaves_everything_in_the_journal() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    write(&mut writer, "a").await.unwrap();
    drop(writer);
    bench.disk.faults().refuse_chunks(1);
    assert!(bench.store.chunk().await.is_err());
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "a");
    assert_eq!(bench.store.chunk().await.unwrap(), 1);
    assert_eq!(bench.store.stats().fragments_in_journal, 0);
}

#[tokio::test]
async fn a_chunk_never_overtakes_a_fragment_that_is_still_open() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut old = bench.store.open_writer(stream.id).await.unwrap();
    let mut new = bench.store.open_writer(stream.id).await.unwrap();
    old.begin(head(0)).unwrap();
    old.push(Bytes::from("old"));
    write(&mut new, "new").await.unwrap();
    bench.clock.advance_ms(10 * 60_000);
    assert_eq!(bench.store.chunk().await.unwrap(), 0);
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    old.seal(1).await.unwrap();
    assert_eq!(bench.store.chunk().await.unwrap(), 1);
    for expected in ["old", "new"] {
        assert_eq!(next_body(&mut reader).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_store_that_was_opened_elsewhere_acknowledges_nothing_more() {
    let bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let _usurper = tympan_store::memory::MemoryBackend::open(&bench.disk);
    let failed = write(&mut writer, "a").await.unwrap_err();
    assert_eq!(failed.kind(), &ErrorKind::Fenced);
}

#[tokio::test]
async fn shutting_down_makes_durable_what_was_sealed_and_refuses_the_rest() {
    let mut bench = Bench::new();
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    writer.begin(head(0)).unwrap();
    writer.push(Bytes::from("a"));
    let promise = writer.seal(1);
    writer.begin(head(0)).unwrap();
    bench.store.shutdown().await;
    promise.await.unwrap();
    let refused = |error: tympan_store::StoreError| error.kind().clone();
    assert_eq!(writer.seal(1).await.map_err(refused), Err(ErrorKind::NotActive));
    assert_eq!(writer.begin(head(0)).map_err(refused), Err(ErrorKind::NotActive));
    bench.crash();
    let mut reader = bench.store.reader(stream.id, Start::Earliest).unwrap();
    assert_eq!(next_body(&mut reader).await.unwrap(), "a");
}

#[tokio::test]
async fn changes_of_metadata_reach_sessions_that_are_open() {
    let bench = Bench::new();
    let stream = bench.stream("s", 0).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let tagged = bench.store.set_tags(stream.id, &tags, &[], 50).await.unwrap();
    assert_eq!((tagged.version, &tagged.tags), (2, &tags));
    bench.store.set_retention(stream.id, Some(2), 1).await.unwrap();
    let number = write(&mut writer, "kept").await.unwrap();
    assert!(bench.store.fragment(stream.id, number).await.unwrap().is_some());
    let details =
        bench.store.set_details(stream.id, Some(3), Some("d".into()), Some("audio/L16".into())).await;
    assert_eq!(details.unwrap().media_type.as_deref(), Some("audio/L16"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_is_made_once_however_many_ask_for_it() {
    for _ in 0..20 {
        let bench = Bench::new();
        let stream = bench.stream("s", 24).await;
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        for body in ["one", "two", "three"] {
            write(&mut writer, body).await.unwrap();
        }
        drop(writer);
        let asked = [(); 4].map(|()| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.chunk().await })
        });
        let mut made = 0;
        for asked in asked {
            made += asked.await.unwrap().unwrap();
        }
        assert_eq!(made, 1);
    }
}

#[tokio::test]
async fn a_stream_is_bound_to_the_key_that_its_alias_meant_and_shows_the_alias() {
    let (keyring, clock) = (Arc::new(Keyring::in_memory()), ManualClock::new());
    let place = tempfile::tempdir().unwrap();
    let now = WallTime::from_unix_ms(START_MS);
    let first = keyring.create_key(Some("alias/calls"), now).unwrap();
    let second = keyring.create_key(None, now).unwrap();
    let key = |description: &tympan_kms::KeyDescription| KeyId::parse(&description.arn).unwrap();
    let (store, _) = open_embedded(place.path(), EmbeddedOptions::default(), &keyring, &clock).unwrap();
    let new = NewStream { kms_key_id: "alias/calls".to_owned(), ..new_stream("s", 1_000) };
    let stream = store.create_stream(new, None).await.unwrap();
    let by_default = store.create_stream(new_stream("default", 24), None).await.unwrap();
    assert_eq!((stream.kms_key_arn.as_ref(), by_default.kms_key_arn), (Some(&first.arn), None));
    keyring.point_alias("alias/calls", &key(&second), now).unwrap();
    keyring.disable(&key(&second)).unwrap();
    for day in 0..2 {
        let mut writer = store.open_writer(stream.id).await.unwrap();
        write(&mut writer, &format!("day {day}")).await.unwrap();
        clock.advance_ms(25 * HOUR_MS);
    }
    store.shutdown().await;
    let (store, _) = open_embedded(place.path(), EmbeddedOptions::default(), &keyring, &clock).unwrap();
    let described = store.stream(StreamRef::Arn(&stream.arn)).await.unwrap();
    assert_eq!(
        (described.kms_key_id.as_str(), described.kms_key_arn),
        ("alias/calls", Some(first.arn.clone()))
    );
    keyring.disable(&key(&first)).unwrap();
    assert!(store.open_writer(stream.id).await.is_err(), "its key is the first one");
    keyring.enable(&key(&first)).unwrap();
    store.open_writer(stream.id).await.unwrap();
    store.shutdown().await;
}

#[tokio::test]
async fn an_erasure_reaches_what_is_open_and_nothing_that_begins_later() {
    for hours in [0, 24] {
        let bench = Bench::new();
        let stream = bench.stream("s", hours).await;
        let mut writer = bench.store.open_writer(stream.id).await.unwrap();
        let sealed = write(&mut writer, "sealed").await.unwrap();
        let mut amidst = bench.store.reader(stream.id, Start::After(sealed)).unwrap();
        let open = writer.begin(head(5)).unwrap();
        writer.push(Bytes::from("open"));
        assert!(matches!(amidst.next().await.unwrap(), ReadEvent::Opened { .. }));
        let all = FragmentRange { first: FragmentNumber::MIN, last: FragmentNumber::MAX };
        let erased = bench.store.erase_fragments(stream.id, all).await.unwrap();
        assert!(!erased.left_journal, "one may still come to it");
        assert_eq!(amidst.next().await.unwrap(), ReadEvent::Abandoned, "{hours}");
        writer.push(Bytes::from("goes on"));
        writer.seal(20).await.unwrap();
        let later = write(&mut writer, "later").await.unwrap();
        assert!(later > open);
        let mut from_the_beginning = bench.store.reader(stream.id, Start::Earliest).unwrap();
        let found = match from_the_beginning.next().await.unwrap() {
            ReadEvent::Stored(fragment) => fragment.meta.number,
            ReadEvent::Opened { number, .. } => number,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, later, "{hours}");
        let listed = bench.store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, 9).await;
        assert_eq!(listed.unwrap().len(), usize::from(hours > 0));
        assert_eq!(bench.store.fragment(stream.id, open).await.unwrap(), None);
        bench.store.sweep().await.unwrap();
        assert!(
            bench
                .store
                .erase_fragments(stream.id, FragmentRange { first: sealed, last: open })
                .await
                .unwrap()
                .left_chunks
        );
    }
}

#[tokio::test]
async fn a_fragment_that_comes_alone_is_written_at_once_and_those_after_it_gather() {
    const WHOLE_GROUP_BYTES: usize = 4_000;
    let bench = Bench::with(StoreOptions {
        housekeeping_ms: 0,
        commit_interval_ms: 3_600_000,
        commit_group_bytes: WHOLE_GROUP_BYTES,
        ..StoreOptions::default()
    });
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let groups = || (bench.store.stats().groups_committed, bench.store.stats().fragments_committed);
    write(&mut writer, "alone").await.unwrap();
    assert_eq!(groups(), (1, 1));
    // The next group would begin in an hour, but for a whole one.
    let mut seal = |body: String| {
        writer.begin(head(START_MS)).unwrap();
        writer.push(Bytes::from(body));
        writer.seal(1_000)
    };
    let promises = [seal("second".into()), seal("third".into()), seal("x".repeat(WHOLE_GROUP_BYTES))];
    for promise in promises {
        promise.await.unwrap();
    }
    assert_eq!(groups(), (3, 4), "two in one group, and the large one");
    // A store that is closed waits for nothing.
    let last = seal("last".into());
    bench.store.shutdown().await;
    last.await.unwrap();
}
