//! Gossip: the first time a node receives a message, it passes it on to a few others, chosen at random.
//!
//! A message spreads like a rumour, for about k n frames instead of n^2, and reaches everybody with a probability that grows with
//! the fanout k; it is not certain. The links below are reliable, so whether a message missed a node is a matter of the choices
//! alone, which is what makes it a statistic. (Kleppmann, lectures, section "Broadcast algorithms", third attempt; Demers et al.
//! 1987.)
//!
//! ```text
//! on request to broadcast m at node Ni do
//!     seen := seen ∪ {(i, sendSeq)}
//!     send (i, sendSeq, m) to k other nodes, chosen at random; sendSeq := sendSeq + 1
//!     deliver m
//! on receiving (sender, seq, m) do
//!     if (sender, seq) ∉ seen then
//!         seen := seen ∪ {(sender, seq)}
//!         send (sender, seq, m) to k other nodes, chosen at random
//!         deliver m
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::sequence::SequenceSet;
use crate::bugs::Bug;
use crate::choice::chosen;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Sets these choices apart from all others of a node.
const PURPOSE: u64 = 0x67_6F_73_73_69_70;

/// Gossip with a fanout.
#[derive(Debug)]
pub struct Gossip {
    fanout: usize,
    send_seq: u64,
    seen: BTreeMap<NodeId, SequenceSet>,
}

/// The layer's message.
#[derive(Serialize, Deserialize)]
struct Rumour<'a> {
    r#type: Type,
    sender: NodeId,
    seq: u64,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Gossip,
}

impl Gossip {
    /// Gossip that passes every message on to `fanout` other nodes, or to all if there are fewer.
    pub fn new(fanout: usize) -> Self {
        Self { fanout, send_seq: 0, seen: BTreeMap::new() }
    }

    fn spread(&self, packet: &Packet, (sender, seq): (NodeId, u64), cx: &mut Context<'_>) {
        let fanout = if cx.bug(Bug::SpreadsToFewer) { self.fanout - 1 } else { self.fanout };
        let others: Vec<NodeId> = cx.others().collect();
        for node in chosen(cx.identity, PURPOSE, &[u64::from(sender.0), seq], (&others, fanout)) {
            cx.send(To::One(node), packet.clone());
        }
    }
}

impl Layer for Gossip {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let (me, seq) = (cx.me(), self.send_seq);
        self.send_seq += 1;
        self.seen.entry(me).or_default().insert(seq);
        let rumour = Rumour { r#type: Type::Gossip, sender: me, seq, m: packet.payload.raw() };
        let rumour = Packet { key: packet.key.step("gossip"), payload: Payload::encode(&rumour) };
        self.spread(&rumour, (me, seq), cx);
        cx.deliver(me, packet);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Rumour { sender, seq, m, .. }) = cx.read(from, &packet) else { return };
        let seen = self.seen.entry(sender).or_default();
        if seen.insert(seq) || cx.bug(Bug::ForgetsTheSender) && sender == from {
            self.spread(&packet, (sender, seq), cx);
            cx.deliver(sender, Packet { key: packet.key.clone(), payload: Payload::from_wire(m) });
        }
    }
}
