//! Reliable links over fair-loss links: acknowledge, send again, remove duplicates.
//!
//! A frame is sent until it is acknowledged, after a pause that doubles up to a cap, so that over links that lose only finitely
//! often in a row it arrives, and is handed up once. (Kleppmann, lectures, section "Broadcast algorithms": "use reliable links
//! (retry + deduplicate)"; Cachin, Guerraoui and Rodrigues 2011, algorithms 2.1 and 2.2, with acknowledgements.)
//!
//! ```text
//! on request to send m to Nj do
//!     unacknowledged[j] := unacknowledged[j] ∪ {(seq[j], m)}
//!     send data(seq[j], m) to Nj; seq[j] := seq[j] + 1
//! on time-out do
//!     send every (seq, m) ∈ unacknowledged[j] that is due to Nj again
//! on receiving data(seq, m) from Nj do
//!     send ack(seq) to Nj
//!     if seq ∉ received[j] then received[j] := received[j] ∪ {seq}; deliver m
//! on receiving ack(seq) from Nj do
//!     unacknowledged[j] := unacknowledged[j] - {(seq, m)}
//! ```
//!
//! In the crash-stop model a sender can't know that a receiver is gone, so it never gives up. What it costs is bounded: of
//! each receiver only the oldest [`WINDOW`] frames are sent again; the others follow as soon as these are acknowledged. What
//! is owed to a node that is gone stays in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::sequence::SequenceSet;
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::{Key, Packet, Payload};

/// A frame without an acknowledgement is sent again after this time.
pub const RETRY_FIRST_NS: Nanos = 25_000_000;
/// The pause between two retransmissions grows up to this: a tenth of the bound of the model.
pub const RETRY_MAX_NS: Nanos = 200_000_000;
/// So many frames for one receiver are sent again at a time.
pub const WINDOW: usize = 64;

const RETRY: u32 = 0;

/// Reliable links to every other node.
#[derive(Debug, Default)]
pub struct ReliableLinks {
    peers: BTreeMap<NodeId, Peer>,
    armed: bool,
}

#[derive(Debug, Default)]
struct Peer {
    seq: u64,
    unacknowledged: BTreeMap<u64, Frame>,
    received: SequenceSet,
}

#[derive(Debug)]
struct Frame {
    key: Key,
    body: Payload,
    due: Nanos,
    pause: Nanos,
    sent: u32,
}

/// The layer's message; an acknowledgement carries nothing.
#[derive(Serialize, Deserialize)]
struct Message<'a> {
    r#type: Type,
    seq: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    m: Option<&'a RawValue>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Data,
    Ack,
}

impl Layer for ReliableLinks {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        match to {
            To::Others => cx.others().for_each(|node| self.send(node, &packet, cx)),
            To::One(node) => self.send(node, &packet, cx),
        }
        self.arm(RETRY_FIRST_NS, cx);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        match packet.payload.read() {
            Some(Message { r#type: Type::Data, seq, m: Some(m) }) => {
                let ack = Message { r#type: Type::Ack, seq, m: None };
                cx.send(To::One(from), Packet { key: packet.key.ack(), payload: Payload::encode(&ack) });
                let new = self.peers.entry(from).or_default().received.insert(seq);
                if new || cx.bug(Bug::NoDeduplication) {
                    cx.deliver(from, Packet { key: packet.key.clone(), payload: Payload::from_wire(m) });
                }
            }
            Some(Message { r#type: Type::Ack, seq, .. }) => self.acknowledged(from, seq, cx),
            _ => {}
        }
    }

    fn timeout(&mut self, _: u32, cx: &mut Context<'_>) {
        self.armed = false;
        let mut next = None;
        for (node, peer) in &mut self.peers {
            let due = peer.send_again(*node, cx);
            next = next.into_iter().chain(due).min();
        }
        if let Some(next) = next {
            self.arm(next.saturating_sub(cx.now), cx);
        }
    }
}

impl ReliableLinks {
    fn send(&mut self, node: NodeId, packet: &Packet, cx: &mut Context<'_>) {
        let peer = self.peers.entry(node).or_default();
        let data = Message { r#type: Type::Data, seq: peer.seq, m: Some(packet.payload.raw()) };
        let body = Payload::encode(&data);
        let (key, due) = (packet.key.clone(), cx.now + RETRY_FIRST_NS);
        let frame = Frame { key: key.clone(), body: body.clone(), due, pause: RETRY_FIRST_NS, sent: 1 };
        peer.unacknowledged.insert(peer.seq, frame);
        peer.seq += 1;
        cx.send(To::One(node), Packet { key, payload: body });
    }

    fn acknowledged(&mut self, from: NodeId, seq: u64, cx: &Context<'_>) {
        let peer = self.peers.entry(from).or_default();
        let known = peer.unacknowledged.remove(&seq).is_some();
        assert!(known || !cx.bug(Bug::DiesOfSecondAck), "an acknowledgement of {seq} that nobody waits for");
    }

    fn arm(&mut self, after: Nanos, cx: &mut Context<'_>) {
        if !self.armed {
            self.armed = true;
            cx.timer(RETRY, after);
        }
    }
}

impl Peer {
    /// Sends again what is due; gives the time of the next retransmission.
    fn send_again(&mut self, node: NodeId, cx: &mut Context<'_>) -> Option<Nanos> {
        let mut next = None;
        for frame in self.unacknowledged.values_mut().take(WINDOW) {
            if cx.bug(Bug::RetryGivesUp) && frame.sent > 2 {
                continue;
            }
            if frame.due <= cx.now {
                frame.pause = (frame.pause * 2).min(RETRY_MAX_NS);
                frame.due = cx.now + frame.pause;
                frame.sent += 1;
                let payload = if cx.bug(Bug::RetryChangesMessage) { altered(&frame.body) } else { frame.body.clone() };
                cx.send(To::One(node), Packet { key: frame.key.clone(), payload });
            }
            next = next.into_iter().chain([frame.due]).min();
        }
        next
    }
}

/// The wrong bytes of the bug `retry-changes-message`.
fn altered(body: &Payload) -> Payload {
    let text = body.raw().get().replace("\"m\":{\"type\":\"send\",\"m\":", "\"m\":{\"type\":\"send\",\"m\":900000");
    serde_json::from_str::<&RawValue>(&text).map_or_else(|_| body.clone(), Payload::from_wire)
}
