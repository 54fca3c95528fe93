//! The order in which each node broadcast its messages.
//!
//! A node that reports its broadcasts (`"f":"broadcast"`) orders them itself: its stream holds them in that order, and the
//! messages *before* one are those at lower ranks. Of a node that never reports any, only this is known: a message that was
//! acknowledged before another was asked for comes before it, and overlapping requests are unordered. Its stream holds its
//! messages in the order of their acknowledgements, and the messages before one are the first so many of them.
//!
//! Either way the messages before one are the first [`Entry::after`](super::messages::Entry) of the stream, and that is all
//! that a checker of order needs to know. Which of the two a node is shows when it reports for the first time; until then
//! its deliveries elsewhere wait (see [`super::Ledger::settled`]).
//!
//! In crash mode `stop` a node that is started again has lost its memory, so a later life's messages come after those of
//! the same life only.

use super::messages::Id;

/// Whether a node reports its broadcasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// It has not reported any yet.
    #[default]
    Unheard,
    /// It does.
    Reports,
    /// It does not: the file has ended, or the wait for its first report was given up.
    Silent,
}

/// The messages of one sender, in order.
#[derive(Default)]
pub struct Stream {
    /// Whether the sender reports its broadcasts, and thus what the order means.
    pub voice: Voice,
    ids: Vec<Id>,
    /// The rank at which each later life begins, of the first 255.
    lives: Vec<u32>,
}

impl Stream {
    /// How many messages there are.
    pub fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    /// The message at a rank.
    pub fn at(&self, rank: u32) -> Id {
        self.ids[rank as usize]
    }

    /// Puts a message at the end.
    pub fn push(&mut self, id: Id) {
        self.ids.push(id);
    }

    /// The first report: what was put together from acknowledgements is void.
    pub fn speaks(&mut self) {
        let lives = vec![0; self.lives.len()];
        *self = Stream { voice: Voice::Reports, lives, ..Stream::default() };
    }

    /// A later life begins here.
    pub fn restarts(&mut self) {
        if self.lives.len() < usize::from(u8::MAX) {
            self.lives.push(self.len());
        }
    }

    /// Which life it is now, from 0; the 256th and later ones are all 255.
    pub fn life(&self) -> u8 {
        self.lives.len() as u8
    }

    /// The life to which the message at a rank belongs; 255 for the 256th and all later ones.
    pub fn life_of(&self, rank: u32) -> u8 {
        self.lives.partition_point(|first| *first <= rank) as u8
    }

    /// The rank at which a life begins; `None` for those that all are number 255.
    #[inline]
    pub fn life_begins(&self, life: u8) -> Option<u32> {
        match life {
            0 => Some(0),
            u8::MAX => None,
            _ => Some(self.lives[usize::from(life) - 1]),
        }
    }
}
