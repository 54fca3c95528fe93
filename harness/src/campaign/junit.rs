//! JUnit XML: a test case for each cell of the matrix, and one for each distinct failure; not one for each seed.
//!
//! A violation is a failure; what could not be judged or made is an error. The message stands in the text too, since GitLab
//! shows no attribute.

use std::fmt::Write as _;

use super::report::headline;
use super::summary::{CellSummary, Summary};
use crate::mark::Mark;
use crate::words::harmless;

/// The whole file.
pub fn junit(summary: &Summary) -> String {
    let mut cases = String::new();
    let (mut tests, mut failed, mut errors, mut skipped) = (0, 0, 0, 0);
    for cell in &summary.matrix {
        tests += 1;
        let (kind, text) = told(cell);
        match kind {
            Some("failure") => failed += 1,
            Some("error") => errors += 1,
            Some(_) => skipped += 1,
            None => {}
        }
        case(&mut cases, (&cell.system, &cell.under), kind.map(|kind| (kind, text.as_str())));
    }
    for failure in &summary.failures {
        tests += 1;
        failed += 1;
        let text = format!(
            "{}\n{}\nseed {}, run {}\n{}",
            headline(failure),
            failure.sentence,
            failure.seed,
            failure.runs.first().copied().unwrap_or(0),
            super::report::command(failure, None).unwrap_or_default()
        );
        let name = format!("{} ({})", failure.property, failure.shape);
        case(&mut cases, (&failure.system, &name), Some(("failure", &text)));
    }
    let beside: Vec<(String, Option<(&str, String)>)> = beside(summary);
    for (name, problem) in &beside {
        tests += 1;
        match problem {
            Some(("failure", _)) => failed += 1,
            Some(_) => errors += 1,
            None => {}
        }
        case(&mut cases, ("campaign", name), problem.as_ref().map(|(kind, text)| (*kind, text.as_str())));
    }
    let seconds = summary.here.took_ms as f64 / 1_000.0;
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{seconds:.3}\""
    );
    let name = escaped(&summary.name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"temblor\" {counts}>\n  \
         <testsuite name=\"{name}\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// What is no cell and no failure: canaries, regressions, and whether anything ran.
fn beside(summary: &Summary) -> Vec<(String, Option<(&'static str, String)>)> {
    let mut cases = Vec::new();
    for canary in &summary.canaries {
        let why = format!("the harness is blind: {} was not found", canary.bug);
        cases.push((format!("canary in {}", canary.executor), (!canary.found).then_some(("error", why))));
    }
    for regression in &summary.regressions {
        let problem = match regression.mark {
            Mark::Violation => Some(("failure", regression.why.clone())),
            Mark::Failed => Some(("error", regression.why.clone())),
            _ => None,
        };
        cases.push((format!("regression {}", regression.name), problem));
    }
    let whole = match summary.outcome.as_str() {
        "clean" | "violation" => None,
        _ => Some(("error", summary.reasons.join("; "))),
    };
    cases.push(("as a whole".to_owned(), whole));
    cases
}

fn told(cell: &CellSummary) -> (Option<&'static str>, String) {
    let runs: Vec<String> = cell.runs.iter().map(|(mark, count)| format!("{count} {mark}")).collect();
    let kind = match cell.mark {
        Mark::Held | Mark::Found => None,
        Mark::Violation => Some("failure"),
        Mark::Undecided | Mark::Failed | Mark::Idle | Mark::Missed => Some("error"),
    };
    let runs = if runs.is_empty() { "no run".to_owned() } else { runs.join(", ") };
    (kind, format!("{}: {runs}", cell.mark.name()))
}

fn case(cases: &mut String, (class, name): (&str, &str), problem: Option<(&str, &str)>) {
    let (class, name) = (escaped(class), escaped(name));
    let Some((kind, text)) = problem else {
        let _ = writeln!(cases, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
        return;
    };
    let first = escaped(text.lines().next().unwrap_or(""));
    let text = escaped(text);
    let _ = writeln!(
        cases,
        "    <testcase classname=\"{class}\" name=\"{name}\">\n      \
         <{kind} message=\"{first}\">{text}</{kind}>\n    </testcase>"
    );
}

/// Text as XML 1.0 allows it: what it does not is shown as an escape.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}
