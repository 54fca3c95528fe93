//! Zab's phase 3, broadcast: a two-phase commit of one transaction after the other.

use super::history::{Transaction, Zxid};
use super::message::Message;
use super::{LIFE, Phase, Zab, quorum};
use crate::id::NodeId;
use crate::layer::{Context, To};
use crate::replication::Command;

/// So much is sent again at once, the oldest first: the rest waits for it in any case.
const REPEATED: usize = 32;

impl Zab {
    /// The application asks to broadcast a message: it is taken, whether or not somebody leads.
    pub(super) fn take(&mut self, message: u64, cx: &mut Context<'_>) {
        let request = self.requests.take(message);
        self.persist_request(request, cx);
        cx.taken(message);
        let command = self.requests.open(cx.me(), LIFE).last().expect("it is open");
        match self.leader {
            Some(leader) if leader == cx.me() => self.propose(command, cx),
            Some(leader) => cx.send(To::One(leader), Message::Request { command }.packet()),
            None => {}
        }
    }

    /// What is open is handed to the leader again.
    pub(super) fn forward_open(&self, leader: NodeId, cx: &mut Context<'_>) {
        for command in self.requests.open(cx.me(), LIFE).take(REPEATED) {
            cx.send(To::One(leader), Message::Request { command }.packet());
        }
    }

    /// Step l.3.1: an operation gets the next zxid, and is proposed to all who have synchronised. What is in the history already
    /// is not proposed once more: its client has asked again.
    pub(super) fn propose(&mut self, command: Command, cx: &mut Context<'_>) {
        let leads = self.leader == Some(cx.me()) && self.phase == Phase::Broadcast;
        if !leads || self.history.holds(&command) {
            return;
        }
        let epoch = self.leading.epoch;
        let counter = self.history.zxid_in(epoch).counter + 1;
        let transaction = Transaction { zxid: Zxid { epoch, counter }, command };
        self.append(transaction, cx);
        for node in cx.others().filter(|node| self.leading.acked.contains_key(node)) {
            cx.send(To::One(node), Message::Propose { epoch, transaction }.packet());
        }
        self.leading.acked.insert(cx.me(), self.history.last_index());
        self.advance_commit(cx);
    }

    /// Step f.3.1: a follower accepts a transaction after all before it, and acknowledges it once it is on stable storage.
    pub(super) fn accept(&mut self, of: (NodeId, u64), transaction: Transaction, cx: &mut Context<'_>) {
        let (leader, epoch) = of;
        if transaction.zxid > self.history.zxid_in(epoch) {
            self.early.insert(transaction.zxid.counter, transaction);
        }
        while let Some(next) = self.early.remove(&(self.history.zxid_in(epoch).counter + 1)) {
            self.append(next, cx);
        }
        cx.send(To::One(leader), Message::Ack { epoch, zxid: self.history.zxid_in(epoch) }.packet());
    }

    /// Step l.3.2: one more has all up to this transaction.
    pub(super) fn ack(&mut self, from: NodeId, zxid: Zxid, cx: &mut Context<'_>) {
        if self.leading.acked.contains_key(&from) {
            self.note_acked(from, zxid);
            self.advance_commit(cx);
        }
    }

    /// A follower's history is the leader's up to this zxid.
    pub(super) fn note_acked(&mut self, from: NodeId, zxid: Zxid) {
        let index = self.leading.initial + zxid.counter;
        let acked = self.leading.acked.entry(from).or_default();
        *acked = (*acked).max(index);
    }

    /// Step l.3.2: what a quorum has is committed; the followers are told at once.
    pub(super) fn advance_commit(&mut self, cx: &mut Context<'_>) {
        let mut acked: Vec<u64> = self.leading.acked.values().copied().collect();
        acked.sort_unstable_by(|a, b| b.cmp(a));
        let index = acked.get(quorum(cx) - 1).copied().unwrap_or(0);
        if self.phase != Phase::Broadcast || index <= self.commit {
            return;
        }
        self.commit_to(index, cx);
        let commit = Message::Commit { epoch: self.leading.epoch, zxid: self.committed_zxid() };
        for node in cx.others().filter(|node| self.leading.acked.contains_key(node)) {
            cx.send(To::One(node), commit.packet());
        }
    }

    /// The zxid up to which the leader has committed in its epoch: counter 0 stands for its initial history.
    pub(super) fn committed_zxid(&self) -> Zxid {
        Zxid { epoch: self.leading.epoch, counter: self.commit.saturating_sub(self.leading.initial) }
    }

    /// Step f.3.2: a follower delivers what it has of what is committed.
    pub(super) fn learn_commit(&mut self, zxid: Zxid, cx: &mut Context<'_>) {
        if self.phase == Phase::Broadcast {
            let last = self.history.zxid_in(self.current_epoch);
            let initial = self.history.last_index() - last.counter;
            self.commit_to(initial + zxid.counter.min(last.counter), cx);
        }
    }

    /// The leader lives; a follower says how far it is, as its acknowledgements may be lost.
    pub(super) fn pinged(&mut self, of: (NodeId, u64), zxid: Zxid, cx: &mut Context<'_>) {
        let (leader, epoch) = of;
        self.learn_commit(zxid, cx);
        let message = match self.phase {
            Phase::Broadcast => Message::Ack { epoch, zxid: self.history.zxid_in(epoch) },
            _ => return,
        };
        cx.send(To::One(leader), message.packet());
    }

    /// What a follower has not acknowledged is proposed again; or given with the history, where it is gone.
    pub(super) fn repeat_proposals(&self, cx: &mut Context<'_>) {
        let epoch = self.leading.epoch;
        for node in cx.others() {
            let Some(acked) = self.leading.acked.get(&node) else { continue };
            if *acked < self.history.snapshot().index {
                self.send_history(node, cx);
                continue;
            }
            for transaction in self.history.transactions_after(*acked).take(REPEATED) {
                cx.send(To::One(node), Message::Propose { epoch, transaction }.packet());
            }
        }
    }
}
