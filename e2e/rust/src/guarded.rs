//! What stands before the operations: limits, policies, and streams that are not ready; storage tiers and resource tags.

use crate::aws::Aws;
use crate::cases::{Cases, Outcome};
use crate::refusal::Failure;
use aws_sdk_kinesisvideo::types::{
    ApiName, DefaultStorageTier, Status, StreamStorageConfiguration, Tag, UpdateDataRetentionOperation,
};
use aws_sdk_kinesisvideoarchivedmedia::primitives::DateTime;
use aws_sdk_kinesisvideoarchivedmedia::types as archived;
use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};
use std::collections::HashMap;

/// More calls than any limit allows in the time that they take.
const MANY: usize = 1_000;
/// The server knows this key, and no policy that lets it do anything with streams.
const GUEST: (&str, &str) = ("GUEST", "guestsecret");
/// The limits of an account are those of a region: what is used up there is not missing here.
const ELSEWHERE: &str = "eu-central-1";

pub(crate) fn add(cases: &mut Cases) {
    limits(cases);
    statuses(cases);
    connections(cases);
    storage_tiers(cases);
    mapped_resources(cases);
    resource_tags(cases);
}

/// A stream with something in it.
#[derive(Clone)]
struct Target {
    name: String,
    arn: String,
}

impl Target {
    async fn new(aws: &Aws) -> Result<Self, Failure> {
        let name = aws.stored(1).await?;
        let arn = aws.describe(&name).await?.stream_arn.ok_or_else(|| format!("{name} has no ARN"))?;
        Ok(Self { name, arn })
    }
}

/// Calls until a limit says no.
async fn flood<Called: Future<Output = Outcome>>(call: impl Fn() -> Called) -> Outcome {
    for _ in 0..MANY {
        match call().await {
            Err(Failure::Refused(refusal)) if refusal.code != "ClientLimitExceededException" => {}
            Ok(()) => {}
            limited_or_broken => return limited_or_broken,
        }
    }
    Ok(())
}

fn warm() -> Result<StreamStorageConfiguration, Failure> {
    Ok(StreamStorageConfiguration::builder().default_storage_tier(DefaultStorageTier::Warm).build()?)
}

fn tag(key: &str, value: &str) -> Result<Tag, Failure> {
    Ok(Tag::builder().key(key).value(value).build()?)
}

fn range() -> (DateTime, DateTime) {
    (DateTime::from_secs(1_700_000_000), DateTime::from_secs(1_700_000_060))
}

fn limits(cases: &mut Cases) {
    // By operation: a call about a stream. Whether it does anything does not matter.
    macro_rules! calls {
        ($($operation:literal: |$aws:ident, $target:ident| $request:expr;)*) => {
            $(
                let call = |$aws: Aws, $target: Target| async move {
                    let _ = &$target;
                    $request.send().await?;
                    Ok::<(), Failure>(())
                };
                cases.add($operation, "more calls a second than the limit", move |aws| async move {
                    let target = Target::new(&aws).await?;
                    let caller = if $operation == "CreateStream" { aws.in_region(ELSEWHERE) } else { aws };
                    flood(|| call(caller.clone(), target.clone())).await
                });
                cases.add($operation, "a key that may not", move |aws| async move {
                    let target = Target::new(&aws).await?;
                    call(aws.with_key(GUEST.0, GUEST.1), target).await
                });
            )*
        };
    }
    calls! {
        "CreateStream": |aws, target| aws.kvs.create_stream().stream_name(aws.new_name());
        "DescribeStream": |aws, target| aws.kvs.describe_stream().stream_name(&target.name);
        "ListStreams": |aws, target| aws.kvs.list_streams();
        "UpdateStream": |aws, target| {
            aws.kvs.update_stream().stream_name(&target.name).current_version("1").media_type("audio/L16")
        };
        "UpdateDataRetention": |aws, target| {
            let update = aws.kvs.update_data_retention().stream_name(&target.name).current_version("1");
            update.operation(UpdateDataRetentionOperation::IncreaseDataRetention).data_retention_change_in_hours(1)
        };
        "DeleteStream": |aws, target| aws.kvs.delete_stream().stream_arn(&target.arn).current_version("1");
        "DescribeStreamStorageConfiguration": |aws, target| {
            aws.kvs.describe_stream_storage_configuration().stream_name(&target.name)
        };
        "UpdateStreamStorageConfiguration": |aws, target| {
            let update = aws.kvs.update_stream_storage_configuration().stream_name(&target.name);
            update.current_version("1").stream_storage_configuration(warm()?)
        };
        "DescribeMappedResourceConfiguration": |aws, target| {
            aws.kvs.describe_mapped_resource_configuration().stream_name(&target.name)
        };
        "TagStream": |aws, target| aws.kvs.tag_stream().stream_name(&target.name).tags("a", "b");
        "UntagStream": |aws, target| aws.kvs.untag_stream().stream_name(&target.name).tag_key_list("a");
        "ListTagsForStream": |aws, target| aws.kvs.list_tags_for_stream().stream_name(&target.name);
        "TagResource": |aws, target| aws.kvs.tag_resource().resource_arn(&target.arn).tags(tag("a", "b")?);
        "UntagResource": |aws, target| aws.kvs.untag_resource().resource_arn(&target.arn).tag_key_list("a");
        "ListTagsForResource": |aws, target| aws.kvs.list_tags_for_resource().resource_arn(&target.arn);
        "GetDataEndpoint": |aws, target| {
            aws.kvs.get_data_endpoint().stream_name(&target.name).api_name(ApiName::GetMedia)
        };
        "GetMedia": |aws, target| {
            let now = StartSelector::builder().start_selector_type(StartSelectorType::Now).build()?;
            aws.media.get_media().stream_name(&target.name).start_selector(now)
        };
        "ListFragments": |aws, target| {
            let (start, end) = range();
            let range = archived::TimestampRange::builder().start_timestamp(start).end_timestamp(end).build()?;
            let selector = archived::FragmentSelector::builder().timestamp_range(range);
            let selector = selector.fragment_selector_type(archived::FragmentSelectorType::ProducerTimestamp);
            aws.archived.list_fragments().stream_name(&target.name).fragment_selector(selector.build()?)
        };
        "GetMediaForFragmentList": |aws, target| {
            aws.archived.get_media_for_fragment_list().stream_name(&target.name).fragments("1")
        };
        "GetHLSStreamingSessionURL": |aws, target| {
            aws.archived.get_hls_streaming_session_url().stream_name(&target.name)
        };
        "GetDASHStreamingSessionURL": |aws, target| {
            aws.archived.get_dash_streaming_session_url().stream_name(&target.name)
        };
        "GetClip": |aws, target| {
            let (start, end) = range();
            let range = archived::ClipTimestampRange::builder().start_timestamp(start).end_timestamp(end).build()?;
            let selector = archived::ClipFragmentSelector::builder().timestamp_range(range);
            let selector = selector.fragment_selector_type(archived::ClipFragmentSelectorType::ProducerTimestamp);
            aws.archived.get_clip().stream_name(&target.name).clip_fragment_selector(selector.build()?)
        };
        "GetImages": |aws, target| {
            let (start, end) = range();
            let images = aws.archived.get_images().stream_name(&target.name).start_timestamp(start).end_timestamp(end);
            images.image_selector_type(archived::ImageSelectorType::ProducerTimestamp).format(archived::Format::Jpeg)
        };
    }
}

fn statuses(cases: &mut Cases) {
    const CASE: &str = "a stream that is still being created";
    cases.add("DescribeStream", CASE, |aws| async move {
        let (name, _) = aws.plain().await?;
        assert_eq!(aws.describe(&name).await?.status, Some(Status::Creating));
        Ok(())
    });
    cases.add("UpdateStream", CASE, |aws| async move {
        let (name, _) = aws.plain().await?;
        aws.kvs.update_stream().stream_name(name).current_version("1").media_type("audio/L16").send().await?;
        Ok(())
    });
    cases.add("UpdateDataRetention", CASE, |aws| async move {
        let (name, _) = aws.stream(|request| request.data_retention_in_hours(24)).await?;
        let update = aws.kvs.update_data_retention().stream_name(name).current_version("1");
        let longer = UpdateDataRetentionOperation::IncreaseDataRetention;
        update.operation(longer).data_retention_change_in_hours(1).send().await?;
        Ok(())
    });
    cases.add("DeleteStream", CASE, |aws| async move {
        let (_, arn) = aws.plain().await?;
        aws.kvs.delete_stream().stream_arn(arn).send().await?;
        Ok(())
    });
    cases.add("UpdateStreamStorageConfiguration", CASE, |aws| async move {
        let (name, _) = aws.plain().await?;
        set_tier(&aws, &name, "1", DefaultStorageTier::Warm).await
    });
}

fn connections(cases: &mut Cases) {
    cases.add("GetMedia", "a fourth connection to one stream", |aws| async move {
        let target = Target::new(&aws).await?;
        let now = StartSelector::builder().start_selector_type(StartSelectorType::Now).build()?;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(
                aws.media.get_media().stream_name(&target.name).start_selector(now.clone()).send().await?,
            );
        }
        Ok(())
    });
}

async fn tier(aws: &Aws, name: &str) -> Result<Option<DefaultStorageTier>, Failure> {
    let found = aws.kvs.describe_stream_storage_configuration().stream_name(name).send().await?;
    Ok(found.stream_storage_configuration.map(|configuration| configuration.default_storage_tier))
}

async fn set_tier(aws: &Aws, name: &str, version: &str, tier: DefaultStorageTier) -> Outcome {
    let configuration = StreamStorageConfiguration::builder().default_storage_tier(tier).build()?;
    let update = aws.kvs.update_stream_storage_configuration().stream_name(name).current_version(version);
    update.stream_storage_configuration(configuration).send().await?;
    Ok(())
}

fn storage_tiers(cases: &mut Cases) {
    cases.add("DescribeStreamStorageConfiguration", "by name and by ARN", |aws| async move {
        let configuration = warm()?;
        let (name, arn) = aws.stream(|request| request.stream_storage_configuration(configuration)).await?;
        let found = aws.kvs.describe_stream_storage_configuration().stream_arn(&arn).send().await?;
        assert_eq!((found.stream_name(), found.stream_arn()), (Some(name.as_str()), Some(arn.as_str())));
        assert_eq!(tier(&aws, &name).await?, Some(DefaultStorageTier::Warm));
        assert_eq!(tier(&aws, &aws.plain().await?.0).await?, Some(DefaultStorageTier::Hot));
        Ok(())
    });
    cases.add("DescribeStreamStorageConfiguration", "a stream that is not there", |aws| async move {
        tier(&aws, "unknown").await?;
        Ok(())
    });
    cases.add("DescribeStreamStorageConfiguration", "neither name nor ARN", |aws| async move {
        aws.kvs.describe_stream_storage_configuration().send().await?;
        Ok(())
    });
    cases.add("UpdateStreamStorageConfiguration", "another tier", |aws| async move {
        let (name, _) = aws.plain().await?;
        let before = aws.version(&name).await?;
        set_tier(&aws, &name, &before, DefaultStorageTier::Warm).await?;
        assert_eq!(tier(&aws, &name).await?, Some(DefaultStorageTier::Warm));
        assert_ne!(aws.version(&name).await?, before);
        Ok(())
    });
    cases.add("UpdateStreamStorageConfiguration", "a version that is stale", |aws| async move {
        let (name, _) = aws.plain().await?;
        let stale = aws.version(&name).await?;
        set_tier(&aws, &name, &stale, DefaultStorageTier::Warm).await?;
        set_tier(&aws, &name, &stale, DefaultStorageTier::Hot).await
    });
    cases.add("UpdateStreamStorageConfiguration", "a tier that is none", |aws| async move {
        let (name, _) = aws.plain().await?;
        let version = aws.version(&name).await?;
        set_tier(&aws, &name, &version, DefaultStorageTier::from("TEPID")).await
    });
    cases.add("UpdateStreamStorageConfiguration", "a stream that is not there", |aws| async move {
        set_tier(&aws, "unknown", "1", DefaultStorageTier::Warm).await
    });
}

fn mapped_resources(cases: &mut Cases) {
    cases.add("DescribeMappedResourceConfiguration", "a stream without channels", |aws| async move {
        let (name, _) = aws.plain().await?;
        let found = aws.kvs.describe_mapped_resource_configuration().stream_name(name).send().await?;
        assert!(found.mapped_resource_configuration_list().is_empty(), "{found:?}");
        Ok(())
    });
    cases.add("DescribeMappedResourceConfiguration", "a stream that is not there", |aws| async move {
        aws.kvs.describe_mapped_resource_configuration().stream_name("unknown").send().await?;
        Ok(())
    });
    cases.add("DescribeMappedResourceConfiguration", "neither name nor ARN", |aws| async move {
        aws.kvs.describe_mapped_resource_configuration().send().await?;
        Ok(())
    });
}

/// The tags of a stream by its ARN, compared.
async fn assert_tags(aws: &Aws, arn: &str, expected: &[(&str, &str)]) -> Outcome {
    let found = aws.kvs.list_tags_for_resource().resource_arn(arn).send().await?.tags.unwrap_or_default();
    let expected: HashMap<_, _> =
        expected.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    assert_eq!(found, expected);
    Ok(())
}

async fn gone(aws: &Aws) -> Result<String, Failure> {
    let (_, arn) = aws.plain().await?;
    aws.kvs.delete_stream().stream_arn(&arn).send().await?;
    Ok(arn)
}

fn resource_tags(cases: &mut Cases) {
    cases.add("TagResource", "a list of tags", |aws| async move {
        let (_, arn) = aws.stream(|request| request.tags("a", "1")).await?;
        aws.kvs.tag_resource().resource_arn(&arn).tags(tag("a", "2")?).tags(tag("b", "")?).send().await?;
        assert_tags(&aws, &arn, &[("a", "2"), ("b", "")]).await
    });
    cases.add("TagResource", "a 51st tag", |aws| async move {
        let fifty = (0..50).map(|index| (format!("key-{index}"), "v".to_owned())).collect();
        let (_, arn) = aws.stream(|request| request.set_tags(Some(fifty))).await?;
        aws.kvs.tag_resource().resource_arn(arn).tags(tag("one", "")?).send().await?;
        Ok(())
    });
    cases.add("TagResource", "a key with a comma", |aws| async move {
        let (_, arn) = aws.plain().await?;
        aws.kvs.tag_resource().resource_arn(arn).tags(tag("a,b", "v")?).send().await?;
        Ok(())
    });
    cases.add("TagResource", "a stream that is gone", |aws| async move {
        aws.kvs.tag_resource().resource_arn(gone(&aws).await?).tags(tag("a", "b")?).send().await?;
        Ok(())
    });
    cases.add("UntagResource", "keys that are there and keys that are not", |aws| async move {
        let (_, arn) = aws.stream(|request| request.tags("a", "1").tags("b", "2")).await?;
        let untag = aws.kvs.untag_resource().resource_arn(&arn);
        untag.tag_key_list("a").tag_key_list("never there").send().await?;
        assert_tags(&aws, &arn, &[("b", "2")]).await
    });
    cases.add("UntagResource", "no key", |aws| async move {
        let (_, arn) = aws.plain().await?;
        aws.kvs.untag_resource().resource_arn(arn).set_tag_key_list(Some(Vec::new())).send().await?;
        Ok(())
    });
    cases.add("UntagResource", "a stream that is gone", |aws| async move {
        aws.kvs.untag_resource().resource_arn(gone(&aws).await?).tag_key_list("a").send().await?;
        Ok(())
    });
    cases.add("ListTagsForResource", "a map of tags", |aws| async move {
        let (_, arn) = aws.stream(|request| request.tags("a", "1")).await?;
        assert_tags(&aws, &arn, &[("a", "1")]).await
    });
    cases.add("ListTagsForResource", "no ARN", |aws| async move {
        aws.kvs.list_tags_for_resource().send().await?;
        Ok(())
    });
    cases.add("ListTagsForResource", "a stream that is gone", |aws| async move {
        aws.kvs.list_tags_for_resource().resource_arn(gone(&aws).await?).send().await?;
        Ok(())
    });
}
