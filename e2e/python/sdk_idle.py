"""A PutMedia connection that falls silent: the server under test tells it after 500 ms and closes it after 3 s."""

import time

import sdk_matroska as mkv
from sdk_check import aws, check, equal, main
from sdk_upload import Upload, put

kvs = aws("kinesisvideo")


@check
def silence_is_told_and_then_ends_the_session():
    kvs.create_stream(StreamName="idle", DataRetentionInHours=1)
    with Upload(name="idle") as upload:
        upload.send(mkv.document_head() + mkv.cluster(1000, mkv.frames("x", 2)))
        silent_since = time.monotonic()
        upload.until_ack("IDLE", 2)
        acks = upload.until_end()
        waited_s = time.monotonic() - silent_since
    assert waited_s >= 2.9, f"closed after {waited_s} s"
    assert 3 <= len(upload.events("IDLE")) <= 6, acks
    idle = [chunk.bytes for chunk in upload.chunks if b"IDLE" in chunk.bytes]
    equal(set(idle), {b'{"EventType":"IDLE"}\n'}, "the line")
    equal([ack for ack in acks if ack["EventType"] == "ERROR"], [], "errors")
    # A fragment of unknown size that was cut between two elements is kept.
    acks = put(mkv.document_head() + mkv.cluster(2000, mkv.frames("y", 2)), name="idle")
    equal(acks[-1]["EventType"], "PERSISTED", "the upload after it")


@check
def what_arrives_keeps_the_session_open():
    kvs.create_stream(StreamName="slow", DataRetentionInHours=1)
    with Upload(name="slow") as upload:
        upload.send(mkv.document_head() + mkv.cluster_head(1000))
        begun = time.monotonic()
        index = 0
        while time.monotonic() < begun + 4.5:
            upload.send(mkv.block(b"x", index * 20))
            index += 1
            # The pace of this producer, well within the limit.
            time.sleep(0.1)
        acks = upload.finish()
    events = [ack["EventType"] for ack in acks]
    equal([event for event in events if event != "IDLE"], ["BUFFERING", "RECEIVED", "PERSISTED"], "acks")


if __name__ == "__main__":
    main()
