// The causal cone of an event: what it may depend on, and what may depend on it (happened-before, Lamport 1978).
//
// For each lane two times: what happened there until the first is in its past, what happened from the second on in its future.

function coneOf(trace, chosen) {
  const past = new Float64Array(trace.nodes.length).fill(-1);
  const future = new Float64Array(trace.nodes.length).fill(Infinity);
  if (chosen.lane < 0) return null;
  past[chosen.lane] = future[chosen.lane] = chosen.time;
  const arrived = trace.frames.filter((frame) => frame.out >= 0);
  arrived.sort((a, b) => b.out - a.out);
  for (const frame of arrived) {
    if (frame.out <= past[frame.to]) past[frame.from] = Math.max(past[frame.from], frame.sent);
  }
  arrived.sort((a, b) => a.sent - b.sent);
  for (const frame of arrived) {
    if (frame.sent >= future[frame.from]) future[frame.to] = Math.min(future[frame.to], frame.out);
  }
  return { past, future };
}

// Whether something at a lane and a time is in the cone.
function inCone(cone, lane, time) {
  return cone === null || lane < 0 || time <= cone.past[lane] || time >= cone.future[lane];
}
