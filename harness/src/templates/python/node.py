#!/usr/bin/env python3
"""A node: eager reliable broadcast over stdin and stdout.

The first time a node receives a message it passes it on to every other node,
again and again until each has acknowledged it, and delivers it.

    temblor run eager --bin ./node.py          judged by what it delivers
    temblor run broadcast --bin ./node.py      judged by what it reads in the end
"""

import json
import queue
import sys
import threading
import time

AGAIN = 0.05  # seconds until what is not acknowledged is sent again

me, others = None, []  # who I am, and everybody else
watched = set()  # which of its doings the harness wants to hear of
seen = {}  # the messages that were delivered, in order
owed = {}  # (peer, message) that is not acknowledged yet -> when to send it again


def write(dest, body, **more):
    """One line, flushed: what happens first is said first."""
    print(json.dumps({"src": me, "dest": dest, **more, "body": body}), flush=True)


def reply(request, body):
    write(request["src"], {**body, "in_reply_to": request["body"]["msg_id"]})


def report(what, message):
    if what in watched:
        write("observer", {"type": what, "message": message})


def send(peer, message):
    # The key names the step: faults choose frames by it, the same ones in every run.
    write(peer, {"type": "relay", "message": message}, key=f"relay/{message}")
    owed[peer, message] = time.monotonic() + AGAIN


def deliver(message):
    """To everybody else first, then to the application."""
    if message in seen:
        return
    for peer in others:
        send(peer, message)
    report("deliver", message)
    seen[message] = True


def handle(line):
    global me, others, watched
    body = line["body"]
    match body["type"]:
        case "init":
            me = body["node_id"]
            others = [node for node in body["node_ids"] if node != me]
            watched = set(body.get("observe", [])) & {"broadcast", "deliver"}
            reply(line, {"type": "init_ok", "observe": sorted(watched)})
        case "topology":  # who is near; this node speaks with everybody
            reply(line, {"type": "topology_ok"})
        case "broadcast":
            report("broadcast", body["message"])
            deliver(body["message"])
            reply(line, {"type": "broadcast_ok"})
        case "read":
            reply(line, {"type": "read_ok", "messages": list(seen)})
        case "relay":
            message = body["message"]
            write(line["src"], {"type": "relay_ok", "message": message}, key=f"ack/relay/{message}")
            deliver(message)
        case "relay_ok":
            owed.pop((line["src"], body["message"]), None)
        case other if "msg_id" in body:
            reply(line, {"type": "error", "code": 10, "text": f"{other} is not supported"})


def send_again():
    now = time.monotonic()
    late = [step for step, due in owed.items() if due <= now]
    late.sort(key=owed.get)  # what waits longest first: nothing waits for ever
    for peer, message in late[:64]:  # a trickle: a peer that is dead never answers
        send(peer, message)


def main():
    lines = queue.Queue()

    def listen():
        for line in sys.stdin:
            lines.put(json.loads(line))
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=AGAIN / 2)
            if line is None:  # the run is over
                return
            handle(line)
        except queue.Empty:
            pass
        send_again()


main()
