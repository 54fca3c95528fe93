//! How a node's history changes, and how what is committed in it is delivered.

use super::history::{History, Snapshot, Transaction};
use super::{KEPT_MAX, KEPT_MIN, LIFE, Zab};
use crate::bugs::Bug;
use crate::indication::Indication;
use crate::layer::Context;
use crate::replication::Command;

impl Zab {
    /// One more transaction, on stable storage before anybody is told.
    pub(super) fn append(&mut self, transaction: Transaction, cx: &mut Context<'_>) {
        self.persist_append(transaction, cx);
        self.push(transaction, cx);
    }

    fn push(&mut self, transaction: Transaction, cx: &mut Context<'_>) {
        let hash = self.history.push(transaction);
        let index = self.history.last_index();
        cx.indicate(Indication::Append { index, term: transaction.zxid.epoch, hash });
    }

    /// f.a := e' and h := I, in one record. What both histories have in common stays. (Steps f.2.1 and l.2.1.)
    pub(super) fn synchronise(&mut self, (epoch, history): (u64, History), cx: &mut Context<'_>) {
        self.current_epoch = epoch;
        self.early.clear();
        let Some(shared) = self.history.shared_with(&history) else { return self.replace(history, cx) };
        let shared = if cx.bug(Bug::SkipsTruncation) { self.history.last_index() } else { shared };
        if shared < self.history.last_index() {
            self.history.cut_behind(shared);
            cx.indicate(Indication::Truncate { from: shared + 1 });
        }
        let missing: Vec<Transaction> = history.transactions_after(shared).collect();
        self.persist_synchronised((shared, missing.clone()), cx);
        missing.into_iter().for_each(|transaction| self.push(transaction, cx));
    }

    /// The history begins behind the end of the node's own: its snapshot is the state.
    fn replace(&mut self, history: History, cx: &mut Context<'_>) {
        let stays = self.commit.min(history.snapshot().index);
        if self.history.last_index() > stays {
            cx.indicate(Indication::Truncate { from: stays + 1 });
        }
        let transactions: Vec<Transaction> = history.transactions_after(0).collect();
        self.history = history;
        self.persist_anew(cx);
        let last = self.history.snapshot().index;
        self.history.cut_behind(last);
        if last > self.commit {
            self.indicate_snapshot(cx);
            self.resume_from_snapshot(cx);
            cx.indicate(Indication::Commit { index: last });
            self.answer_delivered(cx);
        }
        transactions.into_iter().for_each(|transaction| self.push(transaction, cx));
    }

    /// The state goes on behind the snapshot.
    pub(super) fn resume_from_snapshot(&mut self, cx: &mut Context<'_>) {
        let snapshot = self.history.snapshot();
        (self.commit, self.state) = (snapshot.index, snapshot.state.clone());
        if self.state.position() > 0 {
            cx.indicate(Indication::Installed { through: self.state.position(), hash: self.state.hash() });
        }
    }

    /// Answers the requests whose deliveries came with a snapshot.
    fn answer_delivered(&mut self, cx: &mut Context<'_>) {
        let open: Vec<Command> = self.requests.open(cx.me(), LIFE).collect();
        let delivered = open.iter().filter(|command| self.state.delivered(command));
        delivered.for_each(|command| self.requests.delivered(command, cx));
    }

    /// The transactions up to here are committed, and delivered in their order.
    pub(super) fn commit_to(&mut self, index: u64, cx: &mut Context<'_>) {
        if index <= self.commit {
            return;
        }
        cx.indicate(Indication::Commit { index });
        while self.commit < index {
            self.commit += 1;
            self.deliver(self.commit, cx);
        }
        self.compact(cx);
    }

    fn deliver(&mut self, index: u64, cx: &mut Context<'_>) {
        let Some(transaction) = self.history.transaction(index) else { return };
        for delivery in self.state.apply(&transaction.command) {
            cx.deliver_at(delivery.position, delivery.command.message);
            if delivery.command.sender == cx.me() {
                self.requests.delivered(&delivery.command, cx);
            }
        }
    }

    /// The history gets shorter; those who are far behind get the snapshot.
    fn compact(&mut self, cx: &mut Context<'_>) {
        let first = self.history.snapshot().index;
        let kept = first.clamp(KEPT_MIN, KEPT_MAX);
        if self.commit < first + 2 * kept {
            return;
        }
        self.history.compact(self.commit - kept);
        self.persist_anew(cx);
        self.indicate_snapshot(cx);
    }

    /// Says where the history ends: what an earlier life wrote last it may never have told.
    pub(super) fn indicate_end(&self, cx: &mut Context<'_>) {
        let (index, term) = (self.history.last_index(), self.history.last_zxid().epoch);
        cx.indicate(match self.history.hash_at(index).filter(|_| index > 0) {
            Some(hash) => Indication::Append { index, term, hash },
            None => Indication::Truncate { from: 1 },
        });
    }

    fn indicate_snapshot(&self, cx: &mut Context<'_>) {
        let Snapshot { index, zxid, hash, .. } = *self.history.snapshot();
        cx.indicate(Indication::Snapshot { index, term: zxid.epoch, hash });
    }
}
