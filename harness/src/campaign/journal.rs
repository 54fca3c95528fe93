//! The journal: `runs.jsonl`, to which a line is appended and synced for whatever is finished.
//!
//! A controller that is killed leaves at most one torn line, which the next session cuts off; what it was about is done again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use nix::fcntl::{Flock, FlockArg};

use super::record::Line;
use crate::exit::usage;

/// The file, open for appending; nobody else has it open so.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Flock<File>,
}

impl Journal {
    /// Opens the journal at `path`, and gives the lines that it has.
    ///
    /// # Errors
    /// Another session has it, it can't be written, or a line before its last is no line of a journal.
    pub fn open(path: &Path) -> Result<(Self, Vec<Line>)> {
        let failed = || format!("failed to open {}", path.display());
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(failed)?;
        let mut file = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, _)| usage(format!("another session of this campaign has {} open", path.display())))?;
        let (lines, whole) = read_from(&file, path)?;
        let length = file.metadata().with_context(failed)?.len();
        if whole < length {
            file.set_len(whole).with_context(|| format!("failed to cut a torn line off {}", path.display()))?;
        }
        file.seek(SeekFrom::End(0)).with_context(failed)?;
        Ok((Self { path: path.to_owned(), file }, lines))
    }

    /// Appends a line, and waits until it is on the disk.
    ///
    /// # Errors
    /// It is not. What was there before still is.
    pub fn append(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).context("a line of a journal is plain data")?;
        text.push(b'\n');
        let before = self.file.metadata().map(|facts| facts.len());
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let (Err(_), Ok(before)) = (&written, before) {
            // Half a line on a full disk; without it the next session has nothing to cut off.
            let _ = self.file.set_len(before);
        }
        written.with_context(|| {
            let why = "what was finished before stands there; go on with --resume once there is room";
            format!("failed to append to {} ({why})", self.path.display())
        })
    }
}

/// The lines of a journal that nobody writes.
///
/// # Errors
/// It can't be read, or a line before its last is no line of a journal.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    Ok(read_from(&file, path)?.0)
}

/// The lines, and how many bytes they fill: what follows is torn.
fn read_from(mut file: &File, path: &Path) -> Result<(Vec<Line>, u64)> {
    let failed = || format!("failed to read {}", path.display());
    file.seek(SeekFrom::Start(0)).with_context(failed)?;
    let (mut reader, mut lines, mut whole) = (BufReader::new(file), Vec::new(), 0);
    loop {
        let mut bytes = Vec::new();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => return Ok((lines, whole)),
            Ok(_) if bytes.last() != Some(&b'\n') => return Ok((lines, whole)),
            Ok(count) => {
                let line = serde_json::from_slice(&bytes).map_err(|error| {
                    anyhow!("{}, line {}: no line of a campaign: {error}", path.display(), lines.len() + 1)
                })?;
                lines.push(line);
                whole += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::record::{CanaryLine, Line};
    use super::{Journal, read};

    fn line(bug: &str) -> Line {
        let text = |word: &str| word.to_owned();
        Line::Canary(CanaryLine { executor: text("sim"), bug: text(bug), property: text("validity"), found: true })
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let (mut journal, lines) = Journal::open(&path).unwrap();
        assert!(lines.is_empty());
        journal.append(&line("one")).unwrap();
        journal.append(&line("two")).unwrap();
        drop(journal);
        let bytes = fs::read(&path).unwrap();
        for cut in 0..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let (mut journal, lines) = Journal::open(&path).unwrap();
            journal.append(&line("three")).unwrap();
            drop(journal);
            assert_eq!(read(&path).unwrap().len(), lines.len() + 1, "cut at {cut}");
        }
    }

    #[test]
    fn two_sessions_never_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let first = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).unwrap_err().to_string().contains("another session"));
        drop(first);
        Journal::open(&path).unwrap();
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        fs::write(&path, "{\"line\":\"ended\",\"took_ms\":1,\"interrupted\":null,\"at_once\":[1,1]}\nnonsense\n")
            .unwrap();
        assert!(Journal::open(&path).unwrap_err().to_string().contains("runs.jsonl, line 2"));
    }
}
