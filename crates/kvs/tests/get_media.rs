//! GetMedia: bytes, starting points, the live tail, the ends.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{
    BEGIN_MS, Bench, SHORT_IDLE, bench, bench_with, caller, cluster, head, relative, tag, three_fragments,
    whole,
};
use tympan_kvs::{BodyEnd, KvsErrorCode, Limits, MediaBody, TimecodeType};
use tympan_mkv::fragment::{FragmentReader, FragmentSink};
use tympan_types::FragmentNumber;

const ABSOLUTE: TimecodeType = TimecodeType::Absolute;

fn earliest() -> Value {
    json!({"StartSelectorType": "EARLIEST"})
}

/// What a consumer sees of a body: per document the Cluster's timecode and all tags.
#[derive(Debug, Default)]
struct Seen {
    documents: Vec<Document>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Document {
    timecode: Option<u64>,
    frames: usize,
    tags: Vec<(String, String)>,
}

impl Document {
    fn tag(&self, name: &str) -> Option<&str> {
        let name = format!("AWS_KINESISVIDEO_{name}");
        self.tags.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
    }
}

impl FragmentSink for Seen {
    fn document(&mut self) {
        self.documents.push(Document::default());
    }
    fn cluster_timecode(&mut self, timecode: u64) {
        self.documents.last_mut().unwrap().timecode = Some(timecode);
    }
    fn block(&mut self, _: tympan_mkv::fragment::BlockHeader, _: &[u8], last: bool) {
        self.documents.last_mut().unwrap().frames += usize::from(last);
    }
    fn tag(&mut self, name: &str, value: &str) {
        self.documents.last_mut().unwrap().tags.push((name.to_owned(), value.to_owned()));
    }
}

fn seen(bytes: &[u8]) -> Vec<Document> {
    let mut reader = FragmentReader::new(tympan_mkv::Limits::default());
    let mut seen = Seen::default();
    reader.push(bytes, &mut seen).unwrap();
    reader.finish(&mut seen).unwrap();
    seen.documents
}

async fn timecodes(body: MediaBody) -> Vec<u64> {
    seen(&whole(body).await).iter().map(|document| document.timecode.unwrap()).collect()
}

async fn numbers(bench: &Bench, name: &str) -> Vec<FragmentNumber> {
    let documents = seen(&whole(bench.get(name, earliest()).await).await);
    documents.iter().map(|document| document.tag("FRAGMENT_NUMBER").unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn every_fragment_is_a_document_with_the_service_tags_around_its_cluster() {
    let bench = bench();
    bench.create("s", 24).await;
    bench.produce("s", relative(BEGIN_MS - 500), &three_fragments()).await;
    bench.clock.advance_ms(15_858);
    let documents = seen(&whole(bench.get("s", earliest()).await).await);
    assert_eq!(documents.len(), 3);
    for (at, document) in documents.iter().enumerate() {
        assert_eq!((document.timecode, document.frames), (Some(at as u64 * 1000), 3));
        let names: Vec<&str> = document.tags.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "AWS_KINESISVIDEO_FRAGMENT_NUMBER",
                "AWS_KINESISVIDEO_SERVER_TIMESTAMP",
                "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP",
                "ContactId",
                "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW",
                "AWS_KINESISVIDEO_CONTINUATION_TOKEN",
            ]
        );
        assert_eq!(document.tag("FRAGMENT_NUMBER"), document.tag("CONTINUATION_TOKEN"));
        let number: FragmentNumber = document.tag("FRAGMENT_NUMBER").unwrap().parse().unwrap();
        assert_eq!(document.tag("SERVER_TIMESTAMP").unwrap(), number.server_time().epoch_seconds());
        let behind_ms = BEGIN_MS + 15_858 - number.server_time().unix_ms();
        assert_eq!(document.tag("MILLIS_BEHIND_NOW").unwrap(), behind_ms.to_string());
    }
    assert_eq!(documents[1].tag("PRODUCER_TIMESTAMP"), Some("1700000000.500"));
}

#[tokio::test]
async fn all_six_selectors_start_where_they_say() {
    let bench = bench_with(|options| options.get_media_idle = SHORT_IDLE);
    bench.create("s", 24).await;
    for (at, ending) in [(0, BodyEnd::Finished), (10_000, BodyEnd::Finished), (20_000, BodyEnd::Finished)] {
        bench.clock.advance_ms(10_000);
        let mut session = bench.put("s", ABSOLUTE).await;
        session.push(&[head(&["a"]), cluster(at, &[1], &[0, 100])].concat());
        session.finish(ending);
        support::acks(&mut session).await;
    }
    let numbers = numbers(&bench, "s").await;
    assert!(numbers.is_sorted() && numbers.len() == 3);
    let below = |number: FragmentNumber| {
        let mut bytes = number.to_bytes();
        let last = bytes.iter().rposition(|byte| *byte > 0).unwrap();
        bytes[last] -= 1;
        bytes[last + 1..].fill(0xff);
        FragmentNumber::from_bytes(bytes).to_string()
    };
    let after = |number: &str| json!({"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number});
    let server = |seconds: f64| json!({"StartSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": seconds});
    let producer =
        |seconds: f64| json!({"StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": seconds});
    let begin = BEGIN_MS as f64 / 1000.0;
    let token =
        json!({"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": numbers[0].to_string()});
    for (selector, expected) in [
        (earliest(), &[0, 10_000, 20_000][..]),
        (after(&numbers[0].to_string()), &[10_000, 20_000]),
        (after(&below(numbers[1])), &[10_000, 20_000]),
        (after("0"), &[0, 10_000, 20_000]),
        (after(&"9".repeat(128)), &[]),
        (token, &[10_000, 20_000]),
        (server(0.0), &[0, 10_000, 20_000]),
        (server(begin + 20.0), &[10_000, 20_000]),
        (server(begin + 20.05), &[10_000, 20_000]),
        (server(begin + 25.0), &[20_000]),
        (server(begin + 40.0), &[]),
        (producer(10.05), &[10_000, 20_000]),
        (producer(15.0), &[20_000]),
        (json!({"StartSelectorType": "NOW"}), &[]),
    ] {
        let found = timecodes(bench.get("s", selector.clone()).await).await;
        assert_eq!(found, expected, "{selector}");
    }
}

#[tokio::test]
async fn a_producers_time_is_found_by_time_and_not_by_number() {
    let bench = bench_with(|options| options.get_media_idle = SHORT_IDLE);
    bench.create("s", 24).await;
    // A device uploads last year's recording after today's.
    for at in [50_000, 10_000, 20_000] {
        bench.produce("s", ABSOLUTE, &[head(&["a"]), cluster(at, &[1], &[0, 100])].concat()).await;
    }
    for in_chunks in [false, true] {
        if in_chunks {
            bench.store.chunk().await.unwrap();
        }
        for (seconds, expected) in [
            (5.0, &[10_000, 20_000][..]),
            (10.05, &[10_000, 20_000]),
            (15.0, &[20_000]),
            (20.1, &[20_000]),
            (30.0, &[50_000, 10_000, 20_000]),
            (50.0, &[50_000, 10_000, 20_000]),
            (60.0, &[]),
        ] {
            let selector = json!({"StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": seconds});
            let found = timecodes(bench.get("s", selector).await).await;
            assert_eq!(found, expected, "{seconds} s, in chunks: {in_chunks}");
        }
    }
}

#[tokio::test]
async fn a_reader_at_the_tail_hears_each_frame_as_it_is_pushed() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut body = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
    session.push(&head(&["a"]));
    let (start, frames) = (cluster(0, &[], &[]), [cluster(0, &[1], &[0]), cluster(0, &[1], &[20])]);
    let frames = frames.map(|frame| frame[start.len()..].to_vec());
    session.push(&[&start[..], &frames[0]].concat());
    let opening = body.next().await.unwrap();
    assert!(opening.windows(6).any(|run| run == b"\x44\x87\x10\x00\x00\x2f"), "the number is known at once");
    assert_eq!(body.next().await.unwrap(), [&start[..], &frames[0]].concat());
    session.push(&frames[1]);
    assert_eq!(body.next().await.unwrap(), frames[1]);
    session.push(&tag("ContactId", "c"));
    assert_eq!(body.next().await.unwrap(), tag("ContactId", "c"));
    session.finish(BodyEnd::Finished);
    let last = body.next().await.unwrap();
    assert!(last.starts_with(b"\x12\x54\xc3\x67\x10"), "the second service tags end the document");
    assert_eq!(body.next().await, None, "the end of a capture ends the body at once");
}

#[tokio::test]
async fn a_reader_that_begins_in_the_past_becomes_live_without_gap_or_repeat() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&head(&["a"]));
    let reader = {
        for at in 0..20 {
            session.push(&cluster(at, &[1], &[0, 1]));
        }
        let body = bench.get("s", earliest()).await;
        tokio::spawn(whole(body))
    };
    for at in 20..200 {
        session.push(&cluster(at, &[1], &[0, 1]));
        if at % 10 == 0 {
            tokio::task::yield_now().await;
        }
    }
    session.finish(BodyEnd::Finished);
    let documents = seen(&reader.await.unwrap());
    let timecodes: Vec<u64> = documents.iter().map(|document| document.timecode.unwrap()).collect();
    assert_eq!(timecodes, (0..200).collect::<Vec<u64>>());
    assert!(documents.iter().all(|document| document.frames == 2));
    assert!(documents.iter().all(|document| document.tag("CONTINUATION_TOKEN").is_some()));
}

#[tokio::test]
async fn a_stream_without_retention_is_heard_live() {
    let bench = bench();
    bench.create("s", 0).await;
    let body = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
    let reader = tokio::spawn(whole(body));
    bench.produce("s", ABSOLUTE, &three_fragments()).await;
    let documents = seen(&reader.await.unwrap());
    assert_eq!(documents.iter().map(|document| document.frames).sum::<usize>(), 9);
}

#[tokio::test]
async fn a_body_ends_when_the_stream_is_quiet_but_never_within_a_fragment() {
    let bench = bench_with(|options| options.get_media_idle = SHORT_IDLE);
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&[head(&["a"]), cluster(0, &[1], &[0])].concat());
    let mut body = bench.get("s", earliest()).await;
    let (opening, frame) = (body.next().await.unwrap(), body.next().await.unwrap());
    assert!(!opening.is_empty() && !frame.is_empty());
    let silence = tokio::time::timeout(SHORT_IDLE * 2, body.next()).await;
    assert!(silence.is_err(), "an open fragment keeps the body open");
    session.push(&tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""));
    assert!(body.next().await.is_some(), "the second service tags, and no tag of the producer's before them");
    assert_eq!(body.next().await, None, "no fragment is open: quiet");
    assert_eq!(body.next().await, None);
}

#[test]
fn a_body_ends_though_its_time_went_by_while_the_disk_was_read() {
    // One thread reads the disk, and here it is kept from it for longer than the stream may be quiet.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let idle = Duration::from_millis(1);
        let bench = bench_with(|options| options.get_media_idle = idle);
        bench.create("s", 24).await;
        bench.produce("s", ABSOLUTE, &three_fragments()).await;
        let body = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
        let (release, gate) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || gate.recv());
        let released = async {
            tokio::time::sleep(idle * 20).await;
            drop(release);
        };
        let ended = tokio::time::timeout(Duration::from_secs(30), whole(body));
        assert_eq!(tokio::join!(ended, released).0.expect("the body ends"), b"");
    });
}

#[tokio::test]
async fn a_body_ends_at_the_first_end_of_a_fragment_after_its_lifetime() {
    let bench = bench_with(|options| options.get_media_lifetime = Duration::ZERO);
    bench.create("s", 24).await;
    bench.produce("s", ABSOLUTE, &three_fragments()).await;
    assert_eq!(whole(bench.get("s", earliest()).await).await, b"");
}

#[tokio::test]
async fn deleting_the_stream_ends_its_readers() {
    let bench = bench();
    let arn = bench.create("s", 24).await;
    let reader = tokio::spawn(whole(bench.get("s", earliest()).await));
    bench.call("/deleteStream", json!({"StreamARN": arn})).await.unwrap();
    assert_eq!(reader.await.unwrap(), b"");
    let body = json!({"StreamARN": arn, "StartSelector": earliest()}).to_string();
    assert_eq!(bench.service.get_media(&caller(), body.as_bytes()).await.err().unwrap().status(), 404);
}

#[tokio::test]
async fn a_fragment_that_is_taken_back_ends_the_body_and_is_not_replayed() {
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut body = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
    session.push(&[head(&["a"]), cluster(0, &[1], &[0])].concat());
    assert!(body.next().await.is_some() && body.next().await.is_some());
    session.push(b"\0");
    assert_eq!(body.next().await, None);
    bench.produce("s", ABSOLUTE, &three_fragments()).await;
    assert_eq!(timecodes(bench.get("s", earliest()).await).await, [0, 1000, 2000]);
}

#[tokio::test]
async fn a_disabled_key_is_told_within_the_body() {
    let bench = bench();
    bench.create("s", 24).await;
    bench.produce("s", ABSOLUTE, &three_fragments()).await;
    let first = numbers(&bench, "s").await[0].to_string();
    bench.disable_key();
    let selector = json!({"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": first});
    let documents = seen(&whole(bench.get("s", selector).await).await);
    assert_eq!(documents.len(), 1);
    let expected = [
        ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", first.as_str()),
        ("AWS_KINESISVIDEO_ERROR_ID", "4501"),
        ("AWS_KINESISVIDEO_ERROR_CODE", "KMS_KEY_DISABLED"),
    ];
    assert_eq!(documents[0].tags, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_fourth_connection_is_refused_in_the_aws_profile() {
    let bench = bench_with(|options| options.limits = Limits::aws());
    bench.create("s", 24).await;
    let _three = [
        bench.get("s", earliest()).await,
        bench.get("s", earliest()).await,
        bench.get("s", earliest()).await,
    ];
    let body = json!({"StreamName": "s", "StartSelector": earliest()}).to_string();
    let refused = bench.service.get_media(&caller(), body.as_bytes()).await.err().unwrap();
    assert_eq!((refused.code(), refused.status()), (KvsErrorCode::ConnectionLimitExceeded, 400));
}

#[tokio::test]
async fn requests_without_a_selector_or_a_stream_are_refused() {
    let bench = bench();
    for body in ["{}", r#"{"StreamName":"s"}"#, r#"{"StartSelector":{"StartSelectorType":"NOW"}}"#] {
        let error = bench.service.get_media(&caller(), body.as_bytes()).await.err().unwrap();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{body}");
    }
    let error = bench.service.get_media(&caller(), b"[").await.err().unwrap();
    assert_eq!(error.code(), KvsErrorCode::Serialization);
}

#[tokio::test(start_paused = true)]
async fn the_past_comes_many_fragments_at_once_and_a_reader_that_takes_it_slowly_is_not_told_off() {
    const FRAGMENTS: u64 = 400;
    let stall = Duration::from_secs(10);
    let bench = bench_with(|options| options.get_media_stall = stall);
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let clusters = (1..=FRAGMENTS).map(|second| cluster(second * 1_000, &[1], &[0]));
    session.push(&[vec![head(&["a"])], clusters.collect()].concat().concat());
    session.finish(BodyEnd::Finished);
    while session.next_ack().await.is_some() {}

    let mut body = bench.get("s", json!({"StartSelectorType": "EARLIEST"})).await;
    let (mut taken, mut chunks) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        assert!(chunk.len() <= 32 * 1024, "{} bytes", chunk.len());
        taken.extend(chunk);
        chunks += 1;
        tokio::time::advance(stall).await;
    }
    let documents = seen(&taken);
    let timecodes: Vec<_> = documents.iter().map(|document| document.timecode).collect();
    let expected: Vec<_> = (1..=FRAGMENTS).map(|second| Some(second * 1_000)).collect();
    assert_eq!(timecodes, expected);
    assert!(documents.iter().all(|document| document.tag("ERROR_ID").is_none()));
    assert!(chunks < FRAGMENTS / 4, "{chunks} chunks");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_took_nothing_for_too_long_is_told_at_the_end_of_a_fragment() {
    let stall = Duration::from_secs(10);
    let bench = bench_with(|options| options.get_media_stall = stall);
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    let mut body = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
    let patient = tokio::spawn(whole(bench.get("s", json!({"StartSelectorType": "NOW"})).await));
    session.push(&[head(&["a"]), cluster(1000, &[1], &[0])].concat());
    let mut taken = body.next().await.unwrap().to_vec();
    tokio::task::yield_now().await;
    tokio::time::advance(stall).await;
    taken.extend(body.next().await.unwrap());
    tokio::time::advance(stall + Duration::from_millis(1)).await;
    session.push(&cluster(2000, &[1], &[0]));
    session.finish(BodyEnd::Finished);
    taken.extend(whole(body).await);
    let all = patient.await.unwrap();

    let documents = seen(&taken);
    assert_eq!(documents.len(), 2);
    let number = documents[0].tag("FRAGMENT_NUMBER").unwrap().to_owned();
    assert_eq!((documents[0].timecode, documents[0].frames), (Some(1000), 1));
    assert_eq!(documents[0].tag("CONTINUATION_TOKEN"), Some(number.as_str()), "the fragment is whole");
    let expected = [
        ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number.as_str()),
        ("AWS_KINESISVIDEO_ERROR_ID", "3002"),
        ("AWS_KINESISVIDEO_ERROR_CODE", "STREAM_WRITE_ERROR"),
    ];
    assert_eq!(documents[1].tags, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(seen(&all).len(), 2, "and another reader hears all of it");
    assert!(seen(&all).iter().all(|document| document.tag("ERROR_ID").is_none()));
}

#[tokio::test]
async fn a_stream_without_retention_keeps_five_minutes_or_two_hundred_megabytes_for_readers() {
    let bench = bench_with(|options| options.get_media_idle = SHORT_IDLE);
    bench.create("s", 0).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&head(&["a"]));
    for at in 0..4 {
        session.push(&cluster(at, &[1], &[0]));
        bench.clock.advance_ms(120_000);
    }
    session.finish(BodyEnd::Lost);
    support::acks(&mut session).await;
    // Begun 480, 360, 240 and 120 s ago.
    assert_eq!(timecodes(bench.get("s", earliest()).await).await, [2, 3]);
    bench.clock.advance_ms(300_000);
    assert_eq!(timecodes(bench.get("s", earliest()).await).await, [0; 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn fragments_cut_anywhere_on_the_way_in_come_out_unchanged(
        mut cuts in proptest::collection::vec(0usize..4000, 0..60),
    ) {
        let mut body = head(&["a", "b"]);
        let mut expected = Vec::new();
        for at in [0, 500, 1000] {
            let fragment =
                [cluster(at, &[1, 2], &[0, 20]), tag("ContactId", "c"), tag("InstanceId", "i")].concat();
            body.extend(&fragment);
            expected.push(fragment);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sent = runtime.block_on(async {
            let bench = bench();
            bench.create("s", 24).await;
            let mut session = bench.put("s", ABSOLUTE).await;
            let mut live = bench.get("s", json!({"StartSelectorType": "NOW"})).await;
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(body.len()));
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts.into_iter().chain([body.len()]) {
                session.push(&body[from..cut]);
                from = cut;
            }
            session.finish(BodyEnd::Finished);
            support::acks(&mut session).await;
            let mut heard = Vec::new();
            while let Some(chunk) = live.next().await {
                heard.extend_from_slice(&chunk);
            }
            (heard, whole(bench.get("s", earliest()).await).await)
        });
        for (how, media) in [("live", sent.0), ("replayed", sent.1)] {
            let mut rest = &media[..];
            for fragment in &expected {
                let at = rest.windows(fragment.len()).position(|run| run == fragment);
                proptest::prop_assert!(at.is_some(), "{how}: a fragment was changed");
                rest = &rest[at.unwrap_or_default() + fragment.len()..];
            }
            proptest::prop_assert_eq!(media.windows(4).filter(|run| *run == b"\x1f\x43\xb6\x75").count(), 3);
        }
    }
}
