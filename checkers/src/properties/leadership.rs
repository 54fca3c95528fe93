//! At most one leader per term (election safety).
//!
//! No two nodes lead the same term, nor do two lives of one node; and who follows another node in that term takes that one for
//! its leader, which is a second leader too. Ongaro and Ousterhout 2014, figure 3; the lectures, "Can we
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
    /// Whom nodes follow: by term and leader the first to say so.
    followed: BTreeMap<(u64, Node), (Node, Moment)>,
    /// How many indications there were of who leads a term.
    indications: u64,
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
    let (claims, others, followed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    Box::new(OneLeaderPerTerm { claims, others, followed, indications: 0, tally: Tally::new() })
}

impl Property for OneLeaderPerTerm {
    fn reported(&mut self, ledger: &Ledger, report: &Report) {
        match report.what {
            Reported::Follows(term, leader) => {
                self.followed.entry((term, leader)).or_insert((report.node, report.at));
            }
            Reported::Leads(term) => {
                let life = ledger.nodes.get(report.node).lives;
                self.claimed(term, Claim { node: report.node, life, at: report.at });
            }
            _ => return,
        }
        self.indications += 1;
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let OneLeaderPerTerm { claims, others, mut followed, indications, tally } = *self;
        let claimed = |term: u64, node: Node| {
            let also = others.get(&term).into_iter().flatten();
            claims.get(&term).into_iter().chain(also).any(|claim| claim.node == node)
        };
        followed.retain(|(term, leader), _| !claimed(*term, *leader));
        let mut tally = tally.map(|(term, first, second)| two_leaders(term, [first, second], end));
        let of_claim =
            |(term, claim): (&u64, &Claim)| (*term, View { leader: claim.node, by: claim.node, at: claim.at });
        let mut owners: BTreeMap<u64, View> = claims.iter().map(of_claim).collect();
        for ((term, leader), (by, at)) in followed {
            let view = View { leader, by, at };
            // Where nobody claims the term, it belongs to the lowest node that is followed.
            let owner = *owners.entry(term).or_insert(view);
            if owner.leader != leader {
                tally.add(None, (Rank::First, at.index), || strayed(term, [owner, view], end));
            }
        }
        Finding::of_safety(tally, indications.saturating_sub(1))
    }
}

impl OneLeaderPerTerm {
    fn claimed(&mut self, term: u64, claim: Claim) {
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
}

/// Whom somebody takes for the leader of a term.
#[derive(Clone, Copy)]
struct View {
    leader: Node,
    /// The leader itself, or a follower.
    by: Node,
    at: Moment,
}

impl Claim {
    /// Whether the same life made both.
    fn is_of(&self, other: &Claim) -> bool {
        (self.node, self.life) == (other.node, other.life)
    }
}

/// A node follows another than the one that leads the term.
fn strayed(term: u64, [owner, other]: [View; 2], end: &Ending<'_>) -> Proof {
    let step = |view: View, fact: &str| {
        let what = match view.by == view.leader {
            true => format!("leads term {term}"),
            false => format!("follows {} in term {term}", end.name(view.leader)),
        };
        Point::known(view.at, (end.name(view.by), what), fact)
    };
    let (first, second, who) = (end.name(owner.leader), end.name(other.leader), end.name(other.by));
    let sentence = match owner.by == owner.leader {
        true => format!("{first} was the leader of term {term}, and {who} followed {second} in it"),
        false => format!("in term {term} {} followed {first}, and {who} followed {second}", end.name(owner.by)),
    };
    Proof {
        sentence,
        points: vec![step(owner, "the leader of the term"), step(other, "another leader")],
        nodes: vec![other.by, owner.leader],
        messages: Vec::new(),
        shape: "two-leaders",
        consequence_of: None,
    }
}

fn two_leaders(term: u64, claims: [Claim; 2], end: &Ending<'_>) -> Proof {
    let mut nodes = claims.map(|claim| claim.node);
    // Which of them is read first is a matter of chance.
    nodes.sort();
    let [first, second] = nodes.map(|node| end.name(node));
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
