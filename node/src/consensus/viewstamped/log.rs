//! The log of viewstamped replication: operations from op-number 1, of which the first may be gone; a checkpoint stands for
//! them (section 5.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::indication::PrefixHash;
use crate::replication::{Command, Deliveries};

/// An operation, with the view in which its primary put it into the log. Its op-number is its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub view: u64,
    pub command: Command,
}

/// What stands for the operations up to an op-number: the state that they lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Of the last operation that it stands for.
    pub op: u64,
    /// Of the same.
    pub view: u64,
    /// Of all these operations.
    pub hash: PrefixHash,
    /// The state of the service after them.
    pub state: Deliveries,
}

/// The log, as it also stands in messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Log {
    checkpoint: Checkpoint,
    /// Those behind the checkpoint, each with the hash of the log up to it.
    entries: Vec<(Entry, PrefixHash)>,
    commands: BTreeSet<Command>,
}

/// The log without what follows from it.
#[derive(Serialize, Deserialize)]
struct Written {
    checkpoint: Checkpoint,
    entries: Vec<Entry>,
}

impl Log {
    /// What stands for the operations before the first one that is here.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The op-number of the last operation.
    pub fn op(&self) -> u64 {
        self.checkpoint.op + self.entries.len() as u64
    }

    /// The hash of the operations up to this one; none where it is not here, or no longer.
    pub fn hash_at(&self, op: u64) -> Option<PrefixHash> {
        let behind = op.checked_sub(self.checkpoint.op)?;
        if behind == 0 { Some(self.checkpoint.hash) } else { self.place(op).map(|(_, hash)| *hash) }
    }

    /// The operation of this number, if it is here.
    pub fn entry(&self, op: u64) -> Option<Entry> {
        self.place(op).map(|(entry, _)| *entry)
    }

    /// The operations behind this one.
    pub fn entries_after(&self, op: u64) -> impl Iterator<Item = Entry> + '_ {
        let gone = op.saturating_sub(self.checkpoint.op);
        self.entries.iter().skip(gone as usize).map(|(entry, _)| *entry)
    }

    /// Whether the log has this command.
    pub fn holds(&self, command: &Command) -> bool {
        self.checkpoint.state.holds(command) || self.commands.contains(command)
    }

    /// Up to which operation both logs are the same; none where neither goes back to where the other begins.
    pub fn shared_with(&self, other: &Self) -> Option<u64> {
        let first = self.checkpoint.op.max(other.checkpoint.op);
        let last = self.op().min(other.op());
        (first..=last).take_while(|op| self.hash_at(*op) == other.hash_at(*op)).last()
    }

    /// One more operation.
    pub fn push(&mut self, entry: Entry) -> PrefixHash {
        let before = self.hash_at(self.op()).expect("a log has its end");
        let hash = entry.command.hashed(before, entry.view);
        self.entries.push((entry, hash));
        self.commands.insert(entry.command);
        hash
    }

    /// Takes away all behind this operation.
    pub fn cut_behind(&mut self, op: u64) {
        assert!(op >= self.checkpoint.op, "operation {op} is in the checkpoint, and stays");
        let gone = self.entries.split_off((op - self.checkpoint.op) as usize);
        for (entry, _) in gone {
            self.commands.remove(&entry.command);
        }
    }

    /// Lets the checkpoint stand for all up to this operation: its state is a function of the log. (5.1)
    pub fn compact(&mut self, through: u64) {
        let count = (through - self.checkpoint.op) as usize;
        for (entry, hash) in self.entries.drain(..count) {
            self.commands.remove(&entry.command);
            self.checkpoint.state.apply(&entry.command);
            (self.checkpoint.view, self.checkpoint.hash) = (entry.view, hash);
        }
        self.checkpoint.op = through;
    }

    fn place(&self, op: u64) -> Option<&(Entry, PrefixHash)> {
        let behind = op.checked_sub(self.checkpoint.op + 1)?;
        self.entries.get(usize::try_from(behind).ok()?)
    }
}

impl From<Written> for Log {
    fn from(written: Written) -> Self {
        let mut log = Self { checkpoint: written.checkpoint, ..Self::default() };
        for entry in written.entries {
            log.push(entry);
        }
        log
    }
}

impl From<Log> for Written {
    fn from(log: Log) -> Self {
        let entries = log.entries_after(0).collect();
        Self { checkpoint: log.checkpoint, entries }
    }
}
