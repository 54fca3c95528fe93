//! The logs of the nodes side by side, as they were at the last step: where they part, and what each has committed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use temblor_checkers::op::{Names, Node, Other};

use super::{Table, TableRow};

/// So many entries of a log are remembered; the oldest give way.
const KEPT: usize = 65_536;
/// So many entries are shown around each that matters.
const AROUND: u64 = 2;
/// With so many nodes all are shown.
const COLUMNS: usize = 7;
/// So many entries are shown in all.
const SHOWN: usize = 12;

/// One log.
#[derive(Clone, Debug, Default)]
struct Log {
    /// By index: the term, and the hash of all entries up to here.
    entries: BTreeMap<u64, (u64, String)>,
    committed: u64,
}

/// Logs while a history is read.
#[derive(Debug, Default)]
pub struct Logs {
    of: BTreeMap<usize, Log>,
}

impl Logs {
    /// Takes what a node said of its log.
    pub fn take(&mut self, node: Node, other: &Other) {
        let number = |key: &str| other.value.get(key).and_then(Value::as_u64);
        let (f, index) = (other.f.as_str(), number("index"));
        if !matches!(f, "append" | "truncate" | "commit" | "snapshot") {
            return;
        }
        let log = self.of.entry(node.at()).or_default();
        match (f, index, number("from")) {
            ("append" | "snapshot", Some(index), _) => {
                let hash = other.value.get("hash").and_then(Value::as_str).unwrap_or_default();
                log.entries.insert(index, (number("term").unwrap_or_default(), hash.to_owned()));
                if log.entries.len() > KEPT {
                    log.entries.pop_first();
                }
                if f == "snapshot" {
                    log.committed = log.committed.max(index);
                }
            }
            ("truncate", _, Some(from)) => drop(log.entries.split_off(&from)),
            ("commit", Some(index), _) => log.committed = log.committed.max(index),
            _ => {}
        }
    }

    /// The entries around these indices and around the first at which two logs differ; `None` where no node has a log.
    pub fn table(&self, named: &BTreeSet<u64>, names: &Names) -> Option<Table> {
        let indices: BTreeSet<u64> = self.of.values().flat_map(|log| log.entries.keys().copied()).collect();
        let first = indices.iter().copied().find(|index| self.differs(*index));
        let matters: Vec<u64> = named.iter().copied().chain(first).collect();
        let near = |index: &u64| matters.iter().any(|matters| matters.abs_diff(*index) <= AROUND);
        let mut shown: Vec<u64> = indices.into_iter().filter(near).collect();
        while shown.len() > SHOWN {
            let at = shown.iter().rposition(|index| !matters.contains(index)).unwrap_or(shown.len() - 1);
            shown.remove(at);
        }
        if shown.is_empty() {
            return None;
        }
        // A node that has nothing matters too, where there is room for it.
        let all: Vec<(usize, &str)> = names.iter().map(|(node, name)| (node.at(), name)).collect();
        let few = all.len() <= COLUMNS;
        let nodes: Vec<(usize, &str)> = all.into_iter().filter(|(at, _)| few || self.of.contains_key(at)).collect();
        let rows = shown.iter().map(|index| self.row((*index, Some(*index) == first), &nodes));
        Some(Table {
            title: "The logs at the last step (* is committed)".to_owned(),
            head: std::iter::once("entry".to_owned()).chain(nodes.iter().map(|(_, name)| (*name).to_owned())).collect(),
            rows: rows.collect(),
        })
    }

    /// Whether two nodes have different entries here.
    fn differs(&self, index: u64) -> bool {
        let mut entries = self.of.values().filter_map(|log| log.entries.get(&index));
        let first = entries.next();
        entries.any(|entry| Some(entry) != first)
    }

    fn row(&self, (index, first): (u64, bool), nodes: &[(usize, &str)]) -> TableRow {
        let mut hashes: Vec<&str> = Vec::new();
        for (_, hash) in self.of.values().filter_map(|log| log.entries.get(&index)) {
            if !hashes.contains(&hash.as_str()) {
                hashes.push(hash);
            }
        }
        let cell = |(node, _): &(usize, &str)| {
            let Some((log, (term, hash))) = self.of.get(node).and_then(|log| Some((log, log.entries.get(&index)?)))
            else {
                return "none".to_owned();
            };
            // Entries of one term may still differ, or what stands before them does: then letters tell them apart.
            let which = hashes.iter().position(|other| other == hash).unwrap_or(0);
            let letter = char::from(b'a' + u8::try_from(which.min(25)).unwrap_or(25));
            let letter = if hashes.len() > 1 { format!(" {letter}") } else { String::new() };
            let committed = if index <= log.committed { " *" } else { "" };
            format!("term {term}{letter}{committed}")
        };
        let cells = std::iter::once(index.to_string()).chain(nodes.iter().map(cell)).collect();
        TableRow { cells, wrong: first, remark: if first { "differs".to_owned() } else { String::new() } }
    }
}
