"""What the scripts about resources of Amazon Connect send."""

import json

UNKNOWN = "99999999-9999-4999-8999-999999999999"
OPEN = [{"Day": "MONDAY", "StartTime": {"Hours": 9, "Minutes": 0}, "EndTime": {"Hours": 17, "Minutes": 0}}]
VOICE = [{"Channel": "VOICE", "Concurrency": 1}]
MODULE = json.dumps(
    {
        "Version": "2019-10-30",
        "StartAction": "end",
        "Metadata": {},
        "Actions": [
            {"Identifier": "end", "Type": "EndFlowModuleExecution", "Parameters": {}, "Transitions": {}},
        ],
        "Settings": {"InputParameters": [], "OutputParameters": [], "Transitions": []},
    }
)
