"use strict";
// The trace: what the page holds, unpacked and put into columns.
//
// An event is a line of history.jsonl, a frame one of messages.jsonl. Both are kept as they are, as text, and what is drawn
// of them in arrays: a hundred thousand of them are looked at in every redraw.

const KINDS = ["client", "broadcast", "deliver", "leader", "life", "other", "fault"];

// What an op is, as the picture knows it.
function kindOf(op) {
  if (op.process === "nemesis") return "fault";
  if (typeof op.process === "number") return "client";
  switch (op.f) {
    case "broadcast": case "deliver": case "leader": return op.f;
    case "start": case "exit": return "life";
    default: return "other";
  }
}

// The message that an op is about, or -1.
function messageOf(op) {
  const value = op.value;
  if (Number.isInteger(value)) return op.f === "broadcast" || op.f === "deliver" ? value : -1;
  if (value === null || typeof value !== "object") return -1;
  const message = value.message ?? value.charge;
  return Number.isInteger(message) ? message : -1;
}

// The message that a frame carries, by its key (relay/17), or -1. What acknowledges is no message.
function messageOfKey(key) {
  const parts = String(key).split("/");
  const number = parts.pop();
  if (parts.length === 0 || parts.includes("ack") || !/^\d+$/.test(number)) return -1;
  return Number(number);
}

// In words, for lists.
function wordsOf(op) {
  const value = op.value;
  const told = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return `${op.type === "info" ? "" : op.type + " "}${op.f} ${told}`.slice(0, 200);
}

// The lines of one file with their numbers; lines that are no JSON are left out.
function* numbered(lines) {
  let number = 1;
  for (const line of lines) {
    if (line.startsWith("@")) {
      number = Number(line.slice(1));
      continue;
    }
    if (line.startsWith("{")) {
      try {
        yield [number, line, JSON.parse(line)];
      } catch {
        // A line that was no JSON when it was written is for `temblor check` to name.
      }
    }
    number += 1;
  }
}

class Trace {
  constructor(about) {
    this.nodes = about.nodes;
    this.violations = about.violations;
    this.lane = new Map(about.nodes.map((name, at) => [name, at]));
    this.events = [];  // {line, time, lane, kind, message, f, raw}
    this.frames = [];  // {line, sent, out, from, to, fate, fault, message, raw}
    this.faults = [];  // {id, f, node, links, from, to, event}
    this.downs = [];  // {lane, from, to}
    this.length = 1;
  }

  // Takes a line of the history.
  takeOp(line, raw, op) {
    const value = op.value ?? {};
    const name = typeof op.process === "number" ? value.node : op.process;
    const event = {
      line, raw, time: op.time, lane: this.lane.get(name) ?? -1, kind: KINDS.indexOf(kindOf(op)), message: messageOf(op),
      f: op.f, type: op.type,
    };
    if (!Number.isFinite(event.time)) return;
    this.length = Math.max(this.length, event.time);
    const at = this.events.push(event) - 1;
    if (op.process === "nemesis") this.takeFault(op, value, at);
    if (op.f === "exit" && event.lane >= 0) this.downs.push({ lane: event.lane, from: event.time, to: Infinity });
    if (op.f === "start" && event.lane >= 0) {
      const down = this.downs.findLast((down) => down.lane === event.lane && down.to === Infinity);
      if (down) down.to = event.time;
    }
  }

  takeFault(op, value, at) {
    if (!Number.isInteger(value.id)) return;
    // A pause is over when its resume is; its own completion says only that it has begun.
    const open = this.faults.findLast((fault) => fault.id === value.id && fault.to === Infinity);
    if (open === undefined && op.type === "invoke") {
      const links = value.links ?? value.cut ?? [];
      const fault = { id: value.id, f: op.f, node: this.lane.get(value.node) ?? -1, links, from: op.time, to: Infinity, event: at };
      this.faults.push(fault);
    } else if (open && op.type !== "invoke" && (op.f !== "pause" || op.type === "fail")) {
      open.to = op.time;
    }
  }

  // Takes a line of the messages.
  takeFrame(line, raw, frame) {
    const from = this.lane.get(frame.from), to = this.lane.get(frame.to);
    if (from === undefined || to === undefined || !Number.isFinite(frame.in)) return;
    const out = Number.isFinite(frame.out) ? frame.out : -1;
    this.frames.push({
      line, raw, sent: frame.in, out, from, to, fate: frame.what, fault: frame.fault ?? -1, message: messageOfKey(frame.key),
      key: String(frame.key),
    });
    this.length = Math.max(this.length, frame.in, out);
  }
}

// Unpacks what stands in the page.
async function load() {
  const text = document.getElementById("trace").textContent;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const lines = (await new Response(stream).text()).split("\n");
  const trace = new Trace(JSON.parse(lines.at(-1)));
  const middle = lines.indexOf("="), end = lines.indexOf("=", middle + 1);
  for (const [number, raw, op] of numbered(lines.slice(0, middle))) trace.takeOp(number, raw, op);
  for (const [number, raw, frame] of numbered(lines.slice(middle + 1, end))) trace.takeFrame(number, raw, frame);
  trace.events.sort((a, b) => a.time - b.time || a.line - b.line);
  for (const fault of trace.faults) fault.to = Math.min(fault.to, trace.length);
  return trace;
}
