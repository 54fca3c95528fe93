//! Consensus on a single value: who decided what, asked of the whole list.

use super::Past;

use temblor_checkers::op::Kind;

fn decided(past: &Past, p: u16) -> Vec<u64> {
    past.messages().into_iter().filter(|m| past.sender(*m).is_some() && past.delivered(p, *m)).collect()
}

pub fn agreement(past: &Past) -> Vec<Option<u16>> {
    let all: Vec<Vec<u64>> = past.nodes().into_iter().map(|p| decided(past, p)).filter(|m| !m.is_empty()).collect();
    let Some(first) = all.first().map(|decided| decided[0]) else { return Vec::new() };
    all[1..].iter().filter(|decided| decided.iter().any(|m| *m != first)).map(|_| None).collect()
}

pub fn integrity(past: &Past) -> Vec<Option<u16>> {
    past.nodes().into_iter().filter(|p| decided(past, *p).len() > 1).map(|_| None).collect()
}

pub fn termination(past: &Past) -> Vec<Option<u16>> {
    let proposed = |m: &u64| {
        let by_correct = past.sender(*m).is_some_and(|p| past.correct(p));
        by_correct && (past.broadcast(*m).is_some() || !past.requests(*m, Kind::Ok).is_empty())
    };
    if !past.messages().iter().any(proposed) {
        return Vec::new();
    }
    let undecided = |p: &u16| past.correct(*p) && decided(past, *p).is_empty();
    past.nodes().into_iter().filter(undecided).map(|_| None).collect()
}
