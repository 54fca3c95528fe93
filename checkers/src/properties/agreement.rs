//! Agreement and uniform agreement.
//!
//! *Agreement*: if a correct node delivers a message, every correct node does. *Uniform agreement*: if any node, faulty or not,
//! delivers it, every correct node does. Hadzilacos and Toueg 1994; Cachin, Guerraoui and Rodrigues 2011, modules 3.2 and
//! 3.3, RB4 and URB4. Where `ok` means `delivered`, an acknowledged message counts as delivered by somebody.
//!
//! Both are judged at the `drained` line, 64 messages at a time, from the bits of who delivered what. A violation is a message
//! that some correct nodes lack. Some follow from others, and say so: what only nodes lack that fell over by themselves, what
//! violates agreement already and thus uniform agreement, and, where strict FIFO order is promised,
//! what is held back behind an earlier message of the same sender that the node lacks as well.

use std::collections::BTreeMap;

use crate::judge::FifoGaps;
use crate::ledger::bits::ones;
use crate::ledger::messages::{Id, Mark};
use crate::op::{Message, Node};
use crate::proof::{Point, Proof, Sought};
use crate::property::{Ending, Finding, Property, listed};
use crate::tally::{Rank, Tally};

/// Which deliveries oblige the correct nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obliges {
    /// Those at correct nodes.
    Correct,
    /// All.
    Any,
}

/// Judges agreement, uniform or not: all at the end.
struct Agreement {
    obliges: Obliges,
    /// For each node, sender and first rank of a life of the sender: how many messages come before the earliest one
    /// that is lacking, and its number.
    lacking: BTreeMap<(Node, Node, u32), (u32, Message)>,
}

/// A checker of agreement.
pub fn agreement() -> Box<dyn Property> {
    Box::new(Agreement { obliges: Obliges::Correct, lacking: BTreeMap::new() })
}

/// A checker of uniform agreement.
pub fn uniform_agreement() -> Box<dyn Property> {
    Box::new(Agreement { obliges: Obliges::Any, lacking: BTreeMap::new() })
}

/// A message that some correct nodes lack.
struct Missing {
    id: Id,
    /// One of them, a node that has no excuse if there is one.
    node: Node,
    cause: Option<Cause>,
}

/// The earlier violation that explains why a node lacks a message.
#[derive(Clone, Copy)]
enum Cause {
    /// The node fell over by itself.
    Fell,
    /// FIFO order holds it back behind this message.
    HeldBack(Message),
    /// Agreement is violated by the same message.
    Agreement,
}

/// The nodes, told apart.
struct Sides {
    correct: Vec<Node>,
    faulty: Vec<Node>,
}

impl Property for Agreement {
    fn finish(mut self: Box<Self>, end: &Ending<'_>) -> Finding {
        let sides = Sides::of(end);
        let words = end.ledger.messages.len().div_ceil(64);
        let (mut tally, mut exercised, mut unmet) = (Tally::new(), 0, Vec::new());
        for word in 0..words {
            let obliged = self.obliged(word, (&sides, end));
            exercised += u64::from((obliged & self.at_risk(word, (&sides, end))).count_ones());
            let unmet_here = obliged & !delivered_by_all(&sides.correct, word, end);
            if unmet_here != 0 {
                unmet.push((word, unmet_here));
            }
        }
        let unmet = || unmet.iter().flat_map(|(word, bits)| ones(*bits).map(move |bit| Id((64 * word + bit) as u32)));
        unmet().for_each(|id| self.note_lacking(id, (&sides, end)));
        unmet().for_each(|id| self.add(&mut tally, id, (&sides, end)));
        end.finding_of_liveness(tally.map(|missing| missing.into_proof(&sides, end)), exercised)
    }
}

impl Sides {
    fn of(end: &Ending<'_>) -> Sides {
        let correct = end.correct();
        let all = end.ledger.nodes.iter().map(|(node, _)| node);
        let faulty = all.filter(|node| correct.binary_search(node).is_err()).collect();
        Sides { correct, faulty }
    }
}

impl Agreement {
    /// Of the messages from 64 * `word` on, those that every correct node must deliver.
    fn obliged(&self, word: usize, (sides, end): (&Sides, &Ending<'_>)) -> u64 {
        let by_correct = delivered_by(&sides.correct, word, end);
        match self.obliges {
            Obliges::Correct => by_correct,
            Obliges::Any if end.acknowledged_for_ever() => {
                by_correct | delivered_by(&sides.faulty, word, end) | acknowledged(word, end)
            }
            Obliges::Any => by_correct | delivered_by(&sides.faulty, word, end),
        }
    }

    /// Those that might have been lost on the way: for agreement those whose spread met a fault, for uniform agreement
    /// those that a faulty node delivered.
    fn at_risk(&self, word: usize, (sides, end): (&Sides, &Ending<'_>)) -> u64 {
        match self.obliges {
            Obliges::Correct if sides.correct.len() < 2 => 0,
            Obliges::Correct => end.ledger.disturbed.word(word),
            Obliges::Any => delivered_by(&sides.faulty, word, end),
        }
    }

    /// Where strict FIFO order is promised: notes which nodes lack this message, if it is their earliest of its sender.
    fn note_lacking(&mut self, id: Id, (sides, end): (&Sides, &Ending<'_>)) {
        if !end.promises.contains_key("fifo-order") || end.fifo_gaps == FifoGaps::Allowed {
            return;
        }
        let Some(place) = end.ledger.place(id) else { return };
        let this = (place.after, end.ledger.messages.get(id).number);
        for node in lacking(id, (sides, end)) {
            let first = self.lacking.entry((node, place.sender, place.first)).or_insert(this);
            *first = this.min(*first);
        }
    }

    fn add(&self, tally: &mut Tally<Missing>, id: Id, (sides, end): (&Sides, &Ending<'_>)) {
        let mut causes = lacking(id, (sides, end)).map(|node| (node, self.cause(id, node, end)));
        let first = causes.next().expect("an unmet message is lacking somewhere");
        let (node, cause) = match first.1.is_some() {
            true => causes.find(|(_, cause)| cause.is_none()).unwrap_or(first),
            false => first,
        };
        let cause = cause.or_else(|| self.implied(id, sides, end));
        let rank = if cause.is_some() { Rank::Consequence } else { Rank::First };
        let sender = end.ledger.messages.get(id).sender;
        tally.add(Some(sender), (rank, id.at() as u64), || Missing { id, node, cause });
    }

    fn cause(&self, id: Id, node: Node, end: &Ending<'_>) -> Option<Cause> {
        if end.ledger.nodes.get(node).falls > 0 {
            return Some(Cause::Fell);
        }
        if self.lacking.is_empty() {
            return None;
        }
        let place = end.ledger.place(id)?;
        let (after, first) = self.lacking.get(&(node, place.sender, place.first))?;
        (*after < place.after).then_some(Cause::HeldBack(*first))
    }

    /// Whether agreement is violated by this message already, so that uniform agreement must be.
    fn implied(&self, id: Id, sides: &Sides, end: &Ending<'_>) -> Option<Cause> {
        let agreed = |node: &Node| end.ledger.nodes.get(*node).ever(id);
        let implied = self.obliges == Obliges::Any && sides.correct.iter().any(agreed);
        implied.then_some(Cause::Agreement)
    }
}

/// The correct nodes that lack a message.
fn lacking<'a>(id: Id, (sides, end): (&'a Sides, &'a Ending<'_>)) -> impl Iterator<Item = Node> + 'a {
    sides.correct.iter().copied().filter(move |node| !end.ledger.nodes.get(*node).ever(id))
}

fn delivered_by_all(nodes: &[Node], word: usize, end: &Ending<'_>) -> u64 {
    nodes.iter().fold(u64::MAX, |all, node| all & end.ledger.nodes.get(*node).word(word))
}

fn delivered_by(nodes: &[Node], word: usize, end: &Ending<'_>) -> u64 {
    nodes.iter().fold(0, |any, node| any | end.ledger.nodes.get(*node).word(word))
}

fn acknowledged(word: usize, end: &Ending<'_>) -> u64 {
    let messages = &end.ledger.messages;
    let ids = 64 * word..messages.len().min(64 * word + 64);
    ids.filter(|at| messages.get(Id(*at as u32)).is(Mark::Acknowledged)).fold(0, |bits, at| bits | 1 << (at % 64))
}

impl Missing {
    fn into_proof(self, sides: &Sides, end: &Ending<'_>) -> Proof {
        let entry = end.ledger.messages.get(self.id);
        let message = end.message(self.id);
        let delivered = |node: &&Node| end.ledger.nodes.get(**node).ever(self.id);
        let deliverer = sides.correct.iter().chain(&sides.faulty).find(delivered).copied();
        let others = lacking(self.id, (sides, end)).filter(|node| *node != self.node);
        let lacking: Vec<Node> = [self.node].into_iter().chain(others).collect();
        let names = listed(lacking.iter().map(|node| end.name(*node).to_owned()).collect());
        let (who, second) = match deliverer {
            Some(node) => {
                let crashed = if end.ledger.faulty(node) { ", which crashed," } else { "" };
                let who = format!("{}{crashed} delivered {message}", end.name(node));
                let sought = Sought::DeliveryAt(entry.number, node);
                (who, Point::sought(sought, "from now on every correct node has to deliver it too"))
            }
            None => {
                let sought = Sought::Acknowledgement(entry.number);
                let point = Point::sought(sought, "the acknowledgement binds for ever");
                (format!("{message} was acknowledged as delivered"), point)
            }
        };
        let name = end.name(self.node);
        let consequence_of = self.cause.map(|cause| match cause {
            Cause::Fell => format!("{name} exited by itself"),
            Cause::HeldBack(first) => format!("{name} lacks m{first}, and FIFO order holds back what comes after it"),
            Cause::Agreement => format!("{message} violates agreement already"),
        });
        Proof {
            sentence: format!("{who}, but {names} never did"),
            points: vec![
                Point::sought(Sought::Broadcast(entry.number), format!("{message} begins here")),
                second,
                end.last_point(format!("{message} is not delivered at {names}")),
            ],
            nodes: lacking.into_iter().chain([entry.sender]).chain(deliverer).collect(),
            messages: vec![entry.number],
            shape: "missing",
            consequence_of,
        }
    }
}
