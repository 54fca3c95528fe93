//! Pieces of the orders in which nodes broadcast and deliver: the messages that a witness names, with a few neighbours.
//!
//! A node may deliver millions of messages. Of each order only the last few are remembered, until a named one comes; then
//! they are kept, and a few that follow.

use std::collections::{BTreeSet, VecDeque};

use super::{Item, OrderOf};

/// So many neighbours are kept on each side of a named message.
const AROUND: usize = 2;
/// So many items of one order are kept in all.
const KEPT: usize = 32;

/// One order while it is read.
#[derive(Debug)]
pub struct Track {
    /// The node, as a position in the history's names.
    pub node: usize,
    /// Which of its orders.
    pub of: OrderOf,
    /// What is kept.
    pub items: Vec<Item>,
    recent: VecDeque<Item>,
    /// So many more are kept whatever they are.
    more: usize,
    count: u64,
}

impl Track {
    /// An order of which nothing was read yet.
    pub fn new(node: usize, of: OrderOf) -> Self {
        Self { node, of, items: Vec::new(), recent: VecDeque::with_capacity(AROUND + 1), more: 0, count: 0 }
    }

    /// Whether neighbours of a named message have yet to come.
    pub fn wants_more(&self) -> bool {
        self.more > 0
    }

    /// The next message in this order.
    pub fn take(&mut self, message: u64, named: &BTreeSet<u64>) {
        self.count += 1;
        let item = Item { position: self.count, message, named: named.contains(&message) };
        if self.items.len() >= KEPT {
            return;
        }
        if item.named {
            self.items.extend(self.recent.drain(..));
            self.items.push(item);
            self.more = AROUND;
        } else if self.more > 0 {
            self.more -= 1;
            self.items.push(item);
        } else {
            self.recent.push_back(item);
            if self.recent.len() > AROUND {
                self.recent.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_a_million_keeps_the_named_and_their_neighbours() {
        let mut track = Track::new(0, OrderOf::Deliveries);
        (1..=1_000_000).for_each(|message| track.take(message, &BTreeSet::from([500, 777_777])));
        let kept: Vec<u64> = track.items.iter().map(|item| item.position).collect();
        assert_eq!(kept, [498, 499, 500, 501, 502, 777_775, 777_776, 777_777, 777_778, 777_779]);
    }
}
