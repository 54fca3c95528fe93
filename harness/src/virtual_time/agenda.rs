//! The agenda: what happens next in virtual time.
//!
//! What falls on one instant happens in the order of a hash of the seed and of what it is. Ties are explored from seed to
//! seed, and not decided by the order in which they were entered.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Events by their times.
#[derive(Debug)]
pub struct Agenda<E> {
    entries: BinaryHeap<Entry<E>>,
    entered: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at_ns: u64,
    tie: u64,
    /// Equal ties keep the order in which they were entered.
    nth: u64,
    event: E,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { entries: BinaryHeap::new(), entered: 0 }
    }
}

impl<E> Agenda<E> {
    /// Enters an event; `tie` decides among events of one instant.
    pub fn enter(&mut self, at_ns: u64, tie: u64, event: E) {
        self.entered += 1;
        self.entries.push(Entry { at_ns, tie, nth: self.entered, event });
    }

    /// Takes out what is `wanted`, in the order in which it would happen.
    pub fn take(&mut self, wanted: impl Fn(u64, &E) -> bool) -> Vec<(u64, E)> {
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.entries).into_iter().partition(|entry| wanted(entry.at_ns, &entry.event));
        self.entries = left.into();
        let mut taken: Vec<Entry<E>> = taken;
        taken.sort_by_key(Entry::rank);
        taken.into_iter().map(|entry| (entry.at_ns, entry.event)).collect()
    }

    /// When the next event happens.
    pub fn next_ns(&self) -> Option<u64> {
        self.entries.peek().map(|entry| entry.at_ns)
    }

    /// The next event.
    pub fn pop(&mut self) -> Option<E> {
        self.entries.pop().map(|entry| entry.event)
    }
}

impl<E> Entry<E> {
    fn rank(&self) -> (u64, u64, u64) {
        (self.at_ns, self.tie, self.nth)
    }
}

/// The heap gives its greatest entry first: the greatest is the one that happens first.
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::Agenda;

    #[test]
    fn events_come_by_time_then_by_tie_then_as_entered() {
        let mut agenda = Agenda::default();
        for (at_ns, tie, name) in [(2, 1, "d"), (1, 9, "b"), (1, 9, "c"), (1, 3, "a")] {
            agenda.enter(at_ns, tie, name);
        }
        assert_eq!(agenda.next_ns(), Some(1));
        assert_eq!(agenda.take(|at_ns, name| at_ns == 1 && *name != "b"), [(1, "a"), (1, "c")]);
        let order: Vec<&str> = std::iter::from_fn(|| agenda.pop()).collect();
        assert_eq!(order, ["b", "d"]);
    }
}
