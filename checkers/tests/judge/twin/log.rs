//! Replicated logs: each node's ops are gone through again for every question.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use temblor_checkers::op::Event;

use super::Past;
use super::past::{f, field, node};

/// What is known of a node at some moment.
#[derive(Default)]
struct Model {
    /// Terms and hashes by index.
    log: BTreeMap<u64, (u64, u64)>,
    end: Option<u64>,
    term: Option<u64>,
    leads: Option<u64>,
    committed: u64,
}

/// An op about a log.
#[derive(Clone, Copy)]
enum Step {
    Starts,
    Leads(u64),
    Follows(u64),
    Term(u64),
    Has(u64, (u64, u64)),
    Snapshot(u64, (u64, u64)),
    Truncates(u64),
    Commits(u64),
}

fn step(past: &Past, at: usize) -> Option<(u16, Step)> {
    let op = &past.ops[at];
    let p = node(op)?;
    let number = |key: &str| field(op, key).and_then(|value| value.as_u64());
    let entry = || Some((number("term")?, u64::from_str_radix(field(op, "hash")?.as_str()?, 16).ok()?));
    let step = match (&op.event, f(op)) {
        (Event::Start { .. }, _) if past.restarts(p).contains(&at) => Step::Starts,
        (Event::Leader { term }, _) => Step::Leads(*term),
        (_, "follows") => Step::Follows(number("term")?),
        (_, "term") => Step::Term(number("term")?),
        (_, "append") => Step::Has(number("index")?, entry()?),
        (_, "snapshot") => Step::Snapshot(number("index")?, entry()?),
        (_, "truncate") => Step::Truncates(number("from")?),
        (_, "commit") => Step::Commits(number("index")?),
        _ => return None,
    };
    Some((p, step))
}

/// What is known of a node before the op at this position.
fn before(past: &Past, p: u16, at: usize) -> Model {
    let mut model = Model { end: Some(0), ..Model::default() };
    for (_, step) in (0..at).filter_map(|at| step(past, at)).filter(|(q, _)| *q == p) {
        model.takes(step);
    }
    model
}

impl Model {
    fn takes(&mut self, step: Step) {
        match step {
            Step::Starts => (self.end, self.leads, self.committed) = (None, None, 0),
            Step::Leads(term) => (self.term, self.leads) = (Some(term), Some(term)),
            Step::Follows(term) => (self.term, self.leads) = (Some(term), self.leads.filter(|leads| *leads > term)),
            Step::Term(term) => (self.term, self.leads) = (Some(term), self.leads.filter(|leads| *leads >= term)),
            Step::Commits(index) => self.committed = index,
            Step::Truncates(from) => {
                self.log.retain(|index, _| self.end.is_some() && *index < from);
                self.end = Some(from.saturating_sub(1));
            }
            Step::Has(index, entry) => {
                let doubtful = self.end.is_none() && self.log.get(&index) != Some(&entry);
                let joined = self.log.contains_key(&index.wrapping_sub(1));
                self.log.retain(|there, _| *there < index && joined && !doubtful);
                self.log.insert(index, entry);
                self.end = Some(index);
            }
            Step::Snapshot(index, entry) => {
                let there = self.log.get(&index);
                if there == Some(&entry) || there.is_none() && self.end.is_some_and(|end| end >= index) {
                    return;
                }
                self.log = BTreeMap::from([(index, entry)]);
                self.end = self.end.map(|_| index);
            }
        }
    }
}

/// All steps, with what was known of their nodes before.
fn steps(past: &Past) -> Vec<(Step, Model)> {
    let steps = (0..past.ops.len()).filter_map(|at| Some((at, step(past, at)?)));
    steps.map(|(at, (p, step))| (step, before(past, p, at))).collect()
}

pub fn log_matching(past: &Past) -> Vec<Option<u16>> {
    let mut hashes: BTreeMap<(u64, u64), BTreeSet<u64>> = BTreeMap::new();
    for (step, _) in steps(past) {
        if let Step::Has(index, (term, hash)) | Step::Snapshot(index, (term, hash)) = step {
            hashes.entry((index, term)).or_default().insert(hash);
        }
    }
    hashes.values().flat_map(|hashes| vec![None; hashes.len() - 1]).collect()
}

pub fn leader_append_only(past: &Past) -> Vec<Option<u16>> {
    let takes_away = |(step, model): &(Step, Model)| {
        let from = match step {
            Step::Has(index, _) => *index,
            Step::Truncates(from) => *from,
            _ => return false,
        };
        model.leads.is_some() && model.end.is_some_and(|end| from <= end)
    };
    steps(past).iter().filter(|at| takes_away(at)).map(|_| None).collect()
}

pub fn leader_completeness(past: &Past) -> Vec<Option<u16>> {
    let steps = steps(past);
    let commits: Vec<(u64, u64, u64)> = steps
        .iter()
        .filter_map(|(step, model)| {
            let Step::Commits(index) = step else { return None };
            model.end?;
            Some((model.term?, *index, model.log.get(index)?.1))
        })
        .collect();
    let lacks = |(step, model): &&(Step, Model)| {
        let Step::Leads(leads) = step else { return false };
        let earlier = commits.iter().filter(|(term, ..)| term < leads);
        let farthest = earlier.map(|(_, index, hash)| (*index, Reverse(*hash))).max();
        let (Some(end), Some((index, Reverse(hash)))) = (model.end, farthest) else { return false };
        model.log.get(&index).map_or(end < index, |(_, own)| *own != hash)
    };
    steps.iter().filter(lacks).map(|_| None).collect()
}

pub fn commit_order(past: &Past) -> Vec<Option<u16>> {
    let wrong = |(step, model): &(Step, Model)| match step {
        Step::Commits(index) => *index < model.committed || model.end.is_some_and(|end| end < *index),
        Step::Truncates(from) => *from <= model.committed,
        _ => false,
    };
    steps(past).iter().filter(|at| wrong(at)).map(|_| None).collect()
}

pub fn state_machine_safety(past: &Past) -> Vec<Option<u16>> {
    let mut committed: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for (step, model) in steps(past) {
        let Step::Commits(last) = step else { continue };
        for (index, (_, hash)) in model.log.iter().filter(|_| model.end.is_some()) {
            if *index > model.committed && *index <= last {
                committed.entry(*index).or_default().insert(*hash);
            }
        }
    }
    committed.values().flat_map(|hashes| vec![None; hashes.len() - 1]).collect()
}
