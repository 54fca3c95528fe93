//! Stable log: in crash mode `recover` a node's delivery log never changes, whatever happens to its lives.
//!
//! A position holds one message for good, and no position is left out. A node that comes back reports again what it can't know to
//! have been seen, at the same positions; that is no duplicate. A snapshot that it installs stands for the deliveries that
//! the others have at these positions, and its hash must be theirs. Cachin, Guerraoui and Rodrigues 2011, 3.5 (logged delivery).

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::op::Node;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Displaced, Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges stable logs.
struct StableLog {
    tally: Tally<(Node, Moment, Displaced)>,
    /// Reports of positions that had been reported before.
    repeated: u64,
}

/// A checker of stable logs.
pub fn stable_log() -> Box<dyn Property> {
    Box::new(StableLog { tally: Tally::new(), repeated: 0 })
}

impl Property for StableLog {
    fn reported(&mut self, _ledger: &Ledger, report: &Report) {
        match report.what {
            Reported::Repeated => self.repeated += 1,
            Reported::Displaced(displaced) => {
                self.repeated += 1;
                let (node, at) = (report.node, report.at);
                self.tally.add(None, (Rank::First, at.index), || (node, at, displaced));
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        Finding::of_safety(self.tally.map(|found| proof(found, end)), self.repeated)
    }
}

fn proof((node, at, displaced): (Node, Moment, Displaced), end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    let (sentence, points, messages) = match displaced {
        Displaced::Other { position, before, after } => {
            let sentence = format!("{name} delivered m{before} at position {position}, and later m{after} there");
            let earlier = Sought::DeliveryBefore(before, node, at.index);
            let points = vec![
                Point::sought(earlier, format!("m{before} is delivered at position {position}")),
                Point::known(at, (name, format!("delivers m{after} at position {position}")), "another message"),
            ];
            (sentence, points, vec![before, after])
        }
        Displaced::Skipped { expected, position, message } => {
            let sentence = format!("{name} delivered m{message} at position {position}, and nothing at {expected}");
            let step = (name, format!("delivers m{message} at position {position}"));
            (sentence, vec![Point::known(at, step, format!("position {expected} is left out"))], vec![message])
        }
        Displaced::Snapshot { through } => {
            let sentence = format!(
                "{name} installed a snapshot through position {through} that differs from what others delivered"
            );
            let step = (name, format!("installs a snapshot through position {through}"));
            (sentence, vec![Point::known(at, step, "its hash is not that of these deliveries")], Vec::new())
        }
    };
    Proof { sentence, points, nodes: vec![node], messages, shape: "displaced", consequence_of: None }
}
