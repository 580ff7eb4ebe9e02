"""An unmodified boto3 at the end of a pipe: one JSON request a line on stdin, one JSON answer a line on stdout.

Endpoint, region and credentials come from the environment, as for any program written for AWS.
"""

import hashlib
import json
import os
import sys
import time
import urllib.request

import boto3
import holdings
import lms
import sdk_matroska as mkv
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

SESSION = boto3.Session()
# A test wants to see the first answer, whatever it is; a body may take its time.
CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=120)
CLIENTS = {}


def client(service, endpoint=None):
    if (service, endpoint) not in CLIENTS:
        CLIENTS[service, endpoint] = SESSION.client(service, endpoint_url=endpoint, config=CONFIG)
    return CLIENTS[service, endpoint]


def call(service, operation, arguments):
    """Any operation of any service."""
    answer = getattr(client(service), operation)(**arguments)
    answer.pop("ResponseMetadata", None)
    return answer


def data_client(service, api, stream):
    endpoint = client("kinesisvideo").get_data_endpoint(StreamARN=stream, APIName=api)["DataEndpoint"]
    return client(service, endpoint)


def media(stream, selector, out):
    """GetMedia until the server ends the body."""
    payload = data_client("kinesis-video-media", "GET_MEDIA", stream).get_media(
        StreamARN=stream, StartSelector=selector
    )["Payload"]
    begun = time.monotonic()
    body = payload.read()
    return describe(lms.fragments(body), out) | {"seconds": time.monotonic() - begun}


def track(stream, selector, track, out):
    """GetMedia until the server ends the body; the data of one track, by its name."""
    payload = data_client("kinesis-video-media", "GET_MEDIA", stream).get_media(
        StreamARN=stream, StartSelector=selector
    )["Payload"]
    with open(out, "wb") as file:
        for fragment in lms.fragments(payload.read()):
            # Tracks are numbered in the order in which they stand.
            number = fragment.tracks.index(track) + 1
            file.write(b"".join(data for one, data in fragment.frames if one == number))
    return {}


def live(stream, selector, wanted_bytes, out):
    """GetMedia until so many bytes of PCM have come, wherever in a fragment that is; then the reader goes away."""
    payload = data_client("kinesis-video-media", "GET_MEDIA", stream).get_media(
        StreamARN=stream, StartSelector=selector
    )["Payload"]
    body = b""
    while sum(len(fragment.pcm()) for fragment in lms.fragments(body)) < wanted_bytes:
        # One read of what has arrived, not of a given length.
        piece = payload._raw_stream.read1(65536)
        if not piece:
            break
        body += piece
    payload.close()
    return describe(lms.fragments(body), out)


def fragment_list(stream, numbers, out):
    """GetMediaForFragmentList."""
    archive = data_client("kinesis-video-archived-media", "GET_MEDIA_FOR_FRAGMENT_LIST", stream)
    payload = archive.get_media_for_fragment_list(StreamARN=stream, Fragments=numbers)["Payload"]
    return describe(lms.fragments(payload.read()), out)


def error_of_media(stream, selector):
    """The error id that a body of GetMedia ends with, which AWS puts into a tag."""
    payload = data_client("kinesis-video-media", "GET_MEDIA", stream).get_media(
        StreamARN=stream, StartSelector=selector
    )["Payload"]
    blocks = [block for fragment in mkv.fragments(payload.read()) for block in fragment.tag_blocks]
    return dict(tag for block in blocks for tag in block).get("AWS_KINESISVIDEO_ERROR_ID")


def list_fragments(stream):
    """All fragment numbers of a stream, in the order of their numbers."""
    archive = data_client("kinesis-video-archived-media", "LIST_FRAGMENTS", stream)
    now = time.time()
    selector = {
        "FragmentSelectorType": "SERVER_TIMESTAMP",
        "TimestampRange": {"StartTimestamp": now - 12 * 3600, "EndTimestamp": now + 60},
    }
    pages = archive.get_paginator("list_fragments").paginate(StreamARN=stream, FragmentSelector=selector)
    return sorted((fragment["FragmentNumber"] for page in pages for fragment in page["Fragments"]), key=int)


def describe(fragments, out):
    with open(out, "wb") as file:
        for fragment in fragments:
            file.write(fragment.pcm())
    return {
        "fragments": [
            {
                "number": fragment.number,
                "complete": fragment.complete,
                "tags": fragment.tags,
                "tracks": fragment.tracks,
                "frames": len(fragment.frames),
                "track_numbers": sorted({track for track, _ in fragment.frames}),
                "bytes": len(fragment.pcm()),
                "digest": hashlib.sha256(fragment.pcm()).hexdigest(),
                "timecode": fragment.timecode,
            }
            for fragment in fragments
        ]
    }


def contacts(limit):
    """tympan's list of contact records, live calls among them."""
    url = f"{client('connect').meta.endpoint_url}/tympan/contacts?maxResults={limit}"
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(SESSION.get_credentials(), "tympan", SESSION.region_name).add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers))) as answer:
        return json.load(answer)["Contacts"]


def point_at(endpoint):
    """The server has moved: the next clients are made for this endpoint."""
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    CLIENTS.clear()
    # Loading the models takes longer than any answer; afterwards only the server's own time is seen.
    client("kinesisvideo")


def sign_with(key, secret, token):
    """The next clients sign with these credentials."""
    os.environ.update(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_SESSION_TOKEN=token)
    global SESSION
    SESSION = boto3.Session()
    CLIENTS.clear()


OPERATIONS = {
    "error_of_media": error_of_media,
    "point_at": point_at,
    "sign_with": sign_with,
    "track": track,
    "call": call,
    "media": media,
    "live": live,
    "fragment_list": fragment_list,
    "list_fragments": list_fragments,
    "contacts": contacts,
    "fill": holdings.fill,
    "holdings": holdings.held,
}

if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": OPERATIONS[request["do"]](**request["with"])}
        except ClientError as error:
            answer = {"error": {"code": error.response["Error"]["Code"], "message": str(error)}}
        except Exception as error:
            answer = {"error": {"code": type(error).__name__, "message": str(error)}}
        print(json.dumps(answer, default=str), flush=True)
