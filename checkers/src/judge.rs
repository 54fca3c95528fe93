//! The judge: reads a history once, op by op, and drives every checker on the way.
//!
//! It keeps the ledger (`ledger.rs`) of what the file has said, lets each node's deliveries through to the checkers when
//! all is known of their places (`judge/hold_back.rs`), and stops at the `drained` line. At the end each checker says what it
//! found, and `judge/outcome.rs` weighs that against what was promised. The few earlier ops that a witness speaks of are found by
//! a second reading, which a clean history does not need.

mod answers;
mod classification;
mod findings;
mod hold_back;
mod logs;
mod options;
mod outcome;
mod payments;
mod reports;

use std::collections::BTreeMap;

use serde_json::Value;

pub use findings::Findings;
pub use options::{FifoGaps, JudgeError, Options};

use crate::header::{Condition, Crashes, Header};
use crate::ledger::Ledger;
use crate::ledger::faults::Moment;
use crate::ledger::messages::{Id, Mark};
use crate::ledger::nodes::MAX_NODES;
use crate::op::{Event, Kind, Message, Names, Node, Op, Other, Process};
use crate::orders::Orders;
use crate::property::{Close, Delivery, Property, Report, Reported};
use crate::table::CHECKERS;
use crate::verdict::Counts;
use hold_back::{Held, HoldBack};

/// How the file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With a whole line.
    Whole,
    /// In the middle of a line: the writer was killed.
    Torn,
}

/// Reads a history once, op by op, and drives every checker on the way.
pub struct Judge {
    header: Option<Header>,
    promises: BTreeMap<String, Condition>,
    fifo_gaps: FifoGaps,
    ledger: Ledger,
    orders: Orders,
    held: HoldBack,
    checkers: Vec<Box<dyn Property>>,
    /// Those of `checkers` that hear of deliveries.
    hearers: Vec<usize>,
    /// Those of `checkers` that hear of broadcasts.
    broadcast_hearers: Vec<usize>,
    counts: Counts,
    /// Requests that have had any completion.
    completed: u64,
    /// The farthest position that a snapshot stands for whose messages may not be known yet.
    awaited: u64,
    /// Set by the `drained` line, after which nothing counts.
    close: Option<Close>,
    last: Moment,
    interrupted: Option<String>,
    /// Whether there are more nodes than can be judged.
    crowded: bool,
}

impl Judge {
    /// A judge for a history with this first line, or without one (somebody else's history).
    pub fn new(header: Option<Header>, options: &Options) -> Result<Judge, JudgeError> {
        let promises = options::promises(header.as_ref(), options)?;
        let checkers: Vec<_> = CHECKERS.iter().map(|checker| (checker.start)(options)).collect();
        let hearers = (0..checkers.len()).filter(|at| checkers[*at].hears_deliveries()).collect();
        let broadcast_hearers = (0..checkers.len()).filter(|at| checkers[*at].hears_broadcasts()).collect();
        let (crashes, ok) = header.as_ref().map_or_else(Default::default, |h| (h.crashes, h.ok));
        let mut ledger = Ledger::new(crashes, ok);
        ledger.size = header.as_ref().map(|header| header.nodes.len());
        Ok(Judge {
            header,
            promises,
            fifo_gaps: options.fifo_gaps,
            ledger,
            orders: Orders::default(),
            held: HoldBack::default(),
            checkers,
            hearers,
            broadcast_hearers,
            counts: Counts::default(),
            completed: 0,
            awaited: 0,
            close: None,
            last: Moment { index: 0, time: 0 },
            interrupted: None,
            crowded: false,
        })
    }

    /// Takes the next op of the file.
    pub fn op(&mut self, op: &Op, names: &Names) {
        self.counts.ops += 1;
        if self.close.is_some() {
            return;
        }
        self.last = Moment::of(op);
        self.ledger.faults.calm.tick(op.time, self.ledger.messages.len());
        match (op.process, &op.event) {
            (Process::Client(_), Event::Request { node, message }) => self.request(op.kind, *node, *message),
            (Process::Client(client), Event::Other(other)) => match other.f.as_str() {
                "charge" | "ledger" => self.payment((op, client), other, names),
                _ => self.answer((op, client), other, names),
            },
            (Process::Node(node), event) if node.at() < MAX_NODES => self.indication(node, event, (op, names)),
            (Process::Node(_), _) => self.crowded = true,
            (Process::Nemesis, Event::Other(other)) => self.nemesis(op, other, names),
            _ => {}
        }
    }

    /// The end of the file.
    pub fn finish(mut self, names: &Names, tail: Tail) -> Findings {
        if self.close.is_none() {
            self.release_all();
        }
        let group = self.group(names);
        let crashed = group.iter().filter(|node| self.ledger.nodes.get(**node).crashes > 0).count();
        self.counts.crashed = crashed as u64;
        self.counts.cut_short = self.close.is_none() || tail == Tail::Torn;
        self.counts.indeterminate = self.counts.invoked.saturating_sub(self.counts.acknowledged + self.counts.failed);
        self.counts.bites = self.ledger.faults.bites.clone();
        findings::weigh(self, &group, names)
    }

    fn request(&mut self, kind: Kind, node: Node, message: Message) {
        match kind {
            Kind::Invoke => {
                self.counts.invoked += 1;
                self.ledger.recovery.asked(message, self.last.time);
                self.ledger.invoked(node, message);
                self.release(message);
                return;
            }
            Kind::Ok => {
                self.counts.acknowledged += 1;
                self.ledger.acknowledged(node, message);
            }
            Kind::Fail => self.counts.failed += 1,
            Kind::Info => {}
        }
        self.completed += 1;
    }

    fn indication(&mut self, node: Node, event: &Event, (op, names): (&Op, &Names)) {
        if op.kind != Kind::Info {
            return;
        }
        match event {
            Event::Deliver { message, pos } => {
                let position = pos.map(|pos| u64::from(pos.get()));
                if self.positioned(node, *message, position) {
                    self.delivery(node, *message);
                }
                if position.is_some_and(|position| position <= self.awaited) {
                    self.release_snapshots();
                }
            }
            Event::Broadcast(message) => self.broadcast(node, *message),
            Event::Start { .. } => self.start(node),
            Event::Leader { term } => {
                self.ledger.led(node, *term);
                self.report(node, Reported::Leads(*term));
            }
            Event::Other(other) => self.other(node, other, names),
            Event::Request { .. } => return,
        }
        self.ledger.nodes.get_mut(node).seen = true;
    }

    fn broadcast(&mut self, node: Node, message: Message) {
        self.counts.broadcasts += 1;
        let Some(id) = self.ledger.broadcast(node, message) else { return };
        if self.held.holds(node) {
            self.held.push(node, Held::Broadcast(id));
        } else {
            self.tell(node, id);
            self.release(message);
        }
    }

    /// A broadcast in the node's own order.
    fn tell(&mut self, node: Node, id: Id) {
        self.ledger.messages.get_mut(id).mark(Mark::Told);
        for hearer in &self.broadcast_hearers {
            self.checkers[*hearer].broadcast(&self.ledger, (node, id));
        }
    }

    #[inline]
    fn delivery(&mut self, node: Node, message: Message) {
        self.counts.deliveries += 1;
        if !self.ledger.recovery.is_idle() {
            let up = self.ledger.nodes.iter().filter(|(_, state)| state.down.is_none()).map(|(node, _)| node);
            self.ledger.recovery.delivered((message, node, self.last.time), up);
        }
        if self.held.holds(node) {
            return self.hold(node, message);
        }
        match self.ledger.messages.find(message) {
            Some(id) if self.ledger.settled(id) => self.pass(node, (id, self.last)),
            _ => self.hold(node, message),
        }
    }

    fn start(&mut self, node: Node) {
        if !self.ledger.started(node) {
            return;
        }
        if self.held.holds(node) {
            self.held.push(node, Held::Restart);
        } else {
            self.restart(node);
        }
    }

    fn report(&mut self, node: Node, what: Reported) {
        let report = Report { node, at: self.last, what };
        for checker in &mut self.checkers {
            checker.reported(&self.ledger, &report);
        }
        self.ledger.replicas.take(node, &report.what);
    }

    fn nemesis(&mut self, op: &Op, other: &Other, names: &Names) {
        match (other.f.as_str(), op.kind) {
            ("drained", Kind::Ok) => self.drained(Close::Drained),
            ("drained", Kind::Info) => {
                let late_us = other.value.get("late_us").and_then(Value::as_u64).unwrap_or_default();
                self.drained(Close::Late { late_us });
            }
            ("interrupted", _) => {
                let reason = other.value.get("reason").and_then(Value::as_str).unwrap_or("no reason is known");
                self.interrupted = Some(reason.to_owned());
            }
            _ => {}
        }
        let named = self.ledger.messages.len();
        self.ledger.faults.take(op, other, (names, named));
        if let Some(fault) = over(op, other) {
            self.ledger.recovery.over(fault, op.time);
        }
    }

    fn drained(&mut self, close: Close) {
        self.close = Some(close);
        self.release_all();
    }

    /// A delivery in the node's own order, all known of its message's place.
    #[inline]
    fn pass(&mut self, node: Node, (id, at): (Id, Moment)) {
        let remote = self.ledger.messages.get(id).sender != node;
        let disturbed = remote && !self.ledger.faults.calm_since(id.at());
        if disturbed {
            self.ledger.disturbed.insert(id.at());
        }
        let again = !self.ledger.nodes.deliver(node, id);
        let place = self.ledger.place(id);
        let delivery = Delivery { node, id, place, at, again, disturbed };
        self.orders.deliver(&self.ledger, &delivery);
        for hearer in &self.hearers {
            self.checkers[*hearer].delivered(&self.ledger, &delivery);
        }
    }

    fn restart(&mut self, node: Node) {
        match self.ledger.crashes {
            Crashes::Stop => {
                self.ledger.left(node);
                self.ledger.nodes.forget(node);
                self.checkers.iter_mut().for_each(|checker| checker.restarted(node));
            }
            Crashes::Recover => self.ledger.nodes.get_mut(node).later_life = true,
        }
    }

    /// The nodes of the system: those of the first line, else those that the history names.
    fn group(&self, names: &Names) -> Vec<Node> {
        let mut group: Vec<Node> = match &self.header {
            Some(header) => header.nodes.iter().filter_map(|name| names.find(name)).collect(),
            None => names.iter().map(|(node, _)| node).collect(),
        };
        group.retain(|node| node.at() < MAX_NODES);
        group.sort();
        group.dedup();
        group
    }
}

/// The fault that is over by this op of the nemesis, if any.
fn over<'a>(op: &Op, other: &'a Other) -> Option<&'a str> {
    let completes = matches!(op.kind, Kind::Ok | Kind::Info) && other.value.get("id").is_some();
    match other.f.as_str() {
        // It has begun; `resume` ends it.
        "pause" => None,
        "resume" if completes => Some("pause"),
        // One that took no effect is nothing to recover from.
        fault if completes && op.kind == Kind::Ok => Some(fault),
        _ => None,
    }
}
