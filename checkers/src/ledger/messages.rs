//! The messages of a history: who sent each, where it stands in its sender's order, and what was said about it.
//!
//! Only what somebody broadcast, or was asked to broadcast, is a message here. What is delivered and nobody broadcast is a
//! matter of no creation alone, and is not remembered.

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
    /// The checkers have heard of its broadcast, at its place in its sender's own order.
    Told = 16,
}

/// How many of the messages looked up last are found without a probe, at first and at most: as many as there are messages, in
/// between. Powers of two.
const RECENT: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 16;

/// One message: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its number in the file.
    pub number: Message,
    /// How many messages of the sender's stream stand before it; what that means is the stream's matter.
    pub after: u32,
    /// Which life of the sender broadcast it, as the stream counts lives.
    pub life: u8,
    /// The node that was asked to broadcast it, or reported to have done so, whichever came first in the file.
    pub sender: Node,
    marks: u8,
}

impl Entry {
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

    /// Notes that a delivery of it was let through without its broadcast.
    pub fn give_up(&mut self) {
        self.marks |= Mark::GivenUp as u8;
    }
}

/// All messages that somebody broadcast or was asked to, as far as the file has been read.
pub struct Messages {
    entries: Vec<Entry>,
    slots: Slots,
    /// A message that was looked up lately, by the low bits of its number. A message is spoken of a dozen times within a
    /// short time and then never again; what is asked for again lies close together here, and far apart in the table.
    recent: Vec<Recent>,
}

/// A message that was looked up lately: its place, and the bits of its number that its place here does not tell.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Recent {
    place: u32,
    tag: u32,
}

impl Messages {
    /// No messages.
    pub fn new() -> Messages {
        Messages { entries: Vec::new(), slots: Slots::new(), recent: vec![Recent::default(); *RECENT.start()] }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The message of this number, if anybody broadcast it or was asked to.
    #[inline]
    pub fn find(&mut self, number: Message) -> Option<Id> {
        let size = self.recent.len();
        let recent = self.recent[number as usize & (size - 1)];
        let (tag, entries) = ((number >> size.trailing_zeros()) as u32, &self.entries);
        if recent.tag == tag && entries.get(recent.place as usize).is_some_and(|e| e.number == number) {
            return Some(Id(recent.place));
        }
        let place = self.slots.find(number, |at| entries[at].number)? as u32;
        self.remember(number, place);
        Some(Id(place))
    }

    /// The message of this number, which gets this sender if it was unknown.
    pub fn named(&mut self, number: Message, sender: Node) -> Id {
        self.find(number).unwrap_or_else(|| {
            let entries = &self.entries;
            let place = self.slots.insert(number, |at| entries[at].number);
            self.entries.push(Entry { number, after: 0, life: 0, sender, marks: 0 });
            if self.entries.len() > self.recent.len() && self.recent.len() < *RECENT.end() {
                self.recent = vec![Recent::default(); 2 * self.recent.len()];
            }
            self.remember(number, place as u32);
            Id(place as u32)
        })
    }

    fn remember(&mut self, number: Message, place: u32) {
        let size = self.recent.len();
        self.recent[number as usize & (size - 1)] = Recent { place, tag: (number >> size.trailing_zeros()) as u32 };
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
