//! Raft: a leader appends its clients' commands to its log and makes everybody's log the same; what is committed is delivered.
//! (Ongaro and Ousterhout 2014, figures 2, 8, 12 and 13; pre-vote: Ongaro's thesis, section 9.6.) The names are the paper's.
//!
//! ```text
//! all:        if commit_index > last_applied then last_applied := last_applied + 1; apply log[last_applied]
//!             on a message of term t > term: term := t; vote := none; be a follower
//! followers:  answer candidates and leaders
//!             an election time-out without a word from the leader, and without granting a vote: be a candidate
//! candidates: term := term + 1; vote := me; request-vote(term, last index and term of my log) to the others
//!             votes of a majority: be the leader; AppendEntries from a leader of this term: be a follower
//!             an election time-out: once more
//! leaders:    append a no-op; append-entries(term, prev, entries, commit_index) to each follower, empty ones periodically
//!             a command from a client: append it to the log; answer once it is applied
//!             last index ≥ next[i]: send the entries from next[i] on
//!             success: match[i] := the last entry sent; next[i] := match[i] + 1; no success: next[i] goes back
//!             if ∃N > commit_index, a majority of match[i] ≥ N, log[N].term = term: commit_index := N
//! request-vote(t, index, term') from j
//!             granted if t = term and vote ∈ {none, j} and (term', index) ≥ (last term, last index of my log)
//! append-entries(t, prev, entries, commit) from j
//!             no success if t < term, or if log[prev] is not of prev's term
//!             an entry of the log that contradicts one of these goes, with all that follow; those that are missing are appended
//!             commit_index := max(commit_index, min(commit, the last entry sent))
//! ```
//!
//! The lectures' three round trips are in the keys of the frames: `request-vote/3` and `vote/3` (elected in term 3);
//! `append/3/17` and `appended/3/17` (a quorum has entry 17, and knows of no later leader); `commit/3/17` (to be delivered).
//!
//! The clients are the nodes themselves: each hands its own open requests to the leader that it knows, again and again, until
//! they are delivered ([`crate::replication`]). A leader does not step down because it hears from no quorum (thesis, 6.2): whoever
//! waits at it waits no longer than at a node that knows no leader, and nothing is answered before it is committed.

mod clients;
mod commitment;
mod election;
mod log;
mod message;
mod replication;
mod snapshot;
mod stable;

use std::collections::{BTreeMap, BTreeSet};

use log::Log;
use message::Message;
use replication::Progress;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::Packet;
use crate::replication::{Deliveries, Requests};

/// No follower suspects its leader before so long a silence, ns.
pub const ELECTION_MIN_NS: Nanos = 150_000_000;
/// And every one suspects it after so much more at most, ns.
pub const ELECTION_SPREAD_NS: Nanos = 150_000_000;
/// The pause between two heartbeats, ns.
pub const HEARTBEAT_NS: Nanos = 50_000_000;
/// The pause after which what was not answered is sent again, ns.
pub const RETRY_NS: Nanos = 75_000_000;
/// The log is compacted when as many entries are applied behind the snapshot as it stands for: at first these,
pub const COMPACT_MIN: u64 = 4;
/// and never more than these. Half of them stay, and up to the latter all that a follower of this leader lacks.
pub const COMPACT_MAX: u64 = 64;

/// The timer by which a node suspects its leader, or gives up its candidacy.
const ELECTION: u32 = 0;
/// The timer of heartbeats.
const HEARTBEAT: u32 = 1;
/// The timer of what is sent again.
const RETRY: u32 = 2;

/// What can be chosen of Raft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elections {
    /// Figure 2: who suspects the leader begins a term.
    AtOnce,
    /// Who suspects the leader asks first whether it would be elected (thesis, 9.6).
    WithPreVote,
}

/// Raft at one node.
#[derive(Debug)]
pub struct Raft {
    elections: Elections,
    // Persistent state (figure 2), and the node's own requests.
    term: u64,
    vote: Option<NodeId>,
    log: Log,
    requests: Requests,
    // Volatile state.
    role: Role,
    commit_index: u64,
    last_applied: u64,
    /// The state machine after `last_applied`.
    state: Deliveries,
    /// Volatile state on leaders: how far each follower is.
    followers: BTreeMap<NodeId, Progress>,
    /// When a leader was last heard.
    heard: Option<Nanos>,
    /// How often this node has suspected a leader: each time-out is another.
    suspicions: u64,
}

/// What a node is in its term.
#[derive(Debug)]
enum Role {
    /// It follows this leader, if it has heard of one.
    Follower(Option<NodeId>),
    /// It would get these votes.
    PreCandidate(BTreeSet<NodeId>),
    /// It has these votes.
    Candidate(BTreeSet<NodeId>),
    /// It leads the term.
    Leader,
}

impl Raft {
    /// A node that has never lived.
    pub fn new(elections: Elections) -> Self {
        Self {
            elections,
            term: 0,
            vote: None,
            log: Log::default(),
            requests: Requests::default(),
            role: Role::Follower(None),
            commit_index: 0,
            last_applied: 0,
            state: Deliveries::default(),
            followers: BTreeMap::new(),
            heard: None,
            suspicions: 0,
        }
    }
}

impl Layer for Raft {
    fn answers_later(&self) -> bool {
        true
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        self.restore(records, cx);
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.await_leader(cx);
        cx.timer(RETRY, RETRY_NS);
    }

    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        match packet.payload.read() {
            Ok(message) => self.take(message, cx),
            Err(error) => cx.complain(format!("the application asked for what is no message: {error}")),
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(message) = cx.read::<Message>(from, &packet) else { return };
        if let Some(term) = message.term() {
            self.enter(term, cx);
        }
        match message {
            Message::RequestVote(candidacy) => self.request_vote(from, candidacy, cx),
            Message::Vote { term, granted } if term == self.term && granted => self.voted(from, cx),
            Message::RequestPreVote(candidacy) => self.request_pre_vote(from, candidacy, cx),
            Message::PreVote { asked, granted, .. } if asked == self.term + 1 && granted => self.pre_voted(from, cx),
            Message::AppendEntries(append) => self.append_entries(from, append, cx),
            Message::Appended { term, matched } if term == self.term => self.appended(from, matched, cx),
            Message::Rejected { term, prev_index, next } if term == self.term => {
                self.rejected(from, (prev_index, next), cx);
            }
            Message::InstallSnapshot { term, snapshot } => self.install_snapshot(from, (term, snapshot), cx),
            Message::Propose { command } => self.propose(vec![command], cx),
            // Of an earlier term, or refused: it does not matter any more.
            Message::Vote { .. } | Message::PreVote { .. } | Message::Appended { .. } | Message::Rejected { .. } => {}
        }
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match timer {
            ELECTION => self.suspect(cx),
            HEARTBEAT => self.beat(cx),
            RETRY => self.retry(cx),
            other => unreachable!("nobody set timer {other}"),
        }
    }
}

impl Raft {
    /// What was not answered is sent again: links lose frames.
    fn retry(&mut self, cx: &mut Context<'_>) {
        match &self.role {
            Role::Follower(_) => self.forward_open(cx),
            Role::PreCandidate(_) | Role::Candidate(_) => self.ask(cx),
            Role::Leader => self.repeat(cx),
        }
        cx.timer(RETRY, RETRY_NS);
    }
}

/// How many nodes are a majority.
fn quorum(cx: &Context<'_>) -> usize {
    let nodes = cx.identity.nodes.len();
    if cx.bug(Bug::QuorumOfHalf) { (nodes / 2).max(1) } else { nodes / 2 + 1 }
}
