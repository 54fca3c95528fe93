//! The summary: what a campaign came to, computed from the lines of its journal alone. Where and when stands apart, so that any
//! number of shards, joined, comes to the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use temblor_workloads::chance::{mix, of_bytes};

use super::definition::{Budget, Definition};
use super::record::{CanaryLine, Ended, Line, RegressionLine, RunLine, TriageLine};
use super::schedule;
use super::shard::Shard;
use crate::exit::Exit;
use crate::mark::{Mark, combine};

/// The format version of `campaign.json`.
pub const FORMAT: u32 = 1;
/// So many combinations without a run are named.
const WITHOUT_RUN_NAMED: usize = 3;
/// So many runs of a failure are named.
const NAMED: usize = 10;

/// Everything that is told of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`FORMAT`].
    pub format: u32,
    /// The campaign.
    pub name: String,
    /// The hash of its file.
    pub hash: String,
    /// Every plan came from it.
    pub seed: u64,
    /// What it came to: `clean`, `violation`, `inconclusive`, `nothing`, `failed`.
    pub outcome: String,
    /// The exit code.
    pub exit: u8,
    /// Why it is not clean, sentence by sentence.
    pub reasons: Vec<String>,
    /// Runs, by what they came to.
    pub runs: BTreeMap<String, u64>,
    /// How many runs there were.
    pub finished: u64,
    /// How many there should have been, where the budget says so.
    pub asked: Option<u64>,
    /// A hash over all plans in the order of the runs.
    pub plans: String,
    /// The matrix, row by row.
    pub matrix: Vec<CellSummary>,
    /// Failures that differ, each with the runs that showed it.
    pub failures: Vec<FailureSummary>,
    /// Planted bugs that had to be found.
    pub canaries: Vec<CanaryLine>,
    /// Failures of earlier campaigns.
    pub regressions: Vec<RegressionLine>,
    /// Combinations that lie outside a model.
    pub left_out: Vec<String>,
    /// Combinations that got no run, where all shards are known.
    #[serde(default)]
    pub without_run: Vec<String>,
    /// Where and when.
    pub here: Here,
}

/// What the runs of one system under one choice of faults came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellSummary {
    /// What ran.
    pub system: String,
    /// Under which faults.
    pub under: String,
    /// What it came to.
    pub mark: Mark,
    /// Runs, by what they came to.
    pub runs: BTreeMap<String, u64>,
    /// How often faults took effect, by class.
    pub bites: BTreeMap<String, u64>,
    /// How often each promised property could have failed.
    pub exercised: BTreeMap<String, u64>,
}

/// A failure, told from others by property and shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureSummary {
    /// What ran.
    pub system: String,
    /// The property.
    pub property: String,
    /// The shape of the failure.
    pub shape: String,
    /// What happened, in words.
    pub sentence: String,
    /// How many runs showed it.
    pub count: u64,
    /// The first of them.
    pub runs: Vec<u64>,
    /// The seed of the very first.
    pub seed: u64,
    /// Where it came back in virtual time.
    pub reproduced: Option<String>,
    /// The smallest plan's operations and faults.
    pub size: Option<(usize, usize)>,
    /// The folder to look at, seen from that of the campaign.
    pub folder: Option<String>,
    /// Its name among the regressions.
    pub regression: Option<String>,
}

/// Where and when a campaign ran: what differs from machine to machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Here {
    /// The version of temblor.
    pub temblor: String,
    /// When each session began, where, and which shard it was.
    pub sessions: Vec<super::record::Began>,
    /// How each session ended.
    pub ended: Vec<Ended>,
    /// Runs of each shard.
    pub shards: BTreeMap<String, u64>,
    /// Runs that were made again since the harness was late or the machine at fault.
    pub again: u64,
    /// The time of all runs together, ms.
    pub took_ms: u64,
    /// The longest time until the service was back after a fault, us, by fault.
    pub recovery_us: BTreeMap<String, u64>,
}

impl Summary {
    /// What the lines of a campaign's shards come to.
    pub fn new(definition: &Definition, seed: u64, (lines, shards): (&[Line], &[Shard])) -> Self {
        let mut runs: Vec<&RunLine> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Run(run) => Some(run.as_ref()),
                _ => None,
            })
            .collect();
        runs.sort_by_key(|run| run.k);
        runs.dedup_by_key(|run| run.k);
        let asked = match definition.budget {
            Budget::Runs(runs) => Some((0..runs).filter(|k| shards.iter().any(|shard| shard.has(*k))).count() as u64),
            Budget::Time(_) => None,
        };
        let mut summary = Self {
            format: FORMAT,
            name: definition.name.clone(),
            hash: definition.hash.clone(),
            seed,
            outcome: String::new(),
            exit: 0,
            reasons: Vec::new(),
            runs: counts(&runs),
            finished: runs.len() as u64,
            asked,
            plans: plans(&runs),
            matrix: matrix(definition, (&runs, shards)),
            failures: failures(&runs, lines),
            canaries: once(lines.iter().filter_map(|line| match line {
                Line::Canary(canary) => Some((canary.executor.clone(), canary.clone())),
                _ => None,
            })),
            regressions: once(lines.iter().filter_map(|line| match line {
                Line::Regression(regression) => Some((regression.name.clone(), regression.clone())),
                _ => None,
            })),
            left_out: definition.left_out.clone(),
            without_run: without_run(definition, (&runs, shards)),
            here: here(&runs, (lines, shards)),
        };
        let exit = summary.decide();
        summary.exit = exit.code();
        summary.outcome = word(exit).to_owned();
        summary
    }

    /// The exit code, and the reasons for it.
    fn decide(&mut self) -> Exit {
        let (mut exit, mut reasons) = (Exit::Clean, Vec::new());
        let mut say = |worse: Exit, reason: String| {
            exit = exit.worst(worse);
            reasons.push(reason);
        };
        let of = |mark: Mark| self.runs.get(mark.name()).copied().unwrap_or(0);
        let several = |count: u64, what: &str| format!("{count} {} {what}", if count == 1 { "run" } else { "runs" });
        if of(Mark::Violation) > 0 {
            say(Exit::Violation, several(of(Mark::Violation), "broke a promise"));
        }
        for regression in &self.regressions {
            match regression.mark {
                Mark::Violation => say(Exit::Violation, format!("{} is still there", regression.name)),
                Mark::Failed => say(Exit::Failed, format!("{} could not be run: {}", regression.name, regression.why)),
                _ => {}
            }
        }
        if of(Mark::Failed) > 0 {
            say(Exit::Failed, several(of(Mark::Failed), "could not be made"));
        }
        if self.finished == 0 {
            say(Exit::Nothing, "nothing ran".to_owned());
        } else if of(Mark::Idle) == self.finished {
            say(Exit::Nothing, "in no run anything happened that could have broken a promise".to_owned());
        }
        for canary in self.canaries.iter().filter(|canary| !canary.found) {
            let text = format!("the harness is blind: the bug {} was not found in {}", canary.bug, canary.executor);
            say(Exit::Inconclusive, text);
        }
        if of(Mark::Undecided) > 0 {
            say(Exit::Inconclusive, several(of(Mark::Undecided), "could not be judged"));
        }
        for cell in &self.matrix {
            let what = format!("{} under {}", cell.system, cell.under);
            if cell.mark == Mark::Idle {
                say(Exit::Inconclusive, format!("{what} was never put to the test"));
            }
        }
        if !self.without_run.is_empty() {
            let named = self.without_run.iter().take(WITHOUT_RUN_NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = match self.without_run.len().saturating_sub(WITHOUT_RUN_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more combinations"),
            };
            say(Exit::Inconclusive, format!("{named}{more} got no run"));
        }
        if let Some(asked) = self.asked.filter(|asked| *asked > self.finished) {
            say(Exit::Inconclusive, format!("{} of {asked} runs are missing", asked - self.finished));
        }
        if let Some(signal) = self.here.ended.last().and_then(|ended| ended.interrupted.as_ref()) {
            say(Exit::Inconclusive, format!("interrupted by {signal}"));
        }
        self.reasons = reasons;
        exit
    }
}

/// The word for an exit code.
pub fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Clean => "clean",
        Exit::Violation => "violation",
        Exit::Nothing => "nothing",
        Exit::Failed => "failed",
        Exit::Inconclusive | Exit::Usage => "inconclusive",
    }
}

fn counts(runs: &[&RunLine]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for run in runs {
        *counts.entry(run.mark.name().to_owned()).or_insert(0) += 1;
    }
    counts
}

fn plans(runs: &[&RunLine]) -> String {
    format!("{:016x}", runs.iter().fold(0, |hash, run| mix(hash, &[run.k, of_bytes(run.plan.as_bytes())])))
}

/// The last line of each name, in the order of names.
fn once<T>(named: impl Iterator<Item = (String, T)>) -> Vec<T> {
    named.collect::<BTreeMap<String, T>>().into_values().collect()
}

/// The combinations that got no run; nobody knows where a shard is missing.
fn without_run(definition: &Definition, (runs, shards): (&[&RunLine], &[Shard])) -> Vec<String> {
    let all_shards = shards.first().is_some_and(|shard| shards.len() as u64 == shard.of);
    if !all_shards || runs.is_empty() {
        return Vec::new();
    }
    let cells = definition.cells.len();
    let ran: BTreeSet<usize> = runs.iter().map(|run| schedule::cell(run.k, cells)).collect();
    let missing = definition.cells.iter().enumerate().filter(|(at, _)| !ran.contains(at));
    let named = missing.map(|(_, cell)| {
        format!("{} under {} ({} nodes, {})", cell.what(), cell.under(), cell.nodes, cell.executor.name())
    });
    named.collect()
}

/// A cell that these shards had no run for is missing only if one of its runs was theirs.
fn matrix(definition: &Definition, (runs, shards): (&[&RunLine], &[Shard])) -> Vec<CellSummary> {
    let mut places: Vec<(String, String)> = Vec::new();
    let mut expected = BTreeSet::new();
    let cells = definition.cells.len();
    let most = match definition.budget {
        Budget::Runs(runs) => runs,
        Budget::Time(_) => u64::MAX,
    };
    for (at, cell) in definition.cells.iter().enumerate() {
        let place = (cell.what(), cell.under());
        // One turn of all shards is enough to see whether a cell is among theirs.
        let turns = (at as u64..most).step_by(cells).take(shards.first().map_or(1, |shard| shard.of) as usize);
        if turns.into_iter().any(|k| shards.iter().any(|shard| shard.has(k))) {
            expected.insert(place.clone());
        }
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let all_shards = shards.first().is_some_and(|shard| shards.len() as u64 == shard.of);
    let mut matrix = Vec::new();
    for place in places {
        let here: Vec<&RunLine> = runs.iter().copied().filter(|run| run.place() == place).collect();
        let mark = here.iter().map(|run| run.mark).reduce(combine);
        // A part of the runs need not put everything to the test.
        let mark = match mark {
            None if expected.contains(&place) && all_shards => Mark::Missed,
            None => continue,
            Some(Mark::Idle) if !all_shards => continue,
            Some(mark) => mark,
        };
        let sum = |of: fn(&RunLine) -> &BTreeMap<String, u64>| {
            let mut sum: BTreeMap<String, u64> = BTreeMap::new();
            here.iter()
                .flat_map(|run| of(run))
                .for_each(|(name, count)| *sum.entry(name.clone()).or_default() += count);
            sum
        };
        let (bites, exercised) = (sum(|run| &run.bites), sum(|run| &run.exercised));
        matrix.push(CellSummary { system: place.0, under: place.1, mark, runs: counts(&here), bites, exercised });
    }
    matrix
}

/// Failures by system, property and shape, in the order of the first run that showed each.
fn failures(runs: &[&RunLine], lines: &[Line]) -> Vec<FailureSummary> {
    let triaged: BTreeMap<u64, &TriageLine> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Triage(triage) => Some((triage.k, triage)),
            _ => None,
        })
        .collect();
    let mut failures: Vec<FailureSummary> = Vec::new();
    for run in runs {
        let Some(failure) = &run.failure else { continue };
        let triage = triaged.get(&run.k);
        let shape = triage.map_or(&failure.shape, |triage| &triage.shape);
        let same = |known: &&mut FailureSummary| {
            (&known.system, &known.property, &known.shape) == (&run.system, &failure.property, shape)
        };
        if let Some(known) = failures.iter_mut().find(same) {
            known.count += 1;
            if known.runs.len() < NAMED {
                known.runs.push(run.k);
            }
            continue;
        }
        failures.push(FailureSummary {
            system: run.system.clone(),
            property: failure.property.clone(),
            shape: shape.clone(),
            sentence: triage.map_or(&failure.sentence, |triage| &triage.sentence).clone(),
            count: 1,
            runs: vec![run.k],
            seed: run.seed,
            reproduced: triage.and_then(|triage| triage.reproduced.clone()),
            size: triage.map(|triage| triage.size),
            folder: triage.and_then(|triage| triage.folder.clone()).or_else(|| run.folder.clone()),
            regression: triage.and_then(|triage| triage.regression.clone()),
        });
    }
    failures
}

fn here(runs: &[&RunLine], (lines, shards): (&[Line], &[Shard])) -> Here {
    let mut here = Here { temblor: env!("CARGO_PKG_VERSION").to_owned(), ..Here::default() };
    for line in lines {
        match line {
            Line::Began(began) => here.sessions.push(began.clone()),
            Line::Ended(ended) => here.ended.push(ended.clone()),
            _ => {}
        }
    }
    for shard in shards {
        here.shards.insert(shard.to_string(), runs.iter().filter(|run| shard.has(run.k)).count() as u64);
    }
    here.again = runs.iter().map(|run| u64::from(run.again)).sum();
    here.took_ms = runs.iter().map(|run| run.took_ms).sum();
    for (fault, us) in runs.iter().flat_map(|run| &run.recovery_us) {
        let longest = here.recovery_us.entry(fault.clone()).or_default();
        *longest = (*longest).max(*us);
    }
    here
}

/// The cell of a run: what a session that goes on needs to look into a failure again.
pub fn cell_of(definition: &Definition, k: u64) -> &super::cells::Cell {
    &definition.cells[schedule::cell(k, definition.cells.len())]
}
