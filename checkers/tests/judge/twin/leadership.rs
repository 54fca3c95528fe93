//! One leader per term: for every term, every life that claims it beyond one.

use temblor_checkers::op::Event;

use super::Past;
use super::past::node;

fn follows(op: &temblor_checkers::op::Op, past: &Past) -> Option<(u64, u16)> {
    let Event::Other(other) = &op.event else { return None };
    node(op).filter(|_| other.f == "follows")?;
    let leader = other.value.get("leader")?.as_str()?;
    let leader = past.header.nodes.iter().position(|name| name == leader)?;
    Some((other.value.get("term")?.as_u64()?, leader as u16))
}

pub fn one_leader_per_term(past: &Past) -> Vec<Option<u16>> {
    let mut claims = Vec::new();
    for (at, op) in past.ops.iter().enumerate() {
        if let (Some(p), Event::Leader { term }) = (node(op), &op.event) {
            let start = |op: &&_| node(op) == Some(p) && matches!(op.event, Event::Start { .. });
            claims.push((*term, p, past.ops[..at].iter().filter(start).count()));
        }
    }
    claims.sort();
    claims.dedup();
    let mut followed: Vec<(u64, u16)> = past.ops.iter().filter_map(|op| follows(op, past)).collect();
    followed.sort();
    followed.dedup();
    // Whom a term belongs to, by claims and by those who follow, and who else is taken for its leader.
    followed.retain(|(term, leader)| !claims.iter().any(|claim| (claim.0, claim.1) == (*term, *leader)));
    let leads: Vec<u64> = claims.iter().map(|claim| claim.0).chain(followed.iter().map(|(term, _)| *term)).collect();
    let mut terms = leads.clone();
    terms.sort();
    terms.dedup();
    let excess = |term: u64| leads.iter().filter(|other| **other == term).count() - 1;
    terms.into_iter().flat_map(|term| vec![None; excess(term)]).collect()
}
