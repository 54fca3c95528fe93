//! What clients ask for: the operations and rules of each workload, before any fault is drawn.
//!
//! The operations of all workloads fall into units: single broadcasts, the beginnings of chains, bursts. Units are spread evenly
//! over the run, and if a fault needs frames on its way, a whole unit is turned to it ([`Draft::aim`]).

use rand::Rng;

use super::{Draft, steady};
use crate::plan::{Rule, When};
use crate::workloads::Pattern;

/// So many chains begin within a moment of each other, so that their messages meet on the way.
const CHAINS_AT_ONCE: u64 = 3;
/// A moment, us.
const MOMENT_US: u64 = 1_000;
/// The messages of a burst follow each other so closely at most, us.
const GAP_MAX_US: u64 = 200;

impl Draft<'_> {
    /// Draws what the workload's clients do.
    pub(super) fn draw_operations(&mut self, pattern: Pattern) {
        let count = steady(self.wishes);
        match pattern {
            Pattern::Steady => self.draw_steady(count, Self::any_node),
            Pattern::Clients => self.draw_steady(count, Self::any_client),
            Pattern::Chains => self.draw_chains(count),
            Pattern::Bursts => self.draw_bursts(count),
        }
    }

    /// Random nodes at a steady rate: one request in each interval, at a random moment of it.
    fn draw_steady(&mut self, count: u64, any: fn(&mut Self) -> String) {
        for at in 0..count {
            let at_us = self.moment(at, count);
            let node = any(self);
            self.broadcast(&node, When::AtUs(at_us));
        }
        self.steady = count;
    }

    /// Groups of chains: each begins with a broadcast, and each of its answers is by another node than what it answers.
    fn draw_chains(&mut self, count: u64) {
        let depth = u64::from(self.wishes.chain_depth);
        let chains = count.div_ceil(1 + depth);
        let groups = chains.div_ceil(CHAINS_AT_ONCE);
        for group in 0..groups {
            let begin = self.moment(group, groups);
            for _ in 0..CHAINS_AT_ONCE.min(chains - group * CHAINS_AT_ONCE) {
                let at_us = (begin + self.chance.random_range(0..MOMENT_US)).min(self.last_moment());
                let node = self.any_node();
                self.broadcast(&node, When::AtUs(at_us));
            }
        }
        self.steady = self.broadcasts;
        for chain in 0..chains {
            self.answer(chain, depth);
        }
    }

    /// The answers of the chain that begins with this operation.
    fn answer(&mut self, chain: u64, depth: u64) {
        let begin = &self.plan.operations[usize::try_from(chain).expect("the operation is in memory")];
        let (mut node, mut message) = (begin.node.clone(), begin.number);
        for _ in 0..depth {
            node = self.another_node(&node);
            self.broadcasts += 1;
            self.plan.rules.push(Rule { on_deliver: message, node: node.clone(), broadcast: self.broadcasts });
            message = self.broadcasts;
        }
    }

    /// Bursts, each with one sender, or now and then with two that take turns.
    fn draw_bursts(&mut self, count: u64) {
        self.unit = u64::from(self.wishes.burst_size.max(1));
        let bursts = count.div_ceil(self.unit);
        for burst in 0..bursts {
            let (mut at_us, gap_us) = (self.moment(burst, bursts), self.chance.random_range(0..=GAP_MAX_US));
            let first = self.any_node();
            let second = if self.one_in(4) { self.another_node(&first) } else { first.clone() };
            for nth in 0..self.unit.min(count - burst * self.unit) {
                let node = if nth % 2 == 0 { &first } else { &second };
                self.broadcast(&node.clone(), When::AtUs(at_us.min(self.last_moment())));
                at_us += gap_us;
            }
        }
        self.steady = count;
    }

    /// A random moment of one of `count` equal parts of the run, us.
    fn moment(&mut self, at: u64, count: u64) -> u64 {
        let (length, count) = (u128::from(self.plan.length_us), u128::from(count));
        let mark = |at: u64| (length * u128::from(at) / count) as u64;
        let (begin, end) = (mark(at), mark(at + 1));
        if end > begin { self.chance.random_range(begin..end) } else { begin }
    }

    /// The last microsecond of the main phase: what is due later is left out.
    fn last_moment(&self) -> u64 {
        self.plan.length_us.saturating_sub(1)
    }

    /// Any node but the first, which is the server.
    fn any_client(&mut self) -> String {
        let server = self.plan.nodes[0].clone();
        self.another_node(&server)
    }

    /// Any node but this one, if there is another.
    fn another_node(&mut self, node: &str) -> String {
        let others = self.plan.nodes.iter().filter(|other| *other != node).count();
        if others == 0 {
            return node.to_owned();
        }
        let at = self.chance.random_range(0..others);
        let mut others = self.plan.nodes.iter().filter(|other| *other != node);
        others.nth(at).expect("so many others were counted").clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::draw::tests::setting;
    use crate::draw::{Wishes, draw, due_us};
    use crate::plan::Plan;

    /// A plan of this workload, of 2,000 broadcasts and no faults.
    fn of_workload(workload: &str) -> Plan {
        let wishes = Wishes {
            workload: workload.to_owned(),
            length_us: 40_000_000,
            nemesis: vec!["none".to_owned()],
            ..Wishes::default()
        };
        draw(&setting(5), &wishes, 7).unwrap()
    }

    #[test]
    fn a_chat_is_chains_of_the_chosen_depth_in_which_nobody_answers_himself() {
        let plan = of_workload("chat");
        let depth = Wishes::default().chain_depth as usize;
        assert_eq!((plan.operations.len(), plan.rules.len()), (400, 400 * depth));
        let mut senders: BTreeMap<u64, (&str, usize)> =
            plan.operations.iter().map(|op| (op.number, (op.node.as_str(), 0))).collect();
        for rule in &plan.rules {
            let (answered, place) = senders[&rule.on_deliver];
            assert_ne!(answered, rule.node);
            assert!(senders.insert(rule.broadcast, (&rule.node, place + 1)).is_none());
        }
        assert_eq!(senders.values().map(|(_, place)| *place).max(), Some(depth));
        assert_eq!(senders.len(), 2_000);
    }

    #[test]
    fn chains_of_a_chat_begin_several_at_a_time() {
        let begins: Vec<u64> = of_workload("chat").operations.iter().map(|op| due_us(&op.when)).collect();
        let together = begins.windows(3).filter(|times| times[2] - times[0] <= 1_000).count();
        assert!(together >= 130, "{together}");
    }

    #[test]
    fn a_burst_is_many_broadcasts_at_once_of_one_sender_or_of_two_in_turn() {
        let plan = of_workload("burst");
        assert_eq!((plan.operations.len(), plan.rules.len()), (2_000, 0));
        let mut of_one = 0;
        for burst in plan.operations.chunk_by(|a, b| (a.number - 1) / 20 == (b.number - 1) / 20) {
            assert_eq!(burst.len(), 20);
            assert!(due_us(&burst[19].when) - due_us(&burst[0].when) <= 19 * 200);
            let senders: BTreeSet<&str> = burst.iter().map(|op| op.node.as_str()).collect();
            assert!(senders.len() <= 2);
            of_one += u32::from(senders.len() == 1);
        }
        assert!((50..95).contains(&of_one), "{of_one}");
    }
}
