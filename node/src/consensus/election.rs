//! Leader election with terms: at most one leader in each, as long as nodes remember for whom they voted.
//!
//! A node that hears nothing from a leader for a while suspects that it crashed, begins the next term and asks for votes. It
//! leads once a quorum has voted for it. A node votes once a term, and two quorums have a node in common, so no two nodes lead
//! the same term. Two leaders of *different* terms are possible at one time: the old one may not have heard of the new one yet.
//! There is no log here, so there is nothing that such a leader could do wrong. (Kleppmann, lectures, "Consensus": leader
//! election; Ongaro and Ousterhout 2014, section 5.2, has the details.)
//!
//! ```text
//! on initialisation or recovery do
//!     (term, vote) := what is stored, or (0, none)
//! on hearing no leader and no candidate for an election time-out at node Ni do
//!     term := term + 1; vote := i; votes := {i}; store (term, vote)
//!     send request-vote(term) to the others
//! on receiving request-vote(t) from Nj do
//!     if t > term then term := t; vote := none; follow nobody; store (term, vote)
//!     if t = term and vote ∈ {none, j} then vote := j; store (term, vote); send vote(term, granted) to Nj
//!     else send vote(term, refused) to Nj
//! on receiving vote(term, granted) from Nj as a candidate do
//!     votes := votes ∪ {j}; if |votes| > n/2 then lead the term
//! periodically, as the leader do
//!     send heartbeat(term) to the others
//! on receiving heartbeat(t) from Nj do
//!     if t ≥ term then follow Nj in term t
//!     send heard(term) to Nj       // an old leader learns that it is one
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bugs::Bug;
use crate::choice;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::{Key, Packet, Payload};

/// No node suspects its leader before so long a silence, ns.
pub const ELECTION_MIN_NS: Nanos = 150_000_000;
/// And every node suspects it after so much more at most, ns.
pub const ELECTION_SPREAD_NS: Nanos = 150_000_000;
/// The pause between two heartbeats, ns.
pub const HEARTBEAT_NS: Nanos = 50_000_000;

/// The timer by which a node suspects its leader, or gives up its candidacy.
const ELECTION: u32 = 0;
/// The timer of heartbeats, and of votes that are asked for again.
const HEARTBEAT: u32 = 1;
/// What the random time-outs are drawn for.
const TIME_OUT: u64 = 0x656c_6563_7469_6f6e;

/// Leader election.
#[derive(Debug, Default)]
pub struct Election {
    stable: Stable,
    role: Role,
}

/// What outlives a crash: one record each time that it changes, of which the last counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stable {
    term: u64,
    vote: Option<NodeId>,
}

/// What a node is in its term.
#[derive(Debug)]
enum Role {
    /// It follows this leader, if it has heard of one.
    Follower(Option<NodeId>),
    /// It has these votes.
    Candidate(BTreeSet<NodeId>),
    Leader,
}

impl Default for Role {
    fn default() -> Self {
        Self::Follower(None)
    }
}

/// The messages of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    RequestVote { term: u64 },
    Vote { term: u64, granted: bool },
    Heartbeat { term: u64 },
    Heard { term: u64 },
}

impl Message {
    fn term(self) -> u64 {
        match self {
            Self::RequestVote { term } | Self::Vote { term, .. } | Self::Heartbeat { term } | Self::Heard { term } => {
                term
            }
        }
    }

    fn packet(self) -> Packet {
        let step = match self {
            Self::RequestVote { .. } => "request-vote",
            Self::Vote { .. } => "vote",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Heard { .. } => "heard",
        };
        Packet { key: Key::of(step, &[self.term()]), payload: Payload::encode(&self) }
    }
}

impl Layer for Election {
    fn answers_later(&self) -> bool {
        true
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        match records.last().map(|record| serde_json::from_slice(record)) {
            Some(Ok(stable)) => self.stable = stable,
            Some(Err(error)) => cx.complain(format!("a stored record can't be read: {error}")),
            None => {}
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.await_leader(cx);
    }

    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        match packet.payload.read() {
            Ok(message) => cx.refuse(message, "election elects leaders, and broadcasts nothing"),
            Err(error) => cx.complain(format!("the application asked for what is no message: {error}")),
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(message) = cx.read::<Message>(from, &packet) else { return };
        self.enter(message.term(), cx);
        let current = message.term() == self.stable.term;
        match message {
            Message::RequestVote { .. } => self.vote(from, current, cx),
            Message::Vote { granted, .. } if current && granted => self.voted(from, cx),
            Message::Heartbeat { .. } => self.heard_leader(from, current, cx),
            Message::Vote { .. } | Message::Heard { .. } => {}
        }
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match (timer, &self.role) {
            (ELECTION, Role::Follower(_) | Role::Candidate(_)) => self.stand(cx),
            (HEARTBEAT, Role::Candidate(_)) => self.ask(cx),
            (HEARTBEAT, Role::Leader) => self.beat(cx),
            _ => {}
        }
    }
}

impl Election {
    /// A node that sees a later term enters it, and is no leader or candidate any more.
    fn enter(&mut self, term: u64, cx: &mut Context<'_>) {
        if term > self.stable.term {
            self.stable = Stable { term, vote: None };
            self.store(cx);
            cx.indicate(Indication::Term { term });
            self.role = Role::Follower(None);
            self.await_leader(cx);
        }
    }

    /// Nobody leads, as far as this node can know: it begins the next term, and votes for itself.
    fn stand(&mut self, cx: &mut Context<'_>) {
        self.stable = Stable { term: self.stable.term + 1, vote: Some(cx.me()) };
        self.store(cx);
        cx.indicate(Indication::Term { term: self.stable.term });
        cx.indicate(Indication::Vote { term: self.stable.term, r#for: cx.me() });
        self.role = Role::Candidate(BTreeSet::new());
        self.await_leader(cx);
        self.ask(cx);
        self.voted(cx.me(), cx);
    }

    /// The candidate asks for the votes that it has not got.
    fn ask(&mut self, cx: &mut Context<'_>) {
        let Role::Candidate(votes) = &self.role else { return };
        let request = Message::RequestVote { term: self.stable.term }.packet();
        let silent = cx.others().filter(|node| !votes.contains(node));
        silent.for_each(|node| cx.send(To::One(node), request.clone()));
        cx.timer(HEARTBEAT, HEARTBEAT_NS);
    }

    /// A node votes once a term.
    fn vote(&mut self, candidate: NodeId, current: bool, cx: &mut Context<'_>) {
        let free = self.stable.vote.is_none() || cx.bug(Bug::ElectsTwice);
        if current && free && self.stable.vote != Some(candidate) {
            self.stable.vote = Some(candidate);
            self.store(cx);
            cx.indicate(Indication::Vote { term: self.stable.term, r#for: candidate });
            self.await_leader(cx);
        }
        let granted = current && self.stable.vote == Some(candidate);
        cx.send(To::One(candidate), Message::Vote { term: self.stable.term, granted }.packet());
    }

    /// With the votes of a quorum the candidate leads its term.
    fn voted(&mut self, voter: NodeId, cx: &mut Context<'_>) {
        let Role::Candidate(votes) = &mut self.role else { return };
        votes.insert(voter);
        if votes.len() > cx.identity.nodes.len() / 2 {
            self.role = Role::Leader;
            cx.indicate(Indication::Leader { term: self.stable.term });
            self.beat(cx);
        }
    }

    /// The leader shows that it lives.
    fn beat(&mut self, cx: &mut Context<'_>) {
        cx.send(To::Others, Message::Heartbeat { term: self.stable.term }.packet());
        cx.timer(HEARTBEAT, HEARTBEAT_NS);
    }

    /// A leader of this term is followed; one of an earlier term is told of the later one.
    fn heard_leader(&mut self, leader: NodeId, current: bool, cx: &mut Context<'_>) {
        if current && !matches!(self.role, Role::Leader) {
            if !matches!(self.role, Role::Follower(Some(_))) {
                cx.indicate(Indication::Follows { term: self.stable.term, leader });
            }
            self.role = Role::Follower(Some(leader));
            self.await_leader(cx);
        }
        cx.send(To::One(leader), Message::Heard { term: self.stable.term }.packet());
    }

    /// From now on a silence of one election time-out means that there is no leader. The time-outs are random, so that one node
    /// stands before the others do.
    fn await_leader(&self, cx: &mut Context<'_>) {
        let spread = choice::number_below(cx.identity, TIME_OUT, &[self.stable.term], ELECTION_SPREAD_NS);
        cx.timer(ELECTION, ELECTION_MIN_NS + spread);
    }

    fn store(&self, cx: &mut Context<'_>) {
        if cx.bug(Bug::ElectionForgets) {
            return;
        }
        cx.store(serde_json::to_vec(&self.stable).expect("a term and a vote are plain data"));
    }
}
