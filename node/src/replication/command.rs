//! A command: what a log holds, a message with its sender's number.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::indication::PrefixHash;

/// The `seq`-th message of a sender. `{"sender":"n1","life":1,"seq":0,"m":17}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Command {
    /// The node that was asked to broadcast it.
    pub sender: NodeId,
    /// The life of the sender in which `seq` counts. A sender that keeps its number on stable storage counts on in its next
    /// life, and says 1 for ever.
    pub life: u32,
    /// From 0.
    pub seq: u64,
    /// The message.
    #[serde(rename = "m")]
    pub message: u64,
}

impl Command {
    /// The hash of a log of which `before` is the hash and this the next entry, made in `term`.
    pub fn hashed(&self, before: PrefixHash, term: u64) -> PrefixHash {
        let sender = u64::from(self.sender.0) << 32 | u64::from(self.life);
        [term, sender, self.seq, self.message].into_iter().fold(before, PrefixHash::and)
    }
}
