"""PutMedia by hand: botocore signs it, a plain socket carries it, and every chunk of the answer is kept.

The SDKs have no PutMedia; what is sent here is what their users write, in the signing conventions found in the field.
"""

import dataclasses
import io
import json
import os
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.compat
import botocore.session

LIMIT_S = 30
# How clients sign the body that they stream.
UNSIGNED, EMPTY, STREAMING = "UNSIGNED-PAYLOAD", None, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class AllHeaders(botocore.auth.SigV4Auth):
    """Signs whatever headers there are, hop-by-hop ones too, as the C producer does."""

    def headers_to_sign(self, request):
        headers = botocore.compat.HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


@dataclasses.dataclass
class Chunk:
    """A chunk of the answer and when it came."""

    bytes: bytes
    at: float


class Tls(io.RawIOBase):
    """TLS over a socket that one thread reads while another writes, which ssl.SSLSocket does not bear."""

    def __init__(self, plain, context, hostname):
        super().__init__()
        self._plain, self._lock = plain, threading.Lock()
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=hostname)
        self._retried(self._tls.do_handshake)

    def _retried(self, step):
        while True:
            with self._lock:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self._plain.sendall(self._to_send.read())
            received = self._plain.recv(65536)
            with self._lock:
                if received:
                    self._received.write(received)
                else:
                    self._received.write_eof()

    def readable(self):
        return True

    def readinto(self, buffer):
        try:
            data = self._retried(lambda: self._tls.read(len(buffer)))
        except ssl.SSLEOFError:
            return 0
        buffer[: len(data)] = data
        return len(data)

    def sendall(self, data):
        self._retried(lambda: self._tls.write(data))

    def makefile(self, _mode):
        return io.BufferedReader(self)

    def shutdown(self, how):
        self._plain.shutdown(how)

    def close(self):
        self._plain.close()
        super().close()


class Upload:
    """A PutMedia request whose body is sent piece by piece."""

    def __init__(
        self,
        name=None,
        arn=None,
        timecodes="ABSOLUTE",
        start=None,
        payload=UNSIGNED,
        expect=False,
        signer=botocore.auth.SigV4Auth,
        credentials=None,
        host=None,
        headers=(),
        unsigned=(),
        connection=None,
    ):
        session = botocore.session.get_session()
        base = os.environ["AWS_ENDPOINT_URL"]
        url = urllib.parse.urlsplit(base)
        sent = {"x-amzn-fragment-timecode-type": timecodes}
        sent["x-amzn-producer-start-timestamp"] = start if start is not None else f"{time.time():.3f}"
        if name is not None:
            sent["x-amzn-stream-name"] = name
        if arn is not None:
            sent["x-amzn-stream-arn"] = arn
        if payload is not None:
            sent["X-Amz-Content-SHA256"] = payload
        sent["Host"] = host or url.netloc
        sent["Transfer-Encoding"] = "chunked"
        sent["Connection"] = "keep-alive"
        sent["Content-Type"] = "application/json"
        sent["User-Agent"] = "sdk-upload/1"
        sent.update(headers)
        sent = {name: value for name, value in sent.items() if value is not None}
        request = botocore.awsrequest.AWSRequest("POST", base + "/putMedia", headers=sent)
        credentials = credentials or session.get_credentials()
        signer(credentials, "kinesisvideo", session.get_config_variable("region")).add_auth(request)
        lines = ["POST /putMedia HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        lines.extend(f"{name}: {value}" for name, value in dict(unsigned).items())
        if expect:
            lines.append("Expect: 100-continue")
        self.status = None
        self.headers = {}
        self.interim = []
        self.chunks = []
        self.body = b""
        self.ended = False
        self.failure = None
        self._changed = threading.Condition()
        if connection is None:
            self._socket = socket.create_connection((url.hostname, url.port), LIMIT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "https":
                trusted = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
                self._socket = Tls(self._socket, trusted, url.hostname)
        else:
            self._socket = connection._socket
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def send(self, mkv):
        """Sends bytes in a chunk of their own."""
        self._socket.sendall(b"%X\r\n" % len(mkv) + mkv + b"\r\n")

    def send_raw(self, bytes_):
        """Sends bytes as they are, without a chunk around them."""
        self._socket.sendall(bytes_)

    def send_in_pieces(self, mkv, size):
        """Sends bytes in chunks of `size`."""
        for at in range(0, len(mkv), size):
            self.send(mkv[at : at + size])

    def finish(self):
        """Ends the body, waits for the end of the answer, and gives the acks."""
        self._socket.sendall(b"0\r\n\r\n")
        return self.until_end()

    def cut(self):
        """Closes the connection, in the middle of whatever it is."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def reset(self):
        """Breaks the connection with a TCP RST, in the middle of whatever it is."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Says nothing to the server: the socket closes when its reader has let go of it.
        self._socket.shutdown(socket.SHUT_RD)
        self._reader.join()
        self._socket.close()

    def until_over(self):
        """Waits until nothing more comes, in good order or not, and gives the acks."""
        self._wait(lambda: self.ended or self.failure, "the end of the answer or of the connection")
        return self.acks

    def until_end(self):
        """Waits for the end of the answer, and gives the acks."""
        self._wait(lambda: self.ended, "the end of the answer")
        return self.acks

    def until_status(self):
        """Waits for the final status."""
        self._wait(lambda: self.status is not None, "a status")
        return self.status

    def until_interim(self):
        """Waits for an interim answer, such as 100 Continue."""
        self._wait(lambda: self.interim, "an interim answer")
        return self.interim[0]

    def until_ack(self, event, count=1):
        """Waits for so many acks of a kind, and gives them."""
        self._wait(lambda: len(self.events(event)) >= count, f"{count} {event}")
        return self.events(event)

    @property
    def acks(self):
        """The acks as objects; only whole lines count."""
        lines = self.body.split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def events(self, event):
        """The acks of a kind."""
        return [ack for ack in self.acks if ack["EventType"] == event]

    @property
    def error_type(self):
        return self.headers.get("x-amzn-errortype")

    def _wait(self, condition, what):
        with self._changed:
            met = self._changed.wait_for(lambda: condition() or self.ended or self.failure, LIMIT_S)
            if not condition():
                why = self.failure or ("it ended" if met else f"nothing within {LIMIT_S} s")
                raise AssertionError(f"waited for {what}, {why}: {self.status} {self.headers} {self.body!r}")

    def _read(self):
        try:
            self._answer(self._socket.makefile("rb"))
        except (OSError, ValueError) as error:
            self.failure = repr(error)
        with self._changed:
            self.ended = self.failure is None
            self._changed.notify_all()

    def _answer(self, stream):
        while True:
            status = stream.readline().decode().split(" ", 2)
            if len(status) < 2:
                raise ValueError("the connection closed before an answer")
            headers = {}
            while (line := stream.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            with self._changed:
                if status[1].startswith("1"):
                    self.interim.append(int(status[1]))
                else:
                    self.headers, self.status = headers, int(status[1])
                self._changed.notify_all()
            if not status[1].startswith("1"):
                break
        if "content-length" in headers:
            self.body = stream.read(int(headers["content-length"]))
            return
        while True:
            line = stream.readline()
            if not line.endswith(b"\r\n"):
                raise ValueError("the answer broke off")
            chunk = stream.read(int(line, 16))
            stream.readline()
            if not chunk:
                return
            with self._changed:
                self.chunks.append(Chunk(chunk, time.monotonic()))
                self.body += chunk
                self._changed.notify_all()


def put(mkv, **settings):
    """Uploads a whole file, and gives the acks."""
    with Upload(**settings) as upload:
        upload.send_in_pieces(mkv, 65536)
        acks = upload.finish()
        assert upload.status == 200, f"{upload.status} {upload.body!r}"
        return acks
