//! `temblor run`: from the command line to files in a run folder and a verdict.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use temblor_checkers::verdict::Verdict;
use temblor_workloads::plan::Plan;

use super::execution::{Execution, Order, block_on, die_of_panics, execute, open};
use super::judging::options;
use super::report::REPORT;
use super::{answer, complain, note};
use crate::cli::{Executor, RunArgs};
use crate::difference::Difference;
use crate::drawing;
use crate::exit::{Exit, usage};
use crate::machine;
use crate::processes::{Ended, Interrupts, Launch};
use crate::render;
use crate::results::RunFolder;
use crate::system::System;
use crate::trial::Trials;
use crate::words::counted;

/// Runs a plan, or one plan a seed, and judges each run.
pub fn run(args: &RunArgs) -> Result<Exit> {
    options(&args.judge)?;
    if args.verify && args.executor == Executor::Processes {
        return Err(usage("--verify needs virtual time: --executor lockstep or sim".to_owned()));
    }
    if args.bin.is_some() && args.executor == Executor::Sim {
        return Err(usage("sim runs temblor's own nodes only; use --executor lockstep".to_owned()));
    }
    let system = System::find(&args.system.or_of(args.wishes.workload.as_deref())?, args.bug.as_deref())?;
    let mut launch = system.launch(args.foreign().as_ref())?;
    launch.log_stderr = args.log_stderr;
    let plans = Plans::new(args, &system)?;
    die_of_panics();
    block_on(run_all(args, (&system, &launch), &plans))
}

/// Where the plans come from.
enum Plans<'a> {
    One(Box<Plan>),
    Seeds { args: &'a RunArgs, first: u64 },
}

impl<'a> Plans<'a> {
    fn new(args: &'a RunArgs, system: &System) -> Result<Self> {
        if let Some(path) = &args.plan {
            let plan = drawing::read(system, &args.wishes, path)?;
            if args.executor == Executor::Processes {
                is_for_real_time(&plan)?;
            }
            return Ok(Plans::One(Box::new(plan)));
        }
        let first = args.wishes.seed.unwrap_or_else(drawing::fresh_seed);
        if first.checked_add(args.runs).is_none() {
            return Err(usage(format!(
                "seed {first} and {} from it go beyond the largest number",
                counted(args.runs, "run", "runs")
            )));
        }
        Ok(Plans::Seeds { args, first })
    }

    fn count(&self) -> u64 {
        match self {
            Plans::One(_) => 1,
            Plans::Seeds { args, .. } => args.runs,
        }
    }

    fn plan(&self, system: &System, at: u64) -> Result<Plan> {
        match self {
            Plans::One(plan) => Ok((**plan).clone()),
            Plans::Seeds { args, first } => drawing::drawn(system, &args.wishes, first + at),
        }
    }
}

/// Nobody can say on real processes when a frame arrives, or what lies between two outputs of a node.
fn is_for_real_time(plan: &Plan) -> Result<()> {
    let refused =
        |what: String| usage(format!("{what}, which only virtual time can do; use --executor lockstep or sim"));
    let of_operations = plan.operations.iter().map(|operation| (&operation.when, operation.number));
    if let Some((_, message)) = of_operations.into_iter().find(|(when, _)| when.needs_virtual_time()) {
        return Err(refused(format!("the operation {message} waits for an input of a node")));
    }
    for fault in &plan.faults {
        if fault.when.needs_virtual_time() {
            return Err(refused(format!("fault {} waits for an input of a node", fault.id)));
        }
        if fault.fault.needs_virtual_time() {
            return Err(refused(format!("fault {} has frames with an arrival time (at_us)", fault.id)));
        }
    }
    Ok(())
}

async fn run_all(args: &RunArgs, (system, launch): (&System, &Launch), plans: &Plans<'_>) -> Result<Exit> {
    let interrupts = Interrupts::listen().context("failed to listen for signals")?;
    let program = machine::program(&launch.program)?;
    let (mut exit, mut finished, mut violations) = (Exit::Clean, 0, 0);
    for at in 0..plans.count() {
        let plan = plans.plan(system, at)?;
        let run = run_one(args, (system, launch, &program), (&plan, &interrupts)).await?;
        report(args, &run)?;
        // Once there is a violation, `latest` stays at the first one.
        if violations == 0 {
            run.folder.make_latest()?;
        }
        finished += 1;
        violations += u64::from(run.exit == Exit::Violation);
        exit = exit.worst(run.exit);
        let over = run.exit == Exit::Violation && !args.keep_going;
        if over || interrupts.count() > 0 || run.exit == Exit::Failed {
            break;
        }
    }
    if plans.count() > 1 {
        note(&format!("{finished} of {}, {violations} with a violation", counted(plans.count(), "run", "runs")));
    }
    Ok(exit)
}

/// Runs the plan of `args` again and again, without a word on stdout; an interrupt ends that.
pub fn repeat(args: &RunArgs, times: u64, mut each: impl FnMut(u64, &Run)) -> Result<Exit> {
    let system = System::find(&args.system, args.bug.as_deref())?;
    let (launch, plans) = (system.launch(args.foreign().as_ref())?, Plans::new(args, &system)?);
    let program = machine::program(&launch.program)?;
    die_of_panics();
    block_on(async {
        let interrupts = Interrupts::listen().context("failed to listen for signals")?;
        let mut exit = Exit::Clean;
        for nth in 1..=times {
            let run = run_one(args, (&system, &launch, &program), (&plans.plan(&system, 0)?, &interrupts)).await?;
            exit = exit.worst(run.exit);
            each(nth, &run);
            if interrupts.count() > 0 || run.exit == Exit::Failed {
                break;
            }
        }
        Ok(exit)
    })
}

/// A finished run.
pub struct Run {
    /// Its files.
    pub folder: RunFolder,
    /// What its history proves.
    pub verdict: Verdict,
    /// What became of it.
    pub exit: Exit,
    cost: Option<Cost>,
}

async fn run_one(
    args: &RunArgs,
    (system, launch, program): (&System, &Launch, &Value),
    (plan, interrupts): (&Plan, &Interrupts),
) -> Result<Run> {
    let foreign = args.foreign();
    let order = Order {
        system,
        launch,
        program,
        foreign: foreign.as_ref(),
        plan,
        executor: args.executor,
        init_timeout_us: args.init_timeout,
        results: &args.out,
        options: &options(&args.judge)?,
    };
    let folder = open(&order)?;
    announce(args, system, plan);
    let execution = execute(&order, folder, interrupts).await?;
    let (mut exit, cost) = (execution.exit(), Cost::of(&execution.ended, &execution.verdict));
    let Execution { folder, ended, verdict, failures } = execution;
    ended.notes.iter().for_each(|text| note(&render::wrap(text, 0)));
    failures.iter().for_each(complain);
    if args.verify
        && let Some(unlike) = second(args, (system, launch), (plan, &folder))?
    {
        complain(&unlike);
        exit = exit.worst(Exit::Failed);
    }
    Ok(Run { folder, verdict, exit, cost })
}

/// Runs the plan a second time, in memory: how the history differs from that in the folder, if it does.
fn second(
    args: &RunArgs,
    (system, launch): (&System, &Launch),
    (plan, folder): (&Plan, &RunFolder),
) -> Result<Option<anyhow::Error>> {
    let scratch = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let trial = Trials::new(system, args.executor, (launch, scratch.path()))?.run(plan)?;
    let path = folder.file("history.jsonl");
    let first = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let difference = Difference::first(&first, &trial.facts.history);
    Ok(difference.map(|difference| {
        anyhow!(
            "the same plan gave two histories: they part at line {}\n{difference}a node does not keep the contract of a \
             virtual clock (node/PROTOCOL.md): it reads a clock, draws a number, or depends on an order that its memory or its \
             threads choose",
            difference.line
        )
    }))
}

/// What a broadcast cost the network: frames and bytes, retransmissions and acknowledgements included.
struct Cost {
    frames: u64,
    bytes: u64,
    broadcasts: u64,
}

impl Cost {
    /// `None` for a run without a broadcast, or one in which nodes had nothing to say to each other.
    fn of(ended: &Ended, verdict: &Verdict) -> Option<Self> {
        let totals = ended.facts.pointer("/network/totals").unwrap_or(&ended.facts);
        let number = |names: [&str; 2]| names.iter().find_map(|name| totals.get(*name)?.as_u64());
        let (frames, bytes) = (number(["frames_in", "frames"])?, number(["bytes_in", "bytes"])?);
        let broadcasts = verdict.counts.broadcasts.max(verdict.counts.acknowledged);
        (broadcasts > 0 && frames > 0).then_some(Self { frames, bytes, broadcasts })
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { frames, bytes, broadcasts } = self;
        let tenths = frames * 10 / broadcasts;
        let (whole, tenth, each) = (tenths / 10, tenths % 10, bytes / broadcasts);
        write!(f, "cost:  {whole}.{tenth} frames and {each} bytes a broadcast, {frames} frames in all")
    }
}

/// What is about to run, so that a person can do it again.
fn announce(args: &RunArgs, system: &System, plan: &Plan) {
    let bug = args.bug.as_ref().map_or(String::new(), |bug| format!(", bug {bug}"));
    let text = format!(
        "{}{bug}: {}, {}, {}, {} s, seed {}",
        system.name(),
        counted(plan.nodes.len(), "node", "nodes"),
        counted(plan.operations.len() + plan.rules.len(), "operation", "operations"),
        counted(plan.faults.len(), "fault", "faults"),
        render::seconds(plan.length_us),
        plan.seed
    );
    note(&render::wrap(&text, 0));
}

/// The verdict, and where to read on.
fn report(args: &RunArgs, run: &Run) -> Result<()> {
    let Run { folder, verdict, cost, .. } = run;
    if args.judge.json {
        answer(&format!("{}\n", serde_json::to_string(verdict)?))?;
    } else {
        answer(&render::verdict(verdict))?;
    }
    let path: &Path = folder.path();
    if Exit::from(verdict) == Exit::Violation {
        note(&format!("why:   temblor explain {}", path.display()));
        note(&format!("page:  {}", folder.file(REPORT).display()));
    }
    note(&format!("files: {}", path.display()));
    if let Some(cost) = cost {
        note(&cost.to_string());
    }
    Ok(())
}
