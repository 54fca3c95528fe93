//! `temblor shrink`: from the run that failed to the smallest plan that fails in the same way.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use temblor_workloads::plan::{Kind, Plan};
use temblor_workloads::shrink::shrink as reduce;

use super::judging::{History, options};
use super::replay::{again, concretised};
use super::report::{self, REPORT};
use super::run::repeat;
use super::{answer, explain, note};
use crate::cli::{Executor, ExplainArgs, JudgeArgs, ReplayArgs, ShrinkArgs};
use crate::exit::{Exit, usage};
use crate::past::PastRun;
use crate::render;
use crate::results::replace;
use crate::trial::{Failure, SameFailure, Trials, first_failure};
use crate::words::counted;

/// The name of the smallest plan so far, in the run's folder.
const SHRUNK: &str = "shrunk.json";

/// Shrinks the plan of a run.
pub fn shrink(args: &ShrinkArgs) -> Result<Exit> {
    if args.run.is_file() {
        let run = args.run.display();
        return Err(usage(format!("{run} is a file; unpack it (unzip {run} -d run), and shrink the folder")));
    }
    let past = PastRun::open(&args.run)?;
    let (system, judge) = (past.system()?, JudgeArgs::default());
    let launch = past.launch(&system)?;
    let verdict = History::open(&past.folder)?.judge(&super::judging::options(&judge)?)?;
    let Some(failure) = first_failure(&verdict) else {
        note(&render::wrap(
            &format!("{}: nothing is violated, so there is nothing to shrink", past.folder.display()),
            0,
        ));
        return Ok(Exit::from(&verdict).worst(Exit::Nothing));
    };
    let own = if past.foreign.is_some() { Executor::Lockstep } else { Executor::Sim };
    let executor = args.executor.unwrap_or(own);
    if past.foreign.is_some() && executor == Executor::Sim {
        return Err(usage("sim runs temblor's own nodes only; use --executor lockstep".to_owned()));
    }
    let folder = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let trials = Trials::new(&system, executor, (&launch, folder.path()))?;
    let Some(plan) = failing(&past, (&trials, &failure))? else {
        answer(&format!("{}\n", render::wrap(&not_here(&failure, executor), 0)))?;
        return Ok(Exit::Violation);
    };
    let smallest = smallest(args, (&past, plan), (&trials, &failure))?;
    show(args, &past, (&smallest, executor))
}

/// A plan that fails in the same way in virtual time: that of the run, or the run frame by frame.
fn failing(past: &PastRun, (trials, failure): (&Trials<'_>, &Failure)) -> Result<Option<Plan>> {
    let fails = |plan: &Plan| -> Result<bool> { Ok(trials.run(plan)?.failure().as_ref() == Some(failure)) };
    if fails(&past.plan)? {
        return Ok(Some(past.plan.clone()));
    }
    if past.executor != Executor::Processes {
        return Ok(None);
    }
    let plan = concretised(past, trials.system)?;
    Ok(if fails(&plan)? { Some(plan) } else { None })
}

fn not_here(failure: &Failure, executor: Executor) -> String {
    format!(
        "the violation of {} does not show in {}, neither with the plan of the run nor frame by frame, so there is no way to \
         try smaller plans. `temblor replay` says how often it comes back on real processes\n",
        failure.property,
        executor.name()
    )
}

/// The smallest plan that was found in time.
fn smallest(
    args: &ShrinkArgs,
    (past, plan): (&PastRun, Plan),
    (trials, failure): (&Trials<'_>, &Failure),
) -> Result<Plan> {
    let (begun, budget) = (Instant::now(), Duration::from_micros(args.budget));
    let path = past.folder.join(SHRUNK);
    let (told, failed) = (Cell::new(Duration::ZERO), Cell::new(None));
    let mut oracle = SameFailure::new(
        (trials, failure.clone()),
        move || begun.elapsed() < budget,
        |best: &Plan| {
            if let Err(error) = keep(&path, best) {
                failed.set(Some(error));
            }
            if begun.elapsed() - told.get() > Duration::from_secs(2) {
                told.set(begun.elapsed());
                note(&format!("so far: {}", size(best)));
            }
        },
    );
    note(&format!("{} ({}): {}", failure.property, failure.shape, size(&plan)));
    keep(&past.folder.join(SHRUNK), &plan)?;
    let smallest = reduce(plan, &mut oracle);
    let tried = oracle.tried;
    drop(oracle);
    failed.take().map_or(Ok(()), Err)?;
    let plans = counted(tried, "plan", "plans");
    let seconds = begun.elapsed().as_secs_f64();
    let over = if begun.elapsed() < budget { "" } else { "; the time was up, and more may go with --budget" };
    answer(&render::wrap(&format!("shrunk: {}, after {plans} and {seconds:.1} s{over}", size(&smallest)), 0))?;
    answer("\n\n")?;
    Ok(smallest)
}

/// Replaces the file in one step, so that it always holds a whole plan.
fn keep(path: &Path, plan: &Plan) -> Result<()> {
    replace(path, plan.to_json().as_bytes()).with_context(|| format!("failed to write {}", path.display()))
}

/// Runs the smallest plan and explains what happens.
fn show(args: &ShrinkArgs, past: &PastRun, (smallest, executor): (&Plan, Executor)) -> Result<Exit> {
    let judge = JudgeArgs::default();
    let replay = ReplayArgs {
        run: args.run.clone(),
        times: 1,
        executor: Some(executor),
        out: args.out.clone(),
        judge: judge.clone(),
    };
    let plan: PathBuf = past.folder.join(SHRUNK);
    keep(&plan, smallest)?;
    // The page of the run that was shrunk says so from now on.
    let history = History::open(&past.folder)?;
    let verdict = history.judge(&options(&judge)?)?;
    report::write((&history, &verdict), &past.folder, &past.folder.join(REPORT))?;
    let mut folder = None;
    let run = crate::cli::RunArgs { plan: Some(plan.clone()), ..again(&replay, past) };
    let exit = repeat(&run, 1, |_, run| folder = Some(run.folder.path().to_owned()))?;
    if let Some(path) = &folder {
        explain::explain(&ExplainArgs { path: path.clone(), all: false, ascii: false, judge })?;
        note(&format!("files: {}", path.display()));
    }
    note(&format!("plan:  {}", plan.display()));
    Ok(exit)
}

/// How large a plan is.
fn size(plan: &Plan) -> String {
    let frames: usize = plan
        .faults
        .iter()
        .map(|fault| match &fault.fault {
            Kind::Bites { frames, .. } => frames.len(),
            _ => 0,
        })
        .sum();
    let with_frames = if frames > 0 { format!(" ({})", counted(frames, "frame", "frames")) } else { String::new() };
    format!(
        "{}, {}{with_frames}, {}",
        counted(plan.operations.len() + plan.rules.len(), "operation", "operations"),
        counted(plan.faults.len(), "fault", "faults"),
        counted(plan.nodes.len(), "node", "nodes")
    )
}
