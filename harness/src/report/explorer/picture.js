// The picture: lanes, what happened on them, frames between them, and the faults above.
//
// Where more happens in view than can be told apart, columns of a density stand for marks and lines: nothing is cut off.

const GUTTER = 84;  // room for the names of nodes, px
const AXIS = 24;  // room for the times below, px
const FAULT_ROW = 17;  // the height of a fault's bar, px
const FAULT_ROWS = 5;  // so many faults stand below one another
const MARKS_MAX = 4000, FRAMES_MAX = 3000, LABELS_MAX = 160;
const NAMED_MAX = 60;  // so many frames have their names beside them

class Picture {
  constructor(trace) {
    this.trace = trace;
    this.canvas = document.getElementById("lanes");
    this.strip = document.getElementById("overview");
    this.axes = new Map();
    this.view = { from: 0, to: 1 };
    this.hidden = new Set();
    this.kinds = new Set(KINDS.map((_, at) => at).concat([KINDS.length]));  // the last one is frames
    this.message = -1;
    this.text = "";
    this.chosen = null;  // {event: i} or {frame: i}
    this.cone = null;
    this.stack();
    this.setAxis("real");
    this.filter();
  }

  setAxis(name) {
    if (!this.axes.has(name)) this.axes.set(name, new Axis(this.trace, name));
    this.axis = this.axes.get(name);
    this.density = null;
  }

  // Puts faults of links below one another so that none hides another, as far as there is room.
  stack() {
    const ends = [];
    this.rows = this.trace.faults.map((fault) => {
      if (fault.node >= 0) return -1;
      let row = ends.findIndex((end) => end <= fault.from);
      if (row < 0) row = ends.length < FAULT_ROWS ? ends.length : 0;
      ends[row] = Math.max(ends[row] ?? 0, fault.to);
      return row;
    });
    this.faultRows = Math.min(FAULT_ROWS, ends.length);
    this.struck = new Map();  // frames that a fault had to do with
    this.trace.frames.forEach((frame, i) => {
      if (frame.fault < 0 || frame.fate === "passed") return;
      if (!this.struck.has(frame.fault)) this.struck.set(frame.fault, []);
      this.struck.get(frame.fault).push(i);
    });
  }

  // Which events and frames are shown at all.
  filter() {
    const { events, frames } = this.trace;
    const text = this.text.toLowerCase();
    const has = (raw) => text === "" || raw.toLowerCase().includes(text);
    const wanted = (message) => this.message < 0 || message === this.message;
    this.shownEvent = Uint8Array.from(events, (event) => {
      if (!this.kinds.has(event.kind) || this.hidden.has(event.lane)) return 0;
      return (wanted(event.message) || event.kind === 6) && has(event.raw) ? 1 : 0;
    });
    const framesToo = this.kinds.has(KINDS.length);
    this.shownFrame = Uint8Array.from(frames, (frame) => {
      if (!framesToo || this.hidden.has(frame.from) || this.hidden.has(frame.to)) return 0;
      return wanted(frame.message) && has(frame.raw) ? 1 : 0;
    });
    this.lanes = this.trace.nodes.map((_, at) => at).filter((lane) => !this.hidden.has(lane));
    this.place = new Int32Array(this.trace.nodes.length).fill(-1);
    this.lanes.forEach((lane, at) => { this.place[lane] = at; });
    this.density = null;
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ground: colour("ground"), ink: colour("ink"), faint: colour("faint"), line: colour("line"), wrong: colour("wrong"),
      fault: colour("fault"), faultGround: colour("fault-ground"), link: colour("link"), lane: colour("lane"),
    };
  }

  resize() {
    const lane = this.lanes.length > 24 ? 26 : this.lanes.length > 8 ? 38 : this.lanes.length > 5 ? 54 : 78;
    this.top = 8 + this.faultRows * FAULT_ROW + 10;
    this.lane = lane;
    const height = this.top + Math.max(1, this.lanes.length) * lane + AXIS;
    this.context = fit(this.canvas, height);
    this.width = this.canvas.clientWidth;
    this.height = height;
  }

  x(part) { return GUTTER + (part - this.view.from) / (this.view.to - this.view.from) * (this.width - GUTTER - 8); }

  part(x) { return this.view.from + (x - GUTTER) / (this.width - GUTTER - 8) * (this.view.to - this.view.from); }

  y(lane) { return this.top + (this.place[lane] + 0.5) * this.lane; }

  draw() {
    this.resize();
    const c = this.context, colours = this.colours();
    c.clearRect(0, 0, this.width, this.height);
    c.font = "12px system-ui, sans-serif";
    this.drawFaults(c, colours);
    this.drawLanes(c, colours);
    c.save();
    c.beginPath();
    c.rect(GUTTER - 10, 0, this.width - GUTTER + 10, this.height - AXIS);
    c.clip();
    this.drawFrames(c, colours);
    this.drawEvents(c, colours);
    this.drawViolations(c, colours);
    this.drawChosen(c, colours);
    c.restore();
    this.drawTimes(c, colours);
    this.drawOverview(colours);
  }

  drawLanes(c, colours) {
    c.textAlign = "right";
    for (const lane of this.lanes) {
      const y = this.y(lane);
      c.fillStyle = colours.ink;
      c.fillText(clipped(this.trace.nodes[lane], 11), GUTTER - 12, y + 4);
      line(c, colours.line, 1, [[GUTTER - 6, y], [this.width - 8, y]]);
    }
    if (this.axis.at === null) return;
    for (const down of this.trace.downs) {
      if (this.place[down.lane] < 0) continue;
      const [from, to] = this.range(down.from, Math.min(down.to, this.trace.length));
      if (to < GUTTER || from > this.width) continue;
      c.fillStyle = colours.ground;
      c.fillRect(from, this.y(down.lane) - 2, to - from, 4);
      line(c, colours.fault, 1, [[from, this.y(down.lane)], [to, this.y(down.lane)]], [1, 6]);
    }
  }

  range(from, to) {
    const clamp = (x) => Math.min(this.width - 8, Math.max(GUTTER - 6, x));
    return [clamp(this.x(this.axis.at(from))), clamp(this.x(this.axis.at(to)))];
  }

  drawFaults(c, colours) {
    if (this.axis.at === null) return;
    const inView = this.trace.faults.map((fault, at) => ({ fault, at })).filter(({ fault }) => {
      return this.axis.at(fault.to) >= this.view.from && this.axis.at(fault.from) <= this.view.to;
    });
    const few = inView.length <= 6;
    for (const { fault, at } of inView) {
      const [from, end] = this.range(fault.from, fault.to);
      const to = Math.max(from + 2, end);
      c.fillStyle = colours.faultGround;
      c.strokeStyle = colours.fault;
      c.lineWidth = 1;
      if (fault.node >= 0) {
        if (this.place[fault.node] < 0) continue;
        c.fillRect(from, this.y(fault.node) - this.lane * 0.32, to - from, this.lane * 0.64);
        c.strokeRect(from, this.y(fault.node) - this.lane * 0.32, to - from, this.lane * 0.64);
        this.label(c, colours.fault, `${fault.f} ${fault.id}`, from + 3, this.y(fault.node) + this.lane * 0.32 - 3, to - from);
        continue;
      }
      if (few) {
        c.globalAlpha = 0.35;
        c.fillRect(from, this.top - 6, to - from, this.height - AXIS - this.top + 6);
        c.globalAlpha = 1;
      }
      const y = 6 + this.rows[at] * FAULT_ROW;
      c.fillRect(from, y, to - from, FAULT_ROW - 4);
      c.strokeRect(from, y, to - from, FAULT_ROW - 4);
      this.drawStruck(c, colours, fault, y);
      this.label(c, colours.fault, `${fault.f} ${fault.id}`, from + 3, y + 10, to - from);
    }
  }

  // Faults are what they did: a tick for each frame that a fault took or kept.
  drawStruck(c, colours, fault, y) {
    c.fillStyle = colours.fault;
    let last = -1;
    for (const i of this.struck.get(fault.id) ?? []) {
      const x = Math.round(this.x(this.axis.sent[i]));
      if (x !== last && x >= GUTTER && x < this.width - 8) c.fillRect(x, y + FAULT_ROW - 8, 1, 4);
      last = x;
    }
  }

  label(c, colour, text, x, y, room) {
    if (c.measureText(text).width + 4 > room) return;
    c.textAlign = "left";
    c.fillStyle = colour;
    c.fillText(text, x, y);
  }

  drawFrames(c, colours) {
    const { frames } = this.trace, { sent, out } = this.axis, { from, to } = this.view;
    const seen = [];
    let count = 0;
    for (let i = 0; i < frames.length; i += 1) {
      if (this.shownFrame[i] === 0 || out[i] < from || sent[i] > to) continue;
      count += 1;
      if (count <= FRAMES_MAX) seen.push(i);
    }
    this.seenFrames = count <= FRAMES_MAX ? seen : [];
    if (count > FRAMES_MAX) {
      this.columns(c, frames.length, (i) => (this.shownFrame[i] ? sent[i] : -1), (i) => frames[i].from, 1,
        (i) => (frames[i].out < 0 ? colours.fault : colours.lane));
      return;
    }
    const dim = (frame) => this.cone !== null && !(inCone(this.cone, frame.from, frame.sent) && inCone(this.cone, frame.to, frame.out));
    for (const i of seen) {
      const frame = frames[i];
      const a = [this.x(sent[i]), this.y(frame.from)], b = [this.x(out[i]), this.y(frame.to)];
      c.globalAlpha = dim(frame) ? 0.15 : count > 600 ? 0.4 : 0.85;
      if (frame.out >= 0) {
        line(c, frame.fate === "passed" ? colours.lane : colours.fault, 1, [a, b]);
        if (count <= LABELS_MAX) arrowHead(c, frame.fate === "passed" ? colours.lane : colours.fault, a, b);
        continue;
      }
      const end = [a[0] + 6, a[1] + (b[1] - a[1]) * 0.5];
      line(c, colours.fault, 1, [a, end], [4, 3]);
      line(c, colours.fault, 1.5, [[end[0] - 3, end[1] - 3], [end[0] + 3, end[1] + 3]]);
      line(c, colours.fault, 1.5, [[end[0] - 3, end[1] + 3], [end[0] + 3, end[1] - 3]]);
    }
    c.globalAlpha = 1;
    if (count <= NAMED_MAX) this.nameFrames(c, colours, seen);
  }

  // Where few frames are in view each says which step of the protocol it is, on its way and clear of the names before it.
  nameFrames(c, colours, seen) {
    const { frames } = this.trace, { sent, out } = this.axis;
    const taken = [];
    c.textAlign = "left";
    for (const i of seen) {
      const frame = frames[i], [x1, y1, y2] = [this.x(sent[i]), this.y(frame.from), this.y(frame.to)];
      const x2 = frame.out < 0 ? x1 + 12 : this.x(out[i]);
      const text = clipped(frame.key, 24), width = c.measureText(text).width;
      for (const part of [0.5, 0.32, 0.68, 0.2, 0.8]) {
        const at = [x1 + (x2 - x1) * part + 5, y1 + (y2 - y1) * part + 4];
        const box = [at[0] - 2, at[1] - 11, at[0] + width + 2, at[1] + 3];
        if (box[2] > this.width || taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
        taken.push(box);
        c.globalAlpha = 0.75;
        c.fillStyle = colours.ground;
        c.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
        c.globalAlpha = 1;
        c.fillStyle = frame.out < 0 || frame.fate !== "passed" ? colours.fault : colours.faint;
        c.fillText(text, at[0], at[1]);
        break;
      }
    }
  }

  drawEvents(c, colours) {
    const { events } = this.trace, at = this.axis.event, { from, to } = this.view;
    const seen = [];
    let count = 0;
    for (let i = 0; i < events.length; i += 1) {
      if (this.shownEvent[i] === 0 || at[i] < from || at[i] > to || events[i].lane < 0) continue;
      count += 1;
      if (count <= MARKS_MAX) seen.push(i);
    }
    this.seenEvents = count <= MARKS_MAX ? seen : [];
    if (count > MARKS_MAX) {
      this.columns(c, events.length, (i) => (this.shownEvent[i] ? at[i] : -1), (i) => events[i].lane, -1, () => colours.ink);
      return;
    }
    for (const i of seen) {
      const event = events[i];
      c.globalAlpha = inCone(this.cone, event.lane, event.time) ? 1 : 0.15;
      mark(c, colours, event, this.x(at[i]), this.y(event.lane));
    }
    c.globalAlpha = 1;
    if (count > LABELS_MAX) return;
    c.textAlign = "center";
    c.fillStyle = colours.ink;
    const free = new Map();
    for (const i of seen) {
      const event = events[i], x = this.x(at[i]);
      const text = event.message >= 0 ? `m${event.message}` : event.kind === 3 || event.kind === 5 ? event.f : "";
      const width = c.measureText(text).width;
      // A label that would reach beyond an edge is moved inwards, so that none is cut.
      const centre = Math.min(this.width - 8 - width / 2, Math.max(GUTTER - 6 + width / 2, x));
      if (text === "" || centre - width / 2 < (free.get(event.lane) ?? -1)) continue;
      c.fillText(text, centre, this.y(event.lane) - 10);
      free.set(event.lane, centre + width / 2 + 6);
    }
  }

  // Columns of a density, upwards (-1) or downwards (1) from the lanes.
  columns(c, length, place, lane, direction, colour) {
    const counts = new Map();
    for (let i = 0; i < length; i += 1) {
      const part = place(i);
      if (part < this.view.from || part > this.view.to || lane(i) < 0 || this.place[lane(i)] < 0) continue;
      const shade = colour(i);
      let columns = counts.get(shade);
      if (columns === undefined) counts.set(shade, columns = new Uint32Array(this.lanes.length * (this.width + 1)));
      columns[this.place[lane(i)] * (this.width + 1) + Math.round(this.x(part))] += 1;
    }
    for (const [shade, columns] of counts) {
      c.fillStyle = shade;
      this.lanes.forEach((node, row) => {
        const y = this.y(node);
        for (let x = 0; x <= this.width; x += 1) {
          const count = columns[row * (this.width + 1) + x];
          if (count === 0) continue;
          const height = Math.min(this.lane * 0.42, 2 + 3 * Math.log2(1 + count));
          c.fillRect(x, direction < 0 ? y - height : y, 1, height);
        }
      });
    }
  }

  drawViolations(c, colours) {
    this.trace.violations.forEach((violation) => {
      for (const [number] of violation.steps) {
        const i = this.eventOfLine(number);
        if (i < 0) continue;
        const x = this.x(this.axis.event[i]);
        if (x >= GUTTER - 6 && x <= this.width) line(c, colours.wrong, 1, [[x, this.top - 8], [x, this.height - AXIS]], [2, 3]);
      }
    });
  }

  drawChosen(c, colours) {
    if (this.chosen === null) return;
    c.strokeStyle = colours.link;
    c.lineWidth = 3;
    if ("event" in this.chosen) {
      const event = this.trace.events[this.chosen.event];
      const x = this.x(this.axis.event[this.chosen.event]);
      const y = event.lane < 0 ? this.top - 6 : this.y(event.lane);
      c.beginPath();
      c.arc(x, y, 11, 0, 2 * Math.PI);
      c.stroke();
      return;
    }
    const i = this.chosen.frame, frame = this.trace.frames[i];
    line(c, colours.link, 3, [[this.x(this.axis.sent[i]), this.y(frame.from)], [this.x(this.axis.out[i]), this.y(frame.to)]]);
  }

  drawTimes(c, colours) {
    c.fillStyle = colours.faint;
    const y = this.height - 7;
    if (this.axis.at === null) {
      c.textAlign = "left";
      c.fillText("logical time (Lamport's clock)", GUTTER, y);
      return;
    }
    c.textAlign = "center";
    const steps = Math.max(2, Math.floor((this.width - GUTTER) / 130));
    // So many decimals that one time differs from the next.
    const stepMs = Math.max(1e-6, (this.timeAt(this.view.to) - this.timeAt(this.view.from)) / 1e6 / steps);
    const decimals = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(stepMs))));
    for (let step = 0; step <= steps; step += 1) {
      const part = this.view.from + (this.view.to - this.view.from) * step / steps;
      const text = `${(this.timeAt(part) / 1e6).toFixed(decimals)} ms`;
      const half = c.measureText(text).width / 2 + 2;
      c.fillText(text, Math.min(this.width - half, Math.max(half, this.x(part))), y);
    }
  }

  // The moment at a place of the axis: places rise with time, so it is found by halving.
  timeAt(part) {
    if (this.axis.name === "real") return part * this.trace.length;
    let low = 0, high = this.trace.length;
    for (let round = 0; round < 40; round += 1) {
      const middle = (low + high) / 2;
      if (this.axis.at(middle) < part) low = middle;
      else high = middle;
    }
    return low;
  }

  drawOverview(colours) {
    const c = fit(this.strip, 44), width = this.strip.clientWidth;
    if (this.density === null || this.density.length !== width + 1) this.measure(width);
    const most = this.density.reduce((a, b) => Math.max(a, b), 1);
    c.clearRect(0, 0, width, 44);
    c.fillStyle = colours.lane;
    this.density.forEach((count, x) => {
      const height = count === 0 ? 0 : 2 + 32 * Math.log2(1 + count) / Math.log2(1 + most);
      c.fillRect(x, 40 - height, 1, height);
    });
    c.fillStyle = colours.wrong;
    for (const violation of this.trace.violations) {
      for (const [number] of violation.steps) {
        const i = this.eventOfLine(number);
        if (i >= 0) c.fillRect(Math.round(this.axis.event[i] * width), 0, 2, 44);
      }
    }
    c.strokeStyle = colours.link;
    c.lineWidth = 2;
    c.strokeRect(this.view.from * width + 1, 1, Math.max(3, (this.view.to - this.view.from) * width - 2), 42);
  }

  measure(width) {
    this.density = new Uint32Array(width + 1);
    this.axis.event.forEach((part, i) => { if (this.shownEvent[i]) this.density[Math.round(part * width)] += 1; });
    this.axis.sent.forEach((part, i) => { if (this.shownFrame[i]) this.density[Math.round(part * width)] += 1; });
  }

  // The event that is a line of the history, or -1 where it was left out.
  eventOfLine(number) {
    if (this.byLine === undefined) this.byLine = new Map(this.trace.events.map((event, i) => [event.line, i]));
    return this.byLine.get(number) ?? -1;
  }

  // What is drawn nearest to a point: an event, then a frame.
  nearest(x, y) {
    let best = null, distance = 14;
    for (const i of this.seenEvents) {
      const away = Math.hypot(this.x(this.axis.event[i]) - x, this.y(this.trace.events[i].lane) - y);
      if (away < distance) [best, distance] = [{ event: i }, away];
    }
    if (best !== null) return best;
    distance = 6;
    for (const i of this.seenFrames) {
      const frame = this.trace.frames[i];
      const a = [this.x(this.axis.sent[i]), this.y(frame.from)], b = [this.x(this.axis.out[i]), this.y(frame.to)];
      const away = fromLine([x, y], a, b);
      if (away < distance) [best, distance] = [{ frame: i }, away];
    }
    return best;
  }
}

// A canvas as sharp as the screen.
function fit(canvas, height) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

function line(c, colour, width, [from, to], dashes = []) {
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dashes);
  c.beginPath();
  c.moveTo(from[0], from[1]);
  c.lineTo(to[0], to[1]);
  c.stroke();
  if (dashes.length > 0) c.setLineDash([]);
}

// The head of an arrow that ends just before a mark.
function arrowHead(c, colour, [x1, y1], [x2, y2]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 14) return;
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length], [x, y] = [x2 - ux * 5, y2 - uy * 5];
  c.fillStyle = colour;
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(x - ux * 8 - uy * 3.5, y - uy * 8 + ux * 3.5);
  c.lineTo(x - ux * 8 + uy * 3.5, y - uy * 8 - ux * 3.5);
  c.fill();
}

// The shapes of the drawing above, so that no mark is told by its colour alone.
function mark(c, colours, event, x, y) {
  c.fillStyle = c.strokeStyle = event.kind === 3 ? colours.link : event.kind === 6 ? colours.fault : colours.ink;
  c.lineWidth = 1.5;
  c.beginPath();
  switch (KINDS[event.kind]) {
    case "broadcast": c.moveTo(x, y - 6); c.lineTo(x + 6, y); c.lineTo(x, y + 6); c.lineTo(x - 6, y); c.closePath(); break;
    case "deliver": c.arc(x, y, 4.5, 0, 2 * Math.PI); break;
    case "leader": c.moveTo(x, y - 7); c.lineTo(x + 7, y + 5); c.lineTo(x - 7, y + 5); c.closePath(); break;
    case "client": c.rect(x - 4, y - 4, 8, 8); c.stroke(); return;
    case "life": case "fault":
      c.moveTo(x - 5, y - 5); c.lineTo(x + 5, y + 5); c.moveTo(x - 5, y + 5); c.lineTo(x + 5, y - 5); c.stroke(); return;
    default: c.arc(x, y, 2.5, 0, 2 * Math.PI);
  }
  c.fill();
}

function fromLine([x, y], a, b) {
  const dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
  const part = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy) / length));
  return Math.hypot(a[0] + part * dx - x, a[1] + part * dy - y);
}

function clipped(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
