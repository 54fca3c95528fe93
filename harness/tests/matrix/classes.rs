//! The positive half: each algorithm keeps each of its promises under every class of faults of its model, and without faults.
//!
//! All of them live through the same day of half a second: every few milliseconds a node is asked to broadcast, and every other
//! message is answered by the next node, so that order is at stake; all faults of the class that the model allows are in force
//! in the middle of it. Each must bite, or the run would be inconclusive.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing};
use temblor_workloads::faults::{FAULTS, class_of, is_within, name_of};
use temblor_workloads::plan::{self, Anchor, Fault, Kind, Link, Mode, Operation, Plan, Rule, Seen, When};

use crate::hierarchy::{Cell, Row, rows};
use crate::observed::Observed;

/// The class of a run without faults.
const NONE: &str = "none";
/// Requests, and the time between them, us: gossip is judged from a hundred messages on, answers included.
const REQUESTS: u64 = 80;
const EVERY_US: u64 = 5_000;
/// A run's main phase, us.
const LENGTH_US: u64 = 450_000;
/// Every fault that lasts begins here, us, ...
const BEGIN_US: u64 = 50_000;
/// ... and lasts so long, us.
const FOR_US: u64 = 250_000;
/// How many times slower everything goes, one try after the other.
const PACES: &[u64] = &[1, 4, 12];
/// Answers have numbers from here on.
const ANSWERS: u64 = 1_000;

/// A trial for each algorithm and class.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (at, row) in rows().into_iter().enumerate() {
        for class in classes().filter(|class| row.outside != Some(class)) {
            let name = format!("{}_keeps_its_promises_under_{class}", row.name.replace(' ', "_"));
            trials.push(Trial::test(name, move || keeps_its_promises(&rows()[at], class)));
        }
        let name = format!("the_model_of_{}_leaves_out_just_what_is_outside", row.name.replace(' ', "_"));
        trials.push(Trial::test(name, move || leaves_out(&rows()[at])));
    }
    trials
}

fn classes() -> impl Iterator<Item = &'static str> {
    // Nothing in these models is on disk.
    let all: BTreeSet<&str> = FAULTS.iter().map(|fault| fault.class).filter(|class| *class != "disk").collect();
    [NONE].into_iter().chain(all)
}

/// On a machine that is busy with other things half a second may be too short for a fault to bite, so what shows nothing is
/// done again at a slower pace. A promise that is broken is broken at once.
fn keeps_its_promises(row: &Row, class: &str) -> Result<(), Failed> {
    let mut wrong = String::new();
    for pace in PACES {
        let run = Observed::run(row, &day((row, class), *pace))?;
        wrong = differences((row, class), &run);
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.push_str(&run.faults()?);
        if run.code != Some(3) && run.code != Some(0) || !run.verdict.properties.iter().all(is_kept) {
            break;
        }
    }
    Err(wrong.into())
}

fn is_kept(judged: &PropertyVerdict) -> bool {
    judged.standing != Standing::Promised || judged.judgement != Judgement::Invalid
}

/// What a run came to, where the matrix says otherwise.
fn differences((row, class): (&Row, &str), run: &Observed) -> String {
    let mut wrong = String::new();
    if run.code != Some(0) {
        wrong.push_str(&format!("exit {:?}, {:?}\n", run.code, run.verdict.outcome));
    }
    if class != NONE && run.verdict.counts.bites.get(class).is_none_or(|bites| *bites == 0) {
        wrong.push_str(&format!("{class} never bit\n"));
    }
    for (property, cell) in &row.cells {
        let judged = run.of(property);
        let as_said = match cell {
            // A statistic counts only what nothing disturbed.
            Cell::Promised("as-statistic", _) if matches!(judged.standing, Standing::NotInForce(_)) => class != NONE,
            Cell::Promised(..) => judged.standing == Standing::Promised && judged.judgement == Judgement::Valid,
            Cell::Broken | Cell::Unsaid => judged.standing == Standing::NotPromised,
        };
        let idle = matches!(cell, Cell::Promised(..)) && could_fail(property, class) && judged.exercised == 0;
        if !as_said || idle {
            let PropertyVerdict { standing, judgement, exercised, .. } = judged;
            wrong.push_str(&format!("{property}: {standing:?}, {judgement:?}, exercised {exercised}\n"));
        }
    }
    wrong
}

/// Whether a property can fail at all in such a run: what is exercised by faults needs some, and uniform agreement is more than
/// agreement only where a node crashes.
fn could_fail(property: &str, class: &str) -> bool {
    match property {
        "validity" | "no-creation" | "survives" | "one-leader-per-term" => true,
        "uniform-agreement" => class == "kill",
        _ => class != NONE,
    }
}

fn leaves_out(row: &Row) -> Result<(), Failed> {
    for class in classes().filter(|class| *class != NONE) {
        assert_eq!(of_class(row, class).is_empty(), row.outside == Some(class), "{class}");
    }
    Ok(())
}

/// The plan of half a second with all faults of a class that the system's model allows.
fn day((row, class): (&Row, &str), pace: u64) -> Plan {
    let setting = row.system().setting(nodes());
    // What is promised while a sender lives is to be in force: the node that is killed sends nothing.
    let senders = if class == "kill" { 2 } else { 3 };
    let mut faults = of_class(row, class);
    if class == "kill" {
        // A kill is over in a moment; much is on its way then only if the way is long.
        let slow = Kind::Delay { delay_us: 4 * EVERY_US, links: [one(0, 1), one(1, 0)].concat() };
        faults.push(Fault { id: 100, when: When::AtUs(0), for_us: None, fault: slow });
    }
    for fault in &mut faults {
        if let When::AtUs(at_us) = &mut fault.when {
            *at_us *= pace;
        }
        fault.for_us = fault.for_us.map(|for_us| for_us * pace);
    }
    let mut requested: Vec<String> = faults.iter().map(|fault| name_of(&fault.fault).to_owned()).collect();
    requested.dedup();
    Plan {
        format: plan::FORMAT,
        algorithm: setting.algorithm,
        over: setting.over,
        fanout: None,
        http: false,
        topology: Default::default(),
        clients_max: None,
        workload: format!("half a second under {class}"),
        seed: 7,
        nodes: setting.nodes,
        length_us: LENGTH_US * pace,
        beyond_model: false,
        requested,
        operations: (0..REQUESTS).map(|at| request(at, (senders, pace))).collect(),
        faults,
        rules: (0..REQUESTS).step_by(2).map(|at| answer(at, senders)).collect(),
    }
}

fn nodes() -> Vec<String> {
    (0..3).map(node).collect()
}

/// The faults of a class that the system's model allows.
fn of_class(row: &Row, class: &str) -> Vec<Fault> {
    let setting = row.system().setting(nodes());
    let fits = |fault: &Fault| class_of(&fault.fault) == class && is_within(&fault.fault, &setting);
    faults().into_iter().filter(fits).collect()
}

fn request(at: u64, (senders, pace): (u64, u64)) -> Operation {
    Operation::broadcast(When::AtUs(at * EVERY_US * pace), node(at % senders), at + 1)
}

/// The node behind the sender answers.
fn answer(at: u64, senders: u64) -> Rule {
    Rule { on_deliver: at + 1, node: node((at + 1) % senders), broadcast: ANSWERS + at + 1 }
}

fn node(at: u64) -> String {
    format!("n{}", at + 1)
}

/// Everything that can go wrong, on links and nodes that take turns.
fn faults() -> Vec<Fault> {
    let amid = When::After(Anchor { seen: Seen::Deliver { node: node(2), message: REQUESTS / 4 }, delay_us: 0 });
    let kill = (amid, Kind::Kill { node: node(2) });
    let lasting = processes().into_iter().chain(partitions()).chain(disturbances());
    let begin = |kind: Kind| (When::AtUs(BEGIN_US), kind);
    let resets = [100_000, 200_000].map(|at| (When::AtUs(at), Kind::ResetConnections { links: all() }));
    let faults = [kill].into_iter().chain(resets).chain(lasting.map(begin));
    let fault = |((when, fault), id): ((When, Kind), u32)| {
        let for_us = (!fault.is_instant()).then_some(FOR_US);
        Fault { id, when, for_us, fault }
    };
    faults.zip(1..).map(fault).collect()
}

fn processes() -> Vec<Kind> {
    let stutter = Kind::Stutter { node: node(2), stopped_us: 20_000, running_us: 10_000 };
    vec![Kind::Pause { node: node(1) }, stutter]
}

fn partitions() -> Vec<Kind> {
    let cut = |(mode, cut)| Kind::Partition { shape: String::new(), mode, cut, around_leader: None };
    vec![cut((Mode::Drop, one(0, 1))), cut((Mode::Reset, one(1, 0))), cut((Mode::Hold, one(2, 0)))]
}

fn disturbances() -> Vec<Kind> {
    vec![
        Kind::HalfOpen { links: one(0, 1) },
        Kind::Loss { chance_ppm: 200_000, links: all() },
        Kind::Duplicate { chance_ppm: 200_000, links: all() },
        Kind::Reorder { chance_ppm: 300_000, delay_us: 30_000, links: all() },
        Kind::Jitter { delay_max_us: 4_000, links: all() },
        Kind::Delay { delay_us: 2_000, links: one(0, 1) },
        Kind::Rate { bytes_per_second: 50_000, links: one(1, 0) },
        Kind::Flap { up_us: 40_000, down_us: 20_000, links: one(2, 0) },
    ]
}

fn one(from: u64, to: u64) -> Vec<Link> {
    vec![(node(from), node(to))]
}

fn all() -> Vec<Link> {
    let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
    pairs.filter(|(from, to)| from != to).map(|(from, to)| (node(from), node(to))).collect()
}
