"""The control plane: cases of streams, tags and endpoints."""

import re

from cases import OTHER_SERVICE_ARN, UNKNOWN_ARN, aws, case, describe, kvs, new_name, one_call, stream
from sdk_check import endpoint, equal

APIS = [
    "PUT_MEDIA",
    "GET_MEDIA",
    "LIST_FRAGMENTS",
    "GET_MEDIA_FOR_FRAGMENT_LIST",
    "GET_HLS_STREAMING_SESSION_URL",
    "GET_DASH_STREAMING_SESSION_URL",
    "GET_CLIP",
    "GET_IMAGES",
]
FIFTY = {f"key-{index}": "v" for index in range(50)}


@case("CreateStream", "a name and nothing else")
def _():
    name, arn = stream()
    assert re.fullmatch(rf"arn:aws:kinesisvideo:us-west-2:111122223333:stream/{name}/[0-9]{{13}}", arn), arn
    info = describe(name)
    equal((info["DataRetentionInHours"], info["Status"]), (0, "ACTIVE"), "retention and status")


@case("CreateStream", "every setting")
def _():
    settings = {"DeviceName": "device.1", "MediaType": "audio/L16", "DataRetentionInHours": 24}
    name, _ = stream(**settings, KmsKeyId="alias/aws/kinesisvideo", Tags={"team": "voice"})
    info = describe(name)
    equal({member: info[member] for member in settings}, settings, "settings")
    assert info["KmsKeyId"].endswith("aws/kinesisvideo"), info
    equal(kvs.list_tags_for_stream(StreamName=name)["Tags"], {"team": "voice"}, "tags")


@case("CreateStream", "a name of 256 characters")
def _():
    name = new_name().ljust(256, "x")
    kvs.create_stream(StreamName=name)
    equal(describe(name)["StreamName"], name, "name")


one_call("CreateStream", "a name with a space", lambda: kvs.create_stream(StreamName="a b"))
one_call("CreateStream", "a media type with a parameter", lambda: stream(MediaType="audio/L16;rate=8000"))
one_call("CreateStream", "a retention of more than ten years", lambda: stream(DataRetentionInHours=87_601))
one_call("CreateStream", "a key that is not there", lambda: stream(KmsKeyId="alias/nobody"))
one_call("CreateStream", "a name that is taken", lambda: kvs.create_stream(StreamName=stream()[0]))
one_call("CreateStream", "51 tags", lambda: stream(Tags=FIFTY | {"one": "more"}))


@case("CreateStream", "a stream beyond the quota")
def _():
    if not kvs.list_streams()["StreamInfoList"]:
        stream()
    stream()


@case("DescribeStream", "by name and by ARN")
def _():
    name, arn = stream(MediaType="audio/L16")
    info = describe(name)
    equal(kvs.describe_stream(StreamARN=arn)["StreamInfo"], info, "the description by ARN")
    equal(round(info["CreationTime"].timestamp() * 1000), int(arn.rsplit("/")[-1]), "the creation time")
    assert re.fullmatch("[a-zA-Z0-9]{1,64}", info["Version"]), info


one_call("DescribeStream", "a name that is not there", lambda: describe("unknown"))
one_call("DescribeStream", "an ARN that is not there", lambda: kvs.describe_stream(StreamARN=UNKNOWN_ARN))
one_call("DescribeStream", "neither name nor ARN", lambda: kvs.describe_stream())
one_call(
    "DescribeStream",
    "a name beside the ARN of another stream",
    lambda: kvs.describe_stream(StreamName=stream()[0], StreamARN=stream()[1]),
)
one_call("DescribeStream", "an ARN of another service", lambda: kvs.describe_stream(StreamARN=OTHER_SERVICE_ARN))


@case("ListStreams", "everything, one to a page")
def _():
    made = {stream()[0] for _ in range(3)}
    pages = list(kvs.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1}))
    assert all(len(page["StreamInfoList"]) == 1 for page in pages), pages
    names = [page["StreamInfoList"][0]["StreamName"] for page in pages]
    equal(len(names), len(set(names)), "distinct names")
    assert made <= set(names), (made, names)


@case("ListStreams", "by the beginning of the name")
def _():
    prefix = new_name() + "-listed-"
    for letter in "ba":
        kvs.create_stream(StreamName=prefix + letter)
    condition = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": prefix}
    found = kvs.list_streams(StreamNameCondition=condition)["StreamInfoList"]
    equal([info["StreamName"] for info in found], [prefix + "a", prefix + "b"], "names")


one_call("ListStreams", "pages of no stream", lambda: kvs.list_streams(MaxResults=0))
one_call("ListStreams", "a token that is none", lambda: kvs.list_streams(NextToken="bm9uc2Vuc2U/"))


def update(name, **members):
    return kvs.update_stream(StreamName=name, **{"CurrentVersion": describe(name)["Version"]} | members)


@case("UpdateStream", "media type and device")
def _():
    name, _ = stream()
    before = describe(name)
    update(name, MediaType="audio/L16", DeviceName="d")
    after = describe(name)
    equal((after["MediaType"], after["DeviceName"]), ("audio/L16", "d"), "what was changed")
    assert after["Version"] != before["Version"], after


@case("UpdateStream", "a version that is stale")
def _():
    name, _ = stream()
    stale = describe(name)["Version"]
    update(name, MediaType="audio/L16")
    update(name, MediaType="audio/aac", CurrentVersion=stale)


one_call(
    "UpdateStream", "a media type with a parameter", lambda: update(stream()[0], MediaType="audio/L16;rate=8000")
)
one_call(
    "UpdateStream",
    "a stream that is not there",
    lambda: kvs.update_stream(StreamName="unknown", CurrentVersion="1", MediaType="audio/L16"),
)


def change(name, operation, hours, **members):
    version = {"CurrentVersion": describe(name)["Version"]} | members
    kvs.update_data_retention(StreamName=name, Operation=operation, DataRetentionChangeInHours=hours, **version)
    return describe(name)["DataRetentionInHours"]


@case("UpdateDataRetention", "longer")
def _():
    equal(change(stream(DataRetentionInHours=24)[0], "INCREASE_DATA_RETENTION", 24), 48, "hours")


@case("UpdateDataRetention", "shorter, down to nothing")
def _():
    name, _ = stream(DataRetentionInHours=24)
    equal(change(name, "DECREASE_DATA_RETENTION", 23), 1, "hours")
    equal(change(name, "DECREASE_DATA_RETENTION", 1), 0, "hours")


@case("UpdateDataRetention", "a version that is stale")
def _():
    name, _ = stream(DataRetentionInHours=24)
    stale = describe(name)["Version"]
    change(name, "INCREASE_DATA_RETENTION", 1)
    change(name, "INCREASE_DATA_RETENTION", 1, CurrentVersion=stale)


one_call(
    "UpdateDataRetention",
    "less than nothing",
    lambda: change(stream(DataRetentionInHours=24)[0], "DECREASE_DATA_RETENTION", 25),
)
one_call(
    "UpdateDataRetention",
    "more than ten years",
    lambda: change(stream(DataRetentionInHours=24)[0], "INCREASE_DATA_RETENTION", 87_600),
)
one_call(
    "UpdateDataRetention",
    "a stream that is not there",
    lambda: kvs.update_data_retention(
        StreamName="unknown", CurrentVersion="1", Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=1
    ),
)


def is_gone(name):
    try:
        describe(name)
    except kvs.exceptions.ResourceNotFoundException:
        return
    raise AssertionError(f"{name} is still there")


@case("DeleteStream", "with its version")
def _():
    name, arn = stream()
    kvs.delete_stream(StreamARN=arn, CurrentVersion=describe(name)["Version"])
    is_gone(name)


@case("DeleteStream", "without a version, and its name is free again")
def _():
    name, arn = stream()
    kvs.delete_stream(StreamARN=arn)
    is_gone(name)
    assert kvs.create_stream(StreamName=name)["StreamARN"] != arn


@case("DeleteStream", "a version that is stale")
def _():
    name, arn = stream()
    stale = describe(name)["Version"]
    update(name, MediaType="audio/L16")
    kvs.delete_stream(StreamARN=arn, CurrentVersion=stale)


@case("DeleteStream", "a stream that is gone")
def _():
    _, arn = stream()
    kvs.delete_stream(StreamARN=arn)
    kvs.delete_stream(StreamARN=arn)


one_call("DeleteStream", "an ARN of another service", lambda: kvs.delete_stream(StreamARN=OTHER_SERVICE_ARN))


def tags(name):
    return kvs.list_tags_for_stream(StreamName=name)["Tags"]


@case("TagStream", "by name and by ARN")
def _():
    name, arn = stream()
    kvs.tag_stream(StreamName=name, Tags={"a": "1", "Gr\u00f6\u00dfe @ x+y=z/1": ""})
    kvs.tag_stream(StreamARN=arn, Tags={"a": "2"})
    equal(tags(name), {"a": "2", "Gr\u00f6\u00dfe @ x+y=z/1": ""}, "tags")


one_call("TagStream", "a key with a comma", lambda: kvs.tag_stream(StreamName=stream()[0], Tags={"a,b": "v"}))
one_call(
    "TagStream", "a 51st tag", lambda: kvs.tag_stream(StreamName=stream(Tags=FIFTY)[0], Tags={"one": "more"})
)
one_call(
    "TagStream", "a stream that is not there", lambda: kvs.tag_stream(StreamName="unknown", Tags={"a": "b"})
)


@case("UntagStream", "keys that are there and keys that are not")
def _():
    name, _ = stream(Tags={"a": "1", "b": "2"})
    kvs.untag_stream(StreamName=name, TagKeyList=["a", "never there"])
    equal(tags(name), {"b": "2"}, "tags")


one_call("UntagStream", "no key", lambda: kvs.untag_stream(StreamName=stream()[0], TagKeyList=[]))
one_call(
    "UntagStream", "a stream that is not there", lambda: kvs.untag_stream(StreamName="unknown", TagKeyList=["a"])
)


@case("ListTagsForStream", "all of them")
def _():
    name, arn = stream(Tags=FIFTY)
    equal(tags(name), FIFTY, "tags by name")
    equal(kvs.list_tags_for_stream(StreamARN=arn)["Tags"], FIFTY, "tags by ARN")


one_call("ListTagsForStream", "neither name nor ARN", lambda: kvs.list_tags_for_stream())
one_call("ListTagsForStream", "a stream that is not there", lambda: tags("unknown"))


@case("GetDataEndpoint", "each of the eight APIs")
def _():
    name, arn = stream()
    for api in APIS:
        for identity in [{"StreamName": name}, {"StreamARN": arn}]:
            equal(kvs.get_data_endpoint(APIName=api, **identity)["DataEndpoint"], endpoint(), api)


one_call(
    "GetDataEndpoint",
    "an API that is none",
    lambda: kvs.get_data_endpoint(StreamName=stream()[0], APIName="GET_COFFEE"),
)
one_call(
    "GetDataEndpoint",
    "a stream that is not there",
    lambda: kvs.get_data_endpoint(StreamName="unknown", APIName="PUT_MEDIA"),
)



def request(method):
    """A call about a stream, as far as it can name one, and nothing else: what is not offered answers the same to more."""
    operation = kvs.meta.service_model.operation_model(kvs.meta.method_to_api_mapping[method])
    members = {}
    if "StreamName" in operation.input_shape.members:
        members["StreamName"] = stream(DataRetentionInHours=24)[0]
    return getattr(kvs, method)(**members)


for method, operation in kvs.meta.method_to_api_mapping.items():
    one_call(operation, "a request", lambda method=method: request(method))

one_call(
    "Signatures",
    "a secret that is wrong",
    lambda: aws("kinesisvideo", aws_secret_access_key="wrong", aws_access_key_id="TYMPANDEV").list_streams(),
)
one_call(
    "Signatures",
    "a key that is not there",
    lambda: aws("kinesisvideo", aws_secret_access_key="wrong", aws_access_key_id="NOBODY").list_streams(),
)
