// The axis of time: where a moment stands, from 0 to 1 over the whole run.
//
// Real: as the clock went. Compressed: each event gets the same room, so that bursts open up and silence shrinks. Logical: as
// Lamport's clock counts (Lamport 1978), where an arrow never goes back.

class Axis {
  constructor(trace, name) {
    this.name = name;
    const events = trace.events, frames = trace.frames;
    this.event = new Float64Array(events.length);
    this.sent = new Float64Array(frames.length);
    this.out = new Float64Array(frames.length);
    if (name === "logical") this.count(trace);
    else this.place(trace, name === "real" ? (time) => time / trace.length : compressed(trace));
  }

  place(trace, at) {
    this.at = at;
    trace.events.forEach((event, i) => { this.event[i] = at(event.time); });
    trace.frames.forEach((frame, i) => {
      this.sent[i] = at(frame.sent);
      this.out[i] = frame.out < 0 ? this.sent[i] : at(frame.out);
    });
  }

  // Lamport's clocks: one more for each event, and more than the sender's where a frame arrives.
  count(trace) {
    const moments = [];
    trace.events.forEach((event, i) => moments.push([event.time, 1, i]));
    trace.frames.forEach((frame, i) => {
      moments.push([frame.sent, 2, i]);
      if (frame.out >= 0) moments.push([frame.out, 0, i]);
    });
    moments.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    const clock = new Float64Array(trace.nodes.length);
    let most = 1;
    for (const [, what, i] of moments) {
      if (what === 1) {
        const lane = trace.events[i].lane;
        const now = lane < 0 ? most : ++clock[lane];
        this.event[i] = now;
        most = Math.max(most, now);
      } else if (what === 2) {
        this.sent[i] = this.out[i] = ++clock[trace.frames[i].from];
      } else {
        const to = trace.frames[i].to;
        clock[to] = Math.max(clock[to], this.sent[i]) + 1;
        this.out[i] = clock[to];
      }
    }
    for (const value of clock) most = Math.max(most, value);
    for (const column of [this.event, this.sent, this.out]) for (let i = 0; i < column.length; i += 1) column[i] /= most;
    this.at = null;
  }
}

// A moment's place among the moments at which something happened.
function compressed(trace) {
  const times = new Float64Array(trace.events.length + trace.frames.length);
  trace.events.forEach((event, i) => { times[i] = event.time; });
  trace.frames.forEach((frame, i) => { times[trace.events.length + i] = frame.sent; });
  times.sort();
  const last = Math.max(1, times.length - 1);
  return (time) => {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || low >= times.length) return Math.min(1, low / last);
    const between = times[low] === times[low - 1] ? 0 : (time - times[low - 1]) / (times[low] - times[low - 1]);
    return (low - 1 + between) / last;
  };
}
