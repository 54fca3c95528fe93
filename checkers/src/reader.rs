//! The reader: from bytes to ops, one line at a time, with memory that does not grow with the file.
//!
//! A line as the recorder writes it goes through the fast path, which is a comparison of bytes; anything else that
//! is valid JSON goes through serde_json and means the same. What is no op is an error that names the line. A file whose last
//! line has no LF was cut short there ([`Reader::torn`]); that fragment is no op, even where it happens to be whole.

mod canonical;
mod excerpt;
mod names;
mod tolerant;

use std::fmt;
use std::io::{self, Read};

use crate::header::Header;
use crate::op::{Event, Kind, Names, Node, Op, Process};
use excerpt::excerpt;
use names::NameTable;

/// A line of more bytes is an error. Little more than that is ever kept in memory.
pub const LINE_MAX: usize = 1 << 20;

/// How much is read at once, at least half of it.
const PIECE: usize = 256 << 10;
/// So many known nodes are named in an error.
const NAMED: usize = 10;
/// A node's name of more bytes is an error; 65,536 such names still fit in memory.
const NAME_MAX: usize = 255;

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
        let context = Context { names: Names::default(), table: NameTable::default(), header: None, index: 0, time: 0 };
        Self { input, buffer: vec![0; PIECE], used: 0, filled: 0, ended: false, torn: false, offset: 0, context }
    }

    /// The next op; `None` at the end. After an error there is nothing more to be had.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not lend the names between two ops")]
    pub fn next(&mut self) -> Result<Option<Op>, HistoryError> {
        let mut op = Op { index: 0, time: 0, process: Process::Nemesis, kind: Kind::Info, event: Event::Broadcast(0) };
        Ok(self.read(&mut op)?.then_some(op))
    }

    /// Puts the next op in the place of `op`; whether there is one. Like [`next`](Reader::next), without moving it about.
    #[inline]
    pub fn read(&mut self, op: &mut Op) -> Result<bool, HistoryError> {
        let length = match canonical::read(&self.buffer[self.used..self.filled], &self.context.table) {
            Some((read, length)) => {
                *op = read;
                length
            }
            None => match self.other_than_canonical(op)? {
                Some(length) => length,
                None => return Ok(false),
            },
        };
        self.context.follow(op).map_err(|what| self.error(What::Line(what)))?;
        self.offset += length as u64;
        self.used += length;
        Ok(true)
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

    /// Reads a line that the fast path has not read: perhaps only because it was not whole yet. Its length, LF included;
    /// `None` at the end of the file.
    #[cold]
    fn other_than_canonical(&mut self, op: &mut Op) -> Result<Option<usize>, HistoryError> {
        let Some(end) = self.line()? else { return Ok(None) };
        let line = &self.buffer[self.used..end];
        let read = match canonical::read(line, &self.context.table) {
            Some(read) => Ok(read),
            None => tolerant::read(&line[..line.len() - 1], &mut self.context).map(|op| (op, line.len())),
        };
        let length;
        (*op, length) = read.map_err(|what| self.error(What::Line(what)))?;
        Ok(Some(length))
    }

    /// Has a whole line in the buffer, from `used` to behind the LF, where that is; `None` at the end of the file.
    fn line(&mut self) -> Result<Option<usize>, HistoryError> {
        let mut searched = 0;
        loop {
            let waiting = &self.buffer[self.used..self.filled];
            let found = memchr::memchr(b'\n', &waiting[searched..]).map(|at| searched + at);
            searched = waiting.len();
            if found.unwrap_or(searched) > LINE_MAX {
                let what = format!("a line of more than {LINE_MAX} bytes, which no op has: {}", excerpt(waiting));
                return Err(self.error(What::Line(what)));
            }
            match found {
                Some(length) => return Ok(Some(self.used + length + 1)),
                None if self.ended => return self.end().map(|()| None),
                None => self.fill()?,
            }
        }
    }

    /// Reads one piece, behind what is still needed.
    fn fill(&mut self) -> Result<(), HistoryError> {
        if self.used > 0 {
            self.buffer.copy_within(self.used..self.filled, 0);
            self.filled -= self.used;
            self.used = 0;
        }
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

    /// The end of the file. What a writer that was killed leaves behind is the beginning of an object; another fragment is none
    /// of its making.
    fn end(&mut self) -> Result<(), HistoryError> {
        let fragment = &self.buffer[self.used..self.filled];
        if !fragment.is_empty() && fragment[0] != b'{' {
            let what = format!("no op: every line is a JSON object and ends with LF; found {}", excerpt(fragment));
            return Err(self.error(What::Line(what)));
        }
        self.torn = !fragment.is_empty();
        Ok(())
    }

    fn error(&self, what: What) -> HistoryError {
        HistoryError { line: self.context.index + 1, offset: self.offset, what }
    }
}

impl Context {
    /// The next op follows the last one.
    #[inline]
    fn follow(&mut self, op: &Op) -> Result<(), String> {
        if op.index != self.index {
            return Err(self.out_of_sequence(op.index));
        }
        if op.time < self.time {
            return Err(format!("time goes back from {} to {} ns; it never falls in a history", self.time, op.time));
        }
        self.index += 1;
        self.time = op.time;
        Ok(())
    }

    #[cold]
    fn out_of_sequence(&self, index: u64) -> String {
        let why = if index > self.index { "lines are missing" } else { "a line stands twice or out of place" };
        format!("index {index} where {} was expected: {why}", self.index)
    }

    /// The node of this name: with a header one that it names, without one whoever occurs.
    fn node(&mut self, name: &str) -> Result<Node, String> {
        match self.table.find(name) {
            Some(node) => Ok(node),
            None if self.header.is_none() || name.is_empty() => self.add(name),
            None => Err(format!("unknown node {}; {}", excerpt(name.as_bytes()), self.known())),
        }
    }

    /// The nodes that the first line names, in words.
    fn known(&self) -> String {
        let first: Vec<&str> = self.names.iter().map(|(_, name)| name).take(NAMED).collect();
        let more = self.names.len() - first.len();
        let shown = excerpt(first.join(", ").as_bytes());
        if more > 0 {
            format!("the first line names {shown} and {more} more")
        } else {
            format!("the first line names {shown}")
        }
    }

    fn add(&mut self, name: &str) -> Result<Node, String> {
        let unfit = match name {
            "" => Some("a node's name is empty".to_owned()),
            "nemesis" => Some("a node is called nemesis, which is the process that injects faults".to_owned()),
            _ if name.len() > NAME_MAX => {
                Some(format!("a node's name has more than {NAME_MAX} bytes: {}", excerpt(name.as_bytes())))
            }
            _ => None,
        };
        if let Some(unfit) = unfit {
            return Err(unfit);
        }
        let node = self.names.push(name).ok_or("a history names at most 65,536 nodes; here is one more")?;
        self.table.insert(name, node);
        Ok(node)
    }

    /// The first line says what the history is to be judged by.
    fn begin(&mut self, header: Header) -> Result<(), String> {
        for name in &header.nodes {
            if self.table.find(name).is_some() {
                return Err(format!("the first line names {} twice", excerpt(name.as_bytes())));
            }
            self.add(name)?;
        }
        self.header = Some(header);
        Ok(())
    }
}
