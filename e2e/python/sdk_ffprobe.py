"""A GetMedia body through ffprobe, which knows nothing of Kinesis Video Streams."""

import json
import pathlib
import shutil
import struct
import subprocess
import tempfile

import sdk_matroska as mkv
from sdk_check import Skipped, aws, check, equal, main
from sdk_upload import put

FRAGMENTS, FRAMES = 100, 50
kvs = aws("kinesisvideo")


def mu_law_head():
    """A document whose one track is G.711 mu-law, as the producer SDK describes it."""
    wave_format = struct.pack("<HHIIHHH", 7, 1, 8000, 8000, 1, 8, 0)
    audio = mkv.element(0xB5, struct.pack(">d", 8000.0)) + mkv.element(0x9F, b"\x01") + mkv.element(0x6264, b"\x08")
    track = b"".join(
        mkv.element(id, value)
        for id, value in [
            (0xD7, b"\x01"),
            (0x73C5, (1).to_bytes(8)),
            (0x83, b"\x02"),
            (0x536E, b"audio"),
            (0x86, b"A_MS/ACM"),
            (0xE1, audio),
            (0x63A2, wave_format),
        ]
    )
    # Everything before the Tracks is as in any other document.
    head = mkv.document_head()
    return head[: head.index(bytes.fromhex("1654AE6B"))] + mkv.element(0x1654AE6B, mkv.element(0xAE, track))


@check
def ffprobe_reads_every_frame_of_a_body_of_100_fragments():
    if shutil.which("ffprobe") is None:
        raise Skipped("there is no ffprobe on this machine (Debian: ffmpeg)")
    kvs.create_stream(StreamName="probed", DataRetentionInHours=1)
    clusters = [mkv.cluster(1000 * at, mkv.frames(at, FRAMES, 160)) for at in range(FRAGMENTS)]
    acks = put(mu_law_head() + b"".join(clusters), name="probed")
    equal(sum(ack["EventType"] == "PERSISTED" for ack in acks), FRAGMENTS, "fragments")
    endpoint = kvs.get_data_endpoint(StreamName="probed", APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint)
    answer = media.get_media(StreamName="probed", StartSelector={"StartSelectorType": "EARLIEST"})
    body = answer["Payload"].read()
    # The parser of these tests says the same, on any machine.
    equal(len(mkv.fragments(body)), FRAGMENTS, "documents")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "body.mkv"
        file.write_bytes(body)
        entries = "stream=codec_name,nb_read_frames,nb_read_packets"
        command = ["ffprobe", "-v", "quiet", "-count_frames", "-count_packets", "-show_entries", entries, "-of", "json"]
        probed = subprocess.run([*command, file], check=True, capture_output=True, timeout=60).stdout
    [stream] = json.loads(probed)["streams"]
    equal(stream["codec_name"], "pcm_mulaw", "codec")
    equal(int(stream["nb_read_packets"]), FRAGMENTS * FRAMES, "packets")
    equal(int(stream["nb_read_frames"]), FRAGMENTS * FRAMES, "frames")


if __name__ == "__main__":
    main()
