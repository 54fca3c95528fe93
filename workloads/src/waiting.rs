//! What waits for what: no entry of a plan may wait for itself, by whatever detour.
//!
//! Each entry waits for one other at most: an operation or a fault for its anchor, a rule for the delivery that it reacts to. So
//! what waits for what forms chains, and a chain that comes back to itself never begins. Every entry is walked over once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::plan::{Plan, Seen, When};
use crate::validity::{Flaw, Place};

/// An entry, by what others wait for: the message that it broadcasts, or the fault's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Message(u64),
    Fault(u32),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Message(message) => write!(f, "message {message}"),
            Entry::Fault(id) => write!(f, "fault {id}"),
        }
    }
}

/// So many entries of a circle are named.
const NAMED: usize = 6;

/// Whether every chain of waiting entries has a beginning.
pub(crate) fn check(plan: &Plan) -> Result<(), Flaw> {
    let entries = entries(plan);
    let waits_for: BTreeMap<Entry, Entry> =
        entries.iter().filter_map(|(entry, _, for_)| Some((*entry, (*for_)?))).collect();
    let mut settled = BTreeSet::new();
    for (entry, place, _) in entries {
        if let Some(circle) = circle(entry, &waits_for, &mut settled) {
            return Err(place.flaw(told(entry, &circle)));
        }
    }
    Ok(())
}

/// The circle that the chain from `entry` runs into, if it does. What it walks over is settled.
fn circle(entry: Entry, waits_for: &BTreeMap<Entry, Entry>, settled: &mut BTreeSet<Entry>) -> Option<Vec<Entry>> {
    let mut chain = Vec::new();
    let mut next = Some(entry);
    while let Some(entry) = next {
        if !settled.insert(entry) {
            let begin = chain.iter().position(|known| *known == entry)?;
            return Some(chain.split_off(begin));
        }
        chain.push(entry);
        next = waits_for.get(&entry).copied();
    }
    None
}

/// A circle in words, from the entry where it was found.
fn told(entry: Entry, circle: &[Entry]) -> String {
    let (first, others) = circle.split_first().expect("a circle has an entry");
    let mut names: Vec<String> = others.iter().take(NAMED).map(Entry::to_string).collect();
    if others.len() > NAMED {
        names.push("others".to_owned());
    }
    let by_way = if names.is_empty() { String::new() } else { format!(", by way of {}", names.join(", ")) };
    if entry == *first {
        format!("{entry} waits for itself{by_way}")
    } else {
        format!("{entry} waits for {first}, which waits for itself{by_way}")
    }
}

/// Every entry with its place, and what it waits for.
fn entries(plan: &Plan) -> Vec<(Entry, Place, Option<Entry>)> {
    let operations = plan.operations.iter().enumerate();
    let operations = operations.map(|(at, op)| (Entry::Message(op.number), Place::Operation(at), awaited(&op.when)));
    let faults = plan.faults.iter().enumerate();
    let faults = faults.map(|(at, fault)| (Entry::Fault(fault.id), Place::Fault(at), awaited(&fault.when)));
    let rules = plan.rules.iter().enumerate();
    let rules = rules
        .map(|(at, rule)| (Entry::Message(rule.broadcast), Place::Rule(at), Some(Entry::Message(rule.on_deliver))));
    operations.chain(faults).chain(rules).collect()
}

/// What a moment waits for, as far as the plan itself brings it about.
fn awaited(when: &When) -> Option<Entry> {
    let When::After(anchor) = when else { return None };
    match anchor.seen {
        Seen::Deliver { message, .. } => Some(Entry::Message(message)),
        Seen::Fault { id } => Some(Entry::Fault(id)),
        Seen::Deliveries { .. } | Seen::Leader { .. } | Seen::Frame { .. } | Seen::Input { .. } => None,
    }
}
