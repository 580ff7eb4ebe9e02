"""One id in every spelling: what a policy denies by id stays denied.

Arguments: the secret of all keys, and a file by which the first run tells the second one what it has made.
"""

import http.client
import json
import pathlib
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
from botocore.credentials import Credentials
from sdk_check import argument, aws, check, endpoint, equal, main

ABSENT = "abcdefab-9999-4999-8999-abcdefabcdef"
CONNECT = "arn:aws:connect:us-west-2:111122223333"
KMS = "arn:aws:kms:us-west-2:111122223333"
FLOW = json.dumps(
    {
        "Version": "2019-10-30",
        "StartAction": "end",
        "Actions": [{"Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}],
    }
)


def client(service, name):
    return aws(service, aws_access_key_id=name, aws_secret_access_key=argument(0))


def ask(name, service, method, target, body="", headers=None):
    """A request exactly as it is written here, signed by a key: status and text of the answer."""
    url = urllib.parse.urlsplit(endpoint())
    request = botocore.awsrequest.AWSRequest(
        method=method, url=endpoint() + target, data=body.encode(), headers=headers or {}
    )
    botocore.auth.SigV4Auth(Credentials(name, argument(0)), service, "us-west-2").add_auth(request)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request(method, target, body.encode(), dict(request.headers))
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def spellings(id, arn):
    """Texts for an id that mean it, or that nothing is found by."""
    mixed = "".join(c.upper() if at % 2 else c for at, c in enumerate(id))
    forms = [id, id.upper(), mixed, arn.format(id), arn.format(id.upper())]
    forms += ["{" + id + "}", id.replace("-", ""), "urn:uuid:" + id, id + "/", "x/" + id, arn.format(id).upper()]
    return forms


def labels(id, arn):
    """The same as parts of a path: encoded where they must be, and everywhere."""
    for text in spellings(id, arn):
        yield urllib.parse.quote(text, safe="")
        yield "".join(f"%{byte:02x}" for byte in text.encode())


def questions():
    """Service, method, target, body, headers: each about an id that is denied, in one spelling."""
    made = json.loads(pathlib.Path(argument(1)).read_text())
    instance, flow, number, key = made["instance"], made["flow"], made["number"], made["key"]
    for label in labels(instance, CONNECT + ":instance/{}"):
        yield "connect", "GET", f"/instance/{label}", "", {}
        yield "connect", "GET", f"/contact-flows-summary/{label}", "", {}
    for label in labels(flow, f"{CONNECT}:instance/{instance}/contact-flow/{{}}"):
        yield "connect", "GET", f"/contact-flows/{instance}/{label}", "", {}
        yield "connect", "GET", f"/contact-flows/{instance.upper()}/{label}", "", {}
    for label in labels(number, CONNECT + ":phone-number/{}"):
        yield "connect", "GET", f"/phone-number/{label}", "", {}
    contact = f"{CONNECT}:instance/{made['other']}/contact/{{}}"
    for label in labels(ABSENT, contact):
        yield "connect", "GET", f"/contact/attributes/{made['other']}/{label}", "", {}
        yield "connect", "GET", f"/contacts/{made['other'].upper()}/{label}", "", {}
    for label in labels(ABSENT, "arn:aws:tympan:us-west-2:111122223333:contact/{}"):
        yield "tympan", "GET", f"/tympan/contacts/{label}", "", {}
    for text in spellings(instance, CONNECT + ":instance/{}"):
        body = json.dumps({"InstanceId": text, "ContactId": ABSENT})
        yield "connect", "POST", "/contact/stop", body, {}
        yield "connect", "POST", "/phone-number/list", json.dumps({"TargetArn": text}), {}
    for text in spellings(ABSENT, contact):
        body = json.dumps({"InstanceId": made["other"], "InitialContactId": text, "Attributes": {}})
        yield "connect", "POST", "/contact/attributes", body, {}
    describe = {"X-Amz-Target": "TrentService.DescribeKey", "Content-Type": "application/x-amz-json-1.1"}
    for id in (key, ABSENT):
        for text in spellings(id, KMS + ":key/{}"):
            yield "kms", "POST", "/", json.dumps({"KeyId": text}), describe
    for text in ("alias/denied", KMS + ":alias/denied"):
        yield "kms", "POST", "/", json.dumps({"KeyId": text}), describe
    arn = made["stream"]
    leading_zeros = re.sub(r"/(\d+)$", r"/000\1", arn)
    for member, text in (
        ("StreamName", "denied"),
        ("StreamARN", arn),
        ("StreamARN", leading_zeros),
        ("StreamARN", arn + "/"),
        ("StreamARN", arn.upper()),
    ):
        yield "kinesisvideo", "POST", "/describeStream", json.dumps({member: text}), {}
        escaped = "".join(f"\\u{ord(c):04x}" for c in text)
        yield "kinesisvideo", "POST", "/describeStream", f'{{"{member}":"{escaped}"}}', {}
    for role in ("denied", "Denied"):
        form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=one&RoleArn="
        for text in labels(role, "arn:aws:iam::111122223333:role/{}"):
            yield "sts", "POST", "/", form + text, {"Content-Type": "application/x-www-form-urlencoded"}


@check
def something_of_every_kind_is_made():
    connect = client("connect", "FULL")
    instances = [
        connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias=alias,
            InboundCallsEnabled=True,
            OutboundCallsEnabled=False,
        )["Id"]
        for alias in ("denied", "other")
    ]
    flow = connect.create_contact_flow(InstanceId=instances[0], Name="a", Type="CONTACT_FLOW", Content=FLOW)
    number = connect.claim_phone_number(InstanceId=instances[0], PhoneNumber="+18005550142")
    kms = client("kms", "FULL")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/denied", TargetKeyId=key)
    stream = client("kinesisvideo", "FULL").create_stream(StreamName="denied", DataRetentionInHours=1)
    made = {
        "instance": instances[0],
        "other": instances[1],
        "flow": flow["ContactFlowId"],
        "number": number["PhoneNumberId"],
        "key": key,
        "stream": stream["StreamARN"],
    }
    pathlib.Path(argument(1)).write_text(json.dumps(made))


@check
def no_spelling_finds_what_is_denied():
    asked = 0
    for name in ("WARY", "SHOUTING"):
        for service, method, target, body, headers in questions():
            status, text = ask(name, service, method, target, body, headers)
            said = f"{name}: {service} {method} {target} {body}: {status} {text}"
            assert 400 <= status < 500, said
            # A text that names nothing is not found by those who may ask; one that names the id is denied.
            found = re.search(r"not authorized to perform", text)
            assert found or status in (400, 404), said
            asked += 1
    assert asked > 300, asked


@check
def what_is_denied_is_denied_for_what_it_is():
    """The spellings that mean an id are answered as the id itself is."""
    made = json.loads(pathlib.Path(argument(1)).read_text())
    upper = made["instance"].upper()
    arn = urllib.parse.quote(f"{CONNECT}:instance/{upper}", safe="")
    for name in ("WARY", "SHOUTING"):
        for label in (made["instance"], upper, arn, upper.replace("-", "%2D")):
            status, text = ask(name, "connect", "GET", f"/instance/{label}")
            equal(status, 403, f"the status for {label}")
            assert f"{CONNECT}:instance/{made['instance']} " in text, text
            equal(ask("FULL", "connect", "GET", f"/instance/{label}")[0], 200, f"the status of FULL for {label}")
        for absent in (ABSENT, ABSENT.upper()):
            equal(ask(name, "tympan", "GET", f"/tympan/contacts/{absent}")[0], 403, f"the status for {absent}")
            equal(ask("FULL", "tympan", "GET", f"/tympan/contacts/{absent}")[0], 404, f"that of FULL for {absent}")


if __name__ == "__main__":
    main()
