//! Terms never fall, and nobody votes twice: each op compared with all of its node before it.

use super::Past;
use super::past::{f, field, node};

/// The term of a node's own `term` or `vote` op.
fn own_term(past: &Past, at: usize) -> Option<u64> {
    let op = &past.ops[at];
    node(op).filter(|_| matches!(f(op), "term" | "vote")).and_then(|_| field(op, "term")?.as_u64())
}

pub fn rising_terms(past: &Past) -> Vec<Option<u16>> {
    let of = |at: usize| own_term(past, at).map(|term| (node(&past.ops[at]), term));
    let falls = |at: &usize| {
        let (p, term) = of(*at).expect("asked of these only");
        (0..*at).filter_map(of).any(|(q, earlier)| q == p && earlier > term)
    };
    (0..past.ops.len()).filter(|at| of(*at).is_some()).filter(falls).map(|_| None).collect()
}

pub fn one_vote_per_term(past: &Past) -> Vec<Option<u16>> {
    let vote = |at: usize| {
        let op = &past.ops[at];
        let candidate = field(op, "for").filter(|_| f(op) == "vote")?.as_str()?;
        Some((node(op), own_term(past, at)?, candidate))
    };
    let mut violations = Vec::new();
    for (at, (p, term, candidate)) in (0..past.ops.len()).filter_map(|at| Some((at, vote(at)?))) {
        let first = (0..at).filter_map(vote).find(|(q, earlier, _)| (*q, *earlier) == (p, term));
        if first.is_some_and(|(_, _, other)| other != candidate) {
            violations.push(None);
        }
    }
    violations
}
