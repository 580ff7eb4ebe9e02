"""A server whose keys are kept by another KMS. The first argument is the endpoint of that KMS.

The checks are run one by one, in the order in which the test lets the KMS come and go.
"""

import botocore.config
import sdk_matroska as mkv
from sdk_check import argument, aws, check, equal, main, refused
from sdk_upload import Upload, put

KEY = "alias/elsewhere"
START_MS = 1_700_000_000_000

kvs = aws("kinesisvideo")


def elsewhere():
    return aws("kms", endpoint_url=argument(0))


def file(seed):
    clusters = (mkv.cluster(START_MS + index * 1000, mkv.frames(f"{seed}-{index}", 5)) for index in range(3))
    return mkv.document_head() + b"".join(clusters)


def audio(seed):
    return b"".join(frame for index in range(3) for frame in mkv.frames(f"{seed}-{index}", 5))


def body(name):
    endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint)
    return media.get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()


def read(name):
    return b"".join(fragment.audio for fragment in mkv.fragments(body(name)))


def written(name, seed):
    acks = put(file(seed), name=name)
    equal(sum(ack["EventType"] == "PERSISTED" for ack in acks), 3, "fragments that are kept")


def refused_upload(name, error_id, code):
    with Upload(name=name) as upload:
        ack = upload.until_ack("ERROR")[0]
        equal((ack["ErrorId"], ack["ErrorCode"]), (error_id, code), "ack")


def refused_body(name, error_id, code):
    found = mkv.fragments(body(name))
    equal(len(found), 1, "documents")
    tags = dict(tag for block in found[0].tag_blocks for tag in block)
    equal(tags["AWS_KINESISVIDEO_ERROR_ID"], str(error_id), "error id")
    equal(tags["AWS_KINESISVIDEO_ERROR_CODE"], code, "error code")


@check
def media_is_written_and_read_under_a_key_that_is_elsewhere():
    key = elsewhere().create_key()["KeyMetadata"]
    elsewhere().create_alias(AliasName=KEY, TargetKeyId=key["KeyId"])
    kvs.create_stream(StreamName="known", DataRetentionInHours=24, KmsKeyId=KEY)
    kvs.create_stream(StreamName="fresh", DataRetentionInHours=24, KmsKeyId=key["Arn"])
    kvs.create_stream(StreamName="plain", DataRetentionInHours=24)
    equal(kvs.describe_stream(StreamName="known")["StreamInfo"]["KmsKeyId"], KEY, "key")
    equal(kvs.describe_stream(StreamName="fresh")["StreamInfo"]["KmsKeyId"], key["Arn"], "key")
    for name in ["known", "plain"]:
        written(name, "a")
        equal(read(name), audio("a"), f"audio of {name}")
    with refused("InvalidArgumentException", 400):
        kvs.create_stream(StreamName="keyless", KmsKeyId="alias/nobody")


@check
def a_key_that_is_disabled_elsewhere_stops_its_streams_alone():
    key = elsewhere().describe_key(KeyId=KEY)["KeyMetadata"]["KeyId"]
    elsewhere().disable_key(KeyId=key)
    refused_upload("known", 4501, "KMS_KEY_DISABLED")
    refused_body("known", 4501, "KMS_KEY_DISABLED")
    refused_upload("fresh", 4501, "KMS_KEY_DISABLED")
    equal(read("plain"), audio("a"), "audio of another key's stream")
    elsewhere().schedule_key_deletion(KeyId=key)
    refused_upload("known", 4505, "KMS_KEY_INVALID_STATE")
    refused_body("known", 4505, "KMS_KEY_INVALID_STATE")
    elsewhere().cancel_key_deletion(KeyId=key)
    elsewhere().enable_key(KeyId=key)
    equal(read("known"), audio("a"), "audio after the key was enabled again")


@check
def while_the_kms_is_away_opened_keys_go_on_and_others_wait():
    written("known", "b")
    equal(read("known"), audio("a") + audio("b"), "audio of a stream whose key is opened")
    refused_upload("fresh", 4503, "KMS_KEY_UNAVAILABLE")
    impatient = aws("kinesisvideo", config=botocore.config.Config(retries={"total_max_attempts": 1}))
    with refused("ServiceUnavailable", 503):
        impatient.create_stream(StreamName="late", KmsKeyId=KEY)


@check
def while_the_kms_is_here_more_is_written():
    written("known", "b")


@check
def a_server_that_starts_without_its_kms_says_so_to_readers_and_writers():
    refused_body("known", 4503, "KMS_KEY_UNAVAILABLE")
    refused_upload("known", 4503, "KMS_KEY_UNAVAILABLE")


@check
def when_the_kms_is_back_everything_works_again():
    equal(read("known"), audio("a") + audio("b"), "audio")
    for name in ["known", "fresh", "plain"]:
        written(name, "c")
    equal(read("fresh"), audio("c"), "audio of a stream that had to wait")


@check
def the_keys_of_this_server_are_asked_for_elsewhere():
    with refused("UnsupportedOperationException", 400) as refusal:
        aws("kms").list_keys()
    assert "kms.endpoint" in refusal.message, refusal.message


if __name__ == "__main__":
    main()
