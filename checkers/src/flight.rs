//! Messages in flight: a number for each node and each message that somebody still lacks.
//!
//! A row is made when a message is first spoken of and freed when every node that lives has delivered it. So memory follows what
//! is in flight and not the length of the history: 4 bytes a node and message.

use std::collections::VecDeque;

use crate::ledger::Ledger;
use crate::ledger::messages::Id;
use crate::op::Node;

/// What a row holds where nothing was entered.
pub const NOTHING: u32 = u32::MAX;

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
    numbers: Vec<u32>,
    /// By row: how many nodes have delivered the message.
    delivered: Vec<u32>,
    vacant: Vec<u32>,
    /// The next sweep comes when so many rows are in use.
    sweep_at: usize,
}

impl Flight {
    /// The row of a message, if it is in flight.
    #[inline]
    pub fn get(&self, id: Id) -> Option<&[u32]> {
        let row = *self.rows.get(id.at().checked_sub(self.base)?)?;
        (row != FREE).then(|| &self.numbers[row as usize * self.width..][..self.width])
    }

    /// The row of a message to be changed, if it is in flight.
    #[inline]
    pub fn get_mut(&mut self, id: Id) -> Option<&mut [u32]> {
        let row = *self.rows.get(id.at().checked_sub(self.base)?)?;
        (row != FREE).then(|| &mut self.numbers[row as usize * self.width..][..self.width])
    }

    /// Makes a row for a message, if it has none, with [`NOTHING`] in it and wide enough for this node.
    pub fn add(&mut self, ledger: &Ledger, (id, node): (Id, Node)) {
        self.widen(node.at() + 1);
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
        } else if self.rows[at] != FREE {
            return;
        }
        self.sweep(ledger);
        let row = self.vacant.pop().unwrap_or_else(|| {
            self.numbers.resize(self.numbers.len() + self.width, NOTHING);
            self.delivered.push(0);
            self.delivered.len() as u32 - 1
        });
        self.numbers[row as usize * self.width..][..self.width].fill(NOTHING);
        self.delivered[row as usize] = 0;
        let at = id.at() - self.base;
        self.rows[at] = row;
    }

    /// A node has delivered a message; once all nodes have, the row goes.
    #[inline]
    pub fn delivered(&mut self, ledger: &Ledger, id: Id) {
        let Some(at) = id.at().checked_sub(self.base) else { return };
        let Some(row) = self.rows.get(at).copied().filter(|row| *row != FREE) else { return };
        let delivered = &mut self.delivered[row as usize];
        *delivered += 1;
        if ledger.size.is_some_and(|size| *delivered as usize >= size) {
            self.free(at);
        }
    }

    /// Widens all rows, for nodes that have not come up before.
    pub fn widen(&mut self, width: usize) {
        if width <= self.width {
            return;
        }
        let mut numbers = Vec::with_capacity(self.delivered.len() * width);
        for row in 0..self.delivered.len() {
            numbers.extend_from_slice(&self.numbers[row * self.width..][..self.width]);
            numbers.resize((row + 1) * width, NOTHING);
        }
        (self.numbers, self.width) = (numbers, width);
    }

    fn free(&mut self, at: usize) {
        self.vacant.push(std::mem::replace(&mut self.rows[at], FREE));
        while self.rows.front() == Some(&FREE) {
            self.rows.pop_front();
            self.base += 1;
        }
    }

    /// Now and then: a message is no longer in flight when every node that has not crashed has it.
    fn sweep(&mut self, ledger: &Ledger) {
        let used = self.delivered.len() - self.vacant.len();
        if used < self.sweep_at.max(SWEEP_MIN) {
            return;
        }
        let Some(size) = ledger.size else { return };
        let living: Vec<Node> =
            (0..size as u16).map(Node).filter(|node| ledger.nodes.get(*node).crashes == 0).collect();
        for at in (0..self.rows.len()).rev() {
            let id = Id((self.base + at) as u32);
            if self.rows[at] != FREE && living.iter().all(|node| ledger.nodes.has(*node, id)) {
                self.vacant.push(std::mem::replace(&mut self.rows[at], FREE));
            }
        }
        while self.rows.len() > 1 && self.rows.front() == Some(&FREE) {
            self.rows.pop_front();
            self.base += 1;
        }
        self.sweep_at = 2 * (self.delivered.len() - self.vacant.len());
    }
}
