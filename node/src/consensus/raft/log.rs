//! Raft's log: entries from 1, of which the first ones may be gone, and a snapshot stands for them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::indication::PrefixHash;
use crate::replication::{Command, Deliveries};

/// What stands at one index of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The term of the leader that made it.
    pub term: u64,
    /// None is the no-op with which a leader begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

impl Entry {
    fn hashed(&self, before: PrefixHash) -> PrefixHash {
        match &self.command {
            Some(command) => command.hashed(before, self.term),
            None => before.and(self.term),
        }
    }
}

/// What stands for the entries up to an index: the state that they lead to (section 7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// Of the last entry that it stands for.
    pub last_index: u64,
    /// Of the same.
    pub last_term: u64,
    /// Of all these entries.
    pub hash: PrefixHash,
    /// The state machine after them.
    pub state: Deliveries,
}

/// The log. No index is 0: there, before the first entry, is term 0 in every log.
#[derive(Debug, Default)]
pub(super) struct Log {
    snapshot: Snapshot,
    /// Those behind the snapshot, each with the hash of the log up to it.
    entries: Vec<(Entry, PrefixHash)>,
    /// Where these commands are among them.
    places: BTreeSet<(Command, u64)>,
}

impl Log {
    /// The snapshot that stands for the entries before.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The index of the last entry that there is only a snapshot of.
    pub fn base(&self) -> u64 {
        self.snapshot.last_index
    }

    /// The index of the last entry.
    pub fn last_index(&self) -> u64 {
        self.base() + self.entries.len() as u64
    }

    /// The term of the last entry.
    pub fn last_term(&self) -> u64 {
        self.entries.last().map_or(self.snapshot.last_term, |(entry, _)| entry.term)
    }

    /// The hash of the whole log.
    pub fn hash(&self) -> PrefixHash {
        self.entries.last().map_or(self.snapshot.hash, |(_, hash)| *hash)
    }

    /// The term of the entry at this index; none where there is no entry, or no longer one.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        if index == self.base() {
            return Some(self.snapshot.last_term);
        }
        self.entry(index).map(|entry| entry.term)
    }

    /// The entry at this index, if the log has it still.
    pub fn entry(&self, index: u64) -> Option<Entry> {
        let place = usize::try_from(index.checked_sub(self.base() + 1)?).ok()?;
        self.entries.get(place).map(|(entry, _)| *entry)
    }

    /// All entries from this index on.
    pub fn entries_from(&self, index: u64) -> impl Iterator<Item = Entry> + '_ {
        let place = index.saturating_sub(self.base() + 1) as usize;
        self.entries.iter().skip(place).map(|(entry, _)| *entry)
    }

    /// What fits into one frame from this index on: so many entries at most, all of one term. So what a new leader sends of an
    /// earlier term and what it sends of its own are two steps, as in figure 8.
    pub fn batch_from(&self, index: u64, limit: usize) -> Vec<Entry> {
        let term = self.term_at(index);
        self.entries_from(index).take(limit).take_while(|entry| Some(entry.term) == term).collect()
    }

    /// The first entry of the term that the entry at this index is of, as far as the log goes back.
    pub fn first_of_its_term(&self, index: u64) -> u64 {
        let term = self.term_at(index);
        let later = (self.base() + 1..index).rev().take_while(|before| self.term_at(*before) == term);
        later.last().unwrap_or(index)
    }

    /// Whether an entry has this command.
    pub fn holds(&self, command: &Command) -> bool {
        self.places.range((*command, 0)..=(*command, u64::MAX)).next().is_some()
    }

    /// One more entry at the end.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push((entry, entry.hashed(self.hash())));
        self.places.extend(entry.command.map(|command| (command, self.last_index())));
    }

    /// Takes the entries from this index on away.
    pub fn truncate(&mut self, from: u64) {
        assert!(from > self.base(), "entry {from} is in the snapshot, and stays");
        let gone = self.entries.split_off((from - self.base() - 1).min(self.entries.len() as u64) as usize);
        self.forget(&gone, from);
    }

    /// Lets the snapshot stand for all up to this index. The state of a snapshot is a function of the log, so it needs no other.
    pub fn compact(&mut self, through: u64) {
        assert!((self.base()..=self.last_index()).contains(&through), "the log has no entry {through}");
        let first = self.base() + 1;
        let gone: Vec<_> = self.entries.drain(..(through - self.base()) as usize).collect();
        self.forget(&gone, first);
        for (entry, hash) in gone {
            if let Some(command) = &entry.command {
                self.snapshot.state.apply(command);
            }
            (self.snapshot.last_term, self.snapshot.hash) = (entry.term, hash);
        }
        self.snapshot.last_index = through;
    }

    /// Begins anew behind a snapshot.
    pub fn install(&mut self, snapshot: Snapshot) {
        *self = Self { snapshot, ..Self::default() };
    }

    fn forget(&mut self, gone: &[(Entry, PrefixHash)], first: u64) {
        for ((entry, _), index) in gone.iter().zip(first..) {
            entry.command.map(|command| self.places.remove(&(command, index)));
        }
    }
}
