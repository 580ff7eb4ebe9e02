"""Documents of Amazon Connect that several scripts send."""

import json


def flow(text="hello"):
    """A small flow: says something and hangs up."""
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": "say",
            "Actions": [
                {
                    "Identifier": "say",
                    "Type": "MessageParticipant",
                    "Parameters": {"Text": text},
                    "Transitions": {"NextAction": "end", "Errors": [], "Conditions": []},
                },
                {"Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
            ],
        }
    )


def media_streams(prefix="support", hours=24, key="alias/aws/kinesisvideo"):
    return {
        "StorageType": "KINESIS_VIDEO_STREAM",
        "KinesisVideoStreamConfig": {
            "Prefix": prefix,
            "RetentionPeriodHours": hours,
            "EncryptionConfig": {"EncryptionType": "KMS", "KeyId": key},
        },
    }
