"""Sets attributes of contacts, from several threads at once, and prints each change once it is acknowledged.

An order, a JSON line on stdin, names a contact: {"endpoint", "instance", "contact", "prefix", "threads", "count"}. Each
thread sets keys PREFIXTHREAD-N, N counting up to "count", until one is refused or {"stop": true} comes. Lines on stdout:
{"contact", "key"} for a change that was answered with 200, and {"over", "refused"} when all threads of an order are done,
"refused" being what the first of them was told otherwise.
"""

import json
import sys
import threading

import boto3
from botocore.config import Config

CLIENTS = {}
STOPPED = threading.Event()
PRINTING = threading.Lock()


def client(endpoint):
    if endpoint not in CLIENTS:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=120, max_pool_connections=64)
        CLIENTS[endpoint] = boto3.client("connect", endpoint_url=endpoint, config=config)
    return CLIENTS[endpoint]


def say(line):
    with PRINTING:
        print(json.dumps(line), flush=True)


def change(order, connect, thread, refusals):
    for n in range(order["count"]):
        if STOPPED.is_set():
            return
        key = f"{order['prefix']}{thread}-{n}"
        try:
            connect.update_contact_attributes(
                InstanceId=order["instance"], InitialContactId=order["contact"], Attributes={key: "1"}
            )
        except Exception as error:
            refusals.append(str(error))
            return
        say({"contact": order["contact"], "key": key})


def carry_out(order, connect):
    refusals = []
    threads = [
        threading.Thread(target=change, args=(order, connect, thread, refusals))
        for thread in range(order["threads"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say({"over": order["prefix"] + order["contact"], "refused": refusals[0] if refusals else None})


for line in sys.stdin:
    order = json.loads(line)
    if order.get("stop"):
        STOPPED.set()
        continue
    STOPPED.clear()
    threading.Thread(target=carry_out, args=(order, client(order["endpoint"])), daemon=True).start()
