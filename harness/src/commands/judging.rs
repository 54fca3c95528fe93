//! From a path to a verdict: opens a history, unpacks it if need be, and judges it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use temblor_checkers::check::check;
use temblor_checkers::judge::{FifoGaps, Judge, Options};
use temblor_checkers::reader::Reader;
use temblor_checkers::verdict::Verdict;
use tempfile::TempDir;

use crate::cli::{Gaps, JudgeArgs};
use crate::exit::usage;
use crate::export::edn::AsJson;
use crate::results::{history_of, trace_of};

/// How a zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// How an archive begins.
const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
/// zstd makes about so many times less of a history.
const PACKED_TO: u64 = 12;
/// By so many bytes it is told what a history is written in.
const HEAD: u64 = 64;

/// A history that can be read again and again, each time from its beginning.
pub struct History {
    file: File,
    /// Its name, for errors.
    name: String,
    trace: Option<PathBuf>,
    /// What was in an archive, for as long as it is looked at.
    _unpacked: Option<TempDir>,
}

impl History {
    /// The history that `path` means: a file, a run folder, or `-` for stdin.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let file = spool(io::stdin().lock()).context("failed to keep a copy of stdin")?;
            return Ok(Self { file, name: "the history on stdin".to_owned(), trace: None, _unpacked: None });
        }
        present(path)?;
        if let Some(unpacked) = unzipped(path)? {
            let inside = Self::open(unpacked.path())?;
            return Ok(Self { name: path.display().to_string(), _unpacked: Some(unpacked), ..inside });
        }
        let history = history_of(path);
        let name = history.display().to_string();
        let file = File::open(&history).with_context(|| format!("failed to open {name}"))?;
        Ok(Self { file, name, trace: trace_of(&history), _unpacked: None })
    }

    /// Judges it; it is read once or twice.
    pub fn judge(&self, options: &Options) -> Result<Verdict> {
        check(|| as_lines(&self.file), options).with_context(|| self.failed())
    }

    /// Its bytes from the beginning, as JSON lines.
    pub fn bytes(&self) -> Result<Box<dyn Read + '_>> {
        as_lines(&self.file).with_context(|| self.failed())
    }

    /// The names of its nodes, in the order of its first line.
    pub fn nodes(&self) -> Result<Vec<String>> {
        let mut reader = Reader::new(self.bytes()?);
        reader.next().with_context(|| self.failed())?;
        Ok(reader.names().iter().map(|(_, name)| name.to_owned()).collect())
    }

    /// About how many bytes it and its trace have, unpacked.
    pub fn bytes_about(&self) -> u64 {
        let length = |file: Option<std::fs::Metadata>| file.map_or(0, |facts| facts.len());
        let packed = |name: &str| if name.ends_with(".zst") { PACKED_TO } else { 1 };
        let trace = self.trace.as_deref();
        let of_trace = length(trace.and_then(|path| path.metadata().ok()));
        let times = packed(&trace.map_or(String::new(), |path| path.display().to_string()));
        length(self.file.metadata().ok()) * packed(&self.name) + of_trace * times
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
pub fn unpacked(file: &File) -> io::Result<Box<dyn Read + '_>> {
    let from_start = FromStart { file, at: 0 };
    if !is_packed(file)? {
        return Ok(Box::new(from_start));
    }
    let unpacked =
        ruzstd::decoding::StreamingDecoder::new(from_start).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Box::new(unpacked))
}

/// Whether a file is packed.
pub fn is_packed(file: &File) -> io::Result<bool> {
    let mut head = Vec::with_capacity(4);
    FromStart { file, at: 0 }.take(4).read_to_end(&mut head)?;
    Ok(head == ZSTD_MAGIC)
}

/// A reader with a place of its own, so that several can read one file at a time.
pub struct FromStart<'a> {
    /// The file.
    pub file: &'a File,
    /// The next byte.
    pub at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The lines of a history, whatever they are written in.
fn as_lines(file: &File) -> io::Result<Box<dyn Read + '_>> {
    let mut input = unpacked(file)?;
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    let is_edn = is_edn(&head);
    let whole = io::Cursor::new(head).chain(input);
    Ok(if is_edn { Box::new(AsJson::new(whole)) } else { Box::new(whole) })
}

/// Whether a history begins as one of Jepsen's does: with a map of keywords, perhaps tagged, perhaps after a comment.
fn is_edn(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let map = text.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"));
    map || text.starts_with(b"#jepsen") || text.starts_with(b";")
}

/// The files of an archive of a run, in a folder that goes when it is not needed any more; `None` for anything else.
///
/// # Errors
/// It is an archive of something else, or it is damaged.
pub fn unzipped(path: &Path) -> Result<Option<TempDir>> {
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    let mut head = Vec::with_capacity(4);
    if path.is_dir() || file.by_ref().take(4).read_to_end(&mut head).is_err() || head != ZIP_MAGIC {
        return Ok(None);
    }
    file.rewind().context("failed to read an archive")?;
    let folder =
        tempfile::Builder::new().prefix("temblor-run-").tempdir().context("failed to make a folder to unpack to")?;
    crate::export::unzip(io::BufReader::new(file), folder.path())
        .map_err(|error| usage(format!("{} is no archive of a run: {error}", path.display())))?;
    Ok(Some(folder))
}

/// stdin can be read once only: a copy goes to a file that has no name and is gone with this process.
fn spool(mut input: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    Ok(file)
}

fn absent(path: &Path, history: &Path) -> anyhow::Error {
    if path.join("campaign.json").is_file() {
        let runs = std::fs::read_dir(path.join("runs")).into_iter().flatten().flatten().map(|entry| entry.path());
        let first = runs.filter(|run| run.is_dir()).min();
        let such = first.map_or_else(
            || ", of which it kept none".to_owned(),
            |run| format!(", such as {}; FAILURES.md beside it names those that failed", run.display()),
        );
        return usage(format!("{} is a campaign: name one of its runs{such}", path.display()));
    }
    if path.is_dir() {
        return usage(format!("{} holds no history.jsonl; name a run folder, such as results/latest", path.display()));
    }
    usage(format!("there is no history at {}; `temblor run` leaves one in results/latest", history.display()))
}
