"""The `aws` profile of limits through boto3 and by hand: the server under test has it, with a PutMedia lifetime of 2 s
and an overlap of half a second.
"""

import concurrent.futures
import time

import botocore.config
import sdk_matroska as mkv
from botocore.exceptions import ClientError
from sdk_check import aws, check, equal, eventually, main, typed
from sdk_upload import Upload, put

# An SDK that tries again by itself would hide what is tested.
once = botocore.config.Config(retries={"total_max_attempts": 1})
kvs = aws("kinesisvideo", config=once)


def create(name, hours=24):
    return kvs.create_stream(StreamName=name, DataRetentionInHours=hours)["StreamARN"]


def codes(calls):
    """The error codes of calls made all at once."""

    def code(call):
        try:
            call()
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "ok"

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(code, calls))


@check
def a_sixth_call_within_a_second_is_throttled_as_a_modelled_exception():
    create("asked")
    seen = codes([lambda: kvs.list_tags_for_stream(StreamName="asked")] * 24)
    assert seen.count("ok") < 24, seen
    equal(set(seen), {"ok", "ClientLimitExceededException"}, "codes")

    def throttled():
        try:
            kvs.list_tags_for_stream(StreamName="asked")
        except kvs.exceptions.ClientLimitExceededException as error:
            return error
        return None

    error = eventually(throttled)
    equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 400, "status")
    eventually(lambda: throttled() is None)


@check
def a_second_upload_to_a_stream_is_refused_and_one_after_the_first_is_not():
    create("uploaded")
    with Upload(name="uploaded") as first:
        first.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("a", 2)))
        first.until_ack("BUFFERING")
        with Upload(name="uploaded") as second:
            second.send(mkv.document_head() + mkv.cluster(2000, mkv.frames("b", 2)))
            seen = (second.until_status(), second.error_type)
            equal(seen, (400, "ConnectionLimitExceededException"), "the second upload")
        # A producer that renews its token: the next connection is there before the last one has ended.
        with Upload(name="uploaded") as third:
            third.send(mkv.document_head() + mkv.cluster(3000, mkv.frames("c", 2)))
            first.finish()
            third.until_ack("BUFFERING")
            acks = third.finish()
    equal(acks[-1]["EventType"], "PERSISTED", "the last ack of the third upload")
    equal([ack["FragmentTimecode"] for ack in first.events("PERSISTED")], [1000], "the first upload finishes")


@check
def a_fourth_reader_of_a_stream_is_refused():
    create("read")
    endpoint = kvs.get_data_endpoint(StreamName="read", APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint, config=once)
    with Upload(name="read") as upload:
        upload.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("a", 2)))
        upload.until_ack("BUFFERING")
        now = {"StreamName": "read", "StartSelector": {"StartSelectorType": "NOW"}}
        readers = [media.get_media(**now)["Payload"] for _ in range(3)]
        with typed(media, "ConnectionLimitExceededException"):
            media.get_media(**now)
        readers.pop().close()

        def again():
            try:
                return media.get_media(**now)["Payload"]
            except media.exceptions.ConnectionLimitExceededException:
                return None
            except media.exceptions.ClientLimitExceededException:
                return None

        eventually(again)


@check
def an_upload_ends_with_4003_after_its_lifetime_and_the_next_one_succeeds():
    create("lasting")
    with Upload(name="lasting") as upload:
        timecode = 1000
        upload.send(mkv.document_head() + mkv.cluster(timecode, mkv.frames("x", 2)))
        begun = time.monotonic()

        def ended():
            nonlocal timecode
            timecode += 1000
            try:
                upload.send(mkv.cluster(timecode, mkv.frames("x", 2)))
            except OSError:
                pass
            # The pace of this producer: fragments have a rate too.
            time.sleep(0.3)
            return upload.ended

        eventually(ended)
        assert time.monotonic() - begun >= 2, "it ended before its time"
        last = upload.acks[-1]
        equal((last["EventType"], last.get("ErrorId")), ("ERROR", 4003), "the last ack")
        equal(last["ErrorCode"], "MAX_CONNECTION_DURATION_REACHED", "code")
        received, persisted = upload.events("RECEIVED"), upload.events("PERSISTED")
        equal(len(persisted), len(received), "what was received is persisted")
    again = put(mkv.document_head() + mkv.cluster(9000, mkv.frames("x", 2)), name="lasting")
    equal(again[-1]["EventType"], "PERSISTED", "the next upload")


if __name__ == "__main__":
    main()
