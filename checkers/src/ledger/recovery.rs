//! Recovery: how long after each fault the service was back.
//!
//! It is back once something that was asked for after the fault was over has been done everywhere: a message delivered by every node
//! that is up, a charge acknowledged. What takes time is counted from its end, what is instant (a kill) from its moment. Nothing
//! is kept while no fault waits for its recovery.

use std::collections::{BTreeMap, VecDeque};

use crate::op::{Message, Node};
use crate::verdict::Recoveries;

/// So many requests are followed at a time; the oldest give way.
const FOLLOWED: usize = 64;
/// So many recoveries of one kind are kept for their median.
const KEPT: usize = 10_000;

/// Faults that wait for their recovery, and the times of those that had it.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The fault's name, and since when, ns.
    waiting: Vec<(String, u64)>,
    followed: VecDeque<Followed>,
    /// By the fault's name, ns.
    took: BTreeMap<String, Vec<u64>>,
}

/// A request that was made after some fault.
#[derive(Debug)]
struct Followed {
    message: Message,
    asked: u64,
    delivered: Vec<Node>,
}

impl Recovery {
    /// A fault is over.
    pub fn over(&mut self, fault: &str, now: u64) {
        self.waiting.push((fault.to_owned(), now));
    }

    /// Whether nothing is waited for.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A client has asked for this message, or for the charge of this number.
    pub fn asked(&mut self, message: Message, now: u64) {
        if self.is_idle() {
            return;
        }
        if self.followed.len() == FOLLOWED {
            self.followed.pop_front();
        }
        self.followed.push_back(Followed { message, asked: now, delivered: Vec::new() });
    }

    /// A node has delivered this message; `is_up` tells which nodes are up.
    pub fn delivered(&mut self, (message, node, now): (Message, Node, u64), mut up: impl Iterator<Item = Node>) {
        let Some(followed) = self.followed.iter_mut().find(|followed| followed.message == message) else { return };
        if !followed.delivered.contains(&node) {
            followed.delivered.push(node);
        }
        if up.all(|node| followed.delivered.contains(&node)) {
            let asked = followed.asked;
            self.done(asked, now);
        }
    }

    /// The charge of this number was acknowledged.
    pub fn acknowledged(&mut self, charge: Message, now: u64) {
        if let Some(asked) = self.followed.iter().find(|followed| followed.message == charge).map(|f| f.asked) {
            self.done(asked, now);
        }
    }

    /// What was asked for at this time is done everywhere: faults that were over by then have their recovery.
    fn done(&mut self, asked: u64, now: u64) {
        let (over, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|(_, since)| *since <= asked);
        self.waiting = waiting;
        let over: Vec<(String, u64)> = over;
        for (fault, since) in over {
            let took = self.took.entry(fault).or_default();
            if took.len() < KEPT {
                took.push(now.saturating_sub(since));
            }
        }
        if self.is_idle() {
            self.followed.clear();
        }
    }

    /// By fault: how many had a recovery, and how long it took.
    pub fn into_recoveries(self) -> BTreeMap<String, Recoveries> {
        let mut all: BTreeMap<String, Recoveries> = BTreeMap::new();
        for (fault, mut took) in self.took {
            took.sort_unstable();
            let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
            let of_fault = all.entry(fault).or_default();
            (of_fault.seen, of_fault.median_us, of_fault.longest_us) =
                (took.len() as u64, median / 1_000, longest / 1_000);
        }
        self.waiting.into_iter().for_each(|(fault, _)| all.entry(fault).or_default().unseen += 1);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Recovery;
    use crate::op::Node;

    fn deliver(recovery: &mut Recovery, (message, node, now): (u64, u16, u64), up: &[u16]) {
        recovery.delivered((message, Node(node), now), up.iter().map(|node| Node(*node)));
    }

    #[test]
    fn a_fault_is_recovered_from_when_what_was_asked_for_after_it_is_everywhere() {
        let mut recovery = Recovery::default();
        recovery.asked(1, 500);
        recovery.over("kill", 1_000_000);
        deliver(&mut recovery, (1, 0, 2_000_000), &[0]);
        recovery.asked(2, 3_000_000);
        deliver(&mut recovery, (2, 0, 4_000_000), &[0, 1]);
        assert!(!recovery.is_idle());
        deliver(&mut recovery, (2, 1, 5_000_000), &[0, 1]);
        assert!(recovery.is_idle());
        let all = recovery.into_recoveries();
        assert_eq!((all["kill"].seen, all["kill"].unseen, all["kill"].longest_us), (1, 0, 4_000));
    }

    #[test]
    fn a_request_made_before_a_fault_was_over_says_nothing_of_it() {
        let mut recovery = Recovery::default();
        recovery.over("loss", 1_000);
        recovery.asked(1, 2_000);
        recovery.over("kill", 3_000);
        deliver(&mut recovery, (1, 0, 4_000), &[0]);
        let all = recovery.into_recoveries();
        assert_eq!((all["loss"].seen, all["kill"].seen, all["kill"].unseen), (1, 0, 1));
    }

    #[test]
    fn a_charge_is_done_when_it_is_acknowledged() {
        let mut recovery = Recovery::default();
        recovery.over("partition", 0);
        recovery.asked(17, 1_000);
        recovery.acknowledged(17, 9_000);
        assert_eq!(recovery.into_recoveries()["partition"].median_us, 9);
    }
}
