"""Each fault of the emulator, and what boto3 or a producer makes of it."""

import email.utils
import time

import botocore.exceptions
import sdk_matroska as mkv
from sdk_check import aws, check, equal, eventually, main, refused, typed
from sdk_emulator import START_MS, arm, control, document, done, drain, fired, once, stored
from sdk_upload import Upload, put

kvs = aws("kinesisvideo")
plain = once("kinesisvideo")
media = once("kinesis-video-media")
archived = once("kinesis-video-archived-media")
connect = once("connect")


def get(name, client=media):
    selector = {"StartSelectorType": "EARLIEST"}
    return client.get_media(StreamName=name, StartSelector=selector)["Payload"]


def timecodes(name):
    return [fragment.timecode for fragment in mkv.fragments(get(name).read())]


@check
def throttling_is_typed_and_ends_by_itself():
    kvs.create_stream(StreamName="throttled")
    rule = arm({"kind": "throttle"}, operation="DescribeStream", times=2)
    for _ in range(2):
        with typed(plain, "ClientLimitExceededException"):
            plain.describe_stream(StreamName="throttled")
    plain.describe_stream(StreamName="throttled")
    equal(fired(rule), 2, "struck requests")
    rule = arm({"kind": "throttle"}, operation="ListInstances", times=1)
    with refused("ThrottlingException", 429):
        connect.list_instances()
    connect.list_instances()


@check
def retries_of_an_unmodified_client_get_through():
    # boto3 tries three times by default.
    rule = arm({"kind": "http_status", "status": 503}, operation="ListStreams", times=2)
    kvs.list_streams()
    equal(fired(rule), 2, "tries that failed")
    arm({"kind": "http_status", "status": 503}, operation="ListStreams", times=1)
    try:
        plain.list_streams()
    except botocore.exceptions.ClientError as error:
        seen = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        equal(seen, ("503", 503), "what boto3 makes of it")
    else:
        raise AssertionError("the call succeeded")


@check
def a_modelled_error_is_raised_as_its_class():
    for code, status in [
        ("ResourceNotFoundException", 404),
        ("NotAuthorizedException", 401),
        ("InvalidArgumentException", 400),
    ]:
        arm({"kind": "error", "code": code, "message": "as told"}, operation="GetDataEndpoint", times=1)
        with typed(plain, code, status) as refusal:
            plain.get_data_endpoint(StreamName="any", APIName="GET_MEDIA")
        equal(refusal.message, "as told", "message")
    arm({"kind": "error", "code": "ConnectionLimitExceededException"}, operation="GetMedia", times=1)
    with typed(media, "ConnectionLimitExceededException"):
        get("any")
    arm({"kind": "error", "code": "SomethingException", "status": 418}, operation="ListStreams", times=1)
    with refused("SomethingException", 418):
        plain.list_streams()


@check
def an_answer_is_late():
    arm({"kind": "delay", "ms": 700}, operation="ListStreams", times=1)
    begun = time.monotonic()
    plain.list_streams()
    assert time.monotonic() - begun >= 0.7


@check
def a_session_expires():
    arm({"kind": "expired_token"}, operation="ListStreams", times=1)
    with refused("ExpiredTokenException", 403):
        plain.list_streams()
    plain.list_streams()


@check
def clocks_are_apart():
    for ms in [3_600_000, -3_600_000]:
        arm({"kind": "clock_skew", "ms": ms}, operation="ListStreams", times=1)
        with refused("InvalidSignatureException", 403) as refusal:
            plain.list_streams()
        date = refusal.response["ResponseMetadata"]["HTTPHeaders"]["date"]
        shown = email.utils.parsedate_to_datetime(date).timestamp()
        assert abs(shown - time.time() - ms / 1000) < 60, f"the Date header shows {date}"
        wanted = "Signature expired" if ms > 0 else "Signature not yet current"
        assert refusal.message.startswith(wanted), refusal.message


@check
def the_quota_is_reached():
    arm({"kind": "quota_reached"}, stream="one-too-*", times=1)
    kvs.create_stream(StreamName="one-that-fits")
    with typed(plain, "AccountStreamLimitExceededException"):
        plain.create_stream(StreamName="one-too-many")
    plain.create_stream(StreamName="one-too-many")


@check
def a_connection_is_reset_instead_of_an_answer():
    arm({"kind": "reset"}, operation="ListStreams", times=1)
    try:
        plain.list_streams()
    except botocore.exceptions.ConnectionClosedError as error:
        assert "reset" in str(error.kwargs["error"]).lower(), error.kwargs
    else:
        raise AssertionError("the call succeeded")
    plain.list_streams()


@check
def a_body_is_reset_in_the_midst_of_a_fragment():
    times, _ = stored(kvs, "reset")
    rule = arm({"kind": "reset", "at": {"fragments": 2}}, operation="GetMedia", stream="reset", times=1)
    got, error = drain(get("reset"), 1)
    assert isinstance(error, botocore.exceptions.ResponseStreamingError), repr(error)
    assert "reset" in str(error).lower(), error
    equal(fired(rule), 1, "struck bodies")
    equal(whole_before(got), 2, "whole fragments")
    equal(timecodes("reset"), times, "what the next reader gets")


def whole_before(got):
    """How many whole fragments there are before a cut, which is one byte into the first frame of another."""
    *whole, last = got.split(bytes.fromhex("1A45DFA3"))[1:]
    first_frame = mkv.block(b"", 0)[-4:] + str(START_MS).encode()[:1]
    assert last.endswith(first_frame), last[-16:]
    return len(whole)


@check
def a_body_ends_too_early_in_good_order():
    stored(kvs, "truncated")
    for count in [0, 1, 3]:
        arm({"kind": "truncate", "at": {"fragments": count}}, operation="GetMedia", times=1)
        got, error = drain(get("truncated"))
        assert error is None, repr(error)
        equal(whole_before(got), count, "whole fragments")
    arm({"kind": "truncate", "at": {"bytes": 777}}, operation="GetMedia", times=1)
    equal(len(get("truncated").read()), 777, "bytes")


@check
def a_live_body_is_cut_at_the_same_place():
    times = [START_MS + index * 1000 for index in range(5)]
    kvs.create_stream(StreamName="live", DataRetentionInHours=1)
    arm({"kind": "truncate", "at": {"fragments": 1}}, operation="GetMedia", stream="live", times=1)
    with Upload(name="live") as upload:
        payload = get("live")
        file = document(times)
        upload.send_in_pieces(file, 50)
        got, error = drain(payload)
        assert error is None, repr(error)
        equal(whole_before(got), 1, "whole fragments")
        upload.finish()


@check
def a_fragment_list_is_cut_too():
    _, numbers = stored(kvs, "listed")
    arm({"kind": "truncate", "at": {"fragments": 1}}, operation="GetMediaForFragmentList", times=1)
    answer = archived.get_media_for_fragment_list(StreamName="listed", Fragments=numbers)
    got, error = drain(answer["Payload"])
    assert error is None, repr(error)
    equal(whole_before(got), 1, "whole fragments")
    whole = archived.get_media_for_fragment_list(StreamName="listed", Fragments=numbers)["Payload"].read()
    assert whole.startswith(got) and len(got) < len(whole), (len(got), len(whole))


@check
def a_body_stalls_and_goes_on_without_loss():
    times, _ = stored(kvs, "stalled")
    arm({"kind": "stall", "ms": 800, "at": {"fragments": 1}}, operation="GetMedia", times=1)
    begun = time.monotonic()
    equal([fragment.timecode for fragment in mkv.fragments(get("stalled").read())], times, "timecodes")
    assert time.monotonic() - begun >= 0.8


@check
def a_refused_key_is_told_within_the_body_and_in_an_ack():
    times, _ = stored(kvs, "keyed")
    for id, code in [(4500, "KMS_KEY_ACCESS_DENIED"), (4503, "KMS_KEY_UNAVAILABLE")]:
        arm({"kind": "kms_denied", "id": id}, operation="GetMedia", stream="keyed", times=1)
        (error,) = mkv.fragments(get("keyed").read())
        equal(error.tags["AWS_KINESISVIDEO_ERROR_ID"], str(id), "id")
        equal(error.tags["AWS_KINESISVIDEO_ERROR_CODE"], code, "code")
        arm({"kind": "kms_denied", "id": id}, operation="PutMedia", times=1)
        (ack,) = put(document([START_MS + 10_000]), name="keyed")
        equal(ack, {"EventType": "ERROR", "ErrorId": id, "ErrorCode": code}, "ack")
    equal(timecodes("keyed"), times, "what is stored")
    arm({"kind": "kms_denied"}, operation="CreateStream", times=1)
    with typed(plain, "InvalidArgumentException") as refusal:
        plain.create_stream(StreamName="keyless")
    assert "KMS key" in refusal.message, refusal.message


@check
def acks_are_late_and_none_is_lost():
    kvs.create_stream(StreamName="slow-acks", DataRetentionInHours=1)
    arm({"kind": "slow_acks", "ms": 600}, stream="slow-acks", times=1)
    with Upload(name="slow-acks") as upload:
        begun = time.monotonic()
        upload.send(document([START_MS, START_MS + 1000, START_MS + 2000]))
        acks = upload.finish()
        took = time.monotonic() - begun
    assert upload.chunks[0].at - begun >= 0.6
    events = sorted(ack["EventType"] for ack in acks)
    equal(events, ["BUFFERING"] * 3 + ["PERSISTED"] * 3 + ["RECEIVED"] * 3, "acks")
    # Each is late by so much, not each after the other.
    assert took < 9 * 0.6, took


@check
def an_upload_fails_at_the_chosen_fragment_however_it_is_sent():
    times = [START_MS + index * 1000 for index in range(5)]
    file = document(times)
    for size in [len(file), 100]:
        name = f"ack-error-{size}"
        kvs.create_stream(StreamName=name, DataRetentionInHours=1)
        arm({"kind": "ack_error", "id": 4002, "fragments": 2}, stream=name, times=1)
        with Upload(name=name) as upload:
            try:
                upload.send_in_pieces(file, size)
            except OSError:
                # The server does not read on after an error.
                pass
            acks = upload.until_end()
        equal([ack["FragmentTimecode"] for ack in acks if ack["EventType"] == "PERSISTED"], times[:2], "kept")
        error = acks[-1]
        seen = (error["EventType"], error["FragmentTimecode"], error["ErrorId"], error["ErrorCode"])
        equal(seen, ("ERROR", times[2], 4002, "MAX_FRAGMENT_DURATION_REACHED"), "the last ack")
        begun = [ack for ack in acks if ack["EventType"] == "BUFFERING"][-1]
        equal(error["FragmentNumber"], begun["FragmentNumber"], "the fragment that it is about")
        equal(timecodes(name), times[:2], "what is stored")
        # As after any error, the producer begins again with that fragment.
        put(document(times[2:]), name=name)
        equal(timecodes(name), times, "what is stored in the end")


@check
def an_upload_is_reset_in_the_midst_of_a_fragment():
    times = [START_MS + index * 1000 for index in range(5)]
    kvs.create_stream(StreamName="upload-reset", DataRetentionInHours=1)
    arm({"kind": "reset", "at": {"fragments": 1}}, operation="PutMedia", times=1)
    with Upload(name="upload-reset") as upload:
        try:
            upload.send_in_pieces(document(times), 100)
        except OSError:
            pass
        eventually(lambda: upload.failure)
        assert "ConnectionResetError" in upload.failure, upload.failure

    def frames():
        return [(fragment.timecode, len(fragment.blocks)) for fragment in mkv.fragments(get("upload-reset").read())]

    # The frame that had come of the next fragment is not lost: it waits for an upload that goes on with it.
    eventually(lambda: frames() == [(times[0], 5), (times[1], 1)])


@check
def rules_count_pass_over_and_draw():
    kvs.create_stream(StreamName="counted")
    done("DELETE", "faults")

    def outcomes(count):
        seen = []
        for _ in range(count):
            try:
                plain.describe_stream(StreamName="counted")
                seen.append(True)
            except plain.exceptions.ClientLimitExceededException:
                seen.append(False)
        return seen

    arm({"kind": "throttle"}, operation="Describe*", stream="count*", after=2, times=1)
    equal(outcomes(5), [True, True, False, True, True], "answers")
    done("DELETE", "faults")
    draws = []
    for _ in range(2):
        rule = arm({"kind": "throttle"}, operation="DescribeStream", probability=0.5, seed=11)
        draws.append(outcomes(20))
        equal(fired(rule), draws[-1].count(False), "counted")
        equal(done("DELETE", f"faults/{rule}"), {"removed": 1}, "answer")
    equal(draws[0], draws[1], "the same seed")
    assert len(set(draws[0])) == 2, draws[0]
    # Another stream, another operation: nothing happens to them.
    arm({"kind": "throttle"}, operation="DescribeStream", stream="other")
    equal(outcomes(2), [True, True], "answers")
    arn = plain.describe_stream(StreamName="counted")["StreamInfo"]["StreamARN"]
    arm({"kind": "throttle"}, operation="DescribeStream", stream="counted", times=1)
    with typed(plain, "ClientLimitExceededException"):
        plain.describe_stream(StreamARN=arn)


@check
def mistakes_are_refused_with_what_would_do():
    for rule, wanted in [
        ({"fault": {"kind": "melt"}}, "throttle"),
        ({"fault": {"kind": "throttle"}, "tims": 1}, "times"),
        ({"operation": "GetMedia", "fault": {"kind": "slow_acks", "ms": 1}}, "PutMedia"),
        ({"fault": {"kind": "error", "code": "NoSuchException"}}, "status"),
        ({"faults": [{"fault": {"kind": "throttle"}}, {"fault": {"kind": "ack_error", "id": 1}}]}, "ErrorId"),
        (b"{", "EOF"),
    ]:
        status, answer = control("POST", "faults", rule)
        equal(status, 400, f"status for {rule}")
        assert wanted in answer["Message"], answer
    done("DELETE", "faults")
    equal(done("GET", "faults"), {"faults": []}, "rules")
    equal(control("DELETE", "faults/7")[0], 404, "a rule that is not there")
    equal(control("PUT", "faults", {})[0], 405, "a method that is not there")


@check
def web_pages_have_no_business_here():
    for origin in ("https://example.com", "http://localhost:3000", "null"):
        status, answer = control("POST", "reset", {}, {"Origin": origin})
        equal(status, 403, f"status for {origin}")
        assert "web page" in answer["Message"], answer


@check
def the_controls_describe_themselves_and_count():
    described = done("GET", "")
    names = {call["call"] for call in described["calls"]}
    assert {"POST /_tympan/reset", "POST /_tympan/clock", "POST /_tympan/faults"} <= names, names
    for kind, members in described["faults"].items():
        arm({"kind": kind, **members}, times=0)
    equal(done("DELETE", "faults"), {"removed": len(described["faults"])}, "answer")
    stored(kvs, "flushed", 3)
    flushed = done("POST", "flush")
    equal(flushed["fragments_in_journal"], 0, "fragments in no chunk")
    state = done("GET", "state")
    equal(state["streams"], len(kvs.list_streams()["StreamInfoList"]), "streams")
    equal((state["calls"], state["faults"]), (0, 0), "calls and faults")


if __name__ == "__main__":
    main()
