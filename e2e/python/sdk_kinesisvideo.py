"""The control plane of Kinesis Video Streams through boto3."""

import datetime
import re

import botocore.config
from sdk_check import aws, check, endpoint, equal, main, post, refused, typed

API_NAMES = [
    "PUT_MEDIA",
    "GET_MEDIA",
    "LIST_FRAGMENTS",
    "GET_MEDIA_FOR_FRAGMENT_LIST",
    "GET_HLS_STREAMING_SESSION_URL",
    "GET_DASH_STREAMING_SESSION_URL",
    "GET_CLIP",
    "GET_IMAGES",
]
HUB_ARN = "arn:aws:iot:us-west-2:111122223333:thing/hub"
UNKNOWN_ARN = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/unknown/1598784211076"

kvs = aws("kinesisvideo")


def create(name, **members):
    return kvs.create_stream(StreamName=name, **members)["StreamARN"]


def describe(**members):
    return kvs.describe_stream(**members)["StreamInfo"]


def unchecked(service="kinesisvideo"):
    """A client that sends what the model forbids, so that the server has to refuse it."""
    return aws(service, config=botocore.config.Config(parameter_validation=False))


@check
def a_stream_is_created_and_described_by_name_and_by_arn():
    before = datetime.datetime.now(datetime.UTC)
    arn = create(
        "described", DataRetentionInHours=24, MediaType="audio/L16", DeviceName="device.1", Tags={"team": "voice"}
    )
    assert re.fullmatch(r"arn:aws:kinesisvideo:us-west-2:111122223333:stream/described/[0-9]{13}", arn), arn
    stream = describe(StreamName="described")
    equal(describe(StreamARN=arn), stream, "the description by ARN")
    created = stream.pop("CreationTime")
    assert isinstance(created, datetime.datetime), created
    assert abs(created - before) < datetime.timedelta(minutes=1), (created, before)
    equal(round(created.timestamp() * 1000), int(arn.rsplit("/")[-1]), "the creation time within the ARN")
    assert re.fullmatch("[a-zA-Z0-9]{1,64}", stream.pop("Version"))
    assert stream.pop("KmsKeyId").endswith("aws/kinesisvideo")
    expected = {"DeviceName": "device.1", "StreamName": "described", "StreamARN": arn, "MediaType": "audio/L16"}
    equal(stream, expected | {"Status": "ACTIVE", "DataRetentionInHours": 24}, "the description")


@check
def a_stream_without_settings_has_no_retention_and_the_default_key():
    create("plain")
    stream = describe(StreamName="plain")
    equal(stream["DataRetentionInHours"], 0, "retention")
    equal(stream["Status"], "ACTIVE", "status")
    assert "MediaType" not in stream and "DeviceName" not in stream, stream


@check
def a_name_is_taken_once():
    create("taken")
    with typed(kvs, "ResourceInUseException"):
        create("taken")


@check
def names_have_1_to_256_characters_of_their_alphabet():
    longest = "x" * 256
    assert f"/{longest}/" in create(longest)
    equal(describe(StreamName=longest)["StreamName"], longest)
    create("All_kinds.of-Name_0")
    client = unchecked()
    for bad in ["", "x" * 257, "a b", "a/b", "a:b", "gr\u00fc\u00df"]:
        with typed(client, "InvalidArgumentException"):
            client.create_stream(StreamName=bad)
    with typed(client, "InvalidArgumentException"):
        client.create_stream(DataRetentionInHours=1)


@check
def media_types_have_no_parameters():
    create("media-types", MediaType="video/h264,audio/aac")
    for bad in ["audio/L16;rate=8000", "audio", "a/b,"]:
        with typed(kvs, "InvalidArgumentException"):
            create("bad-media-type", MediaType=bad)


@check
def retention_is_0_to_87600_hours():
    create("ten-years", DataRetentionInHours=87_600)
    client = unchecked()
    for bad in [-1, 87_601]:
        with typed(client, "InvalidArgumentException"):
            client.create_stream(StreamName="bad-retention", DataRetentionInHours=bad)


@check
def a_stream_may_have_50_tags_and_no_more():
    fifty = {f"key-{index}": "v" for index in range(50)}
    create("fifty", Tags=fifty)
    equal(kvs.list_tags_for_stream(StreamName="fifty")["Tags"], fifty, "tags")
    with typed(kvs, "TagsPerResourceExceededLimitException"):
        kvs.tag_stream(StreamName="fifty", Tags={"one": "more"})
    kvs.tag_stream(StreamName="fifty", Tags={"key-0": "changed"})
    equal(kvs.list_tags_for_stream(StreamName="fifty")["Tags"], fifty | {"key-0": "changed"}, "tags")
    client = unchecked()
    # The model of CreateStream names the quota's exception; AWS counts before it looks at the map's own bound.
    with typed(client, "TagsPerResourceExceededLimitException"):
        client.create_stream(StreamName="fifty-one", Tags=fifty | {"one": "more"})


@check
def tags_are_set_listed_and_removed_by_name_and_by_arn():
    arn = create("tagged")
    equal(kvs.list_tags_for_stream(StreamName="tagged")["Tags"], {}, "tags of a new stream")
    kvs.tag_stream(StreamName="tagged", Tags={"a": "1", "Gr\u00f6\u00dfe @ x+y=z/1": ""})
    kvs.tag_stream(StreamARN=arn, Tags={"b": "2"})
    kvs.untag_stream(StreamARN=arn, TagKeyList=["a", "never there"])
    expected = {"b": "2", "Gr\u00f6\u00dfe @ x+y=z/1": ""}
    equal(kvs.list_tags_for_stream(StreamARN=arn)["Tags"], expected, "tags")
    client = unchecked()
    for bad in [{"a,b": "v"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"": "v"}]:
        with typed(client, "InvalidArgumentException"):
            client.tag_stream(StreamName="tagged", Tags=bad)
    for call in [
        lambda: kvs.tag_stream(StreamName="unknown", Tags={"a": "b"}),
        lambda: kvs.untag_stream(StreamName="unknown", TagKeyList=["a"]),
        lambda: kvs.list_tags_for_stream(StreamARN=UNKNOWN_ARN),
    ]:
        with typed(kvs, "ResourceNotFoundException", 404):
            call()


@check
def the_local_key_may_be_named_and_an_unknown_key_is_refused():
    named = "alias/aws/kinesisvideo"
    create("named-key", KmsKeyId=named)
    assert describe(StreamName="named-key")["KmsKeyId"].endswith("aws/kinesisvideo")
    for unknown in ["alias/nobody", "11111111-2222-4333-8444-555555555555"]:
        with typed(kvs, "InvalidArgumentException"):
            create("unknown-key", KmsKeyId=unknown)
    with typed(kvs, "ResourceNotFoundException", 404):
        describe(StreamName="unknown-key")


@check
def what_names_no_stream_is_refused():
    with typed(kvs, "InvalidArgumentException"):
        kvs.describe_stream()
    for identity in [{"StreamName": "unknown"}, {"StreamARN": UNKNOWN_ARN}]:
        with typed(kvs, "ResourceNotFoundException", 404) as refusal:
            kvs.describe_stream(**identity)
        equal(refusal.message, "The requested stream is not found or not active.", "message")
    # A name beside the ARN of another stream is a mistake of the caller's, and so told.
    create("one-name")
    with typed(kvs, "InvalidArgumentException"):
        kvs.describe_stream(StreamName="one-name", StreamARN=create("another-name"))
    client = unchecked()
    for bad in ["nonsense", "arn:aws:s3:::bucket"]:
        with typed(client, "InvalidArgumentException"):
            client.describe_stream(StreamARN=bad)


@check
def streams_are_listed_by_prefix_and_by_pages():
    names = [f"listed-{letter}" for letter in "edcba"]
    for name in names:
        create(name)
    condition = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "listed-"}
    equal([info["StreamName"] for info in pages(StreamNameCondition=condition)], sorted(names), "names")
    tokens, token = [], {}
    while True:
        page = kvs.list_streams(MaxResults=1, StreamNameCondition=condition, **token)
        assert len(page["StreamInfoList"]) == 1, page
        if "NextToken" not in page:
            break
        tokens.append(page["NextToken"])
        token = {"NextToken": tokens[-1]}
    equal(len(tokens), len(names) - 1, "pages that have a next one")
    assert all(re.fullmatch("[a-zA-Z0-9+/=]{1,1024}", token) for token in tokens), tokens
    one_by_one = [info["StreamName"] for info in pages(PaginationConfig={"PageSize": 1})]
    equal(sorted(one_by_one), sorted(set(one_by_one)), "names by pages of one")
    equal(one_by_one, [info["StreamName"] for info in kvs.list_streams()["StreamInfoList"]], "names at once")
    empty = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "no-such-prefix"}
    equal(kvs.list_streams(StreamNameCondition=empty)["StreamInfoList"], [], "nothing")
    with typed(kvs, "InvalidArgumentException"):
        kvs.list_streams(NextToken="bm9uc2Vuc2U/")
    client = unchecked()
    for bad in [{"MaxResults": 0}, {"MaxResults": 10_001}, {"NextToken": "not base64!"}]:
        with typed(client, "InvalidArgumentException"):
            client.list_streams(**bad)


def pages(**members):
    for page in kvs.get_paginator("list_streams").paginate(**members):
        yield from page["StreamInfoList"]


@check
def a_stale_version_changes_nothing():
    arn = create("versioned", DataRetentionInHours=1)
    stale = describe(StreamARN=arn)["Version"]
    kvs.update_stream(StreamARN=arn, CurrentVersion=stale, MediaType="audio/L16", DeviceName="d")
    stream = describe(StreamARN=arn)
    equal((stream["MediaType"], stream["DeviceName"]), ("audio/L16", "d"), "what was changed")
    assert stream["Version"] != stale, stale
    for call in [
        lambda: kvs.update_stream(StreamARN=arn, CurrentVersion=stale, MediaType="audio/aac"),
        lambda: kvs.update_data_retention(
            StreamARN=arn, CurrentVersion=stale, Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=1
        ),
        lambda: kvs.delete_stream(StreamARN=arn, CurrentVersion=stale),
        lambda: kvs.delete_stream(StreamARN=arn, CurrentVersion="kMB0nDRGRiQ2QCnZxbqK"),
    ]:
        with typed(kvs, "VersionMismatchException"):
            call()
    equal(describe(StreamARN=arn), stream, "the description")


@check
def retention_is_lengthened_and_shortened():
    create("retained", DataRetentionInHours=24)

    def change(operation, hours, client=kvs):
        version = describe(StreamName="retained")["Version"]
        client.update_data_retention(
            StreamName="retained", CurrentVersion=version, Operation=operation, DataRetentionChangeInHours=hours
        )
        return describe(StreamName="retained")["DataRetentionInHours"]

    equal(change("INCREASE_DATA_RETENTION", 24), 48, "hours")
    equal(change("DECREASE_DATA_RETENTION", 48), 0, "hours")
    equal(change("INCREASE_DATA_RETENTION", 87_600), 87_600, "hours")
    client = unchecked()
    for operation, hours in [
        ("INCREASE_DATA_RETENTION", 1),
        ("DECREASE_DATA_RETENTION", 87_601),
        ("DECREASE_DATA_RETENTION", 0),
        ("DECREASE_DATA_RETENTION", -1),
        ("DOUBLE_DATA_RETENTION", 1),
    ]:
        with typed(client, "InvalidArgumentException"):
            change(operation, hours, client)
    equal(describe(StreamName="retained")["DataRetentionInHours"], 87_600, "hours")


@check
def a_deleted_stream_is_gone_and_its_successor_is_another():
    first = create("again")
    kvs.delete_stream(StreamARN=first)
    for call in [
        lambda: describe(StreamName="again"),
        lambda: describe(StreamARN=first),
        lambda: kvs.delete_stream(StreamARN=first),
    ]:
        with typed(kvs, "ResourceNotFoundException", 404):
            call()
    second = create("again")
    assert second != first, first
    with typed(kvs, "ResourceNotFoundException", 404):
        describe(StreamARN=first)
    kvs.delete_stream(StreamARN=second, CurrentVersion=describe(StreamARN=second)["Version"])
    with typed(kvs, "ResourceNotFoundException", 404):
        describe(StreamName="again")


@check
def a_region_sees_its_own_streams_only():
    here = create("regional")
    elsewhere = aws("kinesisvideo", region_name="eu-central-1")
    equal(elsewhere.list_streams()["StreamInfoList"], [], "streams of a region where nothing was made")
    there = elsewhere.create_stream(StreamName="regional")["StreamARN"]
    assert there.startswith("arn:aws:kinesisvideo:eu-central-1:111122223333:stream/regional/"), there
    equal(elsewhere.describe_stream(StreamName="regional")["StreamInfo"]["StreamARN"], there, "ARN there")
    equal(describe(StreamName="regional")["StreamARN"], here, "ARN here")
    for client, arn in [(kvs, there), (elsewhere, here)]:
        with typed(client, "ResourceNotFoundException", 404):
            client.describe_stream(StreamARN=arn)
    elsewhere.delete_stream(StreamARN=there)
    equal(describe(StreamARN=here)["Status"], "ACTIVE", "status here")


@check
def every_api_has_an_endpoint():
    arn = create("endpoints")
    for name in API_NAMES:
        for identity in [{"StreamName": "endpoints"}, {"StreamARN": arn}]:
            equal(kvs.get_data_endpoint(APIName=name, **identity)["DataEndpoint"], endpoint(), name)
    client = unchecked()
    with typed(client, "InvalidArgumentException"):
        client.get_data_endpoint(StreamName="endpoints", APIName="GET_COFFEE")
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.get_data_endpoint(StreamName="unknown", APIName="PUT_MEDIA")


@check
def the_storage_tier_is_kept_shown_and_changed():
    arn = create("warm", StreamStorageConfiguration={"DefaultStorageTier": "WARM"})
    shown = kvs.describe_stream_storage_configuration(StreamName="warm")
    equal((shown["StreamName"], shown["StreamARN"]), ("warm", arn), "the stream")
    equal(shown["StreamStorageConfiguration"], {"DefaultStorageTier": "WARM"}, "the tier")
    version = describe(StreamARN=arn)["Version"]
    hot = {"CurrentVersion": version, "StreamStorageConfiguration": {"DefaultStorageTier": "HOT"}}
    kvs.update_stream_storage_configuration(StreamARN=arn, **hot)
    shown = kvs.describe_stream_storage_configuration(StreamARN=arn)["StreamStorageConfiguration"]
    equal(shown, {"DefaultStorageTier": "HOT"}, "the tier")
    with typed(kvs, "VersionMismatchException"):
        kvs.update_stream_storage_configuration(StreamARN=arn, **hot)
    client = unchecked()
    with typed(client, "InvalidArgumentException"):
        client.create_stream(StreamName="cold", StreamStorageConfiguration={"DefaultStorageTier": "COLD"})
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.describe_stream_storage_configuration(StreamName="unknown")


@check
def tags_are_set_by_arn_in_list_form_and_listed_as_a_map():
    arn = create("tagged-resource")
    kvs.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    kvs.untag_resource(ResourceARN=arn, TagKeyList=["a", "never there"])
    equal(kvs.list_tags_for_resource(ResourceARN=arn)["Tags"], {"b": ""}, "tags")
    equal(kvs.list_tags_for_stream(StreamName="tagged-resource")["Tags"], {"b": ""}, "the stream's tags")
    channel = "arn:aws:kinesisvideo:us-west-2:111122223333:channel/a/1598784211076"
    for unknown in [UNKNOWN_ARN, channel]:
        with typed(kvs, "ResourceNotFoundException", 404):
            kvs.list_tags_for_resource(ResourceARN=unknown)


@check
def no_resource_is_mapped_to_a_stream():
    create("unmapped")
    answer = kvs.describe_mapped_resource_configuration(StreamName="unmapped")
    equal(answer["MappedResourceConfigurationList"], [], "mapped resources")
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.describe_mapped_resource_configuration(StreamName="unknown")


@check
def operations_that_are_not_here_say_so():
    create("kept", DataRetentionInHours=1)
    create("passing")
    for name, call in [
        ("CreateSignalingChannel", lambda: kvs.create_signaling_channel(ChannelName="a")),
        ("ListSignalingChannels", kvs.list_signaling_channels),
        ("DescribeNotificationConfiguration", lambda: kvs.describe_notification_configuration(StreamName="kept")),
        ("DescribeImageGenerationConfiguration", lambda: kvs.describe_image_generation_configuration(StreamName="kept")),
        ("UpdateImageGenerationConfiguration", lambda: kvs.update_image_generation_configuration(StreamName="kept")),
        ("UpdateNotificationConfiguration", lambda: kvs.update_notification_configuration(StreamName="kept")),
        ("ListEdgeAgentConfigurations", lambda: kvs.list_edge_agent_configurations(HubDeviceArn=HUB_ARN)),
    ]:
        with refused("NotImplementedException", 501) as refusal:
            call()
        assert name in refusal.message, refusal.message


@check
def operations_that_are_not_here_answer_a_modelled_error_where_one_fits():
    create("bare", DataRetentionInHours=1)
    create("fleeting")
    channel = "arn:aws:kinesisvideo:us-west-2:111122223333:channel/a/1598784211076"
    disabled = {"Status": "DISABLED"}
    for call in [
        lambda: kvs.describe_signaling_channel(ChannelName="a"),
        lambda: kvs.update_signaling_channel(ChannelARN=channel, CurrentVersion="a"),
        lambda: kvs.delete_signaling_channel(ChannelARN=channel),
        lambda: kvs.get_signaling_channel_endpoint(ChannelARN=channel),
        lambda: kvs.describe_media_storage_configuration(ChannelName="a"),
        lambda: kvs.update_media_storage_configuration(ChannelARN=channel, MediaStorageConfiguration=disabled),
        lambda: kvs.describe_edge_configuration(StreamName="unknown"),
        lambda: kvs.describe_notification_configuration(StreamName="unknown"),
    ]:
        with typed(kvs, "ResourceNotFoundException", 404):
            call()
    for call in [kvs.describe_edge_configuration, kvs.delete_edge_configuration]:
        with typed(kvs, "StreamEdgeConfigurationNotFoundException", 404):
            call(StreamName="bare")
    for call in [kvs.update_image_generation_configuration, kvs.update_notification_configuration]:
        with typed(kvs, "NoDataRetentionException"):
            call(StreamName="fleeting")


@check
def every_operation_of_the_sdk_is_known():
    # Called by its path with an empty body: whatever is answered, it is an answer about this operation.
    model = kvs.meta.service_model
    for name in model.operation_names:
        path = model.operation_model(name).http["requestUri"]
        status, headers, body = post(path, b"{}")
        error_type = headers.get("x-amzn-ErrorType", "")
        assert not error_type.startswith("UnknownOperation"), f"{name} at {path}: {status} {body}"
        assert headers.get("x-amzn-RequestId"), f"{name}: {headers}"


@check
def operations_are_posts_only():
    for method in ["GET", "PUT", "DELETE"]:
        status, headers, answer = post("/listStreams", b"{}", method)
        equal((status, headers.get("x-amzn-ErrorType")), (404, "UnknownOperationException"), f"{method}: {answer}")


@check
def what_no_sdk_sends_is_refused_with_a_type_and_a_message():
    for path, body, expected in [
        ("/createStream", b"{", (400, "SerializationException")),
        ("/createStream", b"[]", (400, "SerializationException")),
        ("/createStream", b'{"StreamName":5}', (400, "SerializationException")),
        ("/createStream", b"\xff\xfe", (400, "SerializationException")),
        ("/createCoffee", b"{}", (404, "UnknownOperationException")),
        ("/", b"{}", (404, "UnknownOperationException")),
        ("/createstream", b"{}", (404, "UnknownOperationException")),
    ]:
        status, headers, answer = post(path, body)
        equal((status, headers.get("x-amzn-ErrorType")), expected, f"{path} {body}")
        assert b'"Message":"' in answer, answer
        assert headers.get("x-amzn-RequestId"), dict(headers)


if __name__ == "__main__":
    main()
