//! Leaps: much smaller plans, chosen by chance and under other seeds.
//!
//! Taking entries away one by one ends where each is needed for that one course of events. Where elections and time-outs decide, the
//! same violation often comes about in another way with far less; no single step leads there, and many plans are quickly run.

use super::Shrinker;
use super::pairs::entries;
use super::removal::consistent;
use crate::chance::mix;
use crate::plan::Plan;
use crate::validity::MESSAGE_MAX;

/// Sets these draws apart from all others.
const LEAPS: u64 = 0x4C_45_41_50_53;

/// Tries so many plans that keep a half, a quarter or an eighth of the operations and of the faults; goes on from each that fails.
pub fn leap(shrinker: &mut Shrinker<'_>, tries: u64) {
    for turn in 0..tries {
        if !shrinker.goes_on() {
            return;
        }
        let candidate = thinned(&shrinker.best, turn, 2 << (turn % 3));
        if entries(&candidate) < entries(&shrinker.best) {
            shrinker.attempt_once(candidate);
        }
    }
}

/// Tries so many plans that lack a few entries; whether one failed.
pub fn hop(shrinker: &mut Shrinker<'_>, tries: u64) -> bool {
    let before = entries(&shrinker.best);
    for turn in 0..tries {
        if !shrinker.goes_on() || entries(&shrinker.best) < before {
            break;
        }
        let candidate = lacking(&shrinker.best, turn);
        shrinker.attempt_once(candidate);
    }
    entries(&shrinker.best) < before
}

/// The plan's own seed, and by turns one near it.
fn seed(plan: &Plan, turn: u64) -> u64 {
    plan.seed.wrapping_add(turn * (turn % 2)) & MESSAGE_MAX
}

/// The plan with one in `of` of its entries, and one fault at least, under another seed.
fn thinned(plan: &Plan, turn: u64, of: u64) -> Plan {
    let draw = |kind: u64, at: usize| mix(plan.seed, &[LEAPS, turn, kind, at as u64]);
    let spared = draw(3, 0) as usize % plan.faults.len().max(1);
    let mut small = plan.clone();
    let mut at = 0;
    let mut stays = |kind: u64| {
        at += 1;
        draw(kind, at).is_multiple_of(of)
    };
    small.operations.retain(|_| stays(0));
    small.rules.retain(|_| stays(1));
    let mut fault = 0;
    small.faults.retain(|_| {
        fault += 1;
        fault - 1 == spared || stays(2)
    });
    small.seed = seed(plan, turn);
    consistent(small)
}

/// The plan without one to half of its entries, under another seed.
fn lacking(plan: &Plan, turn: u64) -> Plan {
    let draw = |purpose: u64, at: u64| mix(plan.seed, &[LEAPS, turn, purpose, at]);
    let all = entries(plan) as u64;
    let gone = 1 + draw(5, 0) % (all / 2).max(1);
    let mut at = 0;
    let mut stays = || {
        at += 1;
        draw(6, at) % all >= gone
    };
    let mut small = plan.clone();
    small.operations.retain(|_| stays());
    small.rules.retain(|_| stays());
    small.faults.retain(|_| stays());
    small.seed = seed(plan, turn);
    consistent(small)
}
