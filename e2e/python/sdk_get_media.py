"""GetMedia through boto3: every selector, the exact bytes, the end of a body, and audio while it is spoken."""

import datetime
import re
import threading
import time

import sdk_matroska as mkv
from sdk_check import aws, check, equal, eventually, main, post, typed
from sdk_upload import Upload, put

kvs = aws("kinesisvideo")
# Nobody waits longer than this for the end of a body: the consumer of the seed text gives it 120 s.
MOST_QUIET_S = 30
START_MS = 1_700_000_000_000
NEVER_EXISTED = str((1 << 156) + (1 << 92) + (1 << 28))


def create(name, hours=24):
    return kvs.create_stream(StreamName=name, DataRetentionInHours=hours)["StreamARN"]


def client(name):
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
    return aws("kinesis-video-media", endpoint_url=endpoint)


def get(name, kind, **selector):
    """The answer of GetMedia."""
    return client(name).get_media(StreamName=name, StartSelector={"StartSelectorType": kind, **selector})


def read(name, kind, **selector):
    """The fragments of a whole body."""
    return mkv.fragments(get(name, kind, **selector)["Payload"].read())


def timecodes(fragments):
    return [fragment.timecode for fragment in fragments]


def at(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)


def stored(name, count=5, tags=()):
    """A stream of fragments of 100 ms, and their numbers."""
    create(name)
    times = [START_MS + index * 1000 for index in range(count)]
    user = b"".join(mkv.tag(*tag) for tag in tags)
    file = mkv.document_head() + b"".join(mkv.cluster(time_, mkv.frames(time_, 5)) + user for time_ in times)
    acks = put(file, name=name)
    return times, [ack["FragmentNumber"] for ack in acks if ack["EventType"] == "PERSISTED"]


@check
def earliest_gives_everything_in_order():
    times, numbers = stored("earliest")
    answer = get("earliest", "EARLIEST")
    equal(answer["ContentType"], "video/webm", "content type")
    found = mkv.fragments(answer["Payload"].read())
    equal(timecodes(found), times, "timecodes")
    equal([fragment.number for fragment in found], numbers, "numbers")
    expected = b"".join(payload for time_ in times for payload in mkv.frames(time_, 5))
    equal(b"".join(fragment.audio for fragment in found), expected, "payloads")


@check
def a_fragment_number_is_exclusive():
    times, numbers = stored("after")
    for index, number in enumerate(numbers[:-1]):
        found = read("after", "FRAGMENT_NUMBER", AfterFragmentNumber=number)
        equal(timecodes(found), times[index + 1 :], f"after fragment {index}")
    equal(read("after", "FRAGMENT_NUMBER", AfterFragmentNumber=numbers[-1]), [], "after the last one")


@check
def a_number_that_never_existed_means_whatever_is_greater():
    times, numbers = stored("between")
    for number, expected in [
        ("1", times),
        (NEVER_EXISTED, times),
        (str(int(numbers[1]) - 1), times[1:]),
        (str(int(numbers[1]) + 1), times[2:]),
        ("9" * 128, []),
    ]:
        equal(timecodes(read("between", "FRAGMENT_NUMBER", AfterFragmentNumber=number)), expected, number)


@check
def a_continuation_token_resumes_without_gap_or_repeat():
    times, _ = stored("resumed", 6)
    seen, token = [], None
    while True:
        selector = ("EARLIEST", {}) if token is None else ("CONTINUATION_TOKEN", {"ContinuationToken": token})
        found = read("resumed", selector[0], **selector[1])
        if not found:
            break
        # A consumer that stops after two fragments and comes back.
        seen.extend(found[:2])
        token = seen[-1].token
    equal(timecodes(seen), times, "timecodes")


@check
def a_producer_timestamp_starts_with_the_fragment_that_contains_it():
    times, _ = stored("producer-time")
    # botocore sends whole seconds, whether it is given a number, a text or a datetime.
    for ms, expected in [
        (times[0] - 3_600_000, times),
        (times[0], times),
        (times[1], times[1:]),
        (times[4], times[4:]),
        (times[4] + 3_600_000, []),
    ]:
        found = read("producer-time", "PRODUCER_TIMESTAMP", StartTimestamp=at(ms))
        equal(timecodes(found), expected, f"from {ms}")
    for timestamp in [times[1] // 1000, times[1] / 1000, at(times[1]).isoformat()]:
        found = read("producer-time", "PRODUCER_TIMESTAMP", StartTimestamp=timestamp)
        equal(timecodes(found), times[1:], f"from {timestamp!r}")
    # Other SDKs send milliseconds. The last block of a fragment begins 80 ms after its first.
    for ms, expected in [(times[1] + 80, times[1:]), (times[1] + 500, times[2:]), (times[2] - 1, times[2:])]:
        equal(timecodes(read_from("producer-time", "PRODUCER_TIMESTAMP", ms)), expected, f"from {ms}")


def read_from(name, kind, ms):
    """GetMedia from a millisecond, which botocore cannot say."""
    selector = f'{{"StartSelectorType":"{kind}","StartTimestamp":{ms // 1000}.{ms % 1000:03}}}'
    status, _, body = post("/getMedia", f'{{"StreamName":"{name}","StartSelector":{selector}}}'.encode())
    equal(status, 200, "status")
    return mkv.fragments(body)


@check
def a_server_timestamp_starts_with_the_fragment_that_came_then():
    create("server-time")
    times = [START_MS, START_MS + 1000, START_MS + 2000]
    with Upload(name="server-time") as upload:
        upload.send(mkv.document_head())
        for index, time_ in enumerate(times):
            upload.send(mkv.cluster(time_, mkv.frames(time_, 2)) + mkv.tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""))
            upload.until_ack("PERSISTED", index + 1)
            # Three different server times, well apart.
            time.sleep(0.2)
        upload.finish()
    found = read("server-time", "EARLIEST")
    servers = [round(float(fragment.server) * 1000) for fragment in found]
    assert servers == sorted(set(servers)), servers
    for ms, expected in [(servers[0] - 1000, times), (servers[1], times[1:]), (servers[2], times[2:])]:
        equal(timecodes(read_from("server-time", "SERVER_TIMESTAMP", ms)), expected, f"from {ms}")
    equal(timecodes(read("server-time", "SERVER_TIMESTAMP", StartTimestamp=at(servers[0] - 1000))), times, "by boto3")


@check
def the_service_adds_two_tags_elements_in_their_exact_bytes():
    user = [("ContactId", "11111111-2222-4333-8444-555555555555"), ("Events", "[]")]
    before_ms = time.time() * 1000
    times, numbers = stored("bytes", 3, user)
    arrived_ms = time.time() * 1000
    head = mkv.document_head()
    body = get("bytes", "EARLIEST")["Payload"].read()
    read_ms = time.time() * 1000
    found = mkv.fragments(body)
    for fragment, time_, number in zip(found, times, numbers):
        ids = [mkv.INFO, mkv.TRACKS, mkv.TAGS, mkv.CLUSTER, mkv.TAGS, mkv.TAGS, mkv.TAGS]
        equal(fragment.ids, ids, "children of the Segment")
        names = [[name for name, _ in block] for block in fragment.tag_blocks]
        service = ["FRAGMENT_NUMBER", "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"]
        last = ["MILLIS_BEHIND_NOW", "CONTINUATION_TOKEN"]
        prefixed = [[mkv.SERVICE + name for name in block] for block in (service, last)]
        equal(names, [prefixed[0], ["ContactId"], ["Events"], prefixed[1]], "tags in order")
        equal(fragment.token, number, "continuation token")
        for timestamp in (fragment.server, fragment.producer):
            assert re.fullmatch(r"[0-9]+\.[0-9]{3}", timestamp), timestamp
        equal(fragment.producer, f"{time_ // 1000}.{time_ % 1000:03}", "producer time")
        server_ms = float(fragment.server) * 1000
        assert before_ms - 1 <= server_ms <= arrived_ms + 1, (before_ms, server_ms, arrived_ms)
        behind_ms = int(fragment.tags[mkv.SERVICE + "MILLIS_BEHIND_NOW"])
        assert 0 <= behind_ms <= read_ms - server_ms + 1, (behind_ms, read_ms - server_ms)
        # EBML header, Segment of unknown size in eight bytes, the producer's head, and around the producer's bytes
        # the two blocks in the four-byte sizes of the service.
        ebml, rest = head[:40], head[45:]
        expected = ebml + b"\x18\x53\x80\x67" + mkv.UNKNOWN_8 + rest
        expected += four_byte_tags(fragment.tag_blocks[0])
        expected += mkv.cluster(time_, mkv.frames(time_, 5)) + b"".join(mkv.tag(*tag) for tag in user)
        expected += four_byte_tags(fragment.tag_blocks[-1])
        equal(fragment.raw.hex(" "), expected.hex(" "), "bytes")
        # What third-party consumers search for in front of the token.
        assert bytes.fromhex("4487 1000002F") + number.encode() in fragment.parts[-1]
    equal(len(found), 3, "fragments")


def four_byte_tags(tags):
    def element(id, payload):
        return bytes.fromhex(id) + (len(payload) | 1 << 28).to_bytes(4) + payload

    simple = (element("67C8", element("45A3", name.encode()) + element("4487", value.encode())) for name, value in tags)
    return element("1254C367", element("7373", b"".join(simple)))


@check
def a_body_ends_by_itself_when_the_stream_is_quiet():
    times, _ = stored("quiet")
    for kind, expected in [("EARLIEST", times), ("NOW", [])]:
        begun = time.monotonic()
        equal(timecodes(read("quiet", kind)), expected, kind)
        took_s = time.monotonic() - begun
        assert took_s < MOST_QUIET_S, f"{kind}: the body took {took_s} s to end"
    create("never-written")
    for kind in ["EARLIEST", "NOW"]:
        equal(read("never-written", kind), [], kind)


@check
def a_consumer_that_pauses_loses_nothing():
    create("paused")
    # More than all the buffers between server and client hold.
    times = [START_MS + index * 1000 for index in range(24)]
    clusters = (mkv.cluster(time_, mkv.frames(time_, 50, 20_000)) for time_ in times)
    put(mkv.document_head() + b"".join(clusters), name="paused")
    payload = get("paused", "EARLIEST")["Payload"]
    body = payload.read(1000)
    # Longer than a stream may be quiet before its body ends.
    time.sleep(1.5)
    body += payload.read()
    equal(timecodes(mkv.fragments(body)), times, "timecodes")


class Tail:
    """Reads a body in the background, as it comes."""

    def __init__(self, name, kind, **selector):
        self.body = b""
        self.ended = False
        payload = get(name, kind, **selector)["Payload"]
        threading.Thread(target=self._read, args=(payload,), daemon=True).start()

    def _read(self, payload):
        # boto3 gives a piece once it is full; small ones come soon.
        for piece in payload.iter_chunks(16):
            self.body += piece
        self.ended = True

    def until(self, payload):
        eventually(lambda: payload[:64] in self.body or self.ended)
        assert payload[:64] in self.body, f"the body ended without it: {self.body[-200:]!r}"


@check
def frames_arrive_before_their_fragment_is_complete():
    create("live")
    sent = mkv.frames("live", 60)
    with Upload(name="live") as upload:
        upload.send(mkv.document_head() + mkv.cluster_head(START_MS) + mkv.block(sent[0], 0))
        upload.until_ack("BUFFERING")
        now, earliest = Tail("live", "NOW"), Tail("live", "EARLIEST")
        for index, payload in enumerate(sent):
            if index and index % 20 == 0:
                upload.send(mkv.cluster_head(START_MS + index * 20))
            if index:
                upload.send(mkv.block(payload, index % 20 * 20))
            if index % 20 < 3:
                # Nothing else is sent until both have this frame, whose fragment is still open.
                now.until(payload)
                earliest.until(payload)
        complete = [ack["FragmentTimecode"] for ack in upload.until_ack("RECEIVED", 2)]
        equal(complete, [START_MS, START_MS + 400], "complete ones")
        upload.finish()
    for tail in (now, earliest):
        eventually(lambda: tail.ended, MOST_QUIET_S)
        found = mkv.fragments(tail.body)
        equal(b"".join(fragment.audio for fragment in found), b"".join(sent), "payloads")
        equal(timecodes(found), [START_MS + ms for ms in (0, 400, 800)], "timecodes")
        assert all(fragment.token == fragment.number for fragment in found), found
    # What was live is the same when it is read later.
    later = read("live", "EARLIEST")
    equal(b"".join(fragment.audio for fragment in later), b"".join(sent), "payloads read later")
    equal([fragment.number for fragment in later], [fragment.number for fragment in found], "numbers")


@check
def a_reader_that_starts_in_the_past_becomes_live_without_gap_or_repeat():
    create("caught-up")
    sent = []
    stop = threading.Event()

    def produce():
        with Upload(name="caught-up") as upload:
            upload.send(mkv.document_head())
            while not stop.is_set():
                time_ = START_MS + len(sent) * 40
                upload.send(mkv.cluster(time_, mkv.frames(time_, 2)))
                sent.append(time_)
                time.sleep(0.002)
            upload.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        eventually(lambda: len(sent) > 100)
        tails = [Tail("caught-up", "EARLIEST") for _ in range(3)]
        seen = len(sent)
        eventually(lambda: len(sent) > seen + 100)
    finally:
        stop.set()
        producer.join()
    for tail in tails:
        eventually(lambda: tail.ended, MOST_QUIET_S)
        equal(timecodes(mkv.fragments(tail.body)), sent, "timecodes")


@check
def a_live_consumer_that_falls_behind_catches_up():
    create("behind")
    sent = []

    def say(upload, count):
        for index in range(count):
            if index % 20 == 0:
                upload.send(mkv.cluster_head(START_MS + len(sent) * 20))
            sent.append(mkv.frames(len(sent), 1, 60_000)[0])
            upload.send(mkv.block(sent[-1], index % 20 * 20))

    with Upload(name="behind") as upload:
        upload.send(mkv.document_head())
        say(upload, 20)
        payload = get("behind", "EARLIEST")["Payload"]
        body = payload.read(1000)
        # It does not read while more is said than all the buffers on its way hold.
        say(upload, 400)
        upload.until_ack("PERSISTED", 20)
        rest = []
        reader = threading.Thread(target=lambda: rest.append(payload.read()))
        reader.start()
        say(upload, 40)
        upload.finish()
        reader.join()
    found = mkv.fragments(body + rest[0])
    assert [fragment.audio for fragment in found] == [
        b"".join(sent[at : at + 20]) for at in range(0, len(sent), 20)
    ], f"{len(found)} fragments: {timecodes(found)}"


@check
def many_streams_at_once_never_mix():
    outcomes = {}

    def one(name):
        create(name)
        sent = mkv.frames(name, 60)
        with Upload(name=name) as upload:
            upload.send(mkv.document_head() + mkv.cluster_head(START_MS) + mkv.block(sent[0], 0))
            upload.until_ack("BUFFERING")
            tails = [Tail(name, kind) for kind in ("NOW", "EARLIEST")]
            for index, payload in enumerate(sent):
                if index and index % 20 == 0:
                    upload.send(mkv.cluster_head(START_MS + index * 20))
                if index:
                    upload.send(mkv.block(payload, index % 20 * 20))
            upload.finish()
        for tail in tails:
            eventually(lambda: tail.ended, MOST_QUIET_S)
        audio = [b"".join(fragment.audio for fragment in mkv.fragments(tail.body)) for tail in tails]
        outcomes[name] = audio == [b"".join(sent)] * 2

    names = [f"parallel-{index}" for index in range(12)]
    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(outcomes, dict.fromkeys(names, True), "streams whose readers got what was sent")


@check
def a_deleted_stream_ends_its_readers():
    arn = create("deleted")
    with Upload(name="deleted") as upload:
        upload.send(mkv.document_head() + b"".join(mkv.cluster(ms, mkv.frames(ms, 2)) for ms in (1000, 2000)))
        upload.until_ack("PERSISTED")
        tail = Tail("deleted", "EARLIEST")
        tail.until(mkv.frames(2000, 2)[0])
        kvs.delete_stream(StreamARN=arn)
        eventually(lambda: tail.ended)
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.get_data_endpoint(StreamARN=arn, APIName="GET_MEDIA")


@check
def a_stream_is_named_by_its_name_or_its_arn():
    times, _ = stored("named", 1)
    arn = kvs.describe_stream(StreamName="named")["StreamInfo"]["StreamARN"]
    media = client("named")
    body = media.get_media(StreamARN=arn, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()
    equal(timecodes(mkv.fragments(body)), times, "timecodes")
    with typed(media, "ResourceNotFoundException", 404):
        media.get_media(StreamName="unknown", StartSelector={"StartSelectorType": "NOW"})
    with typed(media, "InvalidArgumentException"):
        media.get_media(StartSelector={"StartSelectorType": "NOW"})


@check
def incomplete_and_malformed_selectors_are_refused():
    stored("selected", 1)
    media = client("selected")
    for selector in [
        {"StartSelectorType": "LATEST"},
        {"StartSelectorType": "FRAGMENT_NUMBER"},
        {"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": "0x1"},
        {"StartSelectorType": "SERVER_TIMESTAMP"},
        {"StartSelectorType": "PRODUCER_TIMESTAMP"},
        {"StartSelectorType": "CONTINUATION_TOKEN"},
        {"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": "a/b"},
        {"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": "abc"},
    ]:
        with typed(media, "InvalidArgumentException"):
            media.get_media(StreamName="selected", StartSelector=selector)


@check
def without_retention_the_live_consumer_works():
    create("unretained", hours=0)
    sent = mkv.frames("unretained", 10)
    with Upload(name="unretained") as upload:
        upload.send(mkv.document_head() + mkv.cluster_head(START_MS) + mkv.block(sent[0], 0))
        upload.until_ack("BUFFERING")
        tail = Tail("unretained", "NOW")
        for index, payload in enumerate(sent[1:], 1):
            upload.send(mkv.block(payload, index * 20))
        tail.until(sent[-1])
        acks = upload.finish()
    equal([ack["EventType"] for ack in acks], ["BUFFERING", "RECEIVED"], "acks")
    eventually(lambda: tail.ended, MOST_QUIET_S)
    equal(mkv.fragments(tail.body)[0].audio, b"".join(sent), "payloads")
    endpoint = kvs.get_data_endpoint(StreamName="unretained", APIName="LIST_FRAGMENTS")["DataEndpoint"]
    archived = aws("kinesis-video-archived-media", endpoint_url=endpoint)
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    times = {"StartTimestamp": now - hour, "EndTimestamp": now + hour}
    with typed(archived, "InvalidArgumentException") as refusal:
        archived.list_fragments(
            StreamName="unretained",
            FragmentSelector={"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times},
        )
    end_ms = round(times["EndTimestamp"].timestamp() * 1000)
    seen_ms = int(re.fullmatch("End timestamp ([0-9]+) is outside of the stream retention period.", refusal.message)[1])
    # botocore sends whole seconds.
    assert abs(seen_ms - end_ms) <= 1000, (seen_ms, end_ms)


if __name__ == "__main__":
    main()
