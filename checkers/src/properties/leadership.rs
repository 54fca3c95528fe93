//! At most one leader per term (election safety).
//!
//! No two nodes lead the same term, nor do two lives of one node. Ongaro and Ousterhout 2014, figure 3; the lectures, "Can we
//! guarantee there is only one leader?". Leaders of different terms at one time are legal and never flagged: an ex-leader
//! that wakes from a pause rightly still claims its old term.

use std::collections::BTreeMap;

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges one leader per term.
struct OneLeaderPerTerm {
    /// The first claim to each term.
    claims: BTreeMap<u64, Claim>,
    /// The claims to each term by others than the first, one of each life.
    others: BTreeMap<u64, Vec<Claim>>,
    tally: Tally<(u64, Claim, Claim)>,
}

#[derive(Clone, Copy)]
struct Claim {
    node: Node,
    life: u32,
    at: Moment,
}

/// A checker of one leader per term.
pub fn one_leader_per_term() -> Box<dyn Property> {
    let (claims, others) = (BTreeMap::new(), BTreeMap::new());
    Box::new(OneLeaderPerTerm { claims, others, tally: Tally::new() })
}

impl Property for OneLeaderPerTerm {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        let Reported::Leads(term) = report.what else { return };
        let claim = Claim { node: report.node, life: ledger.nodes.get(report.node).lives, at: report.at };
        let first = *self.claims.entry(term).or_insert(claim);
        if first.is_of(&claim) {
            return;
        }
        let others = self.others.entry(term).or_default();
        if !others.iter().any(|other| other.is_of(&claim)) {
            others.push(claim);
            self.tally.add(None, (Rank::First, claim.at.index), || (term, first, claim));
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let tally = self.tally.map(|(term, first, second)| two_leaders(term, [first, second], end));
        Finding::of_safety(tally, (self.claims.len() as u64).saturating_sub(1))
    }
}

impl Claim {
    /// Whether the same life made both.
    fn is_of(&self, other: &Claim) -> bool {
        (self.node, self.life) == (other.node, other.life)
    }
}

fn two_leaders(term: u64, claims: [Claim; 2], end: &Ending<'_>) -> Proof {
    let [first, second] = claims.map(|claim| end.name(claim.node));
    let sentence = match first == second {
        true => format!("{first} led term {term} in two of its lives"),
        false => format!("{first} and {second} both led term {term}"),
    };
    let fact = ["the first to claim the term", "the term has a leader already"];
    let step = |at: usize| {
        let who = (end.name(claims[at].node), format!("leads term {term}"));
        Point::known(claims[at].at, who, fact[at])
    };
    Proof {
        sentence,
        points: vec![step(0), step(1)],
        nodes: vec![claims[1].node, claims[0].node],
        messages: Vec::new(),
        shape: "two-leaders",
        consequence_of: None,
    }
}
