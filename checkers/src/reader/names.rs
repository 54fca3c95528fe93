//! The node of a name, fast: what a canonical line is looked up in.
//!
//! A name of at most eight bytes, as nearly all are, is one 64-bit number, found in a table with open addressing. A history
//! without a header may name 65,536 nodes, so the table grows, and longer names have a place of their own.

use std::collections::BTreeMap;

use crate::op::Node;

/// Names of so many bytes are numbers.
const SHORT: usize = 8;

/// How large the table is at first; a power of two.
const SLOTS: usize = 256;
/// No name is packed to this: no byte of UTF-8 is 0xff.
const EMPTY: u64 = u64::MAX;

/// Nodes by their names.
pub(super) struct NameTable {
    /// A power of two of them, at most half of them in use.
    slots: Vec<(u64, Node)>,
    count: usize,
    /// Names that have no number.
    long: BTreeMap<String, Node>,
}

impl Default for NameTable {
    fn default() -> Self {
        Self { slots: vec![(EMPTY, Node(0)); SLOTS], count: 0, long: BTreeMap::new() }
    }
}

impl NameTable {
    /// Adds a node under a name that is not there yet.
    pub(super) fn insert(&mut self, name: &str, node: Node) {
        assert!(self.find(name).is_none(), "a name belongs to one node");
        let Some(key) = packed(name.as_bytes()) else {
            self.long.insert(name.to_owned(), node);
            return;
        };
        if 2 * (self.count + 1) > self.slots.len() {
            self.grow();
        }
        self.put(key, node);
        self.count += 1;
    }

    /// The node of this name.
    pub(super) fn find(&self, name: &str) -> Option<Node> {
        match packed(name.as_bytes()) {
            Some(key) => self.find_packed(key),
            None => self.long.get(name).copied(),
        }
    }

    /// The node whose name is this number: its bytes, the first one lowest, and where there is room the quotation mark that ends
    /// them in JSON.
    #[inline]
    pub(super) fn find_packed(&self, key: u64) -> Option<Node> {
        let mut slot = self.slot(key);
        loop {
            let (other, node) = self.slots[slot];
            if other == EMPTY {
                return None;
            }
            if other == key {
                return Some(node);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn put(&mut self, key: u64, node: Node) {
        let mut slot = self.slot(key);
        while self.slots[slot].0 != EMPTY {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = (key, node);
    }

    fn grow(&mut self) {
        let larger = vec![(EMPTY, Node(0)); 2 * self.slots.len()];
        for (key, node) in std::mem::replace(&mut self.slots, larger) {
            if key != EMPTY {
                self.put(key, node);
            }
        }
    }

    /// Multiplicative hashing: the high bits of the product depend on every byte of the name.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (self.slots.len() - 1)
    }
}

/// A short name as a number. A name that a JSON string does not hold as it is has none.
fn packed(name: &[u8]) -> Option<u64> {
    if name.len() > SHORT || name.iter().any(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return None;
    }
    let mut bytes = [0; SHORT];
    bytes[..name.len()].copy_from_slice(name);
    if name.len() < SHORT {
        bytes[name.len()] = b'"';
    }
    Some(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_65536_names_long_or_short_finds_its_node() {
        let mut table = NameTable::default();
        let names = (0..=u16::MAX).map(|n| if n % 7 == 0 { format!("a-longer-name-{n}") } else { format!("n{n}") });
        let names: Vec<String> = names.collect();
        for (n, name) in names.iter().enumerate() {
            table.insert(name, Node(n as u16));
        }
        for (n, name) in names.iter().enumerate() {
            assert_eq!(table.find(name), Some(Node(n as u16)), "{name}");
        }
        assert_eq!(table.find("n"), None);
        assert_eq!(table.find("a-longer-name"), None);
    }

    #[test]
    fn a_nul_makes_another_name() {
        let mut table = NameTable::default();
        table.insert("n", Node(0));
        assert_eq!(table.find("n\0"), None);
        table.insert("n\0", Node(1));
        assert_eq!(table.find("n\0"), Some(Node(1)));
        assert_eq!(table.find("n"), Some(Node(0)));
        assert_eq!(table.find_packed(u64::from_le_bytes(*b"n\"\0\0\0\0\0\0")), Some(Node(0)));
        assert_eq!(table.find_packed(u64::from_le_bytes(*b"n\0\"\0\0\0\0\0")), None);
    }

    #[test]
    fn the_number_of_no_name_finds_nothing() {
        assert_eq!(NameTable::default().find_packed(EMPTY), None);
    }
}
