//! The messages of Multi-Paxos, named as in its source, and what a node keeps on stable storage.

use serde::{Deserialize, Serialize};

use super::ballot::Ballot;
use crate::packet::{Key, Packet, Payload};
use crate::replication::{Command, Deliveries, Request};

/// A place in the sequence of commands, from 1.
pub type Slot = u64;

/// What is proposed for a slot: a command, or `None`, a no-op.
pub type Proposal = Option<Command>;

/// "A pvalue is a triple consisting of a ballot number, a slot number, and a command."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PValue {
    /// Who proposes it, and when.
    pub ballot: Ballot,
    /// Where.
    pub slot: Slot,
    /// What.
    pub command: Proposal,
}

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// A replica asks the leader to propose these.
    Request { commands: Vec<Command> },
    /// A scout asks an acceptor to adopt its ballot, and to tell what it has accepted from this slot on.
    P1a { ballot: Ballot, slot: Slot },
    /// The answer to the scout of `ballot`: the acceptor's ballot number is `ballot_num`. Of slots below `collected` it knows
    /// that they are decided, and no longer what it had accepted.
    P1b { ballot: Ballot, ballot_num: Ballot, collected: Slot, accepted: Vec<PValue> },
    /// A commander asks an acceptor to accept this.
    P2a { pvalue: PValue },
    /// The answer to the commander of this ballot and slot.
    P2b { ballot: Ballot, slot: Slot, ballot_num: Ballot },
    /// This is decided.
    Decision { slot: Slot, command: Proposal },
    /// The leader of this ballot lives, and has performed all slots below this one.
    Alive { ballot: Ballot, slot: Slot },
    /// A replica has missed the decisions from this slot on.
    CatchUp { slot: Slot },
    /// These are the decisions from this slot on.
    Decisions { slot: Slot, commands: Vec<Proposal> },
    /// This is what the decisions below this slot have led to.
    Snapshot { slot: Slot, deliveries: Deliveries },
}

impl Message {
    /// The message as it leaves.
    pub fn packet(&self) -> Packet {
        Packet { key: Key::from_wire(&self.key()), payload: Payload::encode(self) }
    }

    /// The step and its subject: `p2a/2001/17`.
    fn key(&self) -> String {
        match self {
            Self::Request { commands } => format!("request/{}", commands.first().map_or(0, |first| first.message)),
            Self::P1a { ballot, .. } => format!("p1a/{}", ballot.term()),
            Self::P1b { ballot, .. } => format!("p1b/{}", ballot.term()),
            Self::P2a { pvalue } => format!("p2a/{}/{}", pvalue.ballot.term(), pvalue.slot),
            Self::P2b { ballot, slot, .. } => format!("p2b/{}/{slot}", ballot.term()),
            Self::Decision { slot, .. } => format!("decision/{slot}"),
            Self::Alive { ballot, .. } => format!("alive/{}", ballot.term()),
            Self::CatchUp { slot } => format!("catch-up/{slot}"),
            Self::Decisions { slot, .. } => format!("decisions/{slot}"),
            Self::Snapshot { slot, .. } => format!("snapshot/{slot}"),
        }
    }
}

/// A record on stable storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The application asked for this, or the next of its requests has this number.
    Asked {
        /// The request.
        request: Request,
    },
    /// The acceptor has adopted this ballot.
    Adopted {
        /// The ballot.
        ballot: Ballot,
    },
    /// The acceptor has accepted this.
    Accepted {
        /// What it has accepted.
        pvalue: PValue,
    },
    /// The replica's state after all slots below this one, in place of all that was stored of them.
    Snapshot {
        /// The first slot that is not in it.
        slot: Slot,
        /// The state.
        deliveries: Deliveries,
    },
}

impl Record {
    /// The record's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is plain data")
    }
}
