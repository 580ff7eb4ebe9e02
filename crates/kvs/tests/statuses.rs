//! Statuses that take time: what a stream says it is, and what it takes meanwhile.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Bench, bench_with, caller, request};
use tympan_kvs::{KvsErrorCode, PutMediaRequest, TimecodeType};

const DELAY_MS: i64 = 2_000;

fn delayed() -> Bench {
    bench_with(|options| options.status_delay = Duration::from_millis(DELAY_MS as u64))
}

async fn info(bench: &Bench) -> Value {
    let described = bench.call("/describeStream", json!({"StreamName": "s"})).await.unwrap();
    described["StreamInfo"].clone()
}

async fn names(bench: &Bench) -> Vec<String> {
    let listed = bench.call("/listStreams", json!({"MaxResults": 10})).await.unwrap();
    let streams = listed["StreamInfoList"].as_array().unwrap();
    let shown = |stream: &Value| format!("{} {}", stream["StreamName"], stream["Status"]).replace('"', "");
    streams.iter().map(shown).collect()
}

#[tokio::test]
async fn a_stream_is_creating_and_then_active() {
    let bench = delayed();
    let arn = bench.create("s", 24).await;
    assert_eq!(info(&bench).await["Status"], "CREATING");
    assert_eq!(names(&bench).await, ["s CREATING"]);
    let version = info(&bench).await["Version"].clone();
    let update = json!({"StreamName": "s", "CurrentVersion": version, "MediaType": "audio/aac"});
    for (path, body) in [("/updateStream", update.clone()), ("/deleteStream", json!({"StreamARN": arn}))] {
        let error = bench.call(path, body).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::ResourceInUse, "{path}");
    }
    let endpoint = json!({"StreamName": "s", "APIName": "PUT_MEDIA"});
    for (path, body) in [
        ("/getDataEndpoint", endpoint.clone()),
        (
            "/listFragments",
            json!({"StreamName": "s", "FragmentSelector": {"FragmentSelectorType": "SERVER_TIMESTAMP",
                "TimestampRange": {"StartTimestamp": 0, "EndTimestamp": 2_000_000_000}}}),
        ),
    ] {
        assert_eq!(bench.call(path, body).await.unwrap_err().status(), 404, "{path}");
    }
    let upload = bench.service.put_media(&caller(), request("s", TimecodeType::Absolute)).await;
    assert_eq!(upload.err().unwrap().message(), "The requested stream is not found or not active.");
    bench.call("/tagStream", json!({"StreamName": "s", "Tags": {"a": "b"}})).await.unwrap();

    bench.clock.advance_ms(DELAY_MS);
    assert_eq!(info(&bench).await["Status"], "ACTIVE");
    bench.call("/getDataEndpoint", endpoint).await.unwrap();
    bench.put("s", TimecodeType::Absolute).await;
}

#[tokio::test]
async fn a_changed_stream_is_updating_and_goes_on_taking_media() {
    let bench = delayed();
    let arn = bench.create("s", 24).await;
    bench.clock.advance_ms(DELAY_MS);
    for (path, change) in [
        ("/updateStream", json!({"MediaType": "audio/aac"})),
        (
            "/updateDataRetention",
            json!({"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 1}),
        ),
        (
            "/updateStreamStorageConfiguration",
            json!({"StreamStorageConfiguration": {"DefaultStorageTier": "WARM"}}),
        ),
    ] {
        let mut body = change;
        body["StreamARN"] = json!(arn);
        body["CurrentVersion"] = info(&bench).await["Version"].clone();
        bench.call(path, body.clone()).await.unwrap();
        assert_eq!(info(&bench).await["Status"], "UPDATING", "{path}");
        bench.put("s", TimecodeType::Absolute).await;
        body["CurrentVersion"] = info(&bench).await["Version"].clone();
        let error = bench.call(path, body).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::ResourceInUse, "{path}");
        bench.clock.advance_ms(DELAY_MS);
        assert_eq!(info(&bench).await["Status"], "ACTIVE", "{path}");
    }
}

#[tokio::test]
async fn a_deleted_stream_is_deleting_for_a_while_and_its_media_gone_at_once() {
    let bench = delayed();
    let arn = bench.create("s", 24).await;
    bench.create("a", 0).await;
    bench.create("z", 0).await;
    bench.clock.advance_ms(DELAY_MS);
    let first = bench.call("/listStreams", json!({"MaxResults": 1})).await.unwrap();
    bench.call("/deleteStream", json!({"StreamARN": arn})).await.unwrap();
    assert_eq!(info(&bench).await["Status"], "DELETING");
    assert_eq!(info(&bench).await["StreamARN"], arn);
    assert_eq!(names(&bench).await, ["a ACTIVE", "s DELETING", "z ACTIVE"]);
    let next = json!({"MaxResults": 1, "NextToken": first["NextToken"]});
    let page = bench.call("/listStreams", next).await.unwrap();
    assert_eq!(page["StreamInfoList"][0]["StreamName"], "s", "pages go on where they should");
    let upload = bench.service.put_media(&caller(), request("s", TimecodeType::Absolute)).await;
    assert_eq!(upload.err().unwrap().status(), 404);
    for (path, body) in
        [("/deleteStream", json!({"StreamARN": arn})), ("/createStream", json!({"StreamName": "s"}))]
    {
        let error = bench.call(path, body).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::ResourceInUse, "{path}");
    }
    bench.clock.advance_ms(DELAY_MS);
    assert_eq!(bench.call("/describeStream", json!({"StreamARN": arn})).await.unwrap_err().status(), 404);
    assert_eq!(names(&bench).await, ["a ACTIVE", "z ACTIVE"]);
    bench.create("s", 24).await;
}

#[tokio::test]
async fn captures_of_this_process_are_not_held_back() {
    let bench = delayed();
    let arn = bench.create("s", 24).await;
    let capture = PutMediaRequest::capture(arn.parse().unwrap());
    assert_eq!(bench.service.put_media(&caller(), capture.clone()).await.err().unwrap().status(), 404);
    assert!(bench.service.within_process().put_media(&caller(), capture).await.is_ok());
}
