//! Terms and votes: a node's term never falls, and it votes once in a term.
//!
//! Both hold over all lives of a node: whoever forgets its term or its vote may help to elect a second leader. They are proved
//! from what each node says of itself, so that the cause is seen before its effect, and where the effect stays out. Ongaro and
//! Ousterhout 2014, figure 2 (persistent state); the lectures, "Leader election". A pre-vote is no vote.

use std::collections::BTreeMap;

use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::op::Node;
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property, Report, Reported};
use crate::tally::{Rank, Tally};

/// Judges that terms rise.
struct RisingTerms {
    /// Of each node its highest term, and where it said so.
    highest: BTreeMap<Node, (u64, Moment)>,
    tally: Tally<Fall>,
    said: u64,
}

/// A node went back.
struct Fall {
    node: Node,
    /// The term that it had been in.
    from: (u64, Moment),
    /// The one that it was in later.
    to: (u64, Moment),
    shape: &'static str,
}

/// A checker of rising terms.
pub fn rising_terms() -> Box<dyn Property> {
    Box::new(RisingTerms { highest: BTreeMap::new(), tally: Tally::new(), said: 0 })
}

impl Property for RisingTerms {
    fn reported(&mut self, _ledger: &Ledger, report: &Report) {
        let (term, shape) = match report.what {
            Reported::Term(term) => (term, "term-falls"),
            Reported::Voted(term, _) => (term, "vote-in-the-past"),
            _ => return,
        };
        let (node, at) = (report.node, report.at);
        let Some(highest) = self.highest.get_mut(&node) else {
            self.highest.insert(node, (term, at));
            return;
        };
        self.said += 1;
        if term < highest.0 {
            let fall = Fall { node, from: *highest, to: (term, at), shape };
            self.tally.add(None, (Rank::First, at.index), || fall);
        } else if term > highest.0 {
            *highest = (term, at);
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        Finding::of_safety(self.tally.map(|fall| fell(&fall, end)), self.said)
    }
}

fn fell(&Fall { node, from, to, shape }: &Fall, end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    let later = if shape == "term-falls" { "is in" } else { "votes in" };
    let sentence = if shape == "term-falls" { "went back to" } else { "voted in" };
    Proof {
        sentence: format!("{name} had been in term {}, and {sentence} term {}", from.0, to.0),
        points: vec![
            Point::known(from.1, (name, format!("is in term {}", from.0)), "a term that is never left for a lower one"),
            Point::known(to.1, (name, format!("{later} term {}", to.0)), "a lower term"),
        ],
        nodes: vec![node],
        messages: Vec::new(),
        shape,
        consequence_of: None,
    }
}

/// Judges one vote per term.
struct OneVotePerTerm {
    /// By node and term: for whom the node voted first, and where it said so.
    votes: BTreeMap<(Node, u64), (Node, Moment)>,
    tally: Tally<TwoVotes>,
    said: u64,
}

/// A node voted for two.
struct TwoVotes {
    node: Node,
    term: u64,
    /// For whom, and where it said so.
    votes: [(Node, Moment); 2],
}

/// A checker of one vote per term.
pub fn one_vote_per_term() -> Box<dyn Property> {
    Box::new(OneVotePerTerm { votes: BTreeMap::new(), tally: Tally::new(), said: 0 })
}

impl Property for OneVotePerTerm {
    fn reported(&mut self, _ledger: &Ledger, report: &Report) {
        let Reported::Voted(term, candidate) = report.what else { return };
        let (node, at) = (report.node, report.at);
        let first = *self.votes.entry((node, term)).or_insert((candidate, at));
        self.said += 1;
        if first.0 != candidate {
            let votes = [first, (candidate, at)];
            self.tally.add(None, (Rank::First, at.index), || TwoVotes { node, term, votes });
        }
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let said = self.said.saturating_sub(1);
        Finding::of_safety(self.tally.map(|votes| voted_twice(&votes, end)), said)
    }
}

fn voted_twice(TwoVotes { node, term, votes }: &TwoVotes, end: &Ending<'_>) -> Proof {
    let name = end.name(*node);
    let [first, second] = votes.map(|(candidate, _)| end.name(candidate));
    let step = |(candidate, at): (Node, Moment), fact: &str| {
        Point::known(at, (name, format!("votes for {} in term {term}", end.name(candidate))), fact)
    };
    Proof {
        sentence: format!("{name} voted for {first} and for {second} in term {term}"),
        points: vec![step(votes[0], "the vote of the term"), step(votes[1], "a second vote")],
        nodes: vec![*node],
        messages: Vec::new(),
        shape: "two-votes",
        consequence_of: None,
    }
}
