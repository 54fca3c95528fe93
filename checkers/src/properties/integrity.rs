//! Integrity: no duplication and no creation.
//!
//! *No duplication*: each process delivers a message at most once. *No creation*: whoever delivers a message, its sender
//! broadcast it. Hadzilacos and Toueg 1994 (uniform integrity); Cachin, Guerraoui and Rodrigues 2011, module 3.1, BEB2 and BEB3.
//!
//! Both are judged at every node, faulty or not. A node that was started again in mode `stop` has lost its memory, so what
//! its later life delivers again is no duplicate. No creation is judged against the request or the report of a broadcast,
//! whichever exists, wherever in the file it stands. That several nodes deliver one invented message is one violation.

use crate::header::Crashes;
use crate::ledger::Ledger;
use crate::ledger::bits::ones;
use crate::ledger::messages::Id;
use crate::op::Node;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Delivery, Ending, Finding, Property, listed};
use crate::tally::{Rank, Tally};

/// Judges no duplication: `delivered` says already whether it is a repetition.
pub struct NoDuplication {
    tally: Tally<Delivery>,
    exercised: u64,
    /// Repetitions by a later life in mode `recover`, which may be reports of the same delivery.
    reported_again: u64,
}

/// A checker of no duplication.
pub fn no_duplication() -> Box<dyn Property> {
    Box::new(NoDuplication { tally: Tally::new(), exercised: 0, reported_again: 0 })
}

impl Property for NoDuplication {
    fn hears_deliveries(&self) -> bool {
        true
    }

    fn delivered(&mut self, ledger: &Ledger, delivery: &Delivery) {
        self.exercised += u64::from(delivery.disturbed);
        if !delivery.again {
            return;
        }
        if ledger.crashes == Crashes::Recover && ledger.nodes.get(delivery.node).later_life {
            self.reported_again += 1;
            return;
        }
        let sender = ledger.messages.get(delivery.id).sender();
        self.tally.add(sender, (Rank::First, delivery.at.index), || *delivery);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let tally = self.tally.map(|delivery| duplicate(&delivery, end));
        let unknown = (self.reported_again > 0).then(|| {
            let times = self.reported_again;
            format!("after a restart {times} deliveries were reported again, and their positions are not compared")
        });
        Finding { unknown, ..Finding::of_safety(tally, self.exercised) }
    }
}

fn duplicate(again: &Delivery, end: &Ending<'_>) -> Proof {
    let (name, message) = (end.name(again.node), end.message(again.id));
    let entry = end.ledger.messages.get(again.id);
    let earlier = Sought::DeliveryBefore(entry.number, again.node, again.at.index);
    Proof {
        sentence: format!("{name} delivered {message} more than once"),
        points: vec![
            Point::sought(earlier, format!("{message} is delivered at {name}")),
            Point::known(again.at, (name, format!("delivers {message}")), "delivered again"),
        ],
        nodes: [again.node].into_iter().chain(entry.sender()).collect(),
        messages: vec![entry.number],
        shape: "duplicate",
        consequence_of: None,
    }
}

/// Judges no creation: all at the end.
pub struct NoCreation;

/// A checker of no creation.
pub fn no_creation() -> Box<dyn Property> {
    Box::new(NoCreation)
}

impl Property for NoCreation {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let (mut tally, mut exercised) = (Tally::new(), 0);
        let words = end.ledger.messages.len().div_ceil(64);
        for word in 0..words {
            let delivered = end.ledger.nodes.iter().fold(0, |any, (_, node)| any | node.word(word));
            exercised += u64::from(delivered.count_ones());
            for id in ones(delivered).map(|bit| Id((64 * word + bit) as u32)) {
                if !end.ledger.evidenced(id) {
                    tally.add(None, (Rank::First, id.at() as u64), || id);
                }
            }
        }
        Finding::of_safety(tally.map(|id| invented(id, end)), exercised)
    }
}

fn invented(id: Id, end: &Ending<'_>) -> Proof {
    let number = end.ledger.messages.get(id).number;
    let nodes: Vec<Node> =
        end.ledger.nodes.iter().filter(|(_, state)| state.ever(id)).map(|(node, _)| node).collect();
    let names = nodes.iter().map(|node| end.name(*node).to_owned()).collect();
    Proof {
        sentence: format!("{} delivered m{number}, which nobody broadcast", listed(names)),
        points: vec![Point::sought(Sought::FirstDelivery(number), "nobody asked for it or broadcast it")],
        nodes,
        messages: vec![number],
        shape: "creation",
        consequence_of: None,
    }
}
