//! Echo: a node answers what it was told (Maelstrom's workload `echo`).

use serde_json::value::RawValue;

use crate::bugs::Bug;
use crate::id::NodeId;
use crate::layer::{Context, Layer, To};
use crate::packet::{Packet, Payload};

/// An echo.
#[derive(Debug, Default)]
pub struct Echo {
    /// What was said last.
    last: Option<Payload>,
}

impl Layer for Echo {
    /// The number of the request, and what is said.
    fn request(&mut self, _: To, packet: Packet, cx: &mut Context<'_>) {
        let Some((number, said)) = cx.read::<(u64, &RawValue)>(cx.me(), &packet) else { return };
        let said = Payload::from_wire(said);
        let last = self.last.replace(said.clone()).unwrap_or_else(|| said.clone());
        let stale = cx.bug(Bug::EchoesTheLast) && last.raw().get().len() == said.raw().get().len();
        cx.answer(number, ("echo", if stale { last } else { said }));
    }

    fn receive(&mut self, _: NodeId, _: Packet, _: &mut Context<'_>) {}

    fn takes(&self, kind: &str) -> bool {
        kind == "echo"
    }
}
