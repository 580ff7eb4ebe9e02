"""Bodies that other producers sent, sent again in the pieces in which they were recorded, and read by another's parser.

Each goes to a stream named after its file; the programs of the SDKs read it there.
"""

import importlib.util
import tempfile

import sdk_matroska as mkv
from sdk_check import Skipped, aws, check, equal, ground_truth, main
from sdk_upload import Upload

# The file, its kind of timecodes, and its start where those are relative.
RECORDINGS = {
    "c-producer-aac-relative.mkv": {"timecodes": "RELATIVE", "start": "1700000000.5"},
    "ffmpeg-h264.mkv": {"timecodes": "RELATIVE", "start": "1700000000.000"},
    "kvssink-alaw-absolute.mkv": {},
}
# The body of every recording begins with the head and a frame; what follows comes about so much at a time.
PIECE_BYTES = 1000


def pieces(name, file):
    """The body as it came, where that was written down; else in pieces of the usual size."""
    try:
        lines = ground_truth(f"putmedia/{name.removesuffix('.mkv')}.chunks").decode().split("\n")
    except Skipped:
        yield from (file[at : at + PIECE_BYTES] for at in range(0, len(file), PIECE_BYTES))
        return
    at = 0
    for size in (int(line.split()[-1]) for line in lines if line and not line.startswith("#")):
        yield file[at : at + size]
        at += size
    equal(at, len(file), "bytes in pieces")


@check
def uploads_are_sent_in_the_pieces_in_which_they_were_recorded():
    kvs = aws("kinesisvideo")
    for name, settings in RECORDINGS.items():
        file = ground_truth(f"putmedia/{name}")
        kvs.create_stream(StreamName=name, DataRetentionInHours=24)
        with Upload(name=name, **settings) as upload:
            for piece in pieces(name, file):
                upload.send(piece)
            upload.finish()
            clusters = mkv.input_clusters(file)[2]
            equal(len(upload.events("PERSISTED")), len(clusters), f"fragments of {name}")
            equal(upload.events("ERROR"), [], f"errors of {name}")


@check
def an_independent_parser_reads_every_frame():
    if not importlib.util.find_spec("ebmlite"):
        raise Skipped("ebmlite is not installed")
    import ebmlite

    schema = ebmlite.loadSchema("matroska.xml")
    kvs = aws("kinesisvideo")
    for name in RECORDINGS:
        sent = mkv.input_clusters(ground_truth(f"putmedia/{name}"))[2]
        endpoint = kvs.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
        media = aws("kinesis-video-media", endpoint_url=endpoint)
        body = media.get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()
        fragments = mkv.fragments(body)
        equal(len(fragments), len(sent), f"fragments of {name}")
        # A file for each: the parser takes the Segment of unknown size for the rest of what it is given.
        for fragment in fragments:
            with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
                file.write(fragment.raw)
                file.flush()
                document = schema.load(file.name)
                segment = next(child for child in document if child.name == "Segment")
                clusters = [child for child in segment if child.name == "Cluster"]
                blocks = [block.value for cluster in clusters for block in cluster if block.name == "SimpleBlock"]
                equal([len(block) for block in blocks], [len(block[3]) + 4 for block in fragment.blocks], "blocks")
                tags = [child for child in segment if child.name == "Tags"]
                assert len(tags) >= 2, f"{name}: {len(tags)} Tags elements"
                document.close()


if __name__ == "__main__":
    main()
