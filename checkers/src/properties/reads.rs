//! Reads: what each node holds in the end, against what clients had acknowledged.
//!
//! A node that reports nothing of what it delivers is judged by what it says when it is read once all is healed and drained, each
//! node on its own: the broadcast of Maelstrom's exercises, and set-full of Jepsen's checkers (lost, never read, duplicated).
//!
//! - Complete: the final read of every correct node holds every message that a correct node acknowledged, and every message that
//!   the final read of another correct node holds. (Where an acknowledgement binds for ever, whatever became of the node.)
//! - Nothing invented: what is read, a client asked to broadcast.
//! - Nothing repeated: no read holds a message twice.

use std::collections::BTreeMap;

use crate::ledger::answers::Read;
use crate::ledger::messages::{Id, Mark};
use crate::op::{Message, Node};
use crate::proof::{Point, Proof, Sought};
use crate::property::{Ending, Finding, Property};
use crate::tally::{Rank, Tally};

/// The final reads hold what they have to.
struct Complete;

/// The final reads hold nothing that nobody asked for.
struct Invented;

/// No final read holds anything twice.
struct Repeated;

/// A checker of what has to be read.
pub fn complete() -> Box<dyn Property> {
    Box::new(Complete)
}

/// A checker of what nobody asked for.
pub fn invented() -> Box<dyn Property> {
    Box::new(Invented)
}

/// A checker of what is read twice.
pub fn repeated() -> Box<dyn Property> {
    Box::new(Repeated)
}

impl Property for Complete {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let correct = end.correct();
        let reads: Vec<&Read> = correct.iter().filter_map(|node| end.ledger.answers.reads.get(node)).collect();
        let readers = readers(&reads);
        let (mut tally, mut exercised) = (Tally::new(), 0);
        for (id, entry) in end.ledger.messages.iter() {
            let acknowledged = entry.is(Mark::Acknowledged)
                && (end.acknowledged_for_ever()
                    || end.group.contains(&entry.sender) && !end.ledger.faulty(entry.sender));
            let reader = readers.get(&entry.number).filter(|_| entry.is(Mark::Invoked));
            if !acknowledged && reader.is_none() {
                continue;
            }
            for read in &reads {
                exercised += u64::from(read.answer.node != entry.sender);
                if read.messages.binary_search(&entry.number).is_err() {
                    let known = (!acknowledged).then_some(reader).flatten().copied();
                    let order = (Rank::First, id.at() as u64);
                    tally.add(Some(entry.sender), order, || missing(id, (read, known), end));
                }
            }
        }
        let mut finding = end.finding_of_liveness(tally, exercised);
        finding.unknown = finding.unknown.or_else(|| unread("reads-complete", &correct, end));
        finding
    }
}

/// Which of the nodes has each message in its read: the first.
fn readers<'a>(reads: &[&'a Read]) -> BTreeMap<Message, &'a Read> {
    let mut readers = BTreeMap::new();
    for read in reads.iter().rev() {
        readers.extend(read.messages.iter().map(|message| (*message, *read)));
    }
    readers
}

impl Property for Invented {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let asked: BTreeMap<Message, bool> =
            end.ledger.messages.iter().map(|(_, entry)| (entry.number, entry.is(Mark::Invoked))).collect();
        let (mut tally, mut exercised) = (Tally::new(), 0);
        for read in end.ledger.answers.reads.values() {
            let order = (Rank::First, read.answer.at.index);
            let mut messages = read.messages.clone();
            messages.dedup();
            exercised += messages.len() as u64;
            for message in messages.into_iter().filter(|message| asked.get(message) != Some(&true)) {
                tally.add(None, order, || stranger(read, format!("m{message}"), end));
            }
            for strange in &read.strange {
                tally.add(None, order, || stranger(read, strange.clone(), end));
            }
        }
        let unknown = unread("reads-invent-nothing", &end.correct(), end);
        Finding { unknown, ..Finding::of_safety(tally, exercised) }
    }
}

impl Property for Repeated {
    fn finish(self: Box<Self>, end: &Ending<'_>) -> Finding {
        let (mut tally, mut exercised) = (Tally::new(), 0);
        for read in end.ledger.answers.reads.values() {
            for same in read.messages.chunk_by(|a, b| a == b) {
                exercised += 1;
                if same.len() > 1 {
                    let order = (Rank::First, read.answer.at.index);
                    tally.add(None, order, || repetition(read, (same[0], same.len()), end));
                }
            }
        }
        let unknown = unread("reads-repeat-nothing", &end.correct(), end);
        Finding { unknown, ..Finding::of_safety(tally, exercised) }
    }
}

/// Why a promised property can't be held valid, if a correct node was never read.
fn unread(property: &str, correct: &[Node], end: &Ending<'_>) -> Option<String> {
    let promised = end.promises.contains_key(property);
    let unread = correct.iter().find(|node| !end.ledger.answers.reads.contains_key(node));
    unread.filter(|_| promised).map(|node| format!("{} was not read in the end", end.name(*node)))
}

fn missing(id: Id, (read, reader): (&Read, Option<&Read>), end: &Ending<'_>) -> Proof {
    let entry = end.ledger.messages.get(id);
    let (sender, message, node) = (end.name(entry.sender), end.message(id), end.name(read.answer.node));
    let mut points = vec![Point::sought(Sought::Request(entry.number), format!("{message} begins here"))];
    let sentence = match reader {
        Some(other) => {
            points.push(point(other, format!("{message} is among them"), end));
            format!("the final read of {} holds {message}, and that of {node} does not", end.name(other.answer.node))
        }
        None => {
            let fact = format!("{message} has to be read everywhere now");
            points.push(Point::sought(Sought::Acknowledgement(entry.number), fact));
            format!("{sender} acknowledged {message}, and the final read of {node} does not hold it")
        }
    };
    points.push(point(read, format!("{message} is not among them"), end));
    let nodes = vec![read.answer.node, entry.sender];
    Proof { sentence, points, nodes, messages: vec![entry.number], shape: "not-read", consequence_of: None }
}

fn stranger(read: &Read, what: String, end: &Ending<'_>) -> Proof {
    let node = end.name(read.answer.node);
    let sentence = format!("the final read of {node} holds {what}, which no client asked to broadcast");
    let points = vec![point(read, format!("{what} is among them"), end)];
    let nodes = vec![read.answer.node];
    Proof { sentence, points, nodes, messages: Vec::new(), shape: "invented-read", consequence_of: None }
}

fn repetition(read: &Read, (message, times): (Message, usize), end: &Ending<'_>) -> Proof {
    let node = end.name(read.answer.node);
    let times = if times == 2 { "twice".to_owned() } else { format!("{times} times") };
    let sentence = format!("the final read of {node} holds m{message} {times}");
    let points = vec![
        Point::sought(Sought::Request(message), format!("m{message} begins here")),
        point(read, format!("m{message} is among them {times}"), end),
    ];
    let nodes = vec![read.answer.node];
    Proof { sentence, points, nodes, messages: vec![message], shape: "read-twice", consequence_of: None }
}

fn point(read: &Read, fact: String, end: &Ending<'_>) -> Point {
    let client = format!("client {}", read.answer.client);
    let count = read.messages.len();
    let plural = if count == 1 { "" } else { "s" };
    let what = format!("reads {}: {count} message{plural}", end.name(read.answer.node));
    Point::known(read.answer.at, (&client, what), fact)
}
