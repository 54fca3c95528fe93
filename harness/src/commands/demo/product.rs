//! What the demo runs: the product of algorithms and the fault classes of their models, and the planted bugs.

use anyhow::Result;
use temblor_node::algorithms::{ALGORITHMS, Algorithm};
use temblor_node::bugs::{BUGS, BugEntry};
use temblor_workloads::demonstrations;
use temblor_workloads::draw::{Wishes, draw};
use temblor_workloads::faults::FAULTS;
use temblor_workloads::plan::Plan;
use temblor_workloads::workloads;

use super::NODES;
use crate::cli::{DemoArgs, Executor, SystemArgs};
use crate::exit::usage;
use crate::system::System;

/// The column of the runs without faults.
pub const NO_FAULT: &str = "none";
/// Broadcasts a second ...
const RATE: u32 = 50;
/// ... and where something is judged as a statistic.
const RATE_STATISTIC: u32 = 200;

/// One run of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// What is to be shown.
    pub subject: Subject,
    /// What it runs on.
    pub executor: Executor,
}

/// What a run is to show.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// An unchanged algorithm keeps its promises under a class of faults, or under [`NO_FAULT`].
    Cell {
        /// The algorithm, over its layer.
        algorithm: &'static Algorithm,
        /// The class of faults.
        class: &'static str,
    },
    /// A planted bug is found.
    Bug(&'static BugEntry),
}

impl Task {
    /// The bug, if it is about one.
    pub fn bug(&self) -> Option<&'static BugEntry> {
        match self.subject {
            Subject::Bug(entry) => Some(entry),
            Subject::Cell { .. } => None,
        }
    }

    /// Whether this is the cell of an algorithm and a class.
    pub fn is_cell(&self, algorithm: &Algorithm, class: &str) -> bool {
        let of = |its: &Algorithm| (its.name, its.over) == (algorithm.name, algorithm.over);
        matches!(self.subject, Subject::Cell { algorithm: its, class: own } if of(its) && own == class)
    }

    /// The system that it runs.
    pub fn system(&self) -> Result<System> {
        match self.subject {
            Subject::Cell { algorithm, .. } => system(algorithm, None),
            Subject::Bug(entry) => {
                let args = SystemArgs { algorithm: entry.algorithm.to_owned(), over: None, fanout: None, http: false };
                System::find(&args, Some(entry.name))
            }
        }
    }

    /// Its plan: a cell's is drawn from the seed, for the `attempt`th time (from 0); a bug's is its demonstration.
    pub fn plan(&self, system: &System, (seed, attempt, length_us): (u64, usize, u64)) -> Result<Plan> {
        match self.subject {
            Subject::Cell { class, .. } => {
                let wishes = Wishes {
                    workload: workload(system, attempt).to_owned(),
                    nemesis: vec![class.to_owned()],
                    length_us,
                    rate: if system.is_judged_as_statistic() { RATE_STATISTIC } else { RATE },
                    ..Wishes::default()
                };
                draw(&system.setting(nodes()), &wishes, seed).map_err(|error| usage(error.to_string()))
            }
            Subject::Bug(entry) => {
                let text = demonstrations::find(entry.name).expect("every bug has a demonstration");
                Plan::parse(text).map_err(|error| anyhow::anyhow!("the demonstration of {}: {error}", entry.name))
            }
        }
    }

    /// What it is, in words.
    pub fn what(&self) -> String {
        match self.subject {
            Subject::Cell { algorithm, class: NO_FAULT } => format!("{} without faults", name(algorithm)),
            Subject::Cell { algorithm, class } => format!("{} under {class}", name(algorithm)),
            Subject::Bug(entry) => format!("{}, bug {}", entry.algorithm, entry.name),
        }
    }
}

/// The algorithms of these names, each over all its layers; all of them if no name is given.
pub fn systems(names: &[String]) -> Result<Vec<&'static Algorithm>> {
    let known = |name: &&String| ALGORITHMS.iter().any(|algorithm| algorithm.name == name.as_str());
    if let Some(stranger) = names.iter().find(|name| !known(name)) {
        return Err(usage(format!("there is no algorithm {stranger}; see temblor list algorithms")));
    }
    let wanted = |algorithm: &&Algorithm| names.is_empty() || names.iter().any(|name| name == algorithm.name);
    Ok(ALGORITHMS.iter().filter(wanted).collect())
}

/// The columns of the matrix: no fault, and each class of faults.
pub fn classes() -> Vec<&'static str> {
    let mut classes = vec![NO_FAULT];
    for fault in FAULTS {
        if !classes.contains(&fault.class) {
            classes.push(fault.class);
        }
    }
    classes
}

/// Everything that is to be run: all cells, then the bugs.
pub fn tasks(systems: &[&'static Algorithm], args: &DemoArgs) -> Vec<Task> {
    let executors = match args.executor {
        Some(executor) => vec![executor],
        None if args.full => vec![Executor::Processes, Executor::Lockstep, Executor::Sim],
        None => vec![Executor::Processes],
    };
    let bugs = bugs(systems, args);
    let mut tasks = Vec::new();
    // Of consensus, a plan shows a bug for sure in virtual time only.
    let elsewhere = executors == [Executor::Processes];
    let by_time = bugs.iter().filter(|entry| elsewhere && entry.is_of_consensus());
    let in_lockstep = by_time.map(|entry| Task { subject: Subject::Bug(entry), executor: Executor::Lockstep });
    let in_lockstep: Vec<Task> = in_lockstep.collect();
    for executor in executors {
        for algorithm in systems {
            let within = classes().into_iter().filter(|class| is_within(algorithm, class));
            tasks.extend(within.map(|class| Task { subject: Subject::Cell { algorithm, class }, executor }));
        }
        let here = bugs.iter().filter(|entry| executor != Executor::Processes || !entry.is_of_consensus());
        tasks.extend(here.map(|entry| Task { subject: Subject::Bug(entry), executor }));
    }
    tasks.extend(in_lockstep);
    tasks
}

/// The bugs that are shown: all in full, else one of each algorithm, one that needs a fault where there is one.
fn bugs(systems: &[&'static Algorithm], args: &DemoArgs) -> Vec<&'static BugEntry> {
    let mut chosen: Vec<&BugEntry> = Vec::new();
    for algorithm in systems {
        let of: Vec<&BugEntry> = BUGS.iter().filter(|entry| entry.algorithm == algorithm.name).collect();
        if chosen.iter().any(|entry| entry.algorithm == algorithm.name) {
            // The algorithm stands there over another layer already.
        } else if args.full {
            chosen.extend(of);
        } else {
            chosen.extend(of.iter().find(|entry| entry.needs.is_some()).or(of.first()));
        }
    }
    chosen
}

/// Whether an algorithm claims to withstand some fault of a class.
fn is_within(algorithm: &'static Algorithm, class: &str) -> bool {
    let setting = system(algorithm, None).expect("the algorithm stands in the table").setting(nodes());
    class == NO_FAULT || FAULTS.iter().any(|fault| fault.class == class && (fault.within)(&setting))
}

/// Only a chat shows whether causes come first. Who tries again tries another workload.
fn workload(system: &System, attempt: usize) -> &'static str {
    let names: Vec<&str> = workloads::of(system.asks()).map(|workload| workload.name).collect();
    let first = names.iter().position(|name| *name == "chat" && system.promises("causal-order")).unwrap_or(0);
    names[(first + attempt) % names.len()]
}

fn nodes() -> Vec<String> {
    (1..=NODES).map(|number| format!("n{number}")).collect()
}

fn system(algorithm: &Algorithm, bug: Option<&str>) -> Result<System> {
    let args = SystemArgs {
        algorithm: algorithm.name.to_owned(),
        over: algorithm.over.map(str::to_owned),
        fanout: None,
        http: false,
    };
    System::find(&args, bug)
}

/// An algorithm's name, with the layer below where that is not its default.
pub fn name(algorithm: &Algorithm) -> String {
    system(algorithm, None).expect("the algorithm stands in the table").name()
}
