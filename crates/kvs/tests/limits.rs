//! The `aws` profile: what is refused, what waits, and that the `open` profile does neither.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{
    Bench, acks, bench, bench_with, caller, cluster, events, head, request, three_fragments, whole,
};
use tokio::time::{Instant, advance};
use tympan_kvs::{BodyEnd, KvsError, KvsErrorCode, Limits, MediaBody, PutMediaRequest, TimecodeType};

const ABSOLUTE: TimecodeType = TimecodeType::Absolute;

fn aws() -> Bench {
    bench_with(|options| options.limits = Limits::aws())
}

fn is_throttled<T>(answer: Result<T, KvsError>) -> bool {
    match answer {
        Ok(_) => false,
        Err(error) => {
            assert_eq!((error.code(), error.status()), (KvsErrorCode::ClientLimitExceeded, 400), "{error}");
            let operation = error.message().strip_prefix("Limit exceeded on number of requests for ");
            let operation = operation.and_then(|rest| rest.strip_suffix(" API")).unwrap();
            assert!(operation.bytes().all(|byte| byte.is_ascii_alphabetic()), "{error}");
            true
        }
    }
}

/// How many of so many calls in a row are answered.
async fn answered(bench: &Bench, calls: usize, path: &str, body: Value) -> usize {
    let mut answered = 0;
    for _ in 0..calls {
        answered += usize::from(!is_throttled(bench.call(path, body.clone()).await));
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn each_control_operation_has_its_rate_per_stream_and_per_account() {
    let bench = aws();
    for name in ["a", "b"] {
        bench.create(name, 24).await;
    }
    let arn =
        bench.call("/describeStream", json!({"StreamName": "a"})).await.unwrap()["StreamInfo"]["StreamARN"]
            .clone();
    for (path, more) in [
        ("/getDataEndpoint", json!({"APIName": "GET_MEDIA"})),
        ("/tagStream", json!({"Tags": {"a": "b"}})),
        ("/untagStream", json!({"TagKeyList": ["a"]})),
        ("/listTagsForStream", json!({})),
        ("/describeStreamStorageConfiguration", json!({})),
        ("/describeMappedResourceConfiguration", json!({})),
    ] {
        let of = |name: &str| {
            let mut body = more.clone();
            body["StreamName"] = json!(name);
            body
        };
        assert_eq!(answered(&bench, 8, path, of("a")).await, 5, "{path}");
        let mut by_arn = more.clone();
        by_arn["StreamARN"] = arn.clone();
        assert_eq!(answered(&bench, 1, path, by_arn).await, 0, "{path}: the same stream by its ARN");
        assert_eq!(answered(&bench, 5, path, of("b")).await, 5, "{path}: another stream");
    }
    assert_eq!(answered(&bench, 60, "/listStreams", json!({})).await, 50);
    advance(Duration::from_millis(100)).await;
    assert_eq!(answered(&bench, 60, "/listStreams", json!({})).await, 5);
    advance(Duration::from_secs(1)).await;
    assert_eq!(answered(&bench, 60, "/listStreams", json!({})).await, 50);
}

#[tokio::test(start_paused = true)]
async fn an_account_describes_three_hundred_streams_a_second_and_another_account_its_own() {
    let bench = bench_with(|options| {
        options.limits = Limits { streams_per_account: None, ..Limits::aws() };
        options.limits.changes_per_account_per_s = None;
    });
    for at in 0..70 {
        bench.create(&format!("s{at}"), 0).await;
    }
    let mut described = 0;
    for at in 0..350 {
        let body = json!({"StreamName": format!("s{}", at % 70)});
        described += usize::from(!is_throttled(bench.call("/describeStream", body).await));
    }
    assert_eq!(described, 300);
    let other = tympan_types::Caller { account: "222233334444".parse_account(), ..caller() };
    let operation = tympan_kvs::Operation::DescribeStream;
    let error = bench.service.call(&other, operation, br#"{"StreamName":"s0"}"#).await.unwrap_err();
    assert_eq!(error.status(), 404);
}

trait ParseAccount {
    fn parse_account(&self) -> tympan_types::AccountId;
}

impl ParseAccount for str {
    fn parse_account(&self) -> tympan_types::AccountId {
        tympan_types::AccountId::parse(self).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn media_requests_have_five_a_second_and_stream() {
    let bench = bench_with(|options| {
        options.limits = Limits {
            put_media_connections_per_stream: None,
            get_media_connections_per_stream: None,
            ..Limits::aws()
        };
    });
    bench.create("s", 24).await;
    let selector = json!({"StreamName": "s", "StartSelector": {"StartSelectorType": "NOW"}}).to_string();
    let (mut uploads, mut bodies) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        uploads.push(is_throttled(bench.service.put_media(&caller(), request("s", ABSOLUTE)).await));
        bodies.push(is_throttled(bench.service.get_media(&caller(), selector.as_bytes()).await));
    }
    let expected = [false, false, false, false, false, true, true];
    assert_eq!((uploads, bodies), (expected.to_vec(), expected.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn archived_media_spends_points() {
    let bench = aws();
    bench.create("s", 24).await;
    let selector = json!({"FragmentSelectorType": "PRODUCER_TIMESTAMP",
        "TimestampRange": {"StartTimestamp": 0, "EndTimestamp": 1}});
    let list = json!({"StreamName": "s", "MaxResults": 1000, "FragmentSelector": selector});
    assert_eq!(
        answered(&bench, 15, "/listFragments", list).await,
        11,
        "ten seconds' worth and one on credit"
    );

    let numbers: Vec<String> = (0..500).map(|at| at.to_string()).collect();
    let body = json!({"StreamName": "s", "Fragments": numbers}).to_string();
    let read = async || bench.service.get_media_for_fragment_list(&caller(), body.as_bytes()).await;
    assert!(!is_throttled(read().await) && !is_throttled(read().await));
    assert!(is_throttled(read().await));
    advance(Duration::from_secs(1)).await;
    assert!(!is_throttled(read().await));

    bench.create("t", 24).await;
    let url = json!({"StreamName": "t"});
    let mut throttled = 0;
    for _ in 0..30 {
        let error = bench.call("/getHLSStreamingSessionURL", url.clone()).await.unwrap_err();
        throttled += usize::from(error.code() == KvsErrorCode::ClientLimitExceeded);
    }
    assert_eq!(throttled, 5);
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_rotates_its_token_waits_for_its_last_connection_and_a_second_producer_is_refused() {
    let bench = aws();
    bench.create("s", 24).await;
    let mut first = bench.put("s", ABSOLUTE).await;
    first.push(&[head(&["a"]), cluster(1000, &[1], &[0])].concat());
    let begun = Instant::now();
    let refused = bench.service.put_media(&caller(), request("s", ABSOLUTE)).await.err().unwrap();
    assert_eq!((refused.code(), refused.status()), (KvsErrorCode::ConnectionLimitExceeded, 400));
    assert_eq!(begun.elapsed(), Limits::aws().put_media_overlap);

    let service = bench.service.clone();
    let next =
        tokio::spawn(async move { service.put_media(&caller(), request("s", ABSOLUTE)).await.unwrap() });
    advance(Duration::from_millis(500)).await;
    assert!(!next.is_finished());
    first.push(&cluster(2000, &[1], &[0]));
    first.finish(BodyEnd::Finished);
    let mut next = next.await.unwrap();
    next.push(&[head(&["a"]), cluster(3000, &[1], &[0])].concat());
    next.finish(BodyEnd::Finished);
    assert_eq!(events(&acks(&mut next).await), ["BUFFERING", "RECEIVED", "PERSISTED"]);
    let told = events(&acks(&mut first).await);
    assert_eq!(told.iter().filter(|event| *event == "PERSISTED").count(), 2, "the first finishes: {told:?}");
    assert_eq!(bench.stored("s").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_upload_ends_at_the_first_end_of_a_fragment_after_its_lifetime() {
    let lifetime = Duration::from_secs(60);
    let bench = bench_with(|options| options.limits.put_media_lifetime = Some(lifetime));
    bench.create("s", 24).await;
    let mut session = bench.put("s", ABSOLUTE).await;
    session.push(&[head(&["a"]), cluster(1000, &[1], &[0]), cluster(2000, &[1], &[0])].concat());
    advance(lifetime).await;
    session.push(&cluster(0, &[1], &[20])[cluster(0, &[], &[]).len()..]);
    assert!(!session.failed(), "never within a fragment");
    session.push(&cluster(3000, &[1], &[0]));
    assert!(session.failed());
    let told = acks(&mut session).await;
    assert_eq!(events(&told).last().unwrap(), "ERROR 4003");
    assert_eq!(told.last().unwrap().timecode, None, "no fragment is lost by it");
    assert_eq!(bench.stored("s").await.len(), 2);
    let again = bench.produce("s", ABSOLUTE, &[head(&["a"]), cluster(3000, &[1], &[0])].concat()).await;
    assert_eq!(events(&again).last().unwrap(), "PERSISTED");
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_taken_as_fast_as_its_bytes_and_fragments_allow() {
    for (bytes, fragments, expected) in [(Some(10_000), None, 9_500..=10_500), (None, Some(5), 1_900..=2_100)]
    {
        let bench = bench_with(|options| {
            options.limits.put_media_bytes_per_s = bytes;
            options.limits.put_media_fragments_per_s = fragments;
        });
        bench.create("s", 24).await;
        let mut session = bench.put("s", ABSOLUTE).await;
        let begun = Instant::now();
        session.push(&head(&["a"]));
        // 15 fragments of 7,300 bytes.
        for at in 0..15 {
            session.ready().await;
            session.push(&cluster(at * 1000, &[1], &[0; 22]));
        }
        session.ready().await;
        session.finish(BodyEnd::Finished);
        let took_ms = begun.elapsed().as_millis();
        assert!(
            expected.contains(&took_ms),
            "{took_ms} ms at {bytes:?} bytes and {fragments:?} fragments a second"
        );
        let told = events(&acks(&mut session).await);
        assert_eq!(
            told.iter().filter(|event| *event == "PERSISTED").count(),
            15,
            "nothing is lost by waiting"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_sent_as_fast_as_its_bytes_and_fragments_allow() {
    let selector = json!({"StartSelectorType": "EARLIEST"});
    let read = async |bench: &Bench| {
        let begun = Instant::now();
        let body: MediaBody = bench.get("s", selector.clone()).await;
        (whole(body).await, begun.elapsed().as_millis())
    };
    let (mut bodies, mut times) = (Vec::new(), Vec::new());
    for (bytes, fragments) in [(None, None), (Some(4_000), None), (None, Some(1))] {
        let bench = bench_with(|options| {
            options.limits.get_media_bytes_per_s = bytes;
            options.limits.get_media_fragments_per_s = fragments;
        });
        bench.create("s", 24).await;
        bench.produce("s", ABSOLUTE, &three_fragments()).await;
        let (body, took_ms) = read(&bench).await;
        bodies.push(body.len());
        times.push(took_ms);
    }
    assert!(bodies.iter().all(|bytes| *bytes == bodies[0]), "{bodies:?}");
    assert!(
        times[0] < 100 && (100..2_000).contains(&times[1]) && (1_900..2_500).contains(&times[2]),
        "{times:?}"
    );
}

#[tokio::test]
async fn the_open_profile_limits_neither_calls_nor_connections() {
    let bench = bench();
    let arn = bench.create("s", 24).await;
    assert_eq!(answered(&bench, 400, "/describeStream", json!({"StreamName": "s"})).await, 400);
    let mut uploads = Vec::new();
    for _ in 0..20 {
        uploads.push(bench.put("s", ABSOLUTE).await);
    }
    drop(uploads);

    let aws = aws();
    aws.create("s", 24).await;
    let within = aws.service.within_process();
    for _ in 0..20 {
        within
            .call(&caller(), tympan_kvs::Operation::DescribeStream, br#"{"StreamName":"s"}"#)
            .await
            .unwrap();
    }
    let mut captures = Vec::new();
    for _ in 0..20 {
        captures
            .push(within.put_media(&caller(), PutMediaRequest::capture(arn.parse().unwrap())).await.unwrap());
    }
}
