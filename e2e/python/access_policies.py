"""What access keys may do: a server without --dev, where each key has the policies of its name and no more.

Arguments: the secret that all keys of the configuration have.
"""

import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import sdk_matroska as mkv
from botocore.credentials import Credentials
from sdk_check import argument, aws, check, endpoint, equal, main, refused, typed
from sdk_upload import Upload

REGION = "us-west-2"
ROOT = "arn:aws:kinesisvideo:us-west-2:111122223333"
START_MS = 1_700_000_000_000


def key(name):
    return {"aws_access_key_id": name, "aws_secret_access_key": argument(0)}


def kvs(name):
    return aws("kinesisvideo", **key(name))


def connect(name):
    return aws("connect", **key(name))


def media(name):
    return aws("kinesis-video-media", **key(name))


def upload(name, stream):
    """A PutMedia request of a key: its status, and its error or its acks."""
    with Upload(name=stream, credentials=Credentials(name, argument(0))) as uploading:
        if uploading.until_status() == 200:
            uploading.send(mkv.document_head() + mkv.cluster(START_MS, mkv.frames(START_MS, 5)))
            return 200, uploading.finish()
        return uploading.status, uploading.error_type


def denied(client, operation, resource=None):
    """As `typed`, and worded as at AWS."""

    class Block:
        def __enter__(self):
            self.inner = typed(client, "NotAuthorizedException", 401)
            self.refusal = self.inner.__enter__()
            return self.refusal

        def __exit__(self, *error):
            swallowed = self.inner.__exit__(*error)
            message = self.refusal.message
            assert f"is not authorized to perform: kinesisvideo:{operation} on resource: " in message, message
            assert message.startswith("User: arn:aws:iam::111122223333:user/"), message
            assert resource is None or f"on resource: {resource} " in message, message
            return swallowed

    return Block()


@check
def a_key_without_policies_may_do_nothing_but_ask_who_it_is():
    nothing = kvs("NOTHING")
    with denied(nothing, "CreateStream", f"{ROOT}:stream/mine/*"):
        nothing.create_stream(StreamName="mine")
    with denied(nothing, "ListStreams", "*"):
        nothing.list_streams()
    with denied(nothing, "DescribeStream", f"{ROOT}:stream/mine/*"):
        nothing.describe_stream(StreamName="mine")
    with typed(media("NOTHING"), "NotAuthorizedException", 401):
        media("NOTHING").get_media(StreamName="mine", StartSelector={"StartSelectorType": "NOW"})
    equal(upload("NOTHING", "mine"), (401, "NotAuthorizedException"), "PutMedia")
    with typed(connect("NOTHING"), "AccessDeniedException", 403) as refusal:
        connect("NOTHING").list_instances()
    assert "because no identity-based policy allows the connect:ListInstances action" in refusal.message
    equal(own("NOTHING", "/tympan/contacts"), 403, "contact records")
    identity = aws("sts", **key("NOTHING")).get_caller_identity()
    equal(identity["Arn"], "arn:aws:iam::111122223333:user/NOTHING", "identity")
    equal(kvs("FULL").list_streams()["StreamInfoList"], [], "what is there after all that")


def own(name, path):
    """The status of a request that no SDK makes."""
    return sent(name, "tympan", "GET", path)[0]


def sent(name, service, method, path, body=None, headers=(), unsigned=()):
    """The status and the error of a request as it stands."""
    headers = {"Content-Type": "application/json", **dict(headers)} if body else dict(headers)
    request = botocore.awsrequest.AWSRequest(method, endpoint() + path, data=body, headers=headers)
    botocore.auth.SigV4Auth(Credentials(name, argument(0)), service, REGION).add_auth(request)
    lines = {**dict(request.headers.items()), **dict(unsigned)}
    plain = urllib.request.Request(request.url, body, lines, method=method)
    try:
        with urllib.request.urlopen(plain, timeout=30) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.status, error.headers["x-amzn-ErrorType"]


@check
def the_built_in_policies_allow_what_they_are_named_after():
    kvs("PRODUCER").create_stream(StreamName="shared", DataRetentionInHours=1)
    status, acks = upload("PRODUCER", "shared")
    assert status == 200 and any(ack["EventType"] == "PERSISTED" for ack in acks), (status, acks)
    kvs("PRODUCER").get_data_endpoint(StreamName="shared", APIName="PUT_MEDIA")
    with typed(media("PRODUCER"), "NotAuthorizedException", 401):
        media("PRODUCER").get_media(StreamName="shared", StartSelector={"StartSelectorType": "EARLIEST"})
    with denied(kvs("PRODUCER"), "DeleteStream"):
        kvs("PRODUCER").delete_stream(StreamARN=kvs("FULL").describe_stream(StreamName="shared")["StreamInfo"]["StreamARN"])

    kvs("CONSUMER").describe_stream(StreamName="shared")
    answer = media("CONSUMER").get_media(StreamName="shared", StartSelector={"StartSelectorType": "EARLIEST"})
    equal(len(mkv.fragments(answer["Payload"].read())), 1, "fragments")
    equal(upload("CONSUMER", "shared"), (401, "NotAuthorizedException"), "PutMedia")
    with typed(connect("CONSUMER"), "AccessDeniedException", 403):
        connect("CONSUMER").list_instances()

    kvs("READER").list_tags_for_stream(StreamName="shared")
    equal(connect("READER").list_instances()["InstanceSummaryList"], [], "instances")
    equal(own("READER", "/tympan/contacts"), 200, "contact records")
    with typed(connect("READER"), "AccessDeniedException", 403):
        connect("READER").create_instance(
            IdentityManagementType="CONNECT_MANAGED", InboundCallsEnabled=True, OutboundCallsEnabled=False
        )
    with denied(kvs("READER"), "TagStream"):
        kvs("READER").tag_stream(StreamName="shared", Tags={"a": "b"})


@check
def resources_are_those_of_the_policy_by_name_and_by_arn():
    full, demo = kvs("FULL"), kvs("DEMO")
    other = full.create_stream(StreamName="other", DataRetentionInHours=1)["StreamARN"]
    arn = demo.create_stream(StreamName="demo-1", DataRetentionInHours=1)["StreamARN"]
    demo.describe_stream(StreamName="demo-1")
    demo.describe_stream(StreamARN=arn)
    for names in [{"StreamName": "other"}, {"StreamARN": other}]:
        with denied(demo, "DescribeStream"):
            demo.describe_stream(**names)
        with denied(demo, "UntagStream"):
            demo.untag_stream(TagKeyList=["a"], **names)
    with denied(demo, "CreateStream", f"{ROOT}:stream/elsewhere/*"):
        demo.create_stream(StreamName="elsewhere")
    # Whether the stream exists is not told.
    for name in ["other", "never"]:
        with denied(demo, "DescribeStream", f"{ROOT}:stream/{name}/*"):
            demo.describe_stream(StreamName=name)
    equal(upload("DEMO", "other"), (401, "NotAuthorizedException"), "PutMedia to another stream")
    equal(upload("DEMO", "demo-1")[0], 200, "PutMedia to its own")
    with denied(demo, "DeleteStream", arn) as refusal:
        demo.delete_stream(StreamARN=arn)
    assert refusal.message.endswith("with an explicit deny in an identity-based policy"), refusal.message
    # It may list nothing: that is about no stream.
    with denied(demo, "ListStreams", "*"):
        demo.list_streams()


@check
def no_body_is_read_in_two_ways():
    kvs("FULL").create_stream(StreamName="private", DataRetentionInHours=1)
    kvs("DEMO").create_stream(StreamName="demo-2", DataRetentionInHours=1)

    def describe(body, path="/describeStream"):
        return sent("DEMO", "kinesisvideo", "POST", path, body)

    equal(describe(b'{"StreamName":"demo-2"}'), (200, None), "its own stream")
    for body in [b'{"StreamName":"demo-2","StreamName":"private"}', b"[1]"]:
        equal(describe(body), (400, "SerializationException"), body)
    # A member that the operation does not read names nothing.
    equal(describe(b'{"StreamName":"private","ResourceARN":1}'), (401, "NotAuthorizedException"), "not its member")
    equal(describe(b'{"StreamName":"demo-2","StreamARN":1}'), (400, "SerializationException"), "an ARN that is a number")
    arn = kvs("FULL").describe_stream(StreamName="private")["StreamInfo"]["StreamARN"]
    both = f'{{"StreamName":"demo-2","StreamARN":"{arn}"}}'.encode()
    equal(describe(both), (401, "NotAuthorizedException"), "two names")
    tags = f'{{"StreamName":"demo-2","StreamARN":"{arn}","Tags":{{"a":"b"}}}}'.encode()
    equal(sent("FULL", "kinesisvideo", "POST", "/tagStream", tags), (400, "InvalidArgumentException"), "two to tag")
    ids = b'["48e0cc12-8bff-4725-bc26-b1cb9a499274","48e0cc12-8bff-4725-bc26-b1cb9a499274"]'
    equal(sent("FULL", "connect", "POST", "/contact/stop", ids), (400, "InvalidRequestException"), "a list")


@check
def conditions_on_tags_follow_the_tags():
    full, care = kvs("FULL"), kvs("CARE")
    full.create_stream(StreamName="tagged", DataRetentionInHours=1)
    with denied(care, "DescribeStream"):
        care.describe_stream(StreamName="tagged")
    full.tag_stream(StreamName="tagged", Tags={"team": "care"})
    care.describe_stream(StreamName="tagged")
    full.tag_stream(StreamName="tagged", Tags={"team": "sales"})
    with denied(care, "DescribeStream"):
        care.describe_stream(StreamName="tagged")


@check
def where_a_request_comes_from_counts():
    with denied(kvs("SECURE"), "ListStreams") as refusal:
        kvs("SECURE").list_streams()
    assert "explicit deny" in refusal.message, refusal.message
    kvs("LOOPBACK").list_streams()
    with denied(kvs("OFFICE"), "ListStreams"):
        kvs("OFFICE").list_streams()


@check
def instances_are_resources_too():
    full, own_one = connect("FULL"), connect("SUPPORT")
    make = {"IdentityManagementType": "CONNECT_MANAGED", "InboundCallsEnabled": True, "OutboundCallsEnabled": False}
    made = full.create_instance(InstanceAlias="support", **make)["Id"]
    full.describe_instance(InstanceId=made)
    with typed(own_one, "AccessDeniedException", 403) as refusal:
        own_one.describe_instance(InstanceId=made)
    assert f":instance/{made} " in refusal.message, refusal.message
    with typed(own_one, "AccessDeniedException", 403) as refusal:
        own_one.claim_phone_number(InstanceId=made, PhoneNumber="+18005550142")
    assert f":instance/{made} " in refusal.message and "+1800" not in refusal.message, refusal.message
    with refused("AccessDeniedException", 403):
        own_one.stop_contact(InstanceId=made, ContactId="48e0cc12-8bff-4725-bc26-b1cb9a499274")


@check
def wrong_signatures_that_name_a_producers_key_cost_the_producer_nothing():
    kvs("PRODUCER").create_stream(StreamName="patience", DataRetentionInHours=1)
    liar = Credentials("PRODUCER", "not the secret of this key")
    wrong = [Upload(name="patience", credentials=liar) for _ in range(12)]
    for uploading in wrong:
        equal(uploading.until_status(), 403, "the status of a wrong signature")
    # The next one is made to wait: while it does, the producer is answered.
    with Upload(name="patience", credentials=liar) as slowed:
        status, acks = upload("PRODUCER", "patience")
        assert status == 200 and any(ack["EventType"] == "PERSISTED" for ack in acks), (status, acks)
        equal(slowed.status, None, "the status of the wrong signature by then")
        equal(slowed.until_status(), 403, "the status of the wrong signature in the end")
    for uploading in wrong:
        uploading.cut()


@check
def a_key_that_is_denied_encrypts_no_stream():
    kms = aws("kms", **key("FULL"))
    id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/guarded", TargetKeyId=id)
    for named in (id, id.upper(), "alias/guarded", f"arn:aws:kms:{REGION}:111122223333:key/{id}"):
        for name in ("KEYLESS", "PRODUCER"):
            with typed(kvs(name), "NotAuthorizedException", 401) as refusal:
                kvs(name).create_stream(StreamName="guarded", KmsKeyId=named)
            assert f"kms:DescribeKey on resource: arn:aws:kms:{REGION}:111122223333:key/{id} " in refusal.message, refusal.message
    kvs("KEYLESS").create_stream(StreamName="unguarded", DataRetentionInHours=1)
    kvs("KEYLESS").create_stream(StreamName="services-own", KmsKeyId="alias/aws/kinesisvideo")
    kvs("FULL").create_stream(StreamName="guarded", KmsKeyId="alias/guarded")

    make = {"IdentityManagementType": "CONNECT_MANAGED", "InboundCallsEnabled": True, "OutboundCallsEnabled": False}
    instance = connect("FULL").create_instance(InstanceAlias="guarded", **make)["Id"]

    def associate(name, key_id):
        encryption = {"EncryptionType": "KMS", "KeyId": key_id}
        config = {"Prefix": "calls", "RetentionPeriodHours": 1, "EncryptionConfig": encryption}
        return connect(name).associate_instance_storage_config(
            InstanceId=instance,
            ResourceType="MEDIA_STREAMS",
            StorageConfig={"StorageType": "KINESIS_VIDEO_STREAM", "KinesisVideoStreamConfig": config},
        )

    with typed(connect("KEYLESS"), "AccessDeniedException", 403):
        associate("KEYLESS", "alias/guarded")
    associate("KEYLESS", "alias/aws/kinesisvideo")


@check
def what_decides_must_be_signed():
    kvs("FULL").create_stream(StreamName="signed", DataRetentionInHours=1)
    full = Credentials("FULL", argument(0))
    with Upload(credentials=full, unsigned={"x-amzn-stream-name": "signed"}) as uploading:
        equal(uploading.until_status(), 403, "the status of an unsigned stream name")
        equal(uploading.error_type, "InvalidSignatureException", "the error")
    with Upload(name="signed", credentials=full, unsigned={"X-Amzn-Trace-Id": "Root=1"}) as uploading:
        equal(uploading.until_status(), 200, "the status of a header that a proxy adds")
    target = {"X-Amz-Target": "TrentService.ListKeys"}
    equal(sent("FULL", "kms", "POST", "/", b"{}", headers=target), (200, None), "a signed target")
    unsigned = sent("FULL", "kms", "POST", "/", b"{}", unsigned=target)
    equal(unsigned, (403, "InvalidSignatureException"), "an unsigned target")


if __name__ == "__main__":
    main()
