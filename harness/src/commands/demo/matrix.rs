//! The matrix: algorithms down, classes of faults across; and one line that says what it comes to.

use std::fmt::Write as _;

use serde_json::{Value, json};
use temblor_checkers::table::CHECKERS;
use temblor_node::algorithms::Algorithm;
use temblor_node::bugs::BugEntry;

use super::finding::Finding;
use super::product::{self, Task};
use crate::exit::Exit;
use crate::mark::{Mark, combine};
use crate::render::wrap;
use crate::words::counted;

/// The longest name of a system fits.
const NAME_WIDTH: usize = 20;
const LEGEND: &str =
    "ok: every promise held. FAIL: one was broken. -: not exercised. ?: undecided. Blank: outside the model.";

/// All that was run, as a table.
#[derive(Debug)]
pub struct Matrix<'a> {
    /// The rows.
    pub systems: &'a [&'static Algorithm],
    /// What was to be run.
    pub tasks: &'a [Task],
    /// What was run.
    pub findings: &'a [Finding],
    /// The signal that interrupted.
    pub interrupted: Option<&'a str>,
}

/// How many runs came to what.
#[derive(Debug, Default)]
struct Sum {
    cells: usize,
    held: usize,
    idle: usize,
    undecided: usize,
    violations: usize,
    failed: usize,
    bugs: usize,
    found: usize,
}

impl Matrix<'_> {
    /// For people: the bugs, in full each system's properties, the matrix, and the closing line.
    pub fn text(&self, full: bool, took_s: u64) -> String {
        let mut text = self.bugs();
        if full {
            self.systems.iter().for_each(|system| text.push_str(&self.properties(system)));
        }
        text.push_str(&self.table());
        let _ = writeln!(text, "\n{}\n\n{}", wrap(LEGEND, 0), wrap(&self.closing(took_s), 0));
        text
    }

    /// As data.
    pub fn json(&self) -> Value {
        let runs: Vec<Value> = self.findings.iter().map(Finding::json).collect();
        json!({ "format": 1, "runs": runs, "exit": self.exit().code(), "interrupted": self.interrupted })
    }

    /// The exit code: a violation of an unchanged algorithm, a failure, nothing at all, something that shows nothing.
    pub fn exit(&self) -> Exit {
        let sum = self.sum();
        let mut exit = Exit::Clean;
        for (applies, code) in [
            (sum.violations > 0, Exit::Violation),
            (sum.failed > 0, Exit::Failed),
            (sum.held + sum.found + sum.violations + sum.undecided == 0, Exit::Nothing),
            (self.findings.len() < self.tasks.len() || self.interrupted.is_some(), Exit::Inconclusive),
            (sum.held < sum.cells || sum.found < sum.bugs, Exit::Inconclusive),
        ] {
            if applies {
                exit = exit.worst(code);
            }
        }
        exit
    }

    /// What was found of the planted bugs: a line for each, however many executors there are.
    fn bugs(&self) -> String {
        let mut marks: Vec<(&BugEntry, Mark)> = Vec::new();
        for finding in self.findings {
            let Some(entry) = finding.task.bug() else { continue };
            match marks.iter_mut().find(|(known, _)| known.name == entry.name) {
                Some((_, mark)) => *mark = combine(*mark, finding.mark),
                None => marks.push((entry, finding.mark)),
            }
        }
        if marks.is_empty() {
            return String::new();
        }
        let line = |(bug, system, mark, property): (&str, &str, &str, &str)| {
            format!("{bug:<27} {system:<16} {mark:<10} {property}\n")
        };
        let of = |(entry, mark): &(&BugEntry, Mark)| line((entry.name, entry.algorithm, mark.name(), entry.property));
        let lines: String = marks.iter().map(of).collect();
        format!("{}{lines}\n", line(("planted bug", "in", "", "violates")))
    }

    /// The classes that lie within the model of some system here, and no faults at all.
    fn columns(&self) -> Vec<&'static str> {
        let runs = |class: &&str| {
            let cell = |system: &Algorithm| self.tasks.iter().any(|task| task.is_cell(system, class));
            self.systems.iter().any(|system| cell(system))
        };
        product::classes().into_iter().filter(runs).collect()
    }

    fn table(&self) -> String {
        let classes = self.columns();
        let head: Vec<&str> = classes.iter().copied().chain(["bugs"]).collect();
        let mut text = row("", head.iter().map(|name| ((*name).to_owned(), *name)));
        for system in self.systems {
            let cells = classes.iter().map(|class| self.mark(system, class).map_or("", Mark::sign).to_owned());
            let cells = cells.chain([self.bugs_of(system)]).zip(head.iter().copied());
            // Under an algorithm's default layer stand its others.
            let name =
                system.over.filter(|_| product::name(system) != system.name).map(|over| format!("  over {over}"));
            text.push_str(&row(&name.unwrap_or_else(|| system.name.to_owned()), cells));
        }
        text
    }

    /// The properties of one system, under each class of faults.
    fn properties(&self, system: &Algorithm) -> String {
        let classes = self.columns();
        let head = classes.iter().map(|class| ((*class).to_owned(), *class));
        let mut text = row(&product::name(system), head);
        let promised = |name: &str| system.promises.iter().any(|(promise, _)| *promise == name);
        for checker in CHECKERS.iter().filter(|checker| promised(checker.name)) {
            let mark_of = |finding: &Finding| finding.properties.get(checker.name).copied();
            let cells = classes.iter().map(|class| {
                let mark = self.of(system, class).filter_map(mark_of).reduce(combine);
                (mark.map_or("", Mark::sign).to_owned(), *class)
            });
            text.push_str(&row(checker.name, cells));
        }
        text.push('\n');
        text
    }

    /// What a cell came to; of several executors the worst. A cell of the model that was never run is not exercised.
    fn mark(&self, system: &Algorithm, class: &str) -> Option<Mark> {
        let planned = self.tasks.iter().any(|task| task.is_cell(system, class));
        let mark = self.of(system, class).map(|finding| finding.mark).max();
        mark.or(planned.then_some(Mark::Idle))
    }

    fn of(&self, system: &Algorithm, class: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.task.is_cell(system, class))
    }

    /// How many bugs of a system were found, of how many; they are planted over its default layer.
    fn bugs_of(&self, system: &Algorithm) -> String {
        if product::name(system) != system.name {
            return String::new();
        }
        let of = |task: &Task| task.bug().is_some_and(|entry| entry.algorithm == system.name);
        let planned = self.tasks.iter().filter(|task| of(task)).count();
        let found = self.findings.iter().filter(|finding| of(&finding.task) && finding.mark == Mark::Found).count();
        if planned == 0 { String::new() } else { format!("{found}/{planned}") }
    }

    fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for task in self.tasks {
            *if task.bug().is_some() { &mut sum.bugs } else { &mut sum.cells } += 1;
        }
        for finding in self.findings {
            match finding.mark {
                Mark::Held => sum.held += 1,
                Mark::Found => sum.found += 1,
                Mark::Idle => sum.idle += 1,
                Mark::Undecided => sum.undecided += 1,
                Mark::Violation => sum.violations += 1,
                Mark::Failed => sum.failed += 1,
                Mark::Missed => {}
            }
        }
        sum
    }

    /// The line that says it all.
    fn closing(&self, took_s: u64) -> String {
        let sum = self.sum();
        let word = match self.exit() {
            Exit::Clean => "OK",
            Exit::Violation => "VIOLATION",
            Exit::Nothing => "NOTHING RAN",
            Exit::Failed => "FAILED",
            Exit::Inconclusive | Exit::Usage => "INCONCLUSIVE",
        };
        let mut parts = vec![format!("{} of {} held", sum.held, counted(sum.cells, "cell", "cells"))];
        if sum.bugs > 0 {
            parts.push(format!("{} of {} found", sum.found, counted(sum.bugs, "planted bug", "planted bugs")));
        }
        let rest = [
            (sum.violations, "violated"),
            (sum.idle, "not exercised"),
            (sum.undecided, "undecided"),
            (sum.failed, "failed"),
            (self.tasks.len() - self.findings.len(), "not run"),
        ];
        parts.extend(rest.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        parts.extend(self.interrupted.map(|signal| format!("interrupted by {signal}")));
        format!("{word}: {}, in {took_s} s.", parts.join(", "))
    }
}

/// A row: a name, and cells that are as wide as their columns' heads.
fn row<'h>(name: &str, cells: impl Iterator<Item = (String, &'h str)>) -> String {
    let mut line = format!("{name:<NAME_WIDTH$}");
    for (cell, head) in cells {
        let _ = write!(line, "  {cell:<0$}", head.len().max(4));
    }
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Finding, Mark, Matrix};
    use crate::commands::demo::product::{systems, tasks};
    use crate::exit::Exit;

    /// The matrix of an algorithm with six cells and one bug, which came to this, as its closing line.
    fn closing(marks: &[Mark]) -> (Exit, String) {
        let args = crate::cli::DemoArgs {
            algorithms: vec!["retransmit".to_owned()],
            full: false,
            executor: None,
            time_limit: 1_000_000,
            seed: 1,
            out: "results".into(),
            json: false,
        };
        let systems = systems(&args.algorithms).unwrap();
        let tasks = tasks(&systems, &args);
        let finding = |(at, mark): (usize, &Mark)| {
            let failed = Finding::failed((tasks[at], at, 1), anyhow::anyhow!("no matter"));
            Finding { mark: *mark, failure: None, ..failed }
        };
        let findings: Vec<Finding> = marks.iter().enumerate().map(finding).collect();
        let matrix = Matrix { systems: &systems, tasks: &tasks, findings: &findings, interrupted: None };
        (matrix.exit(), matrix.closing(1))
    }

    #[test]
    fn only_what_held_everywhere_is_ok() {
        use Mark::{Failed, Found, Held, Idle, Missed, Undecided, Violation};
        for (changed, exit, words) in [
            (vec![], Exit::Clean, "OK: 6 of 6 cells held, 1 of 1 planted bug found, in 1 s."),
            (vec![(0, Idle)], Exit::Inconclusive, "5 of 6 cells held, 1 of 1 planted bug found, 1 not exercised"),
            (vec![(1, Undecided)], Exit::Inconclusive, "1 undecided"),
            (vec![(6, Missed)], Exit::Inconclusive, "0 of 1 planted bug found"),
            (vec![(2, Violation), (3, Failed)], Exit::Violation, "VIOLATION: "),
            (vec![(3, Failed), (4, Idle)], Exit::Failed, "FAILED: "),
        ] {
            let mut marks = vec![Held, Held, Held, Held, Held, Held, Found];
            changed.iter().for_each(|(at, mark)| marks[*at] = *mark);
            let (code, text) = closing(&marks);
            assert_eq!(code, exit, "{changed:?}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn what_was_not_run_is_not_green() {
        assert_eq!(closing(&[Mark::Held]).0, Exit::Inconclusive);
        let (exit, text) = closing(&[]);
        assert_eq!(exit, Exit::Nothing);
        assert_eq!(text, "NOTHING RAN: 0 of 6 cells held, 0 of 1 planted bug found, 7 not run, in 1 s.");
        assert_eq!(closing(&[Mark::Idle; 7]).0, Exit::Nothing);
    }
}
