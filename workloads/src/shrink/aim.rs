//! Aiming again: moments within a step, when operations are gone.
//!
//! A crash within a node's 224th input is told by counting, so without half of the operations it comes elsewhere or never, and no
//! operation seems to be dispensable. So few operations are tried with the crash at one of the first inputs, one after the other.

use super::Shrinker;
use super::removal::consistent;
use crate::plan::{Anchor, Plan, Seen, When};

/// An operation and what follows from it are hardly more inputs of one node than this.
const INPUTS_MAX: u64 = 32;
/// Plans of more operations are not searched for a new moment after each removal.
const OPERATIONS_MAX: usize = 8;

/// Keeps one operation alone, with the moments that are counted set anew, if that fails.
pub fn aim(shrinker: &mut Shrinker<'_>) {
    let messages: Vec<u64> = shrinker.best.operations.iter().map(|operation| operation.number).collect();
    for message in messages.into_iter().rev() {
        if shrinker.best.operations.len() <= 1 || !shrinker.goes_on() {
            return;
        }
        let mut alone = shrinker.best.clone();
        alone.operations.retain(|operation| operation.number == message);
        aim_lower(shrinker, &consistent(alone));
    }
}

/// Takes a candidate as it is or, if it is small, with one of its counted moments earlier; whether it was taken.
pub fn attempt_aimed(shrinker: &mut Shrinker<'_>, candidate: Plan) -> bool {
    let is_small = candidate.operations.len() + candidate.rules.len() <= OPERATIONS_MAX;
    shrinker.attempt(candidate.clone()) || is_small && aim_lower(shrinker, &candidate)
}

/// Tries a candidate with one of its counted moments at an earlier input; whether one was taken.
fn aim_lower(shrinker: &mut Shrinker<'_>, candidate: &Plan) -> bool {
    (0..candidate.faults.len()).any(|at| {
        let counted = count(&candidate.faults[at].when).unwrap_or(0);
        (1..counted.min(INPUTS_MAX)).any(|lower| {
            let mut candidate = candidate.clone();
            set_count(&mut candidate.faults[at].when, lower);
            shrinker.attempt_once(candidate)
        })
    })
}

/// At which input of its node something comes, if that is how it is told.
fn count(when: &When) -> Option<u64> {
    match when {
        When::After(Anchor { seen: Seen::Input { count, .. }, .. }) => Some(*count),
        _ => None,
    }
}

fn set_count(when: &mut When, lower: u64) {
    if let When::After(Anchor { seen: Seen::Input { count, .. }, .. }) = when {
        *count = lower;
    }
}
