//! The acceptor: it promises, it accepts, and it forgets neither (Lamport 2001, section 2.2).

use super::ballot::Ballot;
use super::message::{Message, Proposal, Record};
use crate::bugs::Bug;
use crate::indication::Indication;
use crate::layer::Context;

/// All that an acceptor has to remember: "the highest-numbered proposal that it has ever accepted and the number of the
/// highest-numbered prepare request to which it has responded".
#[derive(Debug, Default)]
pub struct Acceptor {
    promised: Option<Ballot>,
    accepted: Option<Proposal>,
}

impl Acceptor {
    /// Phase 1 (b), rule P1a: a prepare request below the promise is refused; any other is answered with a promise and the
    /// highest-numbered proposal that was accepted.
    pub fn phase_1b(&mut self, ballot: Ballot, cx: &mut Context<'_>) -> Message {
        if let Some(promised) = self.promised.filter(|promised| ballot < *promised) {
            return Message::Refused { ballot, promised };
        }
        if self.promised != Some(ballot) {
            self.promise(ballot, cx);
            cx.indicate(Indication::Vote { term: ballot.term(), r#for: ballot.node });
        }
        Message::Phase1b { ballot, accepted: self.accepted }
    }

    /// Phase 2 (b): an accept request is accepted "unless it has already responded to a prepare request having a number
    /// greater" than the proposal's.
    pub fn phase_2b(&mut self, proposal: Proposal, cx: &mut Context<'_>) -> Message {
        let ballot = proposal.ballot;
        let above = self.promised.filter(|promised| ballot < *promised && !cx.bug(Bug::AcceptsBelowPromise));
        if let Some(promised) = above {
            return Message::Refused { ballot, promised };
        }
        if self.promised < Some(ballot) {
            self.promise(ballot, cx);
        }
        if self.accepted != Some(proposal) {
            self.accept(proposal, cx);
        }
        Message::Phase2b { proposal }
    }

    /// The highest number that was promised.
    pub fn promised(&self) -> Option<Ballot> {
        self.promised
    }

    /// The highest-numbered proposal that was accepted.
    pub fn accepted(&self) -> Option<Proposal> {
        self.accepted
    }

    /// Takes back a promise that was on stable storage.
    pub fn restore_promise(&mut self, ballot: Ballot) {
        self.promised = self.promised.max(Some(ballot));
    }

    /// Takes back a proposal that was on stable storage. The later record is the one that counts.
    pub fn restore_accepted(&mut self, proposal: Proposal) {
        self.accepted = Some(proposal);
    }

    fn promise(&mut self, ballot: Ballot, cx: &mut Context<'_>) {
        self.promised = Some(ballot);
        if !cx.bug(Bug::PromiseNotPersisted) {
            cx.store(Record::Promised { ballot }.bytes());
        }
        cx.indicate(Indication::Term { term: ballot.term() });
    }

    fn accept(&mut self, proposal: Proposal, cx: &mut Context<'_>) {
        self.accepted = Some(proposal);
        let record = Record::Accepted { proposal }.bytes();
        if cx.bug(Bug::AcceptedBeforeSynced) { cx.store_lazily(record) } else { cx.store(record) }
    }
}
