//! Indications: what an observer is told beside broadcasts and deliveries, in the node's own order.
//!
//! An observer proves consensus safety from them, so each is given at the moment at which it becomes true, and, where the
//! algorithm has stable state, once that is durable. node/PROTOCOL.md has them as they stand on the wire.

use serde::{Serialize, Serializer};

use crate::id::NodeId;

/// Something that happened at a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Indication {
    /// I lead this term.
    Leader {
        /// The term, ballot, view or epoch.
        term: u64,
    },
    /// I follow this leader in this term.
    Follows {
        /// The term.
        term: u64,
        /// Who leads it.
        leader: NodeId,
    },
    /// My current term is this one from now on.
    Term {
        /// The term.
        term: u64,
    },
    /// I give my vote of this term to that node.
    Vote {
        /// The term.
        term: u64,
        /// Who gets it.
        r#for: NodeId,
    },
    /// My log has this entry at this index now.
    Append {
        /// From 1.
        index: u64,
        /// The term in which the entry was made.
        term: u64,
        /// Of entries 1 to `index`.
        hash: PrefixHash,
    },
    /// My log has no entry from this index on.
    Truncate {
        /// From 1.
        from: u64,
    },
    /// I know that the entries up to this index are committed.
    Commit {
        /// From 1.
        index: u64,
    },
    /// A snapshot stands for the entries of my log up to this index.
    Snapshot {
        /// From 1.
        index: u64,
        /// The term of the last entry that it stands for.
        term: u64,
        /// Of entries 1 to `index`.
        hash: PrefixHash,
    },
    /// My ledger has this charge at this position now.
    Charged {
        /// From 1.
        pos: u64,
        /// The idempotency key of the call, if it had one.
        key: Option<String>,
        /// The card.
        card: String,
        /// The amount, pence.
        amount: u64,
    },
    /// Deliveries 1 to `through` have come with a snapshot or a state transfer, and are not reported one by one.
    Installed {
        /// The position of the last of them.
        through: u64,
        /// Of the messages at positions 1 to `through`.
        hash: PrefixHash,
    },
}

impl Indication {
    /// The names of all indications, as `init` asks for them.
    pub const NAMES: &[&str] =
        &["leader", "follows", "term", "vote", "append", "truncate", "commit", "snapshot", "charged", "installed"];

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Leader { .. } => "leader",
            Self::Follows { .. } => "follows",
            Self::Term { .. } => "term",
            Self::Vote { .. } => "vote",
            Self::Append { .. } => "append",
            Self::Truncate { .. } => "truncate",
            Self::Commit { .. } => "commit",
            Self::Snapshot { .. } => "snapshot",
            Self::Charged { .. } => "charged",
            Self::Installed { .. } => "installed",
        }
    }
}

/// The hash of a sequence of numbers by which two prefixes are compared: FNV-1a of 64 bits over their bytes, each number as 8
/// bytes, little endian. On the wire it is 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixHash(u64);

impl Default for PrefixHash {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl PrefixHash {
    /// The hash of the sequence with one more number at its end.
    #[must_use]
    pub fn and(self, number: u64) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        Self(number.to_le_bytes().into_iter().fold(self.0, step))
    }
}

impl std::fmt::Display for PrefixHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for PrefixHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PrefixHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = std::borrow::Cow::<str>::deserialize(deserializer)?;
        u64::from_str_radix(&digits, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Indication, PrefixHash};
    use crate::id::NodeId;

    #[test]
    fn on_the_wire_an_indication_begins_with_its_name() {
        let hash = PrefixHash::default().and(17);
        let all = [
            Indication::Leader { term: 1 },
            Indication::Follows { term: 1, leader: NodeId(2) },
            Indication::Term { term: 1 },
            Indication::Vote { term: 1, r#for: NodeId(2) },
            Indication::Append { index: 1, term: 1, hash },
            Indication::Truncate { from: 1 },
            Indication::Commit { index: 1 },
            Indication::Snapshot { index: 1, term: 1, hash },
            Indication::Charged { pos: 1, key: None, card: "4000".to_owned(), amount: 117 },
            Indication::Installed { through: 1, hash },
        ];
        for (indication, name) in all.iter().zip(Indication::NAMES) {
            let text = serde_json::to_string(indication).unwrap();
            assert!(text.starts_with(&format!("{{\"type\":\"{name}\",")), "{text}");
            assert_eq!(indication.name(), *name);
        }
        let vote = serde_json::to_string(&all[3]).unwrap();
        assert_eq!(vote, r#"{"type":"vote","term":1,"for":"n2"}"#);
    }

    #[test]
    fn the_hash_is_the_common_one_and_knows_the_order() {
        // FNV-1a of the 16 bytes of 1 and 2, from an implementation in Python.
        let (one, two) = (PrefixHash::default().and(1), PrefixHash::default().and(2));
        assert_ne!(one.and(2), two.and(1));
        assert_eq!(PrefixHash::default().to_string(), "cbf29ce484222325");
        assert_eq!(one.and(2).to_string(), "7717980363c8e066");
    }
}
