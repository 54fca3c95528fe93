//! The learner: it finds out that a value has been chosen (Lamport 2001, section 2.3).

use std::collections::{BTreeMap, BTreeSet};

use super::ballot::Ballot;
use super::majority;
use super::message::Proposal;
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::Context;

/// What a learner knows.
#[derive(Debug, Default)]
pub struct Learner {
    /// Of each ballot its value, and a line for each acceptor that has accepted it.
    accepted: BTreeMap<Ballot, (u64, Vec<NodeId>)>,
    decided: Option<u64>,
    /// Which others are known to have decided.
    informed: BTreeSet<NodeId>,
}

impl Learner {
    /// An acceptor has accepted a proposal. A value is chosen once a majority has accepted *one* proposal with it: tells the
    /// value.
    pub fn count(&mut self, from: NodeId, proposal: Proposal, cx: &Context<'_>) -> Option<u64> {
        let (_, acceptors) = self.accepted.entry(proposal.ballot).or_insert((proposal.value, Vec::new()));
        if !acceptors.contains(&from) || cx.bug(Bug::CountsCopies) {
            acceptors.push(from);
        }
        let mut count = acceptors.len();
        if cx.bug(Bug::MixesBallots) {
            count = self.acceptors_of(proposal.value);
        }
        (count >= majority(cx)).then_some(proposal.value)
    }

    /// The value is chosen.
    pub fn decide(&mut self, value: u64) {
        self.decided = Some(value);
        self.accepted.clear();
    }

    /// The value that was chosen, once it is known.
    pub fn decided(&self) -> Option<u64> {
        self.decided
    }

    /// Another node is known to have decided.
    pub fn inform(&mut self, node: NodeId) {
        self.informed.insert(node);
    }

    /// Which others are not known to have decided.
    pub fn uninformed(&self, cx: &Context<'_>) -> Vec<NodeId> {
        cx.others().filter(|node| !self.informed.contains(node)).collect()
    }

    /// How many have accepted the value in any ballot: what one may not go by.
    fn acceptors_of(&self, value: u64) -> usize {
        let of_value = self.accepted.values().filter(|(of, _)| *of == value);
        of_value.flat_map(|(_, acceptors)| acceptors).collect::<BTreeSet<_>>().len()
    }
}
