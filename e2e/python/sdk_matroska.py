"""Matroska, read and written apart from the product's own code.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import dataclasses
import struct

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TAGS, TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
TIMECODE, POSITION, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0xE7, 0xA7, 0xA3, 0xA0, 0xA1
CUES, SEEK_HEAD, VOID, CRC32, ATTACHMENTS, CHAPTERS = 0x1C53BB6B, 0x114D9B74, 0xEC, 0xBF, 0x1941A469, 0x1043A770

# What can follow a Cluster of unknown size, apart from the end.
SEGMENT_CHILDREN = {INFO, TRACKS, CLUSTER, TAGS, CUES, SEEK_HEAD, ATTACHMENTS, CHAPTERS}
UNKNOWN_8 = bytes.fromhex("01FFFFFFFFFFFFFF")
SERVICE = "AWS_KINESISVIDEO_"


class Incomplete(Exception):
    """The bytes end within an element."""


@dataclasses.dataclass
class Element:
    """An element by its place in the bytes; `end` is None where the size is unknown."""

    id: int
    start: int
    data: int
    end: int | None


def header(data, at):
    """The element that begins at `at`."""
    if at >= len(data):
        raise Incomplete(f"no element at {at}")
    width = 9 - data[at].bit_length()
    if width > 4 or at + width >= len(data):
        raise Incomplete(f"no element id at {at}: {data[at : at + 8].hex()}")
    id = int.from_bytes(data[at : at + width])
    size_at = at + width
    size_width = 9 - data[size_at].bit_length()
    if size_width > 8 or size_at + size_width > len(data):
        raise Incomplete(f"no element size at {size_at}: {data[size_at : size_at + 8].hex()}")
    size = int.from_bytes(data[size_at : size_at + size_width]) & ((1 << 7 * size_width) - 1)
    begin = size_at + size_width
    unknown = size == (1 << 7 * size_width) - 1
    return Element(id, at, begin, None if unknown else begin + size)


def children(data, at, end):
    """The elements from `at` to `end`, each wholly there."""
    while at < end:
        element = header(data, at)
        if element.end is None:
            element.end = _end_of_unknown(data, element, end)
        if element.end > end:
            raise Incomplete(f"element {element.id:X} at {at} ends at {element.end}, after {end}")
        yield element
        at = element.end


def _end_of_unknown(data, element, end):
    stops = {EBML} if element.id == SEGMENT else SEGMENT_CHILDREN | {EBML}
    at = element.data
    while at < end:
        child = header(data, at)
        if child.id in stops:
            return at
        at = _end_of_unknown(data, child, end) if child.end is None else child.end
    return end


@dataclasses.dataclass
class Fragment:
    """One document of a GetMedia body."""

    raw: bytes
    # Ids of the Segment's children, in order, and their bytes.
    ids: list
    parts: list
    segment_header: bytes
    # Names and values of each Tags element, in order.
    tag_blocks: list
    timecode: int | None = None
    # (track, relative timecode, flags, payload)
    blocks: list = dataclasses.field(default_factory=list)

    @property
    def tags(self):
        """Every tag of the document."""
        return {name: value for block in self.tag_blocks for name, value in block}

    @property
    def user_tags(self):
        """The tags that the producer sent."""
        return {name: value for name, value in self.tags.items() if not name.startswith("AWS")}

    @property
    def number(self):
        return self.tags.get(SERVICE + "FRAGMENT_NUMBER")

    @property
    def token(self):
        return self.tags.get(SERVICE + "CONTINUATION_TOKEN")

    @property
    def producer(self):
        return self.tags.get(SERVICE + "PRODUCER_TIMESTAMP")

    @property
    def server(self):
        return self.tags.get(SERVICE + "SERVER_TIMESTAMP")

    @property
    def clusters(self):
        return [part for id, part in zip(self.ids, self.parts) if id == CLUSTER]

    @property
    def audio(self):
        """The payload of every block, whatever its track: as LMSDemo writes it."""
        return b"".join(payload for *_, payload in self.blocks)


def fragments(body):
    """The documents of a GetMedia body, each an EBML header and a Segment."""
    found, at = [], 0
    while at < len(body):
        ebml = header(body, at)
        assert ebml.id == EBML, f"a document begins with {ebml.id:X} at {at}: {body[at : at + 16].hex()}"
        segment = header(body, ebml.end)
        assert segment.id == SEGMENT, f"{segment.id:X} follows the EBML header at {ebml.end}"
        end = _end_of_unknown(body, segment, len(body)) if segment.end is None else segment.end
        fragment = Fragment(body[at:end], [], [], body[ebml.end : segment.data], [])
        for child in children(body, segment.data, end):
            fragment.ids.append(child.id)
            fragment.parts.append(body[child.start : child.end])
            if child.id == TAGS:
                fragment.tag_blocks.append(_tags(body, child))
            elif child.id == CLUSTER:
                _cluster(body, child, fragment)
        found.append(fragment)
        at = end
    return found


def _tags(data, tags):
    found = []
    for tag in children(data, tags.data, tags.end):
        if tag.id != TAG:
            continue
        for simple in children(data, tag.data, tag.end):
            if simple.id != SIMPLE_TAG:
                continue
            texts = {child.id: data[child.data : child.end] for child in children(data, simple.data, simple.end)}
            found.append((texts[TAG_NAME].decode().rstrip("\0"), texts.get(TAG_STRING, b"").decode().rstrip("\0")))
    return found


def _cluster(data, cluster, fragment):
    for child in children(data, cluster.data, cluster.end):
        if child.id == TIMECODE:
            fragment.timecode = int.from_bytes(data[child.data : child.end])
        elif child.id == SIMPLE_BLOCK:
            fragment.blocks.append(_block(data[child.data : child.end]))
        elif child.id == BLOCK_GROUP:
            inner = children(data, child.data, child.end)
            fragment.blocks.extend(_block(data[part.data : part.end]) for part in inner if part.id == BLOCK)


def _block(bytes_):
    width = 9 - bytes_[0].bit_length()
    track = int.from_bytes(bytes_[:width]) & ((1 << 7 * width) - 1)
    relative, flags = struct.unpack(">hB", bytes_[width : width + 3])
    return track, relative, flags, bytes_[width + 3 :]


def input_clusters(file):
    """The Clusters of a producer's file, and its bytes from Info up to the first Cluster."""
    ebml = header(file, 0)
    segment = header(file, ebml.end)
    end = len(file) if segment.end is None else segment.end
    clusters, head = [], b""
    for child in children(file, segment.data, end):
        raw = file[child.start : child.end]
        if child.id == CLUSTER:
            clusters.append(raw)
        elif not clusters and (head or child.id == INFO):
            head += raw
    return file[: ebml.end], head, clusters


# Writing.


def element(id, payload):
    """An element with an 8-byte size."""
    return _id(id) + (len(payload) | 1 << 56).to_bytes(8) + payload


def _id(id):
    return id.to_bytes((id.bit_length() + 7) // 8)


def document_head(tracks=(1,)):
    """EBML header, Segment of unknown size, Info, Tracks: as the producer SDK of Amazon Connect writes them."""
    ebml = bytes.fromhex("1A45DFA3A3 42868101 42F78101 42F28104 42F38108 428288") + b"matroska"
    ebml += bytes.fromhex("42878102 42858102")
    info = element(INFO, element(0x73A4, bytes(range(16))) + element(0x2AD7B1, (1_000_000).to_bytes(8)))
    entries = b""
    for number in tracks:
        entries += element(
            0xAE,
            element(0xD7, bytes([number]))
            + element(0x73C5, number.to_bytes(8))
            + element(0x83, b"\x02")
            + element(0x536E, b"AUDIO_FROM_CUSTOMER" if number == 1 else b"AUDIO_TO_CUSTOMER")
            + element(0x86, b"A_AAC")
            + element(0x63A2, bytes.fromhex("1588")),
        )
    return ebml + _id(SEGMENT) + b"\xff" + info + element(TRACKS, entries)


def cluster_head(timecode_ms):
    """The beginning of a Cluster of unknown size."""
    return _id(CLUSTER) + b"\xff" + element(TIMECODE, timecode_ms.to_bytes(8))


def block(payload, relative_ms=0, track=1):
    """A SimpleBlock."""
    return element(SIMPLE_BLOCK, bytes([0x80 | track]) + struct.pack(">hB", relative_ms, 0x80) + payload)


def cluster(timecode_ms, payloads, frame_ms=20, track=1):
    """A Cluster of unknown size with one block for each payload."""
    blocks = (block(payload, index * frame_ms, track) for index, payload in enumerate(payloads))
    return cluster_head(timecode_ms) + b"".join(blocks)


def tag(name, value):
    """A Tags element with one tag."""
    simple = element(SIMPLE_TAG, element(TAG_NAME, name.encode()) + element(TAG_STRING, value.encode()))
    return element(TAGS, element(TAG, simple))


def frames(seed, count, size=320):
    """Payloads that are all different, and different for each seed."""
    return [(f"{seed}:{index}|".encode() * size)[:size] for index in range(count)]
