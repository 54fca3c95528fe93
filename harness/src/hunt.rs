//! The hunt: what the harness is worth, measured on bugs that are known to be there.
//!
//! A planted bug is hunted from a starting seed: plan after plan is drawn, run and judged until the property that the table of
//! bugs names is violated, or the budget is used up. The planner never sees the bug. The unchanged algorithms are run on plans of
//! the same distribution, and every violation there is a false alarm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use temblor_checkers::verdict::{Judgement, Outcome, Standing, Verdict};
use temblor_node::bugs::BugEntry;
use temblor_workloads::draw::{Wishes, draw, to_points};
use temblor_workloads::plan::Plan;
use temblor_workloads::shrink::shrink;
use temblor_workloads::workloads;

use crate::exit::usage;
use crate::trial::{Failure, SameFailure, Trials};

/// The main phase of a drawn plan, us ...
const LENGTH_US: u64 = 3_000_000;
/// ... and its broadcasts a second.
const RATE: u32 = 50;
/// What is judged as a statistic needs more of them.
const RATE_STATISTIC: u32 = 200;
/// Nor does it count what faults disturbed: of so many of its plans one has none.
const CALM_STATISTIC: u64 = 3;
/// A run has shown something only with so many broadcasts ...
const BROADCASTS_MIN: u64 = 100;
/// ... of so many senders.
const SENDERS_MIN: usize = 3;
/// Nodes of a drawn plan, chosen by its seed.
const SIZES: &[u64] = &[3, 4, 5];

/// One search from one starting seed.
#[derive(Debug)]
pub struct Search {
    /// The bug's table entry.
    pub entry: &'static BugEntry,
    /// Plans that were run, the last of which failed, if one did.
    pub runs: u64,
    /// How long it took.
    pub took: Duration,
    /// The first plan that failed, how, and the smallest plan that fails in the same way.
    pub found: Option<Found>,
}

/// What a search has found.
#[derive(Debug)]
pub struct Found {
    /// As it was drawn.
    pub plan: Plan,
    /// How it fails.
    pub failure: Failure,
    /// As it was shrunk; `None` if nobody asked for that.
    pub shrunk: Option<Plan>,
    /// How long that took.
    pub shrunk_in: Duration,
}

/// What running an unchanged algorithm came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Runs that showed something.
    pub runs: u64,
    /// Runs that had too few broadcasts, too few senders, or a drawn class of faults that never bit: they count as not run.
    pub idle: u64,
    /// Requests.
    pub operations: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Bites, by fault.
    pub bites: BTreeMap<String, u64>,
    /// Seeds of runs with a violation, and of runs in which something promised could not be judged.
    pub alarms: Vec<u64>,
    /// Seeds of runs in which something promised could not be judged.
    pub unknown: Vec<u64>,
}

/// The plan that a hunt draws from a seed: sizes and workloads take turns by a hash of the seed.
pub fn plan(trials: &Trials<'_>, seed: u64) -> Result<Plan> {
    let choice = temblor_workloads::chance::mix(seed, &[0x48_55_4E_54]);
    let size = SIZES[(choice % SIZES.len() as u64) as usize];
    let workloads: Vec<_> = workloads::of(trials.system.asks()).collect();
    let workload = workloads[(choice >> 32) as usize % workloads.len()].name;
    let nodes = (1..=size).map(|number| format!("n{number}")).collect();
    let statistic = trials.system.is_judged_as_statistic();
    let nemesis = if statistic && (choice >> 16).is_multiple_of(CALM_STATISTIC) { "none" } else { "all" };
    let wishes = Wishes {
        workload: workload.to_owned(),
        nemesis: vec![nemesis.to_owned()],
        length_us: LENGTH_US,
        rate: if statistic { RATE_STATISTIC } else { RATE },
        ..Wishes::default()
    };
    let drawn = draw(&trials.system.setting(nodes), &wishes, seed);
    let mut plan = drawn.map_err(|error| usage(error.to_string()))?;
    if trials.is_virtual() {
        to_points(&mut plan);
    }
    Ok(plan)
}

/// Hunts one bug from one starting seed.
pub fn search(trials: &Trials<'_>, entry: &'static BugEntry, (start, budget): (u64, Duration)) -> Result<Search> {
    let begun = Instant::now();
    let mut runs = 0;
    while begun.elapsed() < budget {
        let plan = plan(trials, start + runs)?;
        let trial = trials.run(&plan)?;
        runs += 1;
        if violates(&trial.verdict, entry.property)
            && let Some(failure) = trial.failure()
        {
            return Ok(Search {
                entry,
                runs,
                took: begun.elapsed(),
                found: Some(Found { plan, failure, shrunk: None, shrunk_in: Duration::ZERO }),
            });
        }
    }
    Ok(Search { entry, runs, took: begun.elapsed(), found: None })
}

/// Whether a promise of this property was broken; a promise whose condition failed binds nobody.
pub fn violates(verdict: &Verdict, property: &str) -> bool {
    let named = verdict.properties.iter().find(|judged| judged.property == property);
    named.is_some_and(|judged| judged.standing == Standing::Promised && judged.judgement == Judgement::Invalid)
}

/// Shrinks what a search has found, for at most so long.
pub fn reduce(trials: &Trials<'_>, found: &mut Found, budget: Duration) {
    let begun = Instant::now();
    found.shrunk = Some(smallest(trials, (found.plan.clone(), &found.failure), (begun, budget)));
    found.shrunk_in = begun.elapsed();
}

/// The same in lockstep: smaller plans are tried in `sim`, where the same nodes do the same a hundred times as fast, and what that
/// comes to is run in lockstep. Were it not to fail there in the same way, plans would be tried in lockstep itself.
pub fn reduce_in_lockstep(trials: &Trials<'_>, simulated: &Trials<'_>, (found, budget): (&mut Found, Duration)) {
    let begun = Instant::now();
    let small = smallest(simulated, (found.plan.clone(), &found.failure), (begun, budget));
    let fails = trials.run(&small).is_ok_and(|trial| trial.failure().as_ref() == Some(&found.failure));
    if !fails {
        return reduce(trials, found, budget);
    }
    found.shrunk = Some(small);
    found.shrunk_in = begun.elapsed();
}

fn smallest(trials: &Trials<'_>, (plan, failure): (Plan, &Failure), (begun, budget): (Instant, Duration)) -> Plan {
    let goes_on = move || begun.elapsed() < budget;
    shrink(plan, &mut SameFailure::new((trials, failure.clone()), goes_on, |_| {}))
}

/// Runs an unchanged algorithm on the plan of this seed, and adds what it came to.
pub fn listen(trials: &Trials<'_>, seed: u64, quiet: &mut Quiet) -> Result<()> {
    let plan = plan(trials, seed)?;
    let trial = trials.run(&plan)?;
    let counts = &trial.verdict.counts;
    if matches!(trial.verdict.outcome, Outcome::Violation) {
        quiet.alarms.push(seed);
    }
    let mut senders: Vec<&str> = plan.operations.iter().map(|operation| operation.node.as_str()).collect();
    senders.sort_unstable();
    senders.dedup();
    let drawn = plan.faults.iter().map(|fault| temblor_workloads::faults::class_of(&fault.fault));
    let all_bit = drawn.into_iter().all(|class| counts.bites.get(class).is_some_and(|bites| *bites > 0));
    if counts.invoked < BROADCASTS_MIN || senders.len() < SENDERS_MIN.min(plan.nodes.len()) || !all_bit {
        quiet.idle += 1;
        return Ok(());
    }
    if matches!(trial.verdict.outcome, Outcome::Inconclusive(_) | Outcome::Nothing(_)) {
        quiet.unknown.push(seed);
    }
    quiet.runs += 1;
    quiet.operations += counts.invoked;
    quiet.deliveries += counts.deliveries;
    for (fault, bites) in &counts.bites {
        *quiet.bites.entry(fault.clone()).or_default() += bites;
    }
    Ok(())
}
