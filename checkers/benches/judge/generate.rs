//! Histories of any length, as the recorder would write them. The same number of lines always gives the same file.

mod broadcasts;
mod cluster;
mod draws;
mod file;

use std::io;
use std::path::Path;

use broadcasts::{Broadcasts, Order};
use cluster::Cluster;
pub use file::Written;
use file::{File, header};

/// What a history looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A run of `fifo` with faults; nothing is wrong.
    Valid,
    /// One order for all, and every property of a total order holds.
    Total,
    /// The same among many nodes.
    TotalOfMany,
    /// Questions and answers in causal order.
    Chat,
    /// The same among many nodes.
    ChatOfMany,
    /// Every delivery is a creation or a duplicate.
    Integrity,
    /// Every second delivery comes before its predecessor.
    Order,
}

impl Shape {
    /// All of them.
    pub const ALL: [Shape; 7] = [
        Shape::Valid,
        Shape::Total,
        Shape::Chat,
        Shape::TotalOfMany,
        Shape::ChatOfMany,
        Shape::Integrity,
        Shape::Order,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Valid => "valid",
            Shape::Total => "total",
            Shape::TotalOfMany => "total-of-50",
            Shape::Chat => "chat",
            Shape::ChatOfMany => "chat-of-50",
            Shape::Integrity => "integrity",
            Shape::Order => "order",
        }
    }

    /// Whether nothing that is promised is violated.
    pub fn is_clean(self) -> bool {
        !matches!(self, Shape::Integrity | Shape::Order)
    }

    /// What it is, in words.
    pub fn what(self) -> &'static str {
        match self {
            Shape::Valid => "5 nodes, partitions and unequal lag, one node killed half-way; every property holds",
            Shape::Total => "5 nodes deliver everything in one order; every property holds, and nothing goes wrong",
            Shape::TotalOfMany => "50 nodes deliver everything in one order",
            Shape::Chat => "5 nodes ask and answer in causal order, which is no total one",
            Shape::ChatOfMany => "50 nodes ask and answer in causal order",
            Shape::Integrity => "nobody broadcasts, and everybody delivers everything twice: a violation at every line",
            Shape::Order => {
                "every sender's messages are delivered in swapped pairs: every second delivery is a violation"
            }
        }
    }
}

/// What a history of a total order promises beside reliable delivery.
const TOTAL: [&str; 6] =
    ["fifo-order", "causal-order", "total-order", "uniform-total-order", "one-order", "gap-free-order"];
/// How many many nodes are.
const MANY: usize = 50;

/// Writes a history of about so many lines.
pub fn generate(shape: Shape, lines: u64, path: &Path) -> io::Result<Written> {
    let mut file = File::create(path)?;
    let (order, nodes) = match shape {
        Shape::Total => (Order::Total, file::NODES),
        Shape::TotalOfMany => (Order::Total, MANY),
        Shape::Chat => (Order::Causal, file::NODES),
        Shape::ChatOfMany => (Order::Causal, MANY),
        Shape::Valid | Shape::Integrity | Shape::Order => {
            file.nemesis("info", "run", &header(("fifo", file::NODES), &TOTAL[..1], &["kill", "partition"]))?;
            match shape {
                Shape::Valid => Cluster::run(&mut file, lines)?,
                Shape::Integrity => integrity(&mut file, lines)?,
                _ => swapped(&mut file, lines)?,
            }
            return end(file);
        }
    };
    let promises = if order == Order::Total { &TOTAL[..] } else { &TOTAL[..2] };
    file.nemesis("info", "run", &header((shape.name(), nodes), promises, &[]))?;
    Broadcasts::run(&mut file, (order, nodes), lines)?;
    end(file)
}

fn end(mut file: File) -> io::Result<Written> {
    file.nemesis("ok", "heal", "{}")?;
    file.nemesis("ok", "drained", "{}")?;
    file.finish()
}

fn integrity(file: &mut File, lines: u64) -> io::Result<()> {
    let mut message = 0;
    while file.lines() < lines {
        message += 1;
        for _ in 0..2 {
            for node in 0..file::NODES {
                file.indication(node, "deliver", message)?;
            }
        }
    }
    file.messages(message);
    Ok(())
}

fn swapped(file: &mut File, lines: u64) -> io::Result<()> {
    let mut message = 0;
    while file.lines() < lines {
        let sender = (message / 2) as usize % file::NODES;
        let pair = [message + 1, message + 2];
        message += 2;
        for message in pair {
            file.indication(sender, "broadcast", message)?;
        }
        for node in 0..file::NODES {
            for message in pair.into_iter().rev() {
                file.indication(node, "deliver", message)?;
            }
        }
    }
    file.messages(message);
    Ok(())
}
