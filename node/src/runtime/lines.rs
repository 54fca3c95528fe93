//! Lines out of chunks.

use std::io::Read;

use anyhow::{Context, Result};

/// A line longer than this is refused.
const LINE_MAX: usize = 16 << 20;

/// What has been read and is not yet a whole line, and what has just come.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// So many bytes at the front hold no LF: a long line is not searched again with every chunk.
    searched: usize,
}

/// A line that is too long. The next one can't be told from it until its LF comes.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a line of more than {LINE_MAX} bytes")
    }
}

impl std::error::Error for TooLong {}

/// The first line of a stream that is not empty, and what was read behind it; `None` at the end of the stream. A last line
/// needs no LF.
pub fn first(stream: &mut impl Read) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let (mut read, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let blank = read.iter().take_while(|byte| u8::is_ascii_whitespace(byte)).count();
        read.drain(..blank);
        if let Some(end) = memchr::memchr(b'\n', &read) {
            let rest = read.split_off(end + 1);
            return Ok(Some((read, rest)));
        }
        if read.len() > LINE_MAX {
            return Err(TooLong).context("failed to read the first line");
        }
        match stream.read(&mut chunk).context("failed to read stdin")? {
            0 => return Ok((!read.is_empty()).then_some((read, Vec::new()))),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
}

impl Lines {
    /// Where to append the next chunk.
    pub fn space(&mut self) -> &mut Vec<u8> {
        self.buffer.reserve(64 << 10);
        &mut self.buffer
    }

    /// Takes the whole lines from the front, leaving the beginning of the next one; `None` if there is no whole line.
    pub fn whole(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let Some(end) = memchr::memrchr(b'\n', &self.buffer[self.searched..]).map(|at| self.searched + at + 1) else {
            self.searched = self.buffer.len();
            return if self.searched > LINE_MAX { Err(TooLong) } else { Ok(None) };
        };
        let rest = self.buffer[end..].to_vec();
        let mut lines = std::mem::replace(&mut self.buffer, rest);
        lines.truncate(end);
        self.searched = self.buffer.len();
        Ok(Some(lines))
    }

    /// Throws away what is there up to and with the first LF; whether there was one.
    pub fn skip_line(&mut self) -> bool {
        let end = memchr::memchr(b'\n', &self.buffer).map(|at| at + 1);
        self.buffer.drain(..end.unwrap_or(self.buffer.len()));
        self.searched = 0;
        end.is_some()
    }

    /// What is there, whole lines or not.
    pub fn rest(&mut self) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.buffer)
    }
}

/// Calls `each` with every line, without its LF; empty ones are left out.
pub fn each(lines: &[u8], mut each: impl FnMut(&[u8])) {
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        if !line.is_empty() {
            each(line);
        }
        rest = &rest[(end + 1).min(rest.len())..];
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_MAX, Lines, TooLong, each};

    #[test]
    fn lines_are_whole_however_the_stream_is_cut() {
        let text: String = (0..40).map(|n| format!("line {n} {}\n", "x".repeat(n % 5))).collect();
        for size in 1..30 {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                lines.space().extend_from_slice(chunk);
                while let Some(whole) = lines.whole().unwrap() {
                    each(&whole, |line| seen.push(String::from_utf8(line.to_vec()).unwrap()));
                }
            }
            assert_eq!(seen, text.lines().map(str::trim_end).collect::<Vec<_>>());
            assert_eq!(lines.rest(), b"");
        }
    }

    #[test]
    fn after_a_line_that_is_too_long_the_next_one_is_found() {
        let mut lines = Lines::default();
        lines.space().extend_from_slice(&vec![b'x'; LINE_MAX + 1]);
        assert_eq!(lines.whole(), Err(TooLong));
        assert!(!lines.skip_line());
        lines.space().extend_from_slice(b"xx\nnext\n");
        assert!(lines.skip_line());
        assert_eq!(lines.whole(), Ok(Some(b"next\n".to_vec())));
    }
}
