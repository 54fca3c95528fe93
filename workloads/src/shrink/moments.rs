//! Moments: what waits for something else is said with the time at which it came about.
//!
//! Whoever waits for a message or for the end of a fault keeps that in the plan, also where only the time mattered. With times of
//! their own all entries stand alone, and each can go.

use std::collections::BTreeMap;

use crate::plan::{Operation, Plan, When};

/// When the entries of a plan came about in a run, us since the main phase began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Requests, by the message's number.
    pub requests: BTreeMap<u64, u64>,
    /// Beginnings of faults, by their ids.
    pub faults: BTreeMap<u32, u64>,
}

/// The plan with its reactions as operations and nothing that waits, from the boldest form to the most careful one: moments
/// within a step keep being counted in the second, and all faults wait as before in the third.
pub fn timed(plan: &Plan, moments: &Moments) -> Vec<Plan> {
    let mut careful = plan.clone();
    let asked = |message: u64| moments.requests.get(&message).map(|at_us| When::AtUs(*at_us));
    for operation in &mut careful.operations {
        operation.when = asked(operation.number).unwrap_or_else(|| operation.when.clone());
    }
    for rule in std::mem::take(&mut careful.rules) {
        let reaction = |when| Operation::broadcast(when, rule.node, rule.broadcast);
        careful.operations.extend(asked(rule.broadcast).map(reaction));
    }
    careful.operations.sort_by_key(|operation| match operation.when {
        When::AtUs(at_us) => at_us,
        When::After(_) => u64::MAX,
    });
    let with_faults = |all: fn(&When) -> bool| {
        let mut plan = careful.clone();
        for fault in plan.faults.iter_mut().filter(|fault| all(&fault.when)) {
            let began = moments.faults.get(&fault.id).map(|at_us| When::AtUs(*at_us));
            fault.when = began.unwrap_or_else(|| fault.when.clone());
        }
        plan
    };
    vec![with_faults(|_| true), with_faults(|when| !when.needs_virtual_time()), careful]
}
