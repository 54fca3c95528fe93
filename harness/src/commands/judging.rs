//! From a path to a verdict: opens a history, unpacks it if need be, and judges it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use anyhow::{Context, Result};
use temblor_checkers::check::check;
use temblor_checkers::judge::{FifoGaps, Judge, Options};
use temblor_checkers::verdict::Verdict;

use crate::cli::{Gaps, JudgeArgs};
use crate::exit::usage;
use crate::results::history_of;

/// How a zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Judges the history that `path` means: a file, a run folder, or `-` for stdin.
pub fn judge_path(path: &Path, args: &JudgeArgs) -> Result<Verdict> {
    let options = options(args)?;
    if path == Path::new("-") {
        let spooled = spool(io::stdin().lock()).context("failed to keep a copy of stdin")?;
        return judge_file(&spooled, &options).context("failed to read the history on stdin");
    }
    present(path)?;
    let history = history_of(path);
    let file = File::open(&history).with_context(|| format!("failed to open {}", history.display()))?;
    judge_file(&file, &options).with_context(|| format!("failed to read {}", history.display()))
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

/// Judges a file, which is read from its beginning once or twice.
fn judge_file(file: &File, options: &Options) -> Result<Verdict> {
    Ok(check(|| open(file), options)?)
}

/// The bytes of a history from its beginning; packed or not is told by the first bytes, not by the name.
fn open(mut file: &File) -> io::Result<Box<dyn Read + '_>> {
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
