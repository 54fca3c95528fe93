//! FIFO broadcast: messages of one sender are delivered in the order in which it broadcast them.
//!
//! Each message carries its sender's sequence number; one that comes too early waits in the hold-back queue. The layer below
//! has to be reliable: behind a message that never comes, everything later of that sender is held back for good.
//! (Kleppmann, lectures, section "Broadcast algorithms", FIFO broadcast; Cachin, Guerraoui and Rodrigues 2011, algorithm 3.12.)
//!
//! ```text
//! on initialisation do
//!     sendSeq := 0; delivered := ⟨0, 0, ..., 0⟩; buffer := {}
//! on request to broadcast m at node Ni do
//!     send (i, sendSeq, m) via reliable broadcast
//!     sendSeq := sendSeq + 1
//! on receiving msg from reliable broadcast at node Ni do
//!     buffer := buffer ∪ {msg}
//!     while ∃(sender, seq, m) ∈ buffer such that seq = delivered[sender] do
//!         deliver m to the application
//!         delivered[sender] := delivered[sender] + 1
//!         buffer := buffer - {(sender, seq, m)}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// FIFO broadcast.
#[derive(Debug, Default)]
pub struct Fifo {
    send_seq: u64,
    delivered: BTreeMap<NodeId, u64>,
    buffer: BTreeMap<(NodeId, u64), Packet>,
}

/// The layer's message.
#[derive(Serialize, Deserialize)]
struct Numbered<'a> {
    r#type: Type,
    sender: NodeId,
    seq: u64,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Fifo,
}

impl Layer for Fifo {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        let (sender, seq) = (cx.me(), self.send_seq);
        self.send_seq += 1;
        cx.send(to, packet.carrying(&Numbered { r#type: Type::Fifo, sender, seq, m: packet.payload.raw() }));
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Numbered { sender, seq, m, .. }) = cx.read(from, &packet) else { return };
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        if sender == cx.me() {
            // After a crash a layer below that keeps a log delivers again what this node had broadcast.
            self.send_seq = self.send_seq.max(seq + 1);
        }
        if seq < *self.delivered.entry(sender).or_default() {
            return;
        }
        if cx.bug(Bug::IgnoresNumbers) {
            cx.deliver(sender, inner);
            return;
        }
        self.buffer.insert((sender, seq), inner);
        if cx.bug(Bug::SkipsGap) && self.held_back(sender).len() >= 2 {
            self.delivered.insert(sender, self.held_back(sender)[0]);
        }
        self.release(sender, cx);
    }
}

impl Fifo {
    /// Delivers what is next in line of `sender`, as long as it is there.
    fn release(&mut self, sender: NodeId, cx: &mut Context<'_>) {
        let delivered = self.delivered.entry(sender).or_default();
        let mut released = Vec::new();
        while let Some(packet) = self.buffer.remove(&(sender, *delivered)) {
            released.push(packet);
            *delivered += 1;
        }
        if cx.bug(Bug::ReleasesNewestFirst) {
            released.reverse();
        }
        released.into_iter().for_each(|packet| cx.deliver(sender, packet));
    }

    /// The numbers of the messages of `sender` that are held back.
    fn held_back(&self, sender: NodeId) -> Vec<u64> {
        self.buffer.range((sender, 0)..=(sender, u64::MAX)).map(|((_, seq), _)| *seq).collect()
    }
}
