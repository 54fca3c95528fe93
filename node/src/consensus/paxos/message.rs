//! The messages of Paxos, named as Lamport numbers the phases, and what a node keeps on stable storage.

use serde::{Deserialize, Serialize};

use super::ballot::Ballot;
use crate::packet::{Key, Packet, Payload};

/// A value with the number under which it is proposed: `{"ballot":{"round":2,"node":"n1"},"m":17}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub ballot: Ballot,
    /// The value, a message of the application.
    #[serde(rename = "m")]
    pub value: u64,
}

/// What nodes send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// A prepare request with this number.
    #[serde(rename = "1a")]
    Phase1a { ballot: Ballot },
    /// The promise to accept nothing below `ballot` any more, with the highest proposal accepted so far.
    #[serde(rename = "1b")]
    Phase1b { ballot: Ballot, accepted: Option<Proposal> },
    /// An accept request.
    #[serde(rename = "2a")]
    Phase2a { proposal: Proposal },
    /// This proposal is accepted, to all learners.
    #[serde(rename = "2b")]
    Phase2b { proposal: Proposal },
    /// An answer to a request with number `ballot`: a higher number has been promised, so the proposer had better give way.
    #[serde(rename = "refused")]
    Refused { ballot: Ballot, promised: Ballot },
    /// This value is chosen.
    #[serde(rename = "decided")]
    Decided {
        #[serde(rename = "m")]
        value: u64,
    },
    /// The answer to `decided`: no need to say so again.
    #[serde(rename = "learned")]
    Learned,
}

impl Message {
    /// The message as it leaves.
    pub fn packet(&self) -> Packet {
        Packet { key: Key::from_wire(&self.key()), payload: Payload::encode(self) }
    }

    /// The step and its subject: `2a/2001`.
    fn key(&self) -> String {
        match self {
            Self::Phase1a { ballot } => format!("1a/{}", ballot.term()),
            Self::Phase1b { ballot, .. } => format!("1b/{}", ballot.term()),
            Self::Phase2a { proposal } => format!("2a/{}", proposal.ballot.term()),
            Self::Phase2b { proposal } => format!("2b/{}", proposal.ballot.term()),
            Self::Refused { ballot, .. } => format!("refused/{}", ballot.term()),
            Self::Decided { value } => format!("decided/{value}"),
            Self::Learned => "learned".to_owned(),
        }
    }
}

/// A record on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The application asked for this value.
    Proposed {
        /// The value.
        m: u64,
    },
    /// The acceptor promised to accept nothing below this ballot.
    Promised {
        /// The ballot.
        ballot: Ballot,
    },
    /// The acceptor accepted this proposal.
    Accepted {
        /// The proposal.
        proposal: Proposal,
    },
    /// The learner knows this value to be chosen.
    Decided {
        /// The value.
        m: u64,
    },
}

impl Record {
    /// The record's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is plain data")
    }
}
