//! Checking a file: two readings at most, from the bytes to the verdict.
//!
//! The first reading finds what was violated; the second, which a clean history does not need, finds the ops that prove it.

use std::fmt;
use std::io::{self, Read};

use crate::judge::{Judge, JudgeError, Options, Tail};
use crate::op::Names;
use crate::reader::{HistoryError, Reader};
use crate::verdict::Verdict;

/// Why there is no verdict.
#[derive(Debug)]
pub enum CheckError {
    /// The file is no history.
    History(HistoryError),
    /// The history is to be judged by a property that nobody knows.
    Judge(JudgeError),
    /// The file could not be opened a second time.
    Reopen(io::Error),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::History(error) => error.fmt(f),
            CheckError::Judge(error) => error.fmt(f),
            CheckError::Reopen(error) => write!(f, "it could not be read a second time: {error}"),
        }
    }
}

impl std::error::Error for CheckError {}

/// Judges a history. `open` gives its bytes, each time from the beginning; it is called once, and a second time if something
/// was violated.
pub fn check<R: Read>(mut open: impl FnMut() -> io::Result<R>, options: &Options) -> Result<Verdict, CheckError> {
    let mut reader = Reader::new(open().map_err(CheckError::Reopen)?);
    let first = reader.next().map_err(CheckError::History)?;
    let mut judge = Judge::new(reader.header().cloned(), options).map_err(CheckError::Judge)?;
    if let Some(mut op) = first {
        judge.op(&op, reader.names());
        while reader.read(&mut op).map_err(CheckError::History)? {
            judge.op(&op, reader.names());
        }
    }
    let tail = if reader.torn() { Tail::Torn } else { Tail::Whole };
    let names: Names = reader.names().clone();
    let mut findings = judge.finish(&names, tail);
    if findings.wants_more() {
        let mut again = Reader::new(open().map_err(CheckError::Reopen)?);
        while findings.wants_more()
            && let Some(op) = again.next().map_err(CheckError::History)?
        {
            findings.locate(&op, &names);
        }
    }
    Ok(findings.into_verdict(&names))
}
