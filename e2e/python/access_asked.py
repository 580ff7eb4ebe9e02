"""Settings, the audit file, access keys and policies by tympan's own service, on the server of access_policies.py.

Arguments: the secret that all keys have, and all other secrets of the configuration.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.exceptions
from botocore.credentials import Credentials
from sdk_check import argument, aws, check, endpoint, equal, main

REGION = "us-west-2"
ACCOUNT = "111122223333"
KEYS = "FULL READER PRODUCER CONSUMER NOTHING DEMO CARE SECURE LOOPBACK OFFICE SUPPORT KEYLESS".split()
DENIALS = {"AccessDeniedException", "NotAuthorizedException", "AccessDenied"}
CONTACT = "99999999-9999-4999-8999-999999999999"


def ask(name, service, method, path, body=None, target=None):
    """The status of a request, the name of its error, and its answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    if target:
        headers["X-Amz-Target"] = target
    request = botocore.awsrequest.AWSRequest(method, endpoint() + path, data=data, headers=headers)
    botocore.auth.SigV4Auth(Credentials(name, argument(0)), service, REGION).add_auth(request)
    plain = urllib.request.Request(request.url, data, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(plain, timeout=30) as response:
            return response.status, None, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.status, error.headers["x-amzn-ErrorType"], json.loads(error.read() or b"null")


def own(method, path, body=None, name="FULL"):
    status, error, answer = ask(name, "tympan", method, path, body)
    equal((status, error), (200, None), f"{method} {path}: {answer}")
    return answer


def lines(**query):
    """All lines, page by page."""
    found = []
    while True:
        page = own("GET", "/tympan/audit?" + urllib.parse.urlencode(query))
        found += page["Lines"]
        if "NextToken" not in page:
            equal((page["Complete"], page["IsWritten"]), (True, True), "the end")
            return found
        equal(page["Complete"], False, "a page that has a next one")
        query["nextToken"] = page["NextToken"]


def awaited(**query):
    """Lines are written within moments."""
    for _ in range(100):
        if found := lines(**query):
            return found
        time.sleep(0.05)
    raise AssertionError(f"no line: {query}")


@check
def the_configuration_is_told_with_its_sources_and_without_secrets():
    answer = own("GET", "/tympan/configuration")
    text = json.dumps(answer)
    index = 0
    while True:
        try:
            secret = argument(index)
        except IndexError:
            break
        assert secret not in text, f"secret {index} is in the answer"
        index += 1
    assert index > 4, "the secrets are known"
    settings = {setting["Key"]: setting for setting in answer["Settings"]}
    secret = settings["credentials[0].secret_access_key"]
    equal((secret["Value"], secret["IsSecret"], secret["Source"]), (None, True, "FILE"), "a secret")
    assert secret["From"].split(":")[0].endswith("tympan.toml"), secret
    equal(settings["contact_events.url"]["Value"], "http://(hidden)@127.0.0.1:9/hook?(hidden)", "a URL")
    equal(settings["kms.secret_access_key"], {"Key": "kms.secret_access_key", "Value": "", "IsSecret": True, "Source": "DEFAULT", "From": None}, "one that is not set")
    equal((settings["http.listen"]["Source"], settings["http.listen"]["From"]), ("ENVIRONMENT", "TYMPAN_HTTP__LISTEN"), "a variable")
    equal(settings["rtp.threads"]["Source"], "DEFAULT", "a default")
    for name in ("NOTHING", "DEMO", "PRODUCER"):
        equal(ask(name, "tympan", "GET", "/tympan/configuration")[:2], (403, "AccessDeniedException"), name)


@check
def the_audit_file_tells_of_denied_and_granted_requests_page_by_page():
    kvs = aws("kinesisvideo", aws_access_key_id="FULL", aws_secret_access_key=argument(0))
    names = [f"demo-paged-{n}" for n in range(7)]
    for name in names:
        kvs.create_stream(StreamName=name, DataRetentionInHours=1)
    equal(ask("DEMO", "kinesisvideo", "POST", "/deleteStream", {"StreamARN": f"arn:aws:kinesisvideo:{REGION}:{ACCOUNT}:stream/demo-paged-0/1"})[0], 401, "a denial")
    denied = awaited(user="DEMO", outcome="DENIED", action="DeleteStream")[0]
    equal((denied["Kind"], denied["AccessKeyId"], denied["SourceAddress"]), ("denial", "DEMO", "127.0.0.1"), "the denial")
    awaited(action="kinesisvideo:CreateStream", resource=names[-1])
    for size in (1, 3, 1000):
        made = lines(user="FULL", action="CreateStream", resource="stream/demo-paged-", maxResults=size)
        equal([line["Resource"].split("/")[1] for line in made], names[::-1], f"newest first, {size} at once")
    assert all(line["Outcome"] == "SUCCEEDED" and line["Status"] == 200 for line in made), made
    after = lines(action="CreateStream", **{"from": made[0]["Time"]})
    assert made[0] in after and made[-1] not in after or made[0]["Time"] == made[-1]["Time"], after

    equal(ask("NOTHING", "tympan", "GET", f"/tympan/contacts/{CONTACT}")[0], 403, "a contact")
    of_contact = awaited(contactId=CONTACT)
    equal([(line["Action"], line["User"]) for line in of_contact], [("tympan:DescribeContact", "NOTHING")], "lines of a contact")
    equal(ask("DEMO", "tympan", "GET", "/tympan/audit")[:2], (403, "AccessDeniedException"), "the audit file for DEMO")


@check
def access_keys_are_told_with_what_they_were_used_for():
    keys = {key["AccessKeyId"]: key for key in own("GET", "/tympan/access-keys")["AccessKeys"]}
    equal(sorted(keys), sorted(KEYS), "the keys")
    before = keys["SUPPORT"]
    ask("SUPPORT", "tympan", "GET", "/tympan/version")
    sent("SUPPORT", "sts", "POST", "/?Action=GetCallerIdentity", None)
    after = {key["AccessKeyId"]: key for key in own("GET", "/tympan/access-keys")["AccessKeys"]}["SUPPORT"]
    equal(after["Refusals"] - before["Refusals"], 1, "refusals")
    assert after["Requests"] > before["Requests"] and after["LastUsed"], after
    equal((after["User"], after["Policies"]), ("SUPPORT", ["one-instance"]), "the key")
    assert argument(0) not in json.dumps(keys)
    # A request that is wrongly signed is none of the key's.
    request = botocore.awsrequest.AWSRequest("GET", endpoint() + "/tympan/version")
    botocore.auth.SigV4Auth(Credentials("OFFICE", "wrong"), "tympan", REGION).add_auth(request)
    try:
        urllib.request.urlopen(urllib.request.Request(request.url, headers=dict(request.headers.items())), timeout=30)
        raise AssertionError("a wrong signature was taken")
    except urllib.error.HTTPError as error:
        with error:
            equal(error.status, 403, "a wrong signature")
    again = {key["AccessKeyId"]: key for key in own("GET", "/tympan/access-keys")["AccessKeys"]}
    equal(again["OFFICE"]["Requests"], keys["OFFICE"]["Requests"], "requests of OFFICE")


@check
def policies_are_told_with_where_they_stand():
    answer = own("GET", "/tympan/policies")
    policies = {policy["Name"]: policy for policy in answer["Policies"]}
    equal((policies["full-access"]["From"], policies["full-access"]["IsBuiltIn"]), ("built in", True), "a built-in one")
    assert "tympan.toml, line " in policies["demo-streams"]["From"], policies["demo-streams"]
    equal(len(policies["demo-streams"]["Document"]["Statement"]), 2, "its statements")
    equal(answer["Roles"][0]["AssumedBy"], ["NOTHING"], "the role")


def requests():
    """Requests with the action and the resource that policies see."""
    kvs = aws("kinesisvideo", aws_access_key_id="FULL", aws_secret_access_key=argument(0))
    streams = {}
    for name, tags in (("demo-simulated", {}), ("cared-for", {"team": "care"}), ("left-alone", {"team": "sales"})):
        streams[name] = kvs.create_stream(StreamName=name, DataRetentionInHours=1, Tags=tags)["StreamARN"]
    kms = aws("kms", aws_access_key_id="FULL", aws_secret_access_key=argument(0))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    for name, arn in streams.items():
        yield "kinesisvideo:DescribeStream", arn, ("kinesisvideo", "POST", "/describeStream", {"StreamName": name})
        yield "kinesisvideo:ListTagsForStream", arn, ("kinesisvideo", "POST", "/listTagsForStream", {"StreamARN": arn})
        yield "kinesisvideo:DeleteStream", arn, ("kinesisvideo", "POST", "/deleteStream", {"StreamARN": arn, "CurrentVersion": "none"})
    absent = f"arn:aws:kinesisvideo:{REGION}:{ACCOUNT}:stream/demo-absent/*"
    yield "kinesisvideo:DescribeStream", absent, ("kinesisvideo", "POST", "/describeStream", {"StreamName": "demo-absent"})
    yield "kinesisvideo:ListStreams", "*", ("kinesisvideo", "POST", "/listStreams", {})
    yield "connect:ListInstances", "*", ("connect", "GET", "/instance", None)
    for instance in ("00000000-0000-0000-0000-000000000000", CONTACT):
        arn = f"arn:aws:connect:{REGION}:{ACCOUNT}:instance/{instance}"
        yield "connect:DescribeInstance", arn, ("connect", "GET", f"/instance/{instance}", None)
    yield "kms:DescribeKey", key, ("kms", "POST", "/", {"KeyId": key}, "TrentService.DescribeKey")
    yield "kms:ListKeys", "*", ("kms", "POST", "/", {}, "TrentService.ListKeys")
    yield "tympan:ListContacts", "*", ("tympan", "GET", "/tympan/contacts", None)
    contact = f"arn:aws:tympan:{REGION}:{ACCOUNT}:contact/{CONTACT}"
    yield "tympan:GetFlowLog", contact, ("tympan", "GET", f"/tympan/contacts/{CONTACT}/flow-log", None)
    role = f"arn:aws:iam::{ACCOUNT}:role/transcriber"
    assume = f"/?Action=AssumeRole&Version=2011-06-15&RoleSessionName=one&RoleArn={urllib.parse.quote(role, safe='')}"
    yield "sts:AssumeRole", role, ("sts", "POST", assume, None)
    yield "sts:GetCallerIdentity", "*", ("sts", "POST", "/?Action=GetCallerIdentity&Version=2011-06-15", None)


@check
def a_simulation_says_what_the_server_then_does():
    seen = set()
    for action, resource, request in requests():
        for name in KEYS:
            question = {"AccessKeyId": name, "Action": action, "Resource": resource, "SourceAddress": "127.0.0.1"}
            simulated = own("POST", "/tympan/policies/simulate", question)
            status, error = sent(name, *request)
            is_denied = error in DENIALS
            assert is_denied or status < 500, (name, request, status, error)
            told = f"{name} {action} {resource}: {simulated}, answered {status} {error}"
            equal(is_denied, simulated["Decision"] != "ALLOWED", told)
            assert simulated["Explanation"].endswith("."), told
            seen.add((simulated["Decision"], simulated["Policy"]))
    decisions = {decision for decision, _ in seen}
    equal(decisions, {"ALLOWED", "EXPLICIT_DENY", "IMPLICIT_DENY"}, "all of them")
    assert {("ALLOWED", "care"), ("EXPLICIT_DENY", "secure-only"), ("EXPLICIT_DENY", "no-keys"), ("ALLOWED", "from-loopback")} <= seen, seen


def sent(name, service, method, path, body, target=None):
    """The status of a request and the name of its error, which some services have in the body only."""
    if service == "sts":
        try:
            client = aws("sts", aws_access_key_id=name, aws_secret_access_key=argument(0))
            if "AssumeRole" in path:
                client.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/transcriber", RoleSessionName="one")
            else:
                client.get_caller_identity()
            return 200, None
        except botocore.exceptions.ClientError as error:
            response = error.response
            return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
    status, error, answer = ask(name, service, method, path, body, target)
    return status, error or (answer or {}).get("__type")


@check
def a_caller_who_may_not_simulate_learns_nothing_of_keys():
    answers = set()
    for name in ("FULL", "UNKNOWN"):
        question = {"AccessKeyId": name, "Action": "kinesisvideo:ListStreams", "Resource": "*"}
        status, error, answer = ask("READER", "tympan", "POST", "/tympan/policies/simulate", question)
        answers.add((status, error, json.dumps(answer)))
    equal(len(answers), 1, answers)
    equal([answer[:2] for answer in answers], [(403, "AccessDeniedException")], "the refusal")
    question = {"AccessKeyId": "UNKNOWN", "Action": "kinesisvideo:ListStreams", "Resource": "*"}
    equal(ask("FULL", "tympan", "POST", "/tympan/policies/simulate", question)[:2], (404, "ResourceNotFoundException"), "an unknown key")


if __name__ == "__main__":
    main()
