"""Follows a stream with GetMedia, and prints the number and a digest of every fragment once it is complete.

Each line on stdin, {"endpoint", "stream", "run"}, begins a run that lasts until the body ends; then {"over": run}.
"""

import hashlib
import json
import os
import sys

import boto3
import lms


def follow(stream):
    endpoint = boto3.client("kinesisvideo").get_data_endpoint(StreamARN=stream, APIName="GET_MEDIA")["DataEndpoint"]
    payload = boto3.client("kinesis-video-media", endpoint_url=endpoint).get_media(
        StreamARN=stream, StartSelector={"StartSelectorType": "NOW"}
    )["Payload"]
    body, told = b"", 0
    # One read of what has arrived, not of a given length.
    while piece := payload._raw_stream.read1(65536):
        body += piece
        complete = [fragment for fragment in lms.fragments(body) if fragment.complete]
        for fragment in complete[told:]:
            digest = hashlib.sha256(fragment.pcm()).hexdigest()
            print(json.dumps({"number": fragment.number, "digest": digest}), flush=True)
        told = len(complete)


for line in sys.stdin:
    order = json.loads(line)
    os.environ["AWS_ENDPOINT_URL"] = order["endpoint"]
    try:
        follow(order["stream"])
        reason = "the body ended"
    except Exception as error:
        reason = repr(error)
    print(json.dumps({"over": order["run"], "reason": reason}), flush=True)
