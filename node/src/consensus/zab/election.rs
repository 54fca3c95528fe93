//! Zab's leader oracle, phase 0: which node is tried as a leader. Only liveness depends on it.
//!
//! ```text
//! on look:                       round := round + 1; vote := (currentEpoch, last zxid, me); votes := {me: vote}; notify
//! on notify, and periodically:   send (notification round, vote) to all others
//! looking, on notification r, w from j:
//!     if r > round then round := r; vote := (currentEpoch, last zxid, me); votes := {}
//!     if r < round then send (notification round, vote) to j
//!     else vote := max(vote, w); votes[j] := w; notify if the vote has changed
//! once a quorum votes as this node does: the node that they vote for is the leader
//! ```
//!
//! Who does not look answers with its own vote, and a leader with the word that it leads, so that a node that comes back joins it.
//! (ZooKeeper's fast leader election, without its wait for votes of more than a quorum: discovery finds the best history in
//! any case.)

use serde::{Deserialize, Serialize};

use super::history::Zxid;
use super::message::Message;
use super::{Leadership, Phase, Zab, quorum};
use crate::id::NodeId;
use crate::layer::{Context, To};

/// Whom a node would follow: the larger one is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Vote {
    pub current: u64,
    pub zxid: Zxid,
    pub node: NodeId,
}

impl Default for Vote {
    fn default() -> Self {
        Self { current: 0, zxid: Zxid::default(), node: NodeId(0) }
    }
}

impl Zab {
    /// The node follows nobody any more, and looks for a leader.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) {
        (self.phase, self.leader, self.promised) = (Phase::Election, None, false);
        self.leading = Leadership::default();
        self.early.clear();
        self.begin_round(self.round + 1, cx);
        self.await_leader(cx);
        self.notify(cx);
        self.count(cx);
    }

    fn begin_round(&mut self, round: u64, cx: &Context<'_>) {
        self.round = round;
        self.vote = Vote { current: self.current_epoch, zxid: self.history.last_zxid(), node: cx.me() };
        self.votes.clear();
    }

    /// Who looks tells everybody whom it would follow.
    pub(super) fn notify(&self, cx: &mut Context<'_>) {
        cx.send(To::Others, Message::Notification { round: self.round, vote: self.vote }.packet());
    }

    /// Another node looks for a leader.
    pub(super) fn notified(&mut self, from: NodeId, (round, vote): (u64, Vote), cx: &mut Context<'_>) {
        if self.leader == Some(cx.me()) {
            return cx.send(To::One(from), Message::Leading.packet());
        }
        if self.leader.is_some() {
            return cx.send(To::One(from), Message::Settled { round: self.round, vote: self.vote }.packet());
        }
        if round < self.round {
            return cx.send(To::One(from), Message::Notification { round: self.round, vote: self.vote }.packet());
        }
        let before = (self.round, self.vote);
        if round > self.round {
            self.begin_round(round, cx);
        }
        self.vote = self.vote.max(vote);
        self.votes.insert(from, vote);
        if (self.round, self.vote) != before {
            self.notify(cx);
        }
        self.count(cx);
    }

    /// Another node does not look any more; it may have found whom this one would follow.
    pub(super) fn settled(&mut self, from: NodeId, (round, vote): (u64, Vote), cx: &mut Context<'_>) {
        if self.leader.is_none() && round == self.round {
            self.votes.insert(from, vote);
            self.count(cx);
        }
    }

    /// There is a leader already.
    pub(super) fn found(&mut self, leader: NodeId, cx: &mut Context<'_>) {
        if self.leader.is_none() {
            self.begin_discovery(leader, cx);
        }
    }

    /// A quorum that votes for one node elects it.
    fn count(&mut self, cx: &mut Context<'_>) {
        let alike = self.votes.values().filter(|vote| **vote == self.vote).count();
        if alike + 1 >= quorum(cx) {
            self.begin_discovery(self.vote.node, cx);
        }
    }
}
