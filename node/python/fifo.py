#!/usr/bin/env python3
"""A node for temblor in Python's standard library: FIFO broadcast over eager reliable broadcast over reliable links.

    temblor run fifo --bin node/python/fifo.py --executor lockstep -- --bug

`Node` is the algorithm and knows neither sockets nor clocks: an envelope goes in with its time, and lines come out. Around
it is either the virtual clock of lockstep, or real time with peers over TCP. node/WRITE-YOUR-OWN.md walks through it.
"""

import heapq
import json
import queue
import socket
import sys
import threading
import time

TICK_NS = 25_000_000  # How often a node looks what is to be sent again.
RETRY_MAX_NS = 200_000_000  # The pause between two tries doubles from a tick up to this.
WINDOW = 64  # So many frames for each peer are being sent again at a time, the oldest first.
MAILBOX = 10_000  # So many frames wait for a peer that can't be reached; further ones are lost.


class Node:
    """The algorithm. Equal inputs give equal lines: no clock, no chance, no walk through a set."""

    def __init__(self, name, names, has_bug):
        self.name, self.has_bug = name, has_bug
        self.peers = [peer for peer in names if peer != name]
        self.lines = []  # What leaves with the next answer: (dest, line).
        self.wake = None  # When the next tick is wanted, ns.
        self.broadcasts = 0
        self.seen = set()  # (sender, number) of every message that has come.
        self.waiting = {name: [] for name in names}  # The hold-back queue: a heap of (number, message) for each sender.
        self.next_number = {name: 1 for name in names}
        self.delivered = []
        self.unacknowledged = {peer: {} for peer in self.peers}  # (sender, number) -> [due, pause, key, body]

    def take(self, envelope, now):
        """One input: a client's request, a peer's frame, or the time at which the node wanted to be woken."""
        src, body = envelope["src"], envelope["body"]
        kind = body["type"]
        if kind == "relay":
            self.write(src, key="ack/" + envelope["key"], body={"type": "ack", "of": [body["sender"], body["number"]]})
            self.receive(body["sender"], body["number"], body["message"], now)
        elif kind == "ack":
            self.unacknowledged[src].pop(tuple(body["of"]), None)
        elif kind == "wake":
            self.tick(now)
        elif kind == "broadcast":
            self.indicate("broadcast", body["message"])
            self.broadcasts += 1
            self.receive(self.name, self.broadcasts, body["message"], now)
            self.reply(envelope, {"type": "broadcast_ok"})
        elif kind == "read":
            self.reply(envelope, {"type": "read_ok", "messages": self.delivered})
        elif kind == "topology":
            self.reply(envelope, {"type": "topology_ok"})
        else:
            self.reply(envelope, {"type": "error", "code": 10, "text": f"{kind} is not supported"})

    def receive(self, sender, number, message, now):
        """Eager reliable broadcast: what comes for the first time is passed on to all others before it is delivered."""
        if (sender, number) in self.seen:
            return
        self.seen.add((sender, number))
        key, body = f"relay/{message}", {"type": "relay", "sender": sender, "number": number, "message": message}
        for peer in self.peers:
            self.write(peer, key=key, body=body)
            self.unacknowledged[peer][sender, number] = [now + TICK_NS, TICK_NS, key, body]
        if self.peers and self.wake is None:
            self.wake = now + TICK_NS
        self.hold_back(sender, number, message)

    def hold_back(self, sender, number, message):
        """FIFO: a message waits until all that its sender broadcast before it are delivered."""
        waiting = self.waiting[sender]
        heapq.heappush(waiting, (number, message))
        if self.has_bug and len(waiting) > 1:
            self.next_number[sender] = waiting[0][0]  # The planted bug: gives up what is still missing.
        while waiting and waiting[0][0] <= self.next_number[sender]:
            number, message = heapq.heappop(waiting)
            self.next_number[sender] = max(self.next_number[sender], number + 1)
            self.delivered.append(message)
            self.indicate("deliver", message)

    def tick(self, now):
        """Reliable links: what has not been acknowledged in time is sent again."""
        for peer, frames in self.unacknowledged.items():
            for frame, _ in zip(frames.values(), range(WINDOW)):
                due, pause, key, body = frame
                if due <= now:
                    self.write(peer, key=key, body=body)
                    pause = min(2 * pause, RETRY_MAX_NS)
                    frame[:2] = now + pause, pause
        self.wake = now + TICK_NS if any(self.unacknowledged.values()) else None

    def indicate(self, kind, message):
        self.write("observer", body={"type": kind, "message": message})

    def reply(self, request, body):
        self.write(request["src"], body={**body, "in_reply_to": request["body"].get("msg_id")})

    def write(self, dest, **rest):
        line = json.dumps({"src": self.name, "dest": dest, **rest}, separators=(",", ":"))
        self.lines.append((dest, line.encode() + b"\n"))


def flush(node, mailboxes):
    """What the node has to say leaves, in its order: to the mailboxes of peers, and all else to stdout."""
    for dest, line in node.lines:
        if dest not in mailboxes:
            sys.stdout.buffer.write(line)
        elif not mailboxes[dest].full():
            mailboxes[dest].put(line)
    sys.stdout.buffer.flush()
    node.lines.clear()


def live_in_virtual_time(node, envelope):
    """One line in, the answer out, `idle`, and nothing in between."""
    while True:
        node.write("observer", body={"type": "idle", "input": envelope["input"], "wake": node.wake})
        flush(node, {})
        if not (line := sys.stdin.buffer.readline()):
            return
        envelope = json.loads(line)
        node.take(envelope, envelope["now"])


def live_in_real_time(node, inputs, mailboxes):
    """Inputs come from stdin and from all connections by one queue, or the time for a tick comes before them."""
    while True:
        flush(node, mailboxes)
        try:
            pause_s = None if node.wake is None else max(0, node.wake - time.monotonic_ns()) / 1e9
            line = inputs.get(timeout=pause_s)
            if line is None:
                return
            node.take(json.loads(line), time.monotonic_ns())
        except queue.Empty:
            node.tick(time.monotonic_ns())
        except (ValueError, LookupError, TypeError) as error:
            print(f"left out a line ({error!r}): {line[:200]!r}", file=sys.stderr)


def read(stream, inputs):
    try:
        for line in stream:
            inputs.put(line)
    except OSError:
        pass  # The connection broke; the peer will dial again.


def accept(listener, inputs):
    while True:
        begin(read, listener.accept()[0].makefile("rb"), inputs)


def dial(address, mailbox):
    """Writes a peer's frames. When the connection breaks, the peer is dialled again; what was on its way is lost."""
    while True:
        try:
            with socket.create_connection(address.rsplit(":", 1)) as stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    stream.sendall(mailbox.get())
        except OSError:
            time.sleep(0.02)


def begin(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def main():
    envelope = json.loads(sys.stdin.buffer.readline())
    init = envelope["body"]
    node = Node(init["node_id"], init["node_ids"], "--bug" in sys.argv[1:])
    taken = {"type": "init_ok", "observe": ["broadcast", "deliver"]}
    if init.get("clock") == "virtual":
        node.reply(envelope, {**taken, "clock": "virtual"})
        return live_in_virtual_time(node, envelope)
    inputs, mailboxes, transport = queue.Queue(), {}, init.get("transport")
    if transport:
        host, port = transport["listen"].rsplit(":", 1)
        listener = socket.create_server((host, int(port)))
        taken["listen"] = "%s:%d" % listener.getsockname()
        begin(accept, listener, inputs)
        for peer, address in transport["peers"].items():
            mailboxes[peer] = queue.Queue(MAILBOX)
            begin(dial, address, mailboxes[peer])
    node.reply(envelope, taken)
    begin(lambda: [read(sys.stdin.buffer, inputs), inputs.put(None)])  # The end of stdin is the end of the node.
    live_in_real_time(node, inputs, mailboxes)


if __name__ == "__main__":
    main()
