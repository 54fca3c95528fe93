//! A proof on its way to becoming a witness: some of its ops are known, others have yet to be found in the file.
//!
//! The judge keeps no line of the history. When it finds a violation it knows the op that completes it, and names the
//! earlier ones by what they are ("the broadcast of m17"). A second reading finds them, and ends as soon as it can.

use std::collections::BTreeMap;

use crate::ledger::faults::{Fault, Moment};
use crate::op::{Event, Kind, Message, Names, Node, Op, Process};
use crate::verdict::{Step, Witness};

/// How many faults a witness shows beside its own ops.
const CONTEXT: usize = 2;

/// How many lines a second reading goes on behind the last op that completes a violation: the report of a broadcast may
/// stand behind a delivery of it, because pipes race.
const SLACK: u64 = 100_000;

/// A violation, put into words.
pub struct Proof {
    /// The sentence of the witness.
    pub sentence: String,
    /// The ops of the argument, in its order.
    pub points: Vec<Point>,
    /// The nodes that the argument is about; the one that broke the property first, if there is one.
    pub nodes: Vec<Node>,
    /// The messages that it is about.
    pub messages: Vec<Message>,
    /// The shape of the violation.
    pub shape: &'static str,
    /// What earlier violation it follows from.
    pub consequence_of: Option<String>,
}

/// One op of the argument.
pub struct Point {
    /// Which op it is.
    pub op: Sought,
    /// Why it matters.
    pub fact: String,
    /// The op as a step, once it is known.
    found: Option<Step>,
    /// Whether a better one may still come up.
    settled: bool,
}

/// An op, named by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// This one: who did it and what it was is said in the step.
    Here,
    /// The report of a message's broadcast, or where there is none the request.
    Broadcast(Message),
    /// The request for a message.
    Request(Message),
    /// The first `ok` for a message.
    Acknowledgement(Message),
    /// The first delivery of a message at a node.
    DeliveryAt(Message, Node),
    /// The last delivery of a message at a node before the op of this index.
    DeliveryBefore(Message, Node, u64),
}

impl Point {
    /// An op that is to be found.
    pub fn sought(op: Sought, fact: impl Into<String>) -> Point {
        Point { op, fact: fact.into(), found: None, settled: false }
    }

    /// An op that is known: when it was, who did it, and what it was.
    pub fn known(at: Moment, (process, what): (&str, String), fact: impl Into<String>) -> Point {
        let fact = fact.into();
        let step = Step { index: at.index, time: at.time, process: process.to_owned(), what, fact: fact.clone() };
        Point { op: Sought::Here, fact, found: Some(step), settled: true }
    }

    fn offer(&mut self, op: &Op, names: &Names) {
        let Some((fits, settles)) = self.op.fits(op) else { return };
        if self.settled || !fits {
            return;
        }
        self.settled = settles;
        let (process, what) = in_words(op, names);
        let fact = self.fact.clone();
        self.found = Some(Step { index: op.index, time: op.time, process, what, fact });
    }
}

impl Sought {
    fn message(self) -> Option<Message> {
        match self {
            Sought::Here => None,
            Sought::Broadcast(m) | Sought::Request(m) | Sought::Acknowledgement(m) => Some(m),
            Sought::DeliveryAt(m, _) | Sought::DeliveryBefore(m, ..) => Some(m),
        }
    }

    /// Whether an op on this message is the one, and whether it is for certain; `None` for ops of no interest.
    fn fits(self, op: &Op) -> Option<(bool, bool)> {
        let requested = matches!(op.event, Event::Request { .. });
        Some(match (self, &op.process, &op.event) {
            (Sought::Broadcast(_), Process::Node(_), Event::Broadcast(_)) => (true, true),
            (Sought::Broadcast(_), ..) => (requested && op.kind == Kind::Invoke, false),
            (Sought::Request(_), ..) => (requested && op.kind == Kind::Invoke, true),
            (Sought::Acknowledgement(_), ..) => (requested && op.kind == Kind::Ok, true),
            (Sought::DeliveryAt(_, node), Process::Node(p), Event::Deliver { .. }) => (*p == node, *p == node),
            (Sought::DeliveryBefore(_, node, before), Process::Node(p), Event::Deliver { .. }) => {
                (*p == node && op.index < before, false)
            }
            _ => return None,
        })
    }
}

fn in_words(op: &Op, names: &Names) -> (String, String) {
    let process = match op.process {
        Process::Client(client) => format!("client {client}"),
        Process::Node(node) => names.name(node).to_owned(),
        Process::Nemesis => "nemesis".to_owned(),
    };
    let what = match &op.event {
        Event::Request { node, message } if op.kind == Kind::Invoke => {
            format!("asks {} to broadcast m{message}", names.name(*node))
        }
        Event::Request { node, message } => format!("is told ok by {} for m{message}", names.name(*node)),
        Event::Broadcast(message) => format!("broadcasts m{message}"),
        Event::Deliver { message, .. } => format!("delivers m{message}"),
        Event::Start { incarnation } => format!("starts, incarnation {incarnation}"),
        Event::Leader { term } => format!("leads term {term}"),
        Event::Other(other) => other.f.clone(),
    };
    (process, what)
}

/// Which points of many proofs a second reading has to find, by message.
pub struct Search {
    wanted: BTreeMap<Message, Vec<(usize, usize)>>,
    /// How many of them may be anywhere in the file.
    anywhere: usize,
    /// From this index on only those are wanted.
    past: u64,
    /// From this index on nothing is.
    end: u64,
    done: bool,
}

impl Search {
    /// What is missing in these proofs.
    pub fn of(proofs: &[Proof]) -> Search {
        let mut search = Search { wanted: BTreeMap::new(), anywhere: 0, past: 0, end: 0, done: false };
        for (p, proof) in proofs.iter().enumerate() {
            for (q, point) in proof.points.iter().enumerate() {
                let Some(message) = point.op.message() else { continue };
                search.wanted.entry(message).or_default().push((p, q));
                match point.op {
                    Sought::DeliveryBefore(.., index) => search.past = search.past.max(index),
                    _ => {
                        search.anywhere += 1;
                        search.end = search.end.max(proof.completed_at().saturating_add(SLACK));
                    }
                }
            }
        }
        search.done = search.wanted.is_empty();
        search
    }

    /// Whether something may still be found.
    pub fn goes_on(&self) -> bool {
        !self.done
    }

    /// Takes the next op of the second reading.
    pub fn take(&mut self, op: &Op, (proofs, names): (&mut [Proof], &Names)) {
        if let Event::Request { message, .. } | Event::Broadcast(message) | Event::Deliver { message, .. } = op.event
            && let Some(points) = self.wanted.get_mut(&message)
        {
            for (p, q) in points {
                let point = &mut proofs[*p].points[*q];
                let open = !point.settled;
                point.offer(op, names);
                self.anywhere -= usize::from(open && point.settled);
            }
        }
        self.done = op.index >= self.past && (self.anywhere == 0 || op.index >= self.end);
    }
}

impl Proof {
    /// The index of the last op that is known, the end of the file if none is.
    fn completed_at(&self) -> u64 {
        let known = self.points.iter().filter_map(|point| point.found.as_ref());
        known.map(|step| step.index).max().unwrap_or(u64::MAX)
    }

    /// The witness: the ops that were found, and what was going wrong meanwhile at the nodes and links concerned.
    pub fn into_witness(self, faults: &[Fault], names: &Names) -> Witness {
        let mut steps: Vec<Step> = self.points.into_iter().filter_map(|point| point.found).collect();
        let span = (steps.iter().map(|s| s.index).min(), steps.iter().map(|s| s.index).max());
        if let (Some(from), Some(to)) = span {
            let met = |fault: &&Fault| fault.concerns(&self.nodes) && fault.within(from, to);
            for fault in faults.iter().filter(met).take(CONTEXT) {
                let step = fault.step(names);
                let at = steps.iter().position(|s| s.index > step.index).unwrap_or(steps.len());
                steps.insert(at, step);
            }
        }
        Witness {
            sentence: self.sentence,
            steps,
            node: self.nodes.first().map(|node| names.name(*node).to_owned()),
            messages: self.messages,
            shape: self.shape.to_owned(),
            consequence_of: self.consequence_of,
        }
    }
}

impl Fault {
    /// Whether it hit one of these nodes, or a link between two of them.
    fn concerns(&self, nodes: &[Node]) -> bool {
        let hit = self.node.is_some_and(|node| nodes.contains(&node));
        hit || self.links.iter().any(|(from, to)| nodes.contains(from) && nodes.contains(to))
    }

    fn within(&self, from: u64, to: u64) -> bool {
        self.began.index <= to && self.ended.is_none_or(|ended| ended.index >= from)
    }

    fn step(&self, names: &Names) -> Step {
        let what = match (self.node, self.links.as_slice()) {
            (Some(node), _) => format!("{} {}", self.f, names.name(node)),
            (None, [(from, to)]) => format!("{} {} → {}", self.f, names.name(*from), names.name(*to)),
            (None, links) => format!("{} on {} links", self.f, links.len()),
        };
        let fact = match self.ended {
            _ if self.f == "kill" => "its life ends here".to_owned(),
            Some(ended) => format!("in force until {} ms", ended.time / 1_000_000),
            None => "in force to the end".to_owned(),
        };
        let Moment { index, time } = self.began;
        Step { index, time, process: "nemesis".to_owned(), what, fact }
    }
}
