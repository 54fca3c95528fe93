//! Zab's messages, by their names in the paper, and the keys of their frames.

use serde::{Deserialize, Serialize};

use super::election::Vote;
use super::history::{History, Transaction, Zxid};
use crate::id::NodeId;
use crate::packet::{Key, Packet, Payload};
use crate::replication::Command;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message {
    /// Phase 0: the sender looks for a leader, and would follow this one.
    Notification { round: u64, vote: Vote },
    /// Phase 0: the sender does not look any more. This was its vote.
    Settled { round: u64, vote: Vote },
    /// Phase 0: the sender leads, or tries to.
    Leading,
    /// CEPOCH(f.p): a follower tells the latest epoch that it has accepted.
    Cepoch {
        /// f.p.
        epoch: u64,
        /// From which leader it was accepted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leader: Option<NodeId>,
    },
    /// NEWEPOCH(e'): the leader proposes a later one.
    NewEpoch { epoch: u64 },
    /// ACK-E(f.a, h): the follower has accepted it; this is its current epoch and its history.
    AckE { epoch: u64, current: u64, history: History },
    /// NEWLEADER(e', I): the leader's initial history, and all that it has proposed by now.
    NewLeader { epoch: u64, history: History },
    /// ACK-LD: the follower's history is the leader's, up to this zxid.
    AckLd { epoch: u64, zxid: Zxid },
    /// COMMIT-LD: a quorum has it; the epoch is established. Up to this zxid all is committed.
    CommitLd { epoch: u64, zxid: Zxid },
    /// PROPOSE(e', <v, z>).
    Propose { epoch: u64, transaction: Transaction },
    /// ACK(e', <v, z>), of this and of all before it.
    Ack { epoch: u64, zxid: Zxid },
    /// COMMIT(e', <v, z>), of this and of all before it.
    Commit { epoch: u64, zxid: Zxid },
    /// The leader lives.
    Ping { epoch: u64, zxid: Zxid },
    /// A client has an operation for the leader.
    Request { command: Command },
}

impl Message {
    /// The epoch that the sender is in.
    pub fn epoch(&self) -> Option<u64> {
        match self {
            Self::Cepoch { epoch, .. }
            | Self::NewEpoch { epoch }
            | Self::AckE { epoch, .. }
            | Self::NewLeader { epoch, .. }
            | Self::AckLd { epoch, .. }
            | Self::CommitLd { epoch, .. }
            | Self::Propose { epoch, .. }
            | Self::Ack { epoch, .. }
            | Self::Commit { epoch, .. }
            | Self::Ping { epoch, .. } => Some(*epoch),
            Self::Notification { .. } | Self::Settled { .. } | Self::Leading | Self::Request { .. } => None,
        }
    }

    /// Whether only a follower says this, in answer to its leader.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::AckE { .. } | Self::AckLd { .. } | Self::Ack { .. })
    }

    /// Whether only a follower says this.
    pub fn is_of_follower(&self) -> bool {
        matches!(self, Self::Cepoch { .. }) || self.is_answer()
    }

    /// The frame. Its key names the step and the zxid, or as much of it as there is.
    pub fn packet(&self) -> Packet {
        let key = match self {
            Self::Notification { round, .. } => Key::of("notification", &[*round]),
            Self::Settled { round, .. } => Key::of("settled", &[*round]),
            Self::Leading => Key::of("leading", &[]),
            Self::Cepoch { epoch, .. } => Key::of("cepoch", &[*epoch]),
            Self::NewEpoch { epoch } => Key::of("newepoch", &[*epoch]),
            Self::AckE { epoch, .. } => Key::of("ack-e", &[*epoch]),
            Self::NewLeader { epoch, history } => Key::of("newleader", &[*epoch, history.last_index()]),
            Self::AckLd { epoch, .. } => Key::of("ack-ld", &[*epoch]),
            Self::CommitLd { epoch, .. } => Key::of("commit-ld", &[*epoch]),
            Self::Propose { transaction, .. } => of_zxid("propose", transaction.zxid),
            Self::Ack { zxid, .. } => of_zxid("ack", *zxid),
            Self::Commit { zxid, .. } => of_zxid("commit", *zxid),
            Self::Ping { epoch, .. } => Key::of("ping", &[*epoch]),
            Self::Request { command } => Key::new("request", command.message),
        };
        Packet { key, payload: Payload::encode(self) }
    }
}

fn of_zxid(step: &str, zxid: Zxid) -> Key {
    Key::of(step, &[zxid.epoch, zxid.counter])
}
