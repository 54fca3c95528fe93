//! The faults of a history, as their lines say: which, where, and from when to when.

use std::collections::BTreeSet;

use serde_json::Value;
use temblor_checkers::op::{Kind, Names, Op, Other};

use crate::words::{counted, listed};

/// So many links are named one by one.
const LINKS_SHOWN: usize = 3;
/// So many faults are kept; those that were over first give way.
const KEPT: usize = 4096;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it was: `kill`, `partition`, ...
    pub f: String,
    /// The number that the history gives it.
    pub id: u64,
    /// The line of its `invoke`, counted from 0, and when that was.
    pub began: (u64, u64),
    /// The line of its end and when that was; without it, it was in force as far as the file was read.
    pub ended: Option<(u64, u64)>,
    /// The node that it hit, if it was one.
    pub node: Option<usize>,
    /// The directed links that it hit.
    pub links: Vec<(usize, usize)>,
    /// For a partition, what it does to frames.
    pub mode: String,
    /// How many frames it is known to have taken.
    pub struck: u64,
    /// What it did to files, in words; empty for what damages none.
    pub damage: String,
}

/// The faults that have been read so far.
#[derive(Debug, Default)]
pub struct Faults {
    all: Vec<Fault>,
    kills: Vec<Kill>,
}

/// A kill that a fault of many asked for, such as a crash loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The line of its `invoke`, counted from 0.
    pub index: u64,
    /// Whom it hit.
    pub node: usize,
    /// The fault: `crash-loop 3`.
    pub of: String,
}

impl Faults {
    /// Takes a line of the nemesis.
    pub fn take(&mut self, op: &Op, other: &Other, names: &Names) {
        let id = other.value.get("id").and_then(Value::as_u64);
        match (other.f.as_str(), op.kind, id) {
            ("heal", Kind::Ok, _) => self.all.iter_mut().for_each(|fault| fault.end(op)),
            ("resume", Kind::Ok | Kind::Info, Some(id)) => self.end(op, id, 0),
            ("heal" | "resume" | "run" | "drained" | "interrupted" | "pause", Kind::Ok | Kind::Info, _) => {}
            ("heal" | "resume", Kind::Invoke, _) => {}
            (_, Kind::Invoke, Some(id)) => self.begin((op, id), other, names),
            ("kill", Kind::Invoke, None) => self.kills.extend(self.kill(op, other, names)),
            // What could not be applied was never in force.
            (_, Kind::Fail, Some(id)) => self.all.retain(|fault| fault.id != id || fault.ended.is_some()),
            (_, _, Some(id)) => {
                self.end(op, id, struck(&other.value));
                self.damage(id, &other.value);
            }
            _ => {}
        }
    }

    /// Whether some fault has begun and not ended.
    pub fn in_force(&self) -> bool {
        self.all.iter().any(|fault| fault.ended.is_none())
    }

    /// All of them, in the order in which they began; and the kills of faults of many.
    pub fn into_all(self) -> (Vec<Fault>, Vec<Kill>) {
        (self.all, self.kills)
    }

    fn kill(&self, op: &Op, other: &Other, names: &Names) -> Option<Kill> {
        let of = other.value.get("of").and_then(Value::as_u64)?;
        let node = names.find(other.value.get("node")?.as_str()?)?.at();
        let of = self.all.iter().rev().find(|fault| fault.id == of)?.name();
        Some(Kill { index: op.index, node, of })
    }

    fn begin(&mut self, (op, id): (&Op, u64), other: &Other, names: &Names) {
        if self.all.len() == KEPT {
            let over = self.all.iter().position(|fault| fault.ended.is_some()).unwrap_or(0);
            self.all.remove(over);
        }
        let text = |key| other.value.get(key).and_then(Value::as_str);
        let node = text("node").and_then(|name| names.find(name)).map(|node| node.at());
        let links = ["cut", "links"].iter().flat_map(|key| links(&other.value, key, names)).collect();
        let (f, mode) = (other.f.clone(), text("mode").unwrap_or_default().to_owned());
        self.all.push(Fault {
            f,
            id,
            began: (op.index, op.time),
            ended: None,
            node,
            links,
            mode,
            struck: 0,
            damage: String::new(),
        });
    }

    fn damage(&mut self, id: u64, value: &Value) {
        let Some(files) = value.get("files").and_then(Value::as_array) else { return };
        let change = |file: &Value| {
            let [before, after] = [0, 1].map(|at| file.get("bytes")?.get(at)?.as_u64());
            let name = file.get("file")?.as_str()?;
            Some(match (before?, after?) {
                (before, after) if before == after => format!("changed {name}"),
                (before, after) => format!("cut {name} from {before} to {after} bytes"),
            })
        };
        let changes: Vec<String> = files.iter().filter_map(change).collect();
        if let Some(fault) = self.all.iter_mut().rev().find(|fault| fault.id == id) {
            fault.damage =
                if changes.is_empty() { "took nothing from its files".to_owned() } else { changes.join(", ") };
        }
    }

    fn end(&mut self, op: &Op, id: u64, struck: u64) {
        if let Some(fault) = self.all.iter_mut().rev().find(|fault| fault.id == id) {
            fault.struck = fault.struck.max(struck);
            fault.end(op);
        }
    }
}

impl Fault {
    /// `partition #3`, as the notes of a diagram call it.
    pub fn name(&self) -> String {
        format!("{} #{}", self.f, self.id)
    }

    /// What it did to frames, in a word.
    pub fn did(&self) -> &'static str {
        match (self.f.as_str(), self.mode.as_str()) {
            ("partition", "hold") => "held",
            ("delay" | "jitter" | "rate" | "reorder", _) => "delayed",
            ("duplicate", _) => "doubled",
            ("bites", _) => "hit",
            _ => "dropped",
        }
    }

    /// Whether it stops a node, once or again and again.
    pub fn pauses(&self) -> bool {
        matches!(self.f.as_str(), "pause" | "stutter")
    }

    /// Which links it disturbs, in words: `n1 | n2, n3` for both ways, `n1 → n3` for one.
    /// Of links without such a pattern those between `drawn` nodes come first.
    pub fn place(&self, nodes: &[String], drawn: &[usize]) -> String {
        let pairs: BTreeSet<(usize, usize)> = self.links.iter().copied().collect();
        let from: BTreeSet<usize> = pairs.iter().map(|(from, _)| *from).collect();
        let to: BTreeSet<usize> = pairs.iter().map(|(_, to)| *to).collect();
        if nodes.len() > 2 && pairs.len() == nodes.len() * (nodes.len() - 1) {
            return "all links".to_owned();
        }
        let named = |set: &BTreeSet<usize>| listed(set.iter().map(|node| nodes[*node].as_str()));
        if from.is_disjoint(&to) && pairs.len() == from.len() * to.len() {
            return format!("{} → {}", named(&from), named(&to));
        }
        // The neighbours of one node, and the neighbours of one of those: if it is a cut of two sides, these are the sides.
        let beyond = |node: usize| -> BTreeSet<usize> {
            pairs.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to).collect()
        };
        let other = from.first().map(|node| beyond(*node)).unwrap_or_default();
        let one = other.first().map(|node| beyond(*node)).unwrap_or_default();
        let both_ways = one.iter().all(|node| beyond(*node) == other) && other.iter().all(|node| beyond(*node) == one);
        if both_ways && one.is_disjoint(&other) && pairs.len() == 2 * one.len() * other.len() {
            return format!("{} | {}", named(&one), named(&other));
        }
        let near = |(from, to): &&(usize, usize)| drawn.contains(from) && drawn.contains(to);
        let (mut links, far): (Vec<_>, Vec<_>) = pairs.iter().partition(near);
        links.extend(far);
        let shown = links.iter().take(LINKS_SHOWN).map(|(from, to)| format!("{} → {}", nodes[*from], nodes[*to]));
        let shown = shown.collect::<Vec<_>>().join(", ");
        match links.len().saturating_sub(LINKS_SHOWN) {
            0 => shown,
            more => format!("{shown} and {}", counted(more, "more link", "more links")),
        }
    }

    fn end(&mut self, op: &Op) {
        self.ended = self.ended.or(Some((op.index, op.time)));
    }
}

/// The frames that a completion counts: the third part of each triple in `blocked` or `bites`.
fn struck(value: &Value) -> u64 {
    let counted = ["blocked", "bites"].iter().filter_map(|key| value.get(key)?.as_array()).flatten();
    counted.filter_map(|triple| triple.get(2)?.as_u64()).sum()
}

fn links(value: &Value, key: &str, names: &Names) -> Vec<(usize, usize)> {
    let end = |link: &Value, at: usize| Some(names.find(link.get(at)?.as_str()?)?.at());
    let pair = |link: &Value| Some((end(link, 0)?, end(link, 1)?));
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(pair).collect()
}
