//! Agreement: for every message that obliges, every correct node.

use temblor_checkers::header::Acknowledges;
use temblor_checkers::op::Kind;

use super::Past;

pub fn agreement(past: &Past) -> Vec<Option<u16>> {
    lacking(past, |m| past.nodes().into_iter().any(|p| past.correct(p) && past.delivered(p, m)))
}

pub fn uniform_agreement(past: &Past) -> Vec<Option<u16>> {
    lacking(past, |m| {
        let acknowledged = !past.requests(m, Kind::Ok).is_empty();
        past.nodes().into_iter().any(|p| past.delivered(p, m))
            || acknowledged && past.header.ok == Acknowledges::Delivered
    })
}

fn lacking(past: &Past, obliges: impl Fn(u64) -> bool) -> Vec<Option<u16>> {
    let lacked = |m: u64| past.nodes().into_iter().any(|p| past.correct(p) && !past.delivered(p, m));
    let broadcast = past.messages().into_iter().filter(|m| past.sender(*m).is_some());
    broadcast.filter(|m| obliges(*m) && lacked(*m)).map(|m| past.sender(m)).collect()
}
