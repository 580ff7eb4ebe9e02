"""What is found again after the server ended: `write` makes it end while it is busy, `read` looks after the restart.

Arguments: a file that holds what was written; for `write` also the server's process id and the signal, KILL or TERM.
"""

import json
import os
import pathlib
import signal

import sdk_matroska as mkv
from sdk_check import argument, aws, check, equal, eventually, main, typed
from sdk_documents import flow, media_streams
from sdk_upload import Upload, put

START_MS = 1_700_000_000_000

kvs = aws("kinesisvideo")
connect = aws("connect")


def notes():
    return pathlib.Path(argument(0))


def fragments(name):
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint)
    body = media.get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()
    return mkv.fragments(body)


def described(instance, association, number, flow_id):
    """Everything that was set, as the server shows it."""
    named = {"InstanceId": instance}
    return {
        "instance": connect.describe_instance(**named)["Instance"],
        "storage": connect.describe_instance_storage_config(
            AssociationId=association, ResourceType="MEDIA_STREAMS", **named
        )["StorageConfig"],
        "flow": connect.describe_contact_flow(ContactFlowId=flow_id, **named)["ContactFlow"],
        "functions": connect.list_lambda_functions(**named)["LambdaFunctions"],
        "number": connect.describe_phone_number(PhoneNumberId=number)["ClaimedPhoneNumberSummary"],
        "instances": connect.list_instances()["InstanceSummaryList"],
    }


def plain(value):
    """As JSON keeps it."""
    return json.loads(json.dumps(value, default=str))


@check
def write():
    kvs.create_stream(StreamName="kept", DataRetentionInHours=24, MediaType="audio/L16", Tags={"team": "voice"})
    gone = kvs.create_stream(StreamName="gone", DataRetentionInHours=24)["StreamARN"]
    file = mkv.document_head() + b"".join(
        mkv.cluster(START_MS + index * 1000, mkv.frames(index, 5)) + mkv.tag("ContactId", f"contact-{index}")
        for index in range(20)
    )
    acks = put(file, name="kept")
    put(file, name="gone")
    kvs.create_stream(StreamName="unretained")
    put(file, name="unretained")
    kvs.delete_stream(StreamARN=gone)
    instance = connect.create_instance(
        InstanceAlias="kept",
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=False,
    )["Id"]
    association = connect.associate_instance_storage_config(
        InstanceId=instance, ResourceType="MEDIA_STREAMS", StorageConfig=media_streams("kept", 12)
    )["AssociationId"]
    function = "arn:aws:lambda:us-west-2:111122223333:function:kept"
    connect.associate_lambda_function(InstanceId=instance, FunctionArn=function)
    flow_id = connect.create_contact_flow(InstanceId=instance, Name="kept", Type="CONTACT_FLOW", Content=flow())
    flow_id = flow_id["ContactFlowId"]
    number = connect.claim_phone_number(InstanceId=instance, PhoneNumber="+4930901820")["PhoneNumberId"]
    connect.associate_phone_number_contact_flow(PhoneNumberId=number, InstanceId=instance, ContactFlowId=flow_id)
    # The sample flow of --dev is changed, and stays so.
    demo = next(one for one in connect.list_instances()["InstanceSummaryList"] if one["InstanceAlias"] == "demo")["Id"]
    flows = connect.list_contact_flows(InstanceId=demo)["ContactFlowSummaryList"]
    sample = next(one["Id"] for one in flows if one["Name"] == "Sample")
    connect.update_contact_flow_content(InstanceId=demo, ContactFlowId=sample, Content=flow("changed"))
    ids = {"instance": instance, "association": association, "number": number, "flow_id": flow_id}
    written = {
        "ids": ids,
        "settings": described(**ids),
        "stream": kvs.describe_stream(StreamName="kept")["StreamInfo"],
        "demo": [demo, sample],
    }
    # An upload runs when the server ends: one fragment is persisted, one open.
    with Upload(name="kept") as upload:
        upload.send(mkv.document_head() + mkv.cluster(START_MS + 60_000, mkv.frames("last", 5)))
        upload.send(mkv.cluster_head(START_MS + 61_000) + mkv.block(b"open"))
        acks += upload.until_ack("PERSISTED")
        equal(len(upload.until_ack("BUFFERING", 2)), 2, "fragments begun")
        os.kill(int(argument(1)), getattr(signal, "SIG" + argument(2)))
        if argument(2) == "TERM":
            # A server that is asked to end acknowledges no part: the producer sends the open fragment again.
            upload.until_end()
            told = [ack["EventType"] for ack in upload.acks if ack.get("FragmentTimecode") == START_MS + 61_000]
            assert "RECEIVED" not in told and "PERSISTED" not in told, told
        else:
            eventually(lambda: upload.failure)
    written["numbers"] = [ack["FragmentNumber"] for ack in acks if ack["EventType"] == "PERSISTED"]
    notes().write_text(json.dumps(written, default=str))


@check
def read():
    written = json.loads(notes().read_text())
    stream = plain(kvs.describe_stream(StreamName="kept")["StreamInfo"])
    equal(stream, written["stream"], "the stream")
    equal(kvs.list_tags_for_stream(StreamName="kept")["Tags"], {"team": "voice"}, "tags")
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.describe_stream(StreamName="gone")
    found = fragments("kept")
    # What was persisted is there, unchanged, and of the open fragment nothing.
    equal([fragment.number for fragment in found], written["numbers"], "numbers")
    for index, fragment in enumerate(found[:20]):
        equal(fragment.timecode, START_MS + index * 1000, "timecode")
        equal(fragment.audio, b"".join(mkv.frames(index, 5)), "payloads")
        equal(fragment.user_tags, {"ContactId": f"contact-{index}"}, "tags")
    equal(found[20].audio, b"".join(mkv.frames("last", 5)), "payloads of the last one")
    archived = aws("kinesis-video-archived-media")
    times = {"StartTimestamp": START_MS // 1000, "EndTimestamp": START_MS // 1000 + 100}
    listed = archived.list_fragments(
        StreamName="kept",
        FragmentSelector={"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": times},
    )["Fragments"]
    equal([one["FragmentNumber"] for one in listed], [fragment.number for fragment in found], "listed")
    acks = put(mkv.document_head() + mkv.cluster(START_MS + 120_000, mkv.frames("new", 2)), name="kept")
    last = int(found[-1].number)
    assert int(acks[-1]["FragmentNumber"]) >> 92 > last >> 92, f"a sequence number was used again: {acks}"
    equal(((int(acks[-1]["FragmentNumber"]) >> 92) & (1 << 64) - 1) % 1000, 1, "the beginning of a session")

    equal(kvs.describe_stream(StreamName="unretained")["StreamInfo"]["DataRetentionInHours"], 0, "retention")
    equal(fragments("unretained"), [], "what a stream without retention keeps")

    equal(plain(described(**written["ids"])), written["settings"], "settings")
    demo, sample = written["demo"]
    content = connect.describe_contact_flow(InstanceId=demo, ContactFlowId=sample)["ContactFlow"]["Content"]
    equal(content, flow("changed"), "the sample flow")


if __name__ == "__main__":
    main()
