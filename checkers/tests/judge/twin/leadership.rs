//! One leader per term: for every term, every life that claims it beyond one.

use temblor_checkers::op::Event;

use super::Past;
use super::past::node;

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
    claims.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|_| None).collect()
}
