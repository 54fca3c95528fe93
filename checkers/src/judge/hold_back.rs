//! The hold-back queues: deliveries whose broadcast has not been read yet.
//!
//! The lines of different nodes race through different pipes, so a delivery may stand before its broadcast. Such a delivery
//! waits, and with it the later deliveries of its node, until the broadcast comes or the file ends. Broadcasts themselves
//! never wait: their order at the sender is the order of the sender's own lines. Hence what a checker hears of a node is its
//! deliveries in its own order, each with its message's place known, for any interleaving of the same lines.
//!
//! The wait is bounded, because a broken node may deliver what nobody ever broadcasts: [`LONGEST`] lines, thousands of times
//! what a pipe can hold.

use std::collections::VecDeque;

use crate::ledger::faults::Moment;
use crate::op::{Message, Node};

/// The most lines of one node that wait.
pub const LONGEST: usize = 32_768;

/// A line that waits.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// A delivery.
    Delivery(Message, Moment),
    /// A later life begins.
    Restart,
}

/// One queue a node.
#[derive(Default)]
pub struct HoldBack {
    queues: Vec<VecDeque<Held>>,
    waiting: usize,
}

impl HoldBack {
    /// Whether anything of this node waits, so that its next line must too.
    #[inline]
    pub fn holds(&self, node: Node) -> bool {
        self.waiting > 0 && self.queues.get(node.at()).is_some_and(|queue| !queue.is_empty())
    }

    /// Lets a line wait.
    pub fn push(&mut self, node: Node, held: Held) {
        if node.at() >= self.queues.len() {
            self.queues.resize_with(node.at() + 1, VecDeque::new);
        }
        self.waiting += 1;
        self.queues[node.at()].push_back(held);
    }

    /// The first line of this node that waits.
    pub fn first(&self, node: Node) -> Option<Held> {
        self.queues.get(node.at())?.front().copied()
    }

    /// Whether more of this node waits than may.
    pub fn overfull(&self, node: Node) -> bool {
        self.queues[node.at()].len() > LONGEST
    }

    /// The nodes whose first line that waits is a delivery of this message.
    pub fn awaiting(&self, message: Message) -> Vec<Node> {
        if self.waiting == 0 {
            return Vec::new();
        }
        let waits = |node: &Node| matches!(self.first(*node), Some(Held::Delivery(first, _)) if first == message);
        self.nodes().into_iter().filter(waits).collect()
    }

    /// Takes it out.
    pub fn pop(&mut self, node: Node) {
        self.waiting -= usize::from(self.queues[node.at()].pop_front().is_some());
    }

    /// The nodes of which something waits.
    pub fn nodes(&self) -> Vec<Node> {
        let held = self.queues.iter().enumerate().filter(|(_, queue)| !queue.is_empty());
        held.map(|(at, _)| Node(at as u16)).collect()
    }
}
