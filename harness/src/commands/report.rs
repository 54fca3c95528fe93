//! `temblor report`: one page that shows in a browser why a run is wrong.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use temblor_checkers::verdict::Verdict;

use super::explain::{self, violations};
use super::judging::{History, options, unpacked};
use super::{answer, note};
use crate::cli::{JudgeArgs, ReportArgs};
use crate::diagram::Diagram;
use crate::exit::{Exit, usage};
use crate::report::trace::{About, Packed, Shown, pack};
use crate::report::{Facts, Page, Violation, pulse};
use crate::results::{history_of, replace};

/// The name of the page in a run folder.
pub(crate) const REPORT: &str = "report.html";
/// So many violations are shown in full.
const IN_FULL: usize = 8;
/// Of a run with more bytes only the first: each is a reading of the whole trace.
const LARGE: u64 = 128 << 20;

/// Writes the page and says where it is.
pub fn report(args: &ReportArgs) -> Result<Exit> {
    let path = match &args.out {
        Some(path) => path.clone(),
        None if args.run == Path::new("-") => {
            return Err(usage("a history on stdin has no folder: say --out FILE".to_owned()));
        }
        None => history_of(&args.run).with_file_name(REPORT),
    };
    let history = History::open(&args.run)?;
    let verdict = history.judge(&options(&args.judge)?)?;
    write((&history, &verdict), &folder_of(&args.run), &path)?;
    if args.judge.json {
        answer(&format!("{}\n", serde_json::to_string(&verdict)?))?;
    } else {
        answer(&format!("{}\n", path.display()))?;
    }
    if args.open {
        open(&path);
    }
    Ok(Exit::Clean)
}

/// The page of a run folder, as text.
///
/// # Errors
/// Its history can't be read.
pub(crate) fn page(folder: &Path) -> Result<String> {
    let history = History::open(folder)?;
    let verdict = history.judge(&options(&JudgeArgs::default())?)?;
    html((&history, &verdict), folder)
}

/// Writes the page of a history to `path`, in one step; its other files are in `folder`.
///
/// # Errors
/// The history can't be read, the page can't be written.
pub(crate) fn write(judged: (&History, &Verdict), folder: &Path, path: &Path) -> Result<()> {
    let html = html(judged, folder)?;
    replace(path, html.as_bytes()).with_context(|| format!("failed to write {}", path.display()))
}

fn html((history, verdict): (&History, &Verdict), folder: &Path) -> Result<String> {
    let all = violations(verdict);
    let in_full = if history.bytes_about() > LARGE { 1 } else { IN_FULL };
    let shown = &all[..all.len().min(in_full)];
    let diagrams = shown.iter().map(|violation| explain::diagram(history, *violation));
    let diagrams: Vec<Diagram> = diagrams.collect::<Result<_>>()?;
    let drawn = shown.iter().zip(&diagrams);
    let drawn: Vec<Violation<'_>> = drawn
        .map(|((property, witness), diagram)| Violation { property: &property.property, witness, diagram })
        .collect();
    let broken = verdict.properties.iter().filter(|property| explain::is_broken(property));
    let count: u64 = broken.map(|property| property.violations).sum();
    let facts = Facts::of(folder, !all.is_empty());
    let more = count.saturating_sub(drawn.len() as u64);
    let (packed, pulse) = std::thread::scope(|scope| {
        let pulse = scope.spawn(|| pulse::read(history.bytes()?).with_context(|| history.failed()));
        (packed(history, shown), pulse.join().expect("reading does not panic"))
    });
    let (packed, pulse) = (packed?, pulse?);
    let page = Page { verdict, violations: &drawn, more, facts: &facts, pulse: &pulse, trace: &packed };
    Ok(page.html())
}

/// The lines of the run's files, as the page holds them.
fn packed(history: &History, violations: &[explain::Violation<'_>]) -> Result<Packed> {
    let shown = violations.iter().map(|(property, witness)| Shown {
        property: property.property.clone(),
        sentence: witness.sentence.clone(),
        steps: witness.steps.iter().map(|step| (step.index + 1, step.time)).collect(),
    });
    let about = About { nodes: history.nodes()?, violations: shown.collect(), ..About::default() };
    let messages = history.trace().map(File::open).transpose().with_context(|| history.failed())?;
    let again = || messages.as_ref().map(unpacked).transpose();
    let history_again = || history.bytes().map(Some).map_err(io::Error::other);
    pack((&history_again, &again), history.bytes_about(), about).with_context(|| history.failed())
}

/// The folder of a run, or that of its history.
fn folder_of(run: &Path) -> PathBuf {
    if run.is_dir() { run.to_owned() } else { run.parent().map_or(PathBuf::new(), Path::to_owned) }
}

/// Shows a page in the browser; where that can't be done, says so.
fn open(path: &Path) {
    let mut opener = Command::new("xdg-open");
    opener.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match opener.status() {
        Ok(status) if status.success() => {}
        _ => note(&format!("no browser could be started (xdg-open): open {} yourself", path.display())),
    }
}
