//! The control plane by its JSON.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::{Value, json};
use support::{BEGIN_MS, bench, bench_with, caller};
use tympan_kvs::{KvsErrorCode, Operation};
use tympan_types::Region;

#[tokio::test]
async fn a_created_stream_is_described_by_name_and_by_arn_as_the_service_does() {
    let bench = bench();
    let body = json!({
        "StreamName": "s", "DeviceName": "d", "MediaType": "audio/L16", "DataRetentionInHours": 24, "Unknown": [1],
    });
    let arn = bench.call("/createStream", body).await.unwrap()["StreamARN"].clone();
    assert_eq!(arn, format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/{BEGIN_MS}"));

    let operation = Operation::from_path("/describeStream").unwrap();
    let answer = bench.service.call(&caller(), operation, br#"{"StreamName":"s"}"#).await.unwrap();
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        format!(
            "{{\"StreamInfo\":{{\"CreationTime\":1700000000.0,\"DataRetentionInHours\":24,\"DeviceName\":\"d\",\
             \"KmsKeyId\":\"arn:aws:kms:us-west-2:111122223333:alias/aws/kinesisvideo\",\
             \"MediaType\":\"audio/L16\",\"Status\":\"ACTIVE\",\"StreamARN\":{arn},\"StreamName\":\"s\",\
             \"Version\":\"00000000000000000001\"}}}}"
        )
    );
    let by_name = bench.call("/describeStream", json!({"StreamName": "s"})).await.unwrap();
    let by_arn = bench.call("/describeStream", json!({"StreamARN": arn})).await.unwrap();
    assert_eq!(by_name, by_arn);
}

#[tokio::test]
async fn absent_members_are_null_and_names_have_up_to_256_characters() {
    let bench = bench();
    let name = "x".repeat(256);
    bench.create(&name, 0).await;
    let described = bench.call("/describeStream", json!({"StreamName": name})).await.unwrap();
    let info = &described["StreamInfo"];
    assert!(info["DeviceName"].is_null() && info["MediaType"].is_null());
    assert_eq!(info["DataRetentionInHours"], 0);
}

#[tokio::test]
async fn create_stream_refuses_what_the_model_forbids() {
    let bench = bench();
    for body in [
        json!({}),
        json!({"StreamName": ""}),
        json!({"StreamName": "a/b"}),
        json!({"StreamName": "x".repeat(257)}),
        json!({"StreamName": "s", "DeviceName": "a b"}),
        json!({"StreamName": "s", "MediaType": "audio/L16;rate=8000"}),
        json!({"StreamName": "s", "KmsKeyId": ""}),
        json!({"StreamName": "s", "KmsKeyId": "alias/nothing"}),
        json!({"StreamName": "s", "DataRetentionInHours": -1}),
        json!({"StreamName": "s", "DataRetentionInHours": 87_601}),
        json!({"StreamName": "s", "Tags": {"a,b": "c"}}),
        json!({"StreamName": "s", "StreamStorageConfiguration": {}}),
        json!({"StreamName": "s", "StreamStorageConfiguration": {"DefaultStorageTier": "COLD"}}),
    ] {
        let error = bench.call("/createStream", body.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{body}: {error}");
    }
    let tags: serde_json::Map<_, _> = (0..51).map(|at| (format!("k{at}"), json!("v"))).collect();
    let error = bench.call("/createStream", json!({"StreamName": "s", "Tags": tags})).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::TagsPerResourceExceededLimit);
}

#[tokio::test]
async fn a_name_can_be_taken_once_and_an_account_has_a_quota() {
    let bench = bench_with(|options| options.limits.streams_per_account = Some(2));
    bench.create("a", 0).await;
    let error = bench.call("/createStream", json!({"StreamName": "a"})).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (KvsErrorCode::ResourceInUse, 400));
    bench.create("b", 0).await;
    let error = bench.call("/createStream", json!({"StreamName": "c"})).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::AccountStreamLimitExceeded);
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_worded_as_the_service_does() {
    let bench = bench();
    let arn = bench.create("s", 0).await;
    let other_time = arn.replace(&BEGIN_MS.to_string(), "1");
    let other_account = arn.replace("111122223333", "999999999999");
    for body in
        [json!({"StreamName": "t"}), json!({"StreamARN": other_time}), json!({"StreamARN": other_account})]
    {
        let error = bench.call("/describeStream", body).await.unwrap_err();
        assert_eq!(error.status(), 404);
        assert_eq!(error.message(), "The requested stream is not found or not active.");
    }
    let elsewhere = tympan_types::Caller { region: Region::parse("eu-west-1").unwrap(), ..caller() };
    let body = json!({"StreamName": "s"}).to_string();
    let operation = Operation::DescribeStream;
    assert_eq!(bench.service.call(&elsewhere, operation, body.as_bytes()).await.unwrap_err().status(), 404);
}

#[tokio::test]
async fn streams_are_listed_by_prefix_and_by_page_to_exhaustion() {
    let bench = bench();
    for name in ["b2", "a", "b1", "b3", "c"] {
        bench.create(name, 0).await;
    }
    let mut names = Vec::new();
    let mut token = json!(null);
    loop {
        let body = json!({
            "MaxResults": 1, "NextToken": token,
            "StreamNameCondition": {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "b"},
        });
        let page = bench.call("/listStreams", body).await.unwrap();
        let streams = page["StreamInfoList"].as_array().unwrap();
        names.extend(streams.iter().map(|stream| stream["StreamName"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        let Some(text) = token.as_str() else { break };
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
    }
    assert_eq!(names, ["b1", "b2", "b3"]);
    let all = bench.call("/listStreams", json!({})).await.unwrap();
    assert_eq!(all["StreamInfoList"].as_array().unwrap().len(), 5);
    for bad in [
        json!({"MaxResults": 0}),
        json!({"MaxResults": 10_001}),
        json!({"NextToken": "*"}),
        json!({"NextToken": "YS9i"}),
        json!({"StreamNameCondition": {"ComparisonOperator": "EQUALS", "ComparisonValue": "b"}}),
    ] {
        let error = bench.call("/listStreams", bad.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{bad}");
    }
}

#[tokio::test]
async fn a_stream_is_deleted_by_arn_and_a_stale_version_is_refused() {
    let bench = bench();
    let arn = bench.create("s", 0).await;
    assert_eq!(
        bench.call("/deleteStream", json!({"StreamName": "s"})).await.unwrap_err().code(),
        KvsErrorCode::InvalidArgument
    );
    let stale = json!({"StreamARN": arn, "CurrentVersion": "kMB0nDRGRiQ2QCnZxbqK"});
    let error = bench.call("/deleteStream", stale).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::VersionMismatch);
    let current = json!({"StreamARN": arn, "CurrentVersion": "00000000000000000001"});
    assert_eq!(bench.call("/deleteStream", current).await.unwrap(), json!({}));
    assert_eq!(bench.call("/describeStream", json!({"StreamARN": arn})).await.unwrap_err().status(), 404);
    assert_eq!(bench.call("/deleteStream", json!({"StreamARN": arn})).await.unwrap_err().status(), 404);

    bench.clock.advance_ms(1);
    let again = bench.create("s", 0).await;
    assert_ne!(again, arn);
    assert_eq!(bench.call("/deleteStream", json!({"StreamARN": again})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn tags_are_added_replaced_removed_and_limited_to_50() {
    let bench = bench();
    bench.create("s", 0).await;
    let list = || bench.call("/listTagsForStream", json!({"StreamName": "s"}));
    let put = |tags: Value| bench.call("/tagStream", json!({"StreamName": "s", "Tags": tags}));
    put(json!({"a": "1", "b": "2"})).await.unwrap();
    put(json!({"b": "3"})).await.unwrap();
    assert_eq!(list().await.unwrap()["Tags"], json!({"a": "1", "b": "3"}));
    let many: serde_json::Map<_, _> = (0..48).map(|at| (format!("k{at}"), json!(""))).collect();
    put(json!(many)).await.unwrap();
    let error = put(json!({"one more": "x"})).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::TagsPerResourceExceededLimit);
    let remove = json!({"StreamName": "s", "TagKeyList": ["a", "absent"]});
    assert_eq!(bench.call("/untagStream", remove).await.unwrap(), json!({}));
    assert!(list().await.unwrap()["Tags"].get("a").is_none());
    for bad in [json!({}), json!({"": "v"})] {
        assert_eq!(put(bad).await.unwrap_err().code(), KvsErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn retention_and_details_change_under_the_current_version_only() {
    let bench = bench();
    bench.create("s", 2).await;
    let version = async || {
        let described = bench.call("/describeStream", json!({"StreamName": "s"})).await.unwrap();
        described["StreamInfo"]["Version"].as_str().unwrap().to_owned()
    };
    let change = |version: &str, operation: &str, hours: i64| {
        let body = json!({
            "StreamName": "s", "CurrentVersion": version, "Operation": operation,
            "DataRetentionChangeInHours": hours,
        });
        bench.call("/updateDataRetention", body)
    };
    let first = version().await;
    change(&first, "INCREASE_DATA_RETENTION", 22).await.unwrap();
    let second = version().await;
    assert_ne!(first, second);
    let error = change(&first, "INCREASE_DATA_RETENTION", 1).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::VersionMismatch);
    for (operation, hours) in [
        ("DECREASE_DATA_RETENTION", 25),
        ("INCREASE_DATA_RETENTION", 87_600),
        ("INCREASE_DATA_RETENTION", 0),
        ("SET", 1),
    ] {
        let error = change(&second, operation, hours).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{operation} {hours}");
    }
    change(&second, "DECREASE_DATA_RETENTION", 24).await.unwrap();

    let update = json!({"StreamName": "s", "CurrentVersion": version().await, "MediaType": "audio/aac"});
    assert_eq!(bench.call("/updateStream", update).await.unwrap(), json!({}));
    let described = bench.call("/describeStream", json!({"StreamName": "s"})).await.unwrap();
    assert_eq!(described["StreamInfo"]["MediaType"], "audio/aac");
    assert_eq!(described["StreamInfo"]["DataRetentionInHours"], 0);
}

#[tokio::test]
async fn every_api_name_has_the_endpoint_and_others_are_refused() {
    let bench = bench();
    bench.create("s", 0).await;
    for name in [
        "PUT_MEDIA",
        "GET_MEDIA",
        "LIST_FRAGMENTS",
        "GET_MEDIA_FOR_FRAGMENT_LIST",
        "GET_HLS_STREAMING_SESSION_URL",
        "GET_DASH_STREAMING_SESSION_URL",
        "GET_CLIP",
        "GET_IMAGES",
    ] {
        let body = json!({"StreamName": "s", "APIName": name});
        let answer = bench.call("/getDataEndpoint", body).await.unwrap();
        assert_eq!(answer, json!({"DataEndpoint": "http://127.0.0.1:8600"}));
    }
    let endpoint = |body| bench.call("/getDataEndpoint", body);
    let unknown = endpoint(json!({"StreamName": "s", "APIName": "PUT"})).await.unwrap_err();
    assert_eq!(unknown.code(), KvsErrorCode::InvalidArgument);
    let missing = endpoint(json!({"StreamName": "t", "APIName": "PUT_MEDIA"})).await.unwrap_err();
    assert_eq!(missing.status(), 404);
    let unnamed = endpoint(json!({"APIName": "PUT_MEDIA"})).await.unwrap_err();
    assert_eq!(unnamed.code(), KvsErrorCode::InvalidArgument);
}

#[tokio::test]
async fn what_is_not_offered_answers_with_the_error_that_fits() {
    use KvsErrorCode::{
        InvalidArgument, NoDataRetention, NotImplemented, ResourceNotFound, StreamEdgeConfigurationNotFound,
    };
    let bench = bench();
    bench.create("s", 24).await;
    bench.create("none", 0).await;
    let (kept, none) = (json!({"StreamName": "s"}), json!({"StreamName": "none"}));
    let channel =
        json!({"ChannelARN": "arn:aws:kinesisvideo:us-west-2:111122223333:channel/a/1598784211076"});
    for (path, body, code) in [
        ("/createSignalingChannel", json!({"ChannelName": "a"}), NotImplemented),
        ("/listSignalingChannels", json!({}), NotImplemented),
        ("/describeSignalingChannel", json!({"ChannelName": "a"}), ResourceNotFound),
        ("/updateSignalingChannel", channel.clone(), ResourceNotFound),
        ("/deleteSignalingChannel", channel.clone(), ResourceNotFound),
        ("/getSignalingChannelEndpoint", channel.clone(), ResourceNotFound),
        ("/describeMediaStorageConfiguration", channel.clone(), ResourceNotFound),
        ("/updateMediaStorageConfiguration", channel, ResourceNotFound),
        ("/describeEdgeConfiguration", kept.clone(), StreamEdgeConfigurationNotFound),
        ("/deleteEdgeConfiguration", kept.clone(), StreamEdgeConfigurationNotFound),
        ("/describeEdgeConfiguration", json!({"StreamName": "unknown"}), ResourceNotFound),
        ("/startEdgeConfigurationUpdate", none.clone(), NoDataRetention),
        ("/startEdgeConfigurationUpdate", kept.clone(), NotImplemented),
        ("/listEdgeAgentConfigurations", json!({"HubDeviceArn": "a"}), NotImplemented),
        ("/describeImageGenerationConfiguration", kept.clone(), NotImplemented),
        ("/updateImageGenerationConfiguration", none.clone(), NoDataRetention),
        ("/updateImageGenerationConfiguration", kept.clone(), NotImplemented),
        ("/describeNotificationConfiguration", json!({}), InvalidArgument),
        ("/describeNotificationConfiguration", json!({"StreamName": "unknown"}), ResourceNotFound),
        ("/updateNotificationConfiguration", none, NoDataRetention),
        ("/updateNotificationConfiguration", kept, NotImplemented),
    ] {
        let error = bench.call(path, body).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (code, code.status()), "{path}: {error}");
    }
    let error = bench.call("/putMedia", json!({})).await.unwrap_err();
    assert_eq!(error.code(), KvsErrorCode::InvalidEndpoint);
}

#[tokio::test]
async fn the_storage_tier_is_kept_shown_and_changed_under_the_current_version() {
    let bench = bench();
    let warm = json!({"DefaultStorageTier": "WARM"});
    let created = json!({"StreamName": "w", "StreamStorageConfiguration": warm});
    let arn = bench.call("/createStream", created).await.unwrap()["StreamARN"].clone();
    bench.create("h", 1).await;
    let tier = async |name: &str| {
        let body = json!({"StreamName": name});
        bench.call("/describeStreamStorageConfiguration", body).await.unwrap()
    };
    let shown = json!({"StreamName": "w", "StreamARN": arn, "StreamStorageConfiguration": warm});
    assert_eq!(tier("w").await, shown);
    assert_eq!(tier("h").await["StreamStorageConfiguration"]["DefaultStorageTier"], "HOT");
    let update = |version: &str, configuration: Value| {
        let body = json!({
            "StreamName": "h", "CurrentVersion": version, "StreamStorageConfiguration": configuration,
        });
        bench.call("/updateStreamStorageConfiguration", body)
    };
    let first = "00000000000000000001";
    assert_eq!(update(first, warm.clone()).await.unwrap(), json!({}));
    assert_eq!(tier("h").await["StreamStorageConfiguration"], warm);
    let stale = update(first, warm.clone()).await.unwrap_err();
    assert_eq!(stale.code(), KvsErrorCode::VersionMismatch);
    for bad in [json!(null), json!({}), json!({"DefaultStorageTier": "COLD"})] {
        let error = update("00000000000000000002", bad.clone()).await.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::InvalidArgument, "{bad}");
    }
    let missing = bench.call("/describeStreamStorageConfiguration", json!({"StreamName": "x"})).await;
    assert_eq!(missing.unwrap_err().status(), 404);
}

#[tokio::test]
async fn a_stream_is_tagged_by_its_arn_in_list_form_too() {
    let bench = bench();
    let arn = bench.create("s", 0).await;
    let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]);
    bench.call("/TagResource", json!({"ResourceARN": arn, "Tags": tags})).await.unwrap();
    let listed = bench.call("/ListTagsForResource", json!({"ResourceARN": arn})).await.unwrap();
    assert_eq!(listed["Tags"], json!({"a": "1", "b": ""}));
    bench.call("/UntagResource", json!({"ResourceARN": arn, "TagKeyList": ["a"]})).await.unwrap();
    let listed = bench.call("/listTagsForStream", json!({"StreamName": "s"})).await.unwrap();
    assert_eq!(listed["Tags"], json!({"b": ""}));
    let body = json!({"ResourceARN": arn}).to_string();
    let denied = bench.asks(Operation::TagResource, body.as_bytes()).await;
    assert_eq!(denied.asks[0].resource.arn, arn);

    let channel = "arn:aws:kinesisvideo:us-west-2:111122223333:channel/a/1598784211076";
    let many: Vec<_> = (0..51).map(|at| json!({"Key": format!("k{at}"), "Value": "v"})).collect();
    for (body, code) in [
        (json!({"ResourceARN": channel, "Tags": tags}), KvsErrorCode::ResourceNotFound),
        (json!({"ResourceARN": "a", "Tags": tags}), KvsErrorCode::InvalidArgument),
        (json!({"Tags": tags}), KvsErrorCode::InvalidArgument),
        (json!({"ResourceARN": arn}), KvsErrorCode::InvalidArgument),
        (json!({"ResourceARN": arn, "Tags": []}), KvsErrorCode::InvalidArgument),
        (json!({"ResourceARN": arn, "Tags": [{"Key": "a"}]}), KvsErrorCode::InvalidArgument),
        (json!({"ResourceARN": arn, "Tags": many}), KvsErrorCode::TagsPerResourceExceededLimit),
    ] {
        let error = bench.call("/TagResource", body.clone()).await.unwrap_err();
        assert_eq!(error.code(), code, "{body}");
    }
}

#[tokio::test]
async fn more_tags_than_a_page_holds_are_listed_page_by_page() {
    let bench = bench_with(|options| options.limits.stream_tags = 120);
    bench.create("s", 0).await;
    let tags: serde_json::Map<_, _> = (0..120).map(|at| (format!("k{at:03}"), json!("v"))).collect();
    bench.call("/tagStream", json!({"StreamName": "s", "Tags": tags})).await.unwrap();
    let (mut keys, mut sizes, mut token) = (Vec::new(), Vec::new(), json!(""));
    while token.is_string() {
        let body = json!({"StreamName": "s", "NextToken": token});
        let page = bench.call("/listTagsForStream", body).await.unwrap();
        let page_keys: Vec<String> = page["Tags"].as_object().unwrap().keys().cloned().collect();
        sizes.push(page_keys.len());
        keys.extend(page_keys);
        token = page["NextToken"].clone();
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert!(keys.is_sorted() && keys.len() == 120);
    let error = bench.call("/listTagsForStream", json!({"StreamName": "s", "NextToken": "*"})).await;
    assert_eq!(error.unwrap_err().code(), KvsErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_token_of_a_list_of_streams_is_good_for_its_own_condition_only() {
    let bench = bench();
    for name in ["a1", "a2", "b1", "b2"] {
        bench.create(name, 0).await;
    }
    let list = |prefix: &str, token: Value| {
        let condition = json!({"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": prefix});
        bench.call(
            "/listStreams",
            json!({"MaxResults": 1, "NextToken": token, "StreamNameCondition": condition}),
        )
    };
    let token = list("a", json!(null)).await.unwrap()["NextToken"].clone();
    assert_eq!(list("a", token.clone()).await.unwrap()["StreamInfoList"][0]["StreamName"], "a2");
    assert_eq!(list("b", token.clone()).await.unwrap_err().code(), KvsErrorCode::InvalidArgument);
    let all = bench.call("/listStreams", json!({"NextToken": token})).await;
    assert_eq!(all.unwrap_err().code(), KvsErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_token_of_a_list_of_tags_is_good_for_its_own_stream_only() {
    let bench = bench_with(|options| options.limits.stream_tags = 120);
    let tags: serde_json::Map<_, _> = (0..60).map(|at| (format!("k{at:03}"), json!("v"))).collect();
    for name in ["one", "other"] {
        bench.create(name, 0).await;
        bench.call("/tagStream", json!({"StreamName": name, "Tags": tags})).await.unwrap();
    }
    let page = bench.call("/listTagsForStream", json!({"StreamName": "one"})).await.unwrap();
    let list = |name: &str| {
        bench.call("/listTagsForStream", json!({"StreamName": name, "NextToken": page["NextToken"]}))
    };
    assert_eq!(list("one").await.unwrap()["Tags"].as_object().unwrap().len(), 10);
    assert_eq!(list("other").await.unwrap_err().code(), KvsErrorCode::InvalidArgument);
}

#[tokio::test]
async fn no_channel_stores_its_media_in_a_stream() {
    let bench = bench();
    bench.create("s", 0).await;
    let list = |body| bench.call("/describeMappedResourceConfiguration", body);
    let empty = json!({"MappedResourceConfigurationList": [], "NextToken": null});
    assert_eq!(list(json!({"StreamName": "s"})).await.unwrap(), empty);
    assert_eq!(list(json!({"StreamName": "t"})).await.unwrap_err().status(), 404);
    for bad in [json!({"StreamName": "s", "MaxResults": 2}), json!({"StreamName": "s", "NextToken": "YQ=="})]
    {
        assert_eq!(list(bad).await.unwrap_err().code(), KvsErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn the_resource_of_a_request_is_the_arn_that_the_stream_has() {
    let bench = bench();
    let arn = bench.create("s", 0).await;
    bench.call("/tagStream", json!({"StreamName": "s", "Tags": {"team": "care"}})).await.unwrap();
    let other = "arn:aws:kinesisvideo:us-west-2:999988887777:stream/s/1";
    let any = |name: &str| format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/{name}/*");
    for (path, body, expected) in [
        ("/describeStream", json!({"StreamName": "s"}), vec![arn.clone()]),
        ("/describeStream", json!({"StreamARN": arn}), vec![arn.clone()]),
        ("/describeStream", json!({"StreamName": "t"}), vec![any("t")]),
        ("/describeStream", json!({"StreamARN": other}), vec![other.to_owned()]),
        ("/describeStream", json!({}), vec!["*".to_owned()]),
        ("/describeStream", json!({"StreamName": "a/b", "StreamARN": "arn"}), vec!["*".to_owned()]),
        ("/listStreams", json!({"StreamName": "s"}), vec!["*".to_owned()]),
        // Each stream that is named by a member of the operation counts.
        ("/describeStream", json!({"StreamName": "t", "StreamARN": arn}), vec![any("t"), arn.clone()]),
        ("/createStream", json!({"StreamName": "t", "StreamARN": other}), vec![any("t")]),
        ("/TagResource", json!({"ResourceARN": arn, "StreamName": "t"}), vec![arn.clone()]),
        // Where the request is no input of its operation, by any member.
        (
            "/TagResource",
            json!({"ResourceARN": arn, "StreamName": "t", "Tags": 5}),
            vec![any("t"), arn.clone()],
        ),
        ("/createStream", json!({"StreamName": "s", "DataRetentionInHours": "1"}), vec![arn.clone()]),
    ] {
        let operation = Operation::from_path(path).unwrap();
        let denied = bench.asks(operation, body.to_string().as_bytes()).await;
        assert_eq!(denied.result.unwrap_err().status(), 401, "{path} {body}");
        let arns: Vec<&str> = denied.asks.iter().map(|ask| ask.resource.arn.as_str()).collect();
        assert_eq!(arns, expected, "{path} {body}");
        for ask in denied.asks {
            let team = ask.resource.tags.as_ref().map(|tags| tags["team"].clone());
            assert_eq!(team.as_deref(), (ask.resource.arn == arn).then_some("care"), "{path} {body}");
        }
    }
    // What the operation might read otherwise than authorisation does must not reach it.
    for body in
        [&br#"{"StreamName":"s","StreamName":"t"}"#[..], br#"{"StreamName":["s"]}"#, b"nonsense", b"[]"]
    {
        let unread = bench.asks(Operation::DescribeStream, body).await;
        let error = unread.result.unwrap_err();
        assert_eq!(error.code(), KvsErrorCode::Serialization, "{}", String::from_utf8_lossy(body));
    }
    // A refusal does not tell whether there is such a stream.
    let denied = bench.asks(Operation::DescribeStream, br#"{"StreamName":"s"}"#).await;
    assert_eq!(denied.asks[0].resource.named.as_deref(), Some(any("s").as_str()));
}
