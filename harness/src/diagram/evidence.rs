//! What a history says about a witness: one more reading, of which only that is kept which the diagram may draw.
//!
//! Kept are the ops of the steps, what else was done with the same messages, the lives and deaths of nodes, the faults, and
//! pieces of the orders of the nodes concerned. The reading ends where nothing more can matter: at the last step, or a little
//! later, when the faults that were in force there have ended.

use std::collections::BTreeSet;
use std::io::Read;

use temblor_checkers::op::{Event, Names, Node, Op, Other, Process};
use temblor_checkers::reader::{HistoryError, Reader};
use temblor_checkers::verdict::Witness;

use super::elections::Elections;
use super::faults::{Fault, Faults, Kill};
use super::logs::Logs;
use super::orders::Track;
use super::payments::Payments;
use super::{OrderOf, Table, messages_of};

/// So many lines are read behind the last step: pipes race, and faults that were in force end.
const SLACK: u64 = 100_000;
/// So many lines are read behind the last step for the messages that were delivered next.
const NEIGHBOURS: u64 = 1_000;
/// So many ops that are no steps are kept for each node.
const KEPT_A_NODE: usize = 64;

/// What concerns a witness.
#[derive(Debug, Default)]
pub struct Evidence {
    /// All nodes, by the history's names.
    pub nodes: Vec<String>,
    /// The ops that matter, in the order of the file.
    pub seen: Vec<Seen>,
    /// All faults that had begun.
    pub faults: Vec<Fault>,
    /// The kills of faults of many.
    pub kills: Vec<Kill>,
    /// Pieces of orders.
    pub tracks: Vec<Track>,
    /// Terms, logs and charges that the witness speaks of.
    pub tables: Vec<Table>,
}

/// An op that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its line, counted from 0.
    pub index: u64,
    /// ns since the run began.
    pub time: u64,
    /// The node that it is about, as a position in [`Evidence::nodes`]; none for what is about all.
    pub node: Option<usize>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The node took a message for broadcast.
    Broadcast(u64),
    /// The node delivered a message.
    Deliver(u64),
    /// A client asked the node to broadcast a message, or was answered; one that reads asks for none.
    Client(Option<u64>),
    /// The node claims a term.
    Leads(u64),
    /// A life begins: which.
    Starts(u32),
    /// A life ends: its status.
    Exits(String),
    /// All is healed and drained.
    Drained,
    /// Something else: its `f`, and what it was done to.
    Other(String),
}

/// Reads what concerns `witness` from a history.
pub fn read(input: impl Read, witness: &Witness) -> Result<Evidence, HistoryError> {
    let mut reader = Reader::new(input);
    let mut reading = Reading::of(witness);
    while let Some(op) = reader.next()? {
        if !reading.take(&op, reader.names()) {
            break;
        }
    }
    let nodes = reader.names().iter().map(|(_, name)| name.to_owned()).collect();
    let tracks = reading.tracks.into_iter().filter(|track| track.items.iter().any(|item| item.named)).collect();
    let tables = [
        reading.elections.table(&named(witness, &["term"]), reader.names()),
        reading.logs.table(&named(witness, &["entry", "entries", "up to"]), reader.names()),
        reading.payments.table(&named(witness, &["charge"]), reader.names()),
    ];
    let tables = tables.into_iter().flatten().collect();
    let (faults, kills) = reading.faults.into_all();
    Ok(Evidence { nodes, seen: reading.seen, faults, kills, tracks, tables })
}

impl Evidence {
    /// When the first of these messages was asked for or broadcast, ns: no frame carried it before that. `None` if of one of them
    /// nobody knows.
    pub fn first(&self, messages: &BTreeSet<u64>) -> Option<u64> {
        let begun = |message: &u64| {
            let of = |what: &What| matches!(what, What::Broadcast(m) | What::Client(Some(m)) if m == message);
            self.seen.iter().filter(|seen| of(&seen.what)).map(|seen| seen.time).min()
        };
        let begun: Option<Vec<u64>> = messages.iter().map(begun).collect();
        begun?.into_iter().min()
    }

    /// Steps whose cause no other op shows, each as a node and a time: a delivery of what nobody broadcast, an end that no fault
    /// made. What arrived there last may show it.
    pub fn unexplained(&self, witness: &Witness) -> Vec<(usize, u64)> {
        let broadcast = |message: u64| self.seen.iter().any(|seen| seen.what == What::Broadcast(message));
        let steps = self.seen.iter().filter(|seen| witness.steps.iter().any(|step| step.index == seen.index));
        let puzzling = steps.filter(|seen| match &seen.what {
            What::Deliver(message) => witness.shape == "creation" && !broadcast(*message),
            What::Exits(_) => true,
            _ => false,
        });
        puzzling.filter_map(|seen| Some((seen.node?, seen.time))).collect()
    }
}

/// What a node did, in a word or two: `vote n1`, `commit 3`.
fn deed(other: &Other) -> String {
    let part = |key: &str| match other.value.get(key)? {
        serde_json::Value::String(text) => Some(text.clone()),
        value => value.as_u64().map(|number| number.to_string()),
    };
    let object = ["for", "index", "leader"].iter().find_map(|key| part(key));
    object.map_or_else(|| other.f.clone(), |object| format!("{} {object}", other.f))
}

/// The numbers that stand behind one of these words in a witness: the terms, entries or charges that it speaks of.
fn named(witness: &Witness, words: &[&str]) -> BTreeSet<u64> {
    let steps = witness.steps.iter().flat_map(|step| [step.what.as_str(), step.fact.as_str()]);
    let texts = steps.chain([witness.sentence.as_str()]);
    let behind = |(text, word): (&str, &str)| -> Vec<u64> {
        let rests = text.split(word).skip(1);
        let number = |rest: &str| {
            let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        rests.filter_map(number).collect()
    };
    texts.flat_map(|text| words.iter().map(move |word| (text, *word))).flat_map(behind).collect()
}

/// A reading that goes on.
struct Reading {
    messages: BTreeSet<u64>,
    steps: BTreeSet<u64>,
    /// The processes whose orders matter: who delivers in a step, and who broadcasts in one.
    orders: Vec<(String, OrderOf)>,
    tracks: Vec<Track>,
    seen: Vec<Seen>,
    /// How many ops are kept of each node.
    kept: Vec<usize>,
    faults: Faults,
    elections: Elections,
    logs: Logs,
    payments: Payments,
}

impl Reading {
    fn of(witness: &Witness) -> Self {
        let mut orders = Vec::new();
        for step in &witness.steps {
            let of = match step.what.split(' ').next() {
                Some("broadcasts") => OrderOf::Broadcasts,
                Some("delivers") => OrderOf::Deliveries,
                _ => continue,
            };
            if !orders.contains(&(step.process.clone(), of)) {
                orders.push((step.process.clone(), of));
            }
        }
        Self {
            messages: messages_of(witness),
            steps: witness.steps.iter().map(|step| step.index).collect(),
            orders,
            tracks: Vec::new(),
            seen: Vec::new(),
            kept: Vec::new(),
            faults: Faults::default(),
            elections: Elections::default(),
            logs: Logs::default(),
            payments: Payments::default(),
        }
    }

    /// Takes the next op; whether the reading goes on.
    fn take(&mut self, op: &Op, names: &Names) -> bool {
        let last = self.steps.last().copied().unwrap_or(0);
        let past = op.index > last;
        if past && !self.goes_on(op.index - last) {
            return false;
        }
        match (&op.process, &op.event) {
            (Process::Nemesis, Event::Other(other)) => {
                self.faults.take(op, other, names);
                let drained = other.f == "drained" && self.steps.contains(&op.index);
                if drained {
                    self.see(op, None, What::Drained);
                }
            }
            (Process::Node(node), Event::Deliver { message, .. }) if past => {
                self.track(*node, OrderOf::Deliveries, (*message, names));
            }
            _ if past => {}
            (Process::Node(node), event) => {
                self.note(*node, event);
                self.node_did(op, (*node, event), names);
            }
            (Process::Client(_), Event::Other(other)) => {
                self.payments.asked(op.kind, other);
                if !self.steps.contains(&op.index) {
                    return true;
                }
                let number = |key: &str| other.value.get(key).and_then(serde_json::Value::as_u64);
                let node = other.value.get("node").and_then(|name| names.find(name.as_str()?));
                self.see(op, node.map(Node::at), What::Client(number("charge")));
            }
            (_, Event::Request { node, message }) if self.steps.contains(&op.index) => {
                self.see(op, Some(node.at()), What::Client(Some(*message)));
            }
            _ => {}
        }
        true
    }

    /// Whether anything of interest may still come so many lines behind the last step.
    fn goes_on(&self, lines: u64) -> bool {
        let hungry = lines <= NEIGHBOURS && self.tracks.iter().any(Track::wants_more);
        hungry || lines <= SLACK && self.faults.in_force()
    }

    /// Keeps what tables are made of.
    fn note(&mut self, node: Node, event: &Event) {
        match event {
            Event::Leader { term } => self.elections.leads(node, *term),
            Event::Other(other) => {
                self.elections.take(node, other);
                self.logs.take(node, other);
                self.payments.charged(node, other);
            }
            _ => {}
        }
    }

    fn node_did(&mut self, op: &Op, (node, event): (Node, &Event), names: &Names) {
        let what = match event {
            Event::Broadcast(message) => {
                self.track(node, OrderOf::Broadcasts, (*message, names));
                What::Broadcast(*message)
            }
            Event::Deliver { message, .. } => {
                self.track(node, OrderOf::Deliveries, (*message, names));
                What::Deliver(*message)
            }
            Event::Start { incarnation } => What::Starts(*incarnation),
            Event::Leader { term } => What::Leads(*term),
            Event::Other(other) if other.f == "exit" => {
                What::Exits(other.value.get("status").and_then(|s| s.as_str()).unwrap_or_default().to_owned())
            }
            Event::Other(other) => What::Other(deed(other)),
            Event::Request { .. } => return,
        };
        let concerns = match &what {
            What::Broadcast(message) | What::Deliver(message) => self.messages.contains(message),
            What::Starts(_) | What::Exits(_) => true,
            _ => false,
        };
        if concerns || self.steps.contains(&op.index) {
            self.see(op, Some(node.at()), what);
        }
    }

    fn see(&mut self, op: &Op, node: Option<usize>, what: What) {
        let at = node.unwrap_or(0);
        if at >= self.kept.len() {
            self.kept.resize(at + 1, 0);
        }
        if self.kept[at] < KEPT_A_NODE || self.steps.contains(&op.index) {
            self.kept[at] += 1;
            self.seen.push(Seen { index: op.index, time: op.time, node, what });
        }
    }

    fn track(&mut self, node: Node, of: OrderOf, (message, names): (u64, &Names)) {
        let asked = |(name, kind): &(String, OrderOf)| *kind == of && name == names.name(node);
        if let Some(at) = self.orders.iter().position(asked) {
            self.orders.remove(at);
            self.tracks.push(Track::new(node.at(), of));
        }
        if let Some(track) = self.tracks.iter_mut().find(|track| track.node == node.at() && track.of == of) {
            track.take(message, &self.messages);
        }
    }
}
