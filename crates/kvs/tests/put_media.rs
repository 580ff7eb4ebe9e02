//! PutMedia: what is accepted, what is acked, what is refused.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use proptest::prelude::*;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use support::{
    BEGIN_MS, acks, bench, bench_with, caller, cluster, events, head, recorded, relative, request, tag,
    three_fragments,
};
use tympan_kvs::{Ack, AckEvent, AcksTold, BodyEnd, KvsErrorCode, Limits, PutMediaRequest, TimecodeType};
use tympan_mkv::{vint, write};
use tympan_store::StreamRef;
use tympan_types::{FragmentNumber, ProducerTime, StreamName};

const ABSOLUTE: TimecodeType = TimecodeType::Absolute;

#[tokio::test]
async fn each_fragment_is_buffered_received_and_persisted_under_its_raw_timecode() {
    let bench = bench();
    bench.create("s", 24).await;
    let acks = bench.produce("s", relative(BEGIN_MS), &three_fragments()).await;
    for timecode in [0, 1000, 2000] {
        let of_one: Vec<Ack> = acks.iter().filter(|ack| ack.timecode == Some(timecode)).copied().collect();
        assert_eq!(events(&of_one), ["BUFFERING", "RECEIVED", "PERSISTED"]);
        assert!(of_one.iter().all(|ack| ack.number == of_one[0].number && ack.number.is_some()));
    }
    assert_eq!(acks.len(), 9);
    let number = acks[0].number.unwrap();
    assert_eq!(
        acks[0].to_line(),
        format!("{{\"EventType\":\"BUFFERING\",\"FragmentTimecode\":0,\"FragmentNumber\":\"{number}\"}}\n")
    );
    assert_eq!((number.sequence(), number.server_time().unix_ms()), (1, BEGIN_MS));

    let stored = bench.stored("s").await;
    let times: Vec<i64> = stored.iter().map(|(producer, ..)| producer.unix_ms() - BEGIN_MS).collect();
    assert_eq!(times, [0, 1000, 2000]);
    assert!(stored.iter().all(|(_, duration_ms, ..)| *duration_ms == 40));
}

#[tokio::test(start_paused = true)]
async fn what_a_producer_was_told_is_kept_for_those_who_look_at_the_stream() {
    let bench = bench();
    bench.create("s", 24).await;
    let (caller, name) = (caller(), StreamName::parse("s").unwrap());
    let named = StreamRef::Name { account: &caller.account, region: &caller.region, name: &name };
    let id = bench.store.stream(named).await.unwrap().id;
    let first = bench.produce("s", relative(BEGIN_MS), &three_fragments()).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    // Nothing comes: IDLE, and the end.
    let second = acks(&mut session).await;
    assert_eq!(second.first().map(|ack| ack.event), Some(AckEvent::Idle));
    let told = bench.service.told_acks(id);
    let of_session =
        |session| told.iter().filter(|told| told.session == session).map(|told| told.ack).collect::<Vec<_>>();
    assert_eq!((of_session(1), of_session(2)), (first, second));
    assert_eq!(
        told.iter().map(|told| told.sequence).collect::<Vec<_>>(),
        (1..=told.len() as u64).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_stream_without_retention_says_received_and_never_persisted() {
    let bench = bench();
    bench.create("s", 0).await;
    let acks = bench.produce("s", ABSOLUTE, &three_fragments()).await;
    assert_eq!(events(&acks), ["BUFFERING", "RECEIVED"].repeat(3));
}

#[tokio::test]
async fn a_producer_that_wants_no_acks_is_told_errors_only() {
    let bench = bench();
    bench.create("s", 24).await;
    let quiet = PutMediaRequest { acks: AcksTold::None, ..request("s", ABSOLUTE) };
    let mut session = bench.service.put_media(&caller(), quiet).await.unwrap();
    session.push(&three_fragments());
    session.push(b"\0");
    assert_eq!(events(&acks(&mut session).await), ["ERROR 4006"]);
}

#[tokio::test]
async fn what_is_stored_is_the_producers_bytes_behind_a_segment_of_unknown_size() {
    let bench = bench();
    bench.create("s", 24).await;
    bench.produce("s", ABSOLUTE, &three_fragments()).await;
    let mut expected_head = head(&["AUDIO_FROM_CUSTOMER"]);
    let segment = expected_head.windows(5).position(|at| at == b"\x18\x53\x80\x67\xff").unwrap();
    expected_head.splice(segment..segment + 5, write::SEGMENT_HEADER_UNKNOWN_8);
    for ((_, _, head, body), timecode) in bench.stored("s").await.into_iter().zip([0, 1000, 2000]) {
        assert_eq!(head, expected_head);
        assert_eq!(body, [cluster(timecode, &[1], &[0, 20, 40]), tag("ContactId", "c")].concat());
    }
}

#[tokio::test]
async fn an_index_goes_beside_the_fragment_that_has_begun_and_to_no_other() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push_index(b"before any fragment");
    session.push(&head(&["AUDIO_FROM_CUSTOMER"]));
    session.push(&cluster(0, &[1], &[0, 20]));
    session.push_index(b"one, ");
    session.push_index(b"in two parts");
    session.push(&cluster(1000, &[1], &[0, 20]));
    session.push(&cluster(2000, &[1], &[0, 20]));
    session.push_index(b"three");
    session.push(&tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""));
    session.push_index(b"after its end");
    session.push(&cluster(3000, &[1], &[0, 20]));
    session.push_index(&vec![7; 3 << 20]);
    session.push_index(b"more");
    session.finish(BodyEnd::Finished);
    acks(&mut session).await;
    assert_eq!(bench.stored("s").await.len(), 4);
    let (caller, name) = (caller(), StreamName::parse("s").unwrap());
    let named = StreamRef::Name { account: &caller.account, region: &caller.region, name: &name };
    let id = bench.store.stream(named).await.unwrap().id;
    let (first, last) = (FragmentNumber::MIN, FragmentNumber::from_bytes([0xff; 20]));
    let found = bench.store.indexes(id, first, last, 100).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| one.index.as_deref()).collect();
    assert_eq!(found, [Some(&b"one, in two parts"[..]), None, Some(b"three"), None]);
    assert_eq!(bench.store.stats().indexes_left_out, 1);
}

#[tokio::test]
async fn the_tag_that_ends_a_fragment_completes_it_at_once() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&[head(&["a"]), cluster(0, &[1], &[0]), tag("k", "v")].concat());
    let end = tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", "");
    let (first, rest) = end.split_at(20);
    session.push(first);
    assert_eq!(session.next_ack().await.unwrap().event, AckEvent::Buffering);
    session.push(rest);
    for event in [AckEvent::Received, AckEvent::Persisted] {
        assert_eq!(session.next_ack().await.unwrap().event, event);
    }
    session.push(&cluster(1000, &[1], &[0]));
    session.finish(BodyEnd::Finished);
    assert_eq!(events(&acks(&mut session).await), ["BUFFERING", "RECEIVED", "PERSISTED"]);
    let stored = bench.stored("s").await;
    assert_eq!(
        stored[0].3,
        [cluster(0, &[1], &[0]), tag("k", "v")].concat(),
        "without the producer's word to us"
    );
    assert_eq!(stored[1].3, cluster(1000, &[1], &[0]));
}

/// Body, and the id of the ERROR ack that it earns.
fn offences() -> Vec<(&'static str, Vec<u8>, u16)> {
    let one = || head(&["a"]);
    let bad_cluster = |children: &[u8]| [&one()[..], b"\x1f\x43\xb6\x75\xff", children].concat();
    let mut block = Vec::new();
    write::simple_block(&mut block, 1, 0, 0, &[0; 4]);
    let tags = |count: usize| (0..count).flat_map(|at| tag(&format!("k{at}"), "v")).collect::<Vec<u8>>();
    let tagged = |tags: &[u8]| [one(), cluster(0, &[1], &[0]), tags.to_vec()].concat();
    vec![
        ("a fragment of more than 3,000 bytes", [one(), cluster(0, &[1], &[0; 10])].concat(), 4001),
        ("a fragment of more than 20 s", [one(), cluster(0, &[1], &[0, 20_001])].concat(), 4002),
        (
            "a timecode that goes back",
            [one(), cluster(1000, &[1], &[0]), cluster(999, &[1], &[0])].concat(),
            4004,
        ),
        ("no Matroska", b"RIFF and so on".to_vec(), 4006),
        ("a second document", [one(), cluster(0, &[1], &[0]), one()].concat(), 4006),
        ("a second Segment", [&one()[..], &cluster(0, &[1], &[0]), b"\x18\x53\x80\x67\xff"].concat(), 4006),
        ("a Cluster before any track", [head(&[]), cluster(0, &[], &[])].concat(), 4006),
        ("a block before the Timestamp", bad_cluster(&block), 4006),
        ("a Cluster without a Timestamp", bad_cluster(b""), 4006),
        ("two Timestamps", bad_cluster(b"\xe7\x81\x00\xe7\x81\x00"), 4006),
        ("a body that ends within a block", tagged(&[])[..500].to_vec(), 4006),
        ("a time after the year 9999", [one(), cluster(u64::MAX, &[1], &[0])].concat(), 4007),
        ("eleven tags", tagged(&tags(11)), 4009),
        (
            "ten tags and the one that ends the fragment",
            tagged(&[tags(10), tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", "")].concat()),
            4009,
        ),
        (
            "a frame before the last one of the fragment before",
            [one(), cluster(0, &[1], &[0, 40]), cluster(20, &[1], &[0])].concat(),
            4004,
        ),
        ("a tag name of 129 bytes", tagged(&tag(&"k".repeat(129), "v")), 4009),
        ("a tag value of 257 bytes", tagged(&tag("k", &"v".repeat(257))), 4009),
        ("a reserved tag name", tagged(&tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER", "1")), 4009),
        ("a block of an undeclared track", [one(), cluster(0, &[1, 2], &[0])].concat(), 4010),
        ("a track without frames", [head(&["a", "b"]), cluster(0, &[1], &[0])].concat(), 4011),
        ("four tracks", [head(&["a", "b", "c", "d"]), cluster(0, &[1, 2, 3, 4], &[0])].concat(), 4012),
    ]
}

#[tokio::test]
async fn each_offence_ends_the_session_with_its_error_id() {
    for (what, body, id) in offences() {
        let bench = bench_with(|options| options.limits.fragment_bytes = 3000);
        bench.create("s", 24).await;
        let mut session = bench.put("s", ABSOLUTE).await;
        session.push(&body);
        session.finish(BodyEnd::Finished);
        assert!(session.failed(), "{what}");
        let acks = acks(&mut session).await;
        assert_eq!(events(&acks).last().unwrap(), &format!("ERROR {id}"), "{what}");
        assert_eq!(events(&acks).iter().filter(|event| event.starts_with("ERROR")).count(), 1, "{what}");
        let received = acks.iter().filter(|ack| ack.event == AckEvent::Received).count();
        assert_eq!(
            bench.stored("s").await.len(),
            received,
            "{what}: what was received is kept, the rest is not"
        );
    }
}

#[tokio::test]
async fn limits_are_reached_without_offence() {
    let bench = bench();
    bench.create("s", 24).await;
    let tags: Vec<u8> = (0..10).flat_map(|at| tag(&format!("{at:0128}"), &"v".repeat(256))).collect();
    let names = ["a", "b", "c"];
    let body = [
        head(&names),
        cluster(5, &[1, 2, 3], &[0, 20_000]),
        tags,
        cluster(20_010, &[3, 2, 1], &[-5]),
        tag("AWS_KINESISVIDEO_NOTIFICATION", "x"),
    ]
    .concat();
    let acks = bench.produce("s", ABSOLUTE, &body).await;
    assert_eq!(acks.iter().filter(|ack| ack.event == AckEvent::Persisted).count(), 2, "{:?}", events(&acks));
    assert_eq!(bench.stored("s").await[0].1, 20_000);
}

/// A document with so many bytes of codec private data and a cover of so many bytes before its first Cluster.
fn head_with_cover(private_bytes: usize, cover_bytes: usize) -> Vec<u8> {
    let private = vec![0xC0; private_bytes];
    let track = write::TrackHead { codec_private: &private, ..write::TrackHead::connect(1, "a") };
    let mut out = Vec::new();
    write::DocumentHead::connect([7; 16], &[track]).write(&mut out);
    let element = |id: &[u8], payload: &[u8]| {
        let mut element = id.to_vec();
        vint::put_size(&mut element, payload.len() as u64, 8);
        [&element, payload].concat()
    };
    let file = [
        element(b"\x46\x6e", b"cover.jpg"),
        element(b"\x46\x60", b"image/jpeg"),
        element(b"\x46\x5c", &vec![0xC1; cover_bytes]),
        element(b"\x46\xae", &[1]),
    ];
    out.extend(element(b"\x19\x41\xa4\x69", &element(b"\x61\xa7", &file.concat())));
    out
}

#[tokio::test]
async fn large_private_data_and_a_cover_before_the_first_cluster_are_kept_with_each_fragment() {
    const MIB: usize = 1 << 20;
    for (private_bytes, cover_bytes, accepted) in
        [(MIB, 64 << 10, true), (100, 15 * MIB, true), (MIB + 1, 100, false), (100, 16 * MIB, false)]
    {
        let bench = bench();
        bench.create("s", 24).await;
        let sent = head_with_cover(private_bytes, cover_bytes);
        let mut session = bench.put("s", ABSOLUTE).await;
        for piece in sent.chunks(100_000) {
            session.push(piece);
        }
        session.push(&[cluster(0, &[1], &[0, 20]), cluster(1000, &[1], &[0, 20])].concat());
        session.finish(BodyEnd::Ended);
        let told = events(&acks(&mut session).await);
        let what = format!("{private_bytes} bytes of private data, a cover of {cover_bytes}");
        let kept = bench.stored("s").await;
        if accepted {
            assert!(!told.iter().any(|event| event.starts_with("ERROR")), "{what}: {told:?}");
            assert_eq!(kept.len(), 2, "{what}");
            // The size of the Segment is written anew; all that is in it is as it was sent.
            let info = sent.windows(4).position(|at| at == b"\x15\x49\xa9\x66").unwrap();
            assert!(kept.iter().all(|(_, _, head, _)| head.ends_with(&sent[info..])), "{what}");
        } else {
            assert_eq!(told, ["ERROR 4006"], "{what}");
            assert!(kept.is_empty(), "{what}");
        }
    }
}

#[tokio::test]
async fn an_error_names_the_fragment_and_comes_after_the_fate_of_earlier_ones() {
    let bench = bench();
    bench.create("s", 24).await;
    let body = [head(&["a"]), cluster(7, &[1], &[0]), cluster(8, &[1, 2], &[0])].concat();
    let acks = bench.produce("s", ABSOLUTE, &body).await;
    assert_eq!(events(&acks), ["BUFFERING", "RECEIVED", "BUFFERING", "PERSISTED", "ERROR 4010"]);
    assert_eq!(acks[4].timecode, Some(8));
    assert_eq!(acks[4].number, acks[2].number);
    assert!(acks[4].to_line().ends_with(",\"ErrorCode\":\"TRACK_NUMBER_MISMATCH\",\"ErrorId\":4010}\n"));
}

#[tokio::test]
async fn a_second_connection_is_refused_in_the_aws_profile_and_welcome_in_the_open_one() {
    let open = bench();
    open.create("s", 24).await;
    let (_one, _two) = (open.put("s", ABSOLUTE).await, open.put("s", ABSOLUTE).await);

    let aws = bench_with(|options| {
        options.limits = Limits { put_media_overlap: Duration::ZERO, ..Limits::aws() };
    });
    aws.create("s", 24).await;
    let mut first = aws.put("s", ABSOLUTE).await;
    let second = aws.service.put_media(&caller(), request("s", ABSOLUTE)).await;
    assert_eq!(second.err().unwrap().code(), KvsErrorCode::ConnectionLimitExceeded);
    first.finish(BodyEnd::Finished);
    aws.put("s", ABSOLUTE).await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_and_then_closes_the_session() {
    let bench = bench();
    bench.create("s", 0).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let begin = tokio::time::Instant::now();
    tokio::time::advance(Duration::from_secs(4)).await;
    session.push(&head(&["a"]));
    let mut acks = session.acks();
    let mut told = Vec::new();
    while let Some(ack) = acks.next().await {
        told.push((ack.event, begin.elapsed().as_secs()));
    }
    let idle = |second| (AckEvent::Idle, second);
    assert_eq!(told, [idle(9), idle(14), idle(19), idle(24), idle(29)]);
    assert_eq!(begin.elapsed().as_secs(), 34);
    assert!(session.failed());
    session.push(&cluster(0, &[1], &[0]));
    assert_eq!(session.next_ack().await, None);
}

/// Counts how often it wakes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Its reader has nothing else to do for a fragment, and there are many captures.
#[tokio::test]
async fn a_capture_hears_the_last_word_on_each_fragment_and_is_woken_for_that_alone() {
    for (retention_hours, last_word) in [(24, "PERSISTED"), (0, "RECEIVED")] {
        let bench = bench();
        let arn = bench.create("s", retention_hours).await;
        bench.disk.faults().close_gate();
        let request = PutMediaRequest::capture(arn.parse().unwrap());
        let mut session = bench.service.put_media(&caller(), request).await.unwrap();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        assert!(pin!(session.next_ack()).poll(&mut Context::from_waker(&waker)).is_pending());
        session.push(&head(&["a"]));
        for timecode in [1_000, 2_000] {
            session.push(&cluster(timecode, &[1], &[0, 20]));
        }
        let woken = wakes.0.load(Ordering::SeqCst);
        assert_eq!(woken, usize::from(retention_hours == 0), "before the disk has said anything");
        bench.disk.faults().open_gate();
        let first = session.next_ack().await.unwrap();
        assert_eq!(events(&[first]), [last_word]);
        session.finish(BodyEnd::Finished);
        assert_eq!(events(&acks(&mut session).await), [last_word]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_capture_is_never_closed_for_silence() {
    let bench = bench();
    let arn = bench.create("s", 0).await;
    let request = PutMediaRequest::capture(arn.parse().unwrap());
    let mut session = bench.service.put_media(&caller(), request).await.unwrap();
    let silence = tokio::time::timeout(Duration::from_secs(3600), session.next_ack()).await;
    assert!(silence.is_err());
    assert!(!session.failed());
}

#[tokio::test]
async fn a_session_needs_no_runtime_on_the_thread_that_pushes() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut acks = session.acks();
    let capture = std::thread::spawn(move || {
        for byte in three_fragments() {
            session.push(&[byte]);
        }
        session.finish(BodyEnd::Finished);
    });
    let mut persisted = 0;
    while let Some(ack) = acks.next().await {
        persisted += usize::from(ack.event == AckEvent::Persisted);
    }
    capture.join().unwrap();
    assert_eq!(persisted, 3);
}

#[tokio::test]
async fn a_producer_that_does_not_read_its_acks_is_held_back_and_loses_none() {
    const LIMIT: usize = 8;
    let bench = bench_with(|options| options.limits.waiting_acks = LIMIT);
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut acks = session.acks();
    session.push(&head(&["a"]));
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(50), session.ready()).await.is_ok() {
        session.push(&cluster(sent, &[1], &[0]));
        sent += 1;
        assert!(sent < 100, "so many acks wait, and nothing holds the producer back");
    }
    let reader = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(ack) = acks.next().await {
            told.push(ack);
        }
        told
    });
    while sent < 500 {
        session.ready().await;
        session.push(&cluster(sent, &[1], &[0]));
        sent += 1;
    }
    session.finish(BodyEnd::Ended);
    let told = reader.await.unwrap();
    for event in [AckEvent::Buffering, AckEvent::Received, AckEvent::Persisted] {
        let timecodes = told.iter().filter(|ack| ack.event == event).filter_map(|ack| ack.timecode);
        assert!(timecodes.eq(0..500), "{event:?}");
    }
}

#[tokio::test]
async fn a_producer_that_outruns_the_disk_waits_and_is_told_of_every_fragment() {
    const LIMIT: u64 = 8;
    let bench = bench_with(|options| options.limits.waiting_acks = LIMIT as usize);
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut acks = session.acks();
    let reader = tokio::spawn(async move {
        let mut persisted = 0;
        while let Some(ack) = acks.next().await {
            persisted += u64::from(ack.event == AckEvent::Persisted);
        }
        persisted
    });
    bench.disk.faults().close_gate();
    session.push(&head(&["a"]));
    for timecode in 0..=LIMIT {
        session.ready().await;
        session.push(&cluster(timecode, &[1], &[0]));
    }
    let waited = tokio::time::timeout(Duration::from_millis(20), session.ready()).await;
    assert!(waited.is_err(), "the store has promised as much as may wait, and keeps nothing");
    bench.disk.faults().open_gate();
    for timecode in LIMIT + 1..100 {
        session.ready().await;
        session.push(&cluster(timecode, &[1], &[0]));
        tokio::task::yield_now().await;
    }
    session.finish(BodyEnd::Finished);
    assert_eq!(reader.await.unwrap(), 100);
}

#[tokio::test]
async fn a_disabled_key_is_the_first_and_only_ack() {
    let bench = bench();
    bench.create("s", 24).await;
    bench.disable_key();
    let mut session = bench.put("s", ABSOLUTE).await;
    assert!(session.failed());
    session.push(&three_fragments());
    assert_eq!(events(&acks(&mut session).await), ["ERROR 4501"]);
}

#[tokio::test]
async fn a_deleted_stream_ends_the_session() {
    let bench = bench();
    let arn = bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&[head(&["a"]), cluster(0, &[1], &[0])].concat());
    bench.call("/deleteStream", serde_json::json!({"StreamARN": arn})).await.unwrap();
    session.push(&[cluster(1, &[1], &[0]), cluster(2, &[1], &[0])].concat());
    let acks = acks(&mut session).await;
    assert_eq!(events(&acks).last().unwrap(), "ERROR 4008");
    let missing = bench.service.put_media(&caller(), request("s", ABSOLUTE)).await;
    assert_eq!(missing.err().unwrap().status(), 404);
}

#[test]
fn headers_are_read_as_the_c_sdk_and_the_documentation_write_them() {
    let parse = |headers: &[(&'static str, &'static str)]| {
        let headers = headers.to_vec();
        PutMediaRequest::parse(&move |wanted: &str| {
            headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
        })
    };
    let name = ("x-amzn-stream-name", "s");
    let arn = ("x-amzn-stream-arn", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1598784211076");
    let (absolute, relative) =
        (("x-amzn-fragment-timecode-type", "ABSOLUTE"), ("x-amzn-fragment-timecode-type", "RELATIVE"));
    let start = |text| ("x-amzn-producer-start-timestamp", text);
    let acks = |text| ("x-amzn-fragment-acknowledgment-required", text);

    assert_eq!(parse(&[name, absolute]).unwrap(), request("s", TimecodeType::Absolute));
    assert_eq!(parse(&[arn, absolute, start("1"), acks("1")]).unwrap().acks, AcksTold::Every);
    assert_eq!(parse(&[arn, absolute, acks("0")]).unwrap().acks, AcksTold::None);
    for (text, ms) in [
        ("1511852108.513", 1_511_852_108_513),
        ("1511852108.5", 1_511_852_108_500),
        ("1511852108", 1_511_852_108_000),
        ("1511852108.5139", 1_511_852_108_513),
        ("0", 0),
    ] {
        let parsed = parse(&[name, relative, start(text)]).unwrap();
        assert_eq!(parsed.timecodes, TimecodeType::Relative(ProducerTime::from_unix_ms(ms)), "{text}");
    }
    for bad in [
        &[absolute][..],
        &[name, arn, absolute],
        &[name],
        &[name, ("x-amzn-fragment-timecode-type", "absolute")],
        &[name, relative],
        &[name, relative, start("now")],
        &[name, relative, start("-1")],
        &[name, relative, start("1e9")],
        &[name, relative, start("")],
        &[("x-amzn-stream-name", "a b"), absolute],
    ] {
        assert_eq!(parse(bad).unwrap_err().code(), KvsErrorCode::InvalidArgument, "{bad:?}");
    }
}

#[tokio::test]
async fn bodies_of_real_producers_are_accepted() {
    for (path, timecodes, fragments) in [
        ("putmedia/c-producer-aac-relative.mkv", relative(BEGIN_MS), 4),
        ("putmedia/kvssink-alaw-absolute.mkv", ABSOLUTE, 3),
        ("putmedia/ffmpeg-h264.mkv", relative(BEGIN_MS), 8),
    ] {
        let Some(body) = recorded(path) else { continue };
        let bench = bench();
        bench.create("s", 24).await;
        let acks = bench.produce("s", timecodes, &body).await;
        let persisted = acks.iter().filter(|ack| ack.event == AckEvent::Persisted).count();
        assert_eq!(persisted, fragments, "{path}: {:?}", events(&acks));
        let whole = bench.stored("s").await;

        // The same body in pieces of growing and shrinking sizes.
        bench.create("t", 24).await;
        let mut session = bench.put("t", timecodes).await;
        let (mut rest, mut size) = (&body[..], 1);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            session.push(piece);
            (rest, size) = (after, size * 7 % 4999);
        }
        session.finish(BodyEnd::Finished);
        support::acks(&mut session).await;
        assert!(bench.stored("t").await == whole, "{path}: cuts change nothing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn where_a_body_is_cut_changes_nothing(mut cuts in prop::collection::vec(0usize..8000, 0..40)) {
        let mut body = head(&["a", "b"]);
        for at in [0, 500, 1000] {
            body.extend(cluster(at, &[1, 2], &[0, 20]));
            body.extend(tag("ContactId", "c"));
            body.extend(tag("InstanceId", "i"));
        }
        body.extend(tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = bench();
            bench.create("whole", 24).await;
            bench.produce("whole", ABSOLUTE, &body).await;
            bench.create("cut", 24).await;
            let mut session = bench.put("cut", ABSOLUTE).await;
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(body.len()));
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts.into_iter().chain([body.len()]) {
                session.push(&body[from..cut]);
                from = cut;
            }
            session.finish(BodyEnd::Finished);
            let told = acks(&mut session).await;
            prop_assert_eq!(told.iter().filter(|ack| ack.event == AckEvent::Persisted).count(), 3);
            prop_assert!(bench.stored("whole").await == bench.stored("cut").await);
            Ok(())
        })?;
    }

    #[test]
    fn garbage_behind_any_prefix_ends_in_an_error_and_never_in_a_panic(
        keep in 0usize..4000, noise in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut body = three_fragments();
        body.truncate(keep);
        body.extend(noise);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = bench();
            bench.create("s", 24).await;
            let mut session = bench.put("s", ABSOLUTE).await;
            session.push(&body);
            session.finish(BodyEnd::Finished);
            let told = acks(&mut session).await;
            let errors = told.iter().filter(|ack| matches!(ack.event, AckEvent::Error(_))).count();
            prop_assert!(errors <= 1);
            Ok(())
        })?;
    }
}
