//! Total order: every pair of messages at every pair of nodes; every sequence for one order; every position for gap-free order.

use std::collections::BTreeSet;

use super::Past;

/// What a node delivered, each message once, in order; a message that nobody broadcast or was asked to has no place.
fn sequence(past: &Past, p: u16) -> Vec<u64> {
    let known = past.messages().into_iter().filter(|m| past.sender(*m).is_some());
    let mut firsts: Vec<(usize, u64)> = known
        .filter_map(|m| Some((past.deliveries(p, m).first().copied().filter(|at| past.is_compared(p, *at))?, m)))
        .collect();
    firsts.sort();
    firsts.into_iter().map(|(_, m)| m).collect()
}

fn inverted(a: &[u64], b: &[u64]) -> bool {
    let place = |of: &[u64], m: u64| of.iter().position(|other| *other == m);
    a.iter().any(|m| {
        a.iter().any(|m2| match (place(b, *m), place(b, *m2)) {
            (Some(in_b), Some(in_b2)) => place(a, *m) < place(a, *m2) && in_b > in_b2,
            _ => false,
        })
    })
}

fn pairs(past: &Past, counts: impl Fn(u16) -> bool) -> Vec<Option<u16>> {
    let nodes: Vec<u16> = past.nodes().into_iter().filter(|p| counts(*p)).collect();
    let mut violations = Vec::new();
    for p in &nodes {
        for q in nodes.iter().filter(|q| *q > p) {
            if inverted(&sequence(past, *p), &sequence(past, *q)) {
                violations.push(None);
            }
        }
    }
    violations
}

pub fn total_order(past: &Past) -> Vec<Option<u16>> {
    pairs(past, |p| past.correct(p))
}

pub fn uniform_total_order(past: &Past) -> Vec<Option<u16>> {
    pairs(past, |_| true)
}

/// Takes away messages that nothing left stands before, until nothing can be taken away.
pub fn one_order(past: &Past) -> Vec<Option<u16>> {
    let sequences: Vec<Vec<u64>> = past.nodes().into_iter().map(|p| sequence(past, p)).collect();
    let mut left: BTreeSet<u64> = sequences.iter().flatten().copied().collect();
    loop {
        let first = left.iter().copied().find(|m| {
            sequences.iter().all(|sequence| {
                let place = sequence.iter().position(|other| other == m);
                place.is_none_or(|place| sequence[..place].iter().all(|earlier| !left.contains(earlier)))
            })
        });
        match first {
            Some(m) => left.remove(&m),
            None if left.is_empty() => return Vec::new(),
            None => return vec![None],
        };
    }
}

/// At the first position at which two nodes differ, every node that differs from the one of the lowest number there.
pub fn gap_free_order(past: &Past) -> Vec<Option<u16>> {
    let sequences: Vec<Vec<u64>> = past.nodes().into_iter().map(|p| sequence(past, p)).collect();
    let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
    for position in 0..longest {
        let there: Vec<u64> = sequences.iter().filter_map(|sequence| sequence.get(position)).copied().collect();
        let others = there.iter().filter(|m| **m != there[0]).count();
        if others > 0 {
            return vec![None; others];
        }
    }
    Vec::new()
}
