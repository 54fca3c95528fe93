//! The messages of a history: who sent each, where it stands in its sender's order, and what was said about it.

use super::slots::Slots;
use crate::op::{Message, Node};

/// A message, as its place in the order in which the file first names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u32);

impl Id {
    /// The place, for indexing.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// What the history said about a message, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A client asked for it.
    Invoked = 1,
    /// Its sender reported its broadcast.
    Broadcast = 2,
    /// A client was told `ok`.
    Acknowledged = 4,
    /// A delivery was let through without its broadcast, because that was too long in coming.
    GivenUp = 8,
    /// A delivery waits for its broadcast.
    Awaited = 16,
}

const NOBODY: u16 = u16::MAX;

/// One message: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its number in the file.
    pub number: Message,
    /// How many messages of the sender's stream stand before it; what that means is the stream's matter.
    pub after: u32,
    /// Which life of the sender broadcast it, as the stream counts lives.
    pub life: u8,
    sender: u16,
    marks: u8,
}

impl Entry {
    /// The node that was asked to broadcast it, or reported to have done so, whichever came first in the file.
    pub fn sender(&self) -> Option<Node> {
        (self.sender != NOBODY).then_some(Node(self.sender))
    }

    /// Makes `node` the sender, unless there is one already; whether `node` is the sender now.
    pub fn claim(&mut self, node: Node) -> bool {
        if self.sender == NOBODY {
            self.sender = node.0;
        }
        self.sender == node.0
    }

    /// Whether this was said.
    pub fn is(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    /// Notes that this was said; whether it is news.
    pub fn mark(&mut self, mark: Mark) -> bool {
        let news = !self.is(mark);
        self.marks |= mark as u8;
        news
    }

    /// Takes a mark away.
    pub fn unmark(&mut self, mark: Mark) {
        self.marks &= !(mark as u8);
    }
}

/// All messages that the file has named so far.
pub struct Messages {
    entries: Vec<Entry>,
    slots: Slots,
}

impl Messages {
    /// No messages.
    pub fn new() -> Messages {
        Messages { entries: Vec::new(), slots: Slots::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The message of this number, made known if need be.
    #[inline]
    pub fn named(&mut self, number: Message) -> Id {
        let entries = &self.entries;
        let place = self.slots.place(number, |at| entries[at].number);
        if place == self.entries.len() {
            self.entries.push(Entry { number, after: 0, life: 0, sender: NOBODY, marks: 0 });
        }
        Id(place as u32)
    }

    /// What is known of a message.
    pub fn get(&self, id: Id) -> &Entry {
        &self.entries[id.at()]
    }

    /// What is known of a message, to be changed.
    pub fn get_mut(&mut self, id: Id) -> &mut Entry {
        &mut self.entries[id.at()]
    }

    /// All messages in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (Id, &Entry)> {
        self.entries.iter().enumerate().map(|(at, entry)| (Id(at as u32), entry))
    }
}
