//! Causal broadcast: if the broadcast of m may have caused that of m', everybody delivers m before m'.
//!
//! Each message carries its dependencies: for every sender, how many of its messages its own sender had delivered. It waits until
//! they are all met. In this it differs from a vector clock, whose elements count events. The layer below has to be reliable.
//! (Kleppmann, lectures, section "Broadcast algorithms", causal broadcast; Cachin, Guerraoui and Rodrigues 2011, algorithm 3.15.)
//!
//! ```text
//! on initialisation do
//!     sendSeq := 0; delivered := ⟨0, 0, ..., 0⟩; buffer := {}
//! on request to broadcast m at node Ni do
//!     deps := delivered; deps[i] := sendSeq
//!     send (i, deps, m) via reliable broadcast
//!     sendSeq := sendSeq + 1
//! on receiving msg from reliable broadcast at node Ni do
//!     buffer := buffer ∪ {msg}
//!     while ∃(sender, deps, m) ∈ buffer such that deps ≤ delivered do
//!         deliver m to the application
//!         delivered[sender] := delivered[sender] + 1
//!         buffer := buffer - {(sender, deps, m)}
//! ```

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Causal broadcast.
#[derive(Debug, Default)]
pub struct Causal {
    send_seq: u64,
    /// Messages of each node that were delivered, in the order in which the cluster was named.
    delivered: Vec<u64>,
    buffer: Vec<Held>,
    /// What the bugs go by: messages of each node that were received, and the dependencies of the broadcast before.
    received: Vec<u64>,
    stale: Vec<u64>,
}

/// A message in the hold-back queue.
#[derive(Debug)]
struct Held {
    sender: usize,
    deps: Vec<u64>,
    packet: Packet,
}

/// The layer's message: `deps` in the order in which the cluster was named.
#[derive(Serialize, Deserialize)]
struct Dependent<'a> {
    r#type: Type,
    sender: NodeId,
    deps: Vec<u64>,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Causal,
}

impl Layer for Causal {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        self.begin(cx);
        let me = cx.place(cx.me()).expect("a node is one of its cluster");
        let mut deps = self.delivered.clone();
        deps[me] = if cx.bug(Bug::OwnEntryMissing) { 0 } else { self.send_seq };
        if cx.bug(Bug::FrontierTooLate) {
            std::mem::swap(&mut deps, &mut self.stale);
            deps[me] = self.send_seq;
        }
        self.send_seq += 1;
        cx.send(
            to,
            packet.carrying(&Dependent { r#type: Type::Causal, sender: cx.me(), deps, m: packet.payload.raw() }),
        );
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        self.begin(cx);
        let Some(Dependent { sender, deps, m, .. }) = cx.read(from, &packet) else { return };
        let place = cx.place(sender).filter(|_| deps.len() == self.delivered.len());
        let Some(sender) = place else { return cx.complain(format!("{from} sent what is of another cluster")) };
        if cx.identity.nodes[sender] == cx.me() {
            // After a crash a layer below that keeps a log delivers again what this node had broadcast.
            self.send_seq = self.send_seq.max(deps[sender] + 1);
        }
        self.received[sender] += 1;
        self.buffer.push(Held {
            sender,
            deps,
            packet: Packet { key: packet.key.clone(), payload: Payload::from_wire(m) },
        });
        while let Some(at) = self.buffer.iter().position(|held| self.is_due(held, cx)) {
            let held = self.buffer.remove(at);
            self.delivered[held.sender] += 1;
            cx.deliver(cx.identity.nodes[held.sender], held.packet);
        }
    }
}

impl Causal {
    fn begin(&mut self, cx: &Context<'_>) {
        if self.delivered.is_empty() {
            let none = vec![0; cx.identity.nodes.len()];
            (self.delivered, self.received, self.stale) = (none.clone(), none.clone(), none);
        }
    }

    /// Whether deps ≤ delivered.
    fn is_due(&self, held: &Held, cx: &Context<'_>) -> bool {
        let counts = if cx.bug(Bug::ReceivedNotDelivered) { &self.received } else { &self.delivered };
        let leeway = u64::from(cx.bug(Bug::OffByOne));
        held.deps.iter().zip(counts).all(|(needed, there)| *needed <= there + leeway)
    }
}
