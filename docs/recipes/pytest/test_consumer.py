"""A consumer of media streams, and tests of what AWS never does on demand."""

import re
import struct

import botocore.exceptions
import pytest

# The consumer: what would be your own program.

TOKEN = re.compile(rb"AWS_KINESISVIDEO_CONTINUATION_TOKEN\x44\x87....(\d+)", re.DOTALL)


def fragments(media, stream, limit=5):
    """The numbers of all fragments of a stream, each once, however often the connection breaks."""
    seen = []
    for _ in range(limit):
        selector = {"StartSelectorType": "EARLIEST"}
        if seen:
            selector = {"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": seen[-1].decode()}
        body, broken = b"", False
        try:
            payload = media.get_media(StreamName=stream, StartSelector=selector)["Payload"]
            while piece := payload.read(256):
                body += piece
        except (botocore.exceptions.ResponseStreamingError, botocore.exceptions.ConnectionError):
            broken = True
        # A fragment counts once it is whole: its token stands at its end.
        seen += TOKEN.findall(body)
        if not broken:
            return seen
    raise RuntimeError(f"{stream}: the connection broke {limit} times")


# The tests.


def speech(seconds):
    """A rising tone: 16-bit mono samples of 8 kHz."""
    return b"".join(struct.pack("<h", n * n // 977 % 16_000) for n in range(8_000 * seconds))


def test_reads_everything(tympan):
    tympan.produce("greeting", speech(5))
    assert len(fragments(tympan.client("kinesis-video-media"), "greeting")) >= 5


def test_loses_nothing_when_the_connection_breaks_within_a_fragment(tympan):
    tympan.produce("greeting", speech(5))
    media = tympan.client("kinesis-video-media")
    expected = fragments(media, "greeting")
    tympan.fault("reset", at={"fragments": 2}, operation="GetMedia", times=2)
    assert fragments(media, "greeting") == expected


def test_gives_up_when_the_connection_never_holds(tympan):
    tympan.produce("greeting", speech(1))
    tympan.fault("reset", at={"fragments": 0}, operation="GetMedia")
    with pytest.raises(RuntimeError):
        fragments(tympan.client("kinesis-video-media"), "greeting")


def test_is_told_when_it_asks_too_often(tympan):
    tympan.produce("greeting", speech(1))
    media = tympan.client("kinesis-video-media")
    tympan.fault("throttle", operation="GetMedia", times=1)
    with pytest.raises(media.exceptions.ClientLimitExceededException):
        fragments(media, "greeting")
    assert fragments(media, "greeting")


def test_finds_nothing_after_the_retention(tympan):
    tympan.produce("greeting", speech(1))
    media = tympan.client("kinesis-video-media")
    assert fragments(media, "greeting")
    tympan.control("POST", "clock", {"advance": "25h"})
    assert fragments(media, "greeting") == []


def test_begins_without_streams(tympan):
    assert tympan.client("kinesisvideo").list_streams()["StreamInfoList"] == []
