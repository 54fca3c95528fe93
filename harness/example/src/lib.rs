//! FIFO broadcast of one's own: each message carries its number, and a receiver holds back what comes too early.
//!
//! It stands for whatever algorithm a project has. It is a [`Layer`], which is all that temblor needs to run it in virtual time; `main.rs`
//! makes a program of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use temblor_node::id::NodeId;
use temblor_node::layer::{Context, Layer, To};
use temblor_node::layers::eager::Eager;
use temblor_node::layers::reliable_links::ReliableLinks;
use temblor_node::packet::{Packet, Payload};

/// The layers of a node, the top one first: ours, over eager broadcast and reliable links from the shelf.
pub fn layers() -> Vec<Box<dyn Layer>> {
    vec![Box::new(Numbered::default()), Box::new(Eager::default()), Box::new(ReliableLinks::default())]
}

/// The same with a mistake that is easily made: the number is sent, and nobody looks at it.
pub fn hasty_layers() -> Vec<Box<dyn Layer>> {
    let hasty = Numbered { hasty: true, ..Numbered::default() };
    vec![Box::new(hasty), Box::new(Eager::default()), Box::new(ReliableLinks::default())]
}

/// FIFO order by numbers.
#[derive(Debug, Default)]
pub struct Numbered {
    hasty: bool,
    sent: u64,
    /// By sender: the number that is next.
    next: BTreeMap<NodeId, u64>,
    /// What came too early.
    early: BTreeMap<(NodeId, u64), Packet>,
}

/// The layer's message: a number, and what the application sent.
#[derive(Serialize, Deserialize)]
struct Message<'a> {
    number: u64,
    #[serde(borrow)]
    m: &'a RawValue,
}

impl Layer for Numbered {
    fn request(&mut self, to: To, packet: Packet, cx: &mut Context<'_>) {
        let message = Message { number: self.sent, m: packet.payload.raw() };
        self.sent += 1;
        cx.send(to, packet.carrying(&message));
    }

    fn receive(&mut self, sender: NodeId, packet: Packet, cx: &mut Context<'_>) {
        let Some(Message { number, m }) = cx.read(sender, &packet) else { return };
        let inner = Packet { key: packet.key.clone(), payload: Payload::from_wire(m) };
        if self.hasty {
            return cx.deliver(sender, inner);
        }
        self.early.insert((sender, number), inner);
        let next = self.next.entry(sender).or_default();
        while let Some(inner) = self.early.remove(&(sender, *next)) {
            *next += 1;
            cx.deliver(sender, inner);
        }
    }
}
