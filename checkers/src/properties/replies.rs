//! Replies: what a node answers by itself, without its peers. The first two exercises of Maelstrom's course.
//!
//! - An echo is what was said.
//! - An id is given once, whoever asks whom, and whatever crashes in between.

use crate::ledger::answers::{Answer, RepeatedId, WrongEcho};
use crate::proof::{Point, Proof};
use crate::property::{Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// Echoes are what was said.
struct Echoes;

/// Ids are unique.
struct Ids;

/// A checker of echoes.
pub fn echoes() -> Box<dyn Property> {
    Box::new(Echoes)
}

/// A checker of ids.
pub fn ids() -> Box<dyn Property> {
    Box::new(Ids)
}

impl Property for Echoes {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let mut tally = Tally::new();
        for wrong in &end.ledger.answers.wrong_echoes {
            tally.add(None, (Rank::First, wrong.answer.at.index), || echo(wrong, end));
        }
        Finding::of_safety(tally, end.ledger.answers.echoes)
    }
}

impl Property for Ids {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let mut tally = Tally::new();
        for repeated in &end.ledger.answers.repeated_ids {
            tally.add(None, (Rank::First, repeated.again.at.index), || id(repeated, end));
        }
        Finding::of_safety(tally, end.ledger.answers.ids.saturating_sub(1))
    }
}

fn echo(wrong: &WrongEcho, end: &Ending<'_>) -> Proof {
    let WrongEcho { asked, said, answer, heard } = wrong;
    let (client, node) = (format!("client {}", answer.client), end.name(answer.node));
    let points = vec![
        Point::known(*asked, (&client, format!("says {said} to {node}")), "this is what has to come back"),
        Point::known(answer.at, (&client, format!("hears {heard} from {node}")), "it is something else"),
    ];
    let sentence = format!("{node} echoed {said} as {heard}");
    let nodes = vec![answer.node];
    Proof { sentence, points, nodes, messages: Vec::new(), shape: "wrong-echo", consequence_of: None }
}

fn id(repeated: &RepeatedId, end: &Ending<'_>) -> Proof {
    let RepeatedId { id, first, again } = repeated;
    let point = |answer: &Answer, fact: &str| {
        let what = format!("is given the id {id} by {}", end.name(answer.node));
        Point::known(answer.at, (&format!("client {}", answer.client), what), fact)
    };
    let points = vec![point(first, "it is taken now"), point(again, "it was taken")];
    let by = (end.name(first.node), end.name(again.node));
    let sentence = match first.node == again.node {
        true => format!("{} gave the id {id} twice", by.0),
        false => format!("{} and {} both gave the id {id}", by.0, by.1),
    };
    let mut nodes = vec![again.node, first.node];
    nodes.dedup();
    Proof { sentence, points, nodes, messages: Vec::new(), shape: "repeated-id", consequence_of: None }
}
