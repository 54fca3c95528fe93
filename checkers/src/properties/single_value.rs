//! Consensus on a single value: agreement, integrity, validity and termination.
//!
//! A node proposes what it is asked to broadcast, and decides what it delivers. Cachin, Guerraoui and Rodrigues 2011, modules 5.1
//! and 5.2 (uniform consensus); the lectures, "Consensus". Who broadcasts messages one after the other is no such system, so
//! these are judged where they are promised, and nowhere else.
//!
//! - Agreement: no two nodes decide differently, faulty or not.
//! - Integrity: no node decides twice; reports of the same decision after a start are no second one.
//! - Validity: what is decided was proposed.
//! - Termination: if a correct node has proposed, every correct node decides.

use crate::ledger::Ledger;
use crate::ledger::messages::{Id, Mark};
use crate::op::Node;
use crate::proof::{Point, Proof, Sought};
use crate::property::{Ending, Finding, Invention, Property};
use crate::tally::{Rank, Tally};

/// Who decided what: by node, in the order of the messages' numbers.
fn decisions(ledger: &Ledger) -> Vec<(Node, Vec<Id>)> {
    let mut ids: Vec<Id> = ledger.messages.iter().map(|(id, _)| id).collect();
    ids.sort_by_key(|id| ledger.messages.get(*id).number);
    let of = |state: &crate::ledger::nodes::NodeState| ids.iter().copied().filter(|id| state.ever(*id)).collect();
    let all = ledger.nodes.iter().map(|(node, state)| (node, of(state)));
    all.filter(|(_, decided): &(Node, Vec<Id>)| !decided.is_empty()).collect()
}

/// What a checker found, where its property is promised.
fn where_promised(name: &str, end: &Ending<'_>, find: impl FnOnce() -> Finding) -> Finding {
    if end.promises.contains_key(name) {
        return find();
    }
    let unknown = Some("nobody says that this is consensus on a single value".to_owned());
    Finding { unknown, ..Finding::of_safety(Tally::new(), 0) }
}

fn decides(node: Node, id: Id, (fact, end): (&str, &Ending<'_>)) -> Point {
    Point::sought(Sought::DeliveryAt(end.ledger.messages.get(id).number, node), fact)
}

/// Judges agreement: all at the end.
struct Agreement;

/// A checker of the agreement of consensus.
pub fn agreement() -> Box<dyn Property> {
    Box::new(Agreement)
}

impl Property for Agreement {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        where_promised("consensus-agreement", end, || {
            let mut tally = Tally::new();
            let decisions = decisions(end.ledger);
            let Some(((first, decided), others)) = decisions.split_first() else {
                return Finding::of_safety(tally, 0);
            };
            for (node, theirs) in others {
                if let Some(other) = theirs.iter().find(|id| **id != decided[0]) {
                    let order = u64::from(node.0);
                    tally.add(None, (Rank::First, order), || disagree([(*first, decided[0]), (*node, *other)], end));
                }
            }
            Finding::of_safety(tally, others.len() as u64)
        })
    }
}

fn disagree([(first, this), (second, that)]: [(Node, Id); 2], end: &Ending<'_>) -> Proof {
    let number = |id: Id| end.ledger.messages.get(id).number;
    Proof {
        sentence: format!(
            "{} decided {}, and {} decided {}",
            end.name(first),
            end.message(this),
            end.name(second),
            end.message(that)
        ),
        points: vec![decides(first, this, ("a decision", end)), decides(second, that, ("another decision", end))],
        nodes: vec![second, first],
        messages: vec![number(this), number(that)],
        shape: "two-decisions",
        consequence_of: None,
    }
}

/// Judges integrity: all at the end.
struct Integrity;

/// A checker of the integrity of consensus.
pub fn integrity() -> Box<dyn Property> {
    Box::new(Integrity)
}

impl Property for Integrity {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        where_promised("consensus-integrity", end, || {
            let mut tally = Tally::new();
            let decisions = decisions(end.ledger);
            for (node, decided) in decisions.iter().filter(|(_, decided)| decided.len() > 1) {
                tally.add(None, (Rank::First, u64::from(node.0)), || changed(*node, [decided[0], decided[1]], end));
            }
            Finding::of_safety(tally, decisions.len() as u64)
        })
    }
}

fn changed(node: Node, [this, that]: [Id; 2], end: &Ending<'_>) -> Proof {
    let number = |id: Id| end.ledger.messages.get(id).number;
    Proof {
        sentence: format!("{} decided {} and {}", end.name(node), end.message(this), end.message(that)),
        points: vec![decides(node, this, ("a decision", end)), decides(node, that, ("another decision", end))],
        nodes: vec![node],
        messages: vec![number(this), number(that)],
        shape: "decides-twice",
        consequence_of: None,
    }
}

/// Judges validity.
struct Validity {
    tally: Tally<Invention>,
}

/// A checker of the validity of consensus.
pub fn validity() -> Box<dyn Property> {
    Box::new(Validity { tally: Tally::new() })
}

impl Property for Validity {
    fn invented(&mut self, invention: &Invention) {
        self.tally.add(None, (Rank::First, invention.at.index), || *invention);
    }

    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        where_promised("consensus-validity", end, || {
            Finding::of_safety(self.tally.map(|invention| unproposed(&invention, end)), end.deliveries)
        })
    }
}

fn unproposed(&Invention { node, message, at }: &Invention, end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    Proof {
        sentence: format!("{name} decided m{message}, which nobody proposed"),
        points: vec![Point::known(at, (name, format!("delivers m{message}")), "nobody proposed it")],
        nodes: vec![node],
        messages: vec![message],
        shape: "unproposed",
        consequence_of: None,
    }
}

/// Judges termination: all at the end.
struct Termination;

/// A checker of termination.
pub fn termination() -> Box<dyn Property> {
    Box::new(Termination)
}

impl Property for Termination {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        where_promised("termination", end, || {
            let mut tally = Tally::new();
            let correct = end.correct();
            let proposed = end.ledger.messages.iter().filter(|(_, entry)| {
                (entry.is(Mark::Broadcast) || entry.is(Mark::Acknowledged)) && correct.contains(&entry.sender)
            });
            let Some((proposal, _)) = proposed.min_by_key(|(_, entry)| entry.number) else {
                return end.finding_of_liveness(tally, 0);
            };
            let decided: Vec<Node> = decisions(end.ledger).into_iter().map(|(node, _)| node).collect();
            for node in correct.iter().filter(|node| !decided.contains(node)) {
                tally.add(None, (Rank::First, u64::from(node.0)), || undecided(*node, proposal, end));
            }
            end.finding_of_liveness(tally, correct.len() as u64)
        })
    }
}

fn undecided(node: Node, proposal: Id, end: &Ending<'_>) -> Proof {
    let name = end.name(node);
    let entry = end.ledger.messages.get(proposal);
    let fact = format!("{name} has not decided, and never will");
    Proof {
        sentence: format!("{name} never decided, though {} proposed {}", end.name(entry.sender), end.message(proposal)),
        points: vec![
            Point::sought(Sought::Broadcast(entry.number), "a proposal of a node that is up"),
            end.last_point(fact),
        ],
        nodes: vec![node],
        messages: vec![entry.number],
        shape: "undecided",
        consequence_of: None,
    }
}
