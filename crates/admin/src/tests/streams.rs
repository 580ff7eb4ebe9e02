use super::bench::{Bench, NOW};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_kms::KeyId;
use tympan_kvs::{AcksTold, PutMediaRequest, StreamIdentity, TimecodeType};
use tympan_store::{FragmentHead, NewStream, StorageTier, Stream, Writer};
use tympan_types::{ProducerTime, StreamArn, StreamName};

pub(super) async fn stream(bench: &Bench, name: &str) -> Stream {
    let (region, account) = (bench.caller.region.clone(), bench.caller.account.clone());
    let new = NewStream {
        arn: StreamArn::new(region, account, StreamName::parse(name).unwrap(), NOW),
        device_name: None,
        media_type: None,
        kms_key_id: KeyId::DEFAULT.into(),
        kms_key_arn: None,
        retention_hours: 24,
        storage_tier: StorageTier::Hot,
        tags: BTreeMap::new(),
    };
    bench.store.create_stream(new, None).await.unwrap()
}

async fn write(writer: &mut Writer) -> String {
    let head = FragmentHead { head: Bytes::from_static(b"head"), producer: ProducerTime::from_unix_ms(0) };
    let number = writer.begin(head).unwrap();
    writer.push(Bytes::from_static(&[7; 500]));
    writer.seal(1_000).await.unwrap();
    number.to_string()
}

#[tokio::test]
async fn streams_are_told_by_name_with_their_size_and_their_readers() {
    let bench = Bench::new();
    for name in ["calls-1", "calls-2", "other"] {
        stream(&bench, name).await;
    }
    let listed = bench.call("GET /tympan/streams?prefix=calls", Value::Null).await.unwrap();
    assert_eq!(listed["Streams"][0]["StreamName"], "calls-1");
    assert_eq!(
        (&listed["Streams"][0]["Fragments"], &listed["Streams"][0]["AgeMilliseconds"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(listed["Streams"].as_array().unwrap().len(), 2);
    let page = bench.call("GET /tympan/streams?maxResults=2", Value::Null).await.unwrap();
    let token = page["NextToken"].as_str().unwrap();
    let rest = bench.call(&format!("GET /tympan/streams?maxResults=2&nextToken={token}"), Value::Null).await;
    assert_eq!(rest.unwrap()["Streams"][0]["StreamName"], "other");
    let theirs = bench.call_as(&bench.stranger(), "GET /tympan/streams", Value::Null).await.unwrap();
    assert_eq!(theirs["Streams"], json!([]));
}

#[tokio::test]
async fn a_reader_is_listed_with_what_it_was_sent_until_it_is_gone() {
    let bench = Bench::new();
    let stream = stream(&bench, "calls").await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let first = write(&mut writer).await;
    let body = json!({ "StreamName": "calls", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let mut media = bench.kvs.get_media(&bench.caller, body.to_string().as_bytes()).await.unwrap();
    let listed = bench.call("GET /tympan/readers", Value::Null).await.unwrap();
    assert_eq!(
        (&listed["Readers"][0]["LagMilliseconds"], &listed["Readers"][0]["SentBytes"]),
        (&Value::Null, &json!(0))
    );
    media.next().await.unwrap();
    let listed = bench.call("GET /tympan/readers?streamName=calls", Value::Null).await.unwrap();
    let reader = &listed["Readers"][0];
    assert_eq!(reader["LastFragmentNumber"], first.as_str());
    assert_eq!((&reader["LagMilliseconds"], &reader["AccessKeyId"]), (&json!(0), &json!("AKIDADMIN")));
    assert!(reader["SentBytes"].as_u64().unwrap() > 500);
    let last = write(&mut writer).await;
    let listed = bench.call("GET /tympan/streams", Value::Null).await.unwrap();
    let of_stream = &listed["Streams"][0];
    assert_eq!((&of_stream["Fragments"], &of_stream["HeadFragmentNumber"]), (&json!(2), &json!(last)));
    assert_eq!(of_stream["Readers"][0]["LastFragmentNumber"], first.as_str());
    assert_eq!(of_stream["AgeMilliseconds"], 0);
    for request in ["GET /tympan/readers?streamName=call", "GET /tympan/readers"] {
        let caller = if request.contains('?') { &bench.caller } else { &bench.stranger() };
        let none = bench.call_as(caller, request, Value::Null).await.unwrap();
        assert_eq!(none["Readers"], json!([]), "{request}");
    }
    drop(media);
    assert_eq!(bench.call("GET /tympan/readers", Value::Null).await.unwrap()["Readers"], json!([]));
}

#[tokio::test]
async fn what_the_producers_of_a_stream_were_told_is_listed_and_outlives_the_upload() {
    let bench = Bench::new();
    stream(&bench, "calls").await;
    let path = "GET /tympan/streams/calls/acknowledgements";
    assert_eq!(bench.call(path, Value::Null).await.unwrap()["Acknowledgements"], json!([]));
    let name = StreamIdentity::Name(StreamName::parse("calls").unwrap());
    let request = PutMediaRequest {
        stream: name,
        timecodes: TimecodeType::Absolute,
        acks: AcksTold::Every,
        idle_close: true,
        resumes: true,
    };
    for _ in 0..2 {
        let mut session = bench.kvs.put_media(&bench.caller, request.clone()).await.unwrap();
        session.push(b"no Matroska");
        while session.next_ack().await.is_some() {}
    }
    let listed = bench.call(path, Value::Null).await.unwrap();
    let told = |sequence: u64| {
        json!({ "Sequence": sequence, "Session": sequence, "Time": NOW.rfc3339_ms(), "EventType": "ERROR",
        "ErrorCode": "INVALID_MKV_DATA", "ErrorId": 4006 })
    };
    assert_eq!(listed["Acknowledgements"], json!([told(1), told(2)]));
    let missing = bench.call("GET /tympan/streams/other/acknowledgements", Value::Null).await.unwrap_err();
    assert_eq!(missing.status(), 404);
    let theirs = bench.call_as(&bench.stranger(), path, Value::Null).await.unwrap_err();
    assert_eq!(theirs.status(), 404);
}
