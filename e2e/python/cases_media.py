"""Media: cases of GetMedia and of the archived media API."""

import datetime

import sdk_matroska as mkv
from cases import START_S, audio, case, client_of, kvs, one_call, stored, stream
from sdk_check import aws, equal, ground_truth
from sdk_upload import Upload

NEVER_EXISTED = str((1 << 156) + (1 << 92) + (1 << 28))
# For streams that have no endpoint, because they are not there.
media = aws("kinesis-video-media")
archived = aws("kinesis-video-archived-media")


def read(name, kind, **selector):
    """The fragments of a whole GetMedia body."""
    client = client_of(name, "GET_MEDIA", "kinesis-video-media")
    answer = client.get_media(StreamName=name, StartSelector={"StartSelectorType": kind, **selector})
    equal(answer["ContentType"], "video/webm", "content type")
    return mkv.fragments(answer["Payload"].read())


def samples(fragments):
    return b"".join(fragment.audio for fragment in fragments)


def numbers_of(fragments):
    return [fragment.number for fragment in fragments]


@case("GetMedia", "EARLIEST: every sample")
def _():
    name, numbers = stored()
    found = read(name, "EARLIEST")
    equal(samples(found), audio(0, 1, 2, 3), "samples")
    equal(numbers_of(found), numbers, "numbers")
    equal([fragment.token for fragment in found], numbers, "tokens")


@case("GetMedia", "FRAGMENT_NUMBER: after it")
def _():
    name, numbers = stored()
    equal(samples(read(name, "FRAGMENT_NUMBER", AfterFragmentNumber=numbers[1])), audio(2, 3), "samples")


@case("GetMedia", "CONTINUATION_TOKEN: no gap, no repeat")
def _():
    name, _ = stored()
    first = read(name, "EARLIEST")[:3]
    rest = read(name, "CONTINUATION_TOKEN", ContinuationToken=first[-1].token)
    equal(samples(first + rest), audio(0, 1, 2, 3), "samples")


@case("GetMedia", "PRODUCER_TIMESTAMP: the fragment that contains it")
def _():
    name, _ = stored()
    at = datetime.datetime.fromtimestamp(START_S + 1, datetime.UTC)
    equal(samples(read(name, "PRODUCER_TIMESTAMP", StartTimestamp=at)), audio(1, 2, 3), "samples")


@case("GetMedia", "SERVER_TIMESTAMP: the fragment that came then")
def _():
    name, _ = stored()
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.UTC)
    equal(samples(read(name, "SERVER_TIMESTAMP", StartTimestamp=now - hour)), audio(0, 1, 2, 3), "from before")
    equal(samples(read(name, "SERVER_TIMESTAMP", StartTimestamp=now + hour)), b"", "from later")


def live(hours):
    """A frame is read while its fragment is open; the body holds them all."""
    name, _ = stream(DataRetentionInHours=hours)
    first, second = mkv.frames(0, 2)
    client = client_of(name, "GET_MEDIA", "kinesis-video-media")
    with Upload(name=name) as upload:
        upload.send(mkv.document_head() + mkv.cluster_head(START_S * 1000) + mkv.block(first))
        upload.until_ack("BUFFERING")
        payload = client.get_media(StreamName=name, StartSelector={"StartSelectorType": "NOW"})["Payload"]
        body = b""
        while first not in body:
            piece = payload.read(1)
            assert piece, f"the body ended before its frame: {body!r}"
            body += piece
        # Nobody has seen this one, and the fragment ends only after it.
        upload.send(mkv.block(second, 20))
        acks = upload.finish()
        equal(acks[-1]["EventType"], "PERSISTED" if hours else "RECEIVED", "the last ack")
    equal(samples(mkv.fragments(body + payload.read())), first + second, "samples")


one_call("GetMedia", "NOW: frames of a fragment that is open", lambda: live(24))
one_call("GetMedia", "a stream without retention, while it is sent", lambda: live(0))


@case("GetMedia", "a quiet stream: the body ends")
def _():
    equal(read(stream(DataRetentionInHours=24)[0], "NOW"), [], "fragments")


def refused(name, selector, **members):
    one_call("GetMedia", name, lambda: read(stream()[0], selector, **members))


refused("FRAGMENT_NUMBER without a number", "FRAGMENT_NUMBER")
refused("PRODUCER_TIMESTAMP without a time", "PRODUCER_TIMESTAMP")
refused("a selector that is none", "YESTERDAY")
refused("a token of another service", "CONTINUATION_TOKEN", ContinuationToken="nonsense")
one_call(
    "GetMedia",
    "a stream that is not there",
    lambda: media.get_media(StreamName="unknown", StartSelector={"StartSelectorType": "NOW"}),
)


def selector(start, end, kind="PRODUCER_TIMESTAMP"):
    return {"FragmentSelectorType": kind, "TimestampRange": {"StartTimestamp": start, "EndTimestamp": end}}


def client(name):
    return client_of(name, "LIST_FRAGMENTS", "kinesis-video-archived-media")


def listed(name, range_):
    return client(name).list_fragments(StreamName=name, FragmentSelector=range_)["Fragments"]


@case("ListFragments", "by producer times, both ends included")
def _():
    name, numbers = stored()
    found = listed(name, selector(START_S + 1, START_S + 2))
    equal([fragment["FragmentNumber"] for fragment in found], numbers[1:3], "numbers")
    produced = [fragment["ProducerTimestamp"].timestamp() for fragment in found]
    equal(produced, [START_S + 1, START_S + 2], "producer times")
    for fragment in found:
        equal(fragment["FragmentLengthInMilliseconds"], 80, "length")
        assert fragment["FragmentSizeInBytes"] > 5 * 320, fragment


@case("ListFragments", "by server times")
def _():
    name, numbers = stored()
    now, hour = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=1)
    found = listed(name, selector(now - hour, now + hour, "SERVER_TIMESTAMP"))
    equal([fragment["FragmentNumber"] for fragment in found], numbers, "numbers")
    assert all(abs(fragment["ServerTimestamp"] - now) < hour for fragment in found), found


@case("ListFragments", "two to a page, to the end")
def _():
    name, numbers = stored(5)
    pages = list(
        client(name)
        .get_paginator("list_fragments")
        .paginate(
            StreamName=name,
            FragmentSelector=selector(START_S, START_S + 60),
            PaginationConfig={"PageSize": 2},
        )
    )
    equal([len(page["Fragments"]) for page in pages], [2, 2, 1], "pages")
    equal([fragment["FragmentNumber"] for page in pages for fragment in page["Fragments"]], numbers, "numbers")


one_call("ListFragments", "no selector", lambda: listed_without_selector(stored(1)[0]))
one_call("ListFragments", "a range that ends before it begins", lambda: listed(stored(1)[0], selector(2, 1)))
one_call(
    "ListFragments",
    "a range before the retention",
    lambda: listed(stored(1)[0], selector(1, START_S, "SERVER_TIMESTAMP")),
)
one_call("ListFragments", "a stream without retention", lambda: listed(stream()[0], selector(1, 2)))
one_call(
    "ListFragments",
    "a stream that is not there",
    lambda: archived.list_fragments(StreamName="unknown", FragmentSelector=selector(1, 2)),
)


def listed_without_selector(name):
    client(name).list_fragments(StreamName=name)


def media_of(name, numbers):
    answer = client_of(name, "GET_MEDIA_FOR_FRAGMENT_LIST", "kinesis-video-archived-media")
    answer = answer.get_media_for_fragment_list(StreamName=name, Fragments=numbers)
    equal(answer["ContentType"], "video/webm", "content type")
    return mkv.fragments(answer["Payload"].read())


@case("GetMediaForFragmentList", "in the order of the list")
def _():
    name, numbers = stored()
    found = media_of(name, [numbers[index] for index in (3, 0, 1)])
    equal(samples(found), audio(3, 0, 1), "samples")
    equal(numbers_of(found), [numbers[index] for index in (3, 0, 1)], "numbers")


@case("GetMediaForFragmentList", "a number that is not there, told in its place")
def _():
    name, numbers = stored(2)
    found = media_of(name, [numbers[0], NEVER_EXISTED, numbers[1]])
    equal(numbers_of(found), [numbers[0], NEVER_EXISTED, numbers[1]], "numbers")
    equal(found[1].tags[mkv.SERVICE + "ERROR_CODE"], "FRAGMENT_NOT_FOUND", "code")
    equal(found[1].tags[mkv.SERVICE + "ERROR_ID"], "3000", "id")
    equal(samples(found), audio(0, 1), "samples")


one_call("GetMediaForFragmentList", "a number that is none", lambda: media_of(stored(1)[0], ["0x1"]))
one_call("GetMediaForFragmentList", "1,001 numbers", lambda: media_of(stored(1)[0], [NEVER_EXISTED] * 1001))
one_call(
    "GetMediaForFragmentList",
    "a stream that is not there",
    lambda: archived.get_media_for_fragment_list(StreamName="unknown", Fragments=[NEVER_EXISTED]),
)

TIMES = {"StartTimestamp": START_S, "EndTimestamp": START_S + 60}
PLAYBACK = {
    "GetHLSStreamingSessionURL": ("get_hls_streaming_session_url", {}),
    "GetDASHStreamingSessionURL": ("get_dash_streaming_session_url", {}),
    "GetClip": (
        "get_clip",
        {"ClipFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": TIMES}},
    ),
    "GetImages": (
        "get_images",
        TIMES | {"ImageSelectorType": "PRODUCER_TIMESTAMP", "Format": "JPEG", "SamplingInterval": 200},
    ),
}

for operation, (method, members) in PLAYBACK.items():

    def play(method=method, members=members, **identity):
        return getattr(archived, method)(**identity, **members)

    one_call(operation, "call audio", lambda play=play: play(StreamName=stored(1)[0]))
    one_call(operation, "neither name nor ARN", lambda play=play: play())
    for kind in ["video without private data", "video with wrong private data", "video with wrong frames"]:
        one_call(operation, kind, lambda play=play, kind=kind: play(StreamName=kind.replace(" ", "-")))
    one_call(operation, "a stream without retention", lambda play=play: play(StreamName=stream()[0]))
    one_call(operation, "a stream that is not there", lambda play=play: play(StreamName="unknown"))


def recording(name):
    """Another producer's upload, from the stream named after it: every Cluster byte for byte."""
    sent = mkv.input_clusters(ground_truth(f"putmedia/{name}"))[2]
    for found in [read(name, "EARLIEST"), media_of(name, all_numbers(name))]:
        clusters = [cluster for fragment in found for cluster in fragment.clusters]
        assert clusters == sent, f"{len(clusters)} clusters that are not the {len(sent)} sent"


def all_numbers(name):
    now, hour = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=1)
    lately = selector(now - hour, now + hour, "SERVER_TIMESTAMP")
    return [fragment["FragmentNumber"] for fragment in listed(name, lately)]


for name in ["c-producer-aac-relative.mkv", "ffmpeg-h264.mkv", "kvssink-alaw-absolute.mkv"]:
    one_call("Recordings", name, lambda name=name: recording(name))
