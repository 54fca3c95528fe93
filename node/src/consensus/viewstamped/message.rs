//! The messages of viewstamped replication, by their names in the paper, and the keys of their frames.

use serde::{Deserialize, Serialize};

use super::log::{Entry, Log};
use crate::packet::{Key, Packet, Payload};
use crate::replication::Command;

/// A frame: a message, and which life of each replica its sender has heard of, its own included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub lives: Vec<u32>,
    pub m: Message,
}

/// A message. Who sent it is known, so `i` is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message {
    /// A client has an operation for the primary.
    Request { command: Command },
    /// The primary has put an operation into its log.
    Prepare { view: u64, op: u64, entry: Entry, commit: u64 },
    /// A backup's log has all up to this operation.
    PrepareOk { view: u64, op: u64 },
    /// What is committed; the primary lives.
    Commit { view: u64, commit: u64 },
    /// A replica suspects the primary, or has heard that others do.
    StartViewChange { view: u64 },
    /// Enough do: here is what the next primary needs to know.
    DoViewChange(DoViewChange),
    /// The view begins, with this log.
    StartView { view: u64, log: Log, commit: u64 },
    /// A replica is back, and has nothing. No nonce is used twice: it is the number of the replica's life.
    Recovery { nonce: u32 },
    /// The view that the sender is in; from its primary the log too.
    RecoveryResponse { view: u64, nonce: u32, log: Option<Log>, commit: u64 },
    /// A replica lacks operations of this view.
    GetState { view: u64, op: u64 },
    /// Here they are.
    NewState { view: u64, log: Log, commit: u64 },
}

/// What a replica brings into a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DoViewChange {
    pub view: u64,
    pub log: Log,
    /// v': the latest view in which the sender's status was normal.
    pub last_normal: u64,
    pub commit: u64,
}

impl Message {
    /// The key of a frame with this message: the step, the view and the op-number.
    pub fn key(&self) -> Key {
        match self {
            Self::Request { command } => Key::new("request", command.message),
            Self::Prepare { view, op, .. } => Key::of("prepare", &[*view, *op]),
            Self::PrepareOk { view, op } => Key::of("prepare-ok", &[*view, *op]),
            Self::Commit { view, commit } => Key::of("commit", &[*view, *commit]),
            Self::StartViewChange { view } => Key::of("start-view-change", &[*view]),
            Self::DoViewChange(brought) => Key::of("do-view-change", &[brought.view]),
            Self::StartView { view, .. } => Key::of("start-view", &[*view]),
            Self::Recovery { nonce } => Key::of("recovery", &[u64::from(*nonce)]),
            Self::RecoveryResponse { nonce, .. } => Key::of("recovery-response", &[u64::from(*nonce)]),
            Self::GetState { view, op } => Key::of("get-state", &[*view, *op]),
            Self::NewState { view, log, .. } => Key::of("new-state", &[*view, log.op()]),
        }
    }
}

impl Frame {
    /// As it goes to the network.
    pub fn packet(&self) -> Packet {
        Packet { key: self.m.key(), payload: Payload::encode(self) }
    }
}
