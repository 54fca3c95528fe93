//! Eager reliable broadcast: the first time a node receives a message, it passes it on to every other node.
//!
//! Whoever delivers a message has passed it on over reliable links, so if a correct node delivers it, all do, whoever crashes.
//! The price is O(n^2) frames a broadcast. (Kleppmann, lectures, section "Broadcast algorithms", second attempt; Cachin,
//! Guerraoui and Rodrigues 2011, algorithm 3.3.)
//!
//! ```text
//! on request to broadcast m at node Ni do
//!     seen := seen ∪ {(i, sendSeq)}
//!     send (i, sendSeq, m) to every other node; sendSeq := sendSeq + 1
//!     deliver m
//! on receiving (sender, seq, m) do
//!     if (sender, seq) ∉ seen then
//!         seen := seen ∪ {(sender, seq)}
//!         send (sender, seq, m) to every other node
//!         deliver m
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::sequence::SequenceSet;
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Eager reliable broadcast.
#[derive(Debug, Default)]
pub struct Eager {
    send_seq: u64,
    seen: BTreeMap<NodeId, SequenceSet>,
}

/// The layer's message.
#[derive(Serialize, Deserialize)]
struct Relay<'a> {
    r#type: Type,
    sender: NodeId,
    seq: u64,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Relay,
}

impl Layer for Eager {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let (me, seq) = (cx.me(), self.send_seq);
        self.send_seq += 1;
        self.seen.entry(me).or_default().insert(seq);
        let relay = Relay { r#type: Type::Relay, sender: me, seq, m: packet.payload.raw() };
        cx.send(To::Others, Packet { key: packet.key.step("relay"), payload: Payload::encode(&relay) });
        if !cx.bug(Bug::ForgetsItself) {
            cx.deliver(me, packet);
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Relay { sender, seq, m, .. }) = cx.read(from, &packet) else { return };
        let first = self.seen.entry(sender).or_default().insert(seq);
        if first {
            self.relay(&packet, cx);
        }
        if first || cx.bug(Bug::DeliversEveryCopy) {
            cx.deliver(sender, Packet { key: packet.key.clone(), payload: Payload::from_wire(m) });
        }
    }
}

impl Eager {
    fn relay(&self, packet: &Packet, cx: &mut Context<'_>) {
        if cx.bug(Bug::ForgetsRelay) {
            return;
        }
        let to = if cx.bug(Bug::RelaysToNext) { To::One(next(cx)) } else { To::Others };
        cx.send(to, packet.clone());
    }
}

/// The node behind this one, round the circle: the wrong idea of the bug `relays-to-next`.
fn next(cx: &Context<'_>) -> NodeId {
    cx.others().find(|node| *node > cx.me()).or_else(|| cx.others().next()).unwrap_or(cx.me())
}
