//! The trace: `messages.jsonl`, one line a frame, in the order in which the fate of frames was known.
//!
//! ```json
//! {"format":1,"f":"messages"}
//! {"in":1200345,"out":1201002,"from":"n1","to":"n2","key":"relay/17","bytes":120,"what":"passed"}
//! {"in":1300001,"out":null,"from":"n1","to":"n3","key":"relay/17","bytes":120,"what":"dropped","fault":1}
//! ```
//!
//! `in` and `out` are ns since the run began; `out` is null for a frame that never left. `bytes` counts the LF. Lines are
//! written in pieces of 64 KiB or after 5 ms: a write for each would cost more than everything else that the proxy does.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::sync::Notify;

use super::frames;
use super::framing::Framing;

/// Lines are written once there are so many bytes ...
const PIECE: usize = 64 << 10;
/// ... or the first of them is so old.
const AGE: Duration = Duration::from_millis(5);

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It went on.
    Passed,
    /// It was lost, by a fault.
    Dropped,
    /// It went on when the fault that held it was lifted.
    Held,
    /// It went on after a fault had kept it for a while.
    Delayed,
    /// It is the second copy of the frame in front of it, made by a fault.
    Doubled,
    /// It was lost because its receiver was down or closed the connection.
    Down,
    /// It was lost because the connection was reset, by a fault or for a frame that is too long.
    Reset,
}

/// What the lines of some frames have in common.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// From [`ends`].
    pub ends: &'a [u8],
    /// When they were read, ns.
    pub in_ns: u64,
    /// When they were written, ns.
    pub out_ns: Option<u64>,
    /// What became of them.
    pub what: What,
    /// The fault that did it.
    pub fault: Option<u32>,
    /// What a frame is.
    pub framing: Framing,
}

/// A trace that is being written.
#[derive(Debug)]
pub struct Trace {
    state: RefCell<State>,
    begun: Notify,
}

#[derive(Debug)]
struct State {
    file: File,
    piece: Vec<u8>,
    failure: Option<io::Error>,
}

/// The part of a line that names the link, ready to be copied.
pub fn ends(from: &str, to: &str) -> Box<[u8]> {
    let quoted = |name: &str| serde_json::to_string(name).expect("a string is always JSON");
    format!(",\"from\":{},\"to\":{},\"key\":\"", quoted(from), quoted(to)).into_bytes().into()
}

impl Trace {
    /// A trace into `file`, whose first line says what it is.
    pub fn new(file: File) -> Self {
        let piece = b"{\"format\":1,\"f\":\"messages\"}\n".to_vec();
        Self { state: RefCell::new(State { file, piece, failure: None }), begun: Notify::new() }
    }

    /// Adds a line for each frame of a run of whole ones.
    pub fn add(&self, passage: &Passage<'_>, run: &[u8]) {
        let mut state = self.state.borrow_mut();
        if state.failure.is_some() {
            return;
        }
        let was_empty = state.piece.is_empty();
        write_lines(&mut state.piece, passage, run);
        if state.piece.len() >= PIECE {
            state.flush();
        } else if was_empty {
            self.begun.notify_one();
        }
    }

    /// Adds a line for one frame, of which key and length are known.
    pub fn add_frame(&self, passage: &Passage<'_>, (key, bytes): (&str, usize)) {
        let mut state = self.state.borrow_mut();
        if state.failure.is_some() {
            return;
        }
        let piece = &mut state.piece;
        write_head(piece, passage);
        piece.extend_from_slice(key.as_bytes());
        piece.extend_from_slice(b"\",\"bytes\":");
        write_number(piece, bytes as u64);
        write_tail(piece, passage);
        if piece.len() >= PIECE {
            state.flush();
        }
    }

    /// Writes out what is waiting. A failure is kept for [`Trace::failure`], and nothing is written after one.
    pub fn flush(&self) {
        self.state.borrow_mut().flush();
    }

    /// Writes out lines when they are 5 ms old, for ever.
    pub async fn flush_in_time(&self) {
        loop {
            self.begun.notified().await;
            tokio::time::sleep(AGE).await;
            self.flush();
        }
    }

    /// Why the trace could not be written, if so.
    pub fn failure(&self) -> Option<String> {
        self.state.borrow().failure.as_ref().map(ToString::to_string)
    }
}

impl State {
    fn flush(&mut self) {
        if self.failure.is_none() {
            self.failure = self.file.write_all(&self.piece).err();
        }
        self.piece.clear();
    }
}

impl What {
    /// The word for it.
    fn word(self) -> &'static str {
        match self {
            What::Passed => "passed",
            What::Dropped => "dropped",
            What::Held => "held",
            What::Delayed => "delayed",
            What::Doubled => "doubled",
            What::Down => "down",
            What::Reset => "reset",
        }
    }
}

/// The lines of a run differ in key and length only: what is around them is put together once.
fn write_lines(out: &mut Vec<u8>, passage: &Passage<'_>, run: &[u8]) {
    let (mut head, mut tail, mut hex) = (Vec::with_capacity(96), Vec::with_capacity(48), [0; 16]);
    write_head(&mut head, passage);
    write_tail(&mut tail, passage);
    for frame in frames::each(passage.framing, run) {
        out.extend_from_slice(&head);
        out.extend_from_slice(frames::key(frame, &mut hex));
        out.extend_from_slice(b"\",\"bytes\":");
        write_number(out, frame.len() as u64);
        out.extend_from_slice(&tail);
    }
}

fn write_head(head: &mut Vec<u8>, passage: &Passage<'_>) {
    head.extend_from_slice(b"{\"in\":");
    write_number(head, passage.in_ns);
    head.extend_from_slice(b",\"out\":");
    match passage.out_ns {
        Some(out_ns) => write_number(head, out_ns),
        None => head.extend_from_slice(b"null"),
    }
    head.extend_from_slice(passage.ends);
}

fn write_tail(tail: &mut Vec<u8>, passage: &Passage<'_>) {
    tail.extend_from_slice(b",\"what\":\"");
    tail.extend_from_slice(passage.what.word().as_bytes());
    tail.push(b'"');
    if let Some(fault) = passage.fault {
        tail.extend_from_slice(b",\"fault\":");
        write_number(tail, u64::from(fault));
    }
    tail.extend_from_slice(b"}\n");
}

/// Digits without the formatting machinery, which would cost as much as the rest of the line.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use expect_test::expect;

    use super::{Framing, Passage, Trace, What, ends};

    const RUN: &[u8] = b"{\"src\":\"n1\",\"dest\":\"n2\",\"key\":\"relay/17\",\"body\":1}\n{\"body\":2}\n";

    #[test]
    fn a_line_says_when_between_whom_what_and_why() {
        let (directory, ends) = (tempfile::tempdir().unwrap(), ends("n1", "n2"));
        let path = directory.path().join("messages.jsonl");
        let trace = Trace::new(File::create(&path).unwrap());
        let passed = Passage {
            ends: &ends,
            in_ns: 0,
            out_ns: Some(u64::MAX),
            what: What::Passed,
            fault: None,
            framing: Framing::Lines,
        };
        trace.add(&passed, RUN);
        trace.add(&Passage { out_ns: None, what: What::Dropped, fault: Some(3), ..passed }, RUN);
        trace.flush();
        expect![[r#"
            {"format":1,"f":"messages"}
            {"in":0,"out":18446744073709551615,"from":"n1","to":"n2","key":"relay/17","bytes":51,"what":"passed"}
            {"in":0,"out":18446744073709551615,"from":"n1","to":"n2","key":"545aa8c54f55b7f1","bytes":11,"what":"passed"}
            {"in":0,"out":null,"from":"n1","to":"n2","key":"relay/17","bytes":51,"what":"dropped","fault":3}
            {"in":0,"out":null,"from":"n1","to":"n2","key":"545aa8c54f55b7f1","bytes":11,"what":"dropped","fault":3}
        "#]]
        .assert_eq(&std::fs::read_to_string(path).unwrap());
    }

    #[test]
    fn a_full_disk_is_an_error_to_ask_for_and_no_panic() {
        let trace = Trace::new(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(trace.failure(), None);
        trace.flush();
        assert!(trace.failure().unwrap().contains("No space left"));
        let ends = ends("n1", "n2");
        let framing = Framing::Lines;
        trace.add(&Passage { ends: &ends, in_ns: 0, out_ns: None, what: What::Down, fault: None, framing }, RUN);
        trace.flush();
        assert!(trace.failure().is_some());
    }
}
