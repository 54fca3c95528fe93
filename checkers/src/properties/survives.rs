//! Survives: no node exits, hangs or breaks the protocol unless a fault made it.
//!
//! Every node promises it. A life ends by a fault if the nemesis asked for that node's kill before, each kill explaining one
//! exit, and the status says nothing else. What violates it excuses the node from nothing: it stays correct, and owes
//! every delivery that it owed before.

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::nodes::Cause;
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Misdeed, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges `survives`.
struct Survives {
    tally: Tally<Failure>,
    /// The nodes that have failed already, and how.
    failed: Vec<(Node, String)>,
}

struct Failure {
    node: Node,
    at: Moment,
    shape: &'static str,
    what: String,
    consequence_of: Option<String>,
}

/// A checker of `survives`.
pub fn survives() -> Box<dyn Property> {
    Box::new(Survives { tally: Tally::new(), failed: Vec::new() })
}

impl Property for Survives {
    fn reported(&mut self, _ledger: &Ledger, report: &Report) {
        let (shape, what) = match &report.what {
            Reported::Exited(Cause::Kill, _) => return,
            Reported::Exited(Cause::Itself, status) => ("exit", format!("exited by itself ({status})")),
            Reported::Misbehaved(misdeed, what) => (shape_of(*misdeed), what.clone()),
            _ => return,
        };
        let earlier = self.failed.iter().find(|(node, _)| *node == report.node);
        let consequence_of = earlier.map(|(_, what)| what.clone());
        let rank = if consequence_of.is_some() { Rank::Consequence } else { Rank::First };
        if consequence_of.is_none() {
            self.failed.push((report.node, what.clone()));
        }
        let failure = Failure { node: report.node, at: report.at, shape, what, consequence_of };
        self.tally.add(None, (rank, report.at.index), || failure);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let lives = end.ledger.nodes.iter().filter(|(_, state)| state.seen).count() as u64;
        Finding::of_safety(self.tally.map(|failure| failure.into_proof(end)), lives)
    }
}

impl Failure {
    fn into_proof(self, end: &Ending<'_>) -> Proof {
        let name = end.name(self.node);
        Proof {
            sentence: format!("{name} {}", self.what),
            points: vec![Point::known(self.at, (name, self.what), "no fault made it")],
            nodes: vec![self.node],
            messages: Vec::new(),
            shape: self.shape,
            consequence_of: self.consequence_of.map(|what| format!("{name} {what}")),
        }
    }
}

fn shape_of(misdeed: Misdeed) -> &'static str {
    match misdeed {
        Misdeed::Nonsense => "nonsense",
        Misdeed::Silent => "silent",
        Misdeed::Flood => "flood",
        Misdeed::Breach => "breach",
    }
}
