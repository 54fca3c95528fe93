//! The leader: it has its ballot adopted by a majority, and then proposes for as many slots as it likes (van Renesse and
//! Altinbuken 2015, section 2).
//!
//! ```text
//! process Leader(acceptors, replicas)
//!   on ⟨propose, s, c⟩: if ∄c': ⟨s, c'⟩ ∈ proposals then proposals := proposals ∪ {⟨s, c⟩}
//!                       if active then spawn(Commander(self(), acceptors, replicas, ⟨ballot_num, s, c⟩))
//!   on ⟨adopted, ballot_num, pvals⟩: proposals := proposals ⊲ pmax(pvals)
//!                       ∀⟨s, c⟩ ∈ proposals: spawn(Commander(self(), acceptors, replicas, ⟨ballot_num, s, c⟩)); active := true
//!   on ⟨preempted, ⟨r', λ'⟩⟩: if ⟨r', λ'⟩ > ballot_num then active := false; ballot_num := ⟨r' + 1, self()⟩
//!                       // and a scout once λ' is suspected to have failed (section 3)
//! ```
//!
//! A slot is chosen by the active leader alone (section 4, colocation: replicas, leaders and acceptors are in one process, and a
//! passive leader passes proposals on to the active one). So only it has proposals, and they are what its commanders are about.

use std::collections::BTreeMap;

use super::ballot::Ballot;
use super::commander::Commander;
use super::message::{PValue, Proposal, Slot};
use super::scout::Scout;
use crate::bugs::Bug;
use crate::layer::Context;
use crate::replication::Command;

/// A leader.
#[derive(Debug, Default)]
pub struct Leader {
    /// What it is doing.
    pub role: Role,
    /// The highest round that it has been told of.
    seen: u64,
}

/// What a leader is doing.
#[derive(Debug, Default)]
pub enum Role {
    /// Watching whoever is active.
    #[default]
    Passive,
    /// Having its ballot adopted.
    Scouting(Scout),
    /// Proposing.
    Active(Reign),
}

/// The time in which a leader is active.
#[derive(Debug)]
pub struct Reign {
    /// Its ballot, which a majority has adopted.
    pub ballot: Ballot,
    /// The next slot for which nothing was proposed.
    pub slot_in: Slot,
    /// Who is at work on each slot that is not decided.
    pub commanders: BTreeMap<Slot, Commander>,
}

impl Leader {
    /// A ballot above all that this leader may have used. Its own acceptor has adopted each of those, durably, before anybody
    /// else heard of it: so no ballot is used in two lives.
    pub fn next_ballot(&mut self, adopted: Option<Ballot>, cx: &Context<'_>) -> Ballot {
        let adopted = adopted.filter(|_| !cx.bug(Bug::BallotReused)).map_or(0, |ballot| ballot.round);
        self.seen = 1 + self.seen.max(adopted);
        Ballot { round: self.seen, node: cx.me() }
    }

    /// The ballot that it is working with.
    pub fn ballot(&self) -> Option<Ballot> {
        match &self.role {
            Role::Passive => None,
            Role::Scouting(scout) => Some(scout.ballot),
            Role::Active(reign) => Some(reign.ballot),
        }
    }

    /// The scout of this ballot, if it is at work.
    pub fn scout(&mut self, ballot: Ballot) -> Option<&mut Scout> {
        match &mut self.role {
            Role::Scouting(scout) if scout.ballot == ballot => Some(scout),
            _ => None,
        }
    }

    /// The reign, while it is active.
    pub fn reign(&mut self) -> Option<&mut Reign> {
        match &mut self.role {
            Role::Active(reign) => Some(reign),
            _ => None,
        }
    }

    /// Somebody has a higher ballot: this leader is passive. Says whether it was not.
    pub fn preempted(&mut self, by: Ballot) -> bool {
        self.seen = self.seen.max(by.round);
        let preempted = self.ballot().is_some_and(|ballot| ballot < by);
        if preempted {
            self.role = Role::Passive;
        }
        preempted
    }
}

impl Reign {
    /// Gets a commander to work.
    pub fn spawn(&mut self, slot: Slot, command: Proposal) -> PValue {
        let pvalue = PValue { ballot: self.ballot, slot, command };
        self.slot_in = self.slot_in.max(slot + 1);
        self.commanders.insert(slot, Commander::new(pvalue));
        pvalue
    }

    /// Whether a commander is at work for this command.
    pub fn proposes(&self, command: &Command) -> bool {
        self.commanders.values().any(|commander| commander.pvalue.command.as_ref() == Some(command))
    }
}
