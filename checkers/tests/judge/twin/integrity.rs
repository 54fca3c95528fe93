//! No duplication: no life of a node delivers a message twice. No creation: whatever is delivered has a sender.

use temblor_checkers::header::Crashes;

use super::Past;

pub fn no_duplication(past: &Past) -> Vec<Option<u16>> {
    let mut violations = Vec::new();
    for p in past.nodes() {
        for m in past.messages() {
            let deliveries = past.deliveries(p, m);
            for (nth, at) in deliveries.iter().enumerate() {
                let before = deliveries[..nth].iter().any(|earlier| past.life(p, *earlier) == past.life(p, *at));
                let restarted = past.restarts(p).iter().any(|restart| restart < at);
                let excused = past.header.crashes == Crashes::Recover && restarted;
                if before && !excused {
                    violations.push(past.sender(m));
                }
            }
        }
    }
    violations
}

pub fn no_creation(past: &Past) -> Vec<Option<u16>> {
    let delivered = |m: &u64| past.nodes().iter().any(|p| past.delivered(*p, *m));
    past.messages().iter().filter(|m| delivered(m) && past.sender(**m).is_none()).map(|_| None).collect()
}
