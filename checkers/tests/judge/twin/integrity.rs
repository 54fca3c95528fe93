//! No duplication: no life of a node delivers twice what was broadcast. No creation: whatever is delivered has a sender.

use temblor_checkers::header::Crashes;

use super::Past;

pub fn no_duplication(past: &Past) -> Vec<Option<u16>> {
    let mut violations = Vec::new();
    for p in past.nodes() {
        for m in past.messages().into_iter().filter(|m| past.sender(*m).is_some()) {
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
    let invented = past.messages().into_iter().filter(|m| past.sender(*m).is_none());
    let deliveries = invented.flat_map(|m| past.nodes().into_iter().flat_map(move |p| past.deliveries(p, m)));
    deliveries.map(|_| None).collect()
}
