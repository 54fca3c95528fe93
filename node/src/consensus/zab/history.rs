//! A history: transactions from index 1, in the order of their zxids, of which the first may be gone; a snapshot stands for
//! them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::indication::PrefixHash;
use crate::replication::{Command, Deliveries};

/// What orders transactions: the epoch of the leader that made one, and how many it had made by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Zxid {
    pub epoch: u64,
    pub counter: u64,
}

/// A transaction. Its index is its place in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub zxid: Zxid,
    pub command: Command,
}

/// What stands for the transactions up to an index: the state that they lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// Of the last transaction that it stands for.
    pub index: u64,
    /// Of the same.
    pub zxid: Zxid,
    /// Of all these transactions.
    pub hash: PrefixHash,
    /// The state of the service after them.
    pub state: Deliveries,
}

/// A history, as it also stands in messages and on stable storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct History {
    snapshot: Snapshot,
    /// Those behind the snapshot, each with the hash of the history up to it.
    transactions: Vec<(Transaction, PrefixHash)>,
    commands: BTreeSet<Command>,
}

/// The history without what follows from it.
#[derive(Serialize, Deserialize)]
struct Written {
    snapshot: Snapshot,
    transactions: Vec<Transaction>,
}

impl History {
    /// What stands for the transactions before the first one that is here.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The index of the last transaction.
    pub fn last_index(&self) -> u64 {
        self.snapshot.index + self.transactions.len() as u64
    }

    /// The zxid of the last transaction.
    pub fn last_zxid(&self) -> Zxid {
        self.transactions.last().map_or(self.snapshot.zxid, |(transaction, _)| transaction.zxid)
    }

    /// The zxid with which an epoch stands for this whole history: before the epoch's first transaction its counter is 0.
    pub fn zxid_in(&self, epoch: u64) -> Zxid {
        Some(self.last_zxid()).filter(|last| last.epoch == epoch).unwrap_or(Zxid { epoch, counter: 0 })
    }

    /// The hash of the transactions up to this one; none where it is not here, or no longer.
    pub fn hash_at(&self, index: u64) -> Option<PrefixHash> {
        let behind = index.checked_sub(self.snapshot.index)?;
        if behind == 0 { Some(self.snapshot.hash) } else { self.place(index).map(|(_, hash)| *hash) }
    }

    /// The transaction of this number, if it is here.
    pub fn transaction(&self, index: u64) -> Option<Transaction> {
        self.place(index).map(|(transaction, _)| *transaction)
    }

    /// The transactions behind this one.
    pub fn transactions_after(&self, index: u64) -> impl Iterator<Item = Transaction> + '_ {
        let gone = index.saturating_sub(self.snapshot.index);
        self.transactions.iter().skip(gone as usize).map(|(transaction, _)| *transaction)
    }

    /// Whether the history has this command.
    pub fn holds(&self, command: &Command) -> bool {
        self.snapshot.state.holds(command) || self.commands.contains(command)
    }

    /// Up to which transaction both histories are the same; none where neither goes back to where the other begins.
    pub fn shared_with(&self, other: &Self) -> Option<u64> {
        let first = self.snapshot.index.max(other.snapshot.index);
        let last = self.last_index().min(other.last_index());
        (first..=last).take_while(|index| self.hash_at(*index) == other.hash_at(*index)).last()
    }

    /// One more transaction.
    pub fn push(&mut self, transaction: Transaction) -> PrefixHash {
        let before = self.hash_at(self.last_index()).expect("a history has its end");
        let hash = transaction.command.hashed(before, transaction.zxid.epoch);
        self.transactions.push((transaction, hash));
        self.commands.insert(transaction.command);
        hash
    }

    /// Takes away all behind this transaction.
    pub fn cut_behind(&mut self, index: u64) {
        assert!(index >= self.snapshot.index, "transaction {index} is in the snapshot, and stays");
        let gone = self.transactions.split_off((index - self.snapshot.index) as usize);
        for (transaction, _) in gone {
            self.commands.remove(&transaction.command);
        }
    }

    /// Lets the snapshot stand for all up to this transaction: its state is a function of the history.
    pub fn compact(&mut self, through: u64) {
        let count = (through - self.snapshot.index) as usize;
        for (transaction, hash) in self.transactions.drain(..count) {
            self.commands.remove(&transaction.command);
            self.snapshot.state.apply(&transaction.command);
            (self.snapshot.zxid, self.snapshot.hash) = (transaction.zxid, hash);
        }
        self.snapshot.index = through;
    }

    fn place(&self, index: u64) -> Option<&(Transaction, PrefixHash)> {
        let behind = index.checked_sub(self.snapshot.index + 1)?;
        self.transactions.get(usize::try_from(behind).ok()?)
    }
}

impl From<Written> for History {
    fn from(written: Written) -> Self {
        let mut history = Self { snapshot: written.snapshot, ..Self::default() };
        for transaction in written.transactions {
            history.push(transaction);
        }
        history
    }
}

impl From<History> for Written {
    fn from(history: History) -> Self {
        let transactions = history.transactions_after(0).collect();
        Self { snapshot: history.snapshot, transactions }
    }
}
