//! What a diagram says below its rows: the orders side by side, and who has a message at the end.

use std::collections::BTreeMap;

use super::super::evidence::What;
use super::super::orders::Track;
use super::super::{Arrangement, Holders, Item, Order, OrderOf, messages_of, passage};
use super::{Origin, Scene};
use crate::words::listed;

/// Of so many nodes that lack a message it is said who sent it to them.
const TRIED_MAX: usize = 4;

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
            holders.tried = self.tried(*message, &holders);
            holders
        };
        messages.iter().map(holders).collect()
    }

    /// For each node that lacks a message: who sent it there, and who has it and did not.
    fn tried(&self, message: u64, holders: &Holders) -> Vec<String> {
        let known = self.frames.arrived.keys().chain(self.frames.lost.keys()).any(|(sent, _)| *sent == message);
        let nodes = &self.evidence.nodes;
        let lacking = (0..nodes.len()).filter(|node| known && holders.lacks.contains(&nodes[*node]));
        let told = |to: usize| {
            let mut sent: BTreeMap<usize, (usize, u64)> = BTreeMap::new();
            for frame in self.frames.arrived.get(&(message, to)).into_iter().flatten() {
                sent.entry(frame.from).or_default().0 += 1;
            }
            for lost in self.frames.lost.get(&(message, to)).into_iter().flatten() {
                sent.entry(lost.first.from).or_default().1 += lost.count;
            }
            let by = |(from, (arrived, lost)): (&usize, &(usize, u64))| match (arrived, lost) {
                (0, lost) => format!("{} ({lost} lost)", nodes[*from]),
                (_, 0) => format!("{} (arrived)", nodes[*from]),
                (_, lost) => format!("{} (arrived, {lost} lost before)", nodes[*from]),
            };
            let by: Vec<String> = sent.iter().map(by).collect();
            let silent = (0..nodes.len()).filter(|node| !sent.contains_key(node) && *node != to);
            let silent = silent.filter(|node| holders.has.contains(&nodes[*node])).map(|node| nodes[node].as_str());
            let silent = listed(silent);
            let by = if by.is_empty() { "by nobody".to_owned() } else { format!("by {}", by.join(", ")) };
            let not = if silent.is_empty() { String::new() } else { format!(", not by {silent}") };
            format!("to {} {by}{not}", nodes[to])
        };
        lacking.take(TRIED_MAX).map(told).collect()
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
