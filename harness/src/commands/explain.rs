//! `temblor explain`: each violation with its sentence, a space-time diagram and the numbered steps; the first in full.

use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing, Verdict, Witness};

use super::answer;
use super::judging::{FromStart, History, is_packed, options, unpacked};
use crate::cli::{ExplainArgs, JudgeArgs};
use crate::diagram::evidence::{self, Evidence};
use crate::diagram::frames::{self, Frames, Sought};
use crate::diagram::text::{Charset, Colours, Paint, Style, WIDTH};
use crate::diagram::{Diagram, compose, messages_of};
use crate::exit::Exit;
use crate::explanation;
use crate::render;
use crate::words::{clipped, counted, harmless};

/// So many violations are listed below the first, so many lines of a node's log are shown.
const LISTED: usize = 10;

/// A witness and the property that it is of.
pub type Violation<'v> = (&'v PropertyVerdict, &'v Witness);

/// Explains every violation of a promised property; with none it says so, and still succeeds.
pub fn explain(args: &ExplainArgs) -> Result<Exit> {
    let options = options(&args.judge)?;
    let history = History::open(&args.path)?;
    let verdict = history.judge(&options)?;
    if args.judge.json {
        answer(&format!("{}\n", serde_json::to_string(&verdict)?))?;
        return Ok(Exit::Clean);
    }
    let violations = violations(&verdict);
    if violations.is_empty() {
        answer(&format!("{}\n", render::closing(&verdict)))?;
        return Ok(Exit::Clean);
    }
    let (style, full) = (style(args), if args.all { violations.len() } else { 1 });
    let mut text = String::new();
    for violation in &violations[..full] {
        text.push_str(&in_full(&history, *violation, style)?);
        if violation.0.property == "survives" {
            text.push_str(&log(&args.path, violation.1, style));
        }
        text.push('\n');
    }
    text.push_str(&rest(&verdict, (&violations[full..], full), style));
    answer(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Clean)
}

/// The first violation of the history that `path` means, in full; `None` if there is none.
///
/// # Errors
/// The history can't be read.
pub fn first(path: &Path, style: Style) -> Result<Option<String>> {
    let history = History::open(path)?;
    let verdict = history.judge(&options(&JudgeArgs::default())?)?;
    violations(&verdict).first().map(|violation| in_full(&history, *violation, style)).transpose()
}

/// The first violation as a sequence diagram; `None` if there is none.
///
/// # Errors
/// The history can't be read.
pub fn first_as_mermaid(history: &History) -> Result<Option<String>> {
    let verdict = history.judge(&options(&JudgeArgs::default())?)?;
    let Some(violation) = violations(&verdict).first().copied() else { return Ok(None) };
    Ok(Some(crate::export::mermaid(&violation.1.sentence, &diagram(history, violation)?)))
}

/// The witnesses of all promised properties: causes before their consequences, then in the order in which they were complete.
pub fn violations(verdict: &Verdict) -> Vec<Violation<'_>> {
    let broken = verdict.properties.iter().filter(|property| is_broken(property));
    let mut all: Vec<Violation<'_>> =
        broken.flat_map(|property| property.witnesses.iter().map(move |witness| (property, witness))).collect();
    let complete = |witness: &Witness| witness.steps.iter().map(|step| step.index).max();
    all.sort_by_key(|(_, witness)| (witness.consequence_of.is_some(), complete(witness)));
    all
}

pub(super) fn is_broken(property: &PropertyVerdict) -> bool {
    property.judgement == Judgement::Invalid && property.standing == Standing::Promised
}

fn in_full(history: &History, (property, witness): Violation<'_>, style: Style) -> Result<String> {
    let diagram = diagram(history, (property, witness))?;
    Ok(explanation::in_full(&property.property, witness, &diagram, style))
}

/// What a witness looks like.
///
/// # Errors
/// The history or its trace can't be read.
pub fn diagram(history: &History, (property, witness): Violation<'_>) -> Result<Diagram> {
    let evidence = evidence::read(history.bytes()?, witness).with_context(|| history.failed())?;
    let frames = frames(history, witness, &evidence)?;
    Ok(compose((&property.property, witness), &evidence, &frames))
}

/// The frames of a witness; none where there is no trace.
fn frames(history: &History, witness: &Witness, evidence: &Evidence) -> Result<Frames> {
    let Some(path) = history.trace() else { return Ok(Frames::default()) };
    let sought = Sought {
        messages: messages_of(witness),
        last_before: evidence.unexplained(witness),
        acknowledgements: witness.shape == "duplicate",
        until: witness.steps.iter().map(|step| step.time).max().unwrap_or(0),
    };
    let failed = || format!("failed to read {}", path.display());
    let file = File::open(path).with_context(failed)?;
    let from = evidence.first(&sought.messages);
    if let (Some(from), false) = (from, is_packed(&file).with_context(failed)?) {
        let at = frames::begin(&file, from).with_context(failed)?;
        let found = frames::read(FromStart { file: &file, at }, &evidence.nodes, &sought).with_context(failed)?;
        // What arrived last may have arrived long before.
        if at == 0 || found.last_before.iter().all(Option::is_some) {
            return Ok(found);
        }
    }
    let bytes = unpacked(&file).with_context(failed)?;
    frames::read(bytes, &evidence.nodes, &sought).with_context(failed)
}

/// What is not shown in full: the sentences of the next few, and how many more there are.
fn rest(verdict: &Verdict, (folded, shown): (&[Violation<'_>], usize), style: Style) -> String {
    let all: u64 = verdict.properties.iter().filter(|property| is_broken(property)).map(|p| p.violations).sum();
    let more = all.saturating_sub(shown as u64);
    if more == 0 {
        return String::new();
    }
    let them = if more == 1 { "it" } else { "them" };
    let hint = match (folded.len() as u64, more) {
        (0, _) => ", of which no witness was kept.".to_owned(),
        (kept, more) if kept == more => format!(" (--all shows {them} as above):"),
        (kept, _) => format!(" (--all shows {kept} of them as above):"),
    };
    let title = format!("{}{hint}", counted(more, "more violation", "more violations"));
    let mut text = explanation::lines(&title, "", (style, Paint::Strong));
    let sentences = sentences(folded);
    let listed = sentences.iter().take(LISTED);
    listed.clone().for_each(|(properties, witness)| {
        text.push_str(&explanation::folded_up(&properties.join(", "), witness, style));
    });
    let left = more.saturating_sub(listed.map(|(properties, _)| properties.len() as u64).sum());
    if left > 0 && !folded.is_empty() {
        text.push_str(&format!("  and {left} more\n"));
    }
    text
}

/// Violations of several properties that are told in the same words are one entry.
fn sentences<'v>(folded: &[Violation<'v>]) -> Vec<(Vec<&'v str>, &'v Witness)> {
    let mut entries: Vec<(Vec<&str>, &Witness)> = Vec::new();
    for (property, witness) in folded {
        let same = |(properties, other): &&mut (Vec<&str>, &Witness)| {
            other.sentence == witness.sentence && !properties.contains(&property.property.as_str())
        };
        match entries.iter_mut().find(same) {
            Some((properties, _)) => properties.push(&property.property),
            None => entries.push((vec![&property.property], witness)),
        }
    }
    entries
}

/// For a node that did not survive: how it was started, and the last lines of its log, if the run folder is there.
fn log(run: &Path, witness: &Witness, style: Style) -> String {
    let facts = std::fs::read(run.join("run.json")).ok();
    let facts: Value = facts.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let (mut text, plain) = (String::new(), (style, Paint::Plain));
    if let Some(command) = facts["node_command"].as_str() {
        text.push_str(&format!("\nNodes were started as:\n{}", explanation::lines(command, "  ", plain)));
    }
    let Some(node) = &witness.node else { return text };
    let lines = crate::processes::last_lines(&run.join("nodes").join(format!("{node}.stderr")), LISTED);
    if !lines.is_empty() {
        text.push_str(&format!("\nThe last lines of {node}'s log:\n"));
        let fitting = |line: &String| clipped(&harmless(line), WIDTH - 2);
        lines.iter().for_each(|line| text.push_str(&format!("  {}\n", style.charset.text(&fitting(line)))));
    }
    text
}

/// As the command line, the locale and the terminal will have it.
fn style(args: &ExplainArgs) -> Style {
    let variable = |name: &str| std::env::var(name).ok();
    let charset = if args.ascii { Charset::Ascii } else { Charset::of_locale(variable) };
    let coloured = std::io::stdout().is_terminal() && Colours::are_welcome(variable);
    let colours = if coloured { Colours::Ansi } else { Colours::Without };
    Style { charset, colours }
}
