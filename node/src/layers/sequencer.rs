//! Total order broadcast with a single leader: one node decides the order, and everybody delivers in it.
//!
//! A sender hands its message to the leader, which gives it the next number and sends it to all. Over reliable links the senders'
//! messages may overtake each other on the way to the leader: `total-sequencer`, total order and no more. Over FIFO links they
//! don't, and the order is FIFO-total: `fifo-total`. The leader is the first node of the cluster, for good: if it crashes, nothing
//! is delivered any more. (Kleppmann, lectures, section "Broadcast algorithms", total order broadcast, "single leader approach";
//! Défago, Schiper and Urbán 2004, fixed sequencer.)
//!
//! ```text
//! on request to broadcast m at node Ni do
//!     send submit(m) to the leader
//! on receiving submit(m) from Nj at the leader do
//!     send order(next, j, m) to every node; next := next + 1
//! on receiving order(number, sender, m) do
//!     buffer := buffer ∪ {(number, sender, m)}
//!     while ∃(number, sender, m) ∈ buffer such that number = delivered do
//!         deliver m; delivered := delivered + 1; buffer := buffer - {(number, sender, m)}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::indication::Indication;
use crate::layer::{Context, Layer, Nanos, To};
use crate::packet::{Packet, Payload};

/// The only term: the leader never changes.
const TERM: u64 = 1;
/// The bug `reorders-after-silence` takes so long without a word from the leader for a reconnect, ns.
const SILENCE_NS: Nanos = 100_000_000;

/// Total order broadcast with a fixed leader.
#[derive(Debug, Default)]
pub struct Sequencer {
    /// At the leader: the number of the next message.
    next: u64,
    /// How many messages were delivered.
    delivered: u64,
    buffer: BTreeMap<u64, (NodeId, Packet)>,
    /// What the bugs go by: when the leader was last heard, and how often it had been silent.
    heard: Nanos,
    silences: u32,
}

/// The layer's messages: `submit` carries the message alone, `order` its number and its sender too.
#[derive(Serialize, Deserialize)]
struct Message<'a> {
    r#type: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender: Option<NodeId>,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Submit,
    Order,
}

impl Layer for Sequencer {
    fn start(&mut self, cx: &mut Context<'_>) {
        let usurper = cx.bug(Bug::SecondLeader) && cx.identity.nodes.get(1) == Some(&cx.me());
        if leads(cx) || usurper {
            cx.indicate(Indication::Leader { term: TERM });
        } else {
            cx.indicate(Indication::Follows { term: TERM, leader: leader(cx) });
        }
    }

    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        if leads(cx) {
            return self.order(cx.me(), packet, cx);
        }
        if cx.bug(Bug::DeliversOwnAtOnce) {
            cx.deliver(cx.me(), packet.clone());
        }
        let submit = Message { r#type: Type::Submit, number: None, sender: None, m: packet.payload.raw() };
        cx.send(To::One(leader(cx)), Packet { key: packet.key.step("submit"), payload: Payload::encode(&submit) });
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Message { r#type, number, sender, m }) = cx.read(from, &packet) else { return };
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        match (r#type, number, sender) {
            (Type::Submit, ..) if leads(cx) => self.order(from, inner, cx),
            (Type::Order, Some(number), Some(sender)) => {
                self.listen(cx);
                self.ordered(number, (sender, inner), cx);
            }
            _ => cx.complain(format!("{from} sent an order without a number, or a message to the wrong leader")),
        }
    }
}

impl Sequencer {
    /// The leader gives a message its number.
    fn order(&mut self, sender: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let number = if cx.bug(Bug::OneNumberForTwo) { self.next - self.next / 3 } else { self.next };
        self.next += 1;
        let order =
            Message { r#type: Type::Order, number: Some(number), sender: Some(sender), m: packet.payload.raw() };
        let order = Packet { key: packet.key.step("order"), payload: Payload::encode(&order) };
        cx.send(To::Others, order);
        self.ordered(number, (sender, packet.clone()), cx);
        if cx.bug(Bug::OrdersTwice) && number % 3 == 2 {
            self.order(sender, packet, cx);
        }
    }

    /// A message has its number: it is delivered when all before it were.
    fn ordered(&mut self, number: u64, (sender, packet): (NodeId, Packet), cx: &mut Context<'_>) {
        self.buffer.insert(number, (sender, packet));
        if self.ignores_order(cx) {
            self.release_all(cx);
        }
        while let Some((sender, packet)) = self.buffer.remove(&self.delivered) {
            self.delivered += 1;
            self.deliver(sender, packet, cx);
        }
    }

    fn deliver(&self, sender: NodeId, packet: Packet, cx: &mut Context<'_>) {
        if cx.bug(Bug::DeliversOwnAtOnce) && sender == cx.me() && !leads(cx) {
            return;
        }
        cx.deliver(sender, packet);
    }

    /// When a bug gives up the order.
    fn ignores_order(&self, cx: &Context<'_>) -> bool {
        let follower = !leads(cx);
        cx.bug(Bug::FollowerIgnoresNumbers) && follower
            || cx.bug(Bug::LeaksAfterGap) && self.buffer.len() >= 3
            || cx.bug(Bug::WrongAtThirdSilence) && self.silences >= 3
            || cx.bug(Bug::ReordersAfterSilence) && self.silences >= 1 && self.buffer.len() >= 2
    }

    /// What the bugs do: everything that is there is delivered, the newest first, and what was before it is given up.
    fn release_all(&mut self, cx: &mut Context<'_>) {
        self.silences = if cx.bug(Bug::ReordersAfterSilence) { 0 } else { self.silences };
        for (number, (sender, packet)) in std::mem::take(&mut self.buffer).into_iter().rev() {
            self.delivered = self.delivered.max(number + 1);
            self.deliver(sender, packet, cx);
        }
    }

    /// The leader is heard; for the bugs that go by how long it had not been.
    fn listen(&mut self, cx: &Context<'_>) {
        self.silences += u32::from(cx.now.saturating_sub(self.heard) > SILENCE_NS && self.heard > 0);
        self.heard = cx.now;
    }
}

fn leader(cx: &Context<'_>) -> NodeId {
    cx.identity.nodes[0]
}

fn leads(cx: &Context<'_>) -> bool {
    leader(cx) == cx.me()
}
