//! System models: what an algorithm assumes of links, crashes and time (the lectures' three parts of a model).

use serde::Serialize;

/// What links may do to frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// Lose, double, delay and reorder them; what is sent again and again gets through.
    FairLoss,
    /// Delay them only.
    Reliable,
}

/// What crashes may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crashes {
    /// None.
    None,
    /// A node that crashed stays down.
    Stop,
    /// A node that crashed comes back with what it had stored; it may lose what it had not synced.
    Recover,
    /// A node that crashed comes back with nothing, and learns from the others what it had known: not too many at a time.
    RecoverAfresh,
}

/// What is known of how long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Nothing.
    Asynchronous,
    /// After a while everything takes less than some time. Only liveness depends on it.
    PartiallySynchronous,
}

/// How many nodes may crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Faulty {
    /// None.
    None,
    /// Fewer than half.
    Minority,
    /// All but one.
    AllButOne,
    /// All, as long as they come back.
    All,
}

impl Faulty {
    /// The number among `nodes`.
    pub fn max(self, nodes: usize) -> usize {
        match self {
            Faulty::None => 0,
            Faulty::Minority => nodes.saturating_sub(1) / 2,
            Faulty::AllButOne => nodes.saturating_sub(1),
            Faulty::All => nodes,
        }
    }
}

/// A system model. Safety never depends on time in any algorithm here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Model {
    /// What links may do.
    pub links: Links,
    /// What crashes may happen.
    pub crashes: Crashes,
    /// How many.
    pub faulty: Faulty,
    /// How long things take.
    pub timing: Timing,
    /// Once everything is healed, every obligation is met within this time, ms.
    pub bound_ms: u64,
}
