"""PutMedia: what producers send, what they are told, and what is kept of it."""

import hashlib
import re
import time

import sdk_matroska as mkv
from botocore.credentials import Credentials
from sdk_check import aws, check, equal, eventually, ground_truth, main
from sdk_upload import EMPTY, STREAMING, UNSIGNED, AllHeaders, Upload, put

kvs = aws("kinesisvideo")
NUMBER = re.compile("[0-9]{47}")
# The C SDK cannot take more at once.
MOST_CHUNK_BYTES = 1024


def create(name, hours=24):
    return kvs.create_stream(StreamName=name, DataRetentionInHours=hours)["StreamARN"]


def read(name):
    """All fragments of a stream."""
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint)
    answer = media.get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})
    return mkv.fragments(answer["Payload"].read())


def ms(decimal):
    """Milliseconds of a decimal number of seconds."""
    seconds, fraction = decimal.split(".")
    return int(seconds) * 1000 + int(fraction)


def lines_are_exact(upload):
    """Each ack is one compact line in a chunk of its own."""
    for chunk in upload.chunks:
        assert len(chunk.bytes) <= MOST_CHUNK_BYTES, chunk
        line = chunk.bytes.decode()
        shapes = [
            r'\{"EventType":"(BUFFERING|RECEIVED|PERSISTED)","FragmentTimecode":[0-9]+,'
            r'"FragmentNumber":"[0-9]{47}"\}\n',
            r'\{"EventType":"IDLE"\}\n',
            r'\{"EventType":"ERROR"(,"FragmentTimecode":[0-9]+)?(,"FragmentNumber":"[0-9]{47}")?,'
            r'"ErrorCode":"[A-Z_]+","ErrorId":[0-9]{4}\}\n',
        ]
        assert any(re.fullmatch(shape, line) for shape in shapes), line


def told_of_each(upload, timecodes):
    """BUFFERING, RECEIVED and PERSISTED of each fragment, each in this order, and the order of fragments kept."""
    lines_are_exact(upload)
    numbers = {}
    for event in ["BUFFERING", "RECEIVED", "PERSISTED"]:
        acks = upload.events(event)
        equal([ack["FragmentTimecode"] for ack in acks], timecodes, f"timecodes of {event}")
        numbers[event] = [ack["FragmentNumber"] for ack in acks]
    equal(numbers["RECEIVED"], numbers["BUFFERING"], "numbers of RECEIVED")
    equal(numbers["PERSISTED"], numbers["BUFFERING"], "numbers of PERSISTED")
    equal(numbers["BUFFERING"], sorted(set(numbers["BUFFERING"])), "numbers in order")
    for number in numbers["BUFFERING"]:
        events = [ack["EventType"] for ack in upload.acks if ack.get("FragmentNumber") == number]
        equal(events, ["BUFFERING", "RECEIVED", "PERSISTED"], f"acks of {number}")
    equal(len(upload.acks), 3 * len(timecodes), "acks")
    return numbers["BUFFERING"]


@check
def a_small_upload_is_acknowledged_line_by_line_and_read_back():
    create("small")
    clusters = [mkv.cluster(at, mkv.frames(at, 5)) for at in (1_700_000_000_000, 1_700_000_000_100)]
    with Upload(name="small") as upload:
        equal(upload.until_status(), 200, "status before any of the body")
        equal(upload.headers.get("transfer-encoding"), "chunked", "transfer encoding")
        assert upload.headers.get("x-amzn-requestid"), upload.headers
        upload.send_in_pieces(mkv.document_head() + b"".join(clusters), 7)
        upload.finish()
        numbers = told_of_each(upload, [1_700_000_000_000, 1_700_000_000_100])
    found = read("small")
    equal([fragment.number for fragment in found], numbers, "numbers")
    equal([fragment.clusters for fragment in found], [[cluster] for cluster in clusters], "bytes of the clusters")
    equal([fragment.producer for fragment in found], ["1700000000.000", "1700000000.100"], "producer times")


@check
def a_fragment_is_persisted_while_the_upload_goes_on():
    create("ongoing")
    with Upload(name="ongoing") as upload:
        upload.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("a", 3)))
        upload.until_ack("BUFFERING")
        equal(upload.events("RECEIVED"), [], "RECEIVED of an open fragment")
        upload.send(mkv.cluster_head(2000))
        first = upload.until_ack("PERSISTED")[0]
        equal(first["FragmentTimecode"], 1000, "timecode")
        # The tag by which producers complete a fragment without the next one.
        upload.send(mkv.block(b"only") + mkv.tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""))
        equal(upload.until_ack("PERSISTED", 2)[1]["FragmentTimecode"], 2000, "timecode")
        upload.finish()
        told_of_each(upload, [1000, 2000])


@check
def acks_of_many_fragments_at_once_travel_one_by_one():
    create("many")
    timecodes = [index * 20 for index in range(200)]
    clusters = b"".join(mkv.cluster(at, mkv.frames(at, 1, 16)) for at in timecodes)
    with Upload(name="many") as upload:
        upload.send(mkv.document_head() + clusters)
        upload.finish()
        told_of_each(upload, timecodes)
        equal(len(upload.chunks), len(upload.acks), "chunks")


@check
def a_stream_is_named_by_its_name_or_its_arn_but_not_both():
    arn = create("either")
    file = mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2))
    assert put(file, name="either")[-1]["EventType"] == "PERSISTED"
    assert put(file, arn=arn)[-1]["EventType"] == "PERSISTED"
    for named in [{"name": "either", "arn": arn}, {}]:
        with Upload(**named) as upload:
            equal(upload.until_status(), 400, f"status of {named}")
            upload.until_end()
            equal(upload.error_type, "InvalidArgumentException", "type")
            assert b'{"Message":"' in upload.body, upload.body
            assert upload.headers.get("x-amzn-requestid"), upload.headers
    for headers in [
        {"x-amzn-fragment-timecode-type": "SIDEWAYS"},
        {"x-amzn-producer-start-timestamp": "yesterday"},
    ]:
        with Upload(name="either", timecodes="RELATIVE", headers=headers) as upload:
            equal((upload.until_status(), upload.error_type), (400, "InvalidArgumentException"), f"{headers}")


@check
def an_unknown_stream_is_not_found():
    unknown = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/unknown/1598784211076"
    for named in [{"name": "unknown"}, {"arn": unknown}]:
        with Upload(**named) as upload:
            equal((upload.until_status(), upload.error_type), (404, "ResourceNotFoundException"), f"{named}")
            upload.until_end()
            equal(upload.body, b'{"Message":"The requested stream is not found or not active."}', "body")


@check
def expect_100_continue_is_answered_and_a_refusal_comes_instead_of_it():
    create("expected")
    with Upload(name="expected", expect=True) as upload:
        equal(upload.until_interim(), 100, "interim answer")
        upload.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2)))
        upload.finish()
        told_of_each(upload, [1000])
    for named, status in [
        ({"name": "unknown"}, 404),
        ({}, 400),
        ({"name": "expected", "credentials": Credentials("TYMPANDEV", "another secret")}, 403),
    ]:
        with Upload(expect=True, **named) as upload:
            equal(upload.until_status(), status, f"status of {named}")
            equal(upload.interim, [], "100 Continue before a refusal")


@check
def every_way_of_signing_a_streamed_body_is_accepted():
    create("signed")
    file = mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2))
    for settings in [
        {"payload": UNSIGNED},
        # The C producer: an empty body is hashed, every header signed, the port left out of Host.
        {"payload": EMPTY},
        {"payload": EMPTY, "host": "127.0.0.1", "signer": AllHeaders},
        # The Java SDK v1: the literal of the chunked signature, and no such chunks.
        {"payload": STREAMING},
    ]:
        assert put(file, name="signed", **settings)[-1]["EventType"] == "PERSISTED", settings


@check
def a_producer_that_signs_the_hash_of_its_body_is_held_to_it():
    create("hashed")
    file = mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2))
    acks = put(file, name="hashed", payload=hashlib.sha256(file).hexdigest())
    equal(acks[-1]["EventType"], "PERSISTED", "the last ack of the body that was signed")
    acks = put(file.replace(b"x:0|", b"y:0|"), name="hashed", payload=hashlib.sha256(file).hexdigest())
    equal((acks[-1]["EventType"], acks[-1].get("ErrorId")), ("ERROR", 4000), "the last ack of another body")
    equal([fragment.timecode for fragment in read("hashed")], [1000], "what is kept")


@check
def relative_timecodes_count_from_the_start_and_are_acknowledged_as_they_are():
    create("relative")
    file = mkv.document_head() + mkv.cluster(0, mkv.frames("a", 2)) + mkv.cluster(2000, mkv.frames("b", 2))
    acks = put(file, name="relative", timecodes="RELATIVE", start="1700000000.513")
    equal(sorted({ack["FragmentTimecode"] for ack in acks}), [0, 2000], "timecodes")
    found = read("relative")
    equal([fragment.producer for fragment in found], ["1700000000.513", "1700000002.513"], "producer times")
    equal([fragment.timecode for fragment in found], [0, 2000], "timecodes of the clusters")


@check
def without_retention_received_is_the_last_word():
    create("forgetful", hours=0)
    with Upload(name="forgetful") as upload:
        upload.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2)))
        upload.finish()
        lines_are_exact(upload)
        equal([ack["EventType"] for ack in upload.acks], ["BUFFERING", "RECEIVED"], "acks")


@check
def a_producer_that_wants_no_acks_gets_none():
    create("deaf")
    headers = {"x-amzn-fragment-acknowledgment-required": "0"}
    equal(put(mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2)), name="deaf", headers=headers), [], "acks")
    equal(len(read("deaf")), 1, "fragments")


@check
def what_was_complete_survives_a_cut_connection():
    create("cut")
    with Upload(name="cut") as upload:
        whole = mkv.cluster(1000, mkv.frames("whole", 3))
        upload.send(mkv.document_head() + whole + mkv.cluster_head(2000) + mkv.block(b"y" * 100)[:50])
        upload.until_ack("PERSISTED")
        upload.cut()
    equal([fragment.clusters for fragment in read("cut")], [[whole]], "what is kept")
    after = put(mkv.document_head() + mkv.cluster(3000, mkv.frames("next", 3)), name="cut")
    assert after[-1]["EventType"] == "PERSISTED", after
    equal([fragment.timecode for fragment in read("cut")], [1000, 3000], "timecodes")


# What is sent after a good fragment, and the ack that ends the session. 4003 needs a short lifetime: sdk_limits.py;
# 4005 is deprecated and never sent; 4008 is below.
BREACHES = {
    "4001 MAX_FRAGMENT_SIZE_REACHED": lambda: (
        mkv.cluster_head(2000) + b"".join(mkv.block(bytes(1 << 20), index) for index in range(51))
    ),
    "4002 MAX_FRAGMENT_DURATION_REACHED": lambda: (
        mkv.cluster_head(2000) + mkv.block(b"x") + mkv.block(b"y", 20_001)
    ),
    "4004 FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS": lambda: mkv.cluster(999, mkv.frames("x", 2)),
    "4006 INVALID_MKV_DATA": lambda: mkv.cluster_head(2000) + bytes(64),
    "4007 INVALID_PRODUCER_TIMESTAMP": lambda: mkv.cluster(2**63, mkv.frames("x", 2)),
    "4009 FRAGMENT_METADATA_LIMIT_REACHED": lambda: (
        mkv.cluster(2000, mkv.frames("x", 2)) + b"".join(mkv.tag(f"tag-{index}", "v") for index in range(11))
    ),
    "4010 TRACK_NUMBER_MISMATCH": lambda: mkv.cluster(2000, mkv.frames("x", 2), track=2),
    "4011 FRAMES_MISSING_FOR_TRACK": lambda: mkv.cluster(2000, mkv.frames("x", 2)) + mkv.cluster_head(3000),
    "4012 MORE_THAN_ALLOWED_TRACKS_FOUND": lambda: b"",
}


@check
def each_breach_ends_the_session_and_the_next_upload_succeeds():
    for breach, sent in BREACHES.items():
        id, code = breach.split()
        name = f"breach-{id}"
        create(name)
        # What is wrong with the tracks of a document is wrong from its first fragment on, or from its second.
        tracks = {"4011": (1, 2), "4012": (1, 2, 3, 4)}.get(id, (1,))
        good = mkv.cluster_head(1000) + b"".join(mkv.block(b"good", 0, track) for track in tracks)
        kept = [] if id == "4012" else [1000]
        with Upload(name=name) as upload:
            upload.send(mkv.document_head(tracks) + good)
            try:
                upload.send_in_pieces(sent(), 1 << 20)
            except OSError:
                # The server may close before the whole is sent.
                pass
            acks = upload.until_end()
            lines_are_exact(upload)
            equal([ack["EventType"] for ack in acks].count("ERROR"), 1, f"errors of {breach}")
            equal((acks[-1]["ErrorId"], acks[-1]["ErrorCode"]), (int(id), code), "the last ack")
            # The fate of the good fragment is told first.
            equal([ack["FragmentTimecode"] for ack in upload.events("PERSISTED")], kept, f"{breach}: persisted")
        again = put(mkv.document_head() + mkv.cluster(5000, mkv.frames("again", 2)), name=name)
        equal(again[-1]["EventType"], "PERSISTED", f"the upload after {breach}")
        equal([fragment.timecode for fragment in read(name)], [*kept, 5000], f"{breach}: what is kept")


@check
def tracks_are_declared_used_and_at_most_three():
    create("tracks")
    for tracks, expected in [((1, 2), 4011), ((1, 2, 3, 4), 4012)]:
        with Upload(name="tracks") as upload:
            upload.send(mkv.document_head(tracks) + mkv.cluster(1000, mkv.frames("x", 2)))
            if expected == 4011:
                acks = upload.finish()
            else:
                acks = upload.until_end()
            equal(acks[-1].get("ErrorId"), expected, f"the last ack with tracks {tracks}")
    one_of_each = mkv.cluster_head(1000) + b"".join(mkv.block(b"x", 0, track) for track in (1, 2, 3))
    acks = put(mkv.document_head((1, 2, 3)) + one_of_each, name="tracks")
    equal(acks[-1]["EventType"], "PERSISTED", "the last ack")


@check
def numbers_carry_the_servers_time_and_each_session_begins_its_own_thousand():
    create("numbered")
    sequences = []
    for session in range(3):
        begun = time.time() * 1000
        file = mkv.document_head() + b"".join(mkv.cluster(at, mkv.frames("x", 1)) for at in (1000, 2000))
        acks = put(file, name="numbered")
        for number in [int(ack["FragmentNumber"]) for ack in acks if ack["EventType"] == "PERSISTED"]:
            equal(number >> 156, 1, "the leading bit")
            sequences.append((number >> 92) & (1 << 64) - 1)
            at = (number >> 28) & (1 << 64) - 1
            assert begun - 2000 < at < time.time() * 1000 + 2000, (begun, at)
    equal(sequences, [1, 2, 1001, 1002, 2001, 2002], "sequence numbers")
    for fragment in read("numbered"):
        equal((int(fragment.number) >> 28) & (1 << 64) - 1, ms(fragment.server), "time in the number")


@check
def the_c_producers_recording_goes_in_and_comes_out():
    replay("c-producer-aac-relative.mkv", timecodes="RELATIVE", start="1700000000.5")


@check
def kvssinks_recording_goes_in_and_comes_out():
    replay("kvssink-alaw-absolute.mkv")


@check
def ffmpegs_file_goes_in_and_comes_out():
    replay("ffmpeg-h264.mkv", timecodes="RELATIVE", start="1700000000.000")


def replay(recording, **settings):
    """Uploads a recording cut into many sizes of pieces; every cluster comes back byte for byte."""
    file = ground_truth(f"putmedia/{recording}")
    ebml, head, clusters = mkv.input_clusters(file)
    for size in (65536, 1000, 137):
        if len(file) / size > 5000:
            continue
        name = f"{recording}-{size}"
        create(name)
        with Upload(name=name, **settings) as upload:
            upload.send_in_pieces(file, size)
            upload.finish()
            timecodes = [ack["FragmentTimecode"] for ack in upload.events("PERSISTED")]
            told_of_each(upload, timecodes)
        found = read(name)
        equal(len(found), len(clusters), "fragments")
        for fragment, cluster, timecode in zip(found, clusters, timecodes):
            assert fragment.clusters == [cluster], f"{fragment.number}: the cluster was changed"
            equal(fragment.timecode, timecode, "timecode")
            assert fragment.raw.startswith(ebml), "the EBML header was changed"
            equal(fragment.segment_header, b"\x18\x53\x80\x67" + mkv.UNKNOWN_8, "Segment")
            assert head in fragment.raw, "Info, Tracks and what follows them were changed"


@check
def uploads_overlap_while_a_producer_renews_its_token():
    create("rotated")
    with Upload(name="rotated") as old, Upload(name="rotated") as new:
        old.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("old", 2)))
        old.until_ack("BUFFERING")
        new.send(mkv.document_head() + mkv.cluster(2000, mkv.frames("new", 2)))
        new.until_ack("BUFFERING")
        for upload, timecodes in [(old, [1000]), (new, [2000])]:
            upload.finish()
            told_of_each(upload, timecodes)
    found = read("rotated")
    equal(sorted(fragment.timecode for fragment in found), [1000, 2000], "timecodes")
    equal(len({fragment.number for fragment in found}), 2, "numbers")


@check
def a_connection_serves_one_upload_after_another():
    create("reused")
    with Upload(name="reused") as first:
        first.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("a", 2)))
        first.finish()
        with Upload(name="reused", connection=first) as second:
            second.send(mkv.document_head() + mkv.cluster(2000, mkv.frames("b", 2)))
            second.finish()
            told_of_each(second, [2000])
    equal([fragment.timecode for fragment in read("reused")], [1000, 2000], "timecodes")


@check
def a_body_of_known_length_is_taken_too():
    create("whole")
    file = mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2))
    headers = {"Content-Length": str(len(file)), "Transfer-Encoding": None}
    with Upload(name="whole", headers=headers) as upload:
        upload.send_raw(file)
        upload.until_end()
        told_of_each(upload, [1000])


@check
def a_body_that_is_not_chunked_as_it_says_harms_nothing_else():
    create("misframed")
    with Upload(name="misframed") as good, Upload(name="misframed") as bad:
        good.send(mkv.document_head() + mkv.cluster_head(1000) + mkv.block(b"first"))
        bad.until_status()
        bad.send_raw(b"these are no chunks\r\n" * 100)
        # Its answer ends or its connection is closed: either will do.
        eventually(lambda: bad.ended or bad.failure)
        good.send(mkv.block(b"second", 20))
        good.finish()
        told_of_each(good, [1000])
    equal([fragment.audio for fragment in read("misframed")], [b"firstsecond"], "payloads")


@check
def a_deleted_stream_ends_its_uploads():
    arn = create("deleted")
    with Upload(name="deleted") as upload:
        upload.send(mkv.document_head() + b"".join(mkv.cluster(at, mkv.frames("x", 2)) for at in (1000, 2000)))
        upload.until_ack("PERSISTED")
        kvs.delete_stream(StreamARN=arn)
        timecodes = iter(range(3000, 1 << 40, 1000))

        def ended():
            try:
                upload.send(mkv.cluster(next(timecodes), mkv.frames("x", 2)))
            except OSError:
                pass
            return upload.ended

        eventually(ended)
        lines_are_exact(upload)
        equal(upload.acks[-1].get("ErrorId"), 4008, "the last ack")
    create("deleted")
    again = put(mkv.document_head() + mkv.cluster(5000, mkv.frames("again", 2)), name="deleted")
    equal(again[-1]["EventType"], "PERSISTED", "the upload to its successor")


@check
def a_refused_upload_that_does_not_wait_is_taken_to_its_end_and_reads_why():
    with Upload(name="unknown") as upload:
        upload.send_in_pieces(bytes(16 << 20), 1 << 20)
        upload.finish()
        equal((upload.status, upload.error_type), (404, "ResourceNotFoundException"), "answer")


if __name__ == "__main__":
    main()
