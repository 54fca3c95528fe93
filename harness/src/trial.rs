//! Trials: plans that are run in virtual time, judged, and forgotten.
//!
//! What searches (a hunt, a shrink) runs thousands of plans and keeps none of their files; what it finds is a plan, which any
//! executor can run again and leave a run folder of.

use std::io::Seek;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use temblor_checkers::check::check;
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing, Verdict};
use temblor_workloads::plan::Plan;
use temblor_workloads::shrink::{Moments, Oracle};
use temblor_workloads::validity::check_against;

use crate::cli::Executor;
use crate::commands::execution::{INIT_TIMEOUT_US, Order, block_on, execute, open};
use crate::concrete::{bitten, came_about};
use crate::exit::usage;
use crate::machine;
use crate::processes::{Interrupts, Launch};
use crate::system::System;
use crate::virtual_time::{Facts, Files, LATENCY_MAX_NS, Lockstep, run};

/// Where plans are tried.
#[derive(Debug)]
pub struct Trials<'a> {
    /// The system under test.
    pub system: &'a System,
    /// What its nodes run on.
    ground: Ground<'a>,
}

#[derive(Debug)]
enum Ground<'a> {
    Simulated,
    Lockstep { launch: &'a Launch, folder: &'a Path },
    Processes { launch: &'a Launch, folder: &'a Path },
}

/// One plan, tried.
#[derive(Debug)]
pub struct Trial {
    /// What the run came to.
    pub facts: Facts,
    /// What its history proves.
    pub verdict: Verdict,
}

/// How a run fails: what shrinking keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The property that was violated first.
    pub property: String,
    /// The shape of the violation, such as `gap`.
    pub shape: String,
}

impl<'a> Trials<'a> {
    /// Trials of `system`; in lockstep `launch` says how to start a node, whose files go to `folder`.
    ///
    /// # Errors
    /// An executor in real time.
    pub fn new(system: &'a System, executor: Executor, (launch, folder): (&'a Launch, &'a Path)) -> Result<Self> {
        let ground = match executor {
            Executor::Sim => Ground::Simulated,
            Executor::Lockstep => Ground::Lockstep { launch, folder },
            Executor::Processes => {
                return Err(usage("this needs an executor in virtual time: --executor sim or lockstep".to_owned()));
            }
        };
        Ok(Self { system, ground })
    }

    /// Trials on real processes, in real time; run folders are made in `folder`, and go when the run has been judged.
    pub fn on_processes(system: &'a System, launch: &'a Launch, folder: &'a Path) -> Self {
        Self { system, ground: Ground::Processes { launch, folder } }
    }

    /// Whether plans are tried in virtual time.
    pub fn is_virtual(&self) -> bool {
        !matches!(self.ground, Ground::Processes { .. })
    }

    /// Runs a plan and judges it.
    pub fn run(&self, plan: &Plan) -> Result<Trial> {
        match &self.ground {
            Ground::Processes { launch, folder } => self.run_on_processes(plan, (launch, folder)),
            Ground::Simulated | Ground::Lockstep { .. } => self.run_into(plan, Files::default()),
        }
    }

    fn run_on_processes(&self, plan: &Plan, (launch, folder): (&Launch, &Path)) -> Result<Trial> {
        let scratch = tempfile::tempdir_in(folder).context("failed to make a folder for the run")?;
        let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
        let order = Order {
            system: self.system,
            launch,
            program: &machine::program(&launch.program)?,
            foreign: None,
            plan,
            executor: Executor::Processes,
            init_timeout_us: INIT_TIMEOUT_US,
            results: scratch.path(),
            options: &options,
        };
        let folder = open(&order)?;
        let execution = block_on(async {
            let interrupts = Interrupts::listen().context("failed to listen for signals")?;
            let execution = execute(&order, folder, &interrupts).await?;
            if interrupts.count() > 0 {
                return Err(anyhow!("interrupted by {}", interrupts.name()));
            }
            Ok(execution)
        })?;
        let path = execution.folder.file("history.jsonl");
        let history = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let facts = Facts { notes: execution.ended.notes, history, ..Facts::default() };
        Ok(Trial { facts, verdict: execution.verdict })
    }

    /// The plan with its faults of links said frame by frame, as they come about when it runs; `None` if they do nothing.
    pub fn concrete(&self, plan: &Plan) -> Result<Option<Plan>> {
        let mut trace = tempfile::tempfile().context("failed to make a file for the trace")?;
        let messages = trace.try_clone().context("failed to share the trace")?;
        self.run_into(plan, Files { messages: Some(messages), ..Files::default() })?;
        trace.rewind().context("failed to read the trace")?;
        bitten(plan, trace, LATENCY_MAX_NS).context("failed to read the trace")
    }

    fn run_into(&self, plan: &Plan, files: Files<'_>) -> Result<Trial> {
        let header = self.system.header(plan)?;
        let what = (plan, &header, self.system.bound_ms());
        let facts = match &self.ground {
            Ground::Processes { .. } => {
                return Err(usage("frames are said one by one in virtual time only".to_owned()));
            }
            Ground::Simulated => run(what, self.system.simulated(&plan.nodes)?, files),
            Ground::Lockstep { launch, folder } => {
                // A node's directory is empty when it begins its first life.
                let scratch = tempfile::tempdir_in(folder).context("failed to make a folder for the nodes")?;
                let cluster = Lockstep::new((*launch).clone(), &plan.nodes, scratch.path().to_owned());
                run(what, cluster, files)
            }
        };
        let facts = facts.context("a history in memory can be written")?;
        let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
        let verdict = check(|| Ok(facts.history.as_slice()), &options)?;
        Ok(Trial { facts, verdict })
    }
}

impl Trial {
    /// How the run failed, if it did: by its first violation that is no consequence of another.
    pub fn failure(&self) -> Option<Failure> {
        first_failure(&self.verdict)
    }
}

/// The first violation of a promised property.
pub fn first_failure(verdict: &Verdict) -> Option<Failure> {
    let broken = |property: &&PropertyVerdict| {
        property.standing == Standing::Promised && property.judgement == Judgement::Invalid
    };
    let broken = verdict.properties.iter().filter(broken);
    let witnesses = broken.flat_map(|property| property.witnesses.iter().map(move |witness| (property, witness)));
    let first = witnesses.min_by_key(|(_, witness)| {
        let complete = witness.steps.iter().map(|step| step.index).max();
        (witness.consequence_of.is_some(), complete)
    });
    first.map(|(property, witness)| Failure { property: property.property.clone(), shape: witness.shape.clone() })
}

/// Asks trials whether a plan still fails in the same way.
pub struct SameFailure<'a> {
    trials: &'a Trials<'a>,
    failure: Failure,
    goes_on: Box<dyn Fn() -> bool + 'a>,
    keep: Box<dyn FnMut(&Plan) + 'a>,
    /// How many plans have been tried.
    pub tried: u64,
}

impl<'a> SameFailure<'a> {
    /// An oracle for plans that fail like this; `goes_on` says when to stop, `keep` gets each smaller plan.
    pub fn new(
        (trials, failure): (&'a Trials<'a>, Failure),
        goes_on: impl Fn() -> bool + 'a,
        keep: impl FnMut(&Plan) + 'a,
    ) -> Self {
        Self { trials, failure, goes_on: Box::new(goes_on), keep: Box::new(keep), tried: 0 }
    }
}

impl Oracle for SameFailure<'_> {
    fn fails(&mut self, plan: &Plan) -> bool {
        if check_against(plan, &self.trials.system.setting(plan.nodes.clone())).is_err() {
            return false;
        }
        self.tried += 1;
        // A plan that can't be run does not fail in the same way.
        self.trials.run(plan).is_ok_and(|trial| trial.failure().as_ref() == Some(&self.failure))
    }

    fn best(&mut self, plan: &Plan) {
        (self.keep)(plan);
    }

    fn concrete(&mut self, plan: &Plan) -> Option<Plan> {
        self.trials.concrete(plan).ok().flatten()
    }

    fn moments(&mut self, plan: &Plan) -> Option<Moments> {
        let trial = self.trials.run(plan).ok()?;
        came_about(trial.facts.history.as_slice()).ok()
    }

    fn goes_on(&self) -> bool {
        (self.goes_on)()
    }
}
