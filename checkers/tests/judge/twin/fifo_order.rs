//! FIFO order: for every delivery, every other message of the same sender.

use temblor_checkers::header::Crashes;
use temblor_checkers::judge::FifoGaps;
use temblor_checkers::op::Kind;

use super::Past;

/// Whether `first` comes before `second` in the order of their common sender, within one life of it.
pub fn before(past: &Past, first: u64, second: u64) -> bool {
    let Some(sender) = past.sender(first) else { return false };
    if past.sender(second) != Some(sender) || first == second {
        return false;
    }
    let pair = if past.reports(sender) {
        past.broadcast(first).zip(past.broadcast(second))
    } else {
        let asked = |m| past.requests(m, Kind::Invoke).first().copied();
        let acknowledged = past.requests(first, Kind::Ok).first().copied();
        let acknowledged = acknowledged.filter(|ok| asked(first).is_some_and(|invoke| invoke < *ok));
        acknowledged.zip(asked(second))
    };
    pair.is_some_and(|(a, b)| a < b && past.life(sender, a) == past.life(sender, b))
}

pub fn fifo_order(past: &Past) -> Vec<Option<u16>> {
    let mut violations = Vec::new();
    for p in past.nodes() {
        for m in past.messages() {
            for at in first_of_each_life(past, p, m) {
                let life = past.life(p, at);
                let weak = past.gaps == FifoGaps::Allowed || past.header.crashes == Crashes::Stop && life > 0;
                let delivered =
                    |other: &u64| past.deliveries(p, *other).iter().any(|d| *d < at && past.life(p, *d) == life);
                let all = past.messages();
                let violated = if weak {
                    all.iter().any(|later| before(past, m, *later) && delivered(later))
                } else {
                    all.iter().any(|earlier| before(past, *earlier, m) && !delivered(earlier))
                };
                if violated {
                    violations.push(past.sender(m));
                }
            }
        }
    }
    violations
}

fn first_of_each_life(past: &Past, p: u16, m: u64) -> Vec<usize> {
    let all = past.deliveries(p, m);
    let first = |at: &usize| !all.iter().any(|other| other < at && past.life(p, *other) == past.life(p, *at));
    all.iter().copied().filter(first).collect()
}
