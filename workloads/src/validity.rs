//! Validity: whether a plan makes sense by itself, and within the model of a system.

use std::collections::BTreeSet;

use crate::faults::{is_within, name_of};
use crate::plan::{Fault, Kind, LEADER, Plan, Seen, When};
use crate::setting::Setting;

/// The largest message number, 2^53 - 1: every JSON reader agrees on numbers up to it.
pub const MESSAGE_MAX: u64 = (1 << 53) - 1;
/// The longest time in a plan, us: a year.
pub const TIME_MAX_US: u64 = 366 * 24 * 3_600 * 1_000_000;

/// Something in a plan that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub place: Place,
    /// What is wrong, in words.
    pub what: String,
}

/// A place in a plan; entries are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key of the plan itself.
    Whole(&'static str),
    /// An operation.
    Operation(usize),
    /// A fault.
    Fault(usize),
    /// A rule.
    Rule(usize),
}

impl Place {
    fn flaw(self, what: impl Into<String>) -> Flaw {
        Flaw { place: self, what: what.into() }
    }
}

/// Whether a plan makes sense by itself.
pub fn check(plan: &Plan) -> Result<(), Flaw> {
    check_head(plan)?;
    let ids = check_ids(plan)?;
    check_messages(plan)?;
    for (at, operation) in plan.operations.iter().enumerate() {
        let place = Place::Operation(at);
        known(plan, &operation.node, place)?;
        check_when(plan, &operation.when, (&ids, place))?;
    }
    for (at, fault) in plan.faults.iter().enumerate() {
        let place = Place::Fault(at);
        check_when(plan, &fault.when, (&ids, place))?;
        check_fault(plan, fault, place)?;
    }
    plan.rules.iter().enumerate().try_for_each(|(at, rule)| known(plan, &rule.node, Place::Rule(at)))?;
    check_cycles(plan)
}

/// Whether a plan keeps within the model of a system, unless it says that it does not want to.
pub fn check_against(plan: &Plan, setting: &Setting) -> Result<(), Flaw> {
    if plan.algorithm != setting.algorithm || plan.over != setting.over {
        let name = |algorithm: &str, over: &Option<String>| match over {
            Some(over) => format!("{algorithm} over {over}"),
            None => algorithm.to_owned(),
        };
        let (of_plan, wanted) = (name(&plan.algorithm, &plan.over), name(&setting.algorithm, &setting.over));
        let what = format!("the plan is for {of_plan}, and {wanted} is to run");
        return Err(Place::Whole("algorithm").flaw(what));
    }
    if plan.beyond_model {
        return Ok(());
    }
    let mut victims = BTreeSet::new();
    for (at, fault) in plan.faults.iter().enumerate() {
        if !is_within(&fault.fault, setting) {
            let what = format!(
                "{} is outside the model of {} (set \"beyond_model\": true or use --beyond-model)",
                name_of(&fault.fault),
                setting.algorithm
            );
            return Err(Place::Fault(at).flaw(what));
        }
        if let Kind::Kill { node } = &fault.fault {
            // A leader may be another one each time.
            victims.insert((node, if node == LEADER { fault.id } else { 0 }));
        }
        if victims.len() > setting.faulty_max as usize {
            let what = format!("{} nodes killed, and the model allows {}", victims.len(), setting.faulty_max);
            return Err(Place::Fault(at).flaw(what));
        }
    }
    Ok(())
}

fn check_head(plan: &Plan) -> Result<(), Flaw> {
    let nodes = Place::Whole("nodes");
    if plan.nodes.is_empty() {
        return Err(nodes.flaw("a plan needs at least one node"));
    }
    if plan.nodes.len() > 1_000 {
        return Err(nodes.flaw(format!("{} nodes; at most 1000 are possible", plan.nodes.len())));
    }
    let mut seen = BTreeSet::new();
    for name in &plan.nodes {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if !seen.insert(name) {
            return Err(nodes.flaw(format!("{name} is named twice")));
        }
        if name.is_empty() || !name.chars().all(plain) || name.starts_with(['.', 'c']) || name == LEADER {
            let rule = "letters, digits, - _ . only, not beginning with c (clients) or a point, and not leader";
            return Err(nodes.flaw(format!("{name:?} can't be a node's name ({rule})")));
        }
    }
    within_a_year(plan.length_us, Place::Whole("length_us"))
}

/// Fault ids are unique and begin at 1.
fn check_ids(plan: &Plan) -> Result<BTreeSet<u32>, Flaw> {
    let mut ids = BTreeSet::new();
    for (at, fault) in plan.faults.iter().enumerate() {
        if fault.id == 0 || !ids.insert(fault.id) {
            let what = format!("fault id {} is taken or 0; each fault needs a number of its own, from 1", fault.id);
            return Err(Place::Fault(at).flaw(what));
        }
    }
    Ok(ids)
}

/// Message numbers are unique over operations and rules.
fn check_messages(plan: &Plan) -> Result<(), Flaw> {
    let of_operations = plan.operations.iter().enumerate().map(|(at, op)| (Place::Operation(at), op.broadcast));
    let of_rules = plan.rules.iter().enumerate().map(|(at, rule)| (Place::Rule(at), rule.broadcast));
    let mut seen = BTreeSet::new();
    for (place, message) in of_operations.chain(of_rules) {
        if message > MESSAGE_MAX {
            return Err(place.flaw(format!("message {message} is larger than 2^53 - 1")));
        }
        if !seen.insert(message) {
            let why = "each message needs a number of its own";
            return Err(place.flaw(format!("message {message} is broadcast twice in this plan; {why}")));
        }
    }
    Ok(())
}

fn check_when(plan: &Plan, when: &When, (ids, place): (&BTreeSet<u32>, Place)) -> Result<(), Flaw> {
    let anchor = match when {
        When::AtUs(at_us) => return within_a_year(*at_us, place),
        When::After(anchor) => anchor,
    };
    within_a_year(anchor.delay_us, place)?;
    match &anchor.seen {
        Seen::Deliveries { node, count } => {
            known(plan, node, place)?;
            counted(*count, place)
        }
        Seen::Deliver { node, .. } => known(plan, node, place),
        Seen::Leader { .. } => Ok(()),
        Seen::Frame { from, to, nth, .. } => {
            link(plan, (from, to), place)?;
            counted(*nth, place)
        }
        Seen::Fault { id } if ids.contains(id) => Ok(()),
        Seen::Fault { id } => Err(place.flaw(format!("the anchor waits for fault {id}, which is not in the plan"))),
    }
}

fn check_fault(plan: &Plan, fault: &Fault, place: Place) -> Result<(), Flaw> {
    if let Some(for_us) = fault.for_us {
        within_a_year(for_us, place)?;
    }
    match &fault.fault {
        Kind::Kill { .. } if fault.for_us.is_some() => {
            return Err(place.flaw("a kill has no for_us: the node stays down"));
        }
        Kind::Kill { node } | Kind::Pause { node } if node != LEADER => known(plan, node, place)?,
        Kind::Loss { chance_ppm, .. } | Kind::Duplicate { chance_ppm, .. } if *chance_ppm > 1_000_000 => {
            return Err(place.flaw(format!("a chance of {chance_ppm} millionths is more than always")));
        }
        Kind::Delay { delay_us, .. } => within_a_year(*delay_us, place)?,
        Kind::Partition { cut, around_leader: Some(around), .. } => {
            if !cut.is_empty() {
                return Err(place.flaw("a partition has either cut or around_leader"));
            }
            around.with.iter().try_for_each(|node| known(plan, node, place))?;
        }
        _ => {}
    }
    fault.fault.links().iter().try_for_each(|(from, to)| link(plan, (from, to), place))
}

/// Faults that wait for faults must begin somewhere.
fn check_cycles(plan: &Plan) -> Result<(), Flaw> {
    let waits_for = |id: u32| {
        let fault = plan.faults.iter().find(|fault| fault.id == id)?;
        match &fault.when {
            When::After(anchor) => match anchor.seen {
                Seen::Fault { id } => Some(id),
                _ => None,
            },
            When::AtUs(_) => None,
        }
    };
    for (at, fault) in plan.faults.iter().enumerate() {
        let (mut next, mut steps) = (waits_for(fault.id), 0);
        while let Some(id) = next {
            steps += 1;
            if id == fault.id || steps > plan.faults.len() {
                return Err(Place::Fault(at).flaw(format!("fault {} waits for itself", fault.id)));
            }
            next = waits_for(id);
        }
    }
    Ok(())
}

fn link(plan: &Plan, (from, to): (&str, &str), place: Place) -> Result<(), Flaw> {
    known(plan, from, place)?;
    known(plan, to, place)?;
    if from == to { Err(place.flaw(format!("{from} has no link to itself"))) } else { Ok(()) }
}

fn known(plan: &Plan, node: &str, place: Place) -> Result<(), Flaw> {
    if plan.nodes.iter().any(|name| name == node) {
        return Ok(());
    }
    let names = plan.nodes.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    Err(place.flaw(format!("there is no node {node}; the plan's nodes are {names}")))
}

fn counted(count: u64, place: Place) -> Result<(), Flaw> {
    if count == 0 { Err(place.flaw("an anchor counts from 1")) } else { Ok(()) }
}

fn within_a_year(time_us: u64, place: Place) -> Result<(), Flaw> {
    if time_us > TIME_MAX_US { Err(place.flaw(format!("{time_us} us is more than a year"))) } else { Ok(()) }
}
