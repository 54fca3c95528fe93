//! The canary: a planted bug that has to be found before a campaign's green means anything.
//!
//! For each executor that the campaign uses, the demonstration of a bug of one of its own algorithms is run, or of `fifo` where
//! none of them has one. Who leads when is a matter of the clock, so on real processes no bug of consensus is a canary.

use anyhow::{Context, Result};
use temblor_node::bugs::{BUGS, BugEntry};
use temblor_workloads::demonstrations;
use temblor_workloads::plan::Plan;

use super::crew::Ground;
use super::record::CanaryLine;
use crate::cli::{Executor, SystemArgs};
use crate::hunt::violates;
use crate::system::System;
use crate::trial::Trials;

/// Where a campaign's algorithms have no bug that is sure to show.
const ELSEWHERE: &str = "skips-gap";
/// On real processes a demonstration may fail to come about.
const ATTEMPTS: usize = 3;

/// The executors of a campaign, each with the bug that has to be found there.
pub fn canaries(ground: &Ground<'_>) -> Vec<(Executor, &'static BugEntry)> {
    let known = [Executor::Processes, Executor::Lockstep, Executor::Sim];
    let used = known.into_iter().filter(|executor| ground.definition.cells.iter().any(|c| c.executor == *executor));
    used.map(|executor| (executor, bug(ground, executor))).collect()
}

fn bug(ground: &Ground<'_>, executor: Executor) -> &'static BugEntry {
    let fits = |entry: &&BugEntry| executor != Executor::Processes || !entry.is_of_consensus();
    let of = |algorithm: &str| BUGS.iter().filter(|entry| entry.algorithm == algorithm).find(fits);
    let cells = ground.definition.cells.iter().filter(|cell| cell.executor == executor && cell.foreign.is_none());
    let own = cells.map(|cell| cell.system.setting(Vec::new()).algorithm).find_map(|algorithm| of(&algorithm));
    own.or_else(|| temblor_node::bugs::find(ELSEWHERE)).expect("the bug stands in the table")
}

/// Looks for a bug.
///
/// # Errors
/// Its demonstration can't be run.
pub fn look(ground: &Ground<'_>, (executor, entry): (Executor, &'static BugEntry)) -> Result<CanaryLine> {
    let args = SystemArgs { algorithm: entry.algorithm.to_owned(), over: None, fanout: None, http: false };
    let system = System::find(&args, Some(entry.name))?;
    let launch = system.launch(None)?;
    let scratch = ground.scratch()?;
    let text = demonstrations::find(entry.name).context("every bug has a demonstration")?;
    let plan = Plan::parse(text).map_err(|error| anyhow::anyhow!("the demonstration of {}: {error}", entry.name))?;
    let (trials, attempts) = match executor {
        Executor::Processes => (Trials::on_processes(&system, &launch, scratch.path()), ATTEMPTS),
        executor => (Trials::new(&system, executor, (&launch, scratch.path()))?, 1),
    };
    let mut found = false;
    for _ in 0..attempts {
        found = found || violates(&trials.run(&plan)?.verdict, entry.property);
    }
    Ok(CanaryLine {
        executor: executor.name().to_owned(),
        bug: entry.name.to_owned(),
        property: entry.property.to_owned(),
        found,
    })
}
