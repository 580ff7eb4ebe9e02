"""What the scripts share: clients as boto3 makes them, and checks that report themselves.

A script is a list of functions marked with @check. Run without arguments it runs them all, with names it runs those.
Each prints one JSON line on stdout: {"check": its name as a sentence, "ok": true}, or "skipped" with the reason, or
"ok": false with the traceback. The script fails if one of them does.

Clients are made with nothing but the environment: AWS_ENDPOINT_URL, credentials and region.
"""

import contextlib
import faulthandler
import json
import os
import pathlib
import sys
import time
import traceback
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import botocore.session

# A script that hangs shows where, and ends.
HANG_S = 300

_checks = []
_arguments = []


class Skipped(Exception):
    """What a check needs is not on this machine."""


class Refusal:
    """The error that `refused` expected, once the block has ended."""

    def __init__(self):
        self.message = None
        self.response = None


def check(function):
    """Marks a function as a check."""
    _checks.append(function)
    return function


def argument(index):
    """An argument of the script that stands after `--`."""
    return _arguments[index]


def main():
    """Runs the checks; the exit code is 1 if one fails."""
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    wanted = sys.argv[1:]
    if "--" in wanted:
        at = wanted.index("--")
        wanted, _arguments[:] = wanted[:at], wanted[at + 1 :]
    unknown = set(wanted) - {function.__name__ for function in _checks}
    if unknown:
        sys.exit(f"no such check: {', '.join(sorted(unknown))}")
    failed = False
    for function in _checks:
        if wanted and function.__name__ not in wanted:
            continue
        line = {"check": function.__name__.replace("_", " ")}
        begun = time.monotonic()
        try:
            function()
            line["ok"] = True
        except Skipped as reason:
            line["skipped"] = str(reason)
        except Exception:
            line.update(ok=False, failure=traceback.format_exc())
            failed = True
        line["ms"] = round((time.monotonic() - begun) * 1000)
        print(json.dumps(line), flush=True)
    sys.exit(failed)


def aws(service, **settings):
    """A client that looks at every answer for its request id."""
    client = boto3.client(service, **settings)
    client.meta.events.register("response-received.*", _has_request_id)
    return client


def _has_request_id(response_dict=None, **_):
    if response_dict is not None:
        headers = {name.lower(): value for name, value in response_dict["headers"].items()}
        assert headers.get("x-amzn-requestid"), f"an answer without x-amzn-RequestId: {headers}"


@contextlib.contextmanager
def refused(code, status):
    """The block ends with this AWS error; a modelled one is raised as its own class."""
    refusal = Refusal()
    try:
        yield refusal
    except botocore.exceptions.ClientError as error:
        response = error.response
        metadata = response["ResponseMetadata"]
        seen = (response["Error"]["Code"], metadata["HTTPStatusCode"])
        assert seen == (code, status), f"expected {code} {status}, got {seen}: {error}"
        assert metadata["RequestId"], f"an error without a request id: {metadata}"
        refusal.response = response
        refusal.message = response["Error"]["Message"]
        refusal.type = type(error)
        return
    raise AssertionError(f"expected {code}, and the call succeeded")


def typed(client, code, status=400):
    """As `refused`, and raised as `client.exceptions.CODE`."""

    @contextlib.contextmanager
    def block():
        with refused(code, status) as refusal:
            yield refusal
        wanted = getattr(client.exceptions, code)
        assert refusal.type is wanted, f"{code} was raised as {refusal.type}"
        assert refusal.message, f"{code} has no message: {refusal.response}"

    return block()


def equal(seen, expected, what="value"):
    """Like assert ==, and shows both."""
    assert seen == expected, f"{what}: expected {expected!r}, got {seen!r}"


def eventually(condition, limit_s=20.0):
    """What `condition` returns once it is true."""
    until = time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"not within {limit_s} s: {condition}"
        time.sleep(0.01)


def endpoint():
    """The server under test."""
    return os.environ["AWS_ENDPOINT_URL"]


def post(path, body, method="POST"):
    """A signed request that no SDK would send: the status, headers and body of its answer."""
    request = botocore.awsrequest.AWSRequest(method, endpoint() + path, data=body)
    request.headers["Content-Type"] = "application/json"
    session = botocore.session.get_session()
    region = session.get_config_variable("region")
    botocore.auth.SigV4Auth(session.get_credentials(), "kinesisvideo", region).add_auth(request)
    plain = urllib.request.Request(request.url, body, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(plain, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.status, error.headers, error.read()


def ground_truth(path):
    """The bytes of a recording of a real client; skips the check where there are none."""
    folder = os.environ.get("TYMPAN_GROUND_TRUTH")
    file = pathlib.Path(folder or "/nonexistent") / path
    if not file.is_file():
        raise Skipped(f"{path} is not in TYMPAN_GROUND_TRUTH")
    return file.read_bytes()
