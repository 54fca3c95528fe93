//! The reader: from bytes to ops, one line at a time, with memory that does not grow with the file.
//!
//! A line as the recorder writes it goes through the [fast path](canonical), which is a comparison of bytes; anything else that
//! is valid JSON goes through serde_json and means the same. What is no op is an error that names the line. A file whose last
//! line has no LF was cut short there ([`Reader::torn`]); that fragment is no op.

mod canonical;
mod tolerant;

use std::fmt;
use std::io::{self, Read};

use crate::header::Header;
use crate::op::{Names, Node, Op};
use canonical::NameTable;

/// A longer line is an error. Nothing that is longer is ever kept in memory.
pub const LINE_MAX: usize = 1 << 20;

/// How much is read at once.
const PIECE: usize = 256 << 10;
/// So much of a line is shown in an error.
const SHOWN: usize = 80;

/// Why a file is no history, and where.
#[derive(Debug)]
pub struct HistoryError {
    /// The line, from 1.
    pub line: u64,
    /// Where that line begins, in bytes from the beginning of the (unpacked) file.
    pub offset: u64,
    /// What is wrong there, and what was expected.
    pub what: What,
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum What {
    /// The bytes could not be read.
    Io(io::Error),
    /// The line is no op, or does not fit the lines before it.
    Line(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Io(error) => write!(f, "line {} (byte {}): {error}", self.line, self.offset),
            What::Line(what) => write!(f, "line {} (byte {}): {what}", self.line, self.offset),
        }
    }
}

impl std::error::Error for HistoryError {}

/// Reads one history.
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer has been used, and what is filled.
    used: usize,
    filled: usize,
    ended: bool,
    torn: bool,
    offset: u64,
    context: Context,
}

/// What a line is read against.
struct Context {
    names: Names,
    table: NameTable,
    header: Option<Header>,
    /// The index that the next op has; also how many lines were read.
    index: u64,
    time: u64,
}

impl<R: Read> Reader<R> {
    /// A reader at the beginning of a history.
    pub fn new(input: R) -> Self {
        let context =
            Context { names: Names::default(), table: NameTable::default(), header: None, index: 0, time: 0 };
        Self { input, buffer: vec![0; PIECE], used: 0, filled: 0, ended: false, torn: false, offset: 0, context }
    }

    /// The next op; `None` at the end. After an error there is nothing more to be had.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not lend the names between two ops")]
    pub fn next(&mut self) -> Result<Option<Op>, HistoryError> {
        let Some(end) = self.line()? else { return Ok(None) };
        let line = &self.buffer[self.used..end];
        match self.context.read(line) {
            Ok(op) => {
                self.offset += (end + 1 - self.used) as u64;
                self.used = end + 1;
                Ok(Some(op))
            }
            Err(what) => Err(self.error(What::Line(what))),
        }
    }

    /// The nodes that are known so far; all of them, once a first line with a header was read.
    pub fn names(&self) -> &Names {
        &self.context.names
    }

    /// The header, once the first line was read and is one.
    pub fn header(&self) -> Option<&Header> {
        self.context.header.as_ref()
    }

    /// Whether the file ended in the middle of a line. Only known at the end.
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// How many ops were read.
    pub fn lines(&self) -> u64 {
        self.context.index
    }

    /// How many bytes these lines had.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// Has a whole line in the buffer, from `used` to the end that is given; `None` at the end of the file.
    #[inline]
    fn line(&mut self) -> Result<Option<usize>, HistoryError> {
        let mut searched = self.used;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[searched..self.filled]) {
                return Ok(Some(searched + at));
            }
            if self.ended {
                self.torn = self.used < self.filled;
                return Ok(None);
            }
            let waiting = self.filled - self.used;
            if waiting > LINE_MAX {
                let shown = shown(&self.buffer[self.used..self.filled]);
                return Err(self.error(What::Line(format!("a line of more than {LINE_MAX} bytes, which no op has: {shown}"))));
            }
            self.fill()?;
            searched = self.used + waiting;
        }
    }

    /// Reads on, behind what is still needed.
    fn fill(&mut self) -> Result<(), HistoryError> {
        self.buffer.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        self.used = 0;
        if self.buffer.len() - self.filled < PIECE / 2 {
            self.buffer.resize(self.filled + PIECE, 0);
        }
        match self.input.read(&mut self.buffer[self.filled..]) {
            Ok(0) => self.ended = true,
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(self.error(What::Io(error))),
        }
        Ok(())
    }

    fn error(&self, what: What) -> HistoryError {
        HistoryError { line: self.context.index + 1, offset: self.offset, what }
    }
}

impl Context {
    /// Reads a line, without its LF.
    #[inline]
    fn read(&mut self, line: &[u8]) -> Result<Op, String> {
        let op = match canonical::read(line, &self.table) {
            Some(op) => op,
            None => tolerant::read(line, self)?,
        };
        if op.index != self.index {
            return Err(self.out_of_sequence(op.index));
        }
        if op.time < self.time {
            return Err(format!("time goes back from {} to {} ns; it never falls in a history", self.time, op.time));
        }
        self.index += 1;
        self.time = op.time;
        Ok(op)
    }

    fn out_of_sequence(&self, index: u64) -> String {
        let why = if index > self.index { "lines are missing" } else { "a line stands twice or out of place" };
        format!("index {index} where {} was expected: {why}", self.index)
    }

    /// The node of this name: with a header one that it names, without one whoever occurs.
    fn node(&mut self, name: &str) -> Result<Node, String> {
        if let Some(node) = self.names.find(name) {
            return Ok(node);
        }
        if self.header.is_some() {
            let known: Vec<&str> = self.names.iter().map(|(_, name)| name).take(10).collect();
            let known = known.join(", ");
            return Err(format!("unknown node {}; the first line names {known}", shown(name.as_bytes())));
        }
        let node = self.names.intern(name).ok_or("more than 65,536 nodes")?;
        self.table.insert(name, node);
        Ok(node)
    }

    /// The first line says what the history is to be judged by.
    fn begin(&mut self, header: Header) -> Result<(), String> {
        for name in &header.nodes {
            if self.names.find(name).is_some() {
                return Err(format!("the first line names {} twice", shown(name.as_bytes())));
            }
            self.node(name)?;
        }
        self.header = Some(header);
        Ok(())
    }
}

/// A piece of a file as part of a message: control characters and what is no UTF-8 are escaped, and it is short.
fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(SHOWN)];
    let text: String = String::from_utf8_lossy(cut).chars().flat_map(escaped).collect();
    if bytes.len() > SHOWN { format!("{text}...") } else { text }
}

fn escaped(c: char) -> Vec<char> {
    // Controls, and the marks that turn the direction of what follows.
    let hidden = c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if hidden { c.escape_default().collect() } else { vec![c] }
}
