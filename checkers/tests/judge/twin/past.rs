//! What a history says, asked of the whole list of ops each time.

use temblor_checkers::header::{Crashes, Header};
use temblor_checkers::judge::FifoGaps;
use temblor_checkers::op::{Event, Kind, Op, Process};

/// A history up to its `drained` line, and what it is to be judged by.
pub struct Past<'a> {
    pub header: &'a Header,
    pub ops: &'a [Op],
    pub gaps: FifoGaps,
}

impl<'a> Past<'a> {
    pub fn new(header: &'a Header, ops: &'a [Op], gaps: FifoGaps) -> Past<'a> {
        let end = ops.iter().position(|op| nemesis(op, "drained", &[Kind::Ok, Kind::Info])).unwrap_or(ops.len());
        Past { header, ops: &ops[..end], gaps }
    }

    pub fn nodes(&self) -> Vec<u16> {
        (0..self.header.nodes.len() as u16).collect()
    }

    /// All message numbers that occur.
    pub fn messages(&self) -> Vec<u64> {
        let mut messages: Vec<u64> = self.ops.iter().filter_map(message).collect();
        messages.sort();
        messages.dedup();
        messages
    }

    /// The positions of the ops for which `is` holds.
    pub fn at(&self, is: impl Fn(&Op) -> bool) -> Vec<usize> {
        (0..self.ops.len()).filter(|at| is(&self.ops[*at])).collect()
    }

    pub fn requests(&self, m: u64, kind: Kind) -> Vec<usize> {
        self.at(|op| client(op) && op.kind == kind && message(op) == Some(m) && self.sender(m) == target(op))
    }

    pub fn deliveries(&self, p: u16, m: u64) -> Vec<usize> {
        self.at(|op| delivers(op, p) == Some(m))
    }

    pub fn delivered(&self, p: u16, m: u64) -> bool {
        !self.deliveries(p, m).is_empty()
    }

    /// The node that the first request, acknowledgement or report of this message names.
    pub fn sender(&self, m: u64) -> Option<u16> {
        self.ops.iter().filter(|op| message(op) == Some(m)).find_map(|op| match (op.process, &op.event) {
            (Process::Client(_), _) if matches!(op.kind, Kind::Invoke | Kind::Ok) => target(op),
            (Process::Node(p), Event::Broadcast(_)) => Some(p.0),
            _ => None,
        })
    }

    /// The position of the sender's own report of this message.
    pub fn broadcast(&self, m: u64) -> Option<usize> {
        let sender = self.sender(m)?;
        self.at(|op| node(op) == Some(sender) && op.event == Event::Broadcast(m)).first().copied()
    }

    pub fn reports(&self, p: u16) -> bool {
        self.messages().iter().any(|m| self.sender(*m) == Some(p) && self.broadcast(*m).is_some())
    }

    pub fn starts(&self, p: u16) -> Vec<usize> {
        self.at(|op| node(op) == Some(p) && matches!(op.event, Event::Start { .. }))
    }

    /// The positions at which a later life of a node begins.
    pub fn restarts(&self, p: u16) -> Vec<usize> {
        let exits = self.at(|op| node(op) == Some(p) && f(op) == "exit");
        let lived = |at: &usize| exits.iter().any(|exit| exit < at) || self.starts(p)[0] < *at;
        self.starts(p).into_iter().filter(lived).collect()
    }

    /// Which life of a node, from 0, its line at this position belongs to, for the purposes of order and integrity.
    pub fn life(&self, p: u16, at: usize) -> usize {
        match self.header.crashes {
            Crashes::Stop => self.restarts(p).into_iter().filter(|restart| *restart < at).count(),
            Crashes::Recover => 0,
        }
    }

    /// Whether what a node delivers at this position is judged by what others deliver: not after its first life in mode `stop`.
    pub fn is_compared(&self, p: u16, at: usize) -> bool {
        let left = || self.at(|op| node(op) == Some(p) && f(op) == "exit").iter().any(|exit| *exit < at);
        self.header.crashes == Crashes::Recover || self.life(p, at) == 0 && !left()
    }

    /// The exits of a node, each with whether a kill explains it.
    pub fn exits(&self, p: u16) -> Vec<(usize, bool)> {
        let name = &self.header.nodes[usize::from(p)];
        let mut kills = 0;
        let mut exits = Vec::new();
        for (at, op) in self.ops.iter().enumerate() {
            let of_p = value(op, "node") == Some(name);
            if nemesis(op, "kill", &[Kind::Invoke]) && of_p {
                kills += 1;
            } else if nemesis(op, "kill", &[Kind::Fail]) && of_p && kills > 0 {
                kills -= 1;
            } else if node(op) == Some(p) && f(op) == "exit" {
                let killed = kills > 0 && value(op, "status").is_none_or(|status| status == "signal 9");
                kills -= u32::from(killed);
                exits.push((at, killed));
            }
        }
        exits
    }

    pub fn crashed(&self, p: u16) -> bool {
        self.exits(p).iter().any(|(_, killed)| *killed)
    }

    pub fn correct(&self, p: u16) -> bool {
        match self.header.crashes {
            Crashes::Stop => !self.crashed(p),
            Crashes::Recover => {
                let down = |exit: usize| !self.starts(p).iter().any(|start| *start > exit);
                !self.exits(p).last().is_some_and(|(at, killed)| *killed && down(*at))
            }
        }
    }
}

pub fn node(op: &Op) -> Option<u16> {
    match op.process {
        Process::Node(p) => Some(p.0),
        _ => None,
    }
}

pub fn delivers(op: &Op, p: u16) -> Option<u64> {
    match op.event {
        Event::Deliver { message, .. } if node(op) == Some(p) => Some(message),
        _ => None,
    }
}

pub fn f(op: &Op) -> &str {
    match &op.event {
        Event::Other(other) => &other.f,
        _ => "",
    }
}

fn client(op: &Op) -> bool {
    matches!(op.process, Process::Client(_))
}

fn target(op: &Op) -> Option<u16> {
    match op.event {
        Event::Request { node, .. } => Some(node.0),
        _ => None,
    }
}

fn message(op: &Op) -> Option<u64> {
    match op.event {
        Event::Request { message, .. } | Event::Broadcast(message) | Event::Deliver { message, .. } => Some(message),
        _ => None,
    }
}

fn nemesis(op: &Op, what: &str, kinds: &[Kind]) -> bool {
    op.process == Process::Nemesis && f(op) == what && kinds.contains(&op.kind)
}

fn value<'o>(op: &'o Op, key: &str) -> Option<&'o String> {
    let Event::Other(other) = &op.event else { return None };
    match other.value.get(key) {
        Some(serde_json::Value::String(text)) => Some(text),
        _ => None,
    }
}

/// What an op says under a key.
pub fn field<'o>(op: &'o Op, key: &str) -> Option<&'o serde_json::Value> {
    let Event::Other(other) = &op.event else { return None };
    other.value.get(key)
}
