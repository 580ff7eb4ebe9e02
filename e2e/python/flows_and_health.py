"""CheckFlow, GetFlowActivity and GetHealth of tympan's own service, asked as any client that signs can ask.

After `--`: the id of an instance, the id of a flow that has answered calls, the name of a sink that is away.
"""

import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.session
from sdk_check import argument, check, endpoint, equal, eventually, main

FLOW = """{
  "Version": "2019-10-30", "StartAction": "queue",
  "Metadata": { "ActionMetadata": { "queue": { "queue": { "text": "BasicQueue" } } } },
  "Actions": [
    { "Identifier": "queue", "Type": "UpdateContactTargetQueue",
      "Parameters": { "QueueId": "arn:aws:connect:us-east-1:999999999999:instance/i/queue/q" },
      "Transitions": { "NextAction": "end", "Errors": [
        { "ErrorType": "NoMatchingError", "NextAction": "nowhere" }
      ] } },
    { "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} }
  ]
}"""


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = botocore.awsrequest.AWSRequest(method, endpoint() + path, data=data)
    session = botocore.session.get_session()
    region = session.get_config_variable("region")
    botocore.auth.SigV4Auth(session.get_credentials(), "tympan", region).add_auth(request)
    plain = urllib.request.Request(request.url, data, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(plain, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(f"{error.status}: {error.read()}") from None


def sink(health, name):
    return next(sink for sink in health["Sinks"] if sink["Name"] == name)


@check
def a_planted_problem_is_found_at_its_line():
    checked = ask("POST", "/tympan/flows/check", {"InstanceId": argument(0), "Type": "CONTACT_FLOW", "Content": FLOW})
    [problem] = checked["Problems"]
    place = problem["Severity"], problem["Line"], problem["Column"], problem["Action"]
    equal(place, ("ERROR", 8, 57, "queue"))
    [resolved] = checked["Resolved"]
    equal((resolved["How"], resolved["Name"], resolved["Line"]), ("NAME", "BasicQueue", 6))
    sound = ask("POST", "/tympan/flows/check", {"InstanceId": argument(0), "Content": FLOW.replace("nowhere", "end")})
    equal(sound["Problems"], [])


@check
def the_blocks_that_calls_ran_are_counted():
    path = f"/tympan/flows/{argument(1)}/activity?instanceId={argument(0)}"
    activity = eventually(lambda: (found := ask("GET", path))["Runs"] == 2 and len(found["Blocks"]) == 3 and found)
    equal(activity["Complete"], True)
    blocks = {block["Identifier"]: block for block in activity["Blocks"]}
    counts = {name: (block["Executions"], block["Errors"]) for name, block in blocks.items()}
    equal(counts, {"lost": (2, 2), "listen": (2, 0), "hang up": (2, 0)})
    assert blocks["lost"]["LastErrors"][0]["ContactId"], blocks
    durations = blocks["listen"]["DurationMilliseconds"]
    assert durations["P50"] >= 900 and durations["Max"] >= durations["P50"], durations
    ways = [(way["From"], way["To"], way["Count"]) for way in activity["Transitions"]]
    equal(sorted(ways), [("listen", "hang up", 2), ("lost", "listen", 2)])


@check
def a_sink_that_is_away_is_failing_with_what_waits_for_it():
    health = eventually(lambda: sink(found := ask("GET", "/tympan/health"), argument(2))["State"] == "FAILING" and found)
    failing = sink(health, argument(2))
    equal((failing["Kind"], failing["Waiting"]), ("RECORDS", 2))
    assert failing["OldestWaiting"] and failing["LastError"]["Message"], failing
    equal(sink(health, "contact-records.jsonl")["State"], "OK")
    said = [line for line in health["Errors"] if argument(2) in line["Message"]]
    assert said and said[0]["Level"] == "WARN", health["Errors"]
    equal(health["Calls"]["Live"], 0)
    equal(health["KeyProvider"], "LOCAL")
    assert all(key["State"] == "Enabled" for key in health["Keys"]) and health["Keys"], health["Keys"]
    assert health["Disk"]["FreeBytes"] > 0 and health["Disk"]["BytesPerDay"] is None, health["Disk"]


@check
def a_contact_has_the_name_of_its_flow():
    listed = ask("GET", "/tympan/contacts")["Contacts"]
    equal({(contact["ContactFlowId"], contact["ContactFlowName"]) for contact in listed}, {(argument(1), "counted")})
    described = ask("GET", f"/tympan/contacts/{listed[0]['ContactId']}")
    equal(described["ContactFlowName"], "counted")


if __name__ == "__main__":
    main()
