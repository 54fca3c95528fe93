//! A ballot: the number of a leader's reign.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// "Ballot numbers are lexicographically ordered pairs of an integer and its leader identifier" (van Renesse and Altinbuken 2015): every leader has its own, without end. `{"round":2,"node":"n1"}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ballot {
    /// From 1. A leader that was preempted goes on in a round above.
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
