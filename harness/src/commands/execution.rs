//! One execution, as `run` and `demo` make it: from a plan to files in a run folder and a verdict.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use temblor_checkers::judge::Options;
use temblor_checkers::verdict::Verdict;
use temblor_workloads::plan::Plan;
use tokio::task::LocalSet;

use super::judging::History;
use super::report::{self, REPORT};
use crate::cli::Executor;
use crate::exit::Exit;
use crate::foreign::NodeCommand;
use crate::machine;
use crate::processes::{self, Ended, Interrupts, Launch, Setup};
use crate::results::RunFolder;
use crate::system::System;
use crate::virtual_time::{self, Lockstep};

/// How long a node has to answer `init` where nobody says, us.
pub const INIT_TIMEOUT_US: u64 = 10_000_000;

/// What is to be executed, and how.
pub struct Order<'a> {
    /// What runs, with its bug if one is planted.
    pub system: &'a System,
    /// How one of its nodes is started.
    pub launch: &'a Launch,
    /// The program that it starts, as [`machine::program`] describes it.
    pub program: &'a Value,
    /// Somebody else's program, if that is what is started.
    pub foreign: Option<&'a NodeCommand>,
    /// What is done to it.
    pub plan: &'a Plan,
    /// What carries it out.
    pub executor: Executor,
    /// How long a node has to answer `init`, us.
    pub init_timeout_us: u64,
    /// Where the run folder is made.
    pub results: &'a Path,
    /// How the history is judged.
    pub options: &'a Options,
}

/// What an execution came to.
pub struct Execution {
    /// Where its files are.
    pub folder: RunFolder,
    /// How it ended.
    pub ended: Ended,
    /// What its history proves.
    pub verdict: Verdict,
    /// Files that could not be written, without which the verdict stands all the same.
    pub failures: Vec<anyhow::Error>,
}

/// A panic in any task ends the controller, which its keeper notices; the runtime alone would only drop the task.
pub fn die_of_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(i32::from(Exit::Failed.code()));
    }));
}

/// Waits for work that executes orders, on this thread alone.
///
/// # Errors
/// Those of the work; or there is no runtime to be had.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.context("failed to start the runtime")?, work)
}

/// Makes the run folder of an order, with the plan in it.
///
/// # Errors
/// It cannot be written, or the run would need more descriptors than are allowed.
pub fn open(order: &Order<'_>) -> Result<RunFolder> {
    open_as(order, || RunFolder::create(order.results, &order.system.name(), order.plan.seed))
}

/// The same, with a folder that the caller makes.
///
/// # Errors
/// As with [`open`].
pub fn open_as(order: &Order<'_>, make: impl FnOnce() -> Result<RunFolder>) -> Result<RunFolder> {
    if order.executor == Executor::Processes {
        // Before there is anything that would be left behind.
        processes::provide_descriptors(order.plan.nodes.len(), 1)?;
    }
    let folder = make()?;
    folder.write("plan.json", order.plan.to_json().as_bytes())?;
    Ok(folder)
}

/// Executes an order. What is said of it is the caller's business.
///
/// # Errors
/// It could not be begun, or left no history that can be judged.
pub async fn execute(order: &Order<'_>, folder: RunFolder, interrupts: &Interrupts) -> Result<Execution> {
    let Order { system, launch, plan, executor, init_timeout_us, options, .. } = *order;
    let record = record(order)?;
    folder.write("run.json", (serde_json::to_string_pretty(&record)? + "\n").as_bytes())?;
    let (header, bound_ms) = (system.header(plan)?, system.bound_ms());
    let setup = Setup { plan, header: &header, launch, folder: &folder, bound_ms, init_timeout_us, interrupts };
    let ended = match executor {
        Executor::Processes => processes::run(&setup).await,
        Executor::Lockstep => virtual_time::carry_out(&setup, lockstep(&setup)),
        Executor::Sim => virtual_time::carry_out(&setup, system.simulated(&plan.nodes)?),
    };
    folder.tidy();
    let mut ended = ended.with_context(|| format!("the run in {} failed", folder.path().display()))?;
    let kept = keep(&folder, record, &ended);
    let history = History::open(folder.path())?;
    let verdict = history.judge(options)?;
    let written = folder.write("verdict.json", (serde_json::to_string_pretty(&verdict)? + "\n").as_bytes());
    let shown = match Exit::from(&verdict) {
        Exit::Violation => report::write((&history, &verdict), folder.path(), &folder.file(REPORT)),
        _ => Ok(()),
    };
    let failures = [ended.failure.take(), kept.err(), written.err(), shown.err()].into_iter().flatten().collect();
    Ok(Execution { folder, ended, verdict, failures })
}

impl Execution {
    /// The exit code that it comes to.
    pub fn exit(&self) -> Exit {
        let mut exit = Exit::from(&self.verdict);
        if !self.failures.is_empty() {
            exit = exit.worst(Exit::Failed);
        }
        if self.ended.aborted {
            exit = exit.worst(Exit::Inconclusive);
        }
        exit
    }
}

/// The nodes of a run in lockstep.
fn lockstep(setup: &Setup<'_>) -> Lockstep {
    Lockstep::new(setup.launch.clone(), &setup.plan.nodes, setup.folder.file("nodes"))
}

/// What `run.json` says before the run begins: all that a replay needs, should nothing be added to it.
fn record(order: &Order<'_>) -> Result<Value> {
    let command: Vec<String> = std::env::args().collect();
    let foreign = order.foreign.cloned().unwrap_or_default();
    Ok(json!({
        "format": 1,
        "temblor": env!("CARGO_PKG_VERSION"),
        "command": command,
        "bug": order.system.bug(),
        "seed": order.plan.seed,
        "executor": order.executor.name(),
        "bin": order.foreign.map(|foreign| &foreign.bin),
        "bin_args": foreign.args,
        "bin_env": foreign.env,
        "node": order.program,
        "node_command": order.launch.to_string(),
        "machine": machine::describe(),
    }))
}

/// `run.json`: all that differs from run to run.
fn keep(folder: &RunFolder, mut record: Value, ended: &Ended) -> Result<()> {
    record["run"] = ended.facts.clone();
    record["notes"] = json!(ended.notes);
    folder.write("run.json", (serde_json::to_string_pretty(&record)? + "\n").as_bytes())
}
