//! The scout: phase 1 of a ballot, for all slots at once (van Renesse and Altinbuken 2015, section 2).
//!
//! ```text
//! process Scout(λ, acceptors, b)
//!   ∀α ∈ acceptors: send(α, ⟨p1a, self(), b⟩)
//!   on ⟨p1b, α, b', r⟩:
//!     if b' = b then pvalues := pvalues ∪ r; waitfor := waitfor - {α}
//!       if |waitfor| < |acceptors| / 2 then send(λ, ⟨adopted, b, pvalues⟩); exit()
//!     else send(λ, ⟨preempted, b'⟩); exit()
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::ballot::Ballot;
use super::message::{PValue, Proposal, Slot};
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::Context;

/// A scout, of one ballot.
#[derive(Debug)]
pub struct Scout {
    /// Its ballot.
    pub ballot: Ballot,
    /// pmax: of each slot the pvalue with the highest ballot that was reported.
    pvalues: BTreeMap<Slot, PValue>,
    answered: BTreeSet<NodeId>,
}

impl Scout {
    /// A scout that has heard nothing yet.
    pub fn new(ballot: Ballot) -> Self {
        Self { ballot, pvalues: BTreeMap::new(), answered: BTreeSet::new() }
    }

    /// An acceptor has adopted the ballot, and had accepted this. Says whether a majority has.
    pub fn p1b(&mut self, from: NodeId, accepted: Vec<PValue>, cx: &Context<'_>) -> bool {
        for pvalue in accepted {
            let highest = self.pvalues.entry(pvalue.slot).or_insert(pvalue);
            if highest.ballot < pvalue.ballot {
                *highest = pvalue;
            }
        }
        self.answered.insert(from);
        self.answered.len() > cx.identity.nodes.len() / 2
    }

    /// Whose answer is missing.
    pub fn waitfor(&self, node: NodeId) -> bool {
        !self.answered.contains(&node)
    }

    /// What is to be proposed for each slot from `first` up to `last` or the last of which anything was reported; a no-op
    /// where nothing was.
    pub fn proposals(&self, (first, last): (Slot, Slot), cx: &Context<'_>) -> Vec<(Slot, Proposal)> {
        let last = self.pvalues.keys().next_back().copied().unwrap_or(0).max(last);
        let pmax = |slot: Slot| self.pvalues.get(&slot).filter(|_| !cx.bug(Bug::ScoutIgnoresAccepted));
        let filled = (first..=last).filter(|slot| pmax(*slot).is_some() || !cx.bug(Bug::HoleNotFilled));
        filled.map(|slot| (slot, pmax(slot).and_then(|pvalue| pvalue.command))).collect()
    }
}
