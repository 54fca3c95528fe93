//! The proposer: it asks for promises, and then proposes what these allow (Lamport 2001, section 2.2).

use std::collections::BTreeMap;

use super::acceptor::Acceptor;
use super::ballot::Ballot;
use super::majority;
use super::message::{Message, Proposal};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::Context;

/// A proposer and its current ballot.
#[derive(Debug, Default)]
pub struct Proposer {
    phase: Phase,
    /// The highest round that an acceptor has told of.
    seen: u64,
}

/// How far a proposer is with its ballot.
#[derive(Debug, Default)]
enum Phase {
    /// It has no reason to propose.
    #[default]
    Idle,
    /// It has asked for promises; these have come, each with what its acceptor had accepted.
    Phase1 {
        /// Its ballot.
        ballot: Ballot,
        /// The answers, by acceptor.
        promises: BTreeMap<NodeId, Option<Proposal>>,
    },
    /// It has asked the acceptors to accept this.
    Phase2 {
        /// The proposal.
        proposal: Proposal,
    },
    /// It has given way to a higher ballot, and waits for a while.
    BackingOff,
}

impl Proposer {
    /// Phase 1 (a): selects a number above all that it may have used, and asks for promises.
    ///
    /// A proposer "remembers the highest-numbered proposal it has tried to begin" (section 2.5): its own acceptor has promised
    /// that number, durably, before anybody else heard of it.
    pub fn phase_1a(&mut self, acceptor: &Acceptor, cx: &Context<'_>) -> Message {
        let promised = acceptor.promised().map_or(0, |promised| promised.round);
        let ballot = Ballot { round: 1 + promised.max(self.seen), node: cx.me() };
        self.phase = Phase::Phase1 { ballot, promises: BTreeMap::new() };
        Message::Phase1a { ballot }
    }

    /// A promise has come. Phase 2 (a), rule P2c: once a majority has promised, the proposal has "the value of the
    /// highest-numbered proposal among the responses", or the proposer's own if they report none.
    pub fn phase_2a(&mut self, promise: Promise, own: u64, cx: &Context<'_>) -> Option<Message> {
        let Phase::Phase1 { ballot, promises } = &mut self.phase else { return None };
        if promise.ballot != *ballot {
            return None;
        }
        promises.insert(promise.acceptor, promise.accepted);
        if promises.len() < majority(cx) {
            return None;
        }
        let proposal = Proposal { ballot: *ballot, value: allowed(promises, cx).unwrap_or(own) };
        self.phase = Phase::Phase2 { proposal };
        Some(Message::Phase2a { proposal })
    }

    /// A request with this number was refused, since a higher one is promised: the proposer gives it up. Says whether it was
    /// the current one.
    pub fn give_way(&mut self, ballot: Ballot, promised: Ballot) -> bool {
        self.seen = self.seen.max(promised.round);
        let current = self.ballot() == Some(ballot);
        if current {
            self.phase = Phase::BackingOff;
        }
        current
    }

    /// Whether it has no ballot, and no time at which it begins one.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// What to ask again, since requests and answers may be lost.
    pub fn asking(&self) -> Option<Message> {
        match &self.phase {
            Phase::Phase1 { ballot, .. } => Some(Message::Phase1a { ballot: *ballot }),
            Phase::Phase2 { proposal } => Some(Message::Phase2a { proposal: *proposal }),
            Phase::Idle | Phase::BackingOff => None,
        }
    }

    fn ballot(&self) -> Option<Ballot> {
        match &self.phase {
            Phase::Phase1 { ballot, .. } => Some(*ballot),
            Phase::Phase2 { proposal } => Some(proposal.ballot),
            Phase::Idle | Phase::BackingOff => None,
        }
    }
}

/// What an acceptor answers in phase 1.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// Who answers.
    pub acceptor: NodeId,
    /// The number that was asked for.
    pub ballot: Ballot,
    /// The highest-numbered proposal that it has accepted.
    pub accepted: Option<Proposal>,
}

/// The value that the promises leave, if they leave but one.
fn allowed(promises: &BTreeMap<NodeId, Option<Proposal>>, cx: &Context<'_>) -> Option<u64> {
    if cx.bug(Bug::IgnoresAccepted) {
        return None;
    }
    let accepted = promises.values().flatten();
    let highest = if cx.bug(Bug::TakesLowestAccepted) {
        accepted.min_by_key(|proposal| proposal.ballot)
    } else {
        accepted.max_by_key(|proposal| proposal.ballot)
    };
    highest.map(|proposal| proposal.value)
}
