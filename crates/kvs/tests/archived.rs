//! ListFragments and GetMediaForFragmentList.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use support::{BEGIN_MS, Bench, bench, bench_with, caller, cluster, head, whole};
use tympan_kvs::{BodyEnd, KvsErrorCode, Limits, TimecodeType};

const HOUR_MS: i64 = 3_600_000;

/// Five fragments, a second apart on the server's clock, ten seconds apart on the producer's.
async fn five() -> Bench {
    let bench = bench();
    bench.create("s", 1).await;
    let mut session = bench.put("s", TimecodeType::Absolute).await;
    session.push(&head(&["a"]));
    for at in 0..5 {
        session.push(&cluster(at * 10_000, &[1], &[0, 20, 40]));
        bench.clock.advance_ms(1000);
    }
    session.finish(BodyEnd::Finished);
    support::acks(&mut session).await;
    bench
}

fn selector(kind: &str, from: f64, to: f64) -> Value {
    json!({"FragmentSelectorType": kind, "TimestampRange": {"StartTimestamp": from, "EndTimestamp": to}})
}

async fn producer_times(bench: &Bench, selector: Value) -> Vec<f64> {
    let body = json!({"StreamName": "s", "FragmentSelector": selector});
    let listed = bench.call("/listFragments", body).await.unwrap();
    listed["Fragments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["ProducerTimestamp"].as_f64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_listed_fragment_has_number_size_times_and_length() {
    let bench = five().await;
    let body = json!({"StreamName": "s", "FragmentSelector": selector("PRODUCER_TIMESTAMP", 10.0, 10.0)});
    let listed = bench.call("/listFragments", body).await.unwrap();
    let one = &listed["Fragments"][0];
    let stored = &bench.stored("s").await[1];
    assert!(one["FragmentNumber"].is_string());
    assert_eq!(one["FragmentSizeInBytes"], stored.2.len() + stored.3.len());
    assert_eq!(one["ProducerTimestamp"], 10.0);
    assert_eq!(one["ServerTimestamp"], (BEGIN_MS + 1000) as f64 / 1000.0);
    assert_eq!(one["FragmentLengthInMilliseconds"], 40);
    assert!(listed["NextToken"].is_null());
}

#[tokio::test]
async fn both_ends_of_a_range_are_included_and_only_starts_count() {
    let bench = five().await;
    let producer = |from, to| producer_times(&bench, selector("PRODUCER_TIMESTAMP", from, to));
    assert_eq!(producer(10.0, 30.0).await, [10.0, 20.0, 30.0]);
    assert_eq!(producer(10.001, 29.999).await, [20.0]);
    assert_eq!(producer(10.02, 10.03).await, [0.0; 0]);
    let begin = BEGIN_MS as f64 / 1000.0;
    let server = |from, to| producer_times(&bench, selector("SERVER_TIMESTAMP", from, to));
    assert_eq!(server(begin + 3.0, begin + 99.0).await, [30.0, 40.0]);
}

#[tokio::test]
async fn pages_go_on_by_token_alone_to_exhaustion() {
    let bench = five().await;
    let mut body = json!({
        "StreamName": "s", "MaxResults": 2, "FragmentSelector": selector("PRODUCER_TIMESTAMP", 0.0, 30.0),
    });
    let mut numbers: Vec<String> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = bench.call("/listFragments", body).await.unwrap();
        let fragments = page["Fragments"].as_array().unwrap();
        sizes.push(fragments.len());
        numbers.extend(fragments.iter().map(|one| one["FragmentNumber"].as_str().unwrap().to_owned()));
        let Some(token) = page["NextToken"].as_str() else { break };
        body = json!({"StreamName": "s", "MaxResults": 2, "NextToken": token});
    }
    assert_eq!(sizes, [2, 2]);
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert_eq!(numbers.len(), 4);
}

#[tokio::test]
async fn a_token_of_a_list_of_fragments_is_good_for_its_own_stream_and_selector_only() {
    let bench = five().await;
    bench.create("other", 24).await;
    let selected = selector("PRODUCER_TIMESTAMP", 0.0, 30.0);
    let first = json!({"StreamName": "s", "MaxResults": 2, "FragmentSelector": selected});
    let token = bench.call("/listFragments", first).await.unwrap()["NextToken"].clone();
    // As the paginators of SDKs do it: every member again, and the token.
    let again = json!({"StreamName": "s", "NextToken": token, "FragmentSelector": selected});
    assert_eq!(bench.call("/listFragments", again).await.unwrap()["Fragments"].as_array().unwrap().len(), 2);
    for foreign in [
        json!({"StreamName": "other", "NextToken": token}),
        json!({"StreamName": "s", "NextToken": token, "FragmentSelector": selector("PRODUCER_TIMESTAMP", 0.0, 10.0)}),
        json!({"StreamName": "s", "NextToken": token, "FragmentSelector": selector("SERVER_TIMESTAMP", 0.0, 30.0)}),
    ] {
        let error = bench.call("/listFragments", foreign.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{foreign}");
    }
}

#[tokio::test]
async fn ranges_outside_of_the_retention_are_refused_in_the_services_words() {
    let bench = five().await;
    bench.clock.advance_ms(HOUR_MS);
    let end = BEGIN_MS + 4999;
    let list = |name: &str, kind: &str, to_ms: i64| {
        let body =
            json!({"StreamName": name, "FragmentSelector": selector(kind, 0.0, to_ms as f64 / 1000.0)});
        let bench = &bench;
        async move { bench.call("/listFragments", body).await }
    };
    let error = list("s", "SERVER_TIMESTAMP", end).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::InvalidArgument);
    assert_eq!(error.message(), format!("End timestamp {end} is outside of the stream retention period."));
    let now = list("s", "SERVER_TIMESTAMP", end + HOUR_MS).await.unwrap();
    assert_eq!(now["Fragments"], json!([]), "what has expired is not listed");
    assert_eq!(list("s", "PRODUCER_TIMESTAMP", end).await.unwrap()["Fragments"], json!([]));

    bench.create("none", 0).await;
    for kind in ["SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"] {
        let error = list("none", kind, end + HOUR_MS).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{kind}");
    }
}

#[tokio::test]
async fn a_shorter_retention_takes_effect_at_once() {
    let bench = bench();
    bench.create("s", 24).await;
    bench.produce("s", TimecodeType::Absolute, &support::three_fragments()).await;
    bench.clock.advance_ms(2 * HOUR_MS);
    let all = || producer_times(&bench, selector("PRODUCER_TIMESTAMP", 0.0, 10.0));
    assert_eq!(all().await.len(), 3);
    let described = bench.call("/describeStream", json!({"StreamName": "s"})).await.unwrap();
    let body = json!({
        "StreamName": "s", "CurrentVersion": described["StreamInfo"]["Version"],
        "Operation": "DECREASE_DATA_RETENTION", "DataRetentionChangeInHours": 23,
    });
    bench.call("/updateDataRetention", body).await.unwrap();
    assert_eq!(all().await.len(), 0);
}

#[tokio::test]
async fn malformed_lists_are_refused() {
    let bench = five().await;
    for body in [
        json!({"StreamName": "s"}),
        json!({"FragmentSelector": selector("SERVER_TIMESTAMP", 0.0, 1e9)}),
        json!({"StreamName": "s", "MaxResults": 0, "FragmentSelector": selector("PRODUCER_TIMESTAMP", 0.0, 1.0)}),
        json!({"StreamName": "s", "MaxResults": 1001, "FragmentSelector": selector("PRODUCER_TIMESTAMP", 0.0, 1.0)}),
        json!({"StreamName": "s", "FragmentSelector": selector("PRODUCER_TIMESTAMP", 2.0, 1.0)}),
        json!({"StreamName": "s", "NextToken": "not ours"}),
        json!({"StreamName": "s", "NextToken": ""}),
    ] {
        let error = bench.call("/listFragments", body.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{body}");
    }
}

async fn fragments(bench: &Bench, numbers: &[String]) -> Result<Vec<u8>, tympan_kvs::KvsError> {
    let body = json!({"StreamName": "s", "Fragments": numbers}).to_string();
    Ok(whole(bench.service.get_media_for_fragment_list(&caller(), body.as_bytes()).await?).await)
}

async fn all_numbers(bench: &Bench) -> Vec<String> {
    let body = json!({"StreamName": "s", "FragmentSelector": selector("PRODUCER_TIMESTAMP", 0.0, 1e9)});
    let listed = bench.call("/listFragments", body).await.unwrap();
    let number = |one: &Value| one["FragmentNumber"].as_str().unwrap().to_owned();
    listed["Fragments"].as_array().unwrap().iter().map(number).collect()
}

#[tokio::test]
async fn listed_fragments_come_in_the_order_asked_without_the_second_service_tags() {
    let bench = five().await;
    let mut numbers = all_numbers(&bench).await;
    numbers.reverse();
    let media = fragments(&bench, &numbers).await.unwrap();
    let at = |needle: &str| media.windows(needle.len()).position(|run| run == needle.as_bytes());
    assert!(numbers.iter().map(|number| at(number).unwrap()).is_sorted());
    assert_eq!(media.windows(4).filter(|run| run == b"\x1a\x45\xdf\xa3").count(), 5, "a document each");
    for absent in ["MILLIS_BEHIND_NOW", "CONTINUATION_TOKEN", "EXCEPTION"] {
        assert_eq!(at(absent), None, "{absent}");
    }
    assert!(at("AWS_KINESISVIDEO_SERVER_TIMESTAMP").is_some());
    let thousand: Vec<String> = (0..1000).map(|at| numbers[at % 5].clone()).collect();
    assert_eq!(fragments(&bench, &thousand).await.unwrap().len(), media.len() * 200);
}

#[tokio::test]
async fn a_number_that_is_not_there_is_told_in_its_place_by_the_tags_that_the_wire_has() {
    let bench = five().await;
    let numbers = all_numbers(&bench).await;
    let above_160_bits = "9".repeat(128);
    for absent in ["17", "0017", &above_160_bits] {
        let list = [numbers[0].clone(), absent.to_owned(), numbers[1].clone()];
        let media = fragments(&bench, &list).await.unwrap();
        let at = |needle: &str| media.windows(needle.len()).position(|run| run == needle.as_bytes());
        let told = at("FRAGMENT_NOT_FOUND").unwrap();
        assert!(at(&numbers[0]).unwrap() < told && told < at(&numbers[1]).unwrap(), "in its place");
        let mut expected = Vec::new();
        tympan_mkv::write::service_tags(
            &mut expected,
            &[
                ("AWS_KINESISVIDEO_ERROR_CODE", "FRAGMENT_NOT_FOUND"),
                ("AWS_KINESISVIDEO_ERROR_ID", "3000"),
                ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", absent),
            ],
        );
        assert!(media.windows(expected.len()).any(|run| run == expected), "under its own digits: {absent}");
    }
}

#[tokio::test]
async fn malformed_fragment_lists_are_refused() {
    let bench = five().await;
    for numbers in
        [vec![], vec!["x".to_owned()], vec![String::new()], vec!["1".to_owned(); 1001], vec!["1".repeat(129)]]
    {
        let error = fragments(&bench, &numbers).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{} numbers", numbers.len());
    }
    let missing = json!({"StreamName": "t", "Fragments": ["1"]}).to_string();
    let error = bench.service.get_media_for_fragment_list(&caller(), missing.as_bytes()).await.err().unwrap();
    assert_eq!(error.status(), 404);
}

#[tokio::test]
async fn a_sixth_connection_is_refused_in_the_aws_profile() {
    let bench = bench_with(|options| options.limits = Limits::aws());
    bench.create("s", 1).await;
    let body = json!({"StreamName": "s", "Fragments": ["1"]}).to_string();
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(bench.service.get_media_for_fragment_list(&caller(), body.as_bytes()).await.unwrap());
    }
    let sixth = bench.service.get_media_for_fragment_list(&caller(), body.as_bytes()).await;
    assert_eq!(sixth.err().unwrap().code(), KvsErrorCode::ConnectionLimitExceeded);
}
