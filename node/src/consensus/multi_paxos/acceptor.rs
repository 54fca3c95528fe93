//! The acceptor: the fault-tolerant memory of Paxos (van Renesse and Altinbuken 2015, section 2).
//!
//! ```text
//! process Acceptor()
//!   switch receive()
//!     case ⟨p1a, λ, b⟩: if b > ballot_num then ballot_num := b; send(λ, ⟨p1b, self(), ballot_num, accepted⟩)
//!     case ⟨p2a, λ, ⟨b, s, c⟩⟩: if b = ballot_num then accepted := accepted ∪ {⟨b, s, c⟩}
//!                               send(λ, ⟨p2b, self(), ballot_num⟩)
//! ```
//!
//! A higher ballot is adopted by a p2a too, since its p1a may have been lost. Of each slot the pvalue with the highest ballot
//! alone is kept (state reduction). What its own replica has performed is collected (garbage collection): such a slot is decided,
//! and every higher ballot proposes the same for it.

use std::collections::BTreeMap;

use super::ballot::Ballot;
use super::message::{Message, PValue, Record, Slot};
use crate::indication::Indication;
use crate::layer::Context;

/// What an acceptor has to remember.
#[derive(Debug, Default)]
pub struct Acceptor {
    ballot_num: Option<Ballot>,
    accepted: BTreeMap<Slot, PValue>,
    /// Below this slot all is decided, and forgotten here.
    collected: Slot,
}

impl Acceptor {
    /// A scout asks: the ballot is adopted unless it is too low. Invariant A1: ballot numbers only rise.
    pub fn p1a(&mut self, ballot: Ballot, slot: Slot, cx: &mut Context<'_>) -> Message {
        if self.adopt(ballot, cx) {
            cx.indicate(Indication::Vote { term: ballot.term(), r#for: ballot.node });
        }
        let accepted = self.accepted.range(slot..).map(|(_, pvalue)| *pvalue).collect();
        let ballot_num = self.ballot_num.expect("a ballot was adopted just now, or before");
        Message::P1b { ballot, ballot_num, collected: self.collected, accepted }
    }

    /// A commander asks: the pvalue is accepted unless its ballot is too low. Invariant A2.
    pub fn p2a(&mut self, pvalue: PValue, cx: &mut Context<'_>) -> Message {
        self.adopt(pvalue.ballot, cx);
        let known = self.accepted.get(&pvalue.slot) == Some(&pvalue) || pvalue.slot < self.collected;
        if self.ballot_num == Some(pvalue.ballot) && !known {
            self.accepted.insert(pvalue.slot, pvalue);
            cx.store(Record::Accepted { pvalue }.bytes());
        }
        let ballot_num = self.ballot_num.expect("a ballot was adopted just now, or before");
        Message::P2b { ballot: pvalue.ballot, slot: pvalue.slot, ballot_num }
    }

    /// Forgets what was accepted below this slot, where all is decided and performed.
    pub fn collect(&mut self, slot: Slot) {
        self.collected = slot;
        self.accepted = self.accepted.split_off(&slot);
    }

    /// The highest ballot that it has adopted.
    pub fn ballot_num(&self) -> Option<Ballot> {
        self.ballot_num
    }

    /// Below this slot all is forgotten.
    pub fn collected(&self) -> Slot {
        self.collected
    }

    /// Takes back a ballot that was on stable storage.
    pub fn restore_adopted(&mut self, ballot: Ballot) {
        self.ballot_num = self.ballot_num.max(Some(ballot));
    }

    /// Takes back a pvalue that was on stable storage.
    pub fn restore_accepted(&mut self, pvalue: PValue) {
        self.restore_adopted(pvalue.ballot);
        self.accepted.insert(pvalue.slot, pvalue);
    }

    /// All that has to be on stable storage of it.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let adopted = self.ballot_num.iter().map(|ballot| Record::Adopted { ballot: *ballot });
        adopted.chain(self.accepted.values().map(|pvalue| Record::Accepted { pvalue: *pvalue }))
    }

    /// Whether the ballot is new, and not too low.
    fn adopt(&mut self, ballot: Ballot, cx: &mut Context<'_>) -> bool {
        let higher = self.ballot_num < Some(ballot);
        if higher {
            self.ballot_num = Some(ballot);
            cx.store(Record::Adopted { ballot }.bytes());
            cx.indicate(Indication::Term { term: ballot.term() });
        }
        higher
    }
}
