"""The archived media API through boto3."""

import datetime
import json
import re

import botocore.config
import sdk_matroska as mkv
from sdk_check import aws, check, equal, main, post, typed
from sdk_upload import put

kvs = aws("kinesisvideo")
START_S = 1_700_000_000
NEVER_EXISTED = str((1 << 156) + (1 << 92) + (1 << 28))


def client(name, **settings):
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="LIST_FRAGMENTS")["DataEndpoint"]
    return aws("kinesis-video-archived-media", endpoint_url=endpoint, **settings)


def stored(name, count=5, size=320):
    """A stream whose fragments begin every second, and their numbers."""
    kvs.create_stream(StreamName=name, DataRetentionInHours=24)
    clusters = [mkv.cluster((START_S + second) * 1000, mkv.frames(second, 5, size)) for second in range(count)]
    acks = put(mkv.document_head() + b"".join(clusters), name=name)
    return [ack["FragmentNumber"] for ack in acks if ack["EventType"] == "PERSISTED"]


def selector(kind, start, end):
    return {"FragmentSelectorType": kind, "TimestampRange": {"StartTimestamp": start, "EndTimestamp": end}}


def listed(name, kind, start, end):
    answer = client(name).list_fragments(StreamName=name, FragmentSelector=selector(kind, start, end))
    return [fragment["FragmentNumber"] for fragment in answer["Fragments"]]


def listed_ms(name, kind, start_ms, end_ms):
    """ListFragments with milliseconds, which botocore cannot say."""
    request = {"StreamName": name, "FragmentSelector": selector(kind, start_ms / 1000, end_ms / 1000)}
    status, _, body = post("/listFragments", json.dumps(request).encode())
    equal(status, 200, f"status of {body}")
    return [fragment["FragmentNumber"] for fragment in json.loads(body)["Fragments"]]


@check
def fragments_are_described():
    before = datetime.datetime.now(datetime.UTC)
    numbers = stored("described", 2)
    hour = datetime.timedelta(hours=1)
    answer = client("described").list_fragments(
        StreamName="described", FragmentSelector=selector("SERVER_TIMESTAMP", before - hour, before + hour)
    )
    equal([fragment["FragmentNumber"] for fragment in answer["Fragments"]], numbers, "numbers")
    assert "NextToken" not in answer, answer
    for second, fragment in enumerate(answer["Fragments"]):
        produced = datetime.datetime.fromtimestamp(START_S + second, datetime.UTC)
        equal(fragment["ProducerTimestamp"], produced, "producer time")
        assert abs(fragment["ServerTimestamp"] - before) < datetime.timedelta(minutes=1), fragment
        server_ms = round(fragment["ServerTimestamp"].timestamp() * 1000)
        equal(server_ms, (int(fragment["FragmentNumber"]) >> 28) & (1 << 64) - 1, "time in the number")
        equal(fragment["FragmentLengthInMilliseconds"], 80, "from the first to the last block")
        assert 5 * 320 < fragment["FragmentSizeInBytes"] < 5 * 320 + 1000, fragment


@check
def producer_times_select_with_both_bounds_included():
    numbers = stored("producer")
    for start, end, expected in [
        (0, 4, numbers),
        (1, 3, numbers[1:4]),
        (2, 2, numbers[2:3]),
        (-10, -1, []),
        (5, 10, []),
        (-100_000, 100_000, numbers),
    ]:
        equal(listed("producer", "PRODUCER_TIMESTAMP", START_S + start, START_S + end), expected, f"{start}..{end}")
    at = START_S * 1000
    ranges = [(1, 999, []), (0, 1000, numbers[:2]), (1, 1000, numbers[1:2]), (1000, 1999, numbers[1:2])]
    for start, end, expected in ranges:
        equal(listed_ms("producer", "PRODUCER_TIMESTAMP", at + start, at + end), expected, f"{start}..{end} ms")


@check
def server_times_select_with_both_bounds_included():
    numbers = stored("server", 3)
    times = [(int(number) >> 28) & (1 << 64) - 1 for number in numbers]
    equal(listed_ms("server", "SERVER_TIMESTAMP", times[0], times[-1]), numbers, "all")
    expected = [number for number, at in zip(numbers, times) if at == times[0]]
    equal(listed_ms("server", "SERVER_TIMESTAMP", times[0], times[0]), expected, "the first instant")
    equal(listed_ms("server", "SERVER_TIMESTAMP", times[0] - 60_000, times[0] - 1), [], "before")
    equal(listed_ms("server", "SERVER_TIMESTAMP", times[-1] + 1, times[-1] + 60_000), [], "after")


@check
def pages_come_in_ascending_order_to_the_end():
    numbers = stored("paged", 25)
    archived = client("paged")
    range_ = selector("PRODUCER_TIMESTAMP", START_S, START_S + 100)
    for size in (1, 7, 25, 1000):
        pages = archived.get_paginator("list_fragments").paginate(
            StreamName="paged", FragmentSelector=range_, PaginationConfig={"PageSize": size}
        )
        pages = [[fragment["FragmentNumber"] for fragment in page["Fragments"]] for page in pages]
        equal([number for page in pages for number in page], numbers, f"numbers by pages of {size}")
        assert all(len(page) <= size for page in pages), pages
    first = archived.list_fragments(StreamName="paged", FragmentSelector=range_, MaxResults=10)
    # The token alone goes on: it says what the selector said.
    rest = archived.list_fragments(StreamName="paged", NextToken=first["NextToken"])
    equal([fragment["FragmentNumber"] for fragment in rest["Fragments"]], numbers[10:], "the rest")


@check
def what_list_fragments_refuses():
    stored("refusing", 1)
    archived = client("refusing")
    unknown = selector("PRODUCER_TIMESTAMP", 0, 1)
    with typed(archived, "ResourceNotFoundException", 404):
        archived.list_fragments(StreamName="unknown", FragmentSelector=unknown)
    for members in [
        {},
        {"FragmentSelector": selector("PRODUCER_TIMESTAMP", 2, 1)},
        {"FragmentSelector": selector("FRAGMENT_TIMESTAMP", 1, 2)},
        {"NextToken": "bm9uc2Vuc2U="},
        {"FragmentSelector": unknown, "MaxResults": 1001},
    ]:
        with typed(archived, "InvalidArgumentException"):
            archived.list_fragments(StreamName="refusing", **members)
    # A range before everything that is kept, in the words of the service.
    with typed(archived, "InvalidArgumentException") as refusal:
        archived.list_fragments(StreamName="refusing", FragmentSelector=selector("SERVER_TIMESTAMP", 1, START_S))
    equal(refusal.message, f"End timestamp {START_S}000 is outside of the stream retention period.", "message")


@check
def a_list_of_numbers_gives_their_media_in_its_order():
    numbers = stored("media")
    for chosen in [[2], [0, 1, 2, 3, 4], [4, 0, 2], [1, 1]]:
        found, body = media("media", [numbers[index] for index in chosen])
        equal([fragment.number for fragment in found], [numbers[index] for index in chosen], "numbers")
        for fragment, second in zip(found, chosen):
            equal(fragment.audio, b"".join(mkv.frames(second, 5)), f"payloads of fragment {second}")
            equal(fragment.timecode, (START_S + second) * 1000, "timecode")
            names = [name.removeprefix(mkv.SERVICE) for name in fragment.tags]
            # Neither how far behind it is nor a token: this is no place in a stream.
            equal(names, ["FRAGMENT_NUMBER", "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"], "tags")
        equal(body[:4], bytes.fromhex("1A45DFA3"), "the beginning")


def media(name, numbers):
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA_FOR_FRAGMENT_LIST")["DataEndpoint"]
    archived = aws("kinesis-video-archived-media", endpoint_url=endpoint)
    answer = archived.get_media_for_fragment_list(StreamName=name, Fragments=numbers)
    equal(answer["ContentType"], "video/webm", "content type")
    body = answer["Payload"].read()
    return mkv.fragments(body), body


@check
def a_list_of_a_thousand_numbers_is_served():
    numbers = stored("thousand", 1000, 32)
    found, _ = media("thousand", numbers)
    equal([fragment.number for fragment in found], numbers, "numbers")


@check
def a_number_that_is_not_there_is_told_in_its_place():
    numbers = stored("gap", 2)
    found, _ = media("gap", [numbers[0], NEVER_EXISTED, numbers[1]])
    equal([fragment.number for fragment in found], [numbers[0], NEVER_EXISTED, numbers[1]], "numbers")
    missing = found[1]
    equal(missing.blocks, [], "media of a fragment that is not there")
    equal(missing.tags[mkv.SERVICE + "ERROR_CODE"], "FRAGMENT_NOT_FOUND", "code")
    equal(missing.tags[mkv.SERVICE + "ERROR_ID"], "3000", "id")


@check
def what_get_media_for_fragment_list_refuses():
    numbers = stored("strict", 1)
    archived = client("strict", config=botocore.config.Config(parameter_validation=False))
    for bad in [["0x1"], ["abc"], [""], numbers * 1001, []]:
        with typed(archived, "InvalidArgumentException"):
            archived.get_media_for_fragment_list(StreamName="strict", Fragments=bad)
    with typed(archived, "ResourceNotFoundException", 404):
        archived.get_media_for_fragment_list(StreamName="unknown", Fragments=numbers)


@check
def playback_of_call_audio_is_refused_by_type():
    stored("audio", 1)
    archived = client("audio")
    times = {"StartTimestamp": START_S, "EndTimestamp": START_S + 60}
    clip = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": times}
    images = dict(times, ImageSelectorType="PRODUCER_TIMESTAMP", Format="JPEG", SamplingInterval=200)
    calls = [
        lambda name: archived.get_hls_streaming_session_url(StreamName=name),
        lambda name: archived.get_dash_streaming_session_url(StreamName=name),
        lambda name: archived.get_clip(StreamName=name, ClipFragmentSelector=clip),
        lambda name: archived.get_images(StreamName=name, **images),
    ]
    for call in calls:
        # GetImages has no such error in its model.
        of_images = call is calls[-1]
        with typed(archived, "InvalidArgumentException" if of_images else "UnsupportedStreamMediaTypeException"):
            call("audio")
        with typed(archived, "ResourceNotFoundException", 404):
            call("unknown")
    kvs.create_stream(StreamName="nothing-kept")
    for call in calls:
        with typed(archived, "NoDataRetentionException"):
            call("nothing-kept")


@check
def a_shorter_retention_takes_effect_at_once():
    numbers = stored("shortened", 2)
    equal(listed("shortened", "PRODUCER_TIMESTAMP", START_S, START_S + 60), numbers, "numbers")
    version = kvs.describe_stream(StreamName="shortened")["StreamInfo"]["Version"]
    kvs.update_data_retention(
        StreamName="shortened",
        CurrentVersion=version,
        Operation="DECREASE_DATA_RETENTION",
        DataRetentionChangeInHours=24,
    )
    archived = client("shortened")
    for call in [
        lambda: listed("shortened", "PRODUCER_TIMESTAMP", START_S, START_S + 60),
        lambda: archived.get_media_for_fragment_list(StreamName="shortened", Fragments=numbers),
    ]:
        with typed(archived, "InvalidArgumentException") as refusal:
            call()
    assert re.search("retention", refusal.message), refusal.message


if __name__ == "__main__":
    main()
