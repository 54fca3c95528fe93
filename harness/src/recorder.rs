//! The recorder: appends ops to `history.jsonl` as they happen.
//!
//! Ops are gathered while one batch of input is handled and leave in one write(2), before anything that follows from them (a
//! request, a fault) is let go. What was written survives a SIGKILL of the controller in the page cache.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use temblor_checkers::header::Header;

use crate::asked::Asked;
use crate::clock::Time;

/// Writes one history.
#[derive(Debug)]
pub struct Recorder {
    /// `None`: everything stays in the buffer.
    file: Option<File>,
    buffer: Vec<u8>,
    index: u64,
    last_ns: u64,
    time: Time,
    failure: Option<io::Error>,
}

/// A completion's or an indication's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Asked for.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// An indication, or an unknown end.
    Info,
}

impl Type {
    fn text(self) -> &'static str {
        match self {
            Type::Invoke => "invoke",
            Type::Ok => "ok",
            Type::Fail => "fail",
            Type::Info => "info",
        }
    }
}

/// A client's request, as its op's value names it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The client's number.
    pub client: u32,
    /// The node that is asked.
    pub node: &'a str,
    /// For what.
    pub asked: Asked,
}

impl Recorder {
    /// Creates the file and writes its first line.
    pub fn create(path: &Path, time: Time, header: &Header) -> io::Result<Self> {
        let file = File::options().write(true).create_new(true).open(path)?;
        let mut recorder = Self::begun(Some(file), time, header);
        match recorder.failure.take() {
            Some(error) => Err(error),
            None => Ok(recorder),
        }
    }

    /// Keeps the history in memory, for one that is judged and thrown away.
    pub fn in_memory(time: Time, header: &Header) -> Self {
        Self::begun(None, time, header)
    }

    fn begun(file: Option<File>, time: Time, header: &Header) -> Self {
        let (buffer, index, last_ns) = (Vec::with_capacity(64 << 10), 0, 0);
        let mut recorder = Self { file, buffer, index, last_ns, time, failure: None };
        recorder.begin();
        recorder.string("nemesis");
        recorder.rest(Type::Info, "run", header);
        recorder.flush();
        recorder
    }

    /// A client's op; `error` says why it failed or why nobody knows.
    pub fn client(&mut self, kind: Type, request: Request<'_>, error: Option<(&str, &str)>) {
        self.begin_client((kind, None), request);
        self.text("}");
        if let Some((code, text)) = error {
            self.text(",\"error\":[");
            self.string(code);
            self.text(",");
            self.string(text);
            self.text("]");
        }
        self.text("}\n");
    }

    /// A client was told a value: what it is called, and what it is.
    pub fn told(&mut self, request: Request<'_>, (name, value): (&str, &Value)) {
        self.begin_client((Type::Ok, Some(name)), request);
        self.entry(name, value);
        self.text("}}\n");
    }

    /// A client's line up to the end of what was asked for, without what the answer brings.
    fn begin_client(&mut self, (kind, told): (Type, Option<&str>), request: Request<'_>) {
        self.begin();
        self.number(u64::from(request.client));
        self.text(",\"type\":\"");
        self.text(kind.text());
        self.text("\",\"f\":\"");
        self.text(request.asked.f());
        self.text("\",\"value\":{\"node\":");
        self.string(request.node);
        match request.asked.message() {
            Some(message) => {
                self.text(",\"message\":");
                self.number(message);
            }
            None => {
                let value = request.asked.value();
                let asked = value.as_object().into_iter().flatten().filter(|(key, _)| told != Some(key.as_str()));
                asked.for_each(|(key, value)| self.entry(key, value));
            }
        }
    }

    /// A node took a message for broadcast.
    pub fn broadcast(&mut self, node: &str, message: u64) {
        self.begin_indication(node, "broadcast");
        self.number(message);
        self.text("}\n");
    }

    /// A node delivered a message, where it keeps a delivery log at this position.
    pub fn delivery(&mut self, node: &str, message: u64, position: Option<u64>) {
        self.begin_indication(node, "deliver");
        match position {
            None => self.number(message),
            Some(position) => {
                self.text("{\"message\":");
                self.number(message);
                self.text(",\"pos\":");
                self.number(position);
                self.text("}");
            }
        }
        self.text("}\n");
    }

    /// A line of a node up to the value.
    fn begin_indication(&mut self, node: &str, f: &str) {
        self.begin();
        self.string(node);
        self.text(",\"type\":\"info\",\"f\":\"");
        self.text(f);
        self.text("\",\"value\":");
    }

    /// Any other indication of a node.
    pub fn node(&mut self, node: &str, f: &str, value: &impl Serialize) {
        self.begin();
        self.string(node);
        self.rest(Type::Info, f, value);
    }

    /// An op of the nemesis.
    pub fn nemesis(&mut self, kind: Type, f: &str, value: &impl Serialize) {
        self.begin();
        self.string("nemesis");
        self.rest(kind, f, value);
    }

    /// Writes out what was gathered. A failure is kept for [`Recorder::failure`]; nothing is written after one, so that the
    /// file ends with a whole history or with one torn line.
    pub fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if self.failure.is_none()
            && let Err(error) = file.write_all(&self.buffer)
        {
            self.failure = Some(error);
        }
        self.buffer.clear();
    }

    /// Why the history could not be written, if so.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Ends the history; gives what was kept in memory.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        self.flush();
        self.failure.map_or(Ok(self.buffer), Err)
    }

    /// How many ops there are.
    pub fn ops(&self) -> u64 {
        self.index
    }

    fn begin(&mut self) {
        self.last_ns = if self.index == 0 { 0 } else { self.last_ns.max(self.time.now_ns()) };
        self.text("{\"index\":");
        self.number(self.index);
        self.text(",\"time\":");
        self.number(self.last_ns);
        self.text(",\"process\":");
        self.index += 1;
    }

    fn rest(&mut self, kind: Type, f: &str, value: &impl Serialize) {
        self.text(",\"type\":\"");
        self.text(kind.text());
        self.text("\",\"f\":");
        self.string(f);
        self.text(",\"value\":");
        serde_json::to_writer(&mut self.buffer, value).expect("values of ops are plain data");
        self.text("}\n");
    }

    fn entry(&mut self, key: &str, value: &Value) {
        self.text(",");
        self.string(key);
        self.text(":");
        serde_json::to_writer(&mut self.buffer, value).expect("values of ops are plain data");
    }

    fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut self.buffer, text).expect("a string is always JSON");
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.buffer.extend_from_slice(&digits[at..]);
    }
}
