//! Causal order: the relation between messages from its definition, closed by brute force; then every pair of them at every node.

use std::collections::{BTreeMap, BTreeSet};

use temblor_checkers::header::Crashes;
use temblor_checkers::judge::FifoGaps;

use super::Past;
use super::fifo_order::before;

/// Whether a line of a node counts: later lives in mode `stop` do not.
fn counts(past: &Past, p: u16, at: usize) -> bool {
    past.header.crashes == Crashes::Recover || past.life(p, at) == 0
}

/// Whether the lines can't be put into any order that keeps each node's own and has every broadcast before its deliveries.
pub fn circular(past: &Past) -> bool {
    let mut left: Vec<(u16, usize)> = past
        .nodes()
        .into_iter()
        .flat_map(|p| past.at(|op| super::past::node(op) == Some(p)).into_iter().map(move |at| (p, at)))
        .collect();
    loop {
        let waits = |(p, at): (u16, usize)| {
            let delivered = super::past::delivers(&past.ops[at], p);
            let broadcast = delivered.and_then(|m| Some((past.sender(m)?, past.broadcast(m)?)));
            left.iter().any(|(q, earlier)| *q == p && *earlier < at)
                || broadcast.is_some_and(|broadcast| left.contains(&broadcast))
        };
        match left.iter().position(|event| !waits(*event)) {
            Some(first) => drop(left.remove(first)),
            None => return !left.is_empty(),
        }
    }
}

/// For each message those that it may have been caused by.
fn causes(past: &Past) -> BTreeMap<u64, BTreeSet<u64>> {
    let all = past.messages();
    let mut causes: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for m in &all {
        let own = all.iter().filter(|other| before(past, **other, *m) && is_first_life(past, *m)).copied();
        let mut direct: BTreeSet<u64> = own.collect();
        if let (Some(sender), Some(at)) = (past.sender(*m), past.broadcast(*m)) {
            let had = |other: &&u64| {
                let known =
                    past.sender(**other).is_some_and(|of| past.reports(of)) && past.broadcast(**other).is_some();
                let first = past.deliveries(sender, **other).first().copied();
                known && is_first_life(past, **other) && first.is_some_and(|d| d < at && past.is_compared(sender, d))
            };
            if counts(past, sender, at) {
                direct.extend(all.iter().filter(had));
            }
        }
        causes.insert(*m, direct);
    }
    for _ in &all {
        for m in &all {
            let more: BTreeSet<u64> = causes[m].iter().flat_map(|cause| causes[cause].clone()).collect();
            causes.entry(*m).or_default().extend(more);
        }
    }
    causes
}

/// Whether the message belongs to a life of its sender that counts.
fn is_first_life(past: &Past, m: u64) -> bool {
    let Some(sender) = past.sender(m) else { return false };
    match past.broadcast(m) {
        Some(at) => counts(past, sender, at),
        None => {
            past.requests(m, temblor_checkers::op::Kind::Invoke).first().is_some_and(|at| counts(past, sender, *at))
        }
    }
}

pub fn causal_order(past: &Past) -> Vec<Option<u16>> {
    let causes = causes(past);
    let mut violations = Vec::new();
    for p in past.nodes() {
        for m in past.messages() {
            let Some(at) = past.deliveries(p, m).first().copied().filter(|at| past.is_compared(p, *at)) else {
                continue;
            };
            let delivered = |other: u64| past.deliveries(p, other).first().is_some_and(|d| *d < at);
            let violated = match past.gaps {
                FifoGaps::Forbidden => causes[&m].iter().any(|cause| *cause != m && !delivered(*cause)),
                FifoGaps::Allowed => {
                    causes.iter().any(|(effect, of)| *effect != m && of.contains(&m) && delivered(*effect))
                }
            };
            if violated {
                violations.push(past.sender(m));
            }
        }
    }
    violations
}
