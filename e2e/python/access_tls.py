"""TLS: boto3 as it is, by https, and a certificate that is changed while a consumer listens.

Arguments: the folder of the certificates. `current.pem` and `current.key` are those of the server, `next.*` come after.
"""

import contextlib
import os
import pathlib
import socket
import ssl
import threading
import urllib.parse

import sdk_matroska as mkv
from sdk_check import argument, aws, check, endpoint, equal, eventually, main
from sdk_upload import Upload, put

START_MS = 1_700_000_000_000


def folder():
    return pathlib.Path(argument(0))


def connected(protocols=("h2", "http/1.1")):
    """A connection of our own."""
    url = urllib.parse.urlsplit(endpoint())
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(socket.create_connection((url.hostname, url.port)), server_hostname=url.hostname)


def name_on_the_certificate():
    with connected() as connection:
        subject = connection.getpeercert()["subject"]
        return next(value for part in subject for name, value in part if name == "commonName")


def cluster(index):
    return mkv.cluster(START_MS + index * 1000, mkv.frames(START_MS + index * 1000, 5))


@check
def both_directions_of_media_go_by_tls():
    kvs = aws("kinesisvideo")
    kvs.create_stream(StreamName="secure", DataRetentionInHours=1)
    url = kvs.get_data_endpoint(StreamName="secure", APIName="GET_MEDIA")["DataEndpoint"]
    equal(url, endpoint(), "data endpoint")
    acks = put(mkv.document_head() + cluster(0) + cluster(1), name="secure")
    assert any(ack["EventType"] == "PERSISTED" for ack in acks), acks
    media = aws("kinesis-video-media", endpoint_url=url)
    answer = media.get_media(StreamName="secure", StartSelector={"StartSelectorType": "EARLIEST"})
    equal(len(mkv.fragments(answer["Payload"].read())), 2, "fragments")
    aws("sts").get_caller_identity()


@check
def nothing_but_http_1_1_is_spoken():
    with connected() as connection:
        equal(connection.selected_alpn_protocol(), "http/1.1", "protocol")
    url = urllib.parse.urlsplit(endpoint())
    with socket.create_connection((url.hostname, url.port)) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(100).startswith(b"HTTP/1.1 200"), "plain HTTP is answered"


@check
def a_new_certificate_is_taken_up_without_a_break():
    kvs = aws("kinesisvideo")
    kvs.create_stream(StreamName="swapped", DataRetentionInHours=1)
    equal(name_on_the_certificate(), "first", "certificate")
    heard = bytearray()
    with Upload(name="swapped") as upload:
        upload.send(mkv.document_head() + cluster(0))
        upload.send(cluster(1))
        upload.until_ack("PERSISTED")
        media = aws("kinesis-video-media")
        body = media.get_media(StreamName="swapped", StartSelector={"StartSelectorType": "EARLIEST"})["Payload"]

        def listen():
            for piece in body.iter_chunks(16):
                heard.extend(piece)

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        eventually(lambda: len(heard) > 0)
        # The certificate alone fits no key: the server keeps what it has until both are there.
        os.replace(folder() / "next.pem", folder() / "current.pem")
        os.replace(folder() / "next.key", folder() / "current.key")
        sent = 2

        def is_taken_up():
            nonlocal sent
            upload.send(cluster(sent))
            sent += 1
            return name_on_the_certificate() == "second"

        eventually(is_taken_up, 60)
        upload.finish()
    listening.join(60)
    assert not listening.is_alive(), "the body did not end"
    equal(len(mkv.fragments(bytes(heard))), sent, "fragments heard across the change")


if __name__ == "__main__":
    main()
