//! `temblor doctor`: what works here, one line each, and the command that would enable what does not.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_workloads::draw::{Wishes, draw};

use super::answer;
use super::execution::{INIT_TIMEOUT_US, Order, block_on, die_of_panics, execute, open};
use crate::cli::{DoctorArgs, Executor, SystemArgs};
use crate::containment::probe;
use crate::doctor::{Check, NodesAllowed, State, examine, nodes_allowed, of_rehearsal};
use crate::exit::Exit;
use crate::machine;
use crate::processes::{Interrupts, rehearse};
use crate::render::wrap;
use crate::system::System;
use crate::words::counted;

/// What is behind the names begins in this column.
const INDENT: usize = 22;
/// Nodes of the run that is tried.
const NODES: u64 = 3;
/// Its main phase, us.
const LENGTH_US: u64 = 200_000;

/// Examines this machine; 5 if no run on real processes is possible.
pub fn doctor(args: &DoctorArgs) -> Result<Exit> {
    // It forks, so it comes before the first thread.
    let probe = probe();
    die_of_panics();
    let mut checks = block_on(with_nodes())?;
    checks.extend(examine(&probe, &args.out));
    let nodes = nodes_allowed();
    let works = !checks.iter().any(Check::prevents_runs);
    if args.json {
        let found = json!({ "format": 1, "works": works, "checks": checks, "nodes": nodes });
        answer(&format!("{}\n", serde_json::to_string_pretty(&found)?))?;
    } else {
        let lines: String = checks.iter().map(line).collect();
        answer(&format!("{lines}\n{}\n{}\n", table(&nodes), wrap(&closing(&checks), 0)))?;
    }
    Ok(if works { Exit::Clean } else { Exit::Failed })
}

/// The checks that start nodes: one by itself, and a small run.
async fn with_nodes() -> Result<Vec<Check>> {
    let system = SystemArgs { algorithm: "retransmit".to_owned(), over: None, fanout: None, http: false };
    let system = System::find(&system, None)?;
    let folder = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let mut checks = of_rehearsal(&rehearse(&system.launch(None)?, folder.path()).await);
    if !checks.iter().any(Check::prevents_runs) {
        let run = trial(&system, folder.path()).await.unwrap_or_else(|error| {
            Check::missing("run", format!("{error:#}")).enabled_by("temblor run retransmit --nodes 3 --nemesis none")
        });
        checks.push(run.as_needed());
    }
    Ok(checks)
}

/// A run without faults, for a moment.
async fn trial(system: &System, folder: &Path) -> Result<Check> {
    let nodes = (1..=NODES).map(|number| format!("n{number}")).collect();
    let wishes = Wishes { nemesis: vec!["none".to_owned()], length_us: LENGTH_US, ..Wishes::default() };
    let plan = draw(&system.setting(nodes), &wishes, 1)?;
    let launch = system.launch(None)?;
    let order = Order {
        system,
        launch: &launch,
        program: &machine::program(&launch.program)?,
        foreign: None,
        plan: &plan,
        executor: Executor::Processes,
        init_timeout_us: INIT_TIMEOUT_US,
        results: folder,
        options: &Options { require: None, fifo_gaps: FifoGaps::Forbidden },
    };
    let execution = execute(&order, open(&order)?, &Interrupts::default()).await?;
    let counts = &execution.verdict.counts;
    let did = format!("{NODES} nodes, {}", counted(counts.deliveries, "delivery", "deliveries"));
    Ok(match execution.exit() {
        Exit::Clean => Check::ok("run", format!("{did}: every promised property held")),
        Exit::Nothing | Exit::Failed => Check::missing("run", format!("{did}: nothing to judge"))
            .enabled_by("temblor run retransmit --nodes 3 --nemesis none"),
        _ => Check::limited("run", format!("{did}: not every promise could be judged"))
            .enabled_by("temblor run retransmit --nodes 3 --nemesis none"),
    })
}

/// One line, and the command below it.
fn line(check: &Check) -> String {
    let state = match check.state {
        State::Ok => "ok",
        State::Limited => "limited",
        State::Missing => "MISSING",
    };
    let mut text = format!("{state:<8} {:<12} {}\n", check.name, wrap(&check.found, INDENT));
    if let Some(command) = &check.enable {
        // A command is to be copied, so it is never broken.
        let indent = INDENT.min(78_usize.saturating_sub(command.chars().count()));
        text.push_str(&format!("{:indent$}$ {command}\n", ""));
    }
    text
}

/// Which clusters the open files allow.
fn table(nodes: &[NodesAllowed]) -> String {
    let row = |name: &str, cell: &dyn Fn(&NodesAllowed) -> String| {
        let cells: String = nodes.iter().map(|size| format!("{:>7}", cell(size))).collect();
        format!("{name:<INDENT$}{cells}\n")
    };
    [
        row("nodes", &|size| size.nodes.to_string()),
        row("open files", &|size| size.open_files.to_string()),
        row("allowed", &|size| if size.allowed { "yes" } else { "no" }.to_owned()),
    ]
    .concat()
}

/// The closing line.
fn closing(checks: &[Check]) -> String {
    let names = |such: &dyn Fn(&Check) -> bool| {
        checks.iter().filter(|check| such(check)).map(|check| check.name).collect::<Vec<_>>().join(", ")
    };
    let prevented = names(&Check::prevents_runs);
    let less = names(&|check| check.state != State::Ok);
    match (prevented.as_str(), less.as_str()) {
        ("", "") => "OK: runs on real processes are possible, and all else works.".to_owned(),
        ("", less) => format!("OK: runs on real processes are possible. Not all of it works: {less}."),
        (prevented, _) => format!("NO RUN on real processes is possible: {prevented}."),
    }
}

#[cfg(test)]
mod tests {
    use super::{closing, line, table};
    use crate::doctor::{Check, nodes_allowed};

    #[test]
    fn what_is_missing_is_said_with_its_command_in_80_columns() {
        let check = Check::limited("cgroup v2", "word ".repeat(40)).enabled_by("x".repeat(70));
        let text = line(&check);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().last().unwrap().trim_start().starts_with("$ xxx"));
        assert!(table(&nodes_allowed()).lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn the_closing_line_names_what_is_in_the_way() {
        let (good, less) = (Check::ok("node", ""), Check::limited("timers", ""));
        let bad = Check::missing("loopback", "").as_needed();
        assert!(closing(std::slice::from_ref(&good)).starts_with("OK: "));
        assert_eq!(
            closing(&[good.clone(), less.clone()]),
            "OK: runs on real processes are possible. Not all of it works: timers."
        );
        assert_eq!(closing(&[good, less, bad]), "NO RUN on real processes is possible: loopback.");
    }
}
