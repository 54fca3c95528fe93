//! How a replica's log changes, and how what is committed in it is executed (sections 4.1 and 5.1).

use super::log::{Entry, Log};
use super::{KEPT, Viewstamped};
use crate::indication::Indication;
use crate::layer::Context;
use crate::replication::Command;

impl Viewstamped {
    /// One more operation at the log's end.
    pub(super) fn append(&mut self, entry: Entry, cx: &mut Context<'_>) {
        let hash = self.log.push(entry);
        cx.indicate(Indication::Append { index: self.log.op(), term: entry.view, hash });
    }

    /// This log takes the place of the replica's own. What both have in common stays, so that it is executed one by one.
    pub(super) fn adopt(&mut self, log: Log, cx: &mut Context<'_>) {
        let Some(shared) = self.log.shared_with(&log) else { return self.replace(log, cx) };
        if shared < self.log.op() {
            self.log.cut_behind(shared);
            cx.indicate(Indication::Truncate { from: shared + 1 });
        }
        log.entries_after(shared).for_each(|entry| self.append(entry, cx));
    }

    /// The log begins behind the end of the replica's own: its checkpoint is the state. (5.1)
    fn replace(&mut self, log: Log, cx: &mut Context<'_>) {
        let stays = self.commit.min(log.checkpoint().op);
        if self.log.op() > stays {
            cx.indicate(Indication::Truncate { from: stays + 1 });
        }
        self.log = log;
        let first = self.log.checkpoint().op + 1;
        if self.log.checkpoint().op > self.commit {
            self.install(cx);
        }
        for index in first..=self.log.op() {
            let (entry, hash) = (self.log.entry(index), self.log.hash_at(index));
            let (entry, hash) = entry.zip(hash).expect("a log has no gaps");
            cx.indicate(Indication::Append { index, term: entry.view, hash });
        }
    }

    fn install(&mut self, cx: &mut Context<'_>) {
        let checkpoint = self.log.checkpoint();
        let (index, term, hash) = (checkpoint.op, checkpoint.view, checkpoint.hash);
        (self.commit, self.state) = (checkpoint.op, checkpoint.state.clone());
        cx.indicate(Indication::Snapshot { index, term, hash });
        cx.indicate(Indication::Installed { through: self.state.position(), hash: self.state.hash() });
        cx.indicate(Indication::Commit { index });
        let open: Vec<Command> = self.requests.open(cx.me(), cx.identity.incarnation).collect();
        let delivered = open.iter().filter(|command| self.state.delivered(command));
        delivered.for_each(|command| self.requests.delivered(command, cx));
    }

    /// The operations up to here are committed, and executed.
    pub(super) fn commit_to(&mut self, op: u64, cx: &mut Context<'_>) {
        if op <= self.commit {
            return;
        }
        cx.indicate(Indication::Commit { index: op });
        while self.commit < op {
            self.commit += 1;
            self.execute(self.commit, cx);
        }
        self.checkpoint(cx);
    }

    /// 4.1, 5 and 7: an operation is delivered. That a request was taken is never said: before this it may still be lost with its
    /// node, and now it is too late to say what had been delivered before.
    fn execute(&mut self, op: u64, cx: &mut Context<'_>) {
        let Some(entry) = self.log.entry(op) else { return };
        for delivery in self.state.apply(&entry.command) {
            let Command { sender, life, message, .. } = delivery.command;
            cx.deliver_at(delivery.position, message);
            if sender == cx.me() && life == cx.identity.incarnation {
                self.requests.delivered(&delivery.command, cx);
            }
        }
    }

    /// 5.1: the log gets shorter; those who are far behind get the checkpoint.
    fn checkpoint(&mut self, cx: &mut Context<'_>) {
        if self.commit < self.log.checkpoint().op + 2 * KEPT {
            return;
        }
        self.log.compact(self.commit - KEPT);
        let checkpoint = self.log.checkpoint();
        let (index, term, hash) = (checkpoint.op, checkpoint.view, checkpoint.hash);
        cx.indicate(Indication::Snapshot { index, term, hash });
    }
}
