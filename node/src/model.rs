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
}

impl Faulty {
    /// The number among `nodes`.
    pub fn max(self, nodes: usize) -> usize {
        match self {
            Faulty::None => 0,
            Faulty::Minority => nodes.saturating_sub(1) / 2,
            Faulty::AllButOne => nodes.saturating_sub(1),
        }
    }
}

/// A system model. All algorithms here are asynchronous: safety never depends on time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Model {
    /// What links may do.
    pub links: Links,
    /// What crashes may happen.
    pub crashes: Crashes,
    /// How many.
    pub faulty: Faulty,
    /// Once everything is healed, every obligation is met within this time, ms.
    pub bound_ms: u64,
}
