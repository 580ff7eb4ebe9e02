"""A Lambda function of a contact flow, as people write them: reads the caller's audio with boto3, and answers.

As an HTTP server (`function.py PORT_FILE OUT_FOLDER`) it stands for a function that is warm: the event is posted, the
answer returned. It keeps the event and the audio that it could read, so that a test can look at both.
"""

import http.server
import json
import os
import pathlib
import sys

import boto3
import lms


def handler(event, folder):
    audio = event["Details"]["ContactData"]["MediaStreams"]["Customer"]["Audio"]
    stream, start = audio["StreamARN"], audio["StartFragmentNumber"]
    video = boto3.client("kinesisvideo")
    endpoint = video.get_data_endpoint(StreamARN=stream, APIName="GET_MEDIA")["DataEndpoint"]
    payload = boto3.client("kinesis-video-media", endpoint_url=endpoint).get_media(
        StreamARN=stream, StartSelector={"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": start}
    )["Payload"]
    body = b""
    # A quarter of a second of the caller's voice is enough to know that the stream can be read now.
    while len(pcm := b"".join(fragment.pcm() for fragment in lms.fragments(body))) < 4000:
        piece = payload._raw_stream.read1(65536)
        if not piece:
            break
        body += piece
    payload.close()
    (folder / "event.json").write_text(json.dumps(event))
    (folder / "heard.raw").write_bytes(pcm)
    return {"message": "heard", "bytes": str(len(pcm)), "stream": stream}


class Invocation(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        # The test learns the server's address only when it runs, and writes it down for us.
        os.environ["AWS_ENDPOINT_URL"] = (FOLDER / "endpoint").read_text()
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(handler(event, FOLDER)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv[2])
    # The first client of a process loads its model, which takes a second: a warm function has done that.
    boto3.client("kinesisvideo", endpoint_url="http://127.0.0.1:1")
    boto3.client("kinesis-video-media", endpoint_url="http://127.0.0.1:1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Invocation)
    pathlib.Path(sys.argv[1] + ".part").write_text(str(server.server_port))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    server.serve_forever()
