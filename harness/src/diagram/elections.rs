//! Who led in which term, and who voted for whom: a grid of terms and nodes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use temblor_checkers::op::{Names, Node, Other};

use super::{Table, TableRow};

/// So many terms are remembered; the oldest give way.
const KEPT: usize = 256;
/// So many terms are shown.
const SHOWN: usize = 8;

/// What one node did in one term.
#[derive(Clone, Debug, Default)]
struct Part {
    leads: bool,
    votes: Vec<String>,
    follows: BTreeSet<String>,
}

/// Elections while a history is read.
#[derive(Debug, Default)]
pub struct Elections {
    terms: BTreeMap<u64, BTreeMap<usize, Part>>,
}

impl Elections {
    /// Takes the claim of a node.
    pub fn leads(&mut self, node: Node, term: u64) {
        self.part(node, term).leads = true;
    }

    /// Takes something else that a node said.
    pub fn take(&mut self, node: Node, other: &Other) {
        let Some(term) = other.value.get("term").and_then(Value::as_u64) else { return };
        let name = |key: &str| other.value.get(key).and_then(Value::as_str).map(str::to_owned);
        match (other.f.as_str(), name("for"), name("leader")) {
            ("vote", Some(candidate), _) => {
                let votes = &mut self.part(node, term).votes;
                if !votes.contains(&candidate) {
                    votes.push(candidate);
                }
            }
            ("follows", _, Some(leader)) => {
                self.part(node, term).follows.insert(leader);
            }
            _ => {}
        }
    }

    fn part(&mut self, node: Node, term: u64) -> &mut Part {
        while self.terms.len() >= KEPT && !self.terms.contains_key(&term) {
            self.terms.pop_first();
        }
        self.terms.entry(term).or_default().entry(node.at()).or_default()
    }

    /// The grid around these terms; `None` where nobody took part in one of them.
    pub fn table(&self, named: &BTreeSet<u64>, names: &Names) -> Option<Table> {
        let near = |term: &u64| named.iter().any(|named| named.abs_diff(*term) <= 1);
        let mut shown: Vec<u64> = self.terms.keys().copied().filter(near).collect();
        // What is named stays; of its neighbours the oldest go first.
        while shown.len() > SHOWN {
            let at = shown.iter().position(|term| !named.contains(term)).unwrap_or(0);
            shown.remove(at);
        }
        if shown.is_empty() {
            return None;
        }
        let nodes: BTreeSet<usize> = shown.iter().flat_map(|term| self.terms[term].keys().copied()).collect();
        let name = |node: usize| names.iter().nth(node).map_or_else(String::new, |(_, name)| name.to_owned());
        let rows = shown.iter().map(|term| row(*term, &self.terms[term], &nodes));
        Some(Table {
            title: "Terms and who took part".to_owned(),
            head: std::iter::once("term".to_owned()).chain(nodes.iter().map(|node| name(*node))).collect(),
            rows: rows.collect(),
        })
    }
}

fn row(term: u64, parts: &BTreeMap<usize, Part>, nodes: &BTreeSet<usize>) -> TableRow {
    let leaders = parts.values().filter(|part| part.leads).count();
    let twice = parts.values().any(|part| part.votes.len() > 1);
    let remark = match (leaders > 1, twice) {
        (true, _) => "two leaders",
        (false, true) => "voted twice",
        _ => "",
    };
    let cell = |node: &usize| parts.get(node).map_or_else(String::new, told);
    let cells = std::iter::once(term.to_string()).chain(nodes.iter().map(cell)).collect();
    TableRow { cells, wrong: !remark.is_empty(), remark: remark.to_owned() }
}

fn told(part: &Part) -> String {
    let mut words = Vec::new();
    if part.leads {
        words.push("leads".to_owned());
    }
    if !part.votes.is_empty() {
        words.push(format!("votes {}", part.votes.join(" and ")));
    }
    if !part.leads && !part.follows.is_empty() {
        let leaders: Vec<&str> = part.follows.iter().map(String::as_str).collect();
        words.push(format!("follows {}", leaders.join(" and ")));
    }
    words.join(", ")
}
