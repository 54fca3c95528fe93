//! `temblor replay`: a run again. In virtual time it has to come out the same, byte for byte; on real processes it is counted how
//! often the violation comes back, and it is tried in virtual time, frame by frame.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use temblor_checkers::verdict::Verdict;
use temblor_workloads::plan::Plan;
use temblor_workloads::validity::check_against;

use super::judging::{History, options};
use super::run::repeat;
use super::{answer, note};
use crate::cli::{Executor, ReplayArgs, RunArgs, WishArgs};
use crate::concrete::concrete;
use crate::difference::Difference;
use crate::exit::{Exit, usage};
use crate::foreign::NodeCommand;
use crate::past::PastRun;
use crate::processes::Launch;
use crate::render;
use crate::system::System;
use crate::trial::{Failure, Trials, first_failure};
use crate::words::counted;

/// The name of the plan that says a run frame by frame, in its folder.
pub const CONCRETE: &str = "concrete.json";

/// Does a run again.
pub fn replay(args: &ReplayArgs) -> Result<Exit> {
    let past = PastRun::open(&args.run)?;
    let system = past.system()?;
    let launch = past.launch(&system)?;
    let executor = args.executor.unwrap_or(past.executor);
    if past.foreign.is_some() && executor == Executor::Sim {
        return Err(usage("sim runs temblor's own nodes only; use --executor lockstep".to_owned()));
    }
    if !past.is_same_program(&launch)? {
        note(&render::wrap(
            &format!("{} is not the program that ran then: its bytes differ", launch.program.display()),
            0,
        ));
    }
    match (past.executor, executor) {
        (_, Executor::Processes) => on_processes(args, &past, (&system, &launch)),
        (Executor::Processes, virtual_time) => frame_by_frame(args, &past, (&system, &launch), virtual_time),
        (_, virtual_time) => in_virtual_time(args, &past, (&system, &launch), virtual_time),
    }
}

/// The same plan has to give the same history.
fn in_virtual_time(
    args: &ReplayArgs,
    past: &PastRun,
    (system, launch): (&System, &Launch),
    executor: Executor,
) -> Result<Exit> {
    let folder = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let trials = Trials::new(system, executor, (launch, folder.path()))?;
    let mut recorded = Vec::new();
    let history = History::open(&past.folder)?;
    history.bytes()?.read_to_end(&mut recorded).with_context(|| history.failed())?;
    let verdict = history.judge(&options(&args.judge)?)?;
    for nth in 1..=args.times {
        let trial = trials.run(&past.plan)?;
        if let Some(difference) = Difference::first(&recorded, &trial.facts.history) {
            answer(&format!("NOT identical: replay {nth} differs at line {}\n{difference}", difference.line))?;
            if past.is_same_program(launch)? {
                note(&render::wrap(
                    "the same program, and another history: some node does not keep the contract of a virtual clock (see node/PROTOCOL.md)",
                    0,
                ));
            }
            return Ok(Exit::from(&verdict).worst(Exit::Failed));
        }
    }
    let lines = recorded.iter().filter(|byte| **byte == b'\n').count() as u64;
    answer(&format!(
        "identical {} in {}: {}, {} bytes\n",
        counted(args.times, "time", "times"),
        executor.name(),
        counted(lines, "line", "lines"),
        recorded.len()
    ))?;
    answer(&render::verdict(&verdict))?;
    Ok(Exit::from(&verdict))
}

/// How often the violation comes back, and whether virtual time shows it too.
fn on_processes(args: &ReplayArgs, past: &PastRun, which: (&System, &Launch)) -> Result<Exit> {
    let failure = first_failure(&History::open(&past.folder)?.judge(&options(&args.judge)?)?);
    let (mut back, mut other, mut ran) = (0, 0, 0);
    let exit = repeat(&again(args, past), args.times, |_, run| {
        ran += 1;
        match (first_failure(&run.verdict), &failure) {
            (Some(now), Some(then)) if now.property == then.property => back += 1,
            (Some(_), _) => other += 1,
            (None, _) => {}
        }
    })?;
    let runs = counted(ran, "run", "runs");
    let text = match &failure {
        Some(failure) => {
            format!("the violation of {} came back in {back} of {runs} on real processes", failure.property)
        }
        None => format!("the run had no violation, and {} of {runs} on real processes had none", ran - other),
    };
    answer(&format!("{}\n", render::wrap(&text, 0)))?;
    if other > 0 && failure.is_some() {
        answer(&format!("another property was violated first in {other} of {runs}\n"))?;
    }
    match failure {
        Some(_) if past.executor == Executor::Processes => {
            let tried = frame_by_frame(args, past, which, Executor::Lockstep)?;
            Ok(exit.worst(tried))
        }
        _ => Ok(exit),
    }
}

/// The command line that runs the plan of a past run again.
pub fn again(args: &ReplayArgs, past: &PastRun) -> RunArgs {
    let (bin, foreign) =
        past.foreign.clone().map_or((None, NodeCommand::default()), |foreign| (Some(foreign.bin.clone()), foreign));
    RunArgs {
        system: past.system_args(),
        bug: past.bug.clone(),
        bin,
        bin_args: foreign.args,
        log_stderr: false,
        env: foreign.env.into_iter().collect(),
        wishes: WishArgs { beyond_model: past.plan.beyond_model, ..WishArgs::default() },
        plan: Some(past.folder.join("plan.json")),
        executor: args.executor.unwrap_or(past.executor),
        init_timeout: 10_000_000,
        runs: 1,
        verify: false,
        keep_going: true,
        out: args.out.clone(),
        judge: args.judge.clone(),
    }
}

/// A run on real processes, tried in virtual time frame by frame.
fn frame_by_frame(
    args: &ReplayArgs,
    past: &PastRun,
    (system, launch): (&System, &Launch),
    executor: Executor,
) -> Result<Exit> {
    let verdict = History::open(&past.folder)?.judge(&options(&args.judge)?)?;
    let plan = concretised(past, system)?;
    let path = past.folder.join(CONCRETE);
    std::fs::write(&path, plan.to_json()).with_context(|| format!("failed to write {}", path.display()))?;
    let folder = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let trial = Trials::new(system, executor, (launch, folder.path()))?.run(&plan)?;
    let text = compared(executor, first_failure(&verdict).as_ref(), &trial.verdict);
    answer(&format!("{}\n", render::wrap(&text, 0)))?;
    note(&format!("plan:  {}", path.display()));
    Ok(Exit::from(&trial.verdict))
}

/// What trying a run frame by frame has shown.
fn compared(executor: Executor, then: Option<&Failure>, now: &Verdict) -> String {
    let place = format!("frame by frame in {}", executor.name());
    match (then, first_failure(now)) {
        (Some(then), Some(now)) if *then == now => format!("{place}: reproduced, {} is violated", now.property),
        (Some(then), Some(now)) => {
            format!("{place}: not reproduced; {} is violated first, and was {} then", now.property, then.property)
        }
        (Some(then), None) => format!(
            "{place}: not reproduced; {} holds there. The violation depends on what the trace does not show: the order in \
             which a node reads its connections, or what it was doing when it was killed",
            then.property
        ),
        (None, Some(now)) => format!("{place}: {} is violated, and nothing was then", now.property),
        (None, None) => format!("{place}: nothing is violated, as then"),
    }
}

/// The plan of a past run on real processes, said frame by frame.
pub fn concretised(past: &PastRun, system: &System) -> Result<Plan> {
    let history = History::open(&past.folder)?;
    let trace = history.trace().map(Path::to_owned);
    let trace = trace.ok_or_else(|| {
        usage(format!("{} has no messages.jsonl: without it nobody knows which frames arrived", past.folder.display()))
    })?;
    let file = File::open(&trace).with_context(|| format!("failed to open {}", trace.display()))?;
    let begin_ns = past.main_phase_ns.unwrap_or(0);
    let mut plan = concrete((&past.plan, begin_ns), history.bytes()?, super::judging::unpacked(&file)?)?;
    // What a fault outside of links had lost is lost by a fault of links here.
    let within = check_against(&plan, &system.setting(plan.nodes.clone())).is_ok();
    plan.beyond_model = plan.beyond_model || !within;
    Ok(plan)
}
