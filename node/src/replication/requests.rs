//! A node's own requests, from the moment at which it takes them until they are delivered here.
//!
//! ```text
//! on request to broadcast m at node Ni do
//!     store (seq, m)                      // where the sender's number outlives a crash
//!     open := open ∪ {(i, seq, m)}; seq := seq + 1
//! on delivery of (i, seq, m) at Ni do
//!     open := open - {(i, seq, m)}; answer the client
//! ```
//!
//! What is open is proposed again and again, by whatever means the algorithm has, until it is delivered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Command;
use crate::id::NodeId;
use crate::layer::Context;

/// Requests that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    seq: u64,
    open: BTreeMap<u64, u64>,
}

/// What has to be on stable storage of a request, or of requests that are done: `{"seq":3,"m":17}`, `{"seq":4}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    seq: u64,
    /// Absent where only the number matters: the next request has this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<u64>,
}

impl Requests {
    /// Takes a request. The caller sees to its place on stable storage, if it has one, and says when it is taken.
    pub fn take(&mut self, message: u64) -> Request {
        let request = Request { seq: self.seq, m: Some(message) };
        self.restore(request);
        request
    }

    /// Takes back a request that was on stable storage.
    pub fn restore(&mut self, request: Request) {
        match request.m {
            Some(message) => {
                self.seq = self.seq.max(request.seq + 1);
                self.open.insert(request.seq, message);
            }
            None => self.seq = self.seq.max(request.seq),
        }
    }

    /// What is open, in the sender's order, as commands of `life` of a node.
    pub fn open(&self, sender: NodeId, life: u32) -> impl DoubleEndedIterator<Item = Command> + '_ {
        self.open.iter().map(move |(seq, message)| Command { sender, life, seq: *seq, message: *message })
    }

    /// A command of this node was delivered here: whoever asked for it is answered.
    pub fn delivered(&mut self, command: &Command, cx: &mut Context<'_>) {
        if self.open.remove(&command.seq).is_some() {
            cx.done(command.message);
        }
    }

    /// All that has to be on stable storage of it, where a log is compacted.
    pub fn records(&self) -> impl Iterator<Item = Request> + '_ {
        let open = self.open.iter().map(|(seq, message)| Request { seq: *seq, m: Some(*message) });
        open.chain([Request { seq: self.seq, m: None }])
    }
}
