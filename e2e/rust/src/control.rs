//! The control plane: cases of streams, tags and endpoints.

use crate::aws::{Aws, unix_ms};
use crate::cases::{Cases, Outcome};
use crate::refusal::Failure;
use aws_sdk_kinesisvideo::operation::create_stream::builders::CreateStreamFluentBuilder;
use aws_sdk_kinesisvideo::types::{
    ApiName, ComparisonOperator, Status, StreamNameCondition, UpdateDataRetentionOperation,
};
use std::collections::{HashMap, HashSet};

const UNKNOWN_ARN: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/unknown/1598784211076";
const OTHER_SERVICE_ARN: &str = "arn:aws:s3:us-west-2:111122223333:stream/unknown/1598784211076";

pub(crate) fn add(cases: &mut Cases) {
    create_stream(cases);
    describe_and_list_streams(cases);
    update_stream(cases);
    update_data_retention(cases);
    delete_stream(cases);
    tags(cases);
    get_data_endpoint(cases);
    signatures(cases);
    not_offered(cases);
}

fn fifty_tags() -> HashMap<String, String> {
    (0..50).map(|index| (format!("key-{index}"), "v".to_owned())).collect()
}

fn create_stream(cases: &mut Cases) {
    cases.add("CreateStream", "a name and nothing else", |aws| async move {
        let (name, arn) = aws.plain().await?;
        let suffix = arn.strip_prefix(&format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/{name}/"));
        let suffix = suffix.unwrap_or_else(|| panic!("{arn} does not name its stream"));
        assert!(suffix.len() == 13 && suffix.parse::<u64>().is_ok(), "{arn} has no time of creation");
        let info = aws.describe(&name).await?;
        assert_eq!((info.data_retention_in_hours, info.status), (Some(0), Some(Status::Active)));
        Ok(())
    });
    cases.add("CreateStream", "every setting", |aws| async move {
        let settings = |request: CreateStreamFluentBuilder| {
            let request = request.device_name("device.1").media_type("audio/L16").data_retention_in_hours(24);
            request.kms_key_id("alias/aws/kinesisvideo").tags("team", "voice")
        };
        let (name, _) = aws.stream(settings).await?;
        let info = aws.describe(&name).await?;
        assert_eq!((info.device_name(), info.media_type()), (Some("device.1"), Some("audio/L16")));
        assert_eq!(info.data_retention_in_hours(), Some(24));
        assert!(info.kms_key_id().is_some_and(|key| key.ends_with("aws/kinesisvideo")), "{info:?}");
        assert_eq!(tags_of(&aws, &name).await?, HashMap::from([("team".to_owned(), "voice".to_owned())]));
        Ok(())
    });
    cases.add("CreateStream", "a name of 256 characters", |aws| async move {
        let name = format!("{:x<256}", aws.new_name());
        aws.kvs.create_stream().stream_name(&name).send().await?;
        assert_eq!(aws.describe(&name).await?.stream_name(), Some(name.as_str()));
        Ok(())
    });
    cases.add("CreateStream", "a name with a space", |aws| async move {
        aws.kvs.create_stream().stream_name("a b").send().await?;
        Ok(())
    });
    type With = fn(CreateStreamFluentBuilder) -> CreateStreamFluentBuilder;
    let refused: [(&str, With); 4] = [
        ("a media type with a parameter", |request| request.media_type("audio/L16;rate=8000")),
        ("a retention of more than ten years", |request| request.data_retention_in_hours(87_601)),
        ("a key that is not there", |request| request.kms_key_id("alias/nobody")),
        ("51 tags", |request| request.set_tags(Some(fifty_tags())).tags("one", "more")),
    ];
    for (case, with) in refused {
        cases.add("CreateStream", case, move |aws| async move {
            aws.stream(with).await?;
            Ok(())
        });
    }
    cases.add("CreateStream", "a name that is taken", |aws| async move {
        let (name, _) = aws.plain().await?;
        aws.kvs.create_stream().stream_name(name).send().await?;
        Ok(())
    });
    cases.add("CreateStream", "a stream beyond the quota", |aws| async move {
        if aws.kvs.list_streams().send().await?.stream_info_list().is_empty() {
            aws.plain().await?;
        }
        aws.plain().await?;
        Ok(())
    });
}

fn describe_and_list_streams(cases: &mut Cases) {
    cases.add("DescribeStream", "by name and by ARN", |aws| async move {
        let (name, arn) = aws.stream(|request| request.media_type("audio/L16")).await?;
        let info = aws.describe(&name).await?;
        let by_arn = aws.kvs.describe_stream().stream_arn(&arn).send().await?;
        assert_eq!(by_arn.stream_info(), Some(&info));
        let created_ms = info.creation_time().map(unix_ms);
        assert_eq!(created_ms.map(|ms| ms.to_string()).as_deref(), arn.rsplit('/').next());
        let version = info.version().unwrap_or_default();
        assert!(
            (1..=64).contains(&version.len()) && version.chars().all(|c| c.is_ascii_alphanumeric()),
            "{version}"
        );
        Ok(())
    });
    cases.add("DescribeStream", "a name that is not there", |aws| async move {
        aws.describe("unknown").await?;
        Ok(())
    });
    for (case, arn) in
        [("an ARN that is not there", UNKNOWN_ARN), ("an ARN of another service", OTHER_SERVICE_ARN)]
    {
        cases.add("DescribeStream", case, move |aws| async move {
            aws.kvs.describe_stream().stream_arn(arn).send().await?;
            Ok(())
        });
    }
    cases.add("DescribeStream", "neither name nor ARN", |aws| async move {
        aws.kvs.describe_stream().send().await?;
        Ok(())
    });
    cases.add("DescribeStream", "a name beside the ARN of another stream", |aws| async move {
        let ((name, _), (_, arn)) = (aws.plain().await?, aws.plain().await?);
        aws.kvs.describe_stream().stream_name(name).stream_arn(arn).send().await?;
        Ok(())
    });

    cases.add("ListStreams", "everything, one to a page", |aws| async move {
        let mut names = HashSet::new();
        let made = [aws.plain().await?.0, aws.plain().await?.0, aws.plain().await?.0];
        let mut pages = aws.kvs.list_streams().into_paginator().page_size(1).send();
        while let Some(page) = pages.next().await {
            let page = page?.stream_info_list.unwrap_or_default();
            assert_eq!(page.len(), 1, "{page:?}");
            let name = page[0].stream_name().unwrap_or_default();
            assert!(names.insert(name.to_owned()), "{name} is listed twice");
        }
        assert!(made.iter().all(|name| names.contains(name)), "{made:?} are not all among {names:?}");
        Ok(())
    });
    cases.add("ListStreams", "by the beginning of the name", |aws| async move {
        let prefix = format!("{}-listed-", aws.new_name());
        for letter in ["b", "a"] {
            aws.kvs.create_stream().stream_name(format!("{prefix}{letter}")).send().await?;
        }
        let begins = StreamNameCondition::builder().comparison_operator(ComparisonOperator::BeginsWith);
        let begins = begins.comparison_value(&prefix).build();
        let found = aws.kvs.list_streams().stream_name_condition(begins).send().await?;
        let names: Vec<_> = found.stream_info_list().iter().filter_map(|info| info.stream_name()).collect();
        assert_eq!(names, [format!("{prefix}a"), format!("{prefix}b")]);
        Ok(())
    });
    cases.add("ListStreams", "pages of no stream", |aws| async move {
        aws.kvs.list_streams().max_results(0).send().await?;
        Ok(())
    });
    cases.add("ListStreams", "a token that is none", |aws| async move {
        aws.kvs.list_streams().next_token("bm9uc2Vuc2U/").send().await?;
        Ok(())
    });
}

/// Sets the media type, under the version that is current.
async fn set_media_type(aws: &Aws, name: &str, media_type: &str) -> Outcome {
    let version = aws.version(name).await?;
    aws.kvs.update_stream().stream_name(name).current_version(version).media_type(media_type).send().await?;
    Ok(())
}

fn update_stream(cases: &mut Cases) {
    cases.add("UpdateStream", "media type and device", |aws| async move {
        let (name, _) = aws.plain().await?;
        let before = aws.version(&name).await?;
        let update = aws.kvs.update_stream().stream_name(&name).current_version(&before);
        update.media_type("audio/L16").device_name("d").send().await?;
        let after = aws.describe(&name).await?;
        assert_eq!((after.media_type(), after.device_name()), (Some("audio/L16"), Some("d")));
        assert_ne!(after.version(), Some(before.as_str()));
        Ok(())
    });
    cases.add("UpdateStream", "a media type with a parameter", |aws| async move {
        let (name, _) = aws.plain().await?;
        set_media_type(&aws, &name, "audio/L16;rate=8000").await
    });
    cases.add("UpdateStream", "a version that is stale", |aws| async move {
        let (name, _) = aws.plain().await?;
        let stale = aws.version(&name).await?;
        set_media_type(&aws, &name, "audio/L16").await?;
        let update = aws.kvs.update_stream().stream_name(&name).current_version(stale);
        update.media_type("audio/aac").send().await?;
        Ok(())
    });
    cases.add("UpdateStream", "a stream that is not there", |aws| async move {
        aws.kvs
            .update_stream()
            .stream_name("unknown")
            .current_version("1")
            .media_type("audio/L16")
            .send()
            .await?;
        Ok(())
    });
}

fn update_data_retention(cases: &mut Cases) {
    use UpdateDataRetentionOperation::{DecreaseDataRetention as Shorter, IncreaseDataRetention as Longer};

    async fn change(
        aws: &Aws,
        name: &str,
        version: &str,
        operation: &UpdateDataRetentionOperation,
        hours: i32,
    ) -> Result<Option<i32>, Failure> {
        let update = aws.kvs.update_data_retention().stream_name(name).current_version(version);
        update.operation(operation.clone()).data_retention_change_in_hours(hours).send().await?;
        Ok(aws.describe(name).await?.data_retention_in_hours)
    }

    let done: [(&str, UpdateDataRetentionOperation, &[i32], i32); 2] =
        [("longer", Longer, &[24], 48), ("shorter, down to nothing", Shorter, &[23, 1], 0)];
    for (case, operation, changes, expected) in done {
        cases.add("UpdateDataRetention", case, move |aws| {
            let operation = operation.clone();
            async move {
                let (name, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
                let mut hours = None;
                for by in changes {
                    let version = aws.version(&name).await?;
                    hours = change(&aws, &name, &version, &operation, *by).await?;
                }
                assert_eq!(hours, Some(expected));
                Ok(())
            }
        });
    }
    for (case, operation, hours) in
        [("less than nothing", Shorter, 25), ("more than ten years", Longer, 87_600)]
    {
        cases.add("UpdateDataRetention", case, move |aws| {
            let operation = operation.clone();
            async move {
                let (name, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
                change(&aws, &name, &aws.version(&name).await?, &operation, hours).await?;
                Ok(())
            }
        });
    }
    cases.add("UpdateDataRetention", "a version that is stale", |aws| async move {
        let (name, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
        let stale = aws.version(&name).await?;
        change(&aws, &name, &stale, &Longer, 1).await?;
        change(&aws, &name, &stale, &Longer, 1).await?;
        Ok(())
    });
    cases.add("UpdateDataRetention", "a stream that is not there", |aws| async move {
        change(&aws, "unknown", "1", &Longer, 1).await?;
        Ok(())
    });
}

async fn assert_gone(aws: &Aws, name: &str) {
    let error =
        aws.kvs.describe_stream().stream_name(name).send().await.expect_err("the stream is still there");
    let error = error.as_service_error().expect("an error of the service");
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

fn delete_stream(cases: &mut Cases) {
    cases.add("DeleteStream", "with its version", |aws| async move {
        let (name, arn) = aws.plain().await?;
        let version = aws.version(&name).await?;
        aws.kvs.delete_stream().stream_arn(arn).current_version(version).send().await?;
        assert_gone(&aws, &name).await;
        Ok(())
    });
    cases.add("DeleteStream", "without a version, and its name is free again", |aws| async move {
        let (name, arn) = aws.plain().await?;
        aws.kvs.delete_stream().stream_arn(&arn).send().await?;
        assert_gone(&aws, &name).await;
        let again = aws.kvs.create_stream().stream_name(&name).send().await?;
        assert_ne!(again.stream_arn(), Some(arn.as_str()));
        Ok(())
    });
    cases.add("DeleteStream", "a version that is stale", |aws| async move {
        let (name, arn) = aws.plain().await?;
        let stale = aws.version(&name).await?;
        set_media_type(&aws, &name, "audio/L16").await?;
        aws.kvs.delete_stream().stream_arn(arn).current_version(stale).send().await?;
        Ok(())
    });
    cases.add("DeleteStream", "a stream that is gone", |aws| async move {
        let (_, arn) = aws.plain().await?;
        aws.kvs.delete_stream().stream_arn(&arn).send().await?;
        aws.kvs.delete_stream().stream_arn(&arn).send().await?;
        Ok(())
    });
    cases.add("DeleteStream", "an ARN of another service", |aws| async move {
        aws.kvs.delete_stream().stream_arn(OTHER_SERVICE_ARN).send().await?;
        Ok(())
    });
}

async fn tags_of(aws: &Aws, name: &str) -> Result<HashMap<String, String>, Failure> {
    Ok(aws.kvs.list_tags_for_stream().stream_name(name).send().await?.tags.unwrap_or_default())
}

fn tags(cases: &mut Cases) {
    cases.add("TagStream", "by name and by ARN", |aws| async move {
        let (name, arn) = aws.plain().await?;
        aws.kvs.tag_stream().stream_name(&name).tags("a", "1").tags("Größe @ x+y=z/1", "").send().await?;
        aws.kvs.tag_stream().stream_arn(arn).tags("a", "2").send().await?;
        let expected = [("a", "2"), ("Größe @ x+y=z/1", "")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(tags_of(&aws, &name).await?, HashMap::from(expected));
        Ok(())
    });
    cases.add("TagStream", "a key with a comma", |aws| async move {
        let (name, _) = aws.plain().await?;
        aws.kvs.tag_stream().stream_name(name).tags("a,b", "v").send().await?;
        Ok(())
    });
    cases.add("TagStream", "a 51st tag", |aws| async move {
        let (name, _) = aws.stream(|request| request.set_tags(Some(fifty_tags()))).await?;
        aws.kvs.tag_stream().stream_name(name).tags("one", "more").send().await?;
        Ok(())
    });
    cases.add("TagStream", "a stream that is not there", |aws| async move {
        aws.kvs.tag_stream().stream_name("unknown").tags("a", "b").send().await?;
        Ok(())
    });

    cases.add("UntagStream", "keys that are there and keys that are not", |aws| async move {
        let (name, _) = aws.stream(|request| request.tags("a", "1").tags("b", "2")).await?;
        let untag = aws.kvs.untag_stream().stream_name(&name);
        untag.tag_key_list("a").tag_key_list("never there").send().await?;
        assert_eq!(tags_of(&aws, &name).await?, HashMap::from([("b".to_owned(), "2".to_owned())]));
        Ok(())
    });
    cases.add("UntagStream", "no key", |aws| async move {
        let (name, _) = aws.plain().await?;
        aws.kvs.untag_stream().stream_name(name).set_tag_key_list(Some(Vec::new())).send().await?;
        Ok(())
    });
    cases.add("UntagStream", "a stream that is not there", |aws| async move {
        aws.kvs.untag_stream().stream_name("unknown").tag_key_list("a").send().await?;
        Ok(())
    });

    cases.add("ListTagsForStream", "all of them", |aws| async move {
        let (name, arn) = aws.stream(|request| request.set_tags(Some(fifty_tags()))).await?;
        assert_eq!(tags_of(&aws, &name).await?, fifty_tags());
        let by_arn = aws.kvs.list_tags_for_stream().stream_arn(arn).send().await?;
        assert_eq!(by_arn.tags, Some(fifty_tags()));
        Ok(())
    });
    cases.add("ListTagsForStream", "neither name nor ARN", |aws| async move {
        aws.kvs.list_tags_for_stream().send().await?;
        Ok(())
    });
    cases.add("ListTagsForStream", "a stream that is not there", |aws| async move {
        tags_of(&aws, "unknown").await?;
        Ok(())
    });
}

fn get_data_endpoint(cases: &mut Cases) {
    cases.add("GetDataEndpoint", "each of the eight APIs", |aws| async move {
        let (name, arn) = aws.plain().await?;
        let apis = ApiName::values();
        assert_eq!(apis.len(), 8, "{apis:?}");
        for api in apis {
            let request = || aws.kvs.get_data_endpoint().api_name(ApiName::from(*api));
            for request in [request().stream_name(&name), request().stream_arn(&arn)] {
                assert_eq!(request.send().await?.data_endpoint(), Some(aws.endpoint.as_str()), "{api}");
            }
        }
        Ok(())
    });
    cases.add("GetDataEndpoint", "an API that is none", |aws| async move {
        let (name, _) = aws.plain().await?;
        aws.kvs.get_data_endpoint().stream_name(name).api_name(ApiName::from("GET_COFFEE")).send().await?;
        Ok(())
    });
    cases.add("GetDataEndpoint", "a stream that is not there", |aws| async move {
        aws.kvs.get_data_endpoint().stream_name("unknown").api_name(ApiName::PutMedia).send().await?;
        Ok(())
    });
}

fn signatures(cases: &mut Cases) {
    for (case, key) in [("a secret that is wrong", "TYMPANDEV"), ("a key that is not there", "NOBODY")] {
        cases.add("Signatures", case, move |aws| async move {
            aws.with_key(key, "wrong").kvs.list_streams().send().await?;
            Ok(())
        });
    }
}

/// A call about a stream, as far as it can name one, and nothing else: what is not offered answers the same to more.
fn not_offered(cases: &mut Cases) {
    macro_rules! requests {
        ($($operation:literal $method:ident $($stream:ident)?;)*) => {
            $(
                cases.add($operation, "a request", |aws| async move {
                    let request = aws.kvs.$method();
                    $(
                        let ($stream, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
                        let request = request.$stream($stream);
                    )?
                    request.send().await?;
                    Ok(())
                });
            )*
        };
    }
    requests! {
        "CreateSignalingChannel" create_signaling_channel;
        "DeleteEdgeConfiguration" delete_edge_configuration stream_name;
        "DeleteSignalingChannel" delete_signaling_channel;
        "DescribeEdgeConfiguration" describe_edge_configuration stream_name;
        "DescribeImageGenerationConfiguration" describe_image_generation_configuration stream_name;
        "DescribeMediaStorageConfiguration" describe_media_storage_configuration;
        "DescribeNotificationConfiguration" describe_notification_configuration stream_name;
        "DescribeSignalingChannel" describe_signaling_channel;
        "GetSignalingChannelEndpoint" get_signaling_channel_endpoint;
        "ListEdgeAgentConfigurations" list_edge_agent_configurations;
        "ListSignalingChannels" list_signaling_channels;
        "StartEdgeConfigurationUpdate" start_edge_configuration_update stream_name;
        "UpdateImageGenerationConfiguration" update_image_generation_configuration stream_name;
        "UpdateMediaStorageConfiguration" update_media_storage_configuration;
        "UpdateNotificationConfiguration" update_notification_configuration stream_name;
        "UpdateSignalingChannel" update_signaling_channel;
    }
}
