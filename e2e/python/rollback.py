"""A producer that goes on after a broken connection as the C SDK does: one JSON order a line, one JSON answer a line.

It keeps its fragments, and begins each upload behind the last one that it heard to be RECEIVED; after a refused
connection, when what the server received may be lost, behind the last one that it heard to be PERSISTED.
"""

import json
import os
import sys
import time

import sdk_matroska as mkv
from sdk_check import aws
from sdk_upload import Upload

STREAM = "cut"
FRAMES = 5
APART_MS = 2_000
END = mkv.tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", "")


class Producer:
    """One device and its fragments, each known by its place."""

    def __init__(self, relative):
        self.relative = relative
        # Seven milliseconds: without padding they read as 700.
        self.begin_ms = int(time.time()) * 1000 + 7
        self.upload, self.half_open = None, None
        self.received = self.persisted = 0
        self.first = self.next = 0
        self.frames_sent = 0
        self.refused = False
        aws("kinesisvideo").create_stream(StreamName=STREAM, DataRetentionInHours=24)

    def connect(self):
        """Begins an upload; with the fragment from which it goes on, None if the server is not there."""
        place = self.persisted if self.refused else self.received
        self.start_ms = self.begin_ms + APART_MS * place
        start = f"{self.start_ms // 1000}.{self.start_ms % 1000}"
        try:
            upload = Upload(STREAM, timecodes="RELATIVE" if self.relative else "ABSOLUTE", start=start)
        except ConnectionRefusedError:
            self.refused = True
            return None
        self.upload, self.refused = upload, False
        self.first = self.next = self.received = place
        self.frames_sent = 0
        upload.send(mkv.document_head())
        return place

    def send(self, whole, frames):
        """Sends so many whole fragments, and so many frames of the one behind them; returns once they are told."""
        for _ in range(whole):
            self._frames(FRAMES)
            self._end()
        self._frames(frames)
        done = self.next - self.first
        self.upload.until_ack("PERSISTED", done)
        self.upload.until_ack("BUFFERING", done + (self.frames_sent > 0))

    def rest(self):
        """Sends the rest of the open fragment."""
        self._frames(FRAMES)
        self._end()

    def over(self):
        """Waits for the end of the upload, and gives what was told of its last fragment."""
        self.upload.until_over()
        return self._heard(self.upload.acks)

    def cut(self, heard, within_frame):
        """Breaks the connection; the cut swallows the acks of all but the first `heard` fragments."""
        if within_frame:
            block = self._block(self.frames_sent)
            self.upload.send_raw(b"%X\r\n" % len(block) + block[: len(block) // 2])
        told = [ack for ack in self.upload.acks if self._place(ack) < self.first + heard]
        self.upload.reset()
        return self._heard(self.upload.acks, told)

    def leave(self):
        """The connection is lost, and neither side notices."""
        self.half_open = self.upload, self.frames_sent, self.next

    def wake(self):
        """What was sent on the lost connection arrives after all; with what is told there."""
        (upload, sent, place), self.half_open = self.half_open, None
        rest = b"".join(self._block(index, place) for index in range(sent, FRAMES))
        try:
            upload.send(rest + END)
        except OSError:
            # The server has closed it.
            pass
        return [ack["EventType"] for ack in upload.until_over()]

    def finish(self):
        """Ends the upload in good order."""
        return self._heard(self.upload.finish())

    def _heard(self, acks, told=None):
        """Keeps in mind what was told; with the kinds of acks that the last fragment had."""
        for ack in acks if told is None else told:
            if ack["EventType"] == "RECEIVED":
                self.received = self._place(ack) + 1
            elif ack["EventType"] == "PERSISTED":
                self.persisted = self._place(ack) + 1
        last = max(ack["FragmentTimecode"] for ack in acks if "FragmentTimecode" in ack)
        return [ack["EventType"] for ack in acks if ack.get("FragmentTimecode", last) == last]

    def _place(self, ack):
        return (ack["FragmentTimecode"] + (self.start_ms if self.relative else 0) - self.begin_ms) // APART_MS

    def _frames(self, until):
        """Sends the next fragment's frames up to that one, each in a chunk of its own."""
        for index in range(self.frames_sent, until):
            self.upload.send(self._block(index))
        self.frames_sent = until

    def _end(self):
        self.upload.send(END)
        self.next, self.frames_sent = self.next + 1, 0

    def _block(self, index, place=None):
        place = self.next if place is None else place
        opening = b""
        if index == 0:
            time_ms = self.begin_ms + APART_MS * place
            opening = mkv.cluster_head(time_ms - (self.start_ms if self.relative else 0))
        return opening + mkv.block(mkv.frames(place, FRAMES)[index], 20 * index)


def read():
    """What a reader that comes later gets: the names of each fragment's frames; and the numbers, as listed, too."""
    video = aws("kinesisvideo")
    endpoint = video.get_data_endpoint(StreamName=STREAM, APIName="GET_MEDIA")["DataEndpoint"]
    media = aws("kinesis-video-media", endpoint_url=endpoint)
    answer = media.get_media(StreamName=STREAM, StartSelector={"StartSelectorType": "EARLIEST"})
    found = mkv.fragments(answer["Payload"].read())
    endpoint = video.get_data_endpoint(StreamName=STREAM, APIName="LIST_FRAGMENTS")["DataEndpoint"]
    archive = aws("kinesis-video-archived-media", endpoint_url=endpoint)
    times = {"StartTimestamp": time.time() - 3600, "EndTimestamp": time.time() + 3600}
    selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times}
    listed = archive.list_fragments(StreamName=STREAM, FragmentSelector=selector)
    # The body ends with an empty document where it waited for more.
    found = [fragment for fragment in found if fragment.blocks]
    names = [[payload.split(b"|")[0].decode() for *_, payload in fragment.blocks] for fragment in found]
    numbers = sorted((fragment["FragmentNumber"] for fragment in listed["Fragments"]), key=int)
    return {"frames": names, "numbers": [fragment.number for fragment in found], "listed": numbers}


def main():
    producer = None
    for line in sys.stdin:
        order = json.loads(line)
        what, arguments = order["do"], order.get("with", {})
        try:
            if what == "begin":
                producer, answer = Producer(**arguments), None
            elif what == "point_at":
                os.environ["AWS_ENDPOINT_URL"], answer = arguments["endpoint"], None
            elif what == "read":
                answer = read()
            else:
                answer = getattr(producer, what)(**arguments)
            print(json.dumps({"ok": answer}), flush=True)
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)


if __name__ == "__main__":
    main()
