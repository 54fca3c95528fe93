//! The violations of one property: all of them counted, a few of them kept.
//!
//! They are kept by the sender of the message that they concern, because a promise may hold only for messages of senders
//! that lived, and who lived is known at the end. First violations are never crowded out by consequences of earlier ones.

use crate::op::Node;

/// How many violations of a property become witnesses.
pub const KEPT: usize = 10;

/// Whether a violation stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// It does.
    First,
    /// It follows from an earlier one.
    Consequence,
}

/// The violations of one property.
pub struct Tally<V> {
    /// By sender: 0 is nobody, n + 1 is node n.
    shelves: Vec<Shelf<V>>,
}

struct Shelf<V> {
    count: u64,
    firsts: Vec<(u64, V)>,
    rest: Vec<(u64, V)>,
}

impl<V> Tally<V> {
    /// No violations.
    pub fn new() -> Tally<V> {
        Tally { shelves: Vec::new() }
    }

    /// Notes a violation that concerns a message of `sender`, and keeps it if it is one of the first few in `order`.
    pub fn add(&mut self, sender: Option<Node>, (rank, order): (Rank, u64), violation: impl FnOnce() -> V) {
        let at = sender.map_or(0, |node| node.at() + 1);
        if at >= self.shelves.len() {
            self.shelves.resize_with(at + 1, Shelf::new);
        }
        let shelf = &mut self.shelves[at];
        shelf.count += 1;
        let kept = match rank {
            Rank::First => &mut shelf.firsts,
            Rank::Consequence => &mut shelf.rest,
        };
        if kept.len() < KEPT || kept.last().is_some_and(|(last, _)| order < *last) {
            let at = kept.partition_point(|(earlier, _)| *earlier <= order);
            kept.insert(at, (order, violation()));
            kept.truncate(KEPT);
        }
    }

    /// The kept violations that concern messages of this sender, to be completed.
    pub fn kept_mut(&mut self, sender: Node) -> impl Iterator<Item = &mut V> {
        let shelf = self.shelves.get_mut(sender.at() + 1);
        shelf.into_iter().flat_map(|s| s.firsts.iter_mut().chain(&mut s.rest)).map(|(_, v)| v)
    }

    /// Turns every kept violation into something else.
    pub fn map<W>(self, mut turn: impl FnMut(V) -> W) -> Tally<W> {
        let mut each = |kept: Vec<(u64, V)>| kept.into_iter().map(|(order, v)| (order, turn(v))).collect();
        let shelves = self.shelves.into_iter();
        let shelves = shelves.map(|s| Shelf { count: s.count, firsts: each(s.firsts), rest: each(s.rest) }).collect();
        Tally { shelves }
    }

    /// How many violations concern messages of the senders for which `counts` holds.
    pub fn count(&self, counts: impl Fn(Option<Node>) -> bool) -> u64 {
        let shelves = self.shelves.iter().enumerate();
        shelves.filter(|(at, _)| counts(sender(*at))).map(|(_, shelf)| shelf.count).sum()
    }

    /// The first few violations that concern messages of these senders, in their order, each with its sender: first ones
    /// before consequences where there is not room for both.
    pub fn into_kept(self, counts: impl Fn(Option<Node>) -> bool) -> Vec<(Option<Node>, V)> {
        let shelves = self.shelves.into_iter().enumerate().map(|(at, shelf)| (sender(at), shelf));
        let (mut kept, mut rest) = (Vec::new(), Vec::new());
        for (sender, shelf) in shelves.filter(|(sender, _)| counts(*sender)) {
            kept.extend(shelf.firsts.into_iter().map(|(order, v)| (order, (sender, v))));
            rest.extend(shelf.rest.into_iter().map(|(order, v)| (order, (sender, v))));
        }
        kept.sort_by_key(|(order, _)| *order);
        rest.sort_by_key(|(order, _)| *order);
        kept.truncate(KEPT);
        rest.truncate(KEPT - kept.len());
        kept.extend(rest);
        kept.sort_by_key(|(order, _)| *order);
        kept.into_iter().map(|(_, violation)| violation).collect()
    }
}

impl<V> Shelf<V> {
    fn new() -> Shelf<V> {
        Shelf { count: 0, firsts: Vec::new(), rest: Vec::new() }
    }
}

fn sender(shelf: usize) -> Option<Node> {
    shelf.checked_sub(1).map(|at| Node(at as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firsts_are_kept_before_consequences_and_everything_is_counted() {
        let mut tally = Tally::new();
        for order in 0..20 {
            tally.add(Some(Node(0)), (Rank::Consequence, order), || order);
        }
        tally.add(Some(Node(1)), (Rank::First, 15), || 100);
        tally.add(None, (Rank::First, 3), || 200);
        tally.add(Some(Node(1)), (Rank::First, 14), || 99);
        assert_eq!(tally.count(|_| true), 23);
        assert_eq!(tally.count(|sender| sender == Some(Node(0))), 20);
        let kept: Vec<u64> = tally.into_kept(|_| true).into_iter().map(|(_, v)| v).collect();
        assert_eq!(kept, [0, 1, 2, 200, 3, 4, 5, 6, 99, 100]);
    }
}
