//! The lines of `runs.jsonl`: what each run came to. Whatever a campaign reports is computed from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temblor_checkers::verdict::Verdict;
use temblor_workloads::plan::Plan;

use super::cells::Cell;
use crate::mark::{Mark, of_run};
use crate::trial::{Failure, first_failure};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// A session begins: the first, or one after an interruption.
    Began(Began),
    /// A planted bug was looked for.
    Canary(CanaryLine),
    /// A failure of an earlier campaign was tried again.
    Regression(RegressionLine),
    /// A run is over.
    Run(Box<RunLine>),
    /// What became of the failure of a run.
    Triage(TriageLine),
    /// The session ended by itself, or a person ended it.
    Ended(Ended),
}

/// Where and when; nothing that a campaign came to depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// When, by the wall clock.
    pub date: String,
    /// Which shard, such as `2/3`.
    pub shard: String,
    /// Processor, kernel and memory.
    pub machine: serde_json::Value,
}

/// How a session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How long it took, ms.
    pub took_ms: u64,
    /// The signal that ended it, if one did.
    pub interrupted: Option<String>,
    /// How many runs went on at once, at least and at most, where the machine's load decided.
    pub at_once: (usize, usize),
}

/// Whether a planted bug was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryLine {
    /// What the nodes ran on.
    pub executor: String,
    /// The bug.
    pub bug: String,
    /// What it violates.
    pub property: String,
    /// Whether it was found.
    pub found: bool,
}

/// What a failure of an earlier campaign does now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegressionLine {
    /// Its file.
    pub name: String,
    /// What ran.
    pub system: String,
    /// The property that was violated then.
    pub property: String,
    /// What it came to: a violation, held, or failed.
    pub mark: Mark,
    /// In one sentence.
    pub why: String,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Which, from 0.
    pub k: u64,
    /// The scenario.
    pub scenario: String,
    /// What ran.
    pub system: String,
    /// Under which faults.
    pub under: String,
    /// How many nodes.
    pub nodes: u16,
    /// On what.
    pub executor: String,
    /// What clients did.
    pub workload: String,
    /// The seed of the plan.
    pub seed: u64,
    /// A hash of the plan.
    pub plan: String,
    /// What it came to.
    pub mark: Mark,
    /// In one sentence.
    pub why: String,
    /// How it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureLine>,
    /// Lines of the history.
    pub ops: u64,
    /// How often each property that was promised could have failed.
    pub exercised: BTreeMap<String, u64>,
    /// How often each class of faults took effect.
    pub bites: BTreeMap<String, u64>,
    /// The longest time until the service was back after a fault, us, by fault.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recovery_us: BTreeMap<String, u64>,
    /// How often it was made again because the machine or the harness was at fault.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
    /// Its folder, seen from that of the campaign, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Since the session began, ms.
    pub at_ms: u64,
}

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureLine {
    /// The property that was violated first.
    pub property: String,
    /// The shape of the violation.
    pub shape: String,
    /// In words.
    pub sentence: String,
}

/// What became of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageLine {
    /// The run.
    pub k: u64,
    /// Where it came back in virtual time: `sim` or `lockstep`.
    pub reproduced: Option<String>,
    /// By what failures are told apart beside the property: the shape of the violation, and the faults that it needs.
    pub shape: String,
    /// The smallest plan's operations and faults.
    pub size: (usize, usize),
    /// What the smallest plan's run shows, in words.
    pub sentence: String,
    /// The folder of the smallest plan's run, seen from that of the campaign.
    pub folder: Option<String>,
    /// The name of its file among the regressions.
    pub regression: Option<String>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl RunLine {
    /// A run that has been judged.
    pub fn judged((k, cell): (u64, &Cell), plan: &Plan, verdict: &Verdict) -> Self {
        let (mark, why) = of_run(&cell.classes(), verdict);
        let promised = verdict.properties.iter().filter(|property| crate::mark::is_promised(property));
        let exercised = promised.map(|property| (property.property.clone(), property.exercised)).collect();
        let recoveries = verdict.counts.recoveries.iter().filter(|(_, times)| times.seen > 0);
        let failure = first_failure(verdict).filter(|_| mark == Mark::Violation);
        Self {
            mark,
            why,
            failure: failure.map(|failure| FailureLine::new(failure, verdict)),
            ops: verdict.counts.ops,
            exercised,
            bites: verdict.counts.bites.clone(),
            recovery_us: recoveries.map(|(fault, times)| (fault.clone(), times.longest_us)).collect(),
            ..Self::failed((k, cell), plan, "")
        }
    }

    /// A run that could not be made or judged.
    pub fn failed((k, cell): (u64, &Cell), plan: &Plan, why: &str) -> Self {
        Self {
            k,
            scenario: cell.scenario.clone(),
            system: cell.what(),
            under: cell.under(),
            nodes: cell.nodes,
            executor: cell.executor.name().to_owned(),
            workload: plan.workload.clone(),
            seed: plan.seed,
            plan: hash(plan),
            mark: Mark::Failed,
            why: why.to_owned(),
            failure: None,
            ops: 0,
            exercised: BTreeMap::new(),
            bites: BTreeMap::new(),
            recovery_us: BTreeMap::new(),
            again: 0,
            folder: None,
            took_ms: 0,
            at_ms: 0,
        }
    }

    /// Its row and column in the matrix.
    pub fn place(&self) -> (String, String) {
        (self.system.clone(), self.under.clone())
    }
}

impl FailureLine {
    /// How a verdict says that a run failed.
    pub fn new(failure: Failure, verdict: &Verdict) -> Self {
        let of = verdict.properties.iter().find(|property| property.property == failure.property);
        let witness = of.and_then(|property| {
            let plain = property.witnesses.iter().find(|witness| witness.shape == failure.shape);
            plain.or(property.witnesses.first())
        });
        let sentence = witness.map_or(String::new(), |witness| witness.sentence.clone());
        Self { property: failure.property, shape: failure.shape, sentence }
    }
}

/// A hash of a plan, by which the plans of two campaigns are compared.
pub fn hash(plan: &Plan) -> String {
    format!("{:016x}", temblor_workloads::chance::of_bytes(plan.to_json().as_bytes()))
}
