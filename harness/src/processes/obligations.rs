//! What a run still owes: each message that was acknowledged by a node that is up, or delivered anywhere, must be delivered at
//! every correct node.
//!
//! The controller ends a run when nothing is owed any more, not after a fixed sleep. This is bookkeeping of the harness, not
//! judgement: the checkers decide from the history alone. A message is forgotten once every live node has it, so memory is
//! bounded by what is in flight.

use std::collections::BTreeMap;

/// Open obligations of one run.
#[derive(Debug, Default)]
pub struct Obligations {
    live: NodeSet,
    open: BTreeMap<u64, Open>,
    closed: RunSet,
}

/// One message that somebody still lacks.
#[derive(Debug, Default)]
struct Open {
    delivered: NodeSet,
    acknowledged_by: NodeSet,
}

impl Obligations {
    /// For nodes 0 to `nodes` - 1, all of them correct.
    pub fn new(nodes: usize) -> Self {
        let mut live = NodeSet::default();
        (0..nodes).for_each(|node| live.insert(node));
        Self { live, ..Self::default() }
    }

    /// `node` answered `ok` to the request to broadcast `message`.
    pub fn acknowledged(&mut self, node: usize, message: u64) {
        if !self.closed.contains(message) {
            self.open.entry(message).or_default().acknowledged_by.insert(node);
        }
    }

    /// `node` delivered `message`.
    pub fn delivered(&mut self, node: usize, message: u64) {
        if self.closed.contains(message) {
            return;
        }
        let open = self.open.entry(message).or_default();
        open.delivered.insert(node);
        if open.delivered.covers(&self.live) {
            self.close(message);
        }
    }

    /// `node` crashed by a fault: it owes nothing, and nobody owes it anything.
    pub fn crashed(&mut self, node: usize) {
        self.live.remove(node);
        let complete: Vec<u64> =
            self.open.iter().filter(|(_, open)| open.delivered.covers(&self.live)).map(|(m, _)| *m).collect();
        complete.into_iter().for_each(|message| self.close(message));
    }

    /// How many (message, node) pairs are owed.
    pub fn unmet(&self) -> usize {
        self.open.values().map(|open| open.owed(&self.live)).sum()
    }

    /// Whether nothing is owed.
    pub fn met(&self) -> bool {
        self.open.values().all(|open| open.owed(&self.live) == 0)
    }

    fn close(&mut self, message: u64) {
        self.open.remove(&message);
        self.closed.insert(message);
    }
}

impl Open {
    /// Deliveries owed to `live`: none while the message is only known to nodes that crashed before anybody delivered it.
    fn owed(&self, live: &NodeSet) -> usize {
        if self.delivered.is_empty() && !self.acknowledged_by.meets(live) {
            return 0;
        }
        live.without(&self.delivered)
    }
}

/// A set of nodes by position.
#[derive(Debug, Default, Clone)]
struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    fn insert(&mut self, node: usize) {
        let word = node / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (node % 64);
    }

    fn remove(&mut self, node: usize) {
        if let Some(word) = self.words.get_mut(node / 64) {
            *word &= !(1 << (node % 64));
        }
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    fn meets(&self, other: &NodeSet) -> bool {
        self.words.iter().enumerate().any(|(at, word)| word & other.word(at) != 0)
    }

    fn covers(&self, other: &NodeSet) -> bool {
        other.without(self) == 0
    }

    fn without(&self, other: &NodeSet) -> usize {
        self.words.iter().enumerate().map(|(at, word)| (word & !other.word(at)).count_ones() as usize).sum()
    }
}

/// A set of numbers kept as runs, start to end (inclusive): message numbers are nearly dense, so it stays small.
#[derive(Debug, Default)]
struct RunSet {
    runs: BTreeMap<u64, u64>,
}

impl RunSet {
    fn contains(&self, number: u64) -> bool {
        self.runs.range(..=number).next_back().is_some_and(|(_, end)| number <= *end)
    }

    fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let before = self.runs.range(..number).next_back().filter(|(_, end)| **end + 1 == number);
        let start = before.map_or(number, |(start, _)| *start);
        let end = self.runs.remove(&(number + 1)).unwrap_or(number);
        self.runs.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Obligations, RunSet};

    #[test]
    fn an_acknowledged_message_is_owed_to_every_node() {
        let mut owed = Obligations::new(3);
        owed.acknowledged(0, 7);
        assert_eq!(owed.unmet(), 3);
        (0..3).for_each(|node| owed.delivered(node, 7));
        assert!(owed.met());
    }

    #[test]
    fn a_message_whose_sender_crashed_unheard_is_not_owed() {
        let mut owed = Obligations::new(3);
        owed.acknowledged(0, 7);
        owed.crashed(0);
        assert!(owed.met());
    }

    #[test]
    fn a_message_that_one_node_delivered_is_owed_to_the_rest() {
        let mut owed = Obligations::new(3);
        owed.acknowledged(0, 7);
        owed.delivered(0, 7);
        owed.crashed(0);
        assert_eq!(owed.unmet(), 2);
    }

    #[test]
    fn a_late_second_delivery_opens_nothing() {
        let mut owed = Obligations::new(2);
        owed.delivered(0, 7);
        owed.delivered(1, 7);
        owed.delivered(1, 7);
        assert!(owed.met());
    }

    #[test]
    fn runs_hold_what_a_set_holds() {
        let (mut runs, mut set) = (RunSet::default(), BTreeSet::new());
        let mut number = 1_u64;
        for _ in 0..2_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let small = (number >> 33) % 500;
            runs.insert(small);
            set.insert(small);
        }
        assert!((0..600).all(|n| runs.contains(n) == set.contains(&n)));
        assert!(runs.runs.len() < 40);
    }
}
