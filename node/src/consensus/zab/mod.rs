//! Zab: a primary's transactions are delivered in the order in which it made them, and those of earlier primaries before.
//! (Junqueira, Reed and Serafini 2011, "Zab: High-performance broadcast for primary-backup systems". The names are the paper's.)
//!
//! ```text
//! f.p = acceptedEpoch, f.a = currentEpoch, h = history: on stable storage. Q is a quorum of followers, the leader among them.
//! phase 1, discovery
//!     f: send CEPOCH(f.p) to the leader
//!     l: on CEPOCH of Q: e' := larger than all of them; send NEWEPOCH(e') to Q
//!     f: on NEWEPOCH(e'): if e' > f.p then f.p := e'; send ACK-E(f.a, h)
//!     l: on ACK-E of Q: I := the history of the largest (f.a, last zxid)
//! phase 2, synchronisation
//!     l: send NEWLEADER(e', I) to Q
//!     f: on NEWLEADER(e', I): if f.p ≠ e' then start over; else at once f.a := e' and h := I; send ACK-LD
//!     l: on ACK-LD of Q: send COMMIT-LD to all of them; deliver I
//!     f: on COMMIT-LD: deliver I
//! phase 3, broadcast
//!     l: on an operation v: z := (e', counter + 1); send PROPOSE(e', <v, z>) to Q
//!     f: on PROPOSE(e', <v, z>), all before z being in h: append <v, z> to h; send ACK
//!     l: on ACK of a quorum: send COMMIT(e', <v, z>)
//!     f: on COMMIT(e', <v, z>): deliver all up to z
//!     l: on CEPOCH of another f: NEWEPOCH(e') and NEWLEADER(e', h) to it; on its ACK-LD: COMMIT-LD, and Q := Q ∪ {f}
//! ```
//!
//! The paper has FIFO channels that lose nothing, and a leader oracle. Here links lose and reorder: a follower repeats what its
//! phase has it say until the next step is there, the leader answers each time and repeats its proposals, and a transaction that
//! comes before one between is kept back. An epoch is accepted again from the leader from which it was accepted: it is stored with
//! the epoch. The oracle is an election (phase 0, see the file `election`): the looking nodes agree on the largest (currentEpoch,
//! last zxid, node) of a quorum. A follower looks for a leader again when it hears nothing from its own for a time-out; a leader
//! gives up when it hears from no quorum for one, when its epoch is not established within three, or when a follower has
//! accepted a later epoch.
//!
//! The clients are the nodes themselves: each hands its own open requests to its leader, again and again, until they are
//! delivered ([`crate::replication`]).

mod broadcast;
mod delivery;
mod discovery;
mod election;
mod history;
mod message;
mod stable;
mod synchronisation;

use std::collections::BTreeMap;

use election::Vote;
use history::{History, Transaction};
use message::Message;

use crate::bugs::Bug;
use crate::choice;
use crate::id::NodeId;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::Packet;
use crate::replication::{Deliveries, Requests};

/// Nobody gives up a leader, or a leader its followers, before so long a silence, ns.
pub const ELECTION_MIN_NS: Nanos = 150_000_000;
/// And every one does after so much more at most, ns.
pub const ELECTION_SPREAD_NS: Nanos = 150_000_000;
/// An epoch that is not established by then is given up, ns.
pub const ESTABLISH_NS: Nanos = 900_000_000;
/// The pause between two heartbeats, ns.
pub const HEARTBEAT_NS: Nanos = 50_000_000;
/// The pause after which what was not answered is sent again, ns.
pub const RETRY_NS: Nanos = 75_000_000;
/// So many delivered transactions stay in the history behind the snapshot at first, and it moves on when there are twice as many;
pub const KEPT_MIN: u64 = 4;
/// and so many later, since the file is written anew each time.
pub const KEPT_MAX: u64 = 64;

/// The timer by which a node gives up its leader, or an election.
const ELECTION: u32 = 0;
/// The timer of heartbeats.
const HEARTBEAT: u32 = 1;
/// The timer of what is sent again.
const RETRY: u32 = 2;
/// What the choice of a time-out is for.
const TIMEOUTS: u64 = 0x007a_6162;
/// The numbers of a node's requests are on stable storage, so they count on in its next life.
const LIFE: u32 = 1;

/// Zab at one node.
#[derive(Debug, Default)]
pub struct Zab {
    // Stable state.
    /// f.p, and the leader from which it was accepted.
    accepted_epoch: u64,
    accepted_from: Option<NodeId>,
    /// f.a: the epoch of the leader whose initial history this node has taken over last.
    current_epoch: u64,
    history: History,
    requests: Requests,
    // Volatile state.
    phase: Phase,
    /// What the oracle says: whom this node follows; itself where it leads.
    leader: Option<NodeId>,
    /// The node has accepted its leader's epoch since it began to follow it.
    promised: bool,
    /// The index up to which all is committed and delivered, and the state after it.
    commit: u64,
    state: Deliveries,
    /// Transactions that came before those between them and the history's end, by their counters.
    early: BTreeMap<u64, Transaction>,
    // Phase 0.
    round: u64,
    vote: Vote,
    votes: BTreeMap<NodeId, Vote>,
    // The leader's.
    leading: Leadership,
    /// How often a time-out was chosen: each is another.
    timeouts: u64,
}

/// What a leader knows, from when it was elected until it gives up.
#[derive(Debug, Default)]
struct Leadership {
    /// e', once it is chosen.
    epoch: u64,
    /// When it was elected.
    since: Nanos,
    /// The index of the end of its initial history.
    initial: u64,
    /// The accepted epochs of those who follow it.
    cepochs: BTreeMap<NodeId, u64>,
    /// Their current epochs and histories.
    ack_es: BTreeMap<NodeId, (u64, History)>,
    /// Up to which index those who have synchronised are known to have its history.
    acked: BTreeMap<NodeId, u64>,
    /// When it heard of each last.
    heard: BTreeMap<NodeId, Nanos>,
}

/// The phase that a node is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Election,
    Discovery,
    Synchronisation,
    Broadcast,
}

impl Layer for Zab {
    fn answers_later(&self) -> bool {
        true
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        self.restore(records, cx);
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        cx.timer(RETRY, RETRY_NS);
        self.look(cx);
    }

    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        match packet.payload.read() {
            Ok(message) => self.take(message, cx),
            Err(error) => cx.complain(format!("the application asked for what is no message: {error}")),
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(message) = cx.read::<Message>(from, &packet) else { return };
        match message {
            Message::Notification { round, vote } => self.notified(from, (round, vote), cx),
            Message::Settled { round, vote } => self.settled(from, (round, vote), cx),
            Message::Leading => self.found(from, cx),
            Message::Request { command } => self.propose(command, cx),
            message if self.leader == Some(cx.me()) => self.lead(from, message, cx),
            message if self.leader == Some(from) => self.follow(from, message, cx),
            // Of a leader that is given up, or of its follower.
            _ => {}
        }
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match timer {
            ELECTION if self.leader == Some(cx.me()) => {}
            ELECTION => self.look(cx),
            HEARTBEAT => self.beat(cx),
            RETRY => self.retry(cx),
            other => unreachable!("nobody set timer {other}"),
        }
    }
}

impl Zab {
    /// The leader's part.
    fn lead(&mut self, from: NodeId, message: Message, cx: &mut Context<'_>) {
        let e = self.leading.epoch;
        // Another leader's frame does not show that its sender follows this one.
        if matches!(message, Message::Cepoch { .. }) || message.is_answer() && message.epoch() == Some(e) {
            self.leading.heard.insert(from, cx.now);
        }
        match message {
            Message::Cepoch { epoch, leader } => self.cepoch(from, (epoch, leader), cx),
            Message::AckE { epoch, current, history } if epoch == e => self.ack_e(from, (current, history), cx),
            Message::AckLd { epoch, zxid } if epoch == e => self.ack_ld(from, zxid, cx),
            Message::Ack { epoch, zxid } if epoch == e => self.ack(from, zxid, cx),
            _ => {}
        }
    }

    /// The follower's part.
    fn follow(&mut self, leader: NodeId, message: Message, cx: &mut Context<'_>) {
        // A leader that was elected anew in the meantime is not the one that is followed: it is given up in time.
        let begun = if self.promised || self.is_synchronised() { self.accepted_epoch } else { 0 };
        // One that follows this node, or another, does not lead: two that followed each other would do so for ever.
        if !message.is_of_follower() && message.epoch().is_none_or(|epoch| begun == 0 || epoch == begun) {
            self.await_leader(cx);
        }
        let (synchronised, e) = (self.is_synchronised(), self.current_epoch);
        match message {
            Message::NewEpoch { epoch } => self.new_epoch((leader, epoch), cx),
            Message::NewLeader { epoch, history } => self.new_leader((leader, epoch), history, cx),
            Message::CommitLd { epoch, zxid } if synchronised && epoch == e => self.commit_ld(zxid, cx),
            Message::Propose { epoch, transaction } if synchronised && epoch == e => {
                self.accept((leader, epoch), transaction, cx);
            }
            Message::Commit { epoch, zxid } if epoch == e => self.learn_commit(zxid, cx),
            Message::Ping { epoch, zxid } if epoch == e => self.pinged((leader, epoch), zxid, cx),
            _ => {}
        }
    }

    /// What was not answered is sent again.
    fn retry(&mut self, cx: &mut Context<'_>) {
        match self.leader {
            None => self.notify(cx),
            Some(leader) if leader == cx.me() => self.repeat_proposals(cx),
            Some(leader) => {
                self.repeat_step(leader, cx);
                self.forward_open(leader, cx);
            }
        }
        cx.timer(RETRY, RETRY_NS);
    }

    /// Whether this node has its leader's initial history.
    fn is_synchronised(&self) -> bool {
        matches!(self.phase, Phase::Synchronisation | Phase::Broadcast)
    }

    /// The leader was heard, or an election has begun: it has so much time from now.
    fn await_leader(&mut self, cx: &mut Context<'_>) {
        self.timeouts += 1;
        let spread = choice::number_below(cx.identity, TIMEOUTS, &[self.timeouts], ELECTION_SPREAD_NS);
        cx.timer(ELECTION, ELECTION_MIN_NS + spread);
    }
}

/// How many nodes are a quorum: a majority.
fn quorum(cx: &Context<'_>) -> usize {
    let nodes = cx.identity.nodes.len();
    if cx.bug(Bug::EpochQuorumOfHalf) { (nodes / 2).max(1) } else { nodes / 2 + 1 }
}
