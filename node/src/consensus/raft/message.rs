//! Raft's messages, figures 2 and 13, and the keys of their frames: each names the step, the term and how far.

use serde::{Deserialize, Serialize};

use super::log::{Entry, Snapshot};
use crate::packet::{Key, Packet, Payload};
use crate::replication::Command;

/// A message. What are remote calls in the paper are pairs here, since links lose and double frames: a call is repeated until
/// it is answered, and an answer says what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message {
    /// A candidate asks for a vote (RequestVote).
    RequestVote(Candidacy),
    /// Its answer.
    Vote { term: u64, granted: bool },
    /// A node asks whether it would get a vote in this term, which nobody has begun (thesis, 9.6).
    RequestPreVote(Candidacy),
    /// Its answer, with the term that the voter is in, and the one that was asked for.
    PreVote { term: u64, asked: u64, granted: bool },
    /// The leader has entries that follow `prev_index`; or none, and shows that it lives, or tells what is committed.
    AppendEntries(Append),
    /// Its answer: success, the follower's log is the leader's up to `matched`.
    Appended { term: u64, matched: u64 },
    /// Its answer: no success, the follower's log has no such entry at `prev_index`; the leader should go on with `next`.
    Rejected { term: u64, prev_index: u64, next: u64 },
    /// The leader has no log left that the follower could go on with.
    InstallSnapshot { term: u64, snapshot: Snapshot },
    /// A node hands a client's command to the leader.
    Propose { command: Command },
}

/// Who asks for a vote shows how far its log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Candidacy {
    pub term: u64,
    pub last_index: u64,
    pub last_term: u64,
}

/// The arguments of AppendEntries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Append {
    pub term: u64,
    pub prev_index: u64,
    pub prev_term: u64,
    pub entries: Vec<Entry>,
    pub leader_commit: u64,
}

impl Append {
    /// The index of the last entry that the receiver's log has in common with the sender's, if it takes this.
    pub fn last_index(&self) -> u64 {
        self.prev_index + self.entries.len() as u64
    }
}

impl Message {
    /// The term that the sender is in. One who asks for a pre-vote is not in the term that it asks for, and clients have none.
    pub fn term(&self) -> Option<u64> {
        match self {
            Self::RequestVote(candidacy) => Some(candidacy.term),
            Self::AppendEntries(append) => Some(append.term),
            Self::Vote { term, .. }
            | Self::PreVote { term, .. }
            | Self::Appended { term, .. }
            | Self::Rejected { term, .. }
            | Self::InstallSnapshot { term, .. } => Some(*term),
            Self::RequestPreVote(_) | Self::Propose { .. } => None,
        }
    }

    /// The frame.
    pub fn packet(&self) -> Packet {
        let key = match self {
            Self::RequestVote(candidacy) => Key::of("request-vote", &[candidacy.term]),
            Self::Vote { term, .. } => Key::of("vote", &[*term]),
            Self::RequestPreVote(candidacy) => Key::of("request-pre-vote", &[candidacy.term]),
            Self::PreVote { asked, .. } => Key::of("pre-vote", &[*asked]),
            Self::AppendEntries(append) => Key::of("append", &[append.term, append.last_index()]),
            Self::Appended { term, matched } => Key::of("appended", &[*term, *matched]),
            Self::Rejected { term, prev_index, .. } => Key::of("rejected", &[*term, *prev_index]),
            Self::InstallSnapshot { term, snapshot } => Key::of("snapshot", &[*term, snapshot.last_index]),
            Self::Propose { command } => Key::new("propose", command.message),
        };
        Packet { key, payload: Payload::encode(self) }
    }
}
