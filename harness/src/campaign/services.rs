//! What CI services show of a campaign: GitHub's annotations and step summary, GitLab's section of the log. Which service it is
//! shows in the environment.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::report::{closing, command, headline, plain};
use super::summary::Summary;
use crate::words::harmless;

/// GitHub shows at most ten annotations of a kind in a step.
const ANNOTATIONS_MAX: usize = 9;
/// A step summary above 1,024 KiB is thrown away as a whole.
const SUMMARY_MAX: usize = 900_000;

/// A service that reads what is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// GitHub Actions, with the file of its step summary.
    GitHub(Option<PathBuf>),
    /// GitLab CI.
    GitLab,
}

impl Service {
    /// The service that the environment tells of.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is = |name: &str| variable(name).is_some_and(|value| value == "true");
        if is("GITHUB_ACTIONS") {
            return Some(Self::GitHub(variable("GITHUB_STEP_SUMMARY").map(PathBuf::from)));
        }
        is("GITLAB_CI").then_some(Self::GitLab)
    }
}

/// GitHub's workflow commands: one error for each distinct failure, and one for what else makes the campaign fail.
pub fn annotations(summary: &Summary) -> String {
    let mut text = String::new();
    let more = summary.failures.len().saturating_sub(ANNOTATIONS_MAX - 1);
    let shown = if more > 0 { ANNOTATIONS_MAX - 1 } else { summary.failures.len() };
    for failure in &summary.failures[..shown] {
        let title = format!("{} broke {}", failure.system, failure.property);
        let show = command(failure, None).map_or(String::new(), |command| format!("\n{command}"));
        let message = format!("{}\n{}{show}", failure.sentence, headline(failure));
        let _ = writeln!(text, "::error title={}::{}", property(&title), data(&message));
    }
    if more > 0 {
        let _ = writeln!(text, "::error title=and {more} more failures::{}", data("FAILURES.md lists them all"));
    }
    if summary.failures.is_empty() && summary.outcome != "clean" {
        let level = if summary.exit == 3 { "warning" } else { "error" };
        let _ = writeln!(text, "::{level} title={}::{}", property("temblor"), data(&closing(summary)));
    }
    text
}

/// The step summary: the matrix as a table, and the failures as far as there is room.
pub fn step_summary(summary: &Summary, failures: &str) -> String {
    let mut text = format!("## temblor: {}\n\n{}\n\n", plain(&summary.name), plain(&closing(summary)));
    text.push_str(&table(summary));
    if !summary.failures.is_empty() {
        let body = failures.split_once("\n\n").map_or(failures, |(_, body)| body);
        let room = SUMMARY_MAX.saturating_sub(text.len() + 100);
        text.push('\n');
        if body.len() <= room {
            text.push_str(body);
        } else {
            // Whole sections only: a cut inside a block of code would swallow the rest.
            let end = body[..floor(body, room)].rfind("\n## ").unwrap_or(0);
            text.push_str(&body[..end]);
            text.push_str("\n\nThe rest is in FAILURES.md.\n");
        }
    }
    text
}

/// The nearest boundary of a character at or below a place.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The matrix as a table of Markdown.
fn table(summary: &Summary) -> String {
    let (mut rows, mut heads): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for cell in &summary.matrix {
        if !rows.contains(&cell.system.as_str()) {
            rows.push(&cell.system);
        }
        if !heads.contains(&cell.under.as_str()) {
            heads.push(&cell.under);
        }
    }
    let mut text = String::from("| |");
    heads.iter().for_each(|head| {
        let _ = write!(text, " {} |", plain(head));
    });
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(heads.len()));
    for row in rows {
        let _ = write!(text, "| {} |", plain(row));
        for head in &heads {
            let cell = summary.matrix.iter().find(|cell| cell.system == row && cell.under == *head);
            let shown = cell.map_or(String::new(), |cell| {
                let all: u64 = cell.runs.values().sum();
                format!("{} {}/{all}", cell.mark.sign(), cell.runs.get("held").copied().unwrap_or(0))
            });
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
    text
}

/// GitLab's log: the failures in a section that is open, behind it the closing line.
pub fn section(summary: &Summary, body: &str) -> String {
    // The times only serve to show how long the section took, and nobody waits in it.
    format!(
        "\u{1b}[0Ksection_start:0:temblor[collapsed=false]\r\u{1b}[0Ktemblor: {}\n{body}\
         \u{1b}[0Ksection_end:0:temblor\r\u{1b}[0K\n",
        harmless(&closing(summary))
    )
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.lines()
        .map(harmless)
        .collect::<Vec<_>>()
        .join("\n")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
