//! Total order broadcast without a leader: messages are delivered in the order of their Lamport timestamps.
//!
//! The timestamp of a message is the clock of its sender, and ties go by the senders' names, so all nodes agree on the order of
//! any two messages. What a node must know before it delivers is that nothing earlier is still to come. The links are FIFO, so a
//! link that has shown a stamp will show no earlier one; and so that links without messages show stamps too, every message is
//! acknowledged to everybody. If one node is silent, all wait for ever. (Kleppmann, lectures, section "Broadcast algorithms",
//! total order broadcast, "Lamport clocks"; Lamport 1978.)
//!
//! ```text
//! on initialisation do
//!     clock := 0; latest := ⟨0, 0, ..., 0⟩; buffer := {}
//! on request to broadcast m at node Ni do
//!     clock := clock + 1
//!     buffer := buffer ∪ {(clock, i, m)}; send message(clock, m) to every other node via FIFO links
//! on receiving message(t, m) from Nj via FIFO links do
//!     clock := max(clock, t) + 1; latest[j] := t
//!     buffer := buffer ∪ {(t, j, m)}; send stamp(clock) to every other node via FIFO links
//! on receiving stamp(t) from Nj via FIFO links do
//!     clock := max(clock, t); latest[j] := t
//! while the smallest (t, j, m) ∈ buffer is such that latest[k] ≥ t for every other node Nk do
//!     deliver m; buffer := buffer - {(t, j, m)}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Total order broadcast by Lamport timestamps.
#[derive(Debug, Default)]
pub struct LamportOrder {
    clock: u64,
    /// The latest stamp that each other node has shown.
    latest: BTreeMap<NodeId, u64>,
    /// By stamp and sender, and so in the order of delivery.
    buffer: BTreeMap<(u64, NodeId), Packet>,
    /// What a bug goes by: how many messages were put into the buffer.
    arrived: u32,
}

/// The layer's messages; one without `m` only shows its stamp.
#[derive(Serialize, Deserialize)]
struct Stamped<'a> {
    r#type: Type,
    t: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    m: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Message,
    Stamp,
}

impl Layer for LamportOrder {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        self.clock += 1;
        let message = Stamped { r#type: Type::Message, t: self.clock, m: Some(packet.payload.raw()) };
        cx.send(To::Others, Packet { key: packet.key.step("message"), payload: Payload::encode(&message) });
        self.take((self.clock, cx.me()), packet, cx);
        self.release(cx);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Stamped { t, m, .. }) = cx.read(from, &packet) else { return };
        self.latest.insert(from, t);
        match m {
            Some(m) => {
                if !cx.bug(Bug::ClockNotAdvanced) {
                    self.clock = self.clock.max(t) + 1;
                }
                self.take((t, from), Packet { key: packet.key.clone(), payload: Payload::from_wire(m) }, cx);
                self.show((from, &packet), cx);
            }
            None => self.clock = self.clock.max(t),
        }
        self.release(cx);
    }
}

impl LamportOrder {
    /// Puts a message where the order has it.
    fn take(&mut self, (t, sender): (u64, NodeId), packet: Packet, cx: &Context<'_>) {
        self.arrived += 1;
        // The second part of the place decides ties.
        let tie = if cx.bug(Bug::TiesByArrival) { NodeId(self.arrived) } else { sender };
        self.buffer.insert((t, tie), packet);
    }

    /// Shows the clock to everybody: nothing earlier will come from here.
    fn show(&self, (from, packet): (NodeId, &Packet), cx: &mut Context<'_>) {
        let stamp = Stamped { r#type: Type::Stamp, t: self.clock, m: None };
        let to = if cx.bug(Bug::StampsToSenderOnly) { To::One(from) } else { To::Others };
        cx.send(to, Packet { key: packet.key.step(&format!("stamp-{}", cx.me())), payload: Payload::encode(&stamp) });
    }

    /// Delivers what nothing earlier can come before.
    fn release(&mut self, cx: &mut Context<'_>) {
        while let Some(entry) = self.buffer.first_entry() {
            let (t, sender) = *entry.key();
            let shown = |node: NodeId| self.latest.get(&node).is_some_and(|latest| *latest >= t);
            let waits = |node: &NodeId| !(cx.bug(Bug::WaitsForAllButOne) && cx.others().last() == Some(*node));
            if !cx.others().filter(waits).all(shown) && !cx.bug(Bug::DeliversWithoutWaiting) {
                return;
            }
            let packet = entry.remove();
            cx.deliver(sender, packet);
        }
    }
}
