//! Delivery logs in crash mode `recover`: reports of positions, and snapshots that stand for many of them.

use super::Judge;
use super::hold_back::Held;
use crate::header::Crashes;
use crate::ledger::delivery_log::{Reported as Position, hash};
use crate::ledger::faults::Moment;
use crate::op::{Message, Node};
use crate::property::{Displaced, Reported};

/// A snapshot that a node has installed: it stands for its deliveries up to a position.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// The first position that the node had not reported.
    pub from: u64,
    /// The last position that it stands for.
    pub through: u64,
    /// What the node says of the messages at positions 1 to `through`.
    pub hash: Option<u64>,
    /// Which line says so.
    pub at: Moment,
}

impl Judge {
    /// A node reports a delivery at a position. Whether that is news, a delivery to be judged.
    pub(super) fn positioned(&mut self, node: Node, message: Message, position: Option<u64>) -> bool {
        let Some(position) = position.filter(|_| self.ledger.crashes == Crashes::Recover) else { return true };
        let displaced = match self.ledger.nodes.get_mut(node).log.report(position, message) {
            Position::Next => None,
            Position::Again => {
                self.report(node, Reported::Repeated);
                return false;
            }
            Position::Other(before) => Some(Displaced::Other { position, before, after: message }),
            Position::Skipped(expected) => Some(Displaced::Skipped { expected, position, message }),
        };
        let news = !matches!(displaced, Some(Displaced::Other { .. }));
        if let Some(displaced) = displaced {
            self.report(node, Reported::Displaced(displaced));
        }
        news
    }

    /// A node says that a snapshot stands for its deliveries up to `through`. It has the messages there that others report, once
    /// somebody does.
    pub(super) fn installed(&mut self, node: Node, through: u64, hash: Option<u64>) {
        let from = self.ledger.nodes.get(node).log.next();
        let snapshot = Snapshot { from, through, hash, at: self.last };
        self.ledger.nodes.get_mut(node).log.install(through);
        self.held.push(node, Held::Snapshot(snapshot));
        self.awaited = self.awaited.max(through);
        self.release_snapshots();
    }

    /// Lets nodes go on that wait for what their snapshots stand for, as far as it is known by now.
    pub(super) fn release_snapshots(&mut self) {
        let mut released = Vec::new();
        for node in self.held.nodes() {
            if matches!(self.held.first(node), Some(Held::Snapshot(_))) {
                self.release_from(node, &mut released);
            }
        }
        released.into_iter().for_each(|message| self.release(message));
    }

    /// Whether everything that a snapshot stands for is known.
    pub(super) fn is_known(&self, snapshot: &Snapshot) -> bool {
        (1..=snapshot.through).rev().all(|position| self.known(position).is_some())
    }

    /// A snapshot is opened: its node delivers what it stands for, as far as that is known, in the place of its line.
    pub(super) fn open(&mut self, node: Node, snapshot: Snapshot) {
        let messages: Vec<Message> = (snapshot.from..=snapshot.through).map_while(|at| self.known(at)).collect();
        if let (Some(said), true) = (snapshot.hash, self.is_known(&snapshot)) {
            let known = hash((1..=snapshot.through).filter_map(|position| self.known(position)));
            if said != known {
                let last = self.last;
                self.last = snapshot.at;
                self.report(node, Reported::Displaced(Displaced::Snapshot { through: snapshot.through }));
                self.last = last;
            }
        }
        let deliveries = messages.into_iter().map(|message| Held::Delivery(message, snapshot.at));
        self.held.put_first(node, deliveries.collect());
    }

    /// What somebody has reported at a position.
    fn known(&self, position: u64) -> Option<Message> {
        self.ledger.nodes.iter().find_map(|(_, state)| state.log.at(position))
    }
}
