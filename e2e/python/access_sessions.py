"""Temporary credentials: STS of unmodified boto3 on the same port, and what its sessions may do.

Arguments: the secret of all keys, and a file through which a session outlives a restart of the server.
"""

import base64
import datetime
import json
import pathlib
import urllib.request

import boto3
import sdk_matroska as mkv
from botocore.credentials import Credentials
from sdk_check import argument, aws, check, equal, main, refused, typed
from sdk_upload import Upload

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/transcriber"
ONLY_DESCRIBE = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "kinesisvideo:Describe*", "Resource": "*"},
}


def sts(name, secret=None):
    return aws("sts", aws_access_key_id=name, aws_secret_access_key=secret or argument(0))


def session(credentials):
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def begun(**members):
    return session(sts("FULL").get_session_token(**members)["Credentials"])


def assumed(**members):
    answer = sts("NOTHING").assume_role(RoleArn=ROLE, RoleSessionName="one", **members)
    return session(answer["Credentials"])


@check
def a_session_may_do_what_its_user_may_do():
    before = datetime.datetime.now(datetime.UTC)
    made = sts("FULL").get_session_token(DurationSeconds=900)["Credentials"]
    left = (made["Expiration"] - before).total_seconds()
    assert 890 < left < 910, left
    assert made["AccessKeyId"].startswith("ASIA") and len(made["AccessKeyId"]) == 20, made["AccessKeyId"]
    keys = session(made)
    aws("kinesisvideo", **keys).create_stream(StreamName="of-a-session", DataRetentionInHours=1)
    aws("connect", **keys).list_instances()
    identity = aws("sts", **keys).get_caller_identity()
    equal((identity["Account"], identity["Arn"]), (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/FULL"), "identity")
    with refused("AccessDenied", 403):
        aws("sts", **keys).get_session_token()


@check
def a_token_that_is_not_signed_counts_as_one_that_is():
    keys = begun()
    aws("kinesisvideo", **keys).create_stream(StreamName="unsigned-token", DataRetentionInHours=1)
    # As the C producer does: the token is sent and left out of the signed headers.
    long_term = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    token = {"x-amz-security-token": keys["aws_session_token"]}
    with Upload(name="unsigned-token", credentials=long_term, unsigned=token) as upload:
        upload.send(mkv.document_head() + mkv.cluster(1_700_000_000_000, mkv.frames(1_700_000_000_000, 5)))
        acks = upload.finish()
    assert any(ack["EventType"] == "PERSISTED" for ack in acks), acks


@check
def a_role_is_assumed_and_narrowed():
    answer = sts("NOTHING").assume_role(RoleArn=ROLE, RoleSessionName="one@desk", Policy=json.dumps(ONLY_DESCRIBE, indent=4))
    user = answer["AssumedRoleUser"]
    equal(user["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/transcriber/one@desk", "arn")
    assert user["AssumedRoleId"].startswith("AROA") and user["AssumedRoleId"].endswith(":one@desk"), user
    aws("kinesisvideo", **begun()).create_stream(StreamName="of-a-role", DataRetentionInHours=1)
    narrowed = aws("kinesisvideo", **session(answer["Credentials"]))
    narrowed.describe_stream(StreamName="of-a-role")
    with typed(narrowed, "NotAuthorizedException", 401) as refusal:
        narrowed.get_data_endpoint(StreamName="of-a-role", APIName="GET_MEDIA")
    expected = "because no session policy allows the kinesisvideo:GetDataEndpoint action"
    assert refusal.message.endswith(expected), refusal.message
    whole = aws("kinesisvideo", **assumed())
    whole.get_data_endpoint(StreamName="of-a-role", APIName="GET_MEDIA")
    with typed(whole, "NotAuthorizedException", 401) as refusal:
        whole.tag_stream(StreamName="of-a-role", Tags={"a": "b"})
    assert refusal.message.endswith("because no identity-based policy allows the kinesisvideo:TagStream action")
    by_arn = aws("kinesisvideo", **assumed(PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/producer"}]))
    by_arn.describe_stream(StreamName="of-a-role")
    with typed(by_arn, "NotAuthorizedException", 401):
        by_arn.list_streams()
    identity = aws("sts", **assumed()).get_caller_identity()
    equal(identity["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/transcriber/one", "who a session of a role is")


@check
def what_sts_refuses_has_the_codes_of_sts():
    full, nothing = sts("FULL"), sts("NOTHING")
    with refused("AccessDenied", 403):
        full.assume_role(RoleArn=ROLE, RoleSessionName="one")
    with refused("AccessDenied", 403):
        nothing.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/other", RoleSessionName="one")
    with refused("MalformedPolicyDocument", 400) as refusal:
        nothing.assume_role(RoleArn=ROLE, RoleSessionName="one", Policy='{"Statement": {"Effect": "Permit"}}')
    equal(refusal.type, nothing.exceptions.MalformedPolicyDocumentException, "type")
    assert "Statement.Effect" in refusal.message, refusal.message
    with refused("PackedPolicyTooLarge", 400) as refusal:
        long = {**ONLY_DESCRIBE, "Id": "x" * 2_048}
        nothing.assume_role(RoleArn=ROLE, RoleSessionName="one", Policy=json.dumps(long))
    equal(refusal.type, nothing.exceptions.PackedPolicyTooLargeException, "type")
    with refused("ValidationError", 400):
        nothing.assume_role(RoleArn=ROLE, RoleSessionName="one", DurationSeconds=7_200)
    with refused("InvalidAction", 400):
        full.get_federation_token(Name="somebody")
    with refused("InvalidClientTokenId", 403):
        sts("UNHEARD").get_caller_identity()
    with refused("SignatureDoesNotMatch", 403):
        sts("FULL", "another secret").get_caller_identity()


@check
def a_token_that_was_altered_or_belongs_to_another_key_is_refused():
    keys = begun()
    token = bytearray(base64.b64decode(keys["aws_session_token"]))
    token[len(token) // 2] ^= 1
    for altered in [
        {**keys, "aws_session_token": base64.b64encode(token).decode()},
        {**keys, "aws_session_token": begun()["aws_session_token"]},
        {**keys, "aws_session_token": None},
    ]:
        with refused("UnrecognizedClientException", 403):
            aws("kinesisvideo", **altered).list_streams()
        with refused("InvalidClientTokenId", 403):
            aws("sts", **altered).get_caller_identity()
    with refused("InvalidSignatureException", 403):
        aws("kinesisvideo", **{**keys, "aws_secret_access_key": "guessed"}).list_streams()


@check
def a_presigned_question_is_answered():
    url = sts("FULL").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=30) as response:
        body = response.read().decode()
    assert f"<Arn>arn:aws:iam::{ACCOUNT}:user/FULL</Arn>" in body, body


@check
def a_session_is_remembered():
    pathlib.Path(argument(1)).write_text(json.dumps(begun()))


@check
def a_session_outlives_a_restart():
    keys = json.loads(pathlib.Path(argument(1)).read_text())
    aws("kinesisvideo", **keys).list_streams()
    equal(boto3.client("sts", **keys).get_caller_identity()["Account"], ACCOUNT, "account")


if __name__ == "__main__":
    main()
