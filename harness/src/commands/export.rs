//! `temblor export`: a run in the format of another tool.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::explain;
use super::judging::{History, unpacked};
use super::note;
use crate::cli::{ExportArgs, ExportFormat};
use crate::exit::{Exit, usage};
use crate::export;
use crate::results::history_of;

/// Writes the run to a file or to stdout.
pub fn export(args: &ExportArgs) -> Result<Exit> {
    if args.format == ExportFormat::Zip {
        return zip(args);
    }
    let history = History::open(&args.run)?;
    let out = destination(args)?;
    let failed = || format!("failed to export {}", args.run.display());
    match &out {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
            let mut file = BufWriter::new(file);
            let written = write(args, &history, &mut file).and_then(|()| Ok(file.flush()?));
            if written.is_err() {
                // What is half written helps nobody.
                let _ = std::fs::remove_file(path);
            }
            written.with_context(failed)?;
            note(&format!("wrote {}", path.display()));
        }
        None => match write(args, &history, &mut BufWriter::new(io::stdout())) {
            Err(error) if is_gone(&error) => {}
            other => other.with_context(failed)?,
        },
    }
    Ok(Exit::Clean)
}

/// Whether whoever read stdout has gone away, which is no error.
fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn write(args: &ExportArgs, history: &History, out: &mut (impl Write + Send)) -> Result<()> {
    let trace = history.trace().map(File::open).transpose().context("failed to open the trace")?;
    let frames = || trace.as_ref().map(unpacked).transpose();
    match args.format {
        ExportFormat::Shiviz => export::shiviz(history.bytes()?, frames()?, out)?,
        ExportFormat::Perfetto => export::perfetto(history.bytes()?, frames()?, out)?,
        ExportFormat::Csv => export::csv(history.bytes()?, frames()?, out)?,
        ExportFormat::JepsenEdn => export::edn::edn(history.bytes()?, out)?,
        ExportFormat::Mermaid => out.write_all(mermaid(args, history)?.as_bytes())?,
        ExportFormat::Parquet => parquet(history.bytes()?, frames()?, out)?,
        ExportFormat::Zip => unreachable!("it is no stream of ops"),
    }
    Ok(out.flush()?)
}

#[cfg(feature = "parquet")]
fn parquet(history: impl Read, frames: Option<impl Read>, out: &mut (impl Write + Send)) -> Result<()> {
    Ok(export::parquet(history, frames, out)?)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: impl Read, _: Option<impl Read>, _: &mut impl Write) -> Result<()> {
    Err(usage("this temblor was built without parquet: cargo install with --features parquet, or take csv".to_owned()))
}

/// The first violation; a run without one has nothing that fits on a page.
fn mermaid(args: &ExportArgs, history: &History) -> Result<String> {
    let drawn = explain::first_as_mermaid(history)?;
    drawn.ok_or_else(|| {
        usage(format!("{} has no violation to draw; shiviz and perfetto show whole runs", args.run.display()))
    })
}

/// Where it goes: what was asked for, or for what no terminal can show a file named after the run; else stdout.
fn destination(args: &ExportArgs) -> Result<Option<PathBuf>> {
    let ending = match args.format {
        ExportFormat::Zip => "zip",
        ExportFormat::Parquet => "parquet",
        _ => return Ok(args.out.clone()),
    };
    if let Some(out) = &args.out {
        return Ok(Some(out.clone()));
    }
    let run = args.run.canonicalize().with_context(|| format!("failed to find {}", args.run.display()))?;
    let name = run.file_stem().filter(|_| run.is_file()).or(run.file_name());
    Ok(Some(PathBuf::from(format!("{}.{ending}", name.unwrap_or_default().to_string_lossy()))))
}

fn zip(args: &ExportArgs) -> Result<Exit> {
    if !args.run.is_dir() || !history_of(&args.run).exists() {
        return Err(usage(format!("{} is no run folder, such as results/latest", args.run.display())));
    }
    let path = destination(args)?.context("an archive has a name")?;
    pack(&args.run, &path)?;
    note(&format!("wrote {}", path.display()));
    Ok(Exit::Clean)
}

/// Packs a run folder into a file.
///
/// # Errors
/// A file of it can't be read, or the archive can't be written.
fn pack(run: &Path, path: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
    export::zip(run, BufWriter::new(file)).with_context(|| format!("failed to pack {}", run.display()))
}
