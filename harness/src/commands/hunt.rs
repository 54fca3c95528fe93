//! `temblor hunt`: how long it takes to find each planted bug, and whether the unchanged algorithms raise an alarm.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use temblor_node::algorithms::{ALGORITHMS, Algorithm};
use temblor_node::bugs::{self, BUGS, BugEntry};
use temblor_workloads::plan::Plan;

use super::execution::die_of_panics;
use super::{answer, note};
use crate::cli::{Executor, HuntArgs, SystemArgs};
use crate::exit::{Exit, usage};
use crate::hunt::{Found, Quiet, Search, listen, plan, reduce, reduce_in_lockstep, search};
use crate::processes::Launch;
use crate::render;
use crate::system::System;
use crate::trial::Trials;
use crate::words::counted;

/// Starting seeds are so far apart that no two searches draw the same plan.
const STRIDE: u64 = 1_000_000;
/// Seeds for the unchanged algorithms begin here, away from all starting seeds.
const QUIET_SEEDS: u64 = 1_000_000_000;
/// How long one shrink may take where all nodes are in this process ...
const SHRINK_BUDGET: Duration = Duration::from_secs(30);
/// ... and where each plan starts processes.
const SHRINK_BUDGET_LOCKSTEP: Duration = Duration::from_secs(60);
/// Shrunk plans are no larger than this: operations with rules, and faults.
const SMALL: (usize, usize) = (6, 3);

/// Hunts bugs, listens for false alarms, and prints one table.
pub fn hunt(args: &HuntArgs) -> Result<Exit> {
    let entries = wanted(&args.bug)?;
    if args.executor == Executor::Processes {
        die_of_panics();
    }
    let folder = tempfile::tempdir().context("failed to make a folder for the nodes")?;
    let starts: Vec<(usize, u64)> =
        (0..entries.len()).flat_map(|at| (1..=args.starts).map(move |k| (at, k * STRIDE))).collect();
    let searches: Vec<Result<Search>> = side_by_side(workers(args), &starts, |(at, start)| {
        let entry = entries[*at];
        let hunted = hunt_one(args, (entry, *start), folder.path());
        if let Ok(search) = &hunted {
            note(&told(search, *start));
        }
        hunted
    });
    let searches: Result<Vec<Search>> = searches.into_iter().collect();
    let searches = searches?;
    let quiet = quiet(args, folder.path())?;
    answer(&table(&entries, &searches))?;
    entries
        .iter()
        .filter_map(|entry| why_large(entry, &searches, shrink_budget(args.executor)))
        .for_each(|why| note(&render::wrap(&why, 0)));
    answer(&alarms(&quiet))?;
    Ok(exit(&searches, (&quiet, share(args))))
}

fn shrink_budget(executor: Executor) -> Duration {
    if executor == Executor::Sim { SHRINK_BUDGET } else { SHRINK_BUDGET_LOCKSTEP }
}

fn wanted(name: &str) -> Result<Vec<&'static BugEntry>> {
    if name == "all" {
        return Ok(BUGS.iter().collect());
    }
    name.split(',')
        .map(|name| bugs::find(name).ok_or_else(|| usage(format!("there is no bug {name}; see temblor list bugs"))))
        .collect()
}

fn hunt_one(args: &HuntArgs, (entry, start): (&'static BugEntry, u64), folder: &Path) -> Result<Search> {
    let system = system(entry.algorithm, None, Some(entry.name))?;
    let launch = system.launch(None)?;
    let trials = trials(args, (&system, &launch), folder)?;
    let mut search = search(&trials, entry, (start, Duration::from_micros(args.budget)))?;
    if let Some(found) = &mut search.found {
        let budget = shrink_budget(args.executor);
        match args.executor {
            Executor::Sim => reduce(&trials, found, budget),
            Executor::Lockstep => {
                let simulated = Trials::new(&system, Executor::Sim, (&launch, folder))?;
                reduce_in_lockstep(&trials, &simulated, (found, budget));
            }
            // There each attempt may come out otherwise.
            Executor::Processes => {}
        }
        if let (Some(folder), Some(plan)) = (&args.save, &found.shrunk) {
            save(folder, entry.name, plan)?;
        }
    }
    Ok(search)
}

/// Where plans are tried.
fn trials<'a>(args: &HuntArgs, (system, launch): (&'a System, &'a Launch), folder: &'a Path) -> Result<Trials<'a>> {
    match args.executor {
        Executor::Processes => Ok(Trials::on_processes(system, launch, folder)),
        executor => Trials::new(system, executor, (launch, folder)),
    }
}

/// How many searches go on side by side. In real time a run waits for most of its time.
fn workers(args: &HuntArgs) -> usize {
    let cores: usize = std::thread::available_parallelism().map_or(1, Into::into);
    if args.executor == Executor::Processes { 2 * cores } else { cores }
}

/// Keeps a shrunk plan, if it is smaller than the one that is kept already.
fn save(folder: &Path, bug: &str, plan: &Plan) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let path = folder.join(format!("{bug}.json"));
    let kept = std::fs::read_to_string(&path).ok().and_then(|text| Plan::parse(&text).ok());
    if kept.is_some_and(|kept| size(&kept) <= size(plan)) {
        return Ok(());
    }
    std::fs::write(&path, plan.to_json()).with_context(|| format!("failed to write {}", path.display()))
}

/// How many runs each of the unchanged algorithms gets.
fn share(args: &HuntArgs) -> u64 {
    args.quiet_runs.div_ceil(ALGORITHMS.len() as u64)
}

/// The unchanged algorithms, each on its share of the runs.
fn quiet(args: &HuntArgs, folder: &Path) -> Result<Vec<(&'static Algorithm, Quiet)>> {
    let share = share(args);
    let all: Vec<Result<(&'static Algorithm, Quiet)>> = side_by_side(workers(args), ALGORITHMS, |algorithm| {
        let system = system(algorithm.name, algorithm.over, None)?;
        let launch = system.launch(None)?;
        let trials = trials(args, (&system, &launch), folder)?;
        let mut quiet = Quiet::default();
        // Runs that show nothing do not count, and others take their place; where too few count, that is what is told.
        for seed in (0..2 * share + 20).map(|n| QUIET_SEEDS + n) {
            if quiet.runs >= share {
                break;
            }
            listen(&trials, seed, &mut quiet)?;
            if let (Some(folder), true) = (&args.save, quiet.alarms.last() == Some(&seed)) {
                save(folder, &format!("alarm-{}-{seed}", algorithm.name), &plan(&trials, seed)?)?;
            }
        }
        Ok((algorithm, quiet))
    });
    all.into_iter().collect()
}

fn system(algorithm: &str, over: Option<&str>, bug: Option<&str>) -> Result<System> {
    System::find(
        &SystemArgs { algorithm: algorithm.to_owned(), over: over.map(str::to_owned), fanout: None, http: false },
        bug,
    )
}

/// Does something with each item, some side by side; the results stand in the order of the items.
fn side_by_side<'a, T: Sync, R: Send>(workers: usize, items: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| items.get(at).map(|item| (at, item)))
                {
                    let result = work(item);
                    results.lock().expect("no worker panics while it holds the lock").push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no worker panics while it holds the lock");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// One search, in one line for whoever watches.
fn told(search: &Search, start: u64) -> String {
    let (name, seconds) = (search.entry.name, render::seconds(search.took.as_micros() as u64 / 1_000 * 1_000));
    match &search.found {
        None => format!("{name}: not found from seed {start}, {}, {seconds} s", counted(search.runs, "run", "runs")),
        Some(found) => {
            let plan = found.shrunk.as_ref().unwrap_or(&found.plan);
            let (operations, faults) = sized(size(plan));
            let shrunk_in = found.shrunk_in.as_secs_f64();
            let told = format!("{name}: {}, seed {}, {seconds} s", found.failure.property, found.plan.seed);
            match found.shrunk {
                Some(_) => format!("{told}; shrunk to {operations}, {faults} in {shrunk_in:.1} s"),
                None => told,
            }
        }
    }
}

fn size(plan: &Plan) -> (usize, usize) {
    (plan.operations.len() + plan.rules.len(), plan.faults.len())
}

/// A size in words.
fn sized((operations, faults): (usize, usize)) -> (String, String) {
    (counted(operations, "operation", "operations"), counted(faults, "fault", "faults"))
}

/// The table: a line for each bug.
fn table(entries: &[&'static BugEntry], searches: &[Search]) -> String {
    let mut text = String::from(
        "                                   plans       seconds      shrunk to, m/w\n\
         bug                       found median worst median worst   ops  faults\n",
    );
    for entry in entries {
        let of_bug: Vec<&Search> = searches.iter().filter(|search| search.entry.name == entry.name).collect();
        let found: Vec<&Search> = of_bug.iter().copied().filter(|search| search.found.is_some()).collect();
        let (runs, worst_runs) = middle_and_worst(found.iter().map(|search| search.runs).collect());
        let (ms, worst_ms) = middle_and_worst(found.iter().map(|search| search.took.as_millis() as u64).collect());
        let sizes: Vec<_> = shrunk(&found).map(size).collect();
        let operations = middle_and_worst(sizes.iter().map(|(operations, _)| *operations as u64).collect());
        let faults = middle_and_worst(sizes.iter().map(|(_, faults)| *faults as u64).collect());
        let size = |(median, worst): (u64, u64)| match sizes.is_empty() {
            true => "-".to_owned(),
            false => format!("{median}/{worst}"),
        };
        text.push_str(&format!(
            "{:<25} {:>2}/{:<2} {runs:>6} {worst_runs:>5} {:>6} {:>5} {:>7} {:>5}\n",
            entry.name,
            found.len(),
            of_bug.len(),
            tenths(ms),
            tenths(worst_ms),
            size(operations),
            size(faults),
        ));
    }
    text
}

/// The shrunk plans of some searches.
fn shrunk<'a>(searches: &'a [&Search]) -> impl Iterator<Item = &'a Plan> {
    searches.iter().filter_map(|search| search.found.as_ref()?.shrunk.as_ref())
}

fn middle_and_worst(mut values: Vec<u64>) -> (u64, u64) {
    values.sort_unstable();
    (values.get(values.len() / 2).copied().unwrap_or(0), values.last().copied().unwrap_or(0))
}

fn tenths(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

/// The second table: the unchanged algorithms.
fn alarms(all: &[(&Algorithm, Quiet)]) -> String {
    let mut text = String::from("\nunchanged algorithm       runs  operations  deliveries  alarms  unknown  idle\n");
    for (algorithm, quiet) in all {
        let name = algorithm.over.map_or(algorithm.name.to_owned(), |over| format!("{} over {over}", algorithm.name));
        text.push_str(&format!(
            "{name:<24} {:>5} {:>11} {:>11} {:>7} {:>8} {:>5}\n",
            quiet.runs,
            quiet.operations,
            quiet.deliveries,
            quiet.alarms.len(),
            quiet.unknown.len(),
            quiet.idle
        ));
        let bites: Vec<String> = quiet.bites.iter().map(|(fault, bites)| format!("{fault} {bites}")).collect();
        if !bites.is_empty() {
            text.push_str(&format!("  {}\n", render::wrap(&format!("bites: {}", bites.join(", ")), 2)));
        }
        for (what, seeds) in [("alarms", &quiet.alarms), ("unknown", &quiet.unknown)] {
            if !seeds.is_empty() {
                let seeds: Vec<String> = seeds.iter().take(10).map(u64::to_string).collect();
                text.push_str(&format!("  {}\n", render::wrap(&format!("{what} at seeds {}", seeds.join(", ")), 2)));
            }
        }
    }
    text
}

/// Why plans that show this bug stay large, if any does.
fn why_large(entry: &BugEntry, searches: &[Search], budget: Duration) -> Option<String> {
    let found = searches.iter().filter(|search| search.entry.name == entry.name).filter_map(|s| s.found.as_ref());
    let is_large = |plan: &Plan| size(plan).0 > SMALL.0 || size(plan).1 > SMALL.1;
    let large: Vec<&Found> = found.filter(|found| found.shrunk.as_ref().is_some_and(is_large)).collect();
    let slowest = large.iter().map(|found| found.shrunk_in).max()?;
    let mut promises = ALGORITHMS.iter().filter(|algorithm| algorithm.name == entry.algorithm).flat_map(|a| a.promises);
    let why = if promises.any(|promise| *promise == (entry.property, "as-statistic")) {
        "it is judged as a statistic, which fewer messages do not allow"
    } else if slowest >= budget {
        "the time for shrinking was up"
    } else {
        "without any one of their entries, or any two, the violation does not show"
    };
    let plans = counted(large.len(), "plan", "plans");
    let (operations, faults) = sized(SMALL);
    Some(format!("{}: {plans} with more than {operations} or {faults}: {why}", entry.name))
}

/// An alarm is a violation; a bug that was not found, and an algorithm with fewer than `share` runs that count, are inconclusive.
fn exit(searches: &[Search], (quiet, share): (&[(&Algorithm, Quiet)], u64)) -> Exit {
    if quiet.iter().any(|(_, quiet)| !quiet.alarms.is_empty()) {
        return Exit::Violation;
    }
    let missed = searches.iter().any(|search| search.found.is_none());
    let unknown = quiet.iter().any(|(_, quiet)| !quiet.unknown.is_empty() || quiet.runs < share);
    if missed || unknown { Exit::Inconclusive } else { Exit::Clean }
}
