//! The shelf: keeps what the broadcast below delivers, for whoever reads it (Maelstrom's workload `broadcast`).
//!
//! ```text
//! on request to broadcast m do
//!     broadcast m by the layer below
//! on delivery of m by the layer below do
//!     shelf := shelf ∪ {m}
//! on read do
//!     answer shelf
//! ```

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// So many messages a page holds, where only one is read.
const PAGE: usize = 4;

/// The shelf of a node.
#[derive(Debug, Default)]
pub struct Shelf {
    /// In the order of their deliveries.
    messages: Vec<u64>,
    bug: Option<Bug>,
}

impl Layer for Shelf {
    fn start(&mut self, cx: &mut Context<'_>) {
        self.bug = cx.identity.bug;
    }

    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        if cx.bug(Bug::ShelvesOwnTwice) {
            self.messages.extend(cx.read::<u64>(cx.me(), &packet));
        }
        cx.send(to, packet);
    }

    fn receive(&mut self, from: NodeId, packet: Packet, cx: &mut Context<'_>) {
        self.messages.extend(cx.read::<u64>(from, &packet));
        cx.deliver(from, packet);
    }

    fn read(&self) -> Option<(&'static str, Payload)> {
        let mut messages = self.messages.clone();
        match self.bug {
            Some(Bug::ReadsOnePage) => messages.truncate(PAGE),
            Some(Bug::KeepsSentinel) => messages.insert(0, 0),
            _ => {}
        }
        Some(("messages", Payload::encode(&messages)))
    }
}
