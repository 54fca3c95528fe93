//! Viewstamped replication: a primary orders its clients' operations, a view change replaces it, and nothing is on disk.
//! (Liskov and Cowling 2012, "Viewstamped Replication Revisited". The names are the paper's; n = 2f + 1.)
//!
//! ```text
//! normal operation (4.1)
//! primary, on request m:     op := op + 1; log[op] := m; send (prepare v, m, op, commit) to all others
//! backup, on prepare n:      once the log has all before n: append m, send (prepare-ok v, n) to the primary
//! primary, on f prepare-ok:  commit := n; execute all up to it; answer; tell by the next prepare, or (commit v, k)
//! view change (4.2)
//! on a time-out, or on start-view-change or do-view-change of v > view:
//!     view := v; status := view-change; send (start-view-change v) to all others
//! on f start-view-change v:  send (do-view-change v, log, v', k) to the primary of v
//! primary of v, on f + 1 do-view-change, its own included:
//!     log := that of the largest v', of these of the largest op; commit := the largest k; status := normal
//!     send (start-view v, log, k) to all others; execute what is committed
//! on start-view v:           log := l; status := normal; send (prepare-ok v, n) for what is not committed
//! recovery (4.3)
//! on start of a later life:  status := recovering; send (recovery x) to all others, x a new nonce
//! on recovery x, if normal:  send (recovery-response v, x, and if primary of v: log, k)
//! on f + 1 responses to x, of them one of the primary of the latest view v in them:
//!     view := v; log := its log; status := normal. Until then a replica takes no part in anything.
//! state transfer (5.2)
//! on lacking operations:     send (get-state v, commit); on (new-state v, l, k): log := l
//! ```
//!
//! Where it differs. **Lives**: a `do-view-change` may arrive when its sender has crashed and recovered into an earlier view, and
//! would then vote with a log that is not the sender's any more; committed operations would be lost. So each frame tells of every
//! replica the latest life that its sender knows, and a vote of an earlier life than a known one does not count: crash vectors
//! (Michael, Ports, Sharma and Szekeres 2017, "Recovering Shared Objects Without Stable Storage"). **State transfer** of a later
//! view: the paper has a replica drop what is not committed and then ask, which is a loss if the view changes in between; here
//! the log stays until the new one is there. **Clients** are the nodes themselves, and instead of a client table there is the
//! (sender, life, number) of each command: [`crate::replication`]. Views count from 1; view v's primary is node v modulo n.
//!
//! A request is known to have been taken only once it is delivered here: nothing else outlives a crash.

mod execution;
mod log;
mod message;
mod normal;
mod recovery;
mod state_transfer;
mod view_change;

use std::collections::{BTreeMap, BTreeSet};

use log::{Entry, Log};
use message::{DoViewChange, Frame, Message};
use recovery::Response;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::Packet;
use crate::replication::{Deliveries, Requests};

/// No replica suspects the primary before so long a silence, ns.
pub const SUSPECT_MIN_NS: Nanos = 150_000_000;
/// And every one does after so much more at most, ns.
pub const SUSPECT_SPREAD_NS: Nanos = 150_000_000;
/// The pause between two commit messages of an idle primary, ns.
pub const HEARTBEAT_NS: Nanos = 50_000_000;
/// The pause after which what was not answered is sent again, ns.
pub const RETRY_NS: Nanos = 75_000_000;
/// So many committed operations stay in the log behind the checkpoint, and it moves on when there are twice as many.
pub const KEPT: u64 = 16;

/// The timer by which a replica suspects its primary, or gives up a view that does not begin.
const SUSPECT: u32 = 0;
/// The timer of the primary's commit messages.
const HEARTBEAT: u32 = 1;
/// The timer of what is sent again.
const RETRY: u32 = 2;
/// What the choice of a time-out is for.
const TIMEOUTS: u64 = 0x7669_6577;

/// Viewstamped replication at one node.
#[derive(Debug, Default)]
pub struct Viewstamped {
    status: Status,
    view: u64,
    /// v': the latest view in which the status was normal.
    last_normal: u64,
    log: Log,
    commit: u64,
    /// The service after `commit`.
    state: Deliveries,
    requests: Requests,
    /// The latest life of each replica that is known of, in the order of the configuration.
    lives: Vec<u32>,
    /// Primary: up to which operation each backup's log is known to go.
    prepared: BTreeMap<NodeId, u64>,
    /// Operations of this view that came before those between them and the log's end.
    early: BTreeMap<u64, Entry>,
    /// The latest operation of this view that was heard of.
    heard_op: u64,
    /// The view whose log was asked for.
    asked: Option<(NodeId, u64)>,
    start_view_changes: BTreeSet<NodeId>,
    do_view_changes: Vec<(NodeId, DoViewChange)>,
    responses: BTreeMap<NodeId, Response>,
    /// How often a time-out was chosen: each is another.
    timeouts: u64,
}

/// A replica's status (figure 2 of the paper).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Normal,
    ViewChange,
    Recovering,
}

impl Layer for Viewstamped {
    fn answers_later(&self) -> bool {
        true
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.lives = cx.identity.nodes.iter().map(|_| 1).collect();
        let me = cx.place(cx.me()).expect("a node is one of the nodes");
        self.lives[me] = cx.identity.incarnation;
        cx.timer(RETRY, RETRY_NS);
        if cx.identity.incarnation > 1 {
            cx.indicate(Indication::Truncate { from: 1 });
            self.begin_recovery(cx);
        } else {
            self.begin(1, cx);
        }
    }

    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        match packet.payload.read() {
            Ok(message) => self.ask(message, cx),
            Err(error) => cx.complain(format!("the application asked for what is no message: {error}")),
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(frame) = cx.read::<Frame>(from, &packet) else { return };
        if !self.is_of_latest_life(from, &frame.lives, cx) {
            return;
        }
        match (self.status, frame.m) {
            (Status::Recovering, Message::RecoveryResponse { view, nonce, log, commit }) => {
                self.recovery_response((from, nonce), Response { view, log, commit }, cx);
            }
            // 4.3: a replica that recovers takes no part in anything.
            (Status::Recovering, _) => {}
            (_, message) => self.handle(from, message, cx),
        }
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match timer {
            SUSPECT => self.suspect(cx),
            HEARTBEAT => self.beat(cx),
            RETRY => self.retry(cx),
            other => unreachable!("nobody set timer {other}"),
        }
    }
}

impl Viewstamped {
    fn handle(&mut self, from: NodeId, message: Message, cx: &mut Context<'_>) {
        match message {
            Message::Request { command } => self.propose(command, cx),
            Message::Prepare { view, op, entry, commit } => {
                if self.follows(from, view, cx) {
                    self.prepare(from, (op, entry), cx);
                    self.learn_commit(commit, cx);
                }
            }
            Message::PrepareOk { view, op } => self.prepare_ok(from, (view, op), cx),
            Message::Commit { view, commit } => {
                if self.follows(from, view, cx) {
                    self.learn_commit(commit, cx);
                }
            }
            Message::StartViewChange { view } => self.start_view_change(from, view, cx),
            Message::DoViewChange(brought) => self.do_view_change(from, brought, cx),
            Message::StartView { view, log, commit } => self.start_view((from, view), (log, commit), cx),
            Message::Recovery { nonce } => self.answer_recovery(from, nonce, cx),
            Message::GetState { view, .. } => self.get_state(from, view, cx),
            Message::NewState { view, log, commit } => self.new_state((from, view), (log, commit), cx),
            Message::RecoveryResponse { .. } => {}
        }
    }

    /// What was not answered is sent again: links lose frames.
    fn retry(&mut self, cx: &mut Context<'_>) {
        match self.status {
            Status::Normal if self.leads(cx) => self.repeat_prepares(cx),
            Status::Normal => self.forward_open(cx),
            Status::ViewChange => self.repeat_view_change(cx),
            Status::Recovering => self.send(To::Others, Message::Recovery { nonce: cx.identity.incarnation }, cx),
        }
        self.ask_again(cx);
        cx.timer(RETRY, RETRY_NS);
    }

    /// This view is normal here from now on.
    fn begin(&mut self, view: u64, cx: &mut Context<'_>) {
        if view > self.view {
            cx.indicate(Indication::Term { term: view });
        }
        (self.view, self.last_normal, self.status) = (view, view, Status::Normal);
        (self.heard_op, self.asked) = (self.log.op(), None);
        self.early.clear();
        self.prepared.clear();
        self.start_view_changes.clear();
        self.do_view_changes.clear();
        if self.leads(cx) {
            cx.indicate(Indication::Leader { term: view });
            self.beat(cx);
            self.propose_open(cx);
        } else {
            cx.indicate(Indication::Follows { term: view, leader: primary(view, cx) });
            self.forward_open(cx);
        }
        self.await_primary(cx);
    }

    /// Whether this replica is its view's primary.
    fn leads(&self, cx: &Context<'_>) -> bool {
        primary(self.view, cx) == cx.me()
    }

    fn send(&self, to: To, m: Message, cx: &mut Context<'_>) {
        cx.send(to, Frame { lives: self.lives.clone(), m }.packet());
    }

    /// Notes which lives the sender knows of. What a replica brought in an earlier life than one that is known does not count any
    /// more, neither this frame nor what came before. (Crash vectors.)
    fn is_of_latest_life(&mut self, from: NodeId, lives: &[u32], cx: &mut Context<'_>) -> bool {
        let Some(sender) = cx.place(from).filter(|_| lives.len() == self.lives.len()) else {
            cx.complain(format!("{from} knows another configuration"));
            return false;
        };
        for (place, node) in cx.identity.nodes.iter().enumerate() {
            if lives[place] > self.lives[place] && *node != cx.me() {
                self.lives[place] = lives[place];
                self.prepared.remove(node);
                self.start_view_changes.remove(node);
                self.do_view_changes.retain(|(of, _)| of != node);
                self.responses.remove(node);
            }
        }
        lives[sender] == self.lives[sender]
    }
}

/// The primary of a view: the replicas take turns.
fn primary(view: u64, cx: &Context<'_>) -> NodeId {
    let nodes = &cx.identity.nodes;
    nodes[((view - 1) % nodes.len() as u64) as usize]
}

/// f + 1: of two sets of so many replicas one is in both.
fn quorum(cx: &Context<'_>) -> usize {
    let nodes = cx.identity.nodes.len();
    if cx.bug(Bug::ViewQuorumOfHalf) { (nodes / 2).max(1) } else { nodes / 2 + 1 }
}
