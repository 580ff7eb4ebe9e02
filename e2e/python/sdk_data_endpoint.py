"""The URL that GetDataEndpoint answers, asked by boto3 at the addresses that follow `--`: URL=EXPECTED, PROTO@URL=EXPECTED."""

import boto3

from sdk_check import argument, check, equal, main

EVER = {
    "FragmentSelectorType": "SERVER_TIMESTAMP",
    "TimestampRange": {"StartTimestamp": 0, "EndTimestamp": 4_000_000_000},
}


def ask(url, proto):
    """A client of the control plane at `url`, behind a proxy that says `proto`."""
    client = boto3.client("kinesisvideo", endpoint_url=url)
    if proto:
        def forward(request, **_):
            request.headers["X-Forwarded-Proto"] = proto

        client.meta.events.register("before-send.kinesisvideo", forward)
    return client


@check
def a_client_is_sent_where_it_has_come_from():
    for case in argument(0).split(","):
        asked, expected = case.split("=")
        proto, _, url = asked.rpartition("@")
        video = ask(url, proto)
        names = [stream["StreamName"] for stream in video.list_streams()["StreamInfoList"]]
        if "s" not in names:
            video.create_stream(StreamName="s", DataRetentionInHours=1)
        for api in ["GET_MEDIA", "PUT_MEDIA", "LIST_FRAGMENTS"]:
            endpoint = video.get_data_endpoint(StreamName="s", APIName=api)["DataEndpoint"]
            equal(endpoint, expected, f"{case} {api}")
        if expected == url:
            archive = boto3.client("kinesis-video-archived-media", endpoint_url=expected)
            equal(archive.list_fragments(StreamName="s", FragmentSelector=EVER)["Fragments"], [], case)


main()
