//! Pairs: two entries that can only go together.
//!
//! A link of a chain of reactions can't go, since what reacts to it would never come; it can if the next link takes its place. An
//! operation may be needed only as long as some fault is there, and the fault only as long as the operation is.

use super::Shrinker;
use super::aim::attempt_aimed;
use super::removal::consistent;
use crate::plan::{Operation, Plan, Rule};

/// Plans of more entries are not searched for pairs.
const ENTRIES_MAX: usize = 12;

/// Takes away what can only go together.
pub fn remove_pairs(shrinker: &mut Shrinker<'_>) {
    shorten_chains(shrinker);
    let mut second = entries(&shrinker.best);
    while second > 0 && entries(&shrinker.best) <= ENTRIES_MAX {
        second -= 1;
        // After a removal the pairs of what follows are looked at again in the next round.
        let taken = (0..=second).any(|first| {
            let candidate = without(&shrinker.best, (first, second));
            attempt_aimed(shrinker, candidate)
        });
        if taken {
            second = second.min(entries(&shrinker.best));
        }
    }
}

/// Takes away what can go alone, entry by entry, and links of chains.
pub fn remove_singles(shrinker: &mut Shrinker<'_>) {
    shorten_chains(shrinker);
    let mut at = entries(&shrinker.best);
    while at > 0 {
        at -= 1;
        let candidate = without(&shrinker.best, (at, at));
        shrinker.attempt(candidate);
        at = at.min(entries(&shrinker.best));
    }
}

/// Lets the next link of each chain take the place of the one before.
fn shorten_chains(shrinker: &mut Shrinker<'_>) {
    let mut at = 0;
    while at < shrinker.best.rules.len() {
        let shorter = shortened(&shrinker.best, at);
        at += usize::from(!attempt_aimed(shrinker, shorter));
    }
}

/// The plan in which what this rule reacts to is left out, and the rule stands in its place.
fn shortened(plan: &Plan, at: usize) -> Plan {
    let mut plan = plan.clone();
    let Rule { on_deliver: gone, node, broadcast } = plan.rules[at].clone();
    if let Some(earlier) = plan.rules.iter().position(|rule| rule.broadcast == gone) {
        plan.rules[at].on_deliver = plan.rules[earlier].on_deliver;
        plan.rules.remove(earlier);
    } else if let Some(root) = plan.operations.iter().position(|operation| operation.number == gone) {
        plan.operations[root] = Operation::broadcast(plan.operations[root].when.clone(), node, broadcast);
        plan.rules.remove(at);
    }
    plan.rules.iter_mut().filter(|rule| rule.on_deliver == gone).for_each(|rule| rule.on_deliver = broadcast);
    consistent(plan)
}

/// How many operations, rules and faults a plan has.
pub fn entries(plan: &Plan) -> usize {
    plan.operations.len() + plan.rules.len() + plan.faults.len()
}

/// The plan without two entries, which are counted through operations, rules and faults.
fn without(plan: &Plan, (first, second): (usize, usize)) -> Plan {
    let mut at = 0;
    let mut stays = || {
        at += 1;
        at - 1 != first && at - 1 != second
    };
    let mut plan = plan.clone();
    plan.operations.retain(|_| stays());
    plan.rules.retain(|_| stays());
    plan.faults.retain(|_| stays());
    consistent(plan)
}
