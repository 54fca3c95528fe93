//! Eager reliable broadcast: the first time a node receives a message, it passes it on to every other node.
//!
//! Whoever delivers a message has passed it on over reliable links, so if a correct node delivers it, all do, whoever crashes.
//! The price is O(n^2) frames a broadcast. (Kleppmann, lectures, section "Broadcast algorithms", second attempt; Cachin,
//! Guerraoui and Rodrigues 2011, algorithm 3.3.)
//!
//! Where nodes come back after a crash, what is delivered is stored first, in a log that is delivered again at the start of the
//! next life: the log is what counts, not the event (Cachin, Guerraoui and Rodrigues 2011, 3.5, logged best-effort broadcast).
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
use crate::packet::{Key, Packet, Payload};

/// Eager reliable broadcast.
#[derive(Debug, Default)]
pub struct Eager {
    /// Whether it keeps a log on stable storage.
    logged: bool,
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

/// A message in the log.
#[derive(Serialize, Deserialize)]
struct Logged<'a> {
    sender: NodeId,
    seq: u64,
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    m: &'a RawValue,
}

impl Layer for Eager {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let (me, seq) = (cx.me(), self.send_seq);
        self.send_seq += 1;
        self.seen.entry(me).or_default().insert(seq);
        self.log((me, seq), &packet, cx);
        let relay = Relay { r#type: Type::Relay, sender: me, seq, m: packet.payload.raw() };
        cx.send(To::Others, Packet { key: packet.key.step("relay"), payload: Payload::encode(&relay) });
        if !cx.bug(Bug::ForgetsItself) {
            cx.deliver(me, packet);
        }
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Relay { sender, seq, m, .. }) = cx.read(from, &packet) else { return };
        let first = self.seen.entry(sender).or_default().insert(seq);
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        if first {
            self.log((sender, seq), &inner, cx);
            self.relay(&packet, cx);
        }
        if first || cx.bug(Bug::DeliversEveryCopy) {
            cx.deliver(sender, inner);
        }
    }

    /// Delivers the log again. The links below still have what was not acknowledged.
    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        for record in records {
            let logged: Logged<'_> = serde_json::from_slice(record).expect("a record is as this layer wrote it");
            self.seen.entry(logged.sender).or_default().insert(logged.seq);
            if logged.sender == cx.me() {
                self.send_seq = self.send_seq.max(logged.seq + 1);
            }
            cx.deliver(
                logged.sender,
                Packet { key: Key::from_wire(&logged.key), payload: Payload::from_wire(logged.m) },
            );
        }
    }

    fn is_logged(&self) -> bool {
        self.logged
    }
}

impl Eager {
    /// The same with a log on stable storage, for nodes that come back after a crash.
    pub fn logged() -> Self {
        Self { logged: true, ..Self::default() }
    }

    fn log(&self, (sender, seq): (NodeId, u64), packet: &Packet, cx: &mut Context<'_>) {
        if self.logged {
            let logged = Logged { sender, seq, key: packet.key.as_str().into(), m: packet.payload.raw() };
            cx.store(serde_json::to_vec(&logged).expect("a layer's records are plain data"));
        }
    }

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
