//! Uniform reliable broadcast: a message is delivered when a majority is known to have it.
//!
//! Everybody passes on every message once, as in eager broadcast, and counts from whom it has come. Whoever delivers knows that a
//! majority has passed the message on, and in each majority somebody lives: so if any node delivers it, even one that crashes
//! right after, all correct nodes do. (Cachin, Guerraoui and Rodrigues 2011, section 3.4.3, algorithm 3.5, "majority-ack uniform
//! reliable broadcast", without the failure detector; over Kleppmann's second attempt, lectures, "Broadcast algorithms".)
//!
//! ```text
//! on initialisation do
//!     pending := {}; delivered := {}; ack[m] := {} for all m
//! on request to broadcast m at node Ni do
//!     pending := pending ∪ {(i, sendSeq, m)}; ack[(i, sendSeq)] := {i}
//!     send (i, sendSeq, m) to every other node; sendSeq := sendSeq + 1
//! on receiving (sender, seq, m) from Nj do
//!     ack[(sender, seq)] := ack[(sender, seq)] ∪ {j}
//!     if (sender, seq) ∉ pending then
//!         pending := pending ∪ {(sender, seq, m)}; ack[(sender, seq)] := ack[(sender, seq)] ∪ {i}
//!         send (sender, seq, m) to every other node
//! whenever ∃(sender, seq, m) ∈ pending - delivered such that |ack[(sender, seq)]| > N/2 do
//!     delivered := delivered ∪ {(sender, seq, m)}; deliver m
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::sequence::SequenceSet;
use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Uniform reliable broadcast.
#[derive(Debug, Default)]
pub struct EagerUniform {
    send_seq: u64,
    /// What has been passed on.
    seen: BTreeMap<NodeId, SequenceSet>,
    /// What has been passed on and not delivered.
    pending: BTreeMap<(NodeId, u64), Pending>,
}

#[derive(Debug)]
struct Pending {
    packet: Packet,
    ack: BTreeSet<NodeId>,
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

impl Layer for EagerUniform {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let (sender, seq) = (cx.me(), self.send_seq);
        self.send_seq += 1;
        let relay = Relay { r#type: Type::Relay, sender, seq, m: packet.payload.raw() };
        let relay = Packet { key: packet.key.step("relay"), payload: Payload::encode(&relay) };
        self.take((sender, seq), (relay, packet), cx);
        self.deliver_if_safe((sender, seq), cx);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Relay { sender, seq, m, .. }) = cx.read(from, &packet) else { return };
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        self.take((sender, seq), (packet.clone(), inner), cx);
        if let Some(pending) = self.pending.get_mut(&(sender, seq)) {
            pending.ack.insert(from);
        }
        self.deliver_if_safe((sender, seq), cx);
    }
}

impl EagerUniform {
    /// The first time that a message is seen it is passed on, and waits.
    fn take(&mut self, (sender, seq): (NodeId, u64), (relay, packet): (Packet, Packet), cx: &mut Context<'_>) {
        if self.seen.entry(sender).or_default().insert(seq) {
            cx.send(To::Others, relay);
            self.pending.insert((sender, seq), Pending { packet, ack: BTreeSet::from([cx.me()]) });
        }
    }

    /// Delivers a message that a majority has; acknowledgements that come later change nothing.
    fn deliver_if_safe(&mut self, name: (NodeId, u64), cx: &mut Context<'_>) {
        let nodes = cx.identity.nodes.len();
        let Some(pending) = self.pending.get(&name) else { return };
        let mut acks = pending.ack.len();
        if cx.bug(Bug::CountsItselfTwice) {
            acks += 1;
        }
        if 2 * acks > nodes || cx.bug(Bug::DeliversWithoutMajority) {
            let pending = self.pending.remove(&name).expect("it was just there");
            cx.deliver(name.0, pending.packet);
        }
    }
}
