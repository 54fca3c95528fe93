//! What was asked for by name: it has to be in the plan, find its nodes alive, and frames on their way.

use rand::Rng;

use super::{Draft, due_us};
use crate::faults::{class_of, name_of};
use crate::plan::{self, Kind, Link, When};

/// A pause of a node that is killed later needs so long to be seen, us.
const SEEN_US: u64 = 200_000;

/// A time, and a node that is alive and going then, with another one that is alive.
struct Stage {
    begin: u64,
    lasts: u64,
    from: String,
    others: Vec<String>,
}

impl Draft<'_> {
    /// Whatever was asked for by name, and is not there yet with room to bite, is put in once.
    pub(super) fn add_what_was_requested(&mut self) {
        let mut requested = self.plan.requested.clone();
        // Kills first, then pauses: the other faults look for nodes that are alive and going.
        requested.sort_by_key(|name| (name != "kill", name != "pause"));
        for wanted in requested {
            if self.plan.faults.iter().any(|fault| is(&wanted, &fault.fault) && self.is_sure_to_bite(fault)) {
                continue;
            }
            let meant = self.faults.iter().filter(|fault| fault.name == wanted || fault.class == wanted);
            let meant: Vec<&'static str> = meant.map(|fault| fault.name).collect();
            let name = meant[self.chance.random_range(0..meant.len())];
            self.add_surely(name);
        }
    }

    /// Whether a fault finds its nodes alive, and broadcasts that [`Draft::aim`] can turn to it.
    fn is_sure_to_bite(&self, fault: &plan::Fault) -> bool {
        let When::AtUs(begin) = fault.when else { return false };
        let end = begin.saturating_add(fault.for_us.unwrap_or(u64::MAX)).min(self.plan.length_us);
        match &fault.fault {
            Kind::Kill { .. } => begin < self.plan.length_us,
            Kind::Pause { node } => {
                let known = self.plan.nodes.contains(node);
                known && begin < end && self.dies_us(node) > begin.saturating_add(SEEN_US)
            }
            Kind::Partition { cut: links, .. } | Kind::Delay { links, .. } => {
                let lives = |node: &str| self.dies_us(node) == u64::MAX;
                let sends = |node: &str| lives(node) && !self.is_paused(node, begin..end);
                links.iter().any(|(from, to)| sends(from) && lives(to)) && self.broadcasts_in(begin, end)
            }
            Kind::Loss { .. } | Kind::Duplicate { .. } => false,
        }
    }

    /// Whether anything is to be broadcast in this time.
    fn broadcasts_in(&self, begin: u64, end: u64) -> bool {
        self.plan.operations.iter().any(|operation| (begin..end).contains(&due_us(&operation.when)))
    }

    /// A fault of this name that finds its nodes alive, and broadcasts for it to disturb.
    fn add_surely(&mut self, name: &str) {
        if name == "kill" {
            // Late, so that it spoils no story.
            return self.begin_kill(self.plan.length_us / 10 * 9);
        }
        if name == "pause" {
            let (begin, lasts) = (self.plan.length_us / 8 * 5, self.plan.length_us / 4);
            let node = self.survivor();
            self.add(When::AtUs(begin), Some(lasts.max(1)), Kind::Pause { node });
            return;
        }
        let Stage { begin, lasts, from, others } = self.stage();
        let links: Vec<Link> = others.iter().map(|other| (from.clone(), other.clone())).collect();
        let kind = match name {
            "partition" => {
                let (shape, mode) = ("isolate-one".to_owned(), self.mode());
                Kind::Partition { shape, mode, cut: links, around_leader: None }
            }
            "loss" => Kind::Loss { chance_ppm: 500_000, links },
            "duplicate" => Kind::Duplicate { chance_ppm: 500_000, links },
            _ => Kind::Delay { delay_us: lasts.min(20_000), links },
        };
        if self.wishes.rate > 0 {
            // Five, so that a chance of a half misses them all but rarely, if nothing else is under way.
            for step in 1..=5 {
                self.broadcast(&from, When::AtUs(begin + lasts * step / 8));
            }
        }
        self.add(When::AtUs(begin), Some(lasts), kind);
    }

    /// The second quarter of the run or so; where only one node survives, the time before the first death.
    fn stage(&mut self) -> Stage {
        let survivors = self.plan.nodes.iter().filter(|node| self.dies_us(node) == u64::MAX).count();
        let (begin, lasts) = if survivors > 1 || self.victims.is_empty() {
            (self.plan.length_us / 4, self.plan.length_us / 3)
        } else {
            (0, self.victims.iter().map(|(_, since)| *since).min().unwrap_or(0))
        };
        let going = |node: &&String| self.dies_us(node) == u64::MAX && !self.is_paused(node, begin..begin + lasts);
        let going: Vec<String> = self.plan.nodes.iter().filter(going).cloned().collect();
        let from = match going.as_slice() {
            [] => self.survivor(),
            going => going[self.chance.random_range(0..going.len())].clone(),
        };
        let others = self.plan.nodes.iter().filter(|other| **other != from).cloned().collect();
        Stage { begin, lasts: lasts.max(1), from, others }
    }
}

/// Whether a fault is what a name or a class means.
fn is(wanted: &str, kind: &Kind) -> bool {
    wanted == name_of(kind) || wanted == class_of(kind)
}
