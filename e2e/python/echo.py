"""A Lambda function as a local command: keeps its event, and hands back what its parameters say."""

import json
import pathlib
import sys

event = json.load(sys.stdin)
pathlib.Path(sys.argv[1]).write_text(json.dumps(event))
print(json.dumps(event["Details"]["Parameters"] | {"seen": "yes"}))
