//! Integrity: no duplication and no creation.
//!
//! *No duplication*: each process delivers a message at most once. *No creation*: whoever delivers a message, its sender
//! broadcast it. Hadzilacos and Toueg 1994 (uniform integrity); Cachin, Guerraoui and Rodrigues 2011, module 3.1, BEB2 and BEB3.
//!
//! Both are judged at every node, faulty or not. A node that was started again in mode `stop` has lost its memory, so what
//! its later life delivers again is no duplicate. No creation is judged against the request or the report of a broadcast,
//! whichever exists, wherever in the file it stands, as long as the [wait](crate::judge) for it lasts; each delivery of what
//! nobody broadcast is a violation. It violates nothing else: the other properties speak of what was broadcast.

use crate::header::Crashes;
use crate::ledger::Ledger;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Delivery, Ending, Finding, Invention, Property};
use crate::tally::{Rank, Tally};

/// Judges no duplication: `delivered` says already whether it is a repetition.
struct NoDuplication {
    tally: Tally<Delivery>,
    exercised: u64,
    /// Repetitions without a position by a later life in mode `recover`, which may be reports of the same delivery.
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
        let state = ledger.nodes.get(delivery.node);
        let positioned = state.log.next() > 1;
        if ledger.crashes == Crashes::Recover && state.later_life && !positioned {
            self.reported_again += 1;
            return;
        }
        let sender = ledger.messages.get(delivery.id).sender;
        self.tally.add(Some(sender), (Rank::First, delivery.at.index), || *delivery);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let tally = self.tally.map(|delivery| duplicate(&delivery, end));
        let unknown = (self.reported_again > 0).then(|| {
            let times = self.reported_again;
            format!("after restarts, deliveries were reported again ({times}), and without positions nobody can tell")
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
        nodes: vec![again.node, entry.sender],
        messages: vec![entry.number],
        shape: "duplicate",
        consequence_of: None,
    }
}

/// Judges no creation.
struct NoCreation {
    tally: Tally<Invention>,
}

/// A checker of no creation.
pub fn no_creation() -> Box<dyn Property> {
    Box::new(NoCreation { tally: Tally::new() })
}

impl Property for NoCreation {
    fn invented(&mut self, invention: &Invention) {
        self.tally.add(None, (Rank::First, invention.at.index), || *invention);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let exercised = end.deliveries;
        Finding::of_safety(self.tally.map(|invention| created(&invention, end)), exercised)
    }
}

fn created(&Invention { node, message, at }: &Invention, end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    let step = (name, format!("delivers m{message}"));
    Proof {
        sentence: format!("{name} delivered m{message}, which nobody broadcast"),
        points: vec![Point::known(at, step, "nobody asked for it or broadcast it")],
        nodes: vec![node],
        messages: vec![message],
        shape: "creation",
        consequence_of: None,
    }
}
