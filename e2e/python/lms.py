"""Reads a GetMedia body by the rule of the seed's LMSDemo: concatenate the data of every frame.

Written apart from tympan's own reader, from RFC 8794 (EBML) and the Matroska element list, so that a mistake in
one does not hide the same mistake in the other. GetMedia concatenates one Matroska document per fragment; Segment and
Cluster may have unknown sizes, therefore masters are entered without looking at theirs.
"""

EBML, TIMECODE, SIMPLE_BLOCK, BLOCK = 0x1A45DFA3, 0xE7, 0xA3, 0xA1
TAG_NAME, TAG_STRING, TRACK_NAME = 0x45A3, 0x4487, 0x536E
MASTERS = {0x18538067, 0x1F43B675, 0xA0, 0x1254C367, 0x7373, 0x67C8, 0x1654AE6B, 0xAE}


class Fragment:
    """One document: its tags, its tracks' names and its frames as (track, data)."""

    def __init__(self):
        self.tags, self.tracks, self.frames, self.timecode = {}, [], [], None

    def pcm(self):
        return b"".join(data for _, data in self.frames)

    number = property(lambda self: self.tags.get("AWS_KINESISVIDEO_FRAGMENT_NUMBER"))
    # The service writes the token when a fragment is complete.
    complete = property(lambda self: "AWS_KINESISVIDEO_CONTINUATION_TOKEN" in self.tags)


def vint(data, at, keep_marker):
    """A variable-length integer at `at`: (value, length). Raises IndexError where the data ends."""
    first = data[at]
    length = 9 - first.bit_length()
    if length > 8 or at + length > len(data):
        raise IndexError("cut off")
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length


def fragments(data):
    """The fragments of a body; what is cut off at its end is left out."""
    found, at, name = [], 0, None
    try:
        while at < len(data):
            element, length = vint(data, at, True)
            size, size_length = vint(data, at + length, False)
            at += length + size_length
            if element in MASTERS:
                continue
            if at + size > len(data):
                break
            body = data[at : at + size]
            at += size
            if element == EBML:
                found.append(Fragment())
            elif element == TIMECODE:
                found[-1].timecode = int.from_bytes(body, "big")
            elif element == TRACK_NAME:
                found[-1].tracks.append(body.decode())
            elif element in (SIMPLE_BLOCK, BLOCK):
                track, track_length = vint(body, 0, False)
                found[-1].frames.append((track, body[track_length + 3 :]))
            elif element == TAG_NAME:
                name = body.decode()
            elif element == TAG_STRING:
                found[-1].tags[name] = body.decode()
    except IndexError:
        pass
    return found


if __name__ == "__main__":
    import sys

    for fragment in fragments(sys.stdin.buffer.read()):
        sys.stdout.buffer.write(fragment.pcm())
