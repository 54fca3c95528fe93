//! Messages in flight: a number for each node and each message that somebody still lacks.
//!
//! A row is made when a message is first spoken of and freed when every node that may still deliver it has done so. So memory
//! follows what is in flight and not the length of the history: 4 bytes a node and message. (Of a history that does not say which
//! nodes there are, no row is ever freed.)

use std::collections::VecDeque;

use crate::ledger::Ledger;
use crate::ledger::messages::Id;
use crate::op::Node;

/// No row.
const FREE: u32 = u32::MAX;
/// Rows are looked through for what can be freed when there are at least so many.
const SWEEP_MIN: usize = 4_096;

/// Rows of numbers, one a message in flight, one number a node.
#[derive(Default)]
pub struct Flight {
    /// How many numbers a row has.
    width: usize,
    /// The message of the first entry of `rows`.
    base: usize,
    /// By message from `base` on: the place of its row.
    rows: VecDeque<u32>,
    /// By row: how many nodes have delivered the message, and then its numbers; what is asked for together lies together.
    cells: Vec<u32>,
    /// How many rows there are, in use or not.
    count: usize,
    /// The rows that are not in use, the longest unused first: so rows are used again in the order of the messages.
    vacant: VecDeque<u32>,
    /// The next sweep comes when so many rows are in use.
    sweep_at: usize,
}

impl Flight {
    /// The row of a message, if it is in flight.
    #[inline]
    pub fn get(&self, id: Id) -> Option<&[u32]> {
        let first = self.place(id)?;
        Some(&self.cells[first + 1..][..self.width])
    }

    /// The row of a message to be changed, if it is in flight.
    #[inline]
    pub fn get_mut(&mut self, id: Id) -> Option<&mut [u32]> {
        let first = self.place(id)?;
        Some(&mut self.cells[first + 1..][..self.width])
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Makes a row of zeros for a message, if it has none, wide enough for this node.
    pub fn add(&mut self, ledger: &Ledger, (id, node): (Id, Node)) {
        self.widen(node.at() + 1);
        if self.place(id).is_some() {
            return;
        }
        self.sweep(ledger);
        if self.rows.is_empty() {
            self.base = id.at();
        }
        while self.base > id.at() {
            self.rows.push_front(FREE);
            self.base -= 1;
        }
        let at = id.at() - self.base;
        if at >= self.rows.len() {
            self.rows.resize(at + 1, FREE);
        }
        let row = self.vacant.pop_front().unwrap_or_else(|| {
            self.count += 1;
            self.cells.resize(self.count * (self.width + 1), 0);
            self.count as u32 - 1
        });
        let cells = &mut self.cells[row as usize * (self.width + 1)..][..self.width + 1];
        cells.fill(0);
        self.rows[at] = row;
    }

    /// A node has delivered a message, but its row is still needed.
    pub fn note(&mut self, id: Id) {
        if let Some(first) = self.place(id) {
            self.cells[first] += 1;
        }
    }

    /// A node has delivered a message; once all nodes have, the row goes.
    #[inline]
    pub fn delivered(&mut self, ledger: &Ledger, id: Id) {
        let Some(first) = self.place(id) else { return };
        self.cells[first] += 1;
        if self.cells[first] as usize >= ledger.staying() && ledger.is_everywhere(id) {
            self.free(id.at() - self.base);
        }
    }

    /// Widens all rows, for nodes that have not come up before.
    pub fn widen(&mut self, width: usize) {
        if width <= self.width {
            return;
        }
        let mut cells = Vec::with_capacity(self.count * (width + 1));
        for row in 0..self.count {
            cells.extend_from_slice(&self.cells[row * (self.width + 1)..][..self.width + 1]);
            cells.resize((row + 1) * (width + 1), 0);
        }
        (self.cells, self.width) = (cells, width);
    }

    /// Where the row of a message begins.
    #[inline]
    fn place(&self, id: Id) -> Option<usize> {
        let row = *self.rows.get(id.at().checked_sub(self.base)?)?;
        (row != FREE).then(|| row as usize * (self.width + 1))
    }

    fn free(&mut self, at: usize) {
        self.vacant.push_back(std::mem::replace(&mut self.rows[at], FREE));
        while self.rows.front() == Some(&FREE) {
            self.rows.pop_front();
            self.base += 1;
        }
    }

    /// Now and then: a message that only nodes lacked that are gone now is no longer in flight.
    fn sweep(&mut self, ledger: &Ledger) {
        let used = self.count - self.vacant.len();
        if used < self.sweep_at.max(SWEEP_MIN) {
            return;
        }
        for at in 0..self.rows.len() {
            if self.rows[at] != FREE && ledger.is_everywhere(Id((self.base + at) as u32)) {
                self.vacant.push_back(std::mem::replace(&mut self.rows[at], FREE));
            }
        }
        while self.rows.front() == Some(&FREE) {
            self.rows.pop_front();
            self.base += 1;
        }
        self.sweep_at = 2 * (self.count - self.vacant.len());
    }
}

#[cfg(test)]
mod tests {
    use super::{Flight, SWEEP_MIN};
    use crate::header::{Acknowledges, Crashes};
    use crate::ledger::Ledger;
    use crate::ledger::messages::Id;
    use crate::op::Node;

    /// A ledger of three nodes, and these many messages of the first one with their rows.
    fn sent(count: usize) -> (Ledger, Flight, Vec<Id>) {
        let (mut ledger, mut flight) = (Ledger::new(Crashes::Stop, Acknowledges::Taken), Flight::default());
        ledger.size = Some(3);
        let ids = (0..count as u64).map(|number| {
            let id = ledger.broadcast(Node(0), number).expect("each is news");
            flight.add(&ledger, (id, Node(2)));
            id
        });
        let ids = ids.collect();
        (ledger, flight, ids)
    }

    fn deliver(ledger: &mut Ledger, flight: &mut Flight, (node, id): (Node, Id)) {
        ledger.nodes.deliver(node, id);
        flight.delivered(ledger, id);
    }

    #[test]
    fn a_row_goes_when_everybody_has_delivered_its_message() {
        let (mut ledger, mut flight, ids) = sent(2);
        for node in [Node(1), Node(0), Node(2)] {
            assert!(flight.get(ids[0]).is_some());
            deliver(&mut ledger, &mut flight, (node, ids[0]));
        }
        assert!(flight.get(ids[0]).is_none());
        assert_eq!(flight.get(ids[1]), Some(&[0, 0, 0][..]));
    }

    #[test]
    fn rows_go_in_the_end_where_only_nodes_are_lacking_that_are_gone() {
        let (mut ledger, mut flight, ids) = sent(SWEEP_MIN);
        let next = |ledger: &mut Ledger, flight: &mut Flight, number: usize| {
            let id = ledger.broadcast(Node(0), number as u64).expect("each is news");
            flight.add(ledger, (id, Node(0)));
        };
        for id in &ids[1..] {
            deliver(&mut ledger, &mut flight, (Node(0), *id));
            deliver(&mut ledger, &mut flight, (Node(1), *id));
        }
        deliver(&mut ledger, &mut flight, (Node(2), ids[1]));
        next(&mut ledger, &mut flight, SWEEP_MIN);
        ledger.nodes.leave(Node(2));
        assert!(flight.get(ids[2]).is_some());
        next(&mut ledger, &mut flight, SWEEP_MIN + 1);
        assert!(flight.get(ids[0]).is_some(), "nobody has it");
        assert!(ids[1..].iter().all(|id| flight.get(*id).is_none()));
        // Of all rows those of the first message and of the last two are in use.
        assert_eq!((flight.count, flight.vacant.len()), (SWEEP_MIN, SWEEP_MIN - 3));
    }
}
