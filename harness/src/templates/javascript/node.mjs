#!/usr/bin/env node
// A node: eager reliable broadcast over stdin and stdout.
//
// The first time a node receives a message it passes it on to every other
// node, again and again until each has acknowledged it, and delivers it.
//
//   temblor run eager --bin ./node.mjs        judged by what it delivers
//   temblor run broadcast --bin ./node.mjs    judged by what it reads in the end

import { createInterface } from "node:readline";

const AGAIN = 50; // ms until what is not acknowledged is sent again

let me, others; // who I am, and everybody else
let watched = []; // which of its doings the harness wants to hear of
const seen = new Set(); // the messages that were delivered, in order
const owed = new Map(); // "n2/17": not acknowledged yet, with the time to send it again

// One line: what happens first is said first.
function write(dest, body, more = {}) {
  process.stdout.write(JSON.stringify({ src: me, dest, ...more, body }) + "\n");
}

function reply(request, body) {
  write(request.src, { ...body, in_reply_to: request.body.msg_id });
}

function report(type, message) {
  if (watched.includes(type)) write("observer", { type, message });
}

function send(peer, message) {
  // The key names the step: faults choose frames by it, the same ones in every run.
  write(peer, { type: "relay", message }, { key: `relay/${message}` });
  owed.set(`${peer}/${message}`, { peer, message, due: Date.now() + AGAIN });
}

// To everybody else first, then to the application.
function deliver(message) {
  if (seen.has(message)) return;
  for (const peer of others) send(peer, message);
  report("deliver", message);
  seen.add(message);
}

const handlers = {
  init(line, body) {
    me = body.node_id;
    others = body.node_ids.filter((node) => node !== me);
    watched = (body.observe ?? []).filter((type) => ["broadcast", "deliver"].includes(type));
    reply(line, { type: "init_ok", observe: watched });
  },
  // Who is near; this node speaks with everybody.
  topology(line) {
    reply(line, { type: "topology_ok" });
  },
  broadcast(line, body) {
    report("broadcast", body.message);
    deliver(body.message);
    reply(line, { type: "broadcast_ok" });
  },
  read(line) {
    reply(line, { type: "read_ok", messages: [...seen] });
  },
  relay(line, { message }) {
    write(line.src, { type: "relay_ok", message }, { key: `ack/relay/${message}` });
    deliver(message);
  },
  relay_ok(line, { message }) {
    owed.delete(`${line.src}/${message}`);
  },
};

function handle(line) {
  const { type, msg_id } = line.body;
  if (Object.hasOwn(handlers, type)) handlers[type](line, line.body);
  else if (msg_id !== undefined) reply(line, { type: "error", code: 10, text: `${type} is not supported` });
}

function sendAgain() {
  const late = [...owed.values()].filter(({ due }) => due <= Date.now());
  late.sort((a, b) => a.due - b.due); // what waits longest first: nothing waits for ever
  // A trickle: a peer that is dead never answers.
  for (const { peer, message } of late.slice(0, 64)) send(peer, message);
}

setInterval(sendAgain, AGAIN / 2);
createInterface({ input: process.stdin })
  .on("line", (text) => handle(JSON.parse(text)))
  .on("close", () => process.exit(0)); // the run is over
