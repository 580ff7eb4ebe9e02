"""Many streams at once: filled by PutMedia, and read back whole."""

import hashlib
import http.client
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import boto3
import lms
import uploader
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

AT_ONCE = 4
LOCAL = threading.local()


def clients():
    """A session for each thread, because boto3's are not shared; anew when the server has moved."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    if getattr(LOCAL, "endpoint", None) != endpoint:
        LOCAL.endpoint, LOCAL.session = endpoint, boto3.Session()
        LOCAL.video = LOCAL.session.client("kinesisvideo")
        LOCAL.archive = LOCAL.session.client("kinesis-video-archived-media")
    return LOCAL


def put(name, label, fragments):
    """One upload of so many fragments, each a second long and with a payload of its own; ends in good order."""
    signer = clients()
    url = urlsplit(signer.endpoint)
    request = AWSRequest(method="POST", url=signer.endpoint + "/putMedia", data=b"", headers={
        "x-amzn-stream-name": name,
        "x-amzn-fragment-timecode-type": "ABSOLUTE",
        "x-amzn-producer-start-timestamp": f"{time.time():.3f}",
        "x-amzn-fragment-acknowledgment-required": "1",
    })
    SigV4Auth(signer.session.get_credentials(), "kinesisvideo", signer.session.region_name).add_auth(request)
    begins_ms = int(time.time() * 1000) - 1000 * fragments
    body = uploader.head()
    for count in range(fragments):
        body += uploader.cluster(begins_ms + 1000 * count, f"{name}:{label}:{count}".encode().ljust(400, b"."))
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.putrequest("POST", "/putMedia", skip_accept_encoding=True)
    for header, value in request.headers.items():
        if header.lower() not in ("host", "content-length"):
            connection.putheader(header, value)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    response = connection.getresponse()
    acks = response.read().decode()
    if response.status != 200 or "ERROR" in acks:
        raise OSError(f"{name}: {response.status} {acks}")


def fill(streams, label, fragments):
    """An upload to each of the streams."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: put(name, label, fragments), streams))


def held(streams):
    """Of each stream its fragments, as [digest, producer time in milliseconds], or the error that stands in their way."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(streams, pool.map(held_by, streams)))


def held_by(name):
    # Folders of earlier releases hold what is older than any span from now.
    selector = {
        "FragmentSelectorType": "SERVER_TIMESTAMP",
        "TimestampRange": {"StartTimestamp": 1, "EndTimestamp": time.time() + 60},
    }
    try:
        archive = clients().archive
        pages = archive.get_paginator("list_fragments").paginate(StreamName=name, FragmentSelector=selector)
        listed = {f["FragmentNumber"]: f["ProducerTimestamp"] for page in pages for f in page["Fragments"]}
        return {"fragments": read(archive, name, listed)} if listed else {"fragments": {}}
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "fragments": {}}


def read(archive, name, listed):
    """One request for all of them; where that breaks off, one for each."""
    try:
        found = media(archive, name, sorted(listed, key=int))
        if len(found) < len(listed) and len(listed) > 1:
            found = {}
            for number in listed:
                found |= media(archive, name, [number])
    except ClientError:
        found = {}
    return {number: [digest, round(listed[number].timestamp() * 1000)] for number, digest in found.items()}


def media(archive, name, numbers):
    payload = archive.get_media_for_fragment_list(StreamName=name, Fragments=numbers)["Payload"]
    fragments = lms.fragments(payload.read())
    return {f.number: hashlib.sha256(f.pcm()).hexdigest() for f in fragments if f.number and f.frames}
