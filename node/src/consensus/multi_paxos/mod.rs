//! Multi-Paxos: a sequence of slots, each decided by Paxos, under a leader that stays as long as it is heard.
//!
//! Each node is replica, leader and acceptor. A replica passes what its application asks for to the active leader, which
//! proposes it for the next slot; what a majority of the acceptors has accepted in one ballot is decided, and the replicas
//! perform decisions slot by slot. (van Renesse and Altinbuken 2015, "Paxos Made Moderately Complex"; the pseudocode of each
//! role stands in its file: `replica`, `leader`, `scout`, `commander`, `acceptor`.)
//!
//! Beyond the pseudocode, as its sections 3 and 4 propose:
//! - **A stable leader.** The active leader says every 50 ms that it is alive; a passive one that has not heard that for 150 to
//!   300 ms sends out a scout (section 3).
//! - **No-ops.** A new leader proposes a no-op for a slot of which nobody in a majority has accepted anything, when a later slot
//!   is taken: else nothing after the hole would ever be performed.
//! - **One round trip for many slots.** Phase 1 is done once a ballot, and acceptors report only what is not decided (state reduction).
//! - **Garbage collection.** A node that has performed 32 more slots writes a snapshot in place of its file. A scout does
//!   not count an acceptor that has forgotten slots which its own replica has not performed: it catches up first.
//! - **Catch-up.** A replica that hears from the leader of decisions that it lacks asks for them, and gets them, or a snapshot.
//!
//! Links lose frames, so whoever waits for an answer asks again: scouts, commanders, and replicas with open requests.

mod acceptor;
mod ballot;
mod commander;
mod following;
mod leader;
mod message;
mod reigning;
mod replica;
mod scout;

use acceptor::Acceptor;
use ballot::Ballot;
use leader::{Leader, Role};
use message::{Message, Record, Slot};
use replica::Replica;

use crate::id::NodeId;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::Packet;

/// How often the active leader says that it lives, ns.
const ALIVE_NS: Nanos = 50_000_000;
/// A leader is suspected after this time of silence and up to as much more, ns.
const SUSPECT_NS: Nanos = 150_000_000;
/// What is not answered is sent again after this time and up to as much more, ns.
const RETRY_NS: Nanos = 50_000_000;
/// So many slots are caught up with, or sent again, at a time.
const BATCH: usize = 64;
/// So many open requests are passed on at a time.
const PASSED_ON: usize = 256;
/// So many slots may be proposed beyond the first that is not performed.
const WINDOW: Slot = 1024;
/// A snapshot is written after so many slots.
const SNAPSHOT_EVERY: Slot = 32;
/// A sender's numbers go on from life to life.
const LIFE: u32 = 1;

/// The timers.
const ALIVE: u32 = 1;
const SUSPECT: u32 = 2;
const RETRY: u32 = 3;

/// Purposes of random choices.
const SUSPECT_PURPOSE: u64 = 0x4D50_5831;
const RETRY_PURPOSE: u64 = 0x4D50_5832;

/// Multi-Paxos.
#[derive(Debug, Default)]
pub struct MultiPaxos {
    replica: Replica,
    leader: Leader,
    acceptor: Acceptor,
    /// The ballot of the active leader, as far as this node knows.
    followed: Option<Ballot>,
    /// What is proposed from this slot on was proposed after the last retry.
    fresh: Slot,
    retries: u64,
    silences: u64,
}

impl Layer for MultiPaxos {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let Some(message) = cx.read(cx.me(), &packet) else { return };
        let request = self.replica.requests.take(message);
        cx.store(Record::Asked { request }.bytes());
        cx.taken(message);
        let newest = self.replica.requests.open(cx.me(), LIFE).next_back();
        self.pass_on(newest.into_iter().collect(), cx);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        if let Some(message) = cx.read(from, &packet) {
            self.handle(from, message, cx);
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.replica.tell_installed(cx);
        self.watch(cx);
        self.retry_later(cx);
    }

    fn timeout(&mut self, timer: u32, cx: &mut Context<'_>) {
        match (timer, &self.leader.role) {
            (ALIVE, Role::Active(_)) => self.tell_alive(cx),
            (SUSPECT, Role::Passive) => self.scout(cx),
            (RETRY, _) => self.retry(cx),
            _ => {}
        }
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for record in records {
            match serde_json::from_slice(record) {
                Ok(Record::Asked { request }) => self.replica.requests.restore(request),
                Ok(Record::Adopted { ballot }) => self.acceptor.restore_adopted(ballot),
                Ok(Record::Accepted { pvalue }) => self.acceptor.restore_accepted(pvalue),
                Ok(Record::Snapshot { slot, deliveries }) => {
                    self.replica.restore(slot, deliveries);
                    self.acceptor.collect(slot);
                }
                Err(error) => cx.complain(format!("a record that can't be read: {error}")),
            }
        }
    }

    fn answers_later(&self) -> bool {
        true
    }
}

impl MultiPaxos {
    /// A message from another node, or from this one to itself.
    fn handle(&mut self, from: NodeId, message: Message, cx: &mut Context<'_>) {
        match message {
            Message::Request { commands } => self.propose(&commands, cx),
            Message::P1a { ballot, slot } => self.p1a(from, (ballot, slot), cx),
            Message::P1b { ballot, ballot_num, .. } if ballot_num > ballot => self.preempted(ballot_num, cx),
            Message::P1b { ballot, collected, accepted, .. } => self.p1b(from, (ballot, collected, accepted), cx),
            Message::P2a { pvalue } => {
                let answer = self.acceptor.p2a(pvalue, cx);
                self.send(from, answer, cx);
            }
            Message::P2b { ballot, ballot_num, .. } if ballot_num > ballot => self.preempted(ballot_num, cx),
            Message::P2b { ballot, slot, .. } => self.p2b(from, (ballot, slot), cx),
            Message::Decision { slot, command } => self.decide(slot, &[command], cx),
            Message::Alive { ballot, slot } => self.alive(from, (ballot, slot), cx),
            Message::CatchUp { slot } => self.help(from, slot, cx),
            Message::Decisions { slot, commands } => self.caught_up(from, (slot, commands), cx),
            Message::Snapshot { slot, deliveries } => {
                if self.replica.install(slot, deliveries, cx) {
                    self.write_snapshot(cx);
                }
            }
        }
    }
}
