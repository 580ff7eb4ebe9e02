"""Who may ask: good signatures pass, each kind of bad one is refused by its own code.

The server under test has, beside the key of the environment, a temporary one: TEMPORARY with its session token.
"""

import datetime
import json
import urllib.error
import urllib.request

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.session
from botocore.credentials import Credentials
from sdk_check import Skipped, argument, aws, check, endpoint, equal, main, refused
from sdk_upload import Upload

SERVICES = {
    "kinesisvideo": lambda client: client.list_streams(),
    "connect": lambda client: client.list_instances(),
}
WRONG_SECRET = {"aws_access_key_id": "TYMPANDEV", "aws_secret_access_key": "not the secret"}
UNKNOWN_KEY = {"aws_access_key_id": "AKIDUNKNOWN", "aws_secret_access_key": "tympandevsecret"}


def each(**settings):
    """A call to each service by a client of these settings."""
    for service, call in SERVICES.items():
        client = aws(service, **settings)
        yield lambda call=call, client=client: call(client)


def temporary(**changes):
    key = {"aws_access_key_id": "TEMPORARY", "aws_secret_access_key": argument(0), "aws_session_token": argument(1)}
    return {name: value for name, value in (key | changes).items() if value is not None}


@check
def the_configured_key_passes():
    for call in each():
        call()


@check
def a_wrong_secret_is_refused():
    for call in each(**WRONG_SECRET):
        with refused("InvalidSignatureException", 403) as refusal:
            call()
        assert "does not match the signature you provided" in refusal.message, refusal.message


@check
def in_dev_the_refusal_shows_how_the_server_read_the_request():
    client = aws("kinesisvideo", **WRONG_SECRET)
    with refused("InvalidSignatureException", 403) as refusal:
        client.list_streams(MaxResults=1)
    lines = [line.strip() for line in refusal.message.splitlines()]
    for line in ["canonical request", "POST", "/listStreams", "host:" + endpoint().removeprefix("http://")]:
        assert line in lines, f"{line!r} is not in {refusal.message}"
    assert any(line.startswith("x-amz-date:") for line in lines), refusal.message
    assert "tympandevsecret" not in refusal.message, refusal.message


@check
def an_unknown_key_is_refused():
    for call in each(**UNKNOWN_KEY):
        with refused("UnrecognizedClientException", 403):
            call()


@check
def a_clock_that_is_off_is_refused():
    real = getattr(botocore.auth, "get_current_datetime", None)
    if real is None:
        raise Skipped("this botocore takes the time in another way")
    try:
        for minutes, passes in [(-60, False), (60, False), (-6, False), (6, False), (-4, True), (4, True)]:
            shift = datetime.timedelta(minutes=minutes)
            botocore.auth.get_current_datetime = lambda *args, **named: real(*args, **named) + shift
            for call in each():
                if passes:
                    call()
                    continue
                with refused("InvalidSignatureException", 403) as refusal:
                    call()
                wording = "Signature expired" if minutes < 0 else "Signature not yet current"
                assert wording in refusal.message, refusal.message
    finally:
        botocore.auth.get_current_datetime = real


@check
def what_was_altered_after_signing_is_refused():
    def other_date(request, **_):
        now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=30)
        request.headers["X-Amz-Date"] = now.strftime("%Y%m%dT%H%M%SZ")

    def other_query(request, **_):
        request.url += "?x=y"

    def other_body(request, **_):
        request.body = b'{"MaxResults": 9}'
        request.headers["Content-Length"] = str(len(request.body))

    def other_type(request, **_):
        request.headers["Content-Type"] = "text/plain"

    for alter in [other_date, other_query, other_body, other_type]:
        client = aws("kinesisvideo")
        client.meta.events.register("before-send.kinesisvideo", alter)
        with refused("InvalidSignatureException", 403):
            client.list_streams(MaxResults=5)


@check
def a_signature_for_another_service_is_refused():
    request = botocore.awsrequest.AWSRequest("POST", endpoint() + "/listStreams", data=b"{}")
    session = botocore.session.get_session()
    botocore.auth.SigV4Auth(session.get_credentials(), "s3", "us-west-2").add_auth(request)
    status, headers, _ = plain("/listStreams", dict(request.headers.items()))
    equal((status, headers.get("x-amzn-ErrorType")), (404, "UnknownOperationException"), "s3")


@check
def a_host_that_was_signed_without_its_port_passes():
    # The C producer sends it that way too; some proxies strip the port of what was signed with it.
    for signed_host, sent_host in [("127.0.0.1", "127.0.0.1"), (None, "127.0.0.1"), ("127.0.0.1", None)]:
        request = botocore.awsrequest.AWSRequest("POST", endpoint() + "/listStreams", data=b"{}")
        if signed_host:
            request.headers["Host"] = signed_host
        session = botocore.session.get_session()
        botocore.auth.SigV4Auth(session.get_credentials(), "kinesisvideo", "us-west-2").add_auth(request)
        headers = dict(request.headers.items()) | {"Host": sent_host or endpoint().removeprefix("http://")}
        status, _, body = plain("/listStreams", headers)
        equal(status, 200, f"signed {signed_host}, sent {sent_host}: {body}")


@check
def an_unsigned_request_is_refused():
    for call in each(config=botocore.config.Config(signature_version=botocore.UNSIGNED)):
        with refused("MissingAuthenticationTokenException", 403):
            call()
    for headers in [{}, {"Authorization": "Bearer abc"}, {"Authorization": "AWS4-HMAC-SHA256 Credential=a"}]:
        status, answered, body = plain("/listStreams", headers)
        assert status == 403, (status, body)
        kinds = ("MissingAuthenticationTokenException", "IncompleteSignatureException")
        assert answered.get("x-amzn-ErrorType") in kinds, dict(answered)
        assert answered.get("x-amzn-RequestId"), dict(answered)
        assert json.loads(body)["Message"], body


def plain(path, headers):
    request = urllib.request.Request(endpoint() + path, b"{}", headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.status, error.headers, error.read()


@check
def session_credentials_pass():
    for call in each(**temporary()):
        call()
    kvs = aws("kinesisvideo", **temporary())
    kvs.create_stream(StreamName="by-session", DataRetentionInHours=1)
    key = Credentials("TEMPORARY", argument(0), argument(1))
    with Upload(name="by-session", credentials=key) as upload:
        equal(upload.until_status(), 200, "status of PutMedia")
    # The C producer sends its token and does not sign it.
    key = Credentials("TEMPORARY", argument(0))
    with Upload(name="by-session", credentials=key, unsigned={"x-amz-security-token": argument(1)}) as upload:
        equal(upload.until_status(), 200, "status of PutMedia with an unsigned token")


@check
def a_temporary_key_needs_its_own_token():
    for call in each(**temporary(aws_session_token="another token")):
        with refused("UnrecognizedClientException", 403):
            call()
    for token in [None, "another token"]:
        key = Credentials("TEMPORARY", argument(0), token)
        with Upload(name="by-session", credentials=key) as upload:
            equal((upload.until_status(), upload.error_type), (403, "UnrecognizedClientException"), f"token {token}")


@check
def uploads_are_refused_like_all_the_rest():
    for key, expected in [
        (Credentials("TYMPANDEV", "not the secret"), "InvalidSignatureException"),
        (Credentials("AKIDUNKNOWN", "secret"), "UnrecognizedClientException"),
    ]:
        with Upload(name="any", credentials=key) as upload:
            equal((upload.until_status(), upload.error_type), (403, expected), "refusal")


if __name__ == "__main__":
    main()
