"""Uploads video that cannot be played: each kind to a stream of its own, for the cases of playback."""

import sdk_matroska as mkv
from cases import START_S
from sdk_check import aws, check, equal, main
from sdk_upload import put

# AVCDecoderConfigurationRecord of a stream without parameter sets; frames begin with lengths of four bytes.
AVC = bytes.fromhex("01 42 00 1E FF E0 00")
A_NAL_UNIT = (4).to_bytes(4) + b"\x65\x88\x84\x00"
KINDS = {
    "video-without-private-data": (b"", A_NAL_UNIT),
    "video-with-wrong-private-data": (b"\x15\x88", A_NAL_UNIT),
    "video-with-wrong-frames": (AVC, b"no NAL unit begins like this"),
}


def head(private):
    """EBML header, Segment of unknown size, Info, and a track of H.264."""
    track = mkv.element(0xD7, b"\x01") + mkv.element(0x73C5, b"\x01") + mkv.element(0x83, b"\x01")
    track += mkv.element(0x86, b"V_MPEG4/ISO/AVC") + (mkv.element(0x63A2, private) if private else b"")
    video = mkv.element(0xE0, mkv.element(0xB0, b"\x40") + mkv.element(0xBA, b"\x40"))
    info = mkv.element(mkv.INFO, mkv.element(0x2AD7B1, (1_000_000).to_bytes(4)))
    tracks = mkv.element(mkv.TRACKS, mkv.element(0xAE, track + video))
    ebml = mkv.element(mkv.EBML, mkv.element(0x4282, b"matroska"))
    return ebml + mkv.SEGMENT.to_bytes(4) + b"\xff" + info + tracks


@check
def each_kind_is_stored():
    kvs = aws("kinesisvideo")
    for name, (private, frame) in KINDS.items():
        kvs.create_stream(StreamName=name, MediaType="video/h264", DataRetentionInHours=1)
        acks = put(head(private) + mkv.cluster(START_S * 1000, [frame] * 2), name=name)
        equal(acks[-1]["EventType"], "PERSISTED", f"the last ack of {name}")


if __name__ == "__main__":
    main()
