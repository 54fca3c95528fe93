//! The shape of a failure: by what failures of one property are told apart.
//!
//! Two plans of one bug differ in times and numbers, and often in nodes. What they share is the shape of the violation (a gap, a
//! swap) and what it takes: which kinds of fault the smallest plan still has.

use std::collections::BTreeSet;

use temblor_workloads::faults::name_of;
use temblor_workloads::plan::{Fate, Kind, Plan};

use crate::trial::Failure;

/// The shape of a failure with its smallest plan: `gap: kill, loss`; without faults `gap`.
pub fn shape(failure: &Failure, plan: &Plan) -> String {
    let mut needed = BTreeSet::new();
    for fault in &plan.faults {
        match &fault.fault {
            Kind::Bites { frames, .. } => needed.extend(frames.iter().map(|frame| fate(&frame.fate))),
            kind => {
                needed.insert(name_of(kind));
            }
        }
    }
    let needed: Vec<&str> = needed.into_iter().collect();
    if needed.is_empty() { failure.shape.clone() } else { format!("{}: {}", failure.shape, needed.join(", ")) }
}

fn fate(fate: &Fate) -> &'static str {
    match fate {
        Fate::LateUs(_) | Fate::AtUs(_) => "a late frame",
        Fate::Lost => "a lost frame",
        Fate::Doubled => "a doubled frame",
    }
}
