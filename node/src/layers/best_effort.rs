//! Best-effort broadcast: send the message to every other node once, over whatever links there are below.
//!
//! Over fair-loss links this is the algorithm `best-effort`; over reliable links it is the lectures' first attempt at
//! reliable broadcast (`retransmit`): if the sender crashes half-way, some nodes deliver and others never do.
//! (Kleppmann, lectures, section "Broadcast algorithms", first attempt; Cachin, Guerraoui and Rodrigues 2011, algorithm 3.1.)
//!
//! ```text
//! on request to broadcast m at node Ni do
//!     send m to every other node; deliver m
//! on receiving m do
//!     deliver m
//! ```

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// Best-effort broadcast.
#[derive(Debug, Default)]
pub struct BestEffort {
    /// How many broadcasts were asked for.
    asked: u64,
}

/// The layer's message.
#[derive(Serialize, Deserialize)]
struct Send<'a> {
    r#type: Type,
    #[serde(borrow)]
    m: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Send,
}

impl Layer for BestEffort {
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        self.asked += 1;
        let third = self.asked.is_multiple_of(3);
        if third && cx.bug(Bug::AcknowledgedAndIgnored) {
            return;
        }
        let mut sent = packet.clone();
        if third && cx.bug(Bug::WrongNumber) {
            sent.payload = Payload::encode(&(900_000_000 + self.asked));
        }
        cx.send(To::Others, packet.carrying(&Send { r#type: Type::Send, m: sent.payload.raw() }));
        let me = cx.me();
        cx.deliver(me, packet);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Send { m, .. }) = cx.read(from, &packet) else { return };
        let payload = Payload::from_wire(m);
        cx.deliver(from, Packet { key: packet.key, payload });
    }
}
