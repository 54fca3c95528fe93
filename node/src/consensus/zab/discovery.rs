//! Zab's phase 1, discovery: a new epoch, and which history it begins with.

use super::history::History;
use super::message::Message;
use super::{ELECTION_MIN_NS, ELECTION_SPREAD_NS, ESTABLISH_NS, HEARTBEAT, HEARTBEAT_NS};
use super::{Leadership, Phase, Zab, quorum};
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, To};

impl Zab {
    /// The oracle has told who leads.
    pub(super) fn begin_discovery(&mut self, leader: NodeId, cx: &mut Context<'_>) {
        (self.phase, self.leader) = (Phase::Discovery, Some(leader));
        if leader == cx.me() {
            self.leading = Leadership { since: cx.now, ..Leadership::default() };
            cx.timer(HEARTBEAT, HEARTBEAT_NS);
            self.cepoch(leader, (self.accepted_epoch, self.accepted_from), cx);
        } else {
            self.await_leader(cx);
            self.repeat_step(leader, cx);
        }
    }

    /// Step f.1.1, and what a follower says in the steps after it, until the leader answers.
    pub(super) fn repeat_step(&self, leader: NodeId, cx: &mut Context<'_>) {
        let message = match self.phase {
            Phase::Discovery if self.promised => {
                Message::AckE { epoch: self.accepted_epoch, current: self.current_epoch, history: self.history.clone() }
            }
            Phase::Discovery => Message::Cepoch { epoch: self.accepted_epoch, leader: self.accepted_from },
            Phase::Synchronisation => {
                let epoch = self.current_epoch;
                Message::AckLd { epoch, zxid: self.history.zxid_in(epoch) }
            }
            Phase::Election | Phase::Broadcast => return,
        };
        cx.send(To::One(leader), message.packet());
    }

    /// Step l.1.1: a quorum's accepted epochs are known, so the next one is later than all of them. Who comes afterwards is told
    /// which it is (step l.3.3); unless it has accepted a later one, or this one from another leader, and can't follow this one in it.
    pub(super) fn cepoch(&mut self, from: NodeId, (epoch, leader): (u64, Option<NodeId>), cx: &mut Context<'_>) {
        if self.leading.epoch > 0 {
            let is_same = epoch == self.leading.epoch;
            match epoch > self.leading.epoch || is_same && leader != Some(cx.me()) {
                true => self.look(cx),
                false => cx.send(To::One(from), Message::NewEpoch { epoch: self.leading.epoch }.packet()),
            }
            return;
        }
        self.leading.cepochs.insert(from, epoch);
        if self.leading.cepochs.len() < quorum(cx) {
            return;
        }
        let latest = self.leading.cepochs.values().max().expect("a quorum is not empty");
        let epoch = latest + 1;
        self.leading.epoch = epoch;
        for node in cx.others().filter(|node| self.leading.cepochs.contains_key(node)) {
            cx.send(To::One(node), Message::NewEpoch { epoch }.packet());
        }
        self.promise((cx.me(), epoch), cx);
        self.ack_e(cx.me(), (self.current_epoch, self.history.clone()), cx);
    }

    /// Step f.1.2: a follower accepts an epoch that is later than all that it has accepted, and no message of an earlier one from
    /// then on.
    pub(super) fn new_epoch(&mut self, (leader, epoch): (NodeId, u64), cx: &mut Context<'_>) {
        if self.phase != Phase::Discovery {
            return;
        }
        if epoch > self.accepted_epoch {
            self.promise((leader, epoch), cx);
        }
        if epoch < self.accepted_epoch || self.accepted_from != Some(leader) {
            return self.look(cx);
        }
        self.promised = true;
        self.repeat_step(leader, cx);
    }

    /// f.p := e', on stable storage.
    fn promise(&mut self, (leader, epoch): (NodeId, u64), cx: &mut Context<'_>) {
        (self.accepted_epoch, self.accepted_from) = (epoch, Some(leader));
        self.persist_accepted(cx);
        cx.indicate(Indication::Term { term: epoch });
        cx.indicate(Indication::Vote { term: epoch, r#for: leader });
    }

    /// Step l.1.2: a quorum has accepted the epoch, and the best history of it has everything that is committed. Who comes
    /// afterwards is given the leader's (step l.3.3).
    pub(super) fn ack_e(&mut self, from: NodeId, (current, history): (u64, History), cx: &mut Context<'_>) {
        if self.phase != Phase::Discovery {
            return self.send_history(from, cx);
        }
        self.leading.ack_es.insert(from, (current, history));
        if self.leading.ack_es.len() < quorum(cx) {
            return;
        }
        let answers = std::mem::take(&mut self.leading.ack_es);
        let nodes: Vec<NodeId> = answers.keys().copied().collect();
        let best = answers.into_values().max_by_key(|(current, history)| (*current, history.last_zxid()));
        let (_, initial) = best.expect("a quorum is not empty");
        self.begin_synchronisation((nodes, initial), cx);
    }

    /// The leader lives, or gives up: no quorum follows it, or not as far as it should.
    pub(super) fn beat(&mut self, cx: &mut Context<'_>) {
        if self.leader != Some(cx.me()) {
            return;
        }
        let patience = ELECTION_MIN_NS + ELECTION_SPREAD_NS;
        let age = cx.now - self.leading.since;
        let heard = self.leading.heard.values().filter(|heard| cx.now - **heard <= patience).count() + 1;
        let late = self.phase != Phase::Broadcast && age > ESTABLISH_NS;
        if age > patience && heard < quorum(cx) || late {
            return self.look(cx);
        }
        let ping = Message::Ping { epoch: self.leading.epoch, zxid: self.committed_zxid() };
        for node in self.leading.heard.keys() {
            cx.send(To::One(*node), ping.packet());
        }
        cx.timer(HEARTBEAT, HEARTBEAT_NS);
    }
}
