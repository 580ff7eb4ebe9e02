"""Sends fragments to a stream with PutMedia, and prints every acknowledgement as one JSON line.

Each line on stdin, {"endpoint", "stream", "run", "pace_s"}, begins a run that lasts until the server goes away; then a
line {"over": run} is printed.

boto3 has no PutMedia, so this is a small producer of its own, signed with botocore. Each fragment carries a payload
that names it, so that a reader can tell that it is that very fragment.
"""

import http.client
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def element(identifier, body):
    return bytes.fromhex(identifier) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def head():
    ebml = element("1A45DFA3", element("4282", b"matroska") + element("4287", b"\x02") + element("4285", b"\x02"))
    info = element("1549A966", element("2AD7B1", (1_000_000).to_bytes(3, "big")))
    track = element("D7", b"\x01") + element("73C5", b"\x01") + element("83", b"\x02")
    track += element("536E", b"AUDIO_FROM_CUSTOMER") + element("86", b"A_AAC")
    return ebml + bytes.fromhex("18538067 01FFFFFFFFFFFFFF") + info + element("1654AE6B", element("AE", track))


def cluster(timecode_ms, payload):
    block = element("A3", b"\x81\x00\x00\x80" + payload)
    end = element("45A3", b"AWS_KINESISVIDEO_END_OF_FRAGMENT") + element("4487", b"")
    tags = element("1254C367", element("7373", element("67C8", end)))
    return element("1F43B675", element("E7", timecode_ms.to_bytes(8, "big")) + block) + tags


def upload(stream, run, pace_s):
    endpoint = boto3.client("kinesisvideo").get_data_endpoint(StreamARN=stream, APIName="PUT_MEDIA")["DataEndpoint"]
    url = urlsplit(endpoint)
    request = AWSRequest(method="POST", url=endpoint + "/putMedia", data=b"", headers={
        "x-amzn-stream-arn": stream,
        "x-amzn-fragment-timecode-type": "ABSOLUTE",
        "x-amzn-producer-start-timestamp": f"{time.time():.3f}",
        "x-amzn-fragment-acknowledgment-required": "1",
    })
    session = boto3.Session()
    SigV4Auth(session.get_credentials(), "kinesisvideo", session.region_name).add_auth(request)
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.putrequest("POST", "/putMedia", skip_accept_encoding=True)
    for name, value in request.headers.items():
        if name.lower() not in ("host", "content-length"):
            connection.putheader(name, value)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()

    def send(data):
        connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    def produce():
        try:
            send(head())
            for count in range(1_000_000):
                send(cluster(int(time.time() * 1000), f"{run}:{count}".encode().ljust(1600, b".")))
                time.sleep(pace_s)
        except OSError:
            # The server is gone: what it acknowledged is printed.
            pass

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    response = connection.getresponse()
    if response.status != 200:
        raise OSError(f"{response.status} {response.read()}")
    for line in response:
        print(line.decode().strip(), flush=True)


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        os.environ["AWS_ENDPOINT_URL"] = order["endpoint"]
        try:
            upload(order["stream"], order["run"], order["pace_s"])
            reason = "the response ended"
        except Exception as error:
            reason = repr(error)
        print(json.dumps({"over": order["run"], "reason": reason}), flush=True)
