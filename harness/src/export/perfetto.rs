//! `perfetto`: the JSON trace format that Perfetto and Chrome's tracing open: a track for each node, one for each client's
//! node, arrows for frames, and bars for faults.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde_json::{Value, json};

use super::moments::{Moment, Op, walk};

/// The process of the nodes, and that of the faults.
const NODES: u64 = 1;
const FAULTS: u64 = 2;

/// Writes a run as Perfetto reads it.
///
/// # Errors
/// The run can't be read, or the output not be written.
pub fn perfetto(history: impl Read, trace: Option<impl Read>, out: &mut impl Write) -> io::Result<()> {
    let mut tracks = Tracks { out, known: BTreeMap::new(), open: BTreeMap::new(), last: 0, first: true };
    tracks.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    tracks.event(&json!({ "ph": "M", "name": "process_name", "pid": NODES, "args": { "name": "nodes" } }))?;
    tracks.event(&json!({ "ph": "M", "name": "process_name", "pid": FAULTS, "args": { "name": "faults" } }))?;
    walk(history, trace, |moment| tracks.take(moment))?;
    tracks.close()?;
    tracks.out.write_all(b"\n]}\n")
}

struct Tracks<W> {
    out: W,
    /// The track of each node.
    known: BTreeMap<String, u64>,
    /// Faults in force, by number: when each began, and its name.
    open: BTreeMap<u64, (u64, String)>,
    last: u64,
    first: bool,
}

impl<W: Write> Tracks<W> {
    fn take(&mut self, moment: Moment) -> io::Result<()> {
        match moment {
            Moment::Op(op) => {
                self.last = op.time;
                match op.process.as_str() {
                    Some("nemesis") => self.fault(&op),
                    Some(name) => self.instant(name, &op),
                    None => match op.value["node"].as_str().map(str::to_owned) {
                        Some(name) => self.instant(&name, &op),
                        None => Ok(()),
                    },
                }
            }
            Moment::Sent(frame) => {
                let (tid, what) = (self.track(&frame.from)?, frame.what());
                let name = format!("send {what}");
                self.slice(
                    (NODES, tid),
                    (frame.sent, 1_000),
                    (&name, json!({ "line": frame.line, "bytes": frame.bytes })),
                )?;
                if frame.arrived.is_some() {
                    let flow = json!({ "ph": "s", "id": frame.line, "cat": "frame", "name": "frame", "pid": NODES, "tid": tid, "ts": us(frame.sent) });
                    self.event(&flow)?;
                }
                Ok(())
            }
            Moment::Arrived(frame) => {
                let tid = self.track(&frame.to)?;
                let at = frame.arrived.unwrap_or(frame.sent);
                let name = format!("receive {} from {}", frame.key, frame.from);
                self.slice((NODES, tid), (at, 1_000), (&name, json!({ "line": frame.line })))?;
                let flow = json!({ "ph": "f", "bp": "e", "id": frame.line, "cat": "frame", "name": "frame", "pid": NODES, "tid": tid, "ts": us(at) });
                self.event(&flow)
            }
        }
    }

    /// A fault lasts from its invocation to its end; a pause to the end of its resume.
    fn fault(&mut self, op: &Op) -> io::Result<()> {
        let Some(id) = op.value["id"].as_u64() else { return Ok(()) };
        if op.kind == "invoke" {
            self.open.entry(id).or_insert_with(|| (op.time, format!("{} #{id}", op.f)));
            return Ok(());
        }
        if op.f == "pause" && op.kind != "fail" {
            return Ok(());
        }
        match self.open.remove(&id) {
            Some((began, name)) => self.slice((FAULTS, id), (began, op.time - began), (&name, op.value.clone())),
            None => Ok(()),
        }
    }

    /// What is still in force at the end.
    fn close(&mut self) -> io::Result<()> {
        for (id, (began, name)) in std::mem::take(&mut self.open) {
            self.slice((FAULTS, id), (began, self.last.saturating_sub(began)), (&name, Value::Null))?;
        }
        Ok(())
    }

    fn instant(&mut self, node: &str, op: &Op) -> io::Result<()> {
        let tid = self.track(node)?;
        let name = if op.process.is_string() { op.what() } else { format!("{}: {}", op.who(), op.what()) };
        let args = json!({ "line": op.index + 1, "value": op.value });
        self.event(
            &json!({ "ph": "i", "s": "t", "name": name, "pid": NODES, "tid": tid, "ts": us(op.time), "args": args }),
        )
    }

    fn slice(
        &mut self,
        (pid, tid): (u64, u64),
        (at, length): (u64, u64),
        (name, args): (&str, Value),
    ) -> io::Result<()> {
        self.event(&json!({ "ph": "X", "name": name, "pid": pid, "tid": tid, "ts": us(at), "dur": us(length), "args": { "of": args } }))
    }

    fn track(&mut self, node: &str) -> io::Result<u64> {
        if let Some(track) = self.known.get(node) {
            return Ok(*track);
        }
        let track = self.known.len() as u64 + 1;
        self.known.insert(node.to_owned(), track);
        self.event(&json!({ "ph": "M", "name": "thread_name", "pid": NODES, "tid": track, "args": { "name": node } }))?;
        Ok(track)
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        if !std::mem::replace(&mut self.first, false) {
            self.out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut self.out, event).map_err(Into::into)
    }
}

/// The format counts in us, with a fraction.
#[allow(clippy::cast_precision_loss, reason = "a picture of hundred days is exact to a ns")]
fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}
