//! The leader's log: a leader never takes anything away from its log, and has all that was committed before its term.
//!
//! *Leader append-only*: while a node leads, entries are only added to its log. *Leader completeness*: an entry that is committed
//! in a term is in the logs of the leaders of all later terms, at the moment at which they say that they lead. Ongaro and
//! Ousterhout 2014, figure 3, sections 5.3 and 5.4.
//!
//! What a node says to be committed was committed in the term in which the node is then, or in an earlier one. So of all that was
//! committed in terms before the leader's, what reaches farthest is looked up in its log; the hashes are of prefixes, and it
//! stands for all before it. Whether the file has the commitment before the election plays no part.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::replicated_log::{Entry, Version};
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges leader append-only.
struct LeaderAppendOnly {
    tally: Tally<Loss>,
    /// Changes of the logs of leaders.
    changes: u64,
}

/// A leader took entries away.
struct Loss {
    node: Node,
    term: u64,
    /// The first of them.
    from: u64,
    at: Moment,
}

/// A checker of leader append-only.
pub fn leader_append_only() -> Box<dyn Property> {
    Box::new(LeaderAppendOnly { tally: Tally::new(), changes: 0 })
}

impl Property for LeaderAppendOnly {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        let (Reported::Appended(Entry { index: from, .. }) | Reported::Truncated(from)) = report.what else { return };
        let replica = ledger.replicas.get(report.node);
        let Some(term) = replica.leads else { return };
        self.changes += 1;
        if replica.log.end().is_some_and(|end| from <= end) {
            let (node, at) = (report.node, report.at);
            self.tally.add(None, (Rank::First, at.index), || Loss { node, term, from, at });
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        Finding::of_safety(self.tally.map(|loss| lost(&loss, end)), self.changes)
    }
}

fn lost(&Loss { node, term, from, at }: &Loss, end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    let step = (name, format!("takes away its log from entry {from} on"));
    Proof {
        sentence: format!("{name} led term {term}, and took entries away from its own log, from {from} on"),
        points: vec![Point::known(at, step, "a leader only appends")],
        nodes: vec![node],
        messages: Vec::new(),
        shape: "leader-truncates",
        consequence_of: None,
    }
}

/// Judges leader completeness.
struct LeaderCompleteness {
    leaders: Vec<Elected>,
    /// By the term in which it was known: what is committed, as far as it reaches.
    commitments: BTreeMap<u64, Commitment>,
}

/// A node that said it leads.
#[derive(Clone, Copy)]
struct Elected {
    node: Node,
    term: u64,
    at: Moment,
    /// Its log then.
    log: Version,
}

/// A node that said what is committed.
#[derive(Clone, Copy)]
struct Commitment {
    /// The last entry.
    entry: Entry,
    /// The term in which the node was.
    term: u64,
    node: Node,
    at: Moment,
}

/// A checker of leader completeness.
pub fn leader_completeness() -> Box<dyn Property> {
    Box::new(LeaderCompleteness { leaders: Vec::new(), commitments: BTreeMap::new() })
}

impl Property for LeaderCompleteness {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        let replica = ledger.replicas.get(report.node);
        let (node, at) = (report.node, report.at);
        match report.what {
            Reported::Leads(term) => {
                self.leaders.push(Elected { node, term, at, log: replica.log.version() });
            }
            Reported::Committed(index) => {
                let Some((term, entry)) = replica.term.zip(replica.log.entry(index)) else { return };
                let commitment = Commitment { entry, term, node, at };
                let farthest = self.commitments.entry(term).or_insert(commitment);
                if commitment.reach() > farthest.reach() {
                    *farthest = commitment;
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let (mut tally, mut asked) = (Tally::new(), 0);
        for leader in &self.leaders {
            let earlier = self.commitments.range(..leader.term).map(|(_, commitment)| commitment);
            let Some(commitment) = earlier.max_by_key(|commitment| commitment.reach()) else { continue };
            let Some(last) = leader.log.end else { continue };
            asked += 1;
            let log = &end.ledger.replicas.get(leader.node).log;
            let has = log.entry_in(leader.log, commitment.entry.index);
            let lacks = match has {
                Some(entry) => entry.hash != commitment.entry.hash,
                None => last < commitment.entry.index,
            };
            if lacks {
                let complete = leader.at.index.max(commitment.at.index);
                tally.add(None, (Rank::First, complete), || incomplete(leader, (commitment, has.is_some()), end));
            }
        }
        Finding::of_safety(tally, asked)
    }
}

impl Commitment {
    /// The farther the greater.
    fn reach(&self) -> (u64, Reverse<u64>) {
        (self.entry.index, Reverse(self.entry.hash))
    }
}

fn incomplete(leader: &Elected, (commitment, is_other): (&Commitment, bool), end: &Ending<'_>) -> Proof {
    let (name, by) = (end.name(leader.node), end.name(commitment.node));
    let (term, index) = (leader.term, commitment.entry.index);
    let has = if is_other { "has another log up to there" } else { "has no such entry" };
    let known = format!("knows that the entries up to {index} are committed");
    Proof {
        sentence: format!(
            "{by} knew entry {index} to be committed in term {}; {name}, leader of term {term}, {has}",
            commitment.term
        ),
        points: vec![
            Point::known(commitment.at, (by, known), "each later leader has them"),
            Point::known(leader.at, (name, format!("leads term {term}")), format!("its log {has}")),
        ],
        nodes: vec![leader.node, commitment.node],
        messages: Vec::new(),
        shape: "incomplete-leader",
        consequence_of: None,
    }
}
