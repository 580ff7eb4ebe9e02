"""The upgrade of live events to a WebSocket, as clients other than `tympan events` ask for it: with and without TLS.

The server's address, with http or https, is all that it needs; AWS_CA_BUNDLE names the authority of a certificate.
"""

import base64
import hashlib
import json
import os
import socket
import ssl
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.session
from sdk_check import Skipped, check, endpoint, equal, main

REGION = "us-west-2"
KEY = base64.b64encode(b"sixteen bytes ok").decode()
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def url():
    return urllib.parse.urlsplit(endpoint())


def connection():
    plain = socket.create_connection((url().hostname, url().port), timeout=30)
    if url().scheme == "http":
        return plain
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(plain, server_hostname=url().hostname)


def signed(method, path, presigned=False, secret=None):
    """Target and headers of a signed request without a body."""
    credentials = botocore.session.Session().get_credentials().get_frozen_credentials()
    if secret:
        credentials = credentials._replace(secret_key=secret)
    request = botocore.awsrequest.AWSRequest(method=method, url=endpoint() + path)
    signer = botocore.auth.SigV4QueryAuth if presigned else botocore.auth.SigV4Auth
    signer(credentials, "tympan", REGION).add_auth(request)
    parts = urllib.parse.urlsplit(request.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path, dict(request.headers)


def ask(target, headers):
    """Status, headers and what is behind them: a file to read on from."""
    lines = {"Host": f"{url().hostname}:{url().port}", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    stream = connection()
    stream.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
    file = stream.makefile("rb")
    status = int(file.readline().split()[1])
    answered = {}
    while (line := file.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        answered[name.strip().lower()] = value.strip()
    return status, answered, file


def frame(file):
    """Opcode and payload of the next frame; a server's are not masked."""
    first, length = file.read(2)
    if length == 126:
        length = int.from_bytes(file.read(2))
    elif length == 127:
        length = int.from_bytes(file.read(8))
    return first & 0x0F, file.read(length)


def begins(target, headers):
    """Asks for the WebSocket, and reads its first frame."""
    status, answered, file = ask(target, headers | UPGRADE)
    equal(status, 101, "status")
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    expected = base64.b64encode(hashlib.sha1((KEY + guid).encode()).digest()).decode()
    equal(answered["sec-websocket-accept"], expected, "the answer to the key")
    opcode, payload = frame(file)
    equal((opcode, json.loads(payload)["Type"]), (1, "Begin"), "the first frame")
    return file


@check
def a_signed_upgrade_begins_a_websocket():
    begins(*signed("GET", "/tympan/events"))


@check
def a_presigned_upgrade_begins_a_websocket_and_one_that_was_signed_with_another_secret_does_not():
    begins(*signed("GET", "/tympan/events", presigned=True))
    target, headers = signed("GET", "/tympan/events", presigned=True, secret="another")
    status, _, _ = ask(target, headers | UPGRADE)
    equal(status, 403, "status")


@check
def a_request_that_asks_for_no_websocket_is_told_what_it_lacks():
    for missing in [None, "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"]:
        target, headers = signed("GET", "/tympan/events")
        asked = {} if missing is None else {name: value for name, value in UPGRADE.items() if name != missing}
        status, answered, file = ask(target, headers | asked)
        equal(
            (status, answered["upgrade"], answered["sec-websocket-version"], answered["x-amzn-errortype"]),
            (426, "websocket", "13", "UpgradeRequiredException"),
            f"without {missing or 'all of them'}",
        )
        body = json.loads(file.read(int(answered["content-length"])))
        assert "RFC 6455" in body["Message"], body


@check
def a_reset_closes_the_websocket_of_a_reader_and_does_not_wait_for_it():
    if url().scheme != "http":
        raise Skipped("what the server holds is wanted by the checks of TLS that follow")
    file = begins(*signed("GET", "/tympan/events"))
    stream = connection()
    host = f"{url().hostname}:{url().port}"
    stream.sendall(f"POST /_tympan/reset HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode())
    opcode, payload = frame(file)
    while opcode != 8:
        opcode, payload = frame(file)
    equal(int.from_bytes(payload[:2]), 1001, "the code of the close frame")
    answer = stream.makefile("rb").readline()
    equal(int(answer.split()[1]), 200, "the reset")
    begins(*signed("GET", "/tympan/events"))


main()
