//! Triage: from a run that failed to the smallest plan that fails in the same way, and what it takes.
//!
//! A run on real processes is tried in `lockstep`, as it was planned and then frame by frame. Smaller plans of temblor's own nodes
//! are tried in `sim`, which is the fastest; those of other programs in `lockstep`. The budget is a number of plans and not a
//! time, so that every machine comes to the same.

use std::cell::Cell as Counter;
use std::path::Path;

use anyhow::{Context, Result};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_workloads::plan::Plan;
use temblor_workloads::shrink::shrink;

use super::cells::Cell;
use super::crew::Ground;
use super::folder::CampaignFolder;
use super::record::{FailureLine, TriageLine};
use super::regressions::Regression;
use super::shape::shape;
use crate::cli::Executor;
use crate::commands::execution::{Order, block_on, execute, open_as};
use crate::commands::replay::concretised;
use crate::past::PastRun;
use crate::processes::Interrupts;
use crate::results::RunFolder;
use crate::trial::{Failure, SameFailure, Trials};

/// Where the smallest plan's run goes, in the folder of the run that failed.
const SHRUNK: &str = "shrunk";

/// What became of a failure.
pub struct Triaged {
    /// The line of the journal.
    pub line: TriageLine,
    /// What is kept for later campaigns.
    pub regression: Regression,
}

/// Looks into the failure of run `k`, whose folder is there; at most `tries` smaller plans are tried.
///
/// # Errors
/// Its folder can't be read or written.
pub fn triage(ground: &Ground<'_>, (k, cell): (u64, &Cell), (failed, tries): (&FailureLine, u64)) -> Result<Triaged> {
    let folder = ground.folder.below(&CampaignFolder::run(k));
    let past = PastRun::open(&folder)?;
    let failure = Failure { property: failed.property.clone(), shape: failed.shape.clone() };
    let scratch = ground.scratch()?;
    let found = small(&past, cell, (&failure, tries, scratch.path()))?;
    let (executor, plan) = found.unwrap_or((cell.executor, past.plan.clone()));
    let reproduced = (executor != Executor::Processes).then(|| executor.name().to_owned());
    let shape = match reproduced {
        Some(_) => shape(&failure, &plan),
        None => failure.shape.clone(),
    };
    let (mut sentence, mut shown) = (failed.sentence.clone(), None);
    if reproduced.is_some() {
        let again = run_again((cell, &plan), executor, &folder.join(SHRUNK))?;
        if let Some(line) = again {
            sentence = line.sentence;
            shown = Some(format!("{}/{SHRUNK}", CampaignFolder::run(k)));
        }
    }
    let regression = Regression::new((cell, executor), (&failure, &shape, &sentence), plan);
    let line = TriageLine {
        k,
        reproduced,
        shape,
        size: (regression.plan.operations.len() + regression.plan.rules.len(), regression.plan.faults.len()),
        sentence,
        folder: shown,
        regression: Some(regression.name()),
    };
    Ok(Triaged { line, regression })
}

/// The smallest plan that fails in the same way, and where; `None` if it does not in virtual time.
///
/// # Errors
/// Plans can't be run at all.
pub fn small(
    past: &PastRun,
    cell: &Cell,
    (failure, tries, scratch): (&Failure, u64, &Path),
) -> Result<Option<(Executor, Plan)>> {
    let system = &cell.system;
    let at_hand: &[Executor] = match (cell.executor, &cell.foreign) {
        (Executor::Sim, _) => &[Executor::Sim],
        (_, None) => &[Executor::Sim, Executor::Lockstep],
        (_, Some(_)) => &[Executor::Lockstep],
    };
    let mut plans = vec![past.plan.clone()];
    if past.executor == Executor::Processes {
        // A trace that says too little is no reason to give up.
        plans.extend(concretised(past, system).ok());
    }
    for executor in at_hand {
        let trials = Trials::new(system, *executor, (&cell.launch, scratch))?;
        for plan in &plans {
            let fails = trials.run(plan).is_ok_and(|trial| trial.failure().as_ref() == Some(failure));
            if fails {
                let left = Counter::new(tries);
                let goes_on = || {
                    let some = left.get() > 0;
                    left.set(left.get().saturating_sub(1));
                    some
                };
                let mut oracle = SameFailure::new((&trials, failure.clone()), goes_on, |_| {});
                return Ok(Some((*executor, shrink(plan.clone(), &mut oracle))));
            }
        }
    }
    Ok(None)
}

/// Runs a plan with all its files, in virtual time: how it failed, if it did.
fn run_again((cell, plan): (&Cell, &Plan), executor: Executor, path: &Path) -> Result<Option<FailureLine>> {
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("failed to remove {}", path.display()))?;
    }
    let order = Order {
        system: &cell.system,
        launch: &cell.launch,
        program: &crate::machine::program(&cell.launch.program)?,
        foreign: cell.foreign.as_ref(),
        plan,
        executor,
        init_timeout_us: cell.init_timeout_us,
        results: path,
        options: &Options { require: None, fifo_gaps: FifoGaps::Forbidden },
    };
    let folder = open_as(&order, || RunFolder::at(path.to_owned()))?;
    let execution = block_on(async {
        let interrupts = Interrupts::default();
        execute(&order, folder, &interrupts).await
    })?;
    let failure = crate::trial::first_failure(&execution.verdict);
    Ok(failure.map(|failure| FailureLine::new(failure, &execution.verdict)))
}
