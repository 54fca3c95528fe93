//! Stable log: a position holds one message for good, and none is left out. Snapshots are golden's.

use temblor_checkers::header::Crashes;
use temblor_checkers::op::Event;

use super::Past;
use super::past::node;

pub fn stable_log(past: &Past) -> Vec<Option<u16>> {
    if past.header.crashes == Crashes::Stop {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for p in past.nodes() {
        let of_p = past.ops.iter().filter(|op| node(op) == Some(p));
        let reports: Vec<(u32, u64)> = of_p
            .filter_map(|op| match op.event {
                Event::Deliver { message, pos } => Some((pos?.get(), message)),
                _ => None,
            })
            .collect();
        for (nth, (position, message)) in reports.iter().enumerate() {
            let before = &reports[..nth];
            let highest = before.iter().map(|(position, _)| *position).max().unwrap_or(0);
            // What was reported first at a position stands there; a position that was left out may be filled any time.
            let first = before.iter().find(|(there, _)| there == position);
            let other = first.is_some_and(|(_, there)| there != message);
            if other || *position > highest + 1 {
                violations.push(None);
            }
        }
    }
    violations
}
