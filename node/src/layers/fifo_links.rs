//! FIFO links over reliable links: what a node sends to another arrives in the order in which it was sent.
//!
//! Reliable links deliver every frame once, and a retransmitted one after later ones. Here each link numbers its frames, and one
//! that comes too early waits. (Kleppmann, lectures, section "Broadcast algorithms", total order broadcast: "use FIFO links";
//! Cachin, Guerraoui and Rodrigues 2011, exercise 2.1.)
//!
//! ```text
//! on request to send m to Nj do
//!     send (sendSeq[j], m) to Nj via reliable links; sendSeq[j] := sendSeq[j] + 1
//! on receiving (seq, m) from Nj do
//!     buffer := buffer ∪ {(j, seq, m)}
//!     while ∃(j, seq, m) ∈ buffer such that seq = delivered[j] do
//!         deliver m; delivered[j] := delivered[j] + 1; buffer := buffer - {(j, seq, m)}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// FIFO links to and from every other node.
#[derive(Debug, Default)]
pub struct FifoLinks {
    send_seq: BTreeMap<NodeId, u64>,
    delivered: BTreeMap<NodeId, u64>,
    buffer: BTreeMap<(NodeId, u64), Packet>,
}

/// The layer's message.
#[derive(Serialize, Deserialize)]
struct Linked<'a> {
    r#type: Type,
    seq: u64,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Link,
}

impl Layer for FifoLinks {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        match to {
            To::Others => cx.others().for_each(|node| self.send(node, &packet, cx)),
            To::One(node) => self.send(node, &packet, cx),
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Linked { seq, m, .. }) = cx.read(from, &packet) else { return };
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        let delivered = self.delivered.entry(from).or_default();
        if seq < *delivered {
            return;
        }
        if cx.bug(Bug::LinkForgetsOrder) {
            return cx.deliver(from, inner);
        }
        self.buffer.insert((from, seq), inner);
        while let Some(next) = self.buffer.remove(&(from, *delivered)) {
            *delivered += 1;
            cx.deliver(from, next);
        }
    }
}

impl FifoLinks {
    fn send(&mut self, node: NodeId, packet: &Packet, cx: &mut Context<'_>) {
        let seq = self.send_seq.entry(node).or_default();
        cx.send(To::One(node), packet.carrying(&Linked { r#type: Type::Link, seq: *seq, m: packet.payload.raw() }));
        *seq += 1;
    }
}
