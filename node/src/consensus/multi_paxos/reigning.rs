//! How a node comes to lead, what it does while it leads, and how that ends: leader, scouts and commanders at work.

use super::MultiPaxos;
use super::ballot::Ballot;
use super::leader::{Reign, Role};
use super::message::{Message, PValue, Proposal, Slot};
use super::scout::Scout;
use super::{ALIVE, ALIVE_NS, BATCH, LIFE, PASSED_ON, WINDOW};
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};
use crate::replication::Command;

impl MultiPaxos {
    /// The active leader was not heard for too long: a scout goes out with a new ballot.
    pub(super) fn scout(&mut self, cx: &mut Context<'_>) {
        let ballot = self.leader.next_ballot(self.acceptor.ballot_num(), cx);
        self.leader.role = Role::Scouting(Scout::new(ballot));
        self.send_all(Message::P1a { ballot, slot: self.replica.slot_out }, cx);
    }

    /// A scout asks this node's acceptor. Its own leader gives way at once, and watches the other one.
    pub(super) fn p1a(&mut self, from: NodeId, (ballot, slot): (Ballot, Slot), cx: &mut Context<'_>) {
        if self.acceptor.ballot_num() < Some(ballot) {
            self.preempted(ballot, cx);
            self.watch(cx);
        }
        let answer = self.acceptor.p1a(ballot, slot, cx);
        self.send(from, answer, cx);
    }

    /// An acceptor has adopted the ballot. One that has collected more than this replica has performed would report too little:
    /// it is asked for the decisions first, and for its answer again.
    pub(super) fn p1b(
        &mut self,
        from: NodeId,
        (ballot, collected, accepted): (Ballot, Slot, Vec<PValue>),
        cx: &mut Context<'_>,
    ) {
        let slot = self.replica.slot_out;
        let Some(scout) = self.leader.scout(ballot) else { return };
        if collected > slot {
            return self.send(from, Message::CatchUp { slot }, cx);
        }
        if scout.p1b(from, accepted, cx) {
            let proposals = scout.proposals((slot, self.replica.last()), cx);
            self.adopted(ballot, proposals, cx);
        }
    }

    /// A majority has adopted the ballot: this leader is active. What may be decided is proposed, and nothing else for its slots.
    fn adopted(&mut self, ballot: Ballot, proposals: Vec<(Slot, Proposal)>, cx: &mut Context<'_>) {
        let mut reign = Reign { ballot, slot_in: self.replica.last() + 1, commanders: Default::default() };
        let open = proposals.into_iter().filter(|(slot, _)| !self.replica.knows(*slot));
        let pvalues: Vec<PValue> = open.map(|(slot, command)| reign.spawn(slot, command)).collect();
        self.leader.role = Role::Active(reign);
        self.followed = Some(ballot);
        cx.indicate(Indication::Leader { term: ballot.term() });
        self.tell_alive(cx);
        pvalues.into_iter().for_each(|pvalue| self.send_all(Message::P2a { pvalue }, cx));
        let own: Vec<Command> = self.replica.requests.open(cx.me(), LIFE).take(PASSED_ON).collect();
        self.propose(&own, cx);
    }

    /// Commands are proposed for the next slots, if this leader is active, and unless they have a slot already.
    pub(super) fn propose(&mut self, commands: &[Command], cx: &mut Context<'_>) {
        for command in commands {
            let (known, limit) = (self.replica.holds(command), self.replica.slot_out + WINDOW);
            let Some(reign) = self.leader.reign() else { return };
            if !known && !reign.proposes(command) && reign.slot_in < limit {
                let pvalue = reign.spawn(reign.slot_in, Some(*command));
                self.send_all(Message::P2a { pvalue }, cx);
            }
        }
    }

    /// An acceptor has accepted what a commander asked for. With a majority it is decided.
    pub(super) fn p2b(&mut self, from: NodeId, (ballot, slot): (Ballot, Slot), cx: &mut Context<'_>) {
        let Some(reign) = self.leader.reign().filter(|reign| reign.ballot == ballot) else { return };
        let Some(commander) = reign.commanders.get_mut(&slot) else { return };
        if commander.p2b(from, cx) {
            let command = commander.pvalue.command;
            reign.commanders.remove(&slot);
            cx.send(To::Others, Message::Decision { slot, command }.packet());
            self.decide(slot, &[command], cx);
        }
    }

    /// Somebody has a higher ballot.
    pub(super) fn preempted(&mut self, by: Ballot, cx: &mut Context<'_>) {
        if self.leader.preempted(by) {
            self.watch(cx);
        }
    }

    /// Says that this leader is active, now and again.
    pub(super) fn tell_alive(&mut self, cx: &mut Context<'_>) {
        if let Some(reign) = self.leader.reign() {
            let alive = Message::Alive { ballot: reign.ballot, slot: self.replica.slot_out };
            cx.send(To::Others, alive.packet());
            cx.timer(ALIVE, ALIVE_NS);
        }
    }

    /// What was not answered since the last time is sent again.
    pub(super) fn retry(&mut self, cx: &mut Context<'_>) {
        let slot = self.replica.slot_out;
        let mut again: Vec<(NodeId, Message)> = Vec::new();
        match &self.leader.role {
            Role::Passive => {}
            Role::Scouting(scout) => {
                let missing = cx.others().filter(|node| scout.waitfor(*node));
                again.extend(missing.map(|node| (node, Message::P1a { ballot: scout.ballot, slot })));
            }
            Role::Active(reign) => {
                for commander in reign.commanders.range(..self.fresh).map(|(_, commander)| commander).take(BATCH) {
                    let missing = cx.others().filter(|node| commander.waitfor(*node));
                    again.extend(missing.map(|node| (node, Message::P2a { pvalue: commander.pvalue })));
                }
                self.fresh = reign.slot_in;
            }
        }
        again.into_iter().for_each(|(node, message)| self.send(node, message, cx));
        self.pass_on_open(cx);
        self.retry_later(cx);
    }
}
