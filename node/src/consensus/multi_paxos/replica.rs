//! The replica: it performs the commands that are decided, slot by slot (van Renesse and Altinbuken 2015, section 2).
//!
//! ```text
//! process Replica(leaders, initial_state)
//!   on ⟨decision, s, c⟩: decisions := decisions ∪ {⟨s, c⟩}
//!     while ∃c': ⟨slot_out, c'⟩ ∈ decisions do perform(c'); slot_out := slot_out + 1
//! ```
//!
//! To perform a command is to deliver its message ([`Deliveries`]), once, however many slots hold it.

use std::collections::BTreeMap;

use super::message::{Proposal, Slot};
use crate::bugs::Bug;
use crate::indication::Indication;
use crate::layer::Context;
use crate::replication::{Command, Deliveries, Requests};

/// So many of the decisions that were performed are kept for others; who has missed more gets a snapshot.
const KEPT: Slot = 256;

/// A replica.
#[derive(Debug)]
pub struct Replica {
    /// The first slot that is not performed.
    pub slot_out: Slot,
    /// The state.
    pub deliveries: Deliveries,
    /// What this node was asked for.
    pub requests: Requests,
    /// What is decided, as far as it is kept.
    decisions: BTreeMap<Slot, Proposal>,
}

impl Default for Replica {
    fn default() -> Self {
        let (deliveries, requests) = (Deliveries::default(), Requests::default());
        Self { slot_out: 1, deliveries, requests, decisions: BTreeMap::new() }
    }
}

impl Replica {
    /// A slot is decided. Invariant R1: no two replicas ever have different decisions for one slot.
    pub fn decide(&mut self, slot: Slot, command: Proposal, cx: &mut Context<'_>) {
        if slot >= self.slot_out {
            self.decisions.insert(slot, command);
        }
        if cx.bug(Bug::HoleSkipped) && slot > self.slot_out + 2 {
            self.slot_out = self.decisions.range(self.slot_out..).next().map_or(slot, |(first, _)| *first);
        }
        while let Some(command) = self.decisions.get(&self.slot_out).copied() {
            self.slot_out += 1;
            self.perform(command, cx);
        }
        self.decisions = self.decisions.split_off(&self.slot_out.saturating_sub(KEPT));
    }

    /// The state of another replica is further than this one's: it takes it over. Says whether it is.
    pub fn install(&mut self, slot: Slot, deliveries: Deliveries, cx: &mut Context<'_>) -> bool {
        let further = slot > self.slot_out;
        if further {
            self.restore(slot, deliveries);
            self.tell_installed(cx);
            let open: Vec<Command> = self.requests.open(cx.me(), 1).collect();
            let done = open.iter().filter(|command| self.deliveries.delivered(command));
            done.for_each(|command| self.requests.delivered(command, cx));
        }
        further
    }

    /// Takes a state over, from stable storage or from another replica.
    pub fn restore(&mut self, slot: Slot, deliveries: Deliveries) {
        self.slot_out = slot;
        self.deliveries = deliveries;
        self.decisions = self.decisions.split_off(&slot);
    }

    /// Tells an observer that what was delivered so far is not reported one by one.
    pub fn tell_installed(&self, cx: &mut Context<'_>) {
        if self.deliveries.position() > 0 {
            let (through, hash) = (self.deliveries.position(), self.deliveries.hash());
            cx.indicate(Indication::Installed { through, hash });
        }
    }

    /// Whether a slot is known to be decided.
    pub fn knows(&self, slot: Slot) -> bool {
        slot < self.slot_out || self.decisions.contains_key(&slot)
    }

    /// The last slot that is known to be decided.
    pub fn last(&self) -> Slot {
        self.decisions.keys().next_back().copied().unwrap_or(0).max(self.slot_out - 1)
    }

    /// Whether the command is known to be decided, for whatever slot.
    pub fn holds(&self, command: &Command) -> bool {
        let ahead = self.decisions.range(self.slot_out..).any(|(_, decided)| decided.as_ref() == Some(command));
        ahead || self.deliveries.holds(command)
    }

    /// The decisions from this slot on, at most `count`, that were performed; `None` where they are no longer kept.
    pub fn decisions_from(&self, slot: Slot, count: usize) -> Option<Vec<Proposal>> {
        let kept = self.decisions.contains_key(&slot);
        kept.then(|| self.decisions.range(slot..self.slot_out).take(count).map(|(_, command)| *command).collect())
    }

    fn perform(&mut self, command: Proposal, cx: &mut Context<'_>) {
        for delivery in command.map_or(Vec::new(), |command| self.deliveries.apply(&command)) {
            cx.deliver_at(delivery.position, delivery.command.message);
            if delivery.command.sender == cx.me() {
                self.requests.delivered(&delivery.command, cx);
            }
        }
    }
}
