"""The cases of `conformance/cases.json`, through boto3.

Reads from stdin a JSON array of {"operation": ..., "case": ...} and prints one JSON line for each: what came of it
("outcome": "success" or the error's code), the status, whether boto3 raised it as a class of its own ("typed"), and
"failure" where a check on an answer failed. What is expected stands in the table alone.
"""

import faulthandler
import itertools
import json
import sys
import time
import traceback

import botocore.config
import botocore.exceptions
import sdk_matroska as mkv
from sdk_check import HANG_S, aws
from sdk_upload import put

CASES = {}
# The time at which the media of `stored` begins.
START_S = 1_700_000_000
UNKNOWN_ARN = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/unknown/1598784211076"
OTHER_SERVICE_ARN = "arn:aws:s3:us-west-2:111122223333:stream/unknown/1598784211076"

# What the model forbids is sent all the same, so that the server has to refuse it.
unchecked = botocore.config.Config(parameter_validation=False)
kvs = aws("kinesisvideo", config=unchecked)

_names = (f"boto3-{number}" for number in itertools.count())


def case(operation, name):
    """Marks a function as a case of an operation."""

    def mark(function):
        assert (operation, name) not in CASES, (operation, name)
        CASES[operation, name] = function
        return function

    return mark


def one_call(operation, name, call):
    """A case that is one call."""
    case(operation, name)(call)


def new_name():
    """A name that no stream has."""
    return next(_names)


def stream(**members):
    """A new stream: its name and ARN."""
    name = new_name()
    return name, kvs.create_stream(StreamName=name, **members)["StreamARN"]


def describe(name):
    return kvs.describe_stream(StreamName=name)["StreamInfo"]


def client_of(name, api, service):
    """A client for the endpoint that an operation of a stream has."""
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName=api)["DataEndpoint"]
    return aws(service, endpoint_url=endpoint, config=unchecked)


def stored(count=4, hours=24):
    """A stream of one fragment a second: its name, and the numbers of its fragments."""
    name, _ = stream(DataRetentionInHours=hours)
    mime_type = mkv.tag("MimeType", "audio/L16;rate=8000;channels=1;")
    clusters = (mkv.cluster((START_S + second) * 1000, mkv.frames(second, 5)) for second in range(count))
    acks = put(mkv.document_head() + b"".join(cluster + mime_type for cluster in clusters), name=name)
    return name, [ack["FragmentNumber"] for ack in acks if ack["EventType"] == "PERSISTED"]


def audio(*seconds):
    """The samples of those fragments of `stored`."""
    return b"".join(payload for second in seconds for payload in mkv.frames(second, 5))


def run():
    """Runs the cases that are asked for."""
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    for wanted in json.load(sys.stdin):
        begun = time.monotonic()
        line = wanted | outcome(CASES.get((wanted["operation"], wanted["case"])))
        line["ms"] = round((time.monotonic() - begun) * 1000)
        print(json.dumps(line), flush=True)


def outcome(function):
    if function is None:
        return {"failure": "there is no such case"}
    try:
        function()
    except botocore.exceptions.ClientError as error:
        told, metadata = error.response["Error"], error.response["ResponseMetadata"]
        if not told["Message"] or not metadata.get("RequestId"):
            return {"failure": f"no message or no request id: {error.response}"}
        typed = type(error) is not botocore.exceptions.ClientError and type(error).__name__ == told["Code"]
        return {"outcome": told["Code"], "status": metadata["HTTPStatusCode"], "typed": typed}
    except Exception:
        return {"failure": traceback.format_exc()}
    return {"outcome": "success"}
