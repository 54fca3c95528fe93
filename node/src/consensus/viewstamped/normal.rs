//! Normal operation of viewstamped replication (section 4.1).

use super::log::Entry;
use super::message::Message;
use super::{HEARTBEAT, HEARTBEAT_NS, SUSPECT, SUSPECT_MIN_NS, SUSPECT_SPREAD_NS, Status, TIMEOUTS, Viewstamped};
use super::{primary, quorum};
use crate::bugs::Bug;
use crate::choice;
use crate::id::NodeId;
use crate::layer::{Context, To};
use crate::replication::Command;

/// So much is sent again at once, the oldest first: the rest waits for it in any case.
const REPEATED: usize = 32;

impl Viewstamped {
    /// The application asks to broadcast a message. It is open until it is delivered here.
    pub(super) fn ask(&mut self, message: u64, cx: &mut Context<'_>) {
        self.requests.take(message);
        let command = self.requests.open(cx.me(), cx.identity.incarnation).last().expect("it is open");
        if self.status != Status::Normal {
            return;
        }
        match primary(self.view, cx) {
            primary if primary == cx.me() => self.propose(command, cx),
            primary => self.send(To::One(primary), Message::Request { command }, cx),
        }
    }

    /// 4.1, 1: what is open is handed to the primary, again and again.
    pub(super) fn forward_open(&self, cx: &mut Context<'_>) {
        let to = primary(self.view, cx);
        for command in self.requests.open(cx.me(), cx.identity.incarnation).take(REPEATED) {
            self.send(To::One(to), Message::Request { command }, cx);
        }
    }

    /// A new primary's own requests.
    pub(super) fn propose_open(&mut self, cx: &mut Context<'_>) {
        let open: Vec<Command> = self.requests.open(cx.me(), cx.identity.incarnation).collect();
        open.into_iter().for_each(|command| self.propose(command, cx));
    }

    /// 4.1, 2 and 3: the primary puts a request into its log and asks the others to do so too. What is there already is not put
    /// there once more: its client has asked again.
    pub(super) fn propose(&mut self, command: Command, cx: &mut Context<'_>) {
        if self.status != Status::Normal || !self.leads(cx) || self.log.holds(&command) {
            return;
        }
        let entry = Entry { view: self.view, command };
        self.append(entry, cx);
        let (op, commit) = (self.log.op(), self.commit);
        self.send(To::Others, Message::Prepare { view: self.view, op, entry, commit }, cx);
        self.advance_commit(cx);
    }

    /// Whether a frame of a primary is of the view that this replica is in, so that the primary lives. Of a later view, or of one
    /// that was to begin and whose start was lost, the log is missing. (5.2)
    pub(super) fn follows(&mut self, from: NodeId, view: u64, cx: &mut Context<'_>) -> bool {
        if view > self.view || view == self.view && self.status == Status::ViewChange {
            self.ask_for_state(from, view, cx);
        }
        let follows = view == self.view && self.status == Status::Normal;
        if follows {
            self.await_primary(cx);
        }
        follows
    }

    /// 4.1, 4: a backup has an operation only after all before it, and then says so.
    pub(super) fn prepare(&mut self, from: NodeId, (op, entry): (u64, Entry), cx: &mut Context<'_>) {
        self.heard_op = self.heard_op.max(op);
        if op > self.log.op() {
            self.early.insert(op, entry);
        }
        while let Some(next) = self.early.remove(&(self.log.op() + 1)) {
            self.append(next, cx);
        }
        let op = if cx.bug(Bug::AcknowledgesGap) { op } else { self.log.op() };
        self.send(To::One(from), Message::PrepareOk { view: self.view, op }, cx);
    }

    /// 4.1, 5: the primary knows of one more that has all up to this operation.
    pub(super) fn prepare_ok(&mut self, from: NodeId, (view, op): (u64, u64), cx: &mut Context<'_>) {
        if self.status != Status::Normal || view != self.view || !self.leads(cx) {
            return;
        }
        let prepared = self.prepared.entry(from).or_default();
        *prepared = (*prepared).max(op);
        self.advance_commit(cx);
    }

    /// 4.1, 5: what f backups have beside the primary is committed; they are told at once.
    fn advance_commit(&mut self, cx: &mut Context<'_>) {
        let mut prepared: Vec<u64> = self.prepared.values().copied().collect();
        prepared.push(self.log.op());
        prepared.sort_unstable_by(|a, b| b.cmp(a));
        let op = prepared.get(quorum(cx) - 1).copied().unwrap_or(0).min(self.log.op());
        if op > self.commit {
            self.commit_to(op, cx);
            self.send(To::Others, Message::Commit { view: self.view, commit: self.commit }, cx);
        }
    }

    /// 4.1, 7: a backup executes what it has of what is committed.
    pub(super) fn learn_commit(&mut self, commit: u64, cx: &mut Context<'_>) {
        self.heard_op = self.heard_op.max(commit);
        self.commit_to(commit.min(self.log.op()), cx);
    }

    /// 4.1, 6: an idle primary tells what is committed, so that it is not suspected.
    pub(super) fn beat(&self, cx: &mut Context<'_>) {
        if self.status == Status::Normal && self.leads(cx) {
            self.send(To::Others, Message::Commit { view: self.view, commit: self.commit }, cx);
            cx.timer(HEARTBEAT, HEARTBEAT_NS);
        }
    }

    /// What a backup has not said to have is sent to it again.
    pub(super) fn repeat_prepares(&self, cx: &mut Context<'_>) {
        for node in cx.others() {
            let after = self.prepared.get(&node).copied().unwrap_or(0).max(self.log.checkpoint().op);
            for (entry, op) in self.log.entries_after(after).zip(after + 1..).take(REPEATED) {
                let prepare = Message::Prepare { view: self.view, op, entry, commit: self.commit };
                self.send(To::One(node), prepare, cx);
            }
        }
    }

    /// The primary was heard, or a view change has begun: it has so much time from now.
    pub(super) fn await_primary(&mut self, cx: &mut Context<'_>) {
        self.timeouts += 1;
        let spread = choice::number_below(cx.identity, TIMEOUTS, &[self.view, self.timeouts], SUSPECT_SPREAD_NS);
        cx.timer(SUSPECT, SUSPECT_MIN_NS + spread);
    }
}
