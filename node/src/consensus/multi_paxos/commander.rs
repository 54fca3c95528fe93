//! The commander: phase 2 of a ballot, for one slot (van Renesse and Altinbuken 2015, section 2).
//!
//! ```text
//! process Commander(λ, acceptors, replicas, ⟨b, s, c⟩)
//!   ∀α ∈ acceptors: send(α, ⟨p2a, self(), ⟨b, s, c⟩⟩)
//!   on ⟨p2b, α, b'⟩:
//!     if b' = b then waitfor := waitfor - {α}
//!       if |waitfor| < |acceptors| / 2 then ∀ρ ∈ replicas: send(ρ, ⟨decision, s, c⟩); exit()
//!     else send(λ, ⟨preempted, b'⟩); exit()
//! ```

use std::collections::BTreeSet;

use super::message::PValue;
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::Context;

/// A commander, of one ballot and slot.
#[derive(Debug)]
pub struct Commander {
    /// What it has asked the acceptors to accept.
    pub pvalue: PValue,
    accepted: BTreeSet<NodeId>,
}

impl Commander {
    /// A commander that has heard nothing yet.
    pub fn new(pvalue: PValue) -> Self {
        Self { pvalue, accepted: BTreeSet::new() }
    }

    /// An acceptor has accepted the pvalue. Says whether a majority has.
    pub fn p2b(&mut self, from: NodeId, cx: &Context<'_>) -> bool {
        self.accepted.insert(from);
        let again = usize::from(cx.bug(Bug::CommanderCountsTwice));
        self.accepted.len() + again > cx.identity.nodes.len() / 2
    }

    /// Whose answer is missing.
    pub fn waitfor(&self, node: NodeId) -> bool {
        !self.accepted.contains(&node)
    }
}
