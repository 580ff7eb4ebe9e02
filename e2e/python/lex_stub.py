"""The Lex V2 runtime, as far as a test needs it: keeps what it was asked, and recognises one intent in whatever was said.

`lex_stub.py PORT_FILE OUT_FOLDER`: the port is written to PORT_FILE; question N is kept as N.json (path and headers) and N.body.
"""

import base64
import gzip
import http.server
import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[2])
ASKED = []


def packed(value):
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


class Runtime(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self.chunked()
        number = len(ASKED)
        ASKED.append(self.path)
        (FOLDER / f"{number}.body").write_bytes(body)
        (FOLDER / f"{number}.json").write_text(json.dumps({"path": self.path, "headers": dict(self.headers)}))
        slots = {"drink": {"value": {"originalValue": "tea", "interpretedValue": "tea", "resolvedValues": ["tea"]}}}
        intent = {"name": "Order", "state": "ReadyForFulfillment", "slots": slots}
        state = {"dialogAction": {"type": "Close"}, "intent": intent, "sessionAttributes": {"seen": "yes"}}
        self.send_response(200)
        self.send_header("Content-Type", "audio/pcm")
        self.send_header("x-amz-lex-session-id", self.path.split("/sessions/")[1].split("/")[0])
        self.send_header("x-amz-lex-session-state", packed(state))
        interpretations = [{"intent": intent, "nluConfidence": {"score": 0.9}}]
        self.send_header("x-amz-lex-interpretations", packed(interpretations))
        self.send_header("x-amz-lex-messages", packed([]))
        self.send_header("x-amz-lex-input-transcript", packed("tea"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def chunked(self):
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def log_message(self, *_):
        pass


SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
pathlib.Path(sys.argv[1] + ".new").write_text(str(SERVER.server_address[1]))
pathlib.Path(sys.argv[1] + ".new").rename(sys.argv[1])
SERVER.serve_forever()
