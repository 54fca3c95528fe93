//! Zab's phase 2, synchronisation: a quorum has the new epoch's initial history before anything of it is delivered.

use super::history::{History, Zxid};
use super::message::Message;
use super::{Phase, Zab, quorum};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};
use crate::replication::Command;

impl Zab {
    /// Step l.2.1: the leader's initial history is its own from now on, and is given to those who have accepted the epoch.
    pub(super) fn begin_synchronisation(&mut self, of: (Vec<NodeId>, History), cx: &mut Context<'_>) {
        let (nodes, initial) = of;
        self.phase = Phase::Synchronisation;
        self.synchronise((self.leading.epoch, initial), cx);
        self.leading.initial = self.history.last_index();
        for node in cx.others().filter(|node| nodes.contains(node)) {
            self.send_history(node, cx);
        }
        self.leading.acked.insert(cx.me(), self.leading.initial);
        if cx.bug(Bug::CommitsBeforeSynchronised) {
            self.establish(cx);
        }
        self.try_to_establish(cx);
    }

    /// NEWLEADER(e', I ∘ what was proposed by now).
    pub(super) fn send_history(&self, to: NodeId, cx: &mut Context<'_>) {
        let message = Message::NewLeader { epoch: self.leading.epoch, history: self.history.clone() };
        cx.send(To::One(to), message.packet());
    }

    /// Step f.2.1: the leader's history takes the place of the follower's own, with the epoch, and is acknowledged. In one epoch a
    /// history only grows, so an old frame of it takes nothing away.
    pub(super) fn new_leader(&mut self, (leader, epoch): (NodeId, u64), history: History, cx: &mut Context<'_>) {
        if epoch != self.accepted_epoch {
            return if epoch > self.accepted_epoch {
                self.look(cx)
            };
        }
        let known = self.current_epoch == epoch && history.last_index() <= self.history.last_index();
        if !known {
            self.synchronise((epoch, history), cx);
        }
        if !self.is_synchronised() {
            self.phase = Phase::Synchronisation;
            cx.indicate(Indication::Follows { term: epoch, leader });
            self.forward_open(leader, cx);
        }
        cx.send(To::One(leader), Message::AckLd { epoch, zxid: self.history.zxid_in(epoch) }.packet());
    }

    /// Step l.2.2: one more has the leader's history. Who comes later is told at once that the epoch is established. (l.3.4)
    pub(super) fn ack_ld(&mut self, from: NodeId, zxid: Zxid, cx: &mut Context<'_>) {
        if !self.is_synchronised() {
            return;
        }
        self.note_acked(from, zxid);
        if self.phase == Phase::Broadcast {
            self.send_commit_ld(from, cx);
            self.advance_commit(cx);
        } else {
            self.try_to_establish(cx);
        }
    }

    fn try_to_establish(&mut self, cx: &mut Context<'_>) {
        if self.phase == Phase::Synchronisation && self.leading.acked.len() >= quorum(cx) {
            self.establish(cx);
        }
    }

    /// Step l.2.2: a quorum has the initial history, so it is delivered, and transactions of this epoch may follow.
    fn establish(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Broadcast;
        cx.indicate(Indication::Leader { term: self.leading.epoch });
        self.commit_to(self.leading.initial, cx);
        for node in cx.others().filter(|node| self.leading.acked.contains_key(node)) {
            self.send_commit_ld(node, cx);
        }
        let open: Vec<Command> = self.requests.open(cx.me(), super::LIFE).collect();
        open.into_iter().for_each(|command| self.propose(command, cx));
    }

    fn send_commit_ld(&self, to: NodeId, cx: &mut Context<'_>) {
        let message = Message::CommitLd { epoch: self.leading.epoch, zxid: self.committed_zxid() };
        cx.send(To::One(to), message.packet());
    }

    /// Step f.2.2: the epoch is established, and its initial history is delivered.
    pub(super) fn commit_ld(&mut self, zxid: Zxid, cx: &mut Context<'_>) {
        self.phase = Phase::Broadcast;
        self.learn_commit(zxid, cx);
    }
}
