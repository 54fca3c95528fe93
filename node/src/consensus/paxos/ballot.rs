//! A ballot: the number of a proposal.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// "Different proposals have different numbers" (Lamport 2001, section 2.2): rounds are compared first, and each node has its
/// own numbers of a round. `{"round":2,"node":"n1"}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ballot {
    /// From 1. A proposer that gives way to a higher ballot goes on in a round above it.
    pub round: u64,
    /// Whose ballot it is.
    pub node: NodeId,
}

impl Ballot {
    /// The ballot as one number, in the same order, for observers: 2001 is round 2 of n1.
    pub fn term(self) -> u64 {
        assert!(self.node.0 < 1000, "a term has three digits for the node");
        self.round * 1000 + u64::from(self.node.0)
    }
}
