"""A reset: the server is as after a start with an empty folder, behind the same sockets and open connections."""

import threading
import time

import sdk_matroska as mkv
from sdk_check import aws, check, equal, eventually, main
from sdk_documents import flow
from sdk_emulator import START_MS, arm, control, document, done, drain, stored
from sdk_upload import Upload, put

kvs = aws("kinesisvideo")
media = aws("kinesis-video-media")
connect = aws("connect")
# Far more than it takes: some ten milliseconds.
LIMIT_S = 5


def reset():
    begun = time.monotonic()
    equal(done("POST", "reset")["reset"], True, "answer")
    took_s = time.monotonic() - begun
    assert took_s < LIMIT_S, f"a reset took {took_s} s"


def provisioned():
    """What there is of Connect, ids aside."""
    found = []
    for instance in connect.list_instances()["InstanceSummaryList"]:
        flows = connect.list_contact_flows(InstanceId=instance["Id"])["ContactFlowSummaryList"]
        numbers = connect.list_phone_numbers_v2(TargetArn=instance["Arn"])["ListPhoneNumbersSummaryList"]
        found.append(
            (
                instance["InstanceAlias"],
                sorted(flow["Name"] for flow in flows),
                sorted(number["PhoneNumber"] for number in numbers),
            )
        )
    return found


@check
def everything_is_as_after_a_start():
    fresh = provisioned()
    instance = connect.list_instances()["InstanceSummaryList"][0]["Id"]
    connect.create_contact_flow(InstanceId=instance, Name="mine", Type="CONTACT_FLOW", Content=flow())
    connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="another",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=False,
    )
    assert provisioned() != fresh
    _, numbers = stored(kvs, "mine")
    arm({"kind": "throttle"}, operation="GetMedia")
    done("POST", "clock", {"advance": "3d"})
    reset()
    equal(provisioned(), fresh, "instances, flows and numbers")
    equal(kvs.list_streams()["StreamInfoList"], [], "streams")
    equal(done("GET", "faults"), {"faults": []}, "rules")
    equal(done("GET", "clock")["ahead_ms"], 0, "the clock")
    state = done("GET", "state")
    equal((state["streams"], state["calls"], state["fragments_stored"]), (0, 0, 0), "state")
    # The name is free, and its first number is that of a new stream.
    _, again = stored(kvs, "mine")
    equal(int(again[0]) >> 92, int(numbers[0]) >> 92, "the sequence number of the first fragment")


@check
def open_bodies_and_uploads_end_in_good_order():
    kvs.create_stream(StreamName="busy", DataRetentionInHours=1)
    with Upload(name="busy") as upload:
        payload = media.get_media(StreamName="busy", StartSelector={"StartSelectorType": "NOW"})["Payload"]
        upload.send(document([START_MS, START_MS + 1000]))
        upload.until_ack("PERSISTED")
        outcome = []
        reader = threading.Thread(target=lambda: outcome.append(drain(payload)))
        reader.start()
        reset()
        reader.join(LIMIT_S)
        assert outcome, "the body did not end"
        got, error = outcome[0]
        assert error is None, repr(error)
        assert mkv.document_head()[:4] == got[:4], got[:16]
        upload.until_end()
        equal([ack for ack in upload.acks if ack["EventType"] == "ERROR"], [], "errors")
    equal(kvs.list_streams()["StreamInfoList"], [], "streams")


def learns_of_its_end(upload, goes_on):
    """Whether a producer is told by an ERROR ack or a closed connection, whether it sends or is silent."""
    upload._socket.settimeout(LIMIT_S)
    begun = time.monotonic()
    try:
        while time.monotonic() - begun < LIMIT_S:
            if upload.events("ERROR"):
                return True
            if goes_on:
                upload.send(bytes(1))
                time.sleep(0.01)
            elif upload.ended and upload._socket.recv(65536) == b"":
                return True
    except ConnectionError:
        return True
    except TimeoutError:
        pass
    return False


@check
def an_upload_in_mid_fragment_learns_that_it_is_over():
    for goes_on in (True, False):
        kvs.create_stream(StreamName="half", DataRetentionInHours=1)
        with Upload(name="half") as upload:
            # Half a frame of the second fragment is still to come: no ack says anything of it.
            upload.send(document([START_MS, START_MS + 1000])[:-100])
            upload.until_ack("PERSISTED")
            reset()
            assert learns_of_its_end(upload, goes_on), f"goes on: {goes_on}; acks: {upload.acks}"


@check
def requests_that_come_meanwhile_wait_and_are_answered():
    stop = threading.Event()
    failures, answers = [], []

    def ask():
        client = aws("kinesisvideo")
        while not stop.is_set():
            try:
                answers.append(client.list_streams()["StreamInfoList"])
            except Exception as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) > 4)
    for _ in range(5):
        reset()
    stop.set()
    for thread in threads:
        thread.join()
    equal(failures, [], "failures")


@check
def many_resets_leave_nothing_behind():
    for _ in range(10):
        kvs.create_stream(StreamName="again", DataRetentionInHours=1)
        put(document([START_MS]), name="again")
        reset()
    equal(done("GET", "state")["streams"], 0, "streams")


@check
def what_a_reset_does_not_take_is_refused():
    status, answer = control("POST", "reset", {"steams": True})
    equal(status, 400, "status")
    assert "steams" in answer["Message"], answer


if __name__ == "__main__":
    main()
