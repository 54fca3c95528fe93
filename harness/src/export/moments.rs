//! Ops and frames of a run as moments in the order of time: an op, a frame that leaves, a frame that arrives.
//!
//! The history is in the order of time; the trace is in that of the proxy, which differs from it by as much as a frame was
//! kept. Frames therefore wait in a heap until the history has come as far, and all of them do so at its end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

/// A longer line is none of the recorder's.
const LINE_MAX: u64 = 1 << 20;

/// An op, as its line says it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Op {
    /// Its line, from 0.
    pub index: u64,
    /// ns since the run began.
    pub time: u64,
    /// A node's name, `nemesis`, or the number of a client.
    pub process: Value,
    /// `invoke`, `ok`, `fail`, `info`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was done.
    pub f: String,
    /// With what.
    #[serde(default)]
    pub value: Value,
}

/// A frame, as its line says it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Frame {
    /// Its line, from 1; the first line is no frame.
    #[serde(skip)]
    pub line: u64,
    /// When it reached the proxy, ns since the run began.
    #[serde(rename = "in")]
    pub sent: u64,
    /// When it left it; none for a frame that was lost.
    #[serde(rename = "out")]
    pub arrived: Option<u64>,
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// Its key.
    #[serde(default)]
    pub key: String,
    /// Its length.
    #[serde(default)]
    pub bytes: u64,
    /// What became of it.
    #[serde(rename = "what", default)]
    pub fate: String,
    /// The fault that did it.
    #[serde(default)]
    pub fault: Option<u64>,
}

/// Something at one time.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// An op.
    Op(Op),
    /// A frame leaves its sender.
    Sent(Frame),
    /// It arrives.
    Arrived(Frame),
}

impl Op {
    /// Who did it, in words.
    pub fn who(&self) -> String {
        match &self.process {
            Value::String(name) => name.clone(),
            Value::Number(client) => format!("client {client}"),
            other => other.to_string(),
        }
    }

    /// What was done, in words: `deliver 17`.
    pub fn what(&self) -> String {
        let kind = if self.kind == "info" { String::new() } else { format!("{} ", self.kind) };
        match &self.value {
            Value::Null => format!("{kind}{}", self.f),
            Value::String(text) => format!("{kind}{} {text}", self.f),
            value => format!("{kind}{} {value}", self.f),
        }
    }
}

impl Frame {
    /// In words: `relay/17 to n3, dropped by fault 4`.
    pub fn what(&self) -> String {
        let fate = match (self.fate.as_str(), self.fault) {
            ("passed", _) => String::new(),
            (fate, Some(fault)) => format!(", {fate} by fault {fault}"),
            (fate, None) => format!(", {fate}"),
        };
        format!("{} to {}{fate}", self.key, self.to)
    }
}

/// Walks over all moments of a run in the order of time.
///
/// # Errors
/// A file can't be read, a line of the history is no op, or `each` fails.
pub fn walk(
    history: impl Read,
    trace: Option<impl Read>,
    mut each: impl FnMut(Moment) -> io::Result<()>,
) -> io::Result<()> {
    let mut frames = trace.map(|trace| Frames { lines: Lines::new(trace), waiting: BinaryHeap::new(), count: 0 });
    let mut lines = Lines::new(history);
    while let Some(line) = lines.next()? {
        let op: Op = serde_json::from_slice(line).map_err(|error| no_op(lines.number, &error))?;
        if let Some(frames) = &mut frames {
            frames.until(op.time, &mut each)?;
        }
        each(Moment::Op(op))?;
    }
    frames.map_or(Ok(()), |mut frames| frames.until(u64::MAX, &mut each))
}

fn no_op(line: u64, error: &serde_json::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line} of the history is no op: {error}"))
}

/// A moment of a frame: its time, whether it leaves (arrivals come first), its number; and the frame.
type Waiting = Reverse<(u64, bool, u64, FrameByNumber)>;

/// A frame that is never compared: what stands before it in [`Waiting`] tells any two apart.
struct FrameByNumber(Frame);

impl PartialEq for FrameByNumber {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for FrameByNumber {}
impl PartialOrd for FrameByNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for FrameByNumber {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// The trace is written when the fate of a frame is known: a frame may stand behind one that was sent so much later, ns.
const DISORDER_NS: u64 = 10_000_000_000;

struct Frames<R> {
    lines: Lines<R>,
    waiting: BinaryHeap<Waiting>,
    count: u64,
}

impl<R: Read> Frames<R> {
    /// What happened before an op: a node does something because of what arrived, and sends something because of what it did.
    fn until(&mut self, time: u64, each: &mut impl FnMut(Moment) -> io::Result<()>) -> io::Result<()> {
        self.fill(time.saturating_add(DISORDER_NS))?;
        let before = |Reverse((at, leaves, ..)): &Waiting| *at < time || (*at == time && !leaves) || time == u64::MAX;
        while self.waiting.peek().is_some_and(before) {
            let Some(Reverse((_, leaves, number, FrameByNumber(frame)))) = self.waiting.pop() else { break };
            if !leaves {
                each(Moment::Arrived(frame))?;
                continue;
            }
            if let Some(arrived) = frame.arrived {
                self.waiting.push(Reverse((arrived.max(frame.sent), false, number, FrameByNumber(frame.clone()))));
            }
            each(Moment::Sent(frame))?;
        }
        Ok(())
    }

    /// Reads frames until one was sent after `time`.
    fn fill(&mut self, time: u64) -> io::Result<()> {
        while let Some(line) = self.lines.next()? {
            let Ok(mut frame) = serde_json::from_slice::<Frame>(line) else { continue };
            self.count += 1;
            frame.line = self.lines.number;
            let sent = frame.sent;
            self.waiting.push(Reverse((sent, true, self.count, FrameByNumber(frame))));
            if sent > time {
                break;
            }
        }
        Ok(())
    }
}

/// Whole lines; a torn one at the end is none.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 18, input), line: Vec::new(), number: 0 }
    }

    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        self.input.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.line)?;
        self.number += 1;
        Ok((self.line.last() == Some(&b'\n')).then_some(self.line.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_in_the_order_of_time() {
        let op = |index, time| {
            format!("{{\"index\":{index},\"time\":{time},\"process\":\"n1\",\"type\":\"info\",\"f\":\"x\"}}\n")
        };
        let history = format!("{}{}", op(0, 5), op(1, 30));
        let frame = |sent, arrived: &str, key| {
            format!(
                "{{\"in\":{sent},\"out\":{arrived},\"from\":\"n1\",\"to\":\"n2\",\"key\":\"{key}\",\"bytes\":1,\"what\":\"passed\"}}\n"
            )
        };
        let trace = format!(
            "{{\"format\":1,\"f\":\"messages\"}}\n{}{}{}",
            frame(20, "25", "b"),
            frame(1, "40", "a"),
            frame(3, "null", "c")
        );
        let mut told = Vec::new();
        walk(history.as_bytes(), Some(trace.as_bytes()), |moment| {
            told.push(match moment {
                Moment::Op(op) => format!("op {}", op.index),
                Moment::Sent(frame) => format!("sent {}", frame.key),
                Moment::Arrived(frame) => format!("arrived {}", frame.key),
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(told, ["sent a", "sent c", "op 0", "sent b", "arrived b", "op 1", "arrived a"]);
    }
}
