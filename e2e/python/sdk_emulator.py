"""What the scripts about the emulator share: its control calls, and media to read."""

import json
import os
import urllib.error
import urllib.request

import sdk_matroska as mkv
from botocore.config import Config
from sdk_check import aws
from sdk_upload import put

START_MS = 1_700_000_000_000
# A fault is to be seen, not to be tried away.
ONCE = Config(retries={"total_max_attempts": 1})


def control(method, name, data=None, headers=()):
    """The status and the JSON of a control call."""
    body = None if data is None else (data if isinstance(data, bytes) else json.dumps(data).encode())
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_tympan/{name}"
    request = urllib.request.Request(url, body, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.status, json.load(error)


def done(method, name, data=None):
    """The JSON of a control call that succeeds."""
    status, answer = control(method, name, data)
    assert status == 200, f"{method} {name} {data}: {status} {answer}"
    return answer


def arm(fault, **rule):
    """Adds a rule and gives its id."""
    return done("POST", "faults", {"fault": fault, **rule})["faults"][0]["id"]


def fired(rule):
    """How often a rule has struck."""
    return next(armed["fired"] for armed in done("GET", "faults")["faults"] if armed["id"] == rule)


def once(service, **settings):
    """A client that tries once."""
    return aws(service, config=ONCE, **settings)


def document(times, frames=5):
    """A producer's file with a fragment for each time."""
    return mkv.document_head() + b"".join(mkv.cluster(time_, mkv.frames(time_, frames)) for time_ in times)


def stored(kvs, name, count=5, hours=24):
    """A stream of fragments: their timecodes and numbers."""
    kvs.create_stream(StreamName=name, DataRetentionInHours=hours)
    times = [START_MS + index * 1000 for index in range(count)]
    acks = put(document(times), name=name)
    return times, [ack["FragmentNumber"] for ack in acks if ack["EventType"] == "PERSISTED"]


def drain(payload, piece_bytes=64):
    """What comes of a body, and the exception that ended it; None for a good end.

    What has come of a piece that breaks off is lost with it.
    """
    got = b""
    try:
        while piece := payload.read(piece_bytes):
            got += piece
    except Exception as error:
        return got, error
    return got, None
