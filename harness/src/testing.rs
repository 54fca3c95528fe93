//! temblor in a `#[test]`: plans are drawn, run and judged, and a violation is a panic that says why.
//!
//! ```no_run
//! use temblor::testing::Check;
//!
//! // The user's own program, judged by what FIFO broadcast promises.
//! Check::by("fifo").node("target/debug/my-node").nemesis("partition,kill").seeds(1..=5).run();
//! ```
//!
//! A type that implements [`Layer`] needs no program to be tried: with [`Check::layers`] it runs in virtual time, in this process,
//! thousands of times faster. A run in which nothing happened is no proof, so it panics too.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use temblor_checkers::judge::{FifoGaps, Options};
use temblor_checkers::verdict::Outcome;
use temblor_node::layer::Layer;
use temblor_workloads::draw::{Wishes, draw};
use temblor_workloads::plan::Plan;
use temblor_workloads::shrink::shrink;

pub use crate::cli::Executor;
use crate::cli::SystemArgs;
use crate::commands::execution::{Execution, INIT_TIMEOUT_US, Order, block_on, execute, open};
use crate::commands::explain;
use crate::diagram::text::{Charset, Colours, Style};
use crate::foreign::NodeCommand;
use crate::machine;
use crate::processes::{Interrupts, Launch};
use crate::system::{Layers, System};
use crate::trial::{SameFailure, Trials, first_failure};
use crate::words::counted;

/// So many smaller plans are tried at most, where virtual time makes that cheap.
const TRIES: u64 = 2_000;

/// What is to be checked, and how hard.
#[derive(Debug)]
pub struct Check {
    system: SystemArgs,
    node: Option<NodeCommand>,
    layers: Option<Layers>,
    executor: Executor,
    nodes: u16,
    wishes: Wishes,
    workload: Option<String>,
    seeds: RangeInclusive<u64>,
    plan: Option<PathBuf>,
    results: Option<PathBuf>,
}

/// What the runs came to, where none violated anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Runs that count.
    pub runs: u64,
    /// Requests that were acknowledged in them.
    pub acknowledged: u64,
    /// Deliveries in them.
    pub deliveries: u64,
}

impl Check {
    /// A check by the promises and within the system model of this algorithm (`temblor list algorithms`).
    pub fn by(algorithm: &str) -> Self {
        let system = SystemArgs { algorithm: algorithm.to_owned(), over: None, fanout: None, http: false };
        let wishes = Wishes { length_us: 1_000_000, ..Wishes::default() };
        Self {
            system,
            node: None,
            layers: None,
            executor: Executor::Processes,
            nodes: 3,
            wishes,
            workload: None,
            seeds: 1..=1,
            plan: None,
            results: None,
        }
    }

    /// The same over this layer: `Check::by("fifo").over("durable-eager")`.
    #[must_use]
    pub fn over(mut self, layer: &str) -> Self {
        self.system.over = Some(layer.to_owned());
        self
    }

    /// Runs this program as each node. Without it the nodes are temblor's own, and [`Executor::Sim`] is the only choice.
    #[must_use]
    pub fn node(mut self, program: impl Into<PathBuf>) -> Self {
        self.node.get_or_insert_default().bin = program.into();
        self
    }

    /// Arguments of the program.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.node.get_or_insert_default().args = args.into_iter().map(Into::into).collect();
        self
    }

    /// An environment variable of the program.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.node.get_or_insert_default().env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs nodes of these layers, the top one first, in virtual time in this process.
    #[must_use]
    pub fn layers(mut self, build: fn() -> Vec<Box<dyn Layer>>) -> Self {
        self.layers = Some(build);
        self.executor = Executor::Sim;
        self
    }

    /// What carries the plans out.
    #[must_use]
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = executor;
        self
    }

    /// How many nodes; 3 if not said.
    #[must_use]
    pub fn nodes(mut self, nodes: u16) -> Self {
        self.nodes = nodes;
        self
    }

    /// Faults: names or classes of `temblor list faults`, `none`, or `all` that the model allows, which is what is meant if nothing
    /// is said.
    #[must_use]
    pub fn nemesis(mut self, list: &str) -> Self {
        self.wishes.nemesis = list.split(',').map(|name| name.trim().to_owned()).collect();
        self
    }

    /// What clients do (`temblor list workloads`).
    #[must_use]
    pub fn workload(mut self, name: &str) -> Self {
        self.workload = Some(name.to_owned());
        self
    }

    /// Length of the main phase of each run; a second if not said.
    #[must_use]
    pub fn time_limit(mut self, length: Duration) -> Self {
        self.wishes.length_us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        self
    }

    /// Requests a second, over all nodes; 50 if not said.
    #[must_use]
    pub fn rate(mut self, rate: u32) -> Self {
        self.wishes.rate = rate;
        self
    }

    /// One run for each of these seeds; seed 1 if not said.
    #[must_use]
    pub fn seeds(mut self, seeds: RangeInclusive<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Runs the plan of this file, and draws none.
    #[must_use]
    pub fn plan(mut self, path: impl Into<PathBuf>) -> Self {
        self.plan = Some(path.into());
        self
    }

    /// Where the folders of runs that failed stay; `target/temblor` if not said.
    #[must_use]
    pub fn results(mut self, folder: impl Into<PathBuf>) -> Self {
        self.results = Some(folder.into());
        self
    }

    /// Does it.
    ///
    /// # Panics
    /// A promise was broken: the message is the witness, as `temblor explain` shows it. Or something could not be run, or nothing
    /// was proved by any run.
    pub fn run(&self) -> Passed {
        match self.try_run() {
            Ok(passed) => passed,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// The same, with what would be the message of the panic as an error.
    ///
    /// # Errors
    /// As [`Check::run`] panics.
    pub fn try_run(&self) -> Result<Passed> {
        let mut system = System::find(&self.system, None)?;
        if let Some(build) = self.layers {
            system = system.of_layers(build);
        }
        let launch = self.launch(&system)?;
        let mut passed = Passed { runs: 0, acknowledged: 0, deliveries: 0 };
        let mut doubtful = Vec::new();
        for seed in self.seeds.clone() {
            let plan = self.drawn(&system, seed)?;
            let mut execution = self.execute((&system, &launch), &plan)?;
            if let Some(failure) = execution.failures.pop() {
                return Err(failure);
            }
            match &execution.verdict.outcome {
                Outcome::Clean => {
                    passed.runs += 1;
                    passed.acknowledged += execution.verdict.counts.acknowledged;
                    passed.deliveries += execution.verdict.counts.deliveries;
                    std::fs::remove_dir_all(execution.folder.path()).context("failed to remove the run folder")?;
                }
                Outcome::Violation => return Err(self.violated((&system, &launch), &plan, &execution)?),
                Outcome::Nothing(reason) => doubtful.push(format!("seed {seed}: {reason}")),
                Outcome::Inconclusive(reasons) => doubtful.push(format!("seed {seed}: {}", reasons.join("; "))),
            }
            if self.plan.is_some() {
                break;
            }
        }
        match doubtful.first() {
            None => Ok(passed),
            Some(first) => {
                let count = counted(doubtful.len(), "run proves nothing", "runs prove nothing");
                Err(anyhow!("{count}; {first}\nfiles: {}", self.folder().display()))
            }
        }
    }

    fn launch(&self, system: &System) -> Result<Launch> {
        match (&self.node, self.executor) {
            (Some(node), _) => system.launch(Some(node)),
            (None, Executor::Sim) => system.launch(None),
            (None, executor) => Err(anyhow!(
                "{} needs a program: name it by `Check::node`, or let layers run in `sim`",
                executor.name()
            )),
        }
    }

    fn drawn(&self, system: &System, seed: u64) -> Result<Plan> {
        if let Some(path) = &self.plan {
            let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
            let place = |error: temblor_workloads::text::PlanError| anyhow!("{}, {error}", path.display());
            let plan = Plan::parse(&text).map_err(place)?;
            plan.validate(&text, &system.setting(plan.nodes.clone())).map_err(place)?;
            return Ok(plan);
        }
        let nodes = (1..=self.nodes).map(|number| format!("n{number}")).collect();
        let first = temblor_workloads::workloads::of(system.asks()).next().expect("there is one for each");
        let workload = self.workload.clone().unwrap_or_else(|| first.name.to_owned());
        Ok(draw(&system.setting(nodes), &Wishes { workload, ..self.wishes.clone() }, seed)?)
    }

    fn execute(&self, (system, launch): (&System, &Launch), plan: &Plan) -> Result<Execution> {
        let (results, program) = (self.folder(), machine::program(&launch.program)?);
        let options = Options { require: None, fifo_gaps: FifoGaps::Forbidden };
        let order = Order {
            system,
            launch,
            program: &program,
            foreign: self.node.as_ref(),
            plan,
            executor: self.executor,
            init_timeout_us: INIT_TIMEOUT_US,
            results: &results,
            options: &options,
        };
        let folder = open(&order)?;
        block_on(async { execute(&order, folder, &Interrupts::none()).await })
    }

    /// Why a run failed: the smallest plan's witness where virtual time makes it cheap to find, else its own.
    fn violated(&self, what: (&System, &Launch), plan: &Plan, execution: &Execution) -> Result<anyhow::Error> {
        let smaller = match self.executor {
            Executor::Processes => None,
            _ => self.smaller(what, plan, execution)?,
        };
        let shown = smaller.as_ref().unwrap_or(execution);
        let folder = shown.folder.path();
        let why =
            explain::first(folder, Style { charset: Charset::Unicode, colours: Colours::Without })?.unwrap_or_default();
        let shrunk = match &smaller {
            Some(small) => format!("The plan of seed {} was shrunk. ", plan.seed) + &size(small.folder.path()),
            None => String::new(),
        };
        let again = format!("all of it:  temblor explain {}", folder.display());
        Ok(anyhow!(
            "{}\n\n{why}\n{shrunk}\n{again}\nits plan:   {}",
            headline(shown),
            folder.join("plan.json").display()
        ))
    }

    /// The run of the smallest plan that fails in the same way.
    fn smaller(&self, what: (&System, &Launch), plan: &Plan, execution: &Execution) -> Result<Option<Execution>> {
        let Some(failure) = first_failure(&execution.verdict) else { return Ok(None) };
        let scratch = tempfile::tempdir().context("failed to make a folder for the nodes")?;
        let trials = Trials::new(what.0, self.executor, (what.1, scratch.path()))?;
        let tried = std::cell::Cell::new(0);
        let goes_on = || {
            tried.set(tried.get() + 1);
            tried.get() <= TRIES
        };
        let best = std::cell::RefCell::new(None);
        let mut same = SameFailure::new((&trials, failure), goes_on, |plan| *best.borrow_mut() = Some(plan.clone()));
        shrink(plan.clone(), &mut same);
        drop(same);
        best.into_inner().map(|small| self.execute(what, &small)).transpose()
    }

    /// Where run folders go: beside what was built, where that can be told.
    fn folder(&self) -> PathBuf {
        let beside = || {
            let program = std::env::current_exe().ok()?;
            let built = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
            Some(built.join("temblor"))
        };
        self.results.clone().or_else(beside).unwrap_or_else(|| std::env::temp_dir().join("temblor"))
    }
}

/// What was violated, in a line.
fn headline(execution: &Execution) -> String {
    let broken = first_failure(&execution.verdict).map(|failure| failure.property).unwrap_or_default();
    format!("VIOLATION of {broken}, by the promises of {}", execution.verdict.system)
}

/// How large the plan in this folder is, in words.
fn size(folder: &std::path::Path) -> String {
    let plan = std::fs::read_to_string(folder.join("plan.json")).ok().and_then(|text| Plan::parse(&text).ok());
    plan.map_or(String::new(), |plan| {
        let operations = counted(plan.operations.len() + plan.rules.len(), "request", "requests");
        format!("{operations} and {} are left.", counted(plan.faults.len(), "fault", "faults"))
    })
}
