"""pytest fixtures: one tympan for the session, as good as new for each test.

Where TYMPAN_ENDPOINT names a server that runs already (a service container), that one is used. Otherwise the binary is
started: TYMPAN_BIN, or `tympan` from the PATH.
"""

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import pytest

BINARY = os.environ.get("TYMPAN_BIN", "tympan")
# What --dev lets in.
KEYS = {
    "aws_access_key_id": "TYMPANDEV",
    "aws_secret_access_key": "tympandevsecret",
    "region_name": "us-west-2",
}
START_LIMIT_S = 60


class Tympan:
    """A server, and what a test may do to it."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service, **settings):
        """A boto3 client."""
        return boto3.client(service, endpoint_url=self.endpoint, **KEYS, **settings)

    def control(self, method, name, data=None):
        """A control call, such as control("POST", "clock", {"advance": "25h"}): its JSON."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.endpoint}/_tympan/{name}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {name}: {error.status} {error.read().decode()}") from None

    def fault(self, kind, at=None, **rule):
        """Arms a fault: fault("throttle", operation="GetMedia", times=1)."""
        members = {name: rule.pop(name) for name in ("ms", "id", "code", "status", "fragments") if name in rule}
        fault = {"kind": kind, **members, **({"at": at} if at else {})}
        return self.control("POST", "faults", {"fault": fault, **rule})["faults"][0]["id"]

    def produce(self, stream, pcm):
        """Puts 16-bit mono samples of 8 kHz into a stream, which is created if need be."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_REGION": KEYS["region_name"],
            "AWS_DEFAULT_REGION": KEYS["region_name"],
        }
        command = [BINARY, "produce", "--stream", stream, "--raw", "-"]
        subprocess.run(command, input=pcm, env={**os.environ, **variables}, check=True, capture_output=True)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server of this session."""
    if endpoint := os.environ.get("TYMPAN_ENDPOINT"):
        yield Tympan(endpoint)
        return
    folder = tmp_path_factory.mktemp("tympan")
    ready, log = folder / "ready.json", folder / "log.txt"
    # The kernel chooses every port, so that sessions do not meet.
    ports = {f"TYMPAN_{part}__LISTEN": "127.0.0.1:0" for part in ("HTTP", "CONSOLE", "SIP")} | {"TYMPAN_RTP__PORT_FIRST": "0"}
    with open(log, "wb") as stderr:
        process = subprocess.Popen(
            [BINARY, "serve", "--dev", "--ready-file", str(ready)], env={**os.environ, **ports}, stderr=stderr
        )
    try:
        yield Tympan(_endpoint(process, ready, log))
    finally:
        process.terminate()
        process.wait(timeout=60)


def _endpoint(process, ready, log):
    limit = time.monotonic() + START_LIMIT_S
    # The file appears whole, once everything listens.
    while not ready.exists():
        ended = process.poll() is not None or time.monotonic() > limit
        assert not ended, f"tympan did not start:\n{pathlib.Path(log).read_text()}"
        time.sleep(0.01)
    return json.loads(ready.read_text())["http"]


@pytest.fixture
def tympan(server):
    """The server, as after a start: no streams, no faults, the machine's time."""
    server.control("POST", "reset")
    return server
