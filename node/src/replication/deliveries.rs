//! Deliveries: a deterministic function of the log that gives FIFO-total order and removes duplicates.
//!
//! ```text
//! on the next entry (sender, seq, m) of the log do
//!     if seq ≥ next[sender] then held := held ∪ {(sender, seq, m)}
//!     while ∃(sender, seq, m) ∈ held such that seq = next[sender] do
//!         position := position + 1; deliver m at position
//!         next[sender] := next[sender] + 1; held := held - {(sender, seq, m)}
//! ```
//!
//! This is the state that a snapshot holds. (The lectures' FIFO broadcast, above a log instead of reliable broadcast.)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Command;
use crate::id::NodeId;
use crate::indication::PrefixHash;

/// Who a number counts for: a sender, in one of its lives.
type Source = (NodeId, u32);

/// How far the log has been delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    position: u64,
    hash: PrefixHash,
    next: BTreeMap<Source, u64>,
    held: BTreeMap<(Source, u64), u64>,
}

/// A message at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// From 1.
    pub position: u64,
    /// What is delivered there.
    pub command: Command,
}

/// The state as it stands in a snapshot.
#[derive(Serialize, Deserialize)]
struct Written {
    position: u64,
    hash: PrefixHash,
    next: Vec<(Source, u64)>,
    held: Vec<(Source, u64, u64)>,
}

impl Deliveries {
    /// The next entry of the log: what is delivered now.
    pub fn apply(&mut self, command: &Command) -> Vec<Delivery> {
        let source = (command.sender, command.life);
        if command.seq >= self.next.get(&source).copied().unwrap_or(0) {
            self.held.insert((source, command.seq), command.message);
        }
        let mut delivered = Vec::new();
        while let Some(delivery) = self.release(source) {
            delivered.push(delivery);
        }
        delivered
    }

    /// How many messages were delivered.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The hash of the messages that were delivered.
    pub fn hash(&self) -> PrefixHash {
        self.hash
    }

    /// Whether this command was delivered.
    pub fn delivered(&self, command: &Command) -> bool {
        command.seq < self.next.get(&(command.sender, command.life)).copied().unwrap_or(0)
    }

    /// Whether the log up to here holds this command, delivered or held back.
    pub fn holds(&self, command: &Command) -> bool {
        self.delivered(command) || self.held.contains_key(&((command.sender, command.life), command.seq))
    }

    /// What is left of the state where a snapshot forgets whose messages were delivered (a planted bug).
    #[must_use]
    pub fn without_numbers(&self) -> Self {
        Self { position: self.position, hash: self.hash, ..Self::default() }
    }

    /// The next message of a source, if it is here.
    fn release(&mut self, source: Source) -> Option<Delivery> {
        let next = self.next.entry(source).or_default();
        let (seq, message) = (*next, self.held.remove(&(source, *next))?);
        *next += 1;
        self.position += 1;
        self.hash = self.hash.and(message);
        let command = Command { sender: source.0, life: source.1, seq, message };
        Some(Delivery { position: self.position, command })
    }
}

impl Serialize for Deliveries {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let next = self.next.iter().map(|(source, seq)| (*source, *seq)).collect();
        let held = self.held.iter().map(|((source, seq), message)| (*source, *seq, *message)).collect();
        Written { position: self.position, hash: self.hash, next, held }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Deliveries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { position, hash, next, held } = Written::deserialize(deserializer)?;
        let held = held.into_iter().map(|(source, seq, message)| ((source, seq), message)).collect();
        Ok(Self { position, hash, next: next.into_iter().collect(), held })
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Deliveries};
    use crate::id::NodeId;

    fn command(sender: u32, seq: u64) -> Command {
        Command { sender: NodeId(sender), life: 1, seq, message: u64::from(sender) * 100 + seq }
    }

    #[test]
    fn each_command_is_delivered_once_in_its_senders_order() {
        let mut deliveries = Deliveries::default();
        let log = [(1, 1), (2, 0), (1, 0), (1, 0), (1, 2), (2, 0)];
        let delivered = log.map(|(sender, seq)| deliveries.apply(&command(sender, seq)));
        let delivered: Vec<(u64, u64)> =
            delivered.iter().flatten().map(|delivery| (delivery.position, delivery.command.message)).collect();
        assert_eq!(delivered, [(1, 200), (2, 100), (3, 101), (4, 102)]);
    }

    #[test]
    fn a_snapshot_goes_on_as_the_state_itself() {
        let mut state = Deliveries::default();
        for (sender, seq) in [(1, 1), (2, 0)] {
            state.apply(&command(sender, seq));
        }
        let text = serde_json::to_string(&state).unwrap();
        let mut restored: Deliveries = serde_json::from_str(&text).unwrap();
        assert_eq!(restored, state);
        assert!(restored.holds(&command(1, 1)) && !restored.holds(&command(1, 0)));
        assert_eq!(restored.apply(&command(1, 0)), state.apply(&command(1, 0)));
        assert_eq!(restored.hash(), state.hash());
    }
}
