//! Histories of any length, as the recorder would write them. The same number of lines always gives the same file.

mod cluster;
mod draws;
mod file;

use std::io;
use std::path::Path;

use cluster::Cluster;
pub use file::Written;
use file::{File, header};

/// What a history looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A run of `fifo` with faults; nothing is wrong.
    Valid,
    /// Every delivery is a creation or a duplicate.
    Integrity,
    /// Every second delivery comes before its predecessor.
    Order,
}

impl Shape {
    /// All of them.
    pub const ALL: [Shape; 3] = [Shape::Valid, Shape::Integrity, Shape::Order];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Valid => "valid",
            Shape::Integrity => "integrity",
            Shape::Order => "order",
        }
    }

    /// What it is, in words.
    pub fn what(self) -> &'static str {
        match self {
            Shape::Valid => "5 nodes, partitions and unequal lag, one node killed half-way; every property holds",
            Shape::Integrity => "nobody broadcasts, and everybody delivers everything twice: a violation at every line",
            Shape::Order => {
                "every sender's messages are delivered in swapped pairs: every second delivery is a violation"
            }
        }
    }
}

/// Writes a history of about so many lines.
pub fn generate(shape: Shape, lines: u64, path: &Path) -> io::Result<Written> {
    let mut file = File::create(path)?;
    file.nemesis("info", "run", &header())?;
    match shape {
        Shape::Valid => Cluster::run(&mut file, lines)?,
        Shape::Integrity => integrity(&mut file, lines)?,
        Shape::Order => order(&mut file, lines)?,
    }
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

fn order(file: &mut File, lines: u64) -> io::Result<()> {
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
