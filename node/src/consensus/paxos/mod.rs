//! Paxos: several nodes agree on a single value. Any node proposes, and all that are up decide the same.
//!
//! Each node is proposer, acceptor and learner. A request to broadcast is a proposal; the decision is delivered at position 1
//! of the log, and whoever had proposed is answered then, whichever value it is. (Lamport 2001, "Paxos Made Simple", section 2.)
//!
//! ```text
//! Phase 1. (a) A proposer selects a proposal number n and sends a prepare request with number n to the acceptors.   [1a]
//!          (b) If an acceptor receives a prepare request with number n greater than that of any prepare request to
//!              which it has already responded, then it responds with a promise not to accept any more proposals
//!              numbered less than n and with the highest-numbered proposal (if any) that it has accepted.           [1b]
//! Phase 2. (a) If the proposer receives a response to its prepare requests from a majority of acceptors, then it
//!              sends an accept request for a proposal numbered n with a value v, where v is the value of the
//!              highest-numbered proposal among the responses, or is any value if they reported none.                [2a]
//!          (b) If an acceptor receives an accept request for a proposal numbered n, it accepts the proposal unless
//!              it has already responded to a prepare request having a number greater than n.                        [2b]
//! Learning:    acceptors tell all learners what they accept; a value that a majority accepted in one ballot is chosen.
//! ```
//!
//! Liveness is by time-outs. What is not answered is asked again under the same number. A proposer that is refused waits for
//! longer and longer before it tries a higher one, so that in the end one is alone. An acceptor that has accepted something
//! and hears of no decision proposes it itself, since its proposer may be dead, and whoever had learned too. Who knows the
//! decision tells it until all have acknowledged, and instead of any answer to a request of phase 1 or 2.

mod acceptor;
mod ballot;
mod learner;
mod message;
mod proposer;

use acceptor::Acceptor;
use ballot::Ballot;
use learner::Learner;
use message::{Message, Proposal, Record};
use proposer::{Promise, Proposer};

use crate::choice;
use crate::id::NodeId;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::Packet;

/// A request is sent again after this time and up to as much more, ns.
const RETRY_NS: Nanos = 50_000_000;
/// A node that accepted a proposal of another takes over after this time and up to as much more, ns.
const TAKE_OVER_NS: Nanos = 200_000_000;
/// A proposer that gives way for the first time waits up to this time, ns; twice as long at each of the next times.
const BACK_OFF_NS: Nanos = 40_000_000;
/// How often the time to wait is doubled, for the decision's announcements too.
const DOUBLINGS: u32 = 3;

/// The proposer's timer.
const PROPOSE: u32 = 1;
/// The learner's timer.
const ANNOUNCE: u32 = 2;

/// Purposes of random choices.
const RETRY_PURPOSE: u64 = 0x5041_5831;
const TAKE_OVER_PURPOSE: u64 = 0x5041_5832;
const BACK_OFF_PURPOSE: u64 = 0x5041_5833;

/// Single-value consensus.
#[derive(Debug, Default)]
pub struct Paxos {
    acceptor: Acceptor,
    proposer: Proposer,
    learner: Learner,
    /// What the application asked for and has no answer to, the oldest first.
    proposals: Vec<u64>,
    /// How often this proposer gave way, asked again, and told the decision again.
    refusals: u32,
    retries: u64,
    announcements: u32,
}

impl Layer for Paxos {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let Some(m) = cx.read(cx.me(), &packet) else { return };
        self.proposals.push(m);
        if self.learner.decided().is_none() {
            cx.store(Record::Proposed { m }.bytes());
        }
        cx.taken(m);
        if self.learner.decided().is_some() {
            self.answer_all(cx);
        } else if self.proposer.is_idle() {
            self.propose(cx);
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        if let Some(message) = cx.read(from, &packet) {
            self.handle(from, message, cx);
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        if let Some(value) = self.learner.decided() {
            cx.deliver_at(1, value);
            self.answer_all(cx);
            self.announce(cx);
        } else if !self.proposals.is_empty() {
            self.propose(cx);
        } else if self.acceptor.accepted().is_some() {
            self.watch(cx);
        }
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match timer {
            ANNOUNCE => self.announce(cx),
            _ if self.learner.decided().is_some() => {}
            _ => match self.proposer.asking() {
                Some(request) => self.ask_again(request, cx),
                None => self.propose(cx),
            },
        }
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for record in records {
            match serde_json::from_slice(record) {
                Ok(Record::Proposed { m }) => self.proposals.push(m),
                Ok(Record::Promised { ballot }) => self.acceptor.restore_promise(ballot),
                Ok(Record::Accepted { proposal }) => self.acceptor.restore_accepted(proposal),
                Ok(Record::Decided { m }) => self.learner.decide(m),
                Err(error) => cx.complain(format!("a record that can't be read: {error}")),
            }
        }
    }

    fn answers_later(&self) -> bool {
        true
    }
}

impl Paxos {
    /// A message from another node, or from this one to itself.
    fn handle(&mut self, from: NodeId, message: Message, cx: &mut Context<'_>) {
        match (message, self.learner.decided()) {
            (Message::Decided { value }, known) => {
                self.learner.inform(from);
                if known.is_none() {
                    self.decide(value, cx);
                }
                self.send(from, Message::Learned, cx);
            }
            (Message::Learned, _) => self.learner.inform(from),
            (Message::Phase1a { .. } | Message::Phase2a { .. }, Some(value)) => {
                self.send(from, Message::Decided { value }, cx);
            }
            (_, Some(_)) => {}
            (Message::Phase1a { ballot }, None) => {
                let answer = self.acceptor.phase_1b(ballot, cx);
                self.send(from, answer, cx);
            }
            (Message::Phase1b { ballot, accepted }, None) => {
                self.promised(Promise { acceptor: from, ballot, accepted }, cx)
            }
            (Message::Phase2a { proposal }, None) => self.accept(from, proposal, cx),
            (Message::Phase2b { proposal }, None) => {
                if let Some(value) = self.learner.count(from, proposal, cx) {
                    self.decide(value, cx);
                }
            }
            (Message::Refused { ballot, promised }, None) => {
                if self.proposer.give_way(ballot, promised) {
                    self.back_off(cx);
                }
            }
        }
    }

    /// Begins a ballot, if there is a value to propose.
    fn propose(&mut self, cx: &mut Context<'_>) {
        if self.value().is_some() {
            let prepare = self.proposer.phase_1a(&self.acceptor, cx);
            self.retry_later(cx);
            self.send_all(prepare, cx);
        }
    }

    /// What this node proposes where it is free to: what its application asked for first, or what it has accepted.
    fn value(&self) -> Option<u64> {
        self.proposals.first().copied().or(self.acceptor.accepted().map(|proposal| proposal.value))
    }

    fn promised(&mut self, promise: Promise, cx: &mut Context<'_>) {
        let own = self.value().expect("who began a ballot has a value");
        if let Some(request) = self.proposer.phase_2a(promise, own, cx) {
            self.send_all(request, cx);
        }
    }

    /// An accept request: the answer goes to all learners, or to the proposer if it is refused.
    fn accept(&mut self, from: NodeId, proposal: Proposal, cx: &mut Context<'_>) {
        let answer = self.acceptor.phase_2b(proposal, cx);
        if self.proposer.is_idle() {
            self.watch(cx);
        }
        match answer {
            Message::Phase2b { .. } => self.send_all(answer, cx),
            _ => self.send(from, answer, cx),
        }
    }

    /// The value is chosen. It is delivered, and told to everybody.
    fn decide(&mut self, value: u64, cx: &mut Context<'_>) {
        self.learner.decide(value);
        cx.store(Record::Decided { m: value }.bytes());
        cx.deliver_at(1, value);
        self.answer_all(cx);
        self.announce(cx);
    }

    /// Whoever had proposed is answered: what was not chosen never will be.
    fn answer_all(&mut self, cx: &mut Context<'_>) {
        let Some(chosen) = self.learner.decided() else { return };
        for proposed in self.proposals.drain(..) {
            if proposed == chosen {
                cx.done(proposed);
            } else {
                cx.refuse(proposed, format!("{chosen} was chosen"));
            }
        }
    }

    /// Tells the decision to those who are not known to have it, less and less often.
    fn announce(&mut self, cx: &mut Context<'_>) {
        let (Some(value), uninformed) = (self.learner.decided(), self.learner.uninformed(cx)) else { return };
        uninformed.iter().for_each(|node| self.send(*node, Message::Decided { value }, cx));
        if !uninformed.is_empty() {
            cx.timer(ANNOUNCE, RETRY_NS << self.announcements.min(DOUBLINGS));
            self.announcements += 1;
        }
    }

    fn ask_again(&mut self, request: Message, cx: &mut Context<'_>) {
        cx.send(To::Others, request.packet());
        self.retry_later(cx);
    }

    fn retry_later(&mut self, cx: &mut Context<'_>) {
        self.retries += 1;
        let more = choice::number_below(cx.identity, RETRY_PURPOSE, &[self.retries], RETRY_NS);
        cx.timer(PROPOSE, RETRY_NS + more);
    }

    /// Waits until a proposer has had the time to finish.
    fn watch(&mut self, cx: &mut Context<'_>) {
        let subject = self.acceptor.promised().map_or(0, Ballot::term);
        let more = choice::number_below(cx.identity, TAKE_OVER_PURPOSE, &[subject], TAKE_OVER_NS);
        cx.timer(PROPOSE, TAKE_OVER_NS + more);
    }

    /// Waits before the next ballot, so that of several proposers one is alone for long enough.
    fn back_off(&mut self, cx: &mut Context<'_>) {
        let most = BACK_OFF_NS << self.refusals.min(DOUBLINGS);
        self.refusals += 1;
        let wait = choice::number_below(cx.identity, BACK_OFF_PURPOSE, &[u64::from(self.refusals)], most);
        cx.timer(PROPOSE, wait);
    }

    /// To everybody, this node included.
    fn send_all(&mut self, message: Message, cx: &mut Context<'_>) {
        cx.send(To::Others, message.packet());
        self.handle(cx.me(), message, cx);
    }

    fn send(&mut self, to: NodeId, message: Message, cx: &mut Context<'_>) {
        if to == cx.me() {
            self.handle(to, message, cx);
        } else {
            cx.send(To::One(to), message.packet());
        }
    }
}

/// How many acceptors any other majority shares one with.
fn majority(cx: &Context<'_>) -> usize {
    cx.identity.nodes.len() / 2 + 1
}
