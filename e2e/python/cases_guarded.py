"""What stands before the operations: limits, policies, and streams that are not ready; storage tiers and resource tags."""

from types import SimpleNamespace

import botocore.exceptions
from cases import START_S, aws, case, describe, kvs, new_name, one_call, stored, stream, unchecked
from sdk_check import equal

# More calls than any limit allows in the time that they take.
MANY = 1_000
RANGE = {"StartTimestamp": START_S, "EndTimestamp": START_S + 60}
SELECTOR = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": RANGE}
HLS = "get_hls_streaming_session_url"


def clients(**settings):
    """All the clients of somebody, or of somewhere."""
    services = {"kvs": "kinesisvideo", "media": "kinesis-video-media", "archived": "kinesis-video-archived-media"}
    return SimpleNamespace(**{name: aws(service, config=unchecked, **settings) for name, service in services.items()})


# The server knows this key, and no policy that lets it do anything with streams.
guest = clients(aws_access_key_id="GUEST", aws_secret_access_key="guestsecret")
own = clients()
# The limits of an account are those of a region: what is used up there is not missing here.
elsewhere = clients(region_name="eu-central-1")

# By operation: a call about a stream. Whether it does anything does not matter.
CALLS = {
    "CreateStream": lambda aws, name, arn: aws.kvs.create_stream(StreamName=new_name()),
    "DescribeStream": lambda aws, name, arn: aws.kvs.describe_stream(StreamName=name),
    "ListStreams": lambda aws, name, arn: aws.kvs.list_streams(),
    "UpdateStream": lambda aws, name, arn: aws.kvs.update_stream(
        StreamName=name, CurrentVersion="1", MediaType="audio/L16"
    ),
    "UpdateDataRetention": lambda aws, name, arn: aws.kvs.update_data_retention(
        StreamName=name, CurrentVersion="1", Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=1
    ),
    "DeleteStream": lambda aws, name, arn: aws.kvs.delete_stream(StreamARN=arn, CurrentVersion="1"),
    "DescribeStreamStorageConfiguration": lambda aws, name, arn: aws.kvs.describe_stream_storage_configuration(
        StreamName=name
    ),
    "UpdateStreamStorageConfiguration": lambda aws, name, arn: aws.kvs.update_stream_storage_configuration(
        StreamName=name, CurrentVersion="1", StreamStorageConfiguration={"DefaultStorageTier": "WARM"}
    ),
    "DescribeMappedResourceConfiguration": lambda aws, name, arn: aws.kvs.describe_mapped_resource_configuration(
        StreamName=name
    ),
    "TagStream": lambda aws, name, arn: aws.kvs.tag_stream(StreamName=name, Tags={"a": "b"}),
    "UntagStream": lambda aws, name, arn: aws.kvs.untag_stream(StreamName=name, TagKeyList=["a"]),
    "ListTagsForStream": lambda aws, name, arn: aws.kvs.list_tags_for_stream(StreamName=name),
    "TagResource": lambda aws, name, arn: aws.kvs.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}]),
    "UntagResource": lambda aws, name, arn: aws.kvs.untag_resource(ResourceARN=arn, TagKeyList=["a"]),
    "ListTagsForResource": lambda aws, name, arn: aws.kvs.list_tags_for_resource(ResourceARN=arn),
    "GetDataEndpoint": lambda aws, name, arn: aws.kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA"),
    "GetMedia": lambda aws, name, arn: aws.media.get_media(
        StreamName=name, StartSelector={"StartSelectorType": "NOW"}
    )["Payload"].close(),
    "ListFragments": lambda aws, name, arn: aws.archived.list_fragments(StreamName=name, FragmentSelector=SELECTOR),
    "GetMediaForFragmentList": lambda aws, name, arn: aws.archived.get_media_for_fragment_list(
        StreamName=name, Fragments=["1"]
    )["Payload"].close(),
    "GetHLSStreamingSessionURL": lambda aws, name, arn: aws.archived.get_hls_streaming_session_url(StreamName=name),
    "GetDASHStreamingSessionURL": lambda aws, name, arn: aws.archived.get_dash_streaming_session_url(StreamName=name),
    "GetClip": lambda aws, name, arn: aws.archived.get_clip(StreamName=name, ClipFragmentSelector=SELECTOR),
    "GetImages": lambda aws, name, arn: aws.archived.get_images(
        StreamName=name, ImageSelectorType="PRODUCER_TIMESTAMP", Format="JPEG", **RANGE
    ),
}


def target():
    """A stream with something in it: its name and ARN."""
    name, _ = stored(1)
    return name, describe(name)["StreamARN"]


def flood(call, aws, name, arn):
    """Calls until a limit says no."""
    for _ in range(MANY):
        try:
            call(aws, name, arn)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "ClientLimitExceededException":
                raise


for operation, call in CALLS.items():
    caller = elsewhere if operation == "CreateStream" else own
    one_call(
        operation,
        "more calls a second than the limit",
        lambda call=call, caller=caller: flood(call, caller, *target()),
    )
    one_call(operation, "a key that may not", lambda call=call: call(guest, *target()))


@case("DescribeStream", "a stream that is still being created")
def _():
    name, _ = stream()
    equal(describe(name)["Status"], "CREATING", "status")


for operation in ["UpdateStream", "UpdateDataRetention", "DeleteStream", "UpdateStreamStorageConfiguration"]:
    one_call(
        operation,
        "a stream that is still being created",
        lambda call=CALLS[operation]: call(own, *stream(DataRetentionInHours=24)),
    )


@case("GetMedia", "a fourth connection to one stream")
def _():
    name, _ = target()
    selector = {"StartSelectorType": "NOW"}
    held = [own.media.get_media(StreamName=name, StartSelector=selector)["Payload"] for _ in range(3)]
    try:
        own.media.get_media(StreamName=name, StartSelector=selector)
    finally:
        for payload in held:
            payload.close()


# Storage tiers and the tags of resources.


def tier(name):
    found = kvs.describe_stream_storage_configuration(StreamName=name)
    return found["StreamStorageConfiguration"]["DefaultStorageTier"]


def set_tier(name, tier, **members):
    version = {"CurrentVersion": describe(name)["Version"]} | members
    kvs.update_stream_storage_configuration(
        StreamName=name, StreamStorageConfiguration={"DefaultStorageTier": tier}, **version
    )


@case("DescribeStreamStorageConfiguration", "by name and by ARN")
def _():
    name, arn = stream(StreamStorageConfiguration={"DefaultStorageTier": "WARM"})
    found = kvs.describe_stream_storage_configuration(StreamARN=arn)
    equal((found["StreamName"], found["StreamARN"]), (name, arn), "the stream")
    equal(tier(name), "WARM", "tier")
    equal(tier(stream()[0]), "HOT", "tier by default")


one_call("DescribeStreamStorageConfiguration", "a stream that is not there", lambda: tier("unknown"))
one_call(
    "DescribeStreamStorageConfiguration",
    "neither name nor ARN",
    lambda: kvs.describe_stream_storage_configuration(),
)


@case("UpdateStreamStorageConfiguration", "another tier")
def _():
    name, _ = stream()
    before = describe(name)["Version"]
    set_tier(name, "WARM")
    equal(tier(name), "WARM", "tier")
    assert describe(name)["Version"] != before


@case("UpdateStreamStorageConfiguration", "a version that is stale")
def _():
    name, _ = stream()
    stale = describe(name)["Version"]
    set_tier(name, "WARM")
    set_tier(name, "HOT", CurrentVersion=stale)


one_call("UpdateStreamStorageConfiguration", "a tier that is none", lambda: set_tier(stream()[0], "TEPID"))
one_call(
    "UpdateStreamStorageConfiguration",
    "a stream that is not there",
    lambda: CALLS["UpdateStreamStorageConfiguration"](own, "unknown", None),
)


@case("DescribeMappedResourceConfiguration", "a stream without channels")
def _():
    name, _ = stream()
    equal(
        kvs.describe_mapped_resource_configuration(StreamName=name)["MappedResourceConfigurationList"],
        [],
        "what is mapped",
    )


one_call(
    "DescribeMappedResourceConfiguration",
    "a stream that is not there",
    lambda: kvs.describe_mapped_resource_configuration(StreamName="unknown"),
)
one_call(
    "DescribeMappedResourceConfiguration",
    "neither name nor ARN",
    lambda: kvs.describe_mapped_resource_configuration(),
)


def resource_tags(arn):
    return kvs.list_tags_for_resource(ResourceARN=arn)["Tags"]


@case("TagResource", "a list of tags")
def _():
    _, arn = stream(Tags={"a": "1"})
    kvs.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    equal(resource_tags(arn), {"a": "2", "b": ""}, "tags")


one_call(
    "TagResource",
    "a 51st tag",
    lambda: kvs.tag_resource(
        ResourceARN=stream(Tags={f"key-{index}": "v" for index in range(50)})[1], Tags=[{"Key": "one", "Value": ""}]
    ),
)
one_call(
    "TagResource",
    "a key with a comma",
    lambda: kvs.tag_resource(ResourceARN=stream()[1], Tags=[{"Key": "a,b", "Value": "v"}]),
)


@case("UntagResource", "keys that are there and keys that are not")
def _():
    _, arn = stream(Tags={"a": "1", "b": "2"})
    kvs.untag_resource(ResourceARN=arn, TagKeyList=["a", "never there"])
    equal(resource_tags(arn), {"b": "2"}, "tags")


one_call("UntagResource", "no key", lambda: kvs.untag_resource(ResourceARN=stream()[1], TagKeyList=[]))


@case("ListTagsForResource", "a map of tags")
def _():
    equal(resource_tags(stream(Tags={"a": "1"})[1]), {"a": "1"}, "tags")


one_call("ListTagsForResource", "no ARN", lambda: kvs.list_tags_for_resource())


def gone():
    _, arn = stream()
    kvs.delete_stream(StreamARN=arn)
    return arn


for operation in ["TagResource", "UntagResource", "ListTagsForResource"]:
    one_call(operation, "a stream that is gone", lambda call=CALLS[operation]: call(own, None, gone()))
