//! Total order, in the forms that the lectures and the literature tell apart.
//!
//! - *Total order*: two correct nodes that both deliver m and m' deliver them in the same order.
//! - *Uniform total order*: any two nodes, faulty or not.
//! - *One order*: there is one sequence of which each node's deliveries are a subsequence. Three nodes can break it though no
//!   two of them do: m before m', m' before m'', and m'' before m.
//! - *Gap-free order*: of any two nodes' deliveries one is a prefix of the other. This is what replicas need.
//!
//! Hadzilacos and Toueg 1994 (total order, uniform and local); Défago, Schiper and Urbán 2004; the lectures, "Total order
//! broadcast". What the nodes delivered in which order stands in [`crate::orders`].

use crate::ledger::messages::Id;
use crate::op::Node;
use crate::orders::merge::Arc;
use crate::orders::{Inversion, There};
use crate::proof::{Point, Proof, Sought};
use crate::property::{Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// A checker of total order among correct nodes.
pub fn total_order() -> Box<dyn Property> {
    Box::new(Pairwise::Correct)
}

/// A checker of total order among all nodes.
pub fn uniform_total_order() -> Box<dyn Property> {
    Box::new(Pairwise::All)
}

/// A checker of one order for all nodes.
pub fn one_order() -> Box<dyn Property> {
    Box::new(OneOrder)
}

/// A checker of gap-free order.
pub fn gap_free_order() -> Box<dyn Property> {
    Box::new(GapFree)
}

/// Whose orders are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pairwise {
    Correct,
    All,
}

struct OneOrder;

struct GapFree;

impl Property for Pairwise {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let counts = |node: Node| *self == Pairwise::All || !end.ledger.faulty(node);
        let mut tally = Tally::new();
        for inversion in end.orders.inversions() {
            let (p, q) = inversion.nodes;
            let known = *self == Pairwise::All && !end.ledger.faulty(p) && !end.ledger.faulty(q);
            let (rank, already) = match known {
                true => (Rank::Consequence, Some("total order")),
                false => (Rank::First, None),
            };
            if counts(p) && counts(q) {
                tally.add(None, (rank, inversion.at.index), || inverted(inversion, already, end));
            }
        }
        Finding::of_safety(tally, end.orders.exercised)
    }
}

impl Property for OneOrder {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let mut tally = Tally::new();
        let first = end.orders.inversions().iter().min_by_key(|inversion| inversion.at.index);
        if let Some(inversion) = first {
            let already = Some("uniform total order");
            tally.add(None, (Rank::Consequence, inversion.at.index), || inverted(inversion, already, end));
        } else if let Some(cycle) = end.orders.circle(end.ledger.messages.len()) {
            tally.add(None, (Rank::First, end.last.index), || circular(&cycle, end));
        }
        Finding::of_safety(tally, end.orders.exercised)
    }
}

impl Property for GapFree {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let mut tally = Tally::new();
        if let Some((position, there)) = end.orders.fork()
            && let Some((first, others)) = there.split_first()
        {
            for other in others {
                let order = other.2.or(first.2).map_or(end.last.index, |at| at.index);
                tally.add(None, (Rank::First, order), || forked(position, [*first, *other], end));
            }
        }
        Finding::of_safety(tally, end.orders.exercised)
    }
}

/// `p` has `early` before `late`, `q` has them the other way round; which weaker property that violates already, if one.
fn inverted(inversion: &Inversion, already: Option<&str>, end: &Ending<'_>) -> Proof {
    let Inversion { nodes: (p, q), early, late, .. } = *inversion;
    let (m, m2) = (end.message(early), end.message(late));
    let number = |id: Id| end.ledger.messages.get(id).number;
    let step = |id: Id, node: Node, fact: String| Point::sought(Sought::DeliveryAt(number(id), node), fact);
    let (name_p, name_q) = (end.name(p), end.name(q));
    Proof {
        sentence: format!("{name_p} delivered {m} before {m2}, and {name_q} {m2} before {m}"),
        points: vec![
            step(early, p, format!("{m} comes first at {name_p}")),
            step(late, p, format!("then {m2}")),
            step(late, q, format!("{m2} comes first at {name_q}")),
            step(early, q, format!("then {m}: the other order")),
        ],
        nodes: vec![q, p],
        messages: vec![number(early), number(late)],
        shape: "inversion",
        consequence_of: already.map(|weaker| format!("{m} and {m2} violate {weaker} already")),
    }
}

/// Two nodes deliver different messages at one position.
fn forked(position: u32, there: [There; 2], end: &Ending<'_>) -> Proof {
    let number = |id: Id| end.ledger.messages.get(id).number;
    let nth = position + 1;
    let [(p, m, _), (q, m2, _)] = there;
    let (name_p, name_q) = (end.name(p), end.name(q));
    let point = |(node, id, at): There, fact: String| match at {
        Some(at) => Point::known(at, (end.name(node), format!("delivers {}", end.message(id))), fact),
        None => Point::sought(Sought::DeliveryAt(number(id), node), fact),
    };
    let (m_name, m2_name) = (end.message(m), end.message(m2));
    let lacks = |node: Node, id: Id| !end.ledger.nodes.get(node).ever(id);
    let shape = if lacks(p, m2) || lacks(q, m) { "gap" } else { "swap" };
    Proof {
        sentence: format!("{name_p} delivered {m_name} as message number {nth}, and {name_q} {m2_name}"),
        points: vec![
            point(there[0], format!("number {nth} at {name_p}; all before it are the same at both")),
            point(there[1], format!("number {nth} at {name_q} is another message")),
        ],
        nodes: vec![q, p],
        messages: vec![number(m), number(m2)],
        shape,
        consequence_of: None,
    }
}

fn circular(cycle: &[Arc], end: &Ending<'_>) -> Proof {
    let number = |id: Id| end.ledger.messages.get(id).number;
    let parts: Vec<String> = cycle
        .iter()
        .map(|(m, m2, node)| format!("{} delivered {} before {}", end.name(*node), end.message(*m), end.message(*m2)))
        .collect();
    let points = cycle.iter().flat_map(|(m, m2, node)| {
        let name = end.name(*node);
        [
            Point::sought(Sought::DeliveryAt(number(*m), *node), format!("{} first at {name}", end.message(*m))),
            Point::sought(Sought::DeliveryAt(number(*m2), *node), format!("then {}", end.message(*m2))),
        ]
    });
    Proof {
        sentence: format!("no one order fits all nodes: {}", parts.join("; ")),
        points: points.collect(),
        nodes: cycle.iter().map(|(.., node)| *node).collect(),
        messages: cycle.iter().map(|(m, ..)| number(*m)).collect(),
        shape: "cycle",
        consequence_of: None,
    }
}
