//! What a campaign came to, for people: the matrix, each distinct failure with a line and a command, and FAILURES.md.

use std::fmt::Write as _;
use std::path::Path;

use super::summary::{CellSummary, FailureSummary, Summary};
use crate::commands::explain;
use crate::commands::judging::History;
use crate::diagram::text::{Charset, Colours, Style};
use crate::render::wrap;
use crate::words::{clipped, columns, counted, harmless};

/// The names of systems fill so many columns at most.
const NAME_MAX: usize = 30;
/// Text fits so many columns.
const WIDTH: usize = 80;
/// So many distinct failures are explained in full in FAILURES.md.
const EXPLAINED: usize = 50;

/// The matrix, and what the whole came to. `folder` is where the commands find the runs.
pub fn text(summary: &Summary, folder: &Path) -> String {
    let mut text = matrix(&summary.matrix);
    if !summary.left_out.is_empty() {
        let those = counted(summary.left_out.len(), "combination", "combinations");
        let _ = writeln!(text, "\n{}", wrap(&format!("{those} outside a model, not run; campaign.json names them"), 0));
    }
    for failure in &summary.failures {
        let _ = writeln!(text, "\n{}", wrap(&headline(failure), 0));
        let _ = writeln!(text, "  {}", wrap(&harmless(&failure.sentence), 2));
        if let Some(command) = command(failure, Some(folder)) {
            let _ = writeln!(text, "  {command}");
        }
    }
    let _ = writeln!(text, "\n{}", wrap(&closing(summary), 0));
    text
}

/// One line that says it all.
pub fn closing(summary: &Summary) -> String {
    let word = match summary.outcome.as_str() {
        "clean" => "OK",
        "violation" => "VIOLATION",
        "nothing" => "NOTHING RAN",
        "failed" => "FAILED",
        _ => "INCONCLUSIVE",
    };
    let of = summary.asked.map_or(String::new(), |asked| format!(" of {asked}"));
    let runs = if summary.finished == 1 { "run" } else { "runs" };
    let parts: Vec<String> = summary.runs.iter().map(|(mark, count)| format!("{count} {mark}")).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let reasons: String = summary.reasons.iter().map(|reason| format!("; {reason}")).collect();
    format!("{word}: {}{of} {runs}{parts}{reasons}. Seed {}.", summary.finished, summary.seed)
}

/// A failure in one line: what, under which property, how often.
pub fn headline(failure: &FailureSummary) -> String {
    let size = match (&failure.reproduced, failure.size) {
        (Some(executor), Some((operations, faults))) => format!(
            ", shrunk in {executor} to {} and {}",
            counted(operations, "operation", "operations"),
            counted(faults, "fault", "faults")
        ),
        _ => ", not reproduced in virtual time".to_owned(),
    };
    let times = counted(failure.count, "run", "runs");
    format!("{}: {} ({}), in {times}{size}", failure.system, failure.property, failure.shape)
}

/// The command that shows a failure, from the folder of the campaign or from where the campaign was begun.
pub fn command(failure: &FailureSummary, folder: Option<&Path>) -> Option<String> {
    let below = failure.folder.as_ref()?;
    let path = folder.map_or_else(|| below.clone(), |folder| folder.join(below).display().to_string());
    Some(format!("temblor explain {path}"))
}

/// Systems are rows, choices of faults columns.
fn matrix(cells: &[CellSummary]) -> String {
    let (mut rows, mut heads): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for cell in cells {
        if !rows.contains(&cell.system.as_str()) {
            rows.push(&cell.system);
        }
        if !heads.contains(&cell.under.as_str()) {
            heads.push(&cell.under);
        }
    }
    let name_width = rows.iter().map(|row| columns(row)).max().unwrap_or(0).min(NAME_MAX);
    let shown = |cell: &CellSummary| {
        let held = cell.runs.get("held").copied().unwrap_or(0);
        let all: u64 = cell.runs.values().sum();
        format!("{} {held}/{all}", cell.mark.sign())
    };
    let wide = cells.iter().map(|cell| shown(cell).len()).max().unwrap_or(4);
    let mut text = String::new();
    // Where the columns do not fit side by side, they follow each other in blocks.
    let mut rest = heads.as_slice();
    while !rest.is_empty() {
        let mut used = name_width;
        let fits = rest.iter().take_while(|head| {
            used += 2 + columns(head).max(wide);
            used <= WIDTH
        });
        let (block, others) = rest.split_at(fits.count().max(1));
        rest = others;
        let pad = |cell: &str, head: &str| {
            let width = columns(head).max(wide);
            format!("  {cell}{}", " ".repeat(width.saturating_sub(columns(cell))))
        };
        let line = |name: &str, cells: String| {
            let name = clipped(name, name_width);
            let space = " ".repeat(name_width.saturating_sub(columns(&name)));
            format!("{}\n", format!("{name}{space}{cells}").trim_end())
        };
        text.push_str(&line("", block.iter().map(|head| pad(head, head)).collect()));
        for row in &rows {
            let of = |head: &&str| cells.iter().find(|cell| cell.system == *row && cell.under == **head);
            if block.iter().any(|head| of(head).is_some()) {
                let cells = block.iter().map(|head| pad(&of(head).map_or(String::new(), shown), head));
                text.push_str(&line(row, cells.collect()));
            }
        }
        if !rest.is_empty() {
            text.push('\n');
        }
    }
    text
}

/// FAILURES.md: the same for any number of shards.
pub fn failures(summary: &Summary, folder: &Path) -> String {
    let mut text = format!("# Failures of {}\n\n", plain(&summary.name));
    if summary.failures.is_empty() {
        let none = if summary.finished == 0 { "Nothing ran." } else { "No promise was broken." };
        let _ = writeln!(text, "{none} {}", plain(&closing(summary)));
        return text;
    }
    let _ = writeln!(text, "{}\n", plain(&closing(summary)));
    let _ = writeln!(text, "The commands are for the folder of this file.\n");
    for (at, failure) in summary.failures.iter().enumerate() {
        let _ = writeln!(text, "## {}. {}\n", at + 1, plain(&headline(failure)));
        let _ = writeln!(text, "{}\n", plain(&failure.sentence));
        let first = failure.runs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let more = if failure.count > failure.runs.len() as u64 { ", ..." } else { "" };
        let _ = writeln!(text, "Runs {first}{more}; the first has seed {}.\n", failure.seed);
        if let Some(command) = command(failure, None) {
            let _ = writeln!(text, "```sh\n{command}\n```\n");
        }
        if let Some(below) = failure.folder.as_ref().filter(|_| at < EXPLAINED) {
            let style = Style { charset: Charset::Unicode, colours: Colours::Without };
            match explain::first(&folder.join(below), style) {
                Ok(Some(shown)) => {
                    let _ = writeln!(text, "```text\n{}\n```\n", shown.trim_end().replace("```", "'''"));
                    if let (0, Some(drawn)) = (at, drawn(&folder.join(below))) {
                        let _ = writeln!(text, "```mermaid\n{}\n```\n", drawn.trim_end());
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    let _ = writeln!(text, "It could not be explained: {}\n", plain(&format!("{error:#}")));
                }
            }
        }
    }
    text
}

/// A failure as a diagram that GitHub and GitLab draw.
fn drawn(run: &Path) -> Option<String> {
    explain::first_as_mermaid(&History::open(run).ok()?).ok()?
}

/// Text from the outside as Markdown that shows it as it is.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' => plain.extend(['\\', c]),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\n' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
