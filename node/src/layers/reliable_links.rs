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
//! In the crash-stop model a sender can't know that a receiver is gone, so it never gives up. The traffic that this costs is
//! bounded: at most [`WINDOW`] frames for each receiver are being sent again at a time, the oldest first. Each
//! acknowledgement of one of them lets the next overdue frame go at once, so that after a long partition the backlog leaves
//! as fast as the receiver acknowledges, and not at the pace of the time-outs. What is owed to a node that is gone stays in
//! memory: about 300 bytes a frame, its text included.
//!
//! Numbers begin at 0 in each life of a node. In the crash-stop model nobody has a second life; if one comes all the same,
//! what it sends is acknowledged and taken for copies.
//!
//! Durable links go on where they were after a crash: a frame is stored before it is sent, and that it was received before it is
//! acknowledged. What a step stores, it stores whole or not at all, so a frame counts as received only together with what the
//! layer above has made of it. (Cachin, Guerraoui and Rodrigues 2011, 2.4.4, logged perfect links.)

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

/// A log of fewer records is not compacted.
const COMPACT_MIN: u64 = 1_000;

const RETRY: u32 = 0;

/// Reliable links to every other node.
#[derive(Debug, Default)]
pub struct ReliableLinks {
    /// Where they are durable: how many records there are.
    stored: Option<u64>,
    peers: BTreeMap<NodeId, Peer>,
    /// When the timer is set for.
    armed: Option<Nanos>,
}

#[derive(Debug, Default)]
struct Peer {
    /// The number of the next frame.
    seq: u64,
    /// By number, and so in the order of their first sending.
    unacknowledged: BTreeMap<u64, Frame>,
    /// Frames below this number have been sent again, or acknowledged before that was necessary.
    retried_to: u64,
    /// How many frames below `retried_to` are unacknowledged; at most [`WINDOW`].
    retrying: usize,
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

/// What is on stable storage of a link.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// A frame, until it is acknowledged.
    Sent { to: NodeId, seq: u64, key: String, body: Box<RawValue> },
    /// It was acknowledged. If that is lost, the frame is sent once more.
    Acknowledged { to: NodeId, seq: u64 },
    /// A frame was received.
    Received { from: NodeId, seq: u64 },
    /// A link, where the log was compacted: the next number, and the numbers that were received.
    Link { with: NodeId, seq: u64, received: SequenceSet },
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
        self.arm(cx.now + RETRY_FIRST_NS, cx);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        match cx.read(from, &packet) {
            Some(Message { r#type: Type::Data, seq, m: Some(m) }) => {
                let ack = Message { r#type: Type::Ack, seq, m: None };
                cx.send(To::One(from), Packet { key: packet.key.ack(), payload: Payload::encode(&ack) });
                let new = self.peers.entry(from).or_default().received.insert(seq);
                if new {
                    self.store(&Record::Received { from, seq }, cx);
                }
                if new || cx.bug(Bug::NoDeduplication) {
                    cx.deliver(from, Packet { key: packet.key.clone(), payload: Payload::from_wire(m) });
                }
            }
            Some(Message { r#type: Type::Ack, seq, .. }) => self.acknowledged(from, seq, cx),
            Some(Message { r#type: Type::Data, m: None, .. }) => cx.complain(format!("{from} sent data without data")),
            None => {}
        }
    }

    fn timeout(&mut self, _: u32, cx: &mut Context<'_>) {
        self.armed = None;
        for (node, peer) in &mut self.peers {
            peer.send_again(*node, cx);
        }
        if let Some(next) = self.peers.values().filter_map(|peer| peer.next_due(cx)).min() {
            self.arm(next, cx);
        }
    }

    fn recover(&mut self, records: &[Vec<u8>], cx: &mut Context<'_>) {
        self.stored = Some(records.len() as u64);
        for record in records {
            self.restore(serde_json::from_slice(record).expect("a record is as this layer wrote it"), cx);
        }
        self.arm(cx.now + RETRY_FIRST_NS, cx);
    }
}

impl ReliableLinks {
    /// Links that go on after a crash.
    pub fn durable() -> Self {
        Self { stored: Some(0), ..Self::default() }
    }

    fn restore(&mut self, record: Record, cx: &Context<'_>) {
        match record {
            Record::Sent { to, seq, key, body } => {
                let peer = self.peers.entry(to).or_default();
                let (key, body) = (Key::from_wire(&key), Payload::from_wire(&body));
                let due = cx.now + RETRY_FIRST_NS;
                peer.unacknowledged.insert(seq, Frame { key, body, due, pause: RETRY_FIRST_NS, sent: 1 });
                peer.seq = peer.seq.max(seq + 1);
            }
            Record::Acknowledged { to, seq } => {
                self.peers.entry(to).or_default().unacknowledged.remove(&seq);
            }
            Record::Received { from, seq } => {
                self.peers.entry(from).or_default().received.insert(seq);
            }
            Record::Link { with, seq, received } => {
                let peer = self.peers.entry(with).or_default();
                (peer.seq, peer.received) = (seq, received);
            }
        }
    }

    fn store(&mut self, record: &Record, cx: &mut Context<'_>) {
        let Some(stored) = &mut self.stored else { return };
        *stored += 1;
        let bytes = serde_json::to_vec(record).expect("a layer's records are plain data");
        match record {
            Record::Acknowledged { .. } => cx.store_lazily(bytes),
            _ => cx.store(bytes),
        }
        self.compact(cx);
    }

    /// Writes the log anew once most of it is done with.
    fn compact(&mut self, cx: &mut Context<'_>) {
        let live: usize = self.peers.values().map(|peer| 1 + peer.unacknowledged.len()).sum();
        if self.stored.is_none_or(|stored| stored < COMPACT_MIN.max(4 * live as u64)) {
            return;
        }
        let links = self.peers.iter().flat_map(|(with, peer)| peer.records(*with));
        let records: Vec<Vec<u8>> =
            links.map(|record| serde_json::to_vec(&record).expect("a layer's records are plain data")).collect();
        self.stored = Some(records.len() as u64);
        cx.rewrite(records);
    }

    fn send(&mut self, node: NodeId, packet: &Packet, cx: &mut Context<'_>) {
        let peer = self.peers.entry(node).or_default();
        let data = Message { r#type: Type::Data, seq: peer.seq, m: Some(packet.payload.raw()) };
        let body = Payload::encode(&data);
        let (key, due) = (packet.key.clone(), cx.now + RETRY_FIRST_NS);
        let frame = Frame { key: key.clone(), body: body.clone(), due, pause: RETRY_FIRST_NS, sent: 1 };
        let seq = peer.seq;
        peer.unacknowledged.insert(seq, frame);
        peer.seq += 1;
        if self.stored.is_some() {
            let (key, body) = (key.as_str().to_owned(), body.raw().to_owned());
            self.store(&Record::Sent { to: node, seq, key, body }, cx);
        }
        cx.send(To::One(node), Packet { key, payload: body });
    }

    fn acknowledged(&mut self, from: NodeId, seq: u64, cx: &mut Context<'_>) {
        let peer = self.peers.entry(from).or_default();
        let known = peer.unacknowledged.remove(&seq).is_some();
        assert!(known || !cx.bug(Bug::DiesOfSecondAck), "an acknowledgement of {seq} that nobody waits for");
        if known {
            self.store(&Record::Acknowledged { to: from, seq }, cx);
        }
        let peer = self.peers.entry(from).or_default();
        if known && seq < peer.retried_to {
            peer.retrying -= 1;
            peer.widen(from, cx);
            if let Some(next) = peer.next_due(cx) {
                self.arm(next, cx);
            }
        }
    }

    /// Sets the timer, unless it is set for an earlier time.
    fn arm(&mut self, at: Nanos, cx: &mut Context<'_>) {
        if self.armed.is_none_or(|armed| at < armed) {
            self.armed = Some(at);
            cx.timer(RETRY, at.saturating_sub(cx.now));
        }
    }
}

impl Peer {
    /// All that has to be on stable storage of a link.
    fn records(&self, with: NodeId) -> Vec<Record> {
        let link = Record::Link { with, seq: self.seq, received: self.received.clone() };
        let sent = |(seq, frame): (&u64, &Frame)| {
            let (key, body) = (frame.key.as_str().to_owned(), frame.body.raw().to_owned());
            Record::Sent { to: with, seq: *seq, key, body }
        };
        [link].into_iter().chain(self.unacknowledged.iter().map(sent)).collect()
    }

    /// Sends again what is due.
    fn send_again(&mut self, node: NodeId, cx: &mut Context<'_>) {
        for frame in self.unacknowledged.range_mut(..self.retried_to).map(|(_, frame)| frame) {
            if frame.due <= cx.now && frame.is_retried(cx) {
                frame.send_again(node, cx);
            }
        }
        self.widen(node, cx);
    }

    /// Sends overdue frames again that have been sent only once, as far as the window allows.
    fn widen(&mut self, node: NodeId, cx: &mut Context<'_>) {
        while self.retrying < WINDOW {
            let next = self.unacknowledged.range_mut(self.retried_to..).next();
            let Some((seq, frame)) = next.filter(|(_, frame)| frame.due <= cx.now) else { return };
            frame.send_again(node, cx);
            self.retried_to = seq + 1;
            self.retrying += 1;
        }
    }

    /// When something is to be sent again.
    fn next_due(&self, cx: &Context<'_>) -> Option<Nanos> {
        let retrying = self.unacknowledged.range(..self.retried_to).filter(|(_, frame)| frame.is_retried(cx));
        let waiting = self.unacknowledged.range(self.retried_to..).take(usize::from(self.retrying < WINDOW));
        retrying.chain(waiting).map(|(_, frame)| frame.due).min()
    }
}

impl Frame {
    /// Sends the frame again, and the next time after a longer pause.
    fn send_again(&mut self, node: NodeId, cx: &mut Context<'_>) {
        self.pause = (self.pause * 2).min(RETRY_MAX_NS);
        self.due = cx.now + self.pause;
        self.sent += 1;
        let payload = if cx.bug(Bug::RetryChangesMessage) { altered(&self.body) } else { self.body.clone() };
        cx.send(To::One(node), Packet { key: self.key.clone(), payload });
    }

    /// Always, but for the bug.
    fn is_retried(&self, cx: &Context<'_>) -> bool {
        self.sent < 3 || !cx.bug(Bug::RetryGivesUp)
    }
}

/// The wrong bytes of the bug `retry-changes-message`.
fn altered(body: &Payload) -> Payload {
    let text = body.raw().get().replace("\"m\":{\"type\":\"send\",\"m\":", "\"m\":{\"type\":\"send\",\"m\":900000");
    serde_json::from_str::<&RawValue>(&text).map_or_else(|_| body.clone(), Payload::from_wire)
}
