//! The header: the first line of a history, which says what the history is to be judged by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The format version that this crate reads and writes; a newer one is refused by name.
pub const FORMAT: u32 = 1;

/// What a crash means for a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crashes {
    /// A node that exits stays down for good and is faulty.
    #[default]
    Stop,
    /// A node may come back with its stable state; it is correct if it is up at the end.
    Recover,
}

/// What an acknowledgement binds to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledges {
    /// The node took the request; binding while it stays up.
    #[default]
    Taken,
    /// The message was delivered; binding for ever.
    Delivered,
}

/// When a promise is in force. Order and integrity are promised always; liveness may be conditional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Whatever happens within the system model.
    Always,
    /// For messages whose sender never crashed.
    WhileSenderLives,
    /// While the leader is correct: who claimed the highest term, or where nobody claims any, the first node.
    WhileLeaderLives,
    /// While no node crashed.
    WhileNobodyCrashes,
    /// While more than half of the nodes are correct.
    WhileMajorityLives,
    /// For as many messages as chance has it (agreement of gossip; `spread.rs` says how that is judged).
    AsStatistic,
}

/// The value of the first line, `"f":"run"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The history's format version, [`FORMAT`].
    pub format: u32,
    /// What ran, such as `fifo` or `fifo over best-effort`; for people, decides nothing.
    pub system: String,
    /// The nodes, in order.
    pub nodes: Vec<String>,
    /// What a crash means.
    pub crashes: Crashes,
    /// How many nodes may be faulty within the system model.
    pub faulty_max: u32,
    /// What `ok` means.
    pub ok: Acknowledges,
    /// Each promised property and its condition.
    pub promises: BTreeMap<String, Condition>,
    /// Fault classes that were asked for (`kill`, `pause`, `partition`, ...): one that never bit makes the run inconclusive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested: Vec<String>,
    /// Faults that lie outside the system model and may occur in this run: once one of them bit, lost liveness is shown as
    /// outside the model and is no violation. Safety is judged as always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<String>,
    /// To how many others a node passes a message on, for promises `as-statistic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fanout: Option<u32>,
}
