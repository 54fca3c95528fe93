//! The setting: what drawing and validating a plan has to know of the system under test.

use crate::plan::Ask;

/// What links do to frames in the system's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They may lose, double, delay and reorder; a frame that is sent again and again gets through.
    FairLoss,
    /// They may only delay.
    Reliable,
}

/// What a crash means in the system's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    /// Nodes never crash.
    None,
    /// A node that crashed stays down.
    Stop,
    /// A node that crashed may come back with what it had stored; where it does not, it counts as faulty.
    Recover,
}

/// A system and its model, as far as a plan depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The algorithm.
    pub algorithm: String,
    /// The layer below, where one was chosen.
    pub over: Option<String>,
    /// To how many others gossip passes a message on, where that was chosen.
    pub fanout: Option<u32>,
    /// Whether real nodes speak HTTP/1.1 with each other.
    pub http: bool,
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// What clients ask for.
    pub asks: Ask,
    /// What links may do.
    pub links: Links,
    /// What crashes mean.
    pub crashes: Crashes,
    /// Whether nodes keep anything on stable storage.
    pub durable: bool,
    /// Whether nodes claim to lead.
    pub leader: bool,
    /// How many nodes may be faulty.
    pub faulty_max: u32,
    /// The model's bound on how long a correct node may owe a delivery once everything is healed, ms.
    pub bound_ms: u64,
}
