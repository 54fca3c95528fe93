//! Commitment: what a node knows to be committed grows within its log, and is the same at all nodes.
//!
//! *Commit order*: within a life the commit index never falls, never passes the end of the log, and what is committed is not taken
//! away. *State machine safety*: no two nodes have different entries committed at one index. It is gap-free total order, seen in the logs before
//! anything is delivered. Ongaro and Ousterhout 2014, figures 2 and 3.

use std::collections::BTreeMap;

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::replicas::Replica;
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges commit order.
struct CommitOrder {
    tally: Tally<Disorder>,
    said: u64,
}

/// What a node did that was wrong.
struct Disorder {
    node: Node,
    at: Moment,
    shape: &'static str,
    /// The sentence behind the node's name.
    sentence: String,
    /// The step behind the node's name.
    step: String,
}

/// A checker of commit order.
pub fn commit_order() -> Box<dyn Property> {
    Box::new(CommitOrder { tally: Tally::new(), said: 0 })
}

impl Property for CommitOrder {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        let replica = ledger.replicas.get(report.node);
        let found = match report.what {
            Reported::Committed(index) => {
                self.said += 1;
                disorder(replica, index)
            }
            Reported::Truncated(from) if from <= replica.committed => {
                let sentence = format!("took away entry {from}, and had {} committed", replica.committed);
                Some(("committed-lost", sentence, format!("has no entry from {from} on")))
            }
            _ => None,
        };
        if let Some((shape, sentence, step)) = found {
            let (node, at) = (report.node, report.at);
            self.tally.add(None, (Rank::First, at.index), || Disorder { node, at, shape, sentence, step });
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        Finding::of_safety(self.tally.map(|found| out_of_order(found, end)), self.said)
    }
}

/// What is wrong with a commit index, if anything is.
fn disorder(replica: &Replica, index: u64) -> Option<(&'static str, String, String)> {
    let step = format!("knows that the entries up to {index} are committed");
    if index < replica.committed {
        let sentence = format!("went back from commit index {} to {index}", replica.committed);
        return Some(("commit-falls", sentence, step));
    }
    let end = replica.log.end().filter(|end| *end < index)?;
    Some(("commit-past-the-log", format!("had {index} committed, and its log ends at {end}"), step))
}

fn out_of_order(found: Disorder, end: &Ending<'_>) -> Proof {
    let name = end.name(found.node);
    Proof {
        sentence: format!("{name} {}", found.sentence),
        points: vec![Point::known(found.at, (name, found.step), "the commit index only grows, within the log")],
        nodes: vec![found.node],
        messages: Vec::new(),
        shape: found.shape,
        consequence_of: None,
    }
}

/// Judges state machine safety.
struct StateMachineSafety {
    /// By index: who said first which entry is committed there.
    firsts: BTreeMap<u64, Claim>,
    /// Who said first that another one is, one claim for each.
    others: BTreeMap<u64, Vec<Claim>>,
    /// Indices that another node had committed before.
    shared: u64,
}

/// Who has committed which prefix.
#[derive(Clone, Copy)]
struct Claim {
    hash: u64,
    node: Node,
    at: Moment,
}

/// A checker of state machine safety.
pub fn state_machine_safety() -> Box<dyn Property> {
    Box::new(StateMachineSafety { firsts: BTreeMap::new(), others: BTreeMap::new(), shared: 0 })
}

impl Property for StateMachineSafety {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        let Reported::Committed(index) = report.what else { return };
        let replica = ledger.replicas.get(report.node);
        // Nothing is known beyond the log's end, whatever the node says.
        let last = index.min(replica.log.end().unwrap_or(0));
        for entry in (replica.committed + 1..=last).filter_map(|index| replica.log.entry(index)) {
            self.commits(entry.index, Claim { hash: entry.hash, node: report.node, at: report.at });
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let mut tally = Tally::new();
        let first_bad = self.others.keys().next().copied();
        for (index, others) in &self.others {
            let rank = if first_bad == Some(*index) { Rank::First } else { Rank::Consequence };
            let earlier = first_bad.filter(|first| first != index);
            for other in others {
                tally.add(None, (rank, *index), || contradiction(*index, ([self.firsts[index], *other], earlier), end));
            }
        }
        Finding::of_safety(tally, self.shared)
    }
}

impl StateMachineSafety {
    fn commits(&mut self, index: u64, claim: Claim) {
        let first = *self.firsts.entry(index).or_insert(claim);
        self.shared += u64::from(first.node != claim.node);
        if first.hash == claim.hash {
            return;
        }
        let others = self.others.entry(index).or_default();
        if others.iter().all(|other| other.hash != claim.hash) {
            others.push(claim);
        }
    }
}

fn contradiction(index: u64, (claims, earlier): ([Claim; 2], Option<u64>), end: &Ending<'_>) -> Proof {
    let [first, second] = claims.map(|claim| end.name(claim.node));
    let sentence = match first == second {
        true => format!("{first} had two logs committed up to entry {index}"),
        false => format!("{first} and {second} have different logs committed up to entry {index}"),
    };
    let step = |claim: Claim, fact: &str| {
        let what = format!("has committed up to entry {index}, hash {:016x}", claim.hash);
        Point::known(claim.at, (end.name(claim.node), what), fact)
    };
    Proof {
        sentence,
        points: vec![step(claims[0], "committed for good"), step(claims[1], "another log is committed")],
        nodes: vec![claims[1].node, claims[0].node],
        messages: Vec::new(),
        shape: "commits-differ",
        consequence_of: earlier.map(|index| format!("logs that differ up to entry {index} are committed")),
    }
}
