//! Log matching: logs that have an entry of the same index and term are the same up to it.
//!
//! Each entry comes with a hash of all entries up to it, so two indications prove that two prefixes differ, wherever they do. A
//! snapshot stands for a prefix too. Ongaro and Ousterhout 2014, figure 3 and section 5.3.

use std::collections::BTreeMap;

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::replicated_log::Entry;
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges log matching.
struct LogMatching {
    /// By index and term: who said first which hash the log has there.
    firsts: BTreeMap<(u64, u64), Claim>,
    /// Other hashes of the same index and term, each once.
    others: BTreeMap<(u64, u64), Vec<u64>>,
    tally: Tally<(u64, u64, [Claim; 2])>,
    /// Entries that another node had.
    shared: u64,
}

/// Who said that a prefix has this hash.
#[derive(Clone, Copy)]
struct Claim {
    hash: u64,
    node: Node,
    at: Moment,
}

/// A checker of log matching.
pub fn log_matching() -> Box<dyn Property> {
    Box::new(LogMatching { firsts: BTreeMap::new(), others: BTreeMap::new(), tally: Tally::new(), shared: 0 })
}

impl Property for LogMatching {
    fn reported(&mut self, _ledger: &Ledger, report: &Report) {
        let (Reported::Appended(Entry { index, term, hash }) | Reported::Snapshot(Entry { index, term, hash })) =
            report.what
        else {
            return;
        };
        let claim = Claim { hash, node: report.node, at: report.at };
        let first = *self.firsts.entry((index, term)).or_insert(claim);
        self.shared += u64::from(first.node != claim.node);
        if first.hash == hash {
            return;
        }
        let others = self.others.entry((index, term)).or_default();
        if !others.contains(&hash) {
            others.push(hash);
            self.tally.add(None, (Rank::First, claim.at.index), || (index, term, [first, claim]));
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        Finding::of_safety(self.tally.map(|found| differ(found, end)), self.shared)
    }
}

fn differ((index, term, claims): (u64, u64, [Claim; 2]), end: &Ending<'_>) -> Proof {
    let [first, second] = claims.map(|claim| end.name(claim.node));
    let step = |claim: Claim, fact: &str| {
        let what = format!("has entry {index} of term {term}, hash {:016x}", claim.hash);
        Point::known(claim.at, (end.name(claim.node), what), fact)
    };
    let sentence = match first == second {
        true => format!("{first} had two logs up to the entry {index} of term {term}"),
        false => format!("{first} and {second} have the entry {index} of term {term}, and their logs up to it differ"),
    };
    Proof {
        sentence,
        points: vec![step(claims[0], "the log up to this entry"), step(claims[1], "another log up to this entry")],
        nodes: vec![claims[1].node, claims[0].node],
        messages: Vec::new(),
        shape: "logs-differ",
        consequence_of: None,
    }
}
