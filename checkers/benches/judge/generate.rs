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
    /// Reliable broadcast in no order.
    Plain,
    /// A run of `fifo` with faults; nothing is wrong.
    Fifo,
    /// Questions and answers in causal order.
    Causal,
    /// One order for all, and every property of a total order holds.
    Total,
    /// No order among many nodes.
    PlainOfMany,
    /// Causal order among many nodes.
    CausalOfMany,
    /// Total order among many nodes.
    TotalOfMany,
    /// Every delivery is a creation or a duplicate.
    Integrity,
    /// Every second delivery comes before its predecessor.
    Swapped,
}

impl Shape {
    /// All of them.
    pub const ALL: [Shape; 9] = [
        Shape::Plain,
        Shape::Fifo,
        Shape::Causal,
        Shape::Total,
        Shape::PlainOfMany,
        Shape::CausalOfMany,
        Shape::TotalOfMany,
        Shape::Integrity,
        Shape::Swapped,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Plain => "plain",
            Shape::Fifo => "fifo",
            Shape::Causal => "causal",
            Shape::Total => "total",
            Shape::PlainOfMany => "plain of 50",
            Shape::CausalOfMany => "causal of 50",
            Shape::TotalOfMany => "total of 50",
            Shape::Integrity => "integrity",
            Shape::Swapped => "swapped",
        }
    }

    /// Whether nothing that is promised is violated.
    pub fn is_clean(self) -> bool {
        !matches!(self, Shape::Integrity | Shape::Swapped)
    }

    /// What it is, in words.
    pub fn what(self) -> &'static str {
        match self {
            Shape::Plain => "5 nodes, everything delivered once, in no order",
            Shape::Fifo => "5 nodes, partitions and unequal lag, one node killed half-way",
            Shape::Causal => "5 nodes ask and answer in causal order",
            Shape::Total => "5 nodes deliver everything in one order",
            Shape::PlainOfMany | Shape::CausalOfMany | Shape::TotalOfMany => "the same among 50 nodes, without faults",
            Shape::Integrity => "nobody broadcasts, all is delivered twice: violations at every line",
            Shape::Swapped => "all is delivered in swapped pairs: violations at every second delivery",
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
    match shape {
        Shape::Plain => broadcasts(&mut file, (Order::Any, file::NODES), lines)?,
        Shape::Causal => broadcasts(&mut file, (Order::Causal, file::NODES), lines)?,
        Shape::Total => broadcasts(&mut file, (Order::Total, file::NODES), lines)?,
        Shape::PlainOfMany => broadcasts(&mut file, (Order::Any, MANY), lines)?,
        Shape::CausalOfMany => broadcasts(&mut file, (Order::Causal, MANY), lines)?,
        Shape::TotalOfMany => broadcasts(&mut file, (Order::Total, MANY), lines)?,
        Shape::Fifo | Shape::Integrity | Shape::Swapped => {
            file.nemesis("info", "run", &header(("fifo", file::NODES), &TOTAL[..1], &["kill", "partition"]))?;
            match shape {
                Shape::Fifo => Cluster::run(&mut file, lines)?,
                Shape::Integrity => integrity(&mut file, lines)?,
                _ => swapped(&mut file, lines)?,
            }
        }
    }
    file.nemesis("ok", "heal", "{}")?;
    file.nemesis("ok", "drained", "{}")?;
    file.finish()
}

fn broadcasts(file: &mut File, (order, nodes): (Order, usize), lines: u64) -> io::Result<()> {
    let (system, promises) = match order {
        Order::Any => ("reliable", &TOTAL[..0]),
        Order::Causal => ("causal", &TOTAL[..2]),
        Order::Total => ("total", &TOTAL[..]),
    };
    file.nemesis("info", "run", &header((system, nodes), promises, &[]))?;
    Broadcasts::run(file, (order, nodes), lines)
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
