//! The trace: `messages.jsonl`, one line a frame, in the order in which their fate was known.
//!
//! ```json
//! {"in":1200345,"out":1201002,"from":"n1","to":"n2","key":"relay/17","bytes":120,"what":"passed"}
//! {"in":1300001,"out":null,"from":"n1","to":"n3","key":"relay/17","bytes":120,"what":"dropped","fault":1}
//! ```
//! `in` and `out` are ns since the run began; `what` is `passed`, `delayed`, `held`, `doubled`, `dropped`, or `down` (the
//! receiver has crashed). Lines are written in pieces of 64 KiB, or after 5 ms.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use super::frames;

/// A piece is written when it has this size ...
const PIECE: usize = 64 << 10;
/// ... or this age.
const AGE: Duration = Duration::from_millis(5);

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It went on at once.
    Passed,
    /// It went on later than it came, by this fault.
    Delayed(u32),
    /// It waited for the end of this fault.
    Held(u32),
    /// It is the second copy made by this fault.
    Doubled(u32),
    /// It is lost by this fault.
    Dropped(u32),
    /// It is lost because the receiver is down, or its connection broke.
    Down,
}

impl Fate {
    fn words(self) -> (&'static str, Option<u32>) {
        match self {
            Fate::Passed => ("passed", None),
            Fate::Delayed(fault) => ("delayed", Some(fault)),
            Fate::Held(fault) => ("held", Some(fault)),
            Fate::Doubled(fault) => ("doubled", Some(fault)),
            Fate::Dropped(fault) => ("dropped", Some(fault)),
            Fate::Down => ("down", None),
        }
    }
}

/// Frames of one link that had the same fate at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The sender's name.
    pub from: &'a str,
    /// The receiver's name.
    pub to: &'a str,
    /// When they came, ns.
    pub in_ns: u64,
    /// When they left, ns; `None` if they never do.
    pub out_ns: Option<u64>,
    /// What became of them.
    pub fate: Fate,
}

/// Writes one trace.
#[derive(Clone)]
pub struct Trace {
    inner: Rc<Inner>,
}

struct Inner {
    file: RefCell<File>,
    piece: RefCell<Vec<u8>>,
    failure: RefCell<Option<io::Error>>,
    failed: Cell<bool>,
    begun: Notify,
}

impl Trace {
    /// A trace into a file that is open for writing; a task on the current `LocalSet` sees to the age of pieces.
    pub fn open(file: File) -> Self {
        let inner = Rc::new(Inner {
            file: RefCell::new(file),
            piece: RefCell::new(b"{\"format\":1,\"f\":\"messages\"}\n".to_vec()),
            failure: RefCell::new(None),
            failed: Cell::new(false),
            begun: Notify::new(),
        });
        let aging = Rc::downgrade(&inner);
        tokio::task::spawn_local(async move {
            while let Some(inner) = aging.upgrade() {
                inner.begun.notified().await;
                tokio::time::sleep(AGE).await;
                inner.flush();
            }
        });
        Self { inner }
    }

    /// Records whole frames; gives how many.
    pub fn record(&self, passage: Passage<'_>, lines: &[u8]) -> u64 {
        let mut piece = self.inner.piece.borrow_mut();
        let before = piece.is_empty();
        let mut count = 0;
        for frame in frames::split(lines) {
            count += 1;
            if !self.inner.failed.get() {
                write(&mut piece, passage, frame);
            }
        }
        let full = piece.len() >= PIECE;
        drop(piece);
        if full {
            self.inner.flush();
        } else if before {
            self.inner.begun.notify_one();
        }
        count
    }

    /// Writes what is waiting.
    pub fn flush(&self) {
        self.inner.flush();
    }

    /// Why the trace could not be written, if so.
    pub fn failure(&self) -> Option<String> {
        self.inner.failure.borrow().as_ref().map(ToString::to_string)
    }
}

impl Inner {
    fn flush(&self) {
        let mut piece = self.piece.borrow_mut();
        if !self.failed.get()
            && let Err(error) = self.file.borrow_mut().write_all(&piece)
        {
            self.failed.set(true);
            self.failure.replace(Some(error));
        }
        piece.clear();
    }
}

fn write(out: &mut Vec<u8>, passage: Passage<'_>, frame: &[u8]) {
    let (what, fault) = passage.fate.words();
    out.extend_from_slice(b"{\"in\":");
    number(out, passage.in_ns);
    out.extend_from_slice(b",\"out\":");
    match passage.out_ns {
        Some(ns) => number(out, ns),
        None => out.extend_from_slice(b"null"),
    }
    for (name, value) in [(&b",\"from\":\""[..], passage.from.as_bytes()), (b"\",\"to\":\"", passage.to.as_bytes())] {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\",\"key\":\"");
    quoted(out, &frames::key(frame));
    out.extend_from_slice(b"\",\"bytes\":");
    number(out, frame.len() as u64);
    out.extend_from_slice(b",\"what\":\"");
    out.extend_from_slice(what.as_bytes());
    out.push(b'"');
    if let Some(fault) = fault {
        out.extend_from_slice(b",\"fault\":");
        number(out, u64::from(fault));
    }
    out.extend_from_slice(b"}\n");
}

/// A key is text of a node's choosing: what is not plain ASCII becomes a question mark, so that every line is JSON.
fn quoted(out: &mut Vec<u8>, key: &[u8]) {
    let plain = |byte: u8| if (b' '..=b'~').contains(&byte) && byte != b'\\' { byte } else { b'?' };
    out.extend(key.iter().take(200).map(|byte| plain(*byte)));
}

fn number(out: &mut Vec<u8>, mut number: u64) {
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
