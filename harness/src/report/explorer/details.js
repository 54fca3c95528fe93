// What is said of the chosen event, and the events in view as a table.

const LISTED = 200;  // rows of the table

// An element with a text; whatever comes from a node goes in as text, never as HTML.
function element(name, text = "", children = []) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const child of children) made.append(child);
  return made;
}

// A text with nothing in it that would turn or hide what stands beside it.
function harmless(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (character) => {
    return `\\u{${character.codePointAt(0).toString(16)}}`;
  });
}

const ms = (ns) => `${(ns / 1e6).toFixed(3)} ms`;

// In a line: when, who, what.
function sentenceOf(trace, chosen) {
  if ("event" in chosen) {
    const event = trace.events[chosen.event], op = JSON.parse(event.raw);
    const who = typeof op.process === "number" ? `client ${op.process}` : op.process;
    return `${ms(event.time)}: ${who}, ${wordsOf(op)}`;
  }
  const frame = trace.frames[chosen.frame];
  const names = `${trace.nodes[frame.from]} → ${trace.nodes[frame.to]}`;
  const end = frame.out < 0 ? "never arrived" : `arrived after ${ms(frame.out - frame.sent)}`;
  const fault = frame.fault < 0 ? "" : `, fault ${frame.fault}`;
  return `${ms(frame.sent)}: frame ${names}, ${frame.fate}${fault}, ${end}`;
}

function showDetails(picture) {
  const place = document.getElementById("details"), { trace, chosen } = picture;
  if (chosen === null) {
    const most = picture.seenEvents.length > 0 ? "Choose an event: click, or press j." : "Zoom in until marks can be told apart, or press j.";
    place.replaceChildren(element("p", most));
    return;
  }
  const of = "event" in chosen ? trace.events[chosen.event] : trace.frames[chosen.frame];
  const file = "event" in chosen ? "history.jsonl" : "messages.jsonl";
  const raw = element("pre", harmless(JSON.stringify(JSON.parse(of.raw), null, 1)).replaceAll("\\u{a}", "\n"));
  raw.tabIndex = 0;
  place.replaceChildren(
    element("p", "", [element("strong", harmless(sentenceOf(trace, chosen)))]),
    element("p", `line ${of.line} of ${file}`),
    raw,
  );
}

function showList(picture) {
  if (!document.getElementById("listed").open) return;
  const { trace, axis, view } = picture;
  const rows = [];
  let more = 0;
  trace.events.forEach((event, i) => {
    if (!picture.shownEvent[i] || axis.event[i] < view.from || axis.event[i] > view.to) return;
    if (rows.length === LISTED) more += 1;
    else rows.push(element("tr", "", [...row(event)]));
  });
  const head = element("tr", "", ["Line", "Time", "Who", "What"].map((title) => {
    const cell = element("th", title);
    cell.scope = "col";
    return cell;
  }));
  if (more > 0) {
    const last = element("td", `and ${more} more: zoom in`);
    last.colSpan = 4;
    rows.push(element("tr", "", [last]));
  }
  document.getElementById("list").replaceChildren(element("thead", "", [head]), element("tbody", "", rows));
}

function* row(event) {
  const op = JSON.parse(event.raw);
  yield element("td", String(event.line));
  yield element("td", ms(event.time));
  yield element("td", harmless(typeof op.process === "number" ? `client ${op.process}` : String(op.process)));
  yield element("td", harmless(wordsOf(op)));
}
