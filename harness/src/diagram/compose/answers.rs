//! What a diagram says below its rows: the orders side by side, and who has a message at the end.

use super::super::evidence::What;
use super::super::orders::Track;
use super::super::{Arrangement, Holders, Item, Order, OrderOf, messages_of, passage};
use super::{Origin, Scene};

impl Scene<'_> {
    pub(super) fn orders(&self) -> Vec<Order> {
        if !self.is_about_order() {
            return Vec::new();
        }
        let broadcasts = |of: OrderOf| of == OrderOf::Broadcasts;
        let several = |items: &[Item]| items.iter().filter(|item| item.named).count() > 1;
        let tracks = self.evidence.tracks.iter().filter(|track| !broadcasts(track.of) || several(&track.items));
        let order = |track: &Track| Order {
            node: self.evidence.nodes[track.node].clone(),
            of: track.of,
            items: track.items.clone(),
        };
        let mut orders: Vec<Order> = tracks.map(order).collect();
        orders.sort_by_key(|order| !broadcasts(order.of));
        orders
    }

    pub(super) fn arrangement(&self) -> Arrangement {
        let shared = ["total-order", "uniform-total-order", "one-order", "gap-free-order"].contains(&self.property);
        if shared && self.witness.shape != "cycle" { Arrangement::Positions } else { Arrangement::Rows }
    }

    /// Whether what is wrong is an order: then more than one message is named.
    fn is_about_order(&self) -> bool {
        messages_of(self.witness).len() > 1 && !self.is_about_liveness()
    }

    pub(super) fn is_about_liveness(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry.origin, Origin::Op(op) if self.evidence.seen[op].what == What::Drained))
    }

    pub(super) fn holders(&self) -> Vec<Holders> {
        let messages = if self.is_about_liveness() { self.witness.messages.as_slice() } else { &[] };
        let holders = |message: &u64| {
            let mut holders = Holders { message: *message, ..Holders::default() };
            for (node, name) in self.evidence.nodes.iter().enumerate() {
                let has = passage::deliveries(self.evidence, *message, node).next().is_some();
                let list = match (has, self.is_down(node)) {
                    (true, false) => &mut holders.has,
                    (true, true) => &mut holders.had,
                    (false, true) => &mut holders.down,
                    (false, false) => &mut holders.lacks,
                };
                list.push(name.clone());
            }
            holders
        };
        messages.iter().map(holders).collect()
    }

    /// Whether a node is down where the reading ended.
    pub(super) fn is_down(&self, node: usize) -> bool {
        let lives = self.evidence.seen.iter().rev().filter(|seen| seen.node == Some(node));
        let mut ends = lives.filter_map(|seen| match seen.what {
            What::Exits(_) => Some(true),
            What::Starts(_) => Some(false),
            _ => None,
        });
        ends.next().unwrap_or(false)
    }
}
