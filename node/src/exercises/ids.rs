//! Unique ids: a node makes them of its name, its life and a count, and asks nobody (Maelstrom's workload `unique-ids`).
//!
//! A life remembers nothing of an earlier one, so its number is a part of the id; without it the count would begin anew.

use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// A source of ids.
#[derive(Debug, Default)]
pub struct Ids {
    count: u64,
}

impl Layer for Ids {
    /// The number of the request; what else it says does not matter.
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let Some((number, _)) = cx.read::<(u64, &RawValue)>(cx.me(), &packet) else { return };
        self.count += 1;
        let (me, life, count) = (cx.me(), cx.identity.incarnation, self.count);
        let id = match () {
            () if cx.bug(Bug::IdsWithoutName) => format!("{life}-{count}"),
            () if cx.bug(Bug::IdsWithoutLife) => format!("{me}-{count}"),
            () => format!("{me}-{life}-{count}"),
        };
        cx.answer(number, ("id", Payload::encode(&id)));
    }

    fn receive(&mut self, _: NodeId, _: Packet, _: &mut Context<'_>) {}

    fn takes(&self, kind: &str) -> bool {
        kind == "generate"
    }
}
