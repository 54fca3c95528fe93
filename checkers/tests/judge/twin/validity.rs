//! Validity: for every message that counts as broadcast, whether who owes it delivered it.

use temblor_checkers::header::Acknowledges;
use temblor_checkers::op::Kind;

use super::Past;

pub fn validity(past: &Past) -> Vec<Option<u16>> {
    past.messages().into_iter().filter(|m| violated(past, *m)).map(|m| past.sender(m)).collect()
}

fn violated(past: &Past, m: u64) -> bool {
    let Some(sender) = past.sender(m) else { return false };
    let acknowledged = !past.requests(m, Kind::Ok).is_empty();
    let taken = past.broadcast(m).is_some();
    let ignored = acknowledged && !taken && past.reports(sender) && !past.crashed(sender);
    let forever = acknowledged && past.header.ok == Acknowledges::Delivered;
    let binding = forever || acknowledged && !past.crashed(sender);
    if past.correct(sender) {
        return ignored || (binding || taken) && !past.delivered(sender, m);
    }
    forever && !past.nodes().into_iter().any(|p| past.correct(p) && past.delivered(p, m))
}
