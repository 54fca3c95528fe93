//! What the nemesis did: which fault was in force when, which bit, and which exits it caused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::calm::{Calm, Harm};
use crate::op::{Kind, Names, Node, Op, Other};

/// The most faults that are kept for witnesses, and the most that can be in force at once; more are counted only.
const KEPT: usize = 1024;

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The op's index.
    pub index: u64,
    /// Its time, ns since the run began.
    pub time: u64,
}

impl Moment {
    /// When an op happened.
    pub fn of(op: &Op) -> Moment {
        Moment { index: op.index, time: op.time }
    }
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What it was: `kill`, `partition`, ...
    pub f: String,
    /// When it was asked for.
    pub began: Moment,
    /// When it was lifted or was over, if it was.
    pub ended: Option<Moment>,
    /// The node that it hit, if it was one.
    pub node: Option<Node>,
    /// The directed links that it hit.
    pub links: Vec<(Node, Node)>,
}

/// Everything that the nemesis did.
#[derive(Default)]
pub struct Faults {
    open: BTreeMap<u64, Fault>,
    past: Vec<Fault>,
    /// How many faults bit, by class (`link`, `kill`, ...).
    pub bites: BTreeMap<String, u64>,
    /// What bit, by class and by name (`link` and `loss`).
    bitten: BTreeSet<String>,
    /// What could have kept messages from somebody, and when.
    pub calm: Calm,
    /// Kills that have not been followed by an exit yet, by the node's name.
    kills: BTreeMap<String, u64>,
    /// How many faults have begun.
    begun: u64,
    /// The first message that the file named after the last fault was over.
    calm_from: usize,
}

impl Faults {
    /// Whether no fault was in force at any moment since the file first named the message of this place.
    #[inline]
    pub fn calm_since(&self, place: usize) -> bool {
        self.open.is_empty() && place >= self.calm_from
    }

    /// How many faults have begun so far, and whether one is in force.
    pub fn weather(&self) -> (u64, bool) {
        (self.begun, !self.open.is_empty())
    }

    /// Whether a fault of this class or name bit.
    pub fn bit(&self, class: &str) -> bool {
        self.bitten.contains(class)
    }

    /// A node exited with this status (as the history writes it): whether a kill explains that. Each kill explains one exit.
    pub fn explains_exit(&mut self, node: &str, status: Option<&str>) -> bool {
        let outstanding = self.kills.get_mut(node).filter(|kills| **kills > 0);
        match outstanding {
            Some(kills) if status.is_none_or(|s| s == "signal 9") => {
                *kills -= 1;
                true
            }
            _ => false,
        }
    }

    /// A life ended, by a fault or not: nobody can give back what it had to pass on.
    pub fn exited(&mut self, at: Moment) {
        self.calm.begins(None, Harm::Loses, at.time);
    }

    /// Takes an op of the nemesis; `named` is how many messages the file has named so far.
    pub fn take(&mut self, op: &Op, other: &Other, (names, named): (&Names, usize)) {
        match (other.f.as_str(), op.kind) {
            ("heal", Kind::Ok) => self.end_all(op, named),
            ("resume", Kind::Ok | Kind::Info) => self.end(op, &other.value, named),
            ("heal" | "resume" | "run" | "drained" | "interrupted", _) => {}
            // A start is no fault: the one that it belongs to is said of itself.
            ("restart", _) if other.value.get("of").is_some() => {}
            (_, Kind::Invoke) => self.begin(op, other, names),
            (f, Kind::Fail) => self.failed(f, &other.value),
            (f, kind) => {
                if kind == Kind::Ok {
                    self.bit_now(f, &other.value);
                }
                if f != "pause" {
                    self.end(op, &other.value, named);
                }
            }
        }
    }

    /// All faults in the order in which they were asked for, those that were never lifted included.
    pub fn into_all(self) -> Vec<Fault> {
        let mut all = self.past;
        all.extend(self.open.into_values());
        all.sort_by_key(|fault| fault.began.index);
        all
    }

    fn begin(&mut self, op: &Op, other: &Other, names: &Names) {
        self.begun += 1;
        let node = text(&other.value, "node");
        if let (Some(node), "kill") = (node, other.f.as_str()) {
            *self.kills.entry(node.to_owned()).or_default() += 1;
        }
        let id = other.value.get("id").and_then(Value::as_u64);
        self.calm.begins(id, harm(&other.f), op.time);
        let Some(id) = id else { return };
        if self.open.len() == KEPT {
            return;
        }
        let node = node.and_then(|name| names.find(name));
        let links = ["cut", "links"].iter().flat_map(|key| links(&other.value, key, names)).collect();
        let fault = Fault { f: other.f.clone(), began: Moment::of(op), ended: None, node, links };
        self.open.insert(id, fault);
    }

    /// The fault was not applied: it was never in force.
    fn failed(&mut self, f: &str, value: &Value) {
        if let Some(id) = value.get("id").and_then(Value::as_u64) {
            self.open.remove(&id);
            self.calm.never_was(id);
        }
        if let ("kill", Some(kills)) = (f, text(value, "node").and_then(|node| self.kills.get_mut(node))) {
            *kills = kills.saturating_sub(1);
        }
    }

    fn bit_now(&mut self, f: &str, value: &Value) {
        let class = text(value, "class").unwrap_or(f);
        *self.bites.entry(class.to_owned()).or_default() += 1;
        self.bitten.insert(class.to_owned());
        self.bitten.insert(f.to_owned());
    }

    fn end(&mut self, op: &Op, value: &Value, named: usize) {
        let Some(id) = value.get("id").and_then(Value::as_u64) else { return };
        self.calm.ends(id, op.time);
        let Some(mut fault) = self.open.remove(&id) else { return };
        fault.ended = Some(Moment::of(op));
        self.calm_from = named;
        if self.past.len() < KEPT {
            self.past.push(fault);
        }
    }

    fn end_all(&mut self, op: &Op, named: usize) {
        self.calm.all_end(op.time);
        for (_, mut fault) in std::mem::take(&mut self.open) {
            fault.ended = Some(Moment::of(op));
            self.calm_from = named;
            if self.past.len() < KEPT {
                self.past.push(fault);
            }
        }
    }
}

/// A node that stands still loses nothing; every other fault may lose a frame, or the connection that it was on.
fn harm(f: &str) -> Harm {
    match f {
        "pause" | "stutter" => Harm::Delays,
        _ => Harm::Loses,
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn links(value: &Value, key: &str, names: &Names) -> Vec<(Node, Node)> {
    let pair = |link: &Value| {
        let end = |at| link.get(at).and_then(Value::as_str).and_then(|name| names.find(name));
        Some((end(0)?, end(1)?))
    };
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(pair).collect()
}
