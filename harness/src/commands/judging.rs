//! From a path to a verdict: opens a history, unpacks it if need be, and judges it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use temblor_checkers::check::check;
use temblor_checkers::judge::{FifoGaps, Judge, Options};
use temblor_checkers::reader::Reader;
use temblor_checkers::verdict::Verdict;

use crate::cli::{Gaps, JudgeArgs};
use crate::exit::usage;
use crate::results::{history_of, trace_of};

/// How a zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// A history that can be read again and again, each time from its beginning.
pub struct History {
    file: File,
    /// Its name, for errors.
    name: String,
    trace: Option<PathBuf>,
}

impl History {
    /// The history that `path` means: a file, a run folder, or `-` for stdin.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let file = spool(io::stdin().lock()).context("failed to keep a copy of stdin")?;
            return Ok(Self { file, name: "the history on stdin".to_owned(), trace: None });
        }
        present(path)?;
        let history = history_of(path);
        let name = history.display().to_string();
        let file = File::open(&history).with_context(|| format!("failed to open {name}"))?;
        Ok(Self { file, name, trace: trace_of(&history) })
    }

    /// Judges it; it is read once or twice.
    pub fn judge(&self, options: &Options) -> Result<Verdict> {
        check(|| unpacked(&self.file), options).with_context(|| self.failed())
    }

    /// Its bytes from the beginning.
    pub fn bytes(&self) -> Result<Box<dyn Read + '_>> {
        unpacked(&self.file).with_context(|| self.failed())
    }

    /// The names of its nodes, in the order of its first line.
    pub fn nodes(&self) -> Result<Vec<String>> {
        let mut reader = Reader::new(self.bytes()?);
        reader.next().with_context(|| self.failed())?;
        Ok(reader.names().iter().map(|(_, name)| name.to_owned()).collect())
    }

    /// What to say when it can't be read.
    pub fn failed(&self) -> String {
        format!("failed to read {}", self.name)
    }

    /// The trace of the frames beside it, if there is one.
    pub fn trace(&self) -> Option<&Path> {
        self.trace.as_deref()
    }
}

/// Judges the history that `path` means.
pub fn judge_path(path: &Path, args: &JudgeArgs) -> Result<Verdict> {
    let options = options(args)?;
    History::open(path)?.judge(&options)
}

/// Whether there is a history at `path`; if not, that is a mistake of the command line.
pub fn present(path: &Path) -> Result<()> {
    let history = history_of(path);
    if path == Path::new("-") || history.exists() { Ok(()) } else { Err(absent(path, &history)) }
}

/// The judge's options; an unknown property is a mistake of the command line.
pub fn options(args: &JudgeArgs) -> Result<Options> {
    let fifo_gaps = match args.fifo_gaps {
        Gaps::Forbidden => FifoGaps::Forbidden,
        Gaps::Allowed => FifoGaps::Allowed,
    };
    let options = Options { require: args.require.clone(), fifo_gaps };
    Judge::new(None, &options).map_err(|error| usage(error.to_string()))?;
    Ok(options)
}

/// The bytes of a file from its beginning; packed or not is told by the first bytes, not by the name.
pub fn unpacked(mut file: &File) -> io::Result<Box<dyn Read + '_>> {
    file.rewind()?;
    let mut head = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut head)?;
    file.rewind()?;
    if head != ZSTD_MAGIC {
        return Ok(Box::new(file));
    }
    let unpacked =
        ruzstd::decoding::StreamingDecoder::new(file).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Box::new(unpacked))
}

/// stdin can be read once only: a copy goes to a file that has no name and is gone with this process.
fn spool(mut input: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    Ok(file)
}

fn absent(path: &Path, history: &Path) -> anyhow::Error {
    if path.is_dir() {
        return usage(format!("{} holds no history.jsonl; name a run folder, such as results/latest", path.display()));
    }
    usage(format!("there is no history at {}; `temblor run` leaves one in results/latest", history.display()))
}
