//! What a node does as one of the many: it watches the active leader, passes requests on to it, and learns what is decided.

use super::MultiPaxos;
use super::ballot::Ballot;
use super::message::{Message, Proposal, Record, Slot};
use super::{
    BATCH, LIFE, PASSED_ON, RETRY, RETRY_NS, RETRY_PURPOSE, SNAPSHOT_EVERY, SUSPECT, SUSPECT_NS, SUSPECT_PURPOSE,
};
use crate::bugs::Bug;
use crate::choice;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};
use crate::replication::Command;

impl MultiPaxos {
    /// The leader of a ballot is active, and has performed all slots below this one.
    pub(super) fn alive(&mut self, from: NodeId, (ballot, slot): (Ballot, Slot), cx: &mut Context<'_>) {
        if Some(ballot) < self.acceptor.ballot_num().max(self.followed) {
            return;
        }
        self.preempted(ballot, cx);
        self.watch(cx);
        if self.followed != Some(ballot) {
            self.followed = Some(ballot);
            cx.indicate(Indication::Follows { term: ballot.term(), leader: ballot.node });
            self.pass_on_open(cx);
        }
        if slot > self.replica.slot_out {
            self.send(from, Message::CatchUp { slot: self.replica.slot_out }, cx);
        }
    }

    /// Passes what is open on to the active leader, again.
    pub(super) fn pass_on_open(&mut self, cx: &mut Context<'_>) {
        let open: Vec<Command> = self.replica.requests.open(cx.me(), LIFE).take(PASSED_ON).collect();
        if let Some(first) = open.first().filter(|_| cx.bug(Bug::RetryRenumbered)) {
            self.replica.requests.take(first.message);
        }
        if !open.is_empty() {
            self.pass_on(open, cx);
        }
    }

    /// Passes commands on to the active leader, if one is known.
    pub(super) fn pass_on(&mut self, commands: Vec<Command>, cx: &mut Context<'_>) {
        let known = self.followed.filter(|ballot| Some(*ballot) >= self.acceptor.ballot_num());
        if let Some(ballot) = known {
            self.send(ballot.node, Message::Request { commands }, cx);
        }
    }

    /// These are the decisions from a slot on.
    pub(super) fn decide(&mut self, slot: Slot, commands: &[Proposal], cx: &mut Context<'_>) {
        for (slot, command) in (slot..).zip(commands) {
            self.replica.decide(slot, *command, cx);
        }
        if self.replica.slot_out >= self.acceptor.collected() + SNAPSHOT_EVERY {
            self.write_snapshot(cx);
        }
    }

    /// Another replica has missed decisions: it gets as many as are kept, or a snapshot.
    pub(super) fn help(&mut self, from: NodeId, slot: Slot, cx: &mut Context<'_>) {
        if slot >= self.replica.slot_out {
            return;
        }
        let answer = match self.replica.decisions_from(slot, BATCH) {
            Some(commands) => Message::Decisions { slot, commands },
            None => Message::Snapshot { slot: self.replica.slot_out, deliveries: self.replica.deliveries.clone() },
        };
        self.send(from, answer, cx);
    }

    /// Decisions that this replica had asked for: it asks for the next as long as they come in full batches.
    pub(super) fn caught_up(&mut self, from: NodeId, (slot, commands): (Slot, Vec<Proposal>), cx: &mut Context<'_>) {
        let before = self.replica.slot_out;
        self.decide(slot, &commands, cx);
        if self.replica.slot_out > before && commands.len() == BATCH {
            self.send(from, Message::CatchUp { slot: self.replica.slot_out }, cx);
        }
    }

    /// Writes the state in place of all that was stored of the slots that it stands for.
    pub(super) fn write_snapshot(&mut self, cx: &mut Context<'_>) {
        let slot = self.replica.slot_out;
        self.acceptor.collect(slot);
        let snapshot = Record::Snapshot { slot, deliveries: self.replica.deliveries.clone() };
        let requests = self.replica.requests.records().map(|request| Record::Asked { request });
        let records = [snapshot].into_iter().chain(self.acceptor.records()).chain(requests);
        cx.rewrite(records.map(|record| record.bytes()).collect());
    }

    /// From now on the leader may be silent for so long before it is suspected.
    pub(super) fn watch(&mut self, cx: &mut Context<'_>) {
        self.silences += 1;
        let more = choice::number_below(cx.identity, SUSPECT_PURPOSE, &[self.silences], SUSPECT_NS);
        cx.timer(SUSPECT, SUSPECT_NS + more);
    }

    pub(super) fn retry_later(&mut self, cx: &mut Context<'_>) {
        self.retries += 1;
        let more = choice::number_below(cx.identity, RETRY_PURPOSE, &[self.retries], RETRY_NS);
        cx.timer(RETRY, RETRY_NS + more);
    }

    /// To everybody, this node included.
    pub(super) fn send_all(&mut self, message: Message, cx: &mut Context<'_>) {
        cx.send(To::Others, message.packet());
        self.handle(cx.me(), message, cx);
    }

    pub(super) fn send(&mut self, to: NodeId, message: Message, cx: &mut Context<'_>) {
        if to == cx.me() {
            self.handle(to, message, cx);
        } else {
            cx.send(To::One(to), message.packet());
        }
    }
}
