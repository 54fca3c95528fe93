//! The end of a node's log, as a person may see it on a terminal.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// So much from the end of a log is looked at, bytes.
const TAIL: u64 = 16 << 10;
/// So much of a line is shown, characters.
const WIDTH: usize = 160;

/// The last lines of a log, without control characters; none if there is no log. If a Rust program panicked shortly before the
/// end, they begin there instead: behind it may be a long backtrace, which says less.
pub fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let bytes = tail(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.len().saturating_sub(count);
    let panic = lines.iter().rposition(|line| line.starts_with("thread '") && line.contains(" panicked at "));
    let begin = panic.map_or(end, |at| at.saturating_sub(2).min(end));
    lines[begin..].iter().take(count).map(|line| printable(line)).collect()
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WIDTH).collect()
}
