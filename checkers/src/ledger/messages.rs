//! The messages of a history: who sent each, where it stands in its sender's order, and what was said about it.
//!
//! Only what somebody broadcast, or was asked to broadcast, is a message here. What is delivered and nobody broadcast is a
//! matter of no creation alone, and is not remembered.

use super::runs::Runs;
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

/// Of so many blocks of numbers it is remembered where their messages lie; a power of two.
const BLOCKS: usize = 1 << 10;
/// So many numbers are one block, as a power of two.
const BLOCK_BITS: u32 = 6;

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
    runs: Runs,
    /// By block of numbers: the distance between number and place of the message that was looked up last there. Numbers follow
    /// each other as the messages do, but for a few, so this says nearly always where another one of the block lies.
    distances: Vec<u64>,
}

impl Messages {
    /// No messages.
    pub fn new() -> Messages {
        Messages { entries: Vec::new(), runs: Runs::default(), distances: vec![0; BLOCKS] }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The message of this number, if anybody broadcast it or was asked to.
    #[inline]
    pub fn find(&mut self, number: Message) -> Option<Id> {
        let entries = &self.entries;
        let likely = number.wrapping_sub(self.distances[block(number)]);
        if entries.get(likely as usize).is_some_and(|entry| entry.number == number) {
            return Some(Id(likely as u32));
        }
        let place = self.runs.find(number)?;
        self.distances[block(number)] = number.wrapping_sub(u64::from(place));
        Some(Id(place))
    }

    /// The message of this number, which gets this sender if it was unknown.
    pub fn named(&mut self, number: Message, sender: Node) -> Id {
        self.find(number).unwrap_or_else(|| {
            let place = u32::try_from(self.entries.len()).expect("a history of more than 4,294,967,295 messages");
            self.runs.insert(number, place);
            self.entries.push(Entry { number, after: 0, life: 0, sender, marks: 0 });
            self.distances[block(number)] = number.wrapping_sub(u64::from(place));
            Id(place)
        })
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

fn block(number: Message) -> usize {
    (number >> BLOCK_BITS) as usize & (BLOCKS - 1)
}
